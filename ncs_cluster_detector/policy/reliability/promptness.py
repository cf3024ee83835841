# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which sticks are late, and which are slow: compared with themselves and with each other."""

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# A stick is late when its result takes so many times its usual time, and at least so long: a busy
# host holds a healthy one up by some tens of milliseconds.
LATE_FACTOR, LEAST_LATE_SEC = 3.0, 0.25
# Assumed while nothing is known; a stick takes some 100 ms with MobileNet-SSD.
TYPICAL_SEC = 0.1
# The usual times that another stick needs to answer in place of a late one: the transfer, the
# inference, and half of one that is under way.
ANSWER_FACTOR = 1.5
# A stick is slow from so many times the time of the others on, and no longer slow below the
# second. From the third on its results come so late that it delays more than it gives.
SLOW_FACTOR, QUICK_FACTOR, USELESS_FACTOR = 2.0, 1.7, 3.0


@dataclass(frozen=True)
class Slowness:
    """How slow a stick is: its recent time for an inference, and the typical one, in seconds."""

    recent_sec: float
    typical_sec: float

    @property
    def factor(self) -> float:
        """Return how many times as long as the others it takes."""
        return self.recent_sec / self.typical_sec


class Promptness:
    """
    How fast the sticks answer.

    ``late`` are the numbers of the sticks whose result is overdue, ``newly_late`` those of them
    that were not late at the last call; ``slowness`` has the Slowness of each slow stick.
    """

    def __init__(self) -> None:
        self.late: frozenset[int] = frozenset()
        self.newly_late: frozenset[int] = frozenset()
        self.slowness: dict[int, Slowness] = {}
        self._recent: dict[int, float] = {}
        self.typical_sec = TYPICAL_SEC   # the median of their usual times

    def update(self, now: float, sticks: Sequence[StickStatus]) -> None:
        """Take in the state of all sticks."""
        running = [stick for stick in sticks if stick.state is StickState.RUNNING]
        self._compare({stick.number: stick.recent_sec for stick in running
                       if stick.recent_sec})
        usual = [stick.inference_sec for stick in running if stick.inference_sec is not None]
        self.typical_sec = median_low(usual) if usual else TYPICAL_SEC
        late = frozenset(stick.number for stick in running if self.late_at(stick) <= now)
        self.newly_late = late - self.late
        self.late = late

    def late_at(self, stick: StickStatus) -> float:
        """Return when a stick is late; infinite when no result is due."""
        if stick.busy_since is None:
            return float('inf')
        return stick.busy_since + self.patience_with(stick.inference_sec)

    def next_due(self, now: float, sticks: Iterable[StickStatus]) -> float | None:
        """Return when the next stick is late, or None."""
        return min((moment for moment in map(self.late_at, sticks) if moment > now
                    and moment != float('inf')), default=None)

    def patience_with(self, usual_sec: float | None = None) -> float:
        """Return after how many seconds a stick with a usual time is late."""
        return max(LATE_FACTOR * (usual_sec or self.typical_sec), LEAST_LATE_SEC)

    @property
    def order_patience_sec(self) -> float:
        """Return how long results wait for an earlier frame: until another stick can answer."""
        return self.patience_with() + ANSWER_FACTOR * self.typical_sec

    def _compare(self, recent: dict[int, float]) -> None:
        """Compare the recent times of the sticks, by number, with their median."""
        if recent == self._recent:
            return
        self._recent = recent
        typical_sec = median_low(recent.values()) if recent else TYPICAL_SEC
        self.slowness = {
            number: Slowness(recent_sec, typical_sec) for number, recent_sec in recent.items()
            if recent_sec >= typical_sec * (
                QUICK_FACTOR if number in self.slowness else SLOW_FACTOR)}
