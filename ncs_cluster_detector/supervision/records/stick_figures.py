# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The measurements of one stick."""

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision import measurement
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import Result


class StickFigures:
    """
    The figures of one stick, which outlive its workers.

    ``celsius`` was read at ``measured_at``; ``pause_level`` is the highest throttling level since
    the stick got its oldest frame, as a pause that has begun goes on when the level falls.
    """

    def __init__(self, now: float) -> None:
        self.inferences = 0
        self.unusable_boxes = 0
        self.frames_lost = 0
        self.celsius: float | None = None
        self.measured_at: float | None = None
        self.work_at_reading: float | None = None   # the work done until then
        self.has_thermometer = True   # until a worker has said otherwise
        self.throttle_level = 0
        self.pause_level = 0
        self.last_given_at = float('-inf')
        self.duty = measurement.Duty(now)
        self.work = measurement.Work()
        self.inference_times = measurement.Durations()

    def on_frame_sent(self, now: float) -> None:
        """Record a frame sent to the stick."""
        self.last_given_at = now
        self.duty.begin(now)
        self.work.on_frame_sent(now)

    def on_result(self, result: Result, now: float, is_busy: bool) -> None:
        """Record a Result, and whether the stick has further frames."""
        self.inferences += 1
        self.unusable_boxes += result.unusable_boxes
        self.pause_level = self.throttle_level
        self.inference_times.add(result.inference_sec)
        # Not the time of its arrival here: a busy host reads several results at once.
        self.work.on_result(result.finished_at, result.on_stick_at)
        if not is_busy:
            self.duty.end(now)

    def on_unreadable(self, now: float, is_busy: bool) -> None:
        """Record a frame that held no picture, and whether the stick has further frames."""
        self.work.on_frame_unreadable()
        if not is_busy:
            self.duty.end(now)

    def on_reading(self, reading: Reading, is_busy: bool) -> None:
        """Record a Reading, and whether the stick has frames."""
        self.celsius = reading.celsius
        self.measured_at = reading.measured_at
        self.work_at_reading = self.work.total_sec(reading.measured_at)
        self.throttle_level = reading.throttle_level
        self.pause_level = max(self.pause_level if is_busy else 0, reading.throttle_level)

    def status(self, number: int, state: StickState, outstanding: int, busy_since: float | None,
               doubt_sec: float, trials_left: int) -> StickStatus:
        """Return the StickStatus of the stick with what its record knows besides."""
        work = self.work
        return StickStatus(
            number=number, state=state, celsius=self.celsius, measured_at=self.measured_at,
            throttle_level=self.throttle_level, outstanding=outstanding, busy_since=busy_since,
            last_given_at=self.last_given_at, last_result_at=work.last_result_at,
            doubt_sec=doubt_sec, trials_left=trials_left, recent_sec=work.recent_sec,
            work_at_reading=self.work_at_reading, transfer_sec=work.transfer_sec,
            work_sec=work.done_sec, inference_sec=work.inference_sec,
            compute_sec=work.compute_sec, under_way_since=work.under_way_since,
            has_thermometer=self.has_thermometer)

    def on_stop(self, now: float) -> None:
        """Record that the stick's worker ends."""
        self.duty.end(now)
        self.work.on_frames_lost()
        self.celsius = None
        self.throttle_level = self.pause_level = 0
