# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The times without a detection, and what excuses them; pure, seconds since the start."""

from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

from ncs_cluster_detector.checking.history import Report
from ncs_cluster_detector.checking.statuses import ERROR

# Images come at 30 a second; a longer step is a pause of the traffic.
PAUSE_SEC = 0.15
# A stick whose fault has just ended may still suffer from it.
AFTER_EFFECT_SEC = 1.0
MOST_SEC = 0.5   # what is promised
LISTED_SEC = 0.2   # shorter ones are of no interest
NO_HEALTHY_STICK = 'no healthy stick'
BUSY_MACHINE = 'other programs kept it from a processor'


class Gap(NamedTuple):
    """A time without a detection while images came; only a longer one than MOST_SEC is excused."""

    begin: float
    end: float
    excuse: str = ''

    @property
    def seconds(self) -> float:
        return self.end - self.begin


class Trouble(NamedTuple):
    """A fault of the stick in a port, from its begin to its end."""

    port: str
    begin: float
    end: float


def stretches(images: Sequence[float], longest_step: float = PAUSE_SEC) -> list[
        tuple[float, float]]:
    """Return the times (begin, end) in which images came without a pause."""
    found: list[tuple[float, float]] = []
    for moment in images:
        if found and moment - found[-1][1] <= longest_step:
            found[-1] = (found[-1][0], moment)
        else:
            found.append((moment, moment))
    return found


def gaps_of(images: Sequence[float], detections: Sequence[float], reports: Sequence[Report],
            troubles: Iterable[Trouble],
            waits: Sequence[tuple[float, float, float]] = ()) -> list[Gap]:
    """
    Return the gaps that are longer than LISTED_SEC, with their excuses.

    :param images: when each usable image was sent, ascending; not those of a restart.
    :param detections: when each detection was published, ascending.
    :param reports: what the node told on /diagnostics, ascending.
    :param troubles: the faults of sticks.
    :param waits: when (begin, end) and for how long other programs kept a thread of the soak from
        a processor. A gap that is short enough without this time is excused.
    """
    troubles = tuple(troubles)

    def excuse(first, second):
        if second - first <= MOST_SEC:
            return ''
        if not healthy_sticks(first, second, reports, troubles):
            return NO_HEALTHY_STICK
        waited_sec = sum(seconds for begin, end, seconds in waits
                         if begin < second and first < end)
        return BUSY_MACHINE if waited_sec and second - first - waited_sec <= MOST_SEC else ''

    found = []
    for begin, end in stretches(images):
        inside = detections[bisect_right(detections, begin):bisect_left(detections, end)]
        moments = [begin, *inside, end]
        found += [Gap(first, second, excuse(first, second))
                  for first, second in zip(moments, moments[1:]) if second - first > LISTED_SEC]
    return found


def healthy_sticks(begin: float, end: float, reports: Sequence[Report],
                   troubles: Iterable[Trouble]) -> list[int]:
    """
    Return the sticks that could infer in all of this time.

    In the reports before, during and after it such a stick is RUNNING in the same process and not
    at level ERROR, and it has no fault of the double.
    """
    times = [report.time_sec for report in reports]
    first = bisect_right(times, begin) - 1
    last = bisect_left(times, end)
    if first < 0 or last >= len(reports):
        return []
    troubled = {trouble.port for trouble in troubles
                if trouble.begin <= end and begin <= trouble.end + AFTER_EFFECT_SEC}
    by_stick: dict[int, list] = {}
    for report in reports[first:last + 1]:
        for stick in report.sticks:
            by_stick.setdefault(stick.number, []).append(stick)
    return [number for number, told in by_stick.items()
            if len(told) == last + 1 - first and told[0].port not in troubled
            and all(stick.state == 'RUNNING' and stick.level < ERROR for stick in told)
            and len({(stick.pid, stick.restarts) for stick in told}) == 1]
