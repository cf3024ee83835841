# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The state of the cluster, frozen, so that any thread can read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from enum import Enum

from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.heat.heat_advice import HeatAdvice
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_status import StickStatus


@dataclass(frozen=True)
class StickSnapshot:
    """
    One stick: its status for the policies, the condition that they decide, and its figures.

    None means not known. ``condition`` says why it works or rests, and how hot it is.
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
    # Since when a stick is DEAD, and when the next worker of a waiting stick is due; both in
    # seconds of the monotonic clock.
    dead_since: float | None = None
    start_at: float | None = None
    condition: Condition = Condition()
    in_use: bool = False   # by another program
    frames_lost: int = 0   # that it had when it failed, and nobody else
    away: str = ''   # why a stick of another host cannot be reached, or empty

    def at(self, now: float) -> 'StickSnapshot':
        """Return this stick at a later time, at which its reading may be too old."""
        if self.condition.celsius is None or self.status.reading(now) is not None:
            return self
        return replace(self, condition=self.condition.without_reading())


@dataclass(frozen=True)
class DroppedFrames:
    """
    How many frames got no published result, by the reason.

    ``replaced`` by a newer one before a stick was free, ``too_old`` by then, ``lost`` on a stick
    that failed, or ``late``: a later frame had been published when the result came.
    """

    replaced: int = 0
    too_old: int = 0
    lost: int = 0
    late: int = 0

    @property
    def total(self) -> int:
        """Return how many there are in all."""
        return self.replaced + self.too_old + self.lost + self.late


@dataclass(frozen=True)
class CameraSnapshot:
    """
    The figures of one camera, or of all together.

    Rates are per second over the last five seconds, latencies seconds from a frame's arrival to
    its publication. ``image_at`` is the time of the last image, or of the start.
    """

    input_fps: float
    detection_fps: float
    latency_p50_sec: float | None
    latency_p95_sec: float | None
    dropped: DroppedFrames
    image_at: float


class HostState(Enum):
    """What another host with sticks does, as the end of a sentence."""

    NEVER_HEARD = 'was never heard'
    FREE = 'is free'
    SERVES = 'serves this detector'
    TAKEN = 'serves another detector'
    REFUSED = 'does not fit'
    SILENT = 'is not heard'

    def complaint(self, host: str, why: str) -> str:
        """Return what is wrong with a host, and why if that is known, in one line."""
        return f'host {host} {self.value}' + (f': {why}' if why else '')


@dataclass(frozen=True)
class HostSnapshot:
    """
    One other host: its name, its state and ``why``, and the numbers of its sticks.

    ``node`` is the full name of its stick server, ``owner`` that of the detector that it serves,
    or empty; ``silent_sec`` is how long ago it was heard, None if never.
    """

    name: str
    state: HostState
    why: str
    sticks: tuple[int, ...]
    node: str
    owner: str
    silent_sec: float | None


@dataclass(frozen=True)
class ReserveSnapshot:
    """
    The reserve: its worker as if that was a stick, and whether it is needed.

    ``works_since`` is when it began to work (monotonic clock), None while it does not; ``uses``
    counts how often it has begun, and ``usable`` are the usable sticks. Before it ``has_begun`` it
    has no worker. ``failure`` says why it can never work, or is empty.
    """

    worker: StickSnapshot
    works_since: float | None
    uses: int
    usable: int
    has_begun: bool
    failure: str = ''


@dataclass(frozen=True)
class Snapshot:
    """
    The whole cluster at one time.

    ``asked_size`` is how many sticks would be active if all were fit and detection enabled;
    ``sustainable_size`` is how many can always be active below the switch temperature, if that is
    known. ``heat_advice`` is set while heat costs speed; ``at_full_speed`` says that heat is known
    to cost almost none. ``frames`` are the figures of all cameras together, ``cameras`` those of
    each. ``hosts`` are the other hosts; ``local_sticks`` says whether those of this one are used.
    ``reserve`` is None if there is none.
    """

    settings: Settings
    sticks: tuple[StickSnapshot, ...]
    active: tuple[int, ...]
    asked_size: int
    all_hot: bool
    heat_advice: HeatAdvice | None
    at_full_speed: bool
    sustainable_size: float | None
    switches: int
    last_switch_reason: SwitchReason | None
    frames: CameraSnapshot
    cameras: tuple[CameraSnapshot, ...]
    hosts: tuple[HostSnapshot, ...] = ()
    local_sticks: bool = True
    reserve: ReserveSnapshot | None = None

    def at(self, now: float) -> 'Snapshot':
        """Return this state at a later time: a supervisor that hangs writes no newer one."""
        return replace(self, sticks=tuple(stick.at(now) for stick in self.sticks))


def in_all(cameras: Sequence[CameraSnapshot], p50_sec: float | None,
           p95_sec: float | None) -> CameraSnapshot:
    """Return the figures of all cameras together; the latencies are those of all frames."""
    if len(cameras) == 1:
        return cameras[0]
    dropped = [camera.dropped for camera in cameras]
    return CameraSnapshot(
        sum(camera.input_fps for camera in cameras),
        sum(camera.detection_fps for camera in cameras), p50_sec, p95_sec,
        DroppedFrames(*(sum(getattr(each, field.name) for each in dropped)
                        for field in fields(DroppedFrames))),
        max(camera.image_at for camera in cameras))
