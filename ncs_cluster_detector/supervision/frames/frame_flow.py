# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sends frames of all cameras to sticks, and returns their results in order."""

from collections.abc import Callable
import time

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.frames.camera_frames import CameraFrames
from ncs_cluster_detector.supervision.measurement import Durations
from ncs_cluster_detector.supervision.remote.stick_pools import AnyPool
from ncs_cluster_detector.supervision.reserve_pool import ReservePool
from ncs_cluster_detector.supervision.snapshot import CameraSnapshot
from ncs_cluster_detector.supervision.snapshot import in_all
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import Unreadable


class FrameFlow:
    """
    Sends each frame to a stick, and to another one when the first is late.

    Whose turn it is decides the FairShare of the cameras. The reserve gets what no stick can take,
    while it works; its numbers are below 0.
    """

    def __init__(self, cluster: ClusterControl, pool: AnyPool, reserve: ReservePool | None,
                 options: SupervisorOptions,
                 on_unreadable: Callable[[Frame, str], object]) -> None:
        """Start without frames; see ClusterControl, StickPool, ReservePool and Supervisor."""
        self._cluster = cluster
        self._pool = pool
        self._reserve = reserve
        self._inflight_per_stick = options.inflight_per_stick
        self._on_unreadable = on_unreadable
        now = time.monotonic()
        self._cameras = tuple(CameraFrames(now, cluster.promptness.order_patience_sec)
                              for _ in range(options.cameras))
        self._latency = Durations()   # of all cameras
        self._fair_share = FairShare()
        self._offered: set[int] = set()    # cameras with new frames, which another thread adds
        self._waiting: set[int] = set()    # cameras with a frame that no stick has yet
        self._finished: set[int] = set()   # cameras with results that may be released
        self._was_enabled = True
        self._sent_to: list[int] = []   # numbers of the sticks that got a frame in this step

    def offer(self, frame: Frame) -> None:
        """Make a frame its camera's newest; one thread calls this."""
        self._cameras[frame.camera].offer(frame)
        self._offered.add(frame.camera)   # now that the frame is there to be taken in

    def take_results(self, now: float) -> None:
        """Process the results of the sticks, and the frames that they lost."""
        for number, result, frame in self._pool.take_results():
            camera = self._cameras[frame.camera]
            self._finished.add(frame.camera)
            if isinstance(result, Unreadable):
                if camera.order.finished(frame.sequence, number, None, now):
                    self._on_unreadable(frame, result.text)
                continue
            detections = frame.region.in_whole(result.detections, frame.size)
            camera.order.finished(frame.sequence, number, (frame, detections), now)
        for number, frame in self._pool.take_lost():
            self._finished.add(frame.camera)
            if self._cameras[frame.camera].order.lost(frame.sequence, number):
                self._pool.note_lost(number)

    def distribute(self, now: float, settings: Settings) -> list[int]:
        """Send frames to sticks; return these sticks' numbers."""
        self._sent_to = []
        if self._cluster.promptness.late:
            self._replace_late_sticks(now, settings)
        self._take_in(now, settings)
        while self._waiting and (stick := self._stick_with_room(now)) is not None:
            turn = self._fair_share.choose(now, self._waiting, settings)
            if turn is None:
                break
            self._waiting.remove(turn)
            frame = self._cameras[turn].take_waiting()
            self._give(stick, frame, now)
            self._fair_share.on_frame_sent(turn, now, settings)
            on_trial = self._cluster.give_on_trial(now, self._pool.views.statuses, settings)
            if on_trial is not None:
                self._post(on_trial, frame, now)
            if self._reserve is not None and (number := self._reserve.to_try(now)) is not None:
                self._post(number, frame, now)
        return self._sent_to

    def release(self, now: float) -> list[tuple[Frame, tuple[Detection, ...]]]:
        """Return the frames that may be published, each with its detections, in order."""
        released = []
        for number in sorted(self._finished):
            camera = self._cameras[number]
            camera.order.patience_sec = self._cluster.promptness.order_patience_sec
            released += camera.release(now)
            if camera.order.next_release_at() is None:
                self._finished.remove(number)
        return released

    def on_published(self, frame: Frame) -> None:
        """Record that the result of a frame was published at this moment."""
        now = time.monotonic()
        latency_sec = now - frame.arrived_at
        self._latency.add(latency_sec)
        self._cameras[frame.camera].on_published(latency_sec, now)

    def snapshots(self, now: float) -> tuple[CameraSnapshot, tuple[CameraSnapshot, ...]]:
        """Return the figures of all cameras together, and of each."""
        cameras = tuple(camera.snapshot(now) for camera in self._cameras)
        return in_all(cameras, self._latency.percentile(50), self._latency.percentile(95)), cameras

    def next_due(self, now: float, settings: Settings) -> float | None:
        """Return when the next frame may be sent or published without a new event, or None."""
        due = [self._cameras[number].order.next_release_at() for number in self._finished]
        if self._waiting:
            turn_at = min(self._fair_share.due_at(camera, settings) for camera in self._waiting)
            due.append(turn_at if turn_at > now else self._cluster.next_frame_due(
                now, self._pool.views.statuses, self._inflight_per_stick))
        return min((moment for moment in due if moment is not None), default=None)

    def _take_in(self, now: float, settings: Settings) -> None:
        """Let new frames wait, in place of those before, and drop those that waited too long."""
        while self._offered:
            number = self._offered.pop()
            self._cameras[number].take_in(now)
            if self._cameras[number].waiting is not None:
                self._waiting.add(number)
        for number in list(self._waiting):
            frame = self._cameras[number].waiting
            assert frame is not None
            if not settings.enabled or _is_too_old(frame, now, settings):
                self._cameras[number].drop_waiting()
                self._waiting.remove(number)
        if not (settings.enabled and self._was_enabled):
            for camera in self._cameras:
                camera.image_at = now   # none is missed meanwhile
        self._was_enabled = settings.enabled

    def _replace_late_sticks(self, now: float, settings: Settings) -> None:
        """Send the frames of late sticks to others; the first result counts."""
        late = self._cluster.promptness.late
        frames: dict[int, Frame] = {}
        for number in late:
            frames.update(self._pool.frames_of(number))
        owed = sorted(sequence for camera in self._cameras
                      for sequence in camera.order.owed_by(late))
        for sequence in owed:
            frame = frames[sequence]
            if _is_too_old(frame, now, settings):
                self._cameras[frame.camera].order.wait_no_longer(frame.sequence)
                self._finished.add(frame.camera)
            elif (stick := self._stick_with_room(now)) is not None:
                self._give(stick, frame, now)
            else:
                return

    def _stick_with_room(self, now: float) -> int | None:
        """Return the number of the stick, or reserve, that takes the next frame now, or None."""
        stick = self._cluster.next_stick(now, self._pool.views.statuses, self._inflight_per_stick)
        if stick is None and self._reserve is not None:
            return self._reserve.with_room()
        return stick

    def _give(self, number: int, frame: Frame, now: float) -> None:
        if number >= 0:
            self._cluster.on_frame_sent(now, self._pool.views.statuses[number])
        self._post(number, frame, now)

    def _post(self, number: int, frame: Frame, now: float) -> None:
        self._cameras[frame.camera].order.sent(frame.sequence, number)
        self._pool.post(number, frame, now)
        if number >= 0:
            self._sent_to.append(number)


def _is_too_old(frame: Frame, now: float, settings: Settings) -> bool:
    limit_ms = settings.max_frame_age_ms
    return limit_ms > 0 and now - frame.arrived_at > limit_ms / 1000
