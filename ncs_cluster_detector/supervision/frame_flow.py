# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sends frames to sticks, and returns their results in order."""

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.ordering import ResultOrder
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.measurement import Rate
from ncs_cluster_detector.supervision.snapshot import DroppedFrames
from ncs_cluster_detector.supervision.stick_pool import StickPool


class FrameFlow:
    """
    Sends each frame to a stick, and to another one when the first is late.

    ``input`` is the rate of all frames.
    """

    def __init__(self, cluster: ClusterControl, pool: StickPool, inflight_per_stick: int) -> None:
        """Start without frames; see ClusterControl and StickPool."""
        self.input = Rate()
        self._cluster = cluster
        self._pool = pool
        self._inflight_per_stick = inflight_per_stick
        self._order: ResultOrder[tuple[Frame, tuple[Detection, ...]]] = ResultOrder(
            cluster.promptness.order_patience_sec)
        self._seen = 0         # sequence number of the newest frame that was taken in
        self._waiting: Frame | None = None   # the newest frame, while no stick has it
        self._replaced = self._too_old = 0
        self._sent_to: list[int] = []   # numbers of the sticks that got a frame in this step

    @property
    def dropped(self) -> DroppedFrames:
        """Return how many frames have no published result, and why."""
        return DroppedFrames(self._replaced, self._too_old, self._order.lost_frames,
                             self._order.late_frames)

    def take_results(self, now: float) -> None:
        """Process the results of the sticks, and the frames that they lost."""
        for number, result, frame in self._pool.take_results():
            self._order.finished(frame.sequence, number, (frame, result.detections), now)
        for number, sequence in self._pool.take_lost():
            if self._order.lost(sequence, number):
                self._pool.note_lost(number)

    def distribute(self, now: float, newest: Frame | None, settings: Settings) -> list[int]:
        """Send frames to sticks, ``newest`` if it is a new one; return these sticks' numbers."""
        self._sent_to = []
        if self._cluster.promptness.late:
            self._replace_late_sticks(now, settings)
        self._take_in(now, newest)
        frame = self._waiting
        if frame is None:
            return self._sent_to
        if _is_too_old(frame, now, settings):
            self._waiting = None
            self._too_old += 1
        elif self._give(frame, now):
            self._waiting = None
            on_trial = self._cluster.give_on_trial(now, self._pool.views.statuses, settings)
            if on_trial is not None:
                self._post(on_trial, frame, now)
        return self._sent_to

    def release(self, now: float) -> list[tuple[Frame, tuple[Detection, ...]]]:
        """Return the frames that may be published, each with its detections, in order."""
        self._order.patience_sec = self._cluster.promptness.order_patience_sec
        return self._order.release(now)

    def next_due(self, now: float) -> float | None:
        """Return when the next frame may be sent or published without a new event, or None."""
        frame_due_at = None if self._waiting is None else self._cluster.next_frame_due(
            now, self._pool.views.statuses, self._inflight_per_stick)
        due = [frame_due_at, self._order.next_release_at()]
        return min((moment for moment in due if moment is not None), default=None)

    def _take_in(self, now: float, frame: Frame | None) -> None:
        if frame is None or frame.sequence == self._seen:
            return
        arrived = frame.sequence - self._seen
        for _ in range(arrived):
            self.input.count(now)
        # The only place where frames are dropped because no stick is free.
        self._replaced += arrived - 1 + (self._waiting is not None)
        self._seen = frame.sequence
        self._waiting = frame

    def _replace_late_sticks(self, now: float, settings: Settings) -> None:
        """Send the frames of late sticks to others; the first result counts."""
        late = self._cluster.promptness.late
        frames: dict[int, Frame] = {}
        for number in late:
            frames.update(self._pool.frames_of(number))
        for sequence in self._order.owed_by(late):
            frame = frames[sequence]
            if _is_too_old(frame, now, settings):
                self._order.wait_no_longer(frame.sequence)
            elif not self._give(frame, now):
                return

    def _give(self, frame: Frame, now: float) -> bool:
        """Send a frame to an active stick with room; return whether there is one."""
        number = self._cluster.give_next(now, self._pool.views.statuses, self._inflight_per_stick)
        if number is not None:
            self._post(number, frame, now)
        return number is not None

    def _post(self, number: int, frame: Frame, now: float) -> None:
        self._order.sent(frame.sequence, number)
        self._pool.post(number, frame, now)
        self._sent_to.append(number)


def _is_too_old(frame: Frame, now: float, settings: Settings) -> bool:
    limit_ms = settings.max_frame_age_ms
    return limit_ms > 0 and now - frame.arrived_at > limit_ms / 1000
