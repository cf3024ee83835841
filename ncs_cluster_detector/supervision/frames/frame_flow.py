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

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.frames.camera_frames import CameraFrames
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import Unreadable


class FrameFlow:
    """
    Sends each frame to a stick, and to another one when the first is late.

    Whose turn it is decides the FairShare of the ``cameras``.
    """

    def __init__(self, cluster: ClusterControl, pool: StickPool, options: SupervisorOptions,
                 on_unreadable: Callable[[Frame, str], object], now: float) -> None:
        """Start without frames; see ClusterControl, StickPool and Supervisor."""
        self._cluster = cluster
        self._pool = pool
        self._inflight_per_stick = options.inflight_per_stick
        self._on_unreadable = on_unreadable
        self.cameras = tuple(CameraFrames(now, cluster.promptness.order_patience_sec)
                             for _ in range(options.cameras))
        self._fair_share = FairShare()
        self._sent_to: list[int] = []   # numbers of the sticks that got a frame in this step

    def take_results(self, now: float) -> None:
        """Process the results of the sticks, and the frames that they lost."""
        for number, result, frame in self._pool.take_results():
            camera = self.cameras[frame.camera]
            if isinstance(result, Unreadable):
                if camera.order.finished(frame.sequence, number, None, now):
                    self._on_unreadable(frame, result.text)
                continue
            detections = frame.region.in_whole(result.detections, frame.size)
            camera.order.finished(frame.sequence, number, (frame, detections), now)
        for number, frame in self._pool.take_lost():
            if self.cameras[frame.camera].order.lost(frame.sequence, number):
                self._pool.note_lost(number)

    def distribute(self, now: float, settings: Settings) -> list[int]:
        """Send frames to sticks; return these sticks' numbers."""
        self._sent_to = []
        if self._cluster.promptness.late:
            self._replace_late_sticks(now, settings)
        for camera in self.cameras:
            camera.take_in(now, settings.enabled)
            if camera.waiting is not None and _is_too_old(camera.waiting, now, settings):
                camera.drop_waiting()
        while (turn := self._fair_share.choose(now, self._waiting(), settings)) is not None:
            frame = self.cameras[turn].waiting
            assert frame is not None
            if not self._give(frame, now):
                break
            self.cameras[turn].waiting = None
            self._fair_share.on_frame_sent(turn, now, settings)
            on_trial = self._cluster.give_on_trial(now, self._pool.views.statuses, settings)
            if on_trial is not None:
                self._post(on_trial, frame, now)
        return self._sent_to

    def release(self, now: float) -> list[tuple[Frame, tuple[Detection, ...]]]:
        """Return the frames that may be published, each with its detections, in order."""
        patience_sec = self._cluster.promptness.order_patience_sec
        released = []
        for camera in self.cameras:
            camera.order.patience_sec = patience_sec
            released += camera.release(now)
        return released

    def next_due(self, now: float, settings: Settings) -> float | None:
        """Return when the next frame may be sent or published without a new event, or None."""
        due = [camera.order.next_release_at() for camera in self.cameras]
        waiting = self._waiting()
        if waiting:
            turn_at = min(self._fair_share.due_at(camera, settings) for camera in waiting)
            due.append(turn_at if turn_at > now else self._cluster.next_frame_due(
                now, self._pool.views.statuses, self._inflight_per_stick))
        return min((moment for moment in due if moment is not None), default=None)

    def _waiting(self) -> list[int]:
        """Return the cameras with a frame that no stick has yet."""
        return [number for number, camera in enumerate(self.cameras)
                if camera.waiting is not None]

    def _replace_late_sticks(self, now: float, settings: Settings) -> None:
        """Send the frames of late sticks to others; the first result counts."""
        late = self._cluster.promptness.late
        frames: dict[int, Frame] = {}
        for number in late:
            frames.update(self._pool.frames_of(number))
        owed = sorted(sequence for camera in self.cameras
                      for sequence in camera.order.owed_by(late))
        for sequence in owed:
            frame = frames[sequence]
            if _is_too_old(frame, now, settings):
                self.cameras[frame.camera].order.wait_no_longer(frame.sequence)
            elif not self._give(frame, now):
                return

    def _give(self, frame: Frame, now: float) -> bool:
        """Send a frame to an active stick with room; return whether there is one."""
        number = self._cluster.give_next(now, self._pool.views.statuses, self._inflight_per_stick)
        if number is not None:
            self._post(number, frame, now)
        return number is not None

    def _post(self, number: int, frame: Frame, now: float) -> None:
        self.cameras[frame.camera].order.sent(frame.sequence, number)
        self._pool.post(number, frame, now)
        self._sent_to.append(number)


def _is_too_old(frame: Frame, now: float, settings: Settings) -> bool:
    limit_ms = settings.max_frame_age_ms
    return limit_ms > 0 and now - frame.arrived_at > limit_ms / 1000
