# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The diagnostics of a run as tuples: sticks, cluster, cameras and hosts; no ROS."""

from collections.abc import Iterable
from collections.abc import Mapping
import math
import re
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

OK, WARN, ERROR = 0, 1, 2   # levels of a DiagnosticStatus
_NUMBER = re.compile(r'\b[0-9]{1,4}\b')   # of a stick
_STICK = re.compile(f'detector: stick ({_NUMBER.pattern})')
_CAMERA = re.compile('detector: camera (.+)')
_HOST = re.compile('detector: host (.+)')
# A camera node's own status, named by its source; with a namespace where several need one.
_CAMERA_NODE = re.compile('((?:[^:]+/)?camera): .*', re.DOTALL)
# How the message of a resting stick begins.
WHY_IT_RESTS = re.compile(r'resting \(([^)]*)\)')
# How the keys of the parts of frames_dropped begin.
_PART = 'dropped_'


class ReportedStick(NamedTuple):
    """One stick in one message on ``/diagnostics``; None is unknown, ``rests`` is why it rests."""

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
    level: int = OK
    duty: float | None = None
    rests: str = ''
    frames_lost: int = 0

    @property
    def port(self) -> str:
        """Return the USB port path, such as 1.2."""
        return self.device_name.rpartition('/')[2].partition('-')[0]

    @property
    def host(self) -> str:
        """Return the name of the other host that has the stick, or an empty text."""
        return self.device_name.rpartition('/')[0]

    @property
    def place(self) -> str:
        """Return the USB port, of a stick of another host behind its name, such as pi2/1.2."""
        return f'{self.host}/{self.port}' if self.host else self.port


class ReportedCluster(NamedTuple):
    """
    The cluster, as of the newest diagnostics; rates in 1/s, latencies in ms, None unknown.

    ``dropped_by`` are the parts of ``dropped``, by the end of their keys, such as ``too_old``.
    """

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
    dropped_by: Mapping[str, int] = MappingProxyType({})


class ReportedCamera(NamedTuple):
    """What the detector tells of one of its named cameras; units as in ReportedCluster."""

    name: str
    level: int
    message: str
    input_fps: float | None
    detection_fps: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    dropped: int


class ReportedCameraNode(NamedTuple):
    """What a camera node tells of its source; ``node`` is its name, such as front/camera."""

    node: str
    level: int
    message: str
    published: int


class ReportedHost(NamedTuple):
    """What the detector tells of another host; ``state`` is the name of its HostState."""

    name: str
    level: int
    message: str
    state: str

    @property
    def serves(self) -> bool:
        """Tell whether the detector uses its sticks."""
        return self.state == 'SERVES'


def read_statuses(statuses: Iterable[Any]) -> tuple[
        ReportedCameraNode | None, ReportedCluster | None, tuple[ReportedStick, ...]]:
    """Return what a DiagnosticArray's statuses tell; None and no sticks for another node's."""
    camera, cluster, sticks = None, None, []
    for status in statuses:
        values, level = _content_of(status)
        if node := _CAMERA_NODE.fullmatch(status.name):
            camera = ReportedCameraNode(
                node[1], level, status.message, _whole(values.get('frames_published')))
        elif status.name == 'detector: cluster':
            cluster = _cluster_of(level, status.message, values)
        elif stick := _STICK.fullmatch(status.name):
            sticks.append(_stick_of(int(stick[1]), status, level, values))
    return camera, cluster, tuple(sticks)


def read_cameras(statuses: Iterable[Any]) -> tuple[ReportedCamera, ...]:
    """Return what a detector's DiagnosticArray tells of its named cameras, in its order."""
    cameras = []
    for status in statuses:
        if found := _CAMERA.fullmatch(status.name):
            values, level = _content_of(status)
            cameras.append(ReportedCamera(found[1], level, status.message, *_figures_of(values)))
    return tuple(cameras)


def read_hosts(statuses: Iterable[Any]) -> tuple[ReportedHost, ...]:
    """Return what a detector's DiagnosticArray tells of other hosts, in its order."""
    hosts = []
    for status in statuses:
        if found := _HOST.fullmatch(status.name):
            values, level = _content_of(status)
            hosts.append(ReportedHost(
                found[1], level, status.message, values.get('state', 'unknown')))
    return tuple(hosts)


def series_of(
        number: int, samples: Iterable[Any], names: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the state of a stick at each moment as lists of equal length, for a report.

    :param samples: each with ``time_sec`` and ``sticks``.
    :param names: the field of ReportedStick that each list holds, by the list's name.
    """
    seen = [(sample.time_sec, stick) for sample in samples for stick in sample.sticks
            if stick.number == number]
    return {
        'stick': number,
        'device_name': seen[-1][1].device_name,
        'time_sec': [round(time_sec, 3) for time_sec, _ in seen],
        **{name: [getattr(stick, field) for _, stick in seen] for name, field in names.items()}}


def number_in(text: str | None) -> float | None:
    """Return the finite number in a text, or None for ``unknown`` and the like."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _content_of(status):
    """Return the values of a status by their keys, and its level as a number."""
    return ({item.key: item.value for item in status.values},
            ord(status.level) if isinstance(status.level, bytes) else status.level)


def _figures_of(values):
    """Return rates, latencies and dropped frames, of the cluster or of a camera."""
    return (*(number_in(values.get(key)) for key in (
        'input_fps', 'detection_fps', 'latency_ms_p50', 'latency_ms_p95')),
        _whole(values.get('frames_dropped')))


def _cluster_of(level, message, values):
    return ReportedCluster(
        level, message, *_figures_of(values),
        tuple(map(int, _NUMBER.findall(values.get('active_sticks', '')))),
        _whole(values.get('switches')), values.get('last_switch_reason', ''),
        {key.removeprefix(_PART): _whole(value) for key, value in values.items()
         if key.startswith(_PART)})


def _stick_of(number, status, level, values):
    return ReportedStick(
        number=number, device_name=status.hardware_id,
        state=values.get('state', 'unknown'), active=values.get('active') == 'true',
        celsius=number_in(values.get('temperature_celsius')),
        throttle_level=_whole(values.get('throttle_level')),
        inferences=_whole(values.get('inferences')),
        inference_ms=number_in(values.get('inference_ms_p50')),
        restarts=_whole(values.get('restarts')), last_error=values.get('last_error', ''),
        pid=_whole(values.get('pid')) or None, level=level,
        duty=number_in(values.get('duty_60s')),
        rests=(WHY_IT_RESTS.match(status.message) or [''] * 2)[1],
        frames_lost=_whole(values.get('frames_lost')))


def _whole(text):
    """Return the whole number in a diagnostics value, 0 for what is none."""
    return int(number_in(text) or 0)
