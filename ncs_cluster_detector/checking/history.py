# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Keep the node's messages and compute figures from them; pure, times are arguments."""

from collections.abc import Iterable
import math
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.checking import statuses
import numpy as np


# The lists of a series, and the field of ReportedStick that each holds.
SERIES = {
    'temperature_celsius': 'celsius', 'active': 'active', 'state': 'state',
    'throttle_level': 'throttle_level', 'inferences': 'inferences', 'restarts': 'restarts'}


class Report(NamedTuple):
    """One message on ``/diagnostics``: when it came, in which step, on the cluster and sticks."""

    time_sec: float
    step: str
    message: str   # of the cluster
    sticks: tuple[statuses.ReportedStick, ...]


class History:
    """
    All messages of the node, in the order of time.

    One thread appends, another reads: nothing is ever changed or removed.
    """

    def __init__(self) -> None:
        self.detections = []   # when each came
        self.latencies = []    # seconds from the publishing of its image, or None
        self.images = []       # when each was published
        self.reports = []

    def newest_sticks(self, since: float = -math.inf) -> tuple[statuses.ReportedStick, ...]:
        """Return the sticks in the newest report since a time; empty if there is none."""
        reports = self.reports[-1:]
        return reports[0].sticks if reports and reports[0].time_sec >= since else ()

    def stick(self, number: int, since: float = -math.inf) -> statuses.ReportedStick | None:
        """Return the newest report on a stick, or None."""
        return next((stick for stick in self.newest_sticks(since) if stick.number == number), None)

    def reports_between(self, begin: float, end: float = math.inf) -> list[Report]:
        """Return the list of Reports in a time."""
        return [report for report in self.reports[:] if begin <= report.time_sec <= end]

    def first_detection(self, since: float) -> float | None:
        """Return when the first detection since a time came, or None."""
        index = int(np.searchsorted(self.detections, since))
        return self.detections[index] if index < len(self.detections) else None

    def longest_gap(self, begin: float, end: float) -> tuple[float, float]:
        """Return (seconds, when it began) of the longest time without a detection."""
        moments = [begin, *self.detections[_between(self.detections, begin, end)], end]
        gaps = np.diff(moments)
        index = int(np.argmax(gaps))
        return float(gaps[index]), moments[index]

    def rate(self, begin: float, end: float) -> float:
        """Return the detections a second in a time."""
        return len(self.detections[_between(self.detections, begin, end)]) / (end - begin)

    def image_rate(self, begin: float, end: float) -> float:
        """Return the images a second in a time."""
        return len(self.images[_between(self.images, begin, end)]) / (end - begin)

    def latency(self, percent: float, begin: float, end: float) -> float | None:
        """Return a percentile of the latency in seconds, or None when nothing came."""
        came = self.latencies[_between(self.detections, begin, end)]
        known = [value for value in came if value is not None]
        return float(np.percentile(known, percent)) if known else None

    def stick_rates(self, begin: float, end: float) -> dict[int, float]:
        """Return the inferences a second by stick number, as the node counted them."""
        reports = self.reports_between(begin, end)
        if len(reports) < 2:
            return {}
        first = {stick.number: stick for stick in reports[0].sticks}
        elapsed = reports[-1].time_sec - reports[0].time_sec
        return {stick.number: (stick.inferences - first[stick.number].inferences) / elapsed
                for stick in reports[-1].sticks if stick.number in first}

    def series(self, begin: float, end: float) -> list[dict[str, Any]]:
        """
        Return each stick's state once a second, as ``thermal_plan --fit`` reads it.

        :return: list of dictionaries, one a stick, with lists of equal length.
        """
        reports = self.reports_between(begin, end)
        numbers = sorted({stick.number for report in reports for stick in report.sticks})
        return [statuses.series_of(number, reports, SERIES) for number in numbers]


def _between(moments, begin, end):
    return slice(int(np.searchsorted(moments, begin)), int(np.searchsorted(moments, end, 'right')))


def report_of(published: Iterable[Any], step: str, time_sec: float) -> Report | None:
    """Return the Report in the statuses of a DiagnosticArray, or None if another node sent it."""
    _, cluster, sticks = statuses.read_statuses(published)
    return None if cluster is None else Report(time_sec, step, cluster.message, sticks)
