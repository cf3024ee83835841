# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Diagnostics of sticks, cluster and camera, as tuples; no ROS."""

from collections.abc import Mapping
import re
from typing import Any
from typing import NamedTuple

OK, WARN, ERROR = 0, 1, 2   # levels of a DiagnosticStatus
# How the message of a resting stick begins.
WHY_IT_RESTS = re.compile(r'resting \(([^)]*)\)')


class ReportedStick(NamedTuple):
    """One stick, as of the newest diagnostics; None is unknown, ``rests`` says why it rests."""

    number: int
    device_name: str
    level: int
    state: str
    active: bool
    celsius: float | None
    duty: float | None
    inferences: int
    restarts: int
    rests: str = ''

    @property
    def port(self) -> str:
        """Return the USB port, as the words for simulated faults name the stick."""
        return self.device_name.partition('-')[0]


class ReportedCluster(NamedTuple):
    """The cluster, as of the newest diagnostics; rates in 1/s, latencies in ms, None unknown."""

    level: int
    message: str
    input_fps: float | None
    detection_fps: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    dropped: int
    active: tuple[int, ...]
    switches: int
    reason: str


class ReportedCamera(NamedTuple):
    """The camera, as of its newest diagnostics."""

    level: int
    message: str
    published: int


def cluster_of(level: int, message: str, values: Mapping[str, str]) -> ReportedCluster:
    """Return the ReportedCluster in a status: its level, message, and values by key."""
    return ReportedCluster(
        level, message, _number(values.get('input_fps')), _number(values.get('detection_fps')),
        _number(values.get('latency_ms_p50')), _number(values.get('latency_ms_p95')),
        whole_number(values.get('frames_dropped')),
        tuple(int(number) for number in values.get('active_sticks', '').split(',') if number),
        whole_number(values.get('switches')), values.get('last_switch_reason', ''))


def stick_of(status: Any, level: int, values: Mapping[str, str]) -> ReportedStick:
    """Return the ReportedStick in a DiagnosticStatus, its level as a number, values by key."""
    return ReportedStick(
        int(status.name.rpartition(' ')[2]), status.hardware_id, level,
        values.get('state', 'unknown'), values.get('active') == 'true',
        _number(values.get('temperature_celsius')), _number(values.get('duty_60s')),
        whole_number(values.get('inferences')), whole_number(values.get('restarts')),
        (WHY_IT_RESTS.match(status.message) or [''] * 2)[1])


def _number(text):
    """Return the number in a diagnostics value, or None for ``unknown`` and the like."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def whole_number(text: str | None) -> int:
    """Return the whole number in a diagnostics value, 0 for what is none."""
    return int(_number(text) or 0)
