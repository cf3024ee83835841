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

import numpy as np


class StickReport(NamedTuple):
    """One stick in one message on ``/diagnostics``."""

    number: int
    device_name: str
    state: str
    active: bool
    celsius: float | None
    throttle_level: int
    inferences: int
    inference_ms: float | None
    restarts: int
    last_error: str
    pid: int | None

    @property
    def port(self) -> str:
        """Return the USB port path, such as 1.2."""
        return self.device_name.partition('-')[0]


class Report(NamedTuple):
    """One message on ``/diagnostics``: when it came, in which step, on the cluster and sticks."""

    time_sec: float
    step: str
    message: str   # of the cluster
    sticks: tuple[StickReport, ...]


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

    def newest_sticks(self, since: float = -math.inf) -> tuple[StickReport, ...]:
        """Return the StickReports of the newest report since a time; empty if there is none."""
        reports = self.reports[-1:]
        return reports[0].sticks if reports and reports[0].time_sec >= since else ()

    def stick(self, number: int, since: float = -math.inf) -> StickReport | None:
        """Return the newest StickReport of a stick, or None."""
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
        return [self._one_series(number, reports) for number in numbers]

    @staticmethod
    def _one_series(number, reports):
        seen = [(report.time_sec, stick) for report in reports for stick in report.sticks
                if stick.number == number]
        sticks = [stick for _, stick in seen]
        return {
            'stick': number,
            'device_name': sticks[-1].device_name,
            'time_sec': [round(time_sec, 3) for time_sec, _ in seen],
            'temperature_celsius': [stick.celsius for stick in sticks],
            'active': [stick.active for stick in sticks],
            'state': [stick.state for stick in sticks],
            'throttle_level': [stick.throttle_level for stick in sticks],
            'inferences': [stick.inferences for stick in sticks],
            'restarts': [stick.restarts for stick in sticks]}


def _between(moments, begin, end):
    return slice(int(np.searchsorted(moments, begin)), int(np.searchsorted(moments, end, 'right')))


def report_of(statuses: Iterable[Any], step: str, time_sec: float) -> Report | None:
    """Return the Report in the statuses of a DiagnosticArray, or None if another node sent it."""
    message, sticks = None, []
    for status in statuses:
        values = {item.key: item.value for item in status.values}
        if status.name == 'detector: cluster':
            message = status.message
        elif status.name.startswith('detector: stick '):
            sticks.append(_stick_of(status, values))
    return None if message is None else Report(time_sec, step, message, tuple(sticks))


def _stick_of(status, values):
    return StickReport(
        number=int(status.name.rpartition(' ')[2]), device_name=status.hardware_id,
        state=values.get('state', 'unknown'), active=values.get('active') == 'true',
        celsius=_number(values.get('temperature_celsius')),
        throttle_level=int(values.get('throttle_level') or 0),
        inferences=int(values.get('inferences') or 0),
        inference_ms=_number(values.get('inference_ms_p50')),
        restarts=int(values.get('restarts') or 0), last_error=values.get('last_error', ''),
        pid=int(values['pid']) if values.get('pid') else None)


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
