# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When to restart the worker of a stick of unknown temperature, which may revive its sensor."""

from collections import defaultdict
from collections.abc import Collection
from collections.abc import Sequence

from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

FIRST_AFTER_SEC = 30.0
# A sensor that stays broken must not cost restarts for ever.
LONGEST_INTERVAL_SEC = 3600.0
# After its temperature was known for so long a stick starts again with the shortest interval: a
# stuck sensor can seem to work for less than this after a restart, until work shows that it is
# stuck.
SIGHTED_SEC = 600.0


class BlindRestart:
    """
    Tells when to restart the worker of one stick while its temperature is unknown.

    First when it was unknown for thirty seconds on end, then after twice as long each time, up to
    an hour. ``restarts`` counts those since it was last known for ten minutes.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self._blind_since: float | None = None
        self._sighted_since: float | None = None

    def is_due(self, now: float, is_blind: bool, may_restart: bool = True) -> bool:
        """
        Take note whether a running stick is blind; return whether to restart its worker now.

        The caller then restarts it: the next interval counts from here.

        :param is_blind: whether its temperature is unknown.
        :param may_restart: whether its worker may be restarted now.
        """
        if not is_blind:
            self._blind_since = None
            if self._sighted_since is None:
                self._sighted_since = now
            if now >= self._sighted_since + SIGHTED_SEC:
                self.restarts = 0
            return False
        self._sighted_since = None
        if self._blind_since is None:
            self._blind_since = now
        # Doubled for weeks it would overflow.
        interval_sec = min(FIRST_AFTER_SEC * 2.0 ** min(self.restarts, 16), LONGEST_INTERVAL_SEC)
        if now < self._blind_since + interval_sec or not may_restart:
            return False
        self.restarts += 1
        self._blind_since = None
        return True

    def away(self) -> None:
        """Note that the stick does not run: its blindness counts from when it is back."""
        self._blind_since = self._sighted_since = None


class BlindRestarts:
    """The restarts of all sticks."""

    def __init__(self) -> None:
        self._of: dict[int, BlindRestart] = defaultdict(BlindRestart)

    def due(self, now: float, sticks: Sequence[StickStatus], heat: ClusterHeat,
            active: Collection[int]) -> tuple[int, ...]:
        """
        Return the numbers of the sticks of unknown temperature that are to be restarted now.

        Those that rest. While no running stick has a known temperature, also those at work, one at
        a time and while no other is restarted, so that detection goes on.
        """
        blind = {number for number in heat.running if heat.now(number) is None}
        may_at_work = len(blind) == len(heat.running) and not any(
            stick.state in (StickState.STARTING, StickState.STOPPING) for stick in sticks)
        due: list[int] = []
        for stick in sorted(sticks, key=lambda stick: stick.number in active):
            restarts = self._of[stick.number]
            if stick.state is not StickState.RUNNING:
                restarts.away()
                continue
            rests = stick.number not in active and not stick.outstanding
            may_restart = rests or may_at_work and not due
            if restarts.is_due(now, stick.number in blind, may_restart):
                due.append(stick.number)
        return tuple(due)
