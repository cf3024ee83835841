# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The frames of one camera: the newest one, the order of their results, and their figures."""

from collections import deque

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.ordering import ResultOrder
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.measurement import Durations
from ncs_cluster_detector.supervision.measurement import Rate
from ncs_cluster_detector.supervision.snapshot import CameraSnapshot
from ncs_cluster_detector.supervision.snapshot import DroppedFrames


class CameraFrames:
    """
    The frames of one camera.

    ``waiting`` is its newest frame while no stick has it, or None. ``image_at`` is when the latest
    came. ``order`` has the frame and the detections of each result, or None if the frame held no
    picture.
    """

    def __init__(self, now: float, patience_sec: float) -> None:
        """Start without frames; see ResultOrder for ``patience_sec``."""
        self.order: ResultOrder[tuple[Frame, tuple[Detection, ...]] | None] = ResultOrder(
            patience_sec)
        self.waiting: Frame | None = None
        self._offered = 0
        self._newest: deque[tuple[int, Frame]] = deque(maxlen=1)   # with its number
        self._taken = 0   # the number of the newest frame that was taken in
        self.image_at = now
        self._replaced = self._too_old = 0
        self._input, self._output, self._latency = Rate(), Rate(), Durations()

    def offer(self, frame: Frame) -> None:
        """Make a frame the newest; one thread calls this."""
        self._offered += 1
        self._newest.append((self._offered, frame))

    def take_in(self, now: float) -> None:
        """Let the newest frame wait if it is a new one, in place of the one before."""
        if not self._newest:
            return
        offered, frame = self._newest.popleft()
        arrived = offered - self._taken
        for _ in range(arrived):
            self._input.count(now)
        # The only place where frames are dropped because no stick is free.
        self._replaced += arrived - 1 + (self.waiting is not None)
        self._taken, self.waiting, self.image_at = offered, frame, frame.arrived_at

    def take_waiting(self) -> Frame:
        """Return the frame that waits, which a stick gets."""
        frame, self.waiting = self.waiting, None
        assert frame is not None
        return frame

    def drop_waiting(self) -> None:
        """Drop the frame that waits: it is too old, or nothing is to be inferred."""
        self.waiting = None
        self._too_old += 1

    def release(self, now: float) -> list[tuple[Frame, tuple[Detection, ...]]]:
        """Return the frames that may be published, each with its detections, in order."""
        return [finished for finished in self.order.release(now) if finished is not None]

    def on_published(self, latency_sec: float, now: float) -> None:
        """Record that the result of a frame was published so long after the frame had come."""
        self._output.count(now)
        self._latency.add(latency_sec)

    def snapshot(self, now: float) -> CameraSnapshot:
        """Return its figures, frozen."""
        return CameraSnapshot(
            self._input.per_second(now), self._output.per_second(now),
            self._latency.percentile(50), self._latency.percentile(95),
            DroppedFrames(self._replaced, self._too_old, self.order.lost_frames,
                          self.order.late_frames), self.image_at)
