# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The state of the cluster, to be read from any thread: frozen."""

from dataclasses import dataclass

from ncs_cluster_detector.policy.reliability.promptness import Slowness
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickStatus


@dataclass(frozen=True)
class StickSnapshot:
    """
    One stick: its status for the policies, and its figures. None means not known.

    ``standing`` is that of a running stick, ``slowness`` that of a slow one, and ``sensor_fault``
    says why what it tells is not believed. ``likely_celsius`` is its temperature now, reckoned
    where it is unknown. ``must_cool`` tells that it was hot, and works again only below the resume
    temperature.
    """

    status: StickStatus
    device_name: str
    active: bool
    duty_60s: float
    inferences: int
    unusable_boxes: int
    inference_p50_sec: float | None
    restarts: int
    last_error: str
    pid: int | None
    # Since when a stick is DEAD, and when the next worker of one is due that waits for it, both in
    # seconds of the monotonic clock.
    dead_since: float | None = None
    start_at: float | None = None
    standing: Standing | None = None
    slowness: Slowness | None = None
    sensor_fault: SensorFault | None = None
    likely_celsius: float | None = None
    must_cool: bool = False
    in_use: bool = False   # by another program

    def reading(self, now: float) -> float | None:
        """Return the temperature in degrees Celsius, or None if unknown."""
        return None if self.sensor_fault else self.status.reading(now)


@dataclass(frozen=True)
class Snapshot:
    """
    The whole cluster at the time ``taken_at`` (seconds of the monotonic clock).

    ``asked_size`` is how many sticks would be active if all were fit, ``sustainable_size`` how
    many could be for ever below the switch temperature, if that is known. ``heat_advice`` is a
    sentence while heat costs speed, and else empty. Rates are per second over
    the last five seconds, latencies seconds from a frame's arrival to its publication.
    ``waiting_for_image_since`` is when the last image came, or the start.
    """

    taken_at: float
    settings: Settings
    sticks: tuple[StickSnapshot, ...]
    active: tuple[int, ...]
    asked_size: int
    all_hot: bool
    heat_advice: str
    sustainable_size: float | None
    switches: int
    last_switch_reason: str
    input_fps: float
    detection_fps: float
    latency_p50_sec: float | None
    latency_p95_sec: float | None
    frames_dropped: int
    waiting_for_image_since: float
