# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which sticks the cluster can depend on."""

from collections.abc import Collection
from collections.abc import Sequence
from collections.abc import Set
from enum import IntEnum

from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.reliability.promptness import Promptness
from ncs_cluster_detector.policy.reliability.promptness import USELESS_FACTOR
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# A stick of unknown temperature works so long at a time and then rests four times as long, unless
# no other stick can work.
BLIND_TURN_SEC = 3.0
BLIND_REST_FACTOR = 4.0


class Standing(IntEnum):
    """
    How far a running stick can be depended on.

    The lower, the earlier it comes to work; one with a higher standing is relieved by one with a
    lower as soon as there is one. From USELESS on it works only where no other can.
    """

    TRUSTED = 0
    DOUBTED = 1    # it failed or was late, and has not done enough good work since
    SLOW = 2       # it takes much longer than the others
    BLIND = 3      # its temperature is unknown
    USELESS = 4    # it is so slow that it delays more than it gives
    SPENT = 5      # its temperature is unknown, and it has worked its share
    UNPROVEN = 6   # it failed, and has not shown since that it works
    LATE = 7       # its result is overdue

    @property
    def can_fill(self) -> bool:
        """Tell whether a stick may take a place while others can work."""
        return self < Standing.USELESS


class Standings:
    """The standing of each running stick, in the dictionary ``of``."""

    def __init__(self) -> None:
        self.of: dict[int, Standing] = {}
        # Blind stick -> its work, in seconds, that it has to rest from.
        self._to_rest_sec: dict[int, float] = {}
        self._spent: set[int] = set()
        self._updated_at: float | None = None

    def update(self, now: float, sticks: Sequence[StickStatus], heat: ClusterHeat,
               promptness: Promptness, active: Collection[int]) -> None:
        """
        Take in the state of all sticks.

        :param heat: has observed them.
        :param promptness: has been updated with them.
        :param active: numbers of the sticks that have been active until now.
        """
        running = [stick for stick in sticks if stick.state is StickState.RUNNING]
        blind = {stick.number for stick in running if heat.now(stick.number) is None}
        self._count_turns(now, blind, active)
        if len(blind) == len(running):   # they share the work as if all were known
            self._spent.clear()
        self.of = {stick.number: self._standing(stick, blind, promptness) for stick in running}

    def _standing(self, stick: StickStatus, blind: Set[int], promptness: Promptness) -> Standing:
        slowness = promptness.slowness.get(stick.number)
        if stick.number in promptness.late:
            return Standing.LATE
        if stick.trials_left:
            return Standing.UNPROVEN
        if stick.number in self._spent:
            return Standing.SPENT
        if slowness is not None and slowness.factor >= USELESS_FACTOR:
            return Standing.USELESS
        if stick.number in blind:
            return Standing.BLIND
        if slowness is not None:
            return Standing.SLOW
        return Standing.DOUBTED if stick.doubt_sec else Standing.TRUSTED

    def _count_turns(self, now: float, blind: Set[int], active: Collection[int]) -> None:
        elapsed_sec = 0.0 if self._updated_at is None else now - self._updated_at
        self._updated_at = now
        before, self._to_rest_sec = self._to_rest_sec, {}
        for number in blind | before.keys():
            worked_sec = before.get(number, 0.0)
            if number in blind and number in active:
                worked_sec += elapsed_sec
            else:
                worked_sec -= elapsed_sec / BLIND_REST_FACTOR
            if worked_sec >= BLIND_TURN_SEC:
                self._spent.add(number)
            if worked_sec > 0.0:
                # Work beyond its turn, because no other stick could, does not count.
                self._to_rest_sec[number] = min(worked_sec, BLIND_TURN_SEC)
        self._spent &= blind & self._to_rest_sec.keys()
