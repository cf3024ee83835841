# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Whether the reserve works: another processor of the host that detects while sticks are gone."""

from collections.abc import Iterable
import math

from ncs_cluster_detector.policy.reliability.promptness import USELESS_FACTOR
from ncs_cluster_detector.policy.reliability.trust import TRIAL_PERIOD_SEC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# For so long after the start of a node, or after another stick has become usable, a further one
# may still be looked for: a worker that lists the sticks is there within a second or two, and a
# host that was not heard for so long is missing (PATIENCE_SEC of the RemotePool).
LOOK_SEC = 5.0
# One that starts takes less than this: it boots, answers and loads its networks in 2 to 4 s.
START_SEC = 10.0
# A stick that is just back often goes again, so the reserve stays for this time: well below the
# second within which it must be gone, and longer than a loose plug needs to bounce.
RETURN_SEC = 0.5
_COMING = (StickState.STARTING, StickState.QUEUED)


class ReservePolicy:
    """
    Decide whether the reserve works: at once when fewer sticks than ``reserve_below`` are usable.

    A stick is usable when it runs and may get frames. One that is too hot to work, or late, is
    not: it gets none, so that nothing would be detected while the only stick cools. A stick that
    is only hot, slow or in doubt is usable, since it works when it is needed.

    While the sticks start for the first time the reserve waits, so that a normal start neither
    warns nor takes the processor from the workers that start. From the first moment at which
    enough are usable, or at which none can be expected any more, it waits no longer.

    ``works_since`` is when it began to work, None while it does not, and ``uses`` counts how often
    it has begun. ``usable`` is how many sticks were usable at the latest update.
    """

    def __init__(self) -> None:
        """Begin with a node that starts."""
        self.works_since: float | None = None
        self.uses = 0
        self.usable = 0
        self._is_first_start = True
        self._most_usable = 0
        self._progress_at: float | None = None   # of the first start
        self._due_at = math.inf      # when time alone changes something
        self._leaves_at = math.inf   # when its work ends, while enough sticks are usable

    @property
    def works(self) -> bool:
        """Tell whether the reserve gets frames."""
        return self.works_since is not None

    def update(self, now: float, states: Iterable[StickState], usable: int,
               settings: Settings) -> None:
        """
        Take in the state of all sticks.

        :param states: that of each stick.
        :param usable: how many of them are usable.
        """
        self.usable = usable
        is_enough = usable >= settings.reserve_below
        self._due_at = math.inf
        if self._is_first_start:
            self._is_first_start = not is_enough and self._may_come(now, states)
        if not settings.enabled:
            self.works_since = None   # no frame is inferred
        elif not is_enough and not self._is_first_start:
            self._leaves_at = math.inf
            if self.works_since is None:
                self.works_since = now
                self.uses += 1
        elif self.works_since is not None:
            self._leaves_at = min(self._leaves_at, now + RETURN_SEC)
            if now >= self._leaves_at:
                self.works_since = None
            else:
                self._due_at = self._leaves_at
        if self.works_since is None:
            self._leaves_at = math.inf

    def _may_come(self, now: float, states: Iterable[StickState]) -> bool:
        """Return whether a normal start may still bring a further stick."""
        if self._progress_at is None or self.usable > self._most_usable:
            self._progress_at, self._most_usable = now, self.usable
        is_coming = any(state in _COMING for state in states)
        until = self._progress_at + (START_SEC if is_coming else LOOK_SEC)
        if now < until:
            self._due_at = until
        return now < until

    def next_due(self) -> float:
        """Return when to call :meth:`update` at the latest, or infinite."""
        return self._due_at

    def may_take(self, worker: StickStatus, typical_sec: float) -> bool:
        """
        Tell whether the reserve gets a frame that no stick can take now.

        Beside sticks it takes none if it is so much slower that it would delay more than it gives,
        as with a slow stick, because results are published in order.

        :param worker: its worker as if that was a stick.
        :param typical_sec: the sticks' usual time for a frame.
        """
        return self._has_room(worker) and not self._is_useless(worker, typical_sec)

    def may_try(self, now: float, worker: StickStatus, typical_sec: float) -> bool:
        """Tell whether one that is so slow gets a stick's frame too, to show if it still is."""
        return (self._has_room(worker) and self._is_useless(worker, typical_sec)
                and now >= worker.last_given_at + TRIAL_PERIOD_SEC)

    def _has_room(self, worker: StickStatus) -> bool:
        return self.works and worker.state is StickState.RUNNING and not worker.outstanding

    def _is_useless(self, worker: StickStatus, typical_sec: float) -> bool:
        return bool(self.usable) and worker.recent_sec is not None and (
            worker.recent_sec >= USELESS_FACTOR * typical_sec)
