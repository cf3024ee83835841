# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the policies know of one stick."""

from dataclasses import dataclass
from enum import Enum
import math

# A reading older than this counts as unknown: neither hot nor cool.
READING_VALID_SEC = 3.0


class StickState(Enum):
    """The life of a stick's worker process."""

    STARTING = 'STARTING'
    RUNNING = 'RUNNING'
    STOPPING = 'STOPPING'
    BACKOFF = 'BACKOFF'   # it waits after a failure, or for another program that has it
    QUEUED = 'QUEUED'     # it waits for its turn to start: one stick at a time
    FATAL = 'FATAL'
    ABSENT = 'ABSENT'
    DEAD = 'DEAD'   # it has booted, but does not answer on USB


@dataclass(frozen=True)
class StickStatus:
    """
    One stick at one moment.

    ``celsius`` is the last reading in degrees Celsius, taken at ``measured_at``, or None when
    there was none; ``outstanding`` counts the frames that the stick holds and ``last_given_at`` is
    when it got the newest of them. ``work_sec`` is how long it has computed in all, where each
    inference counts ``inference_sec``, its time at full speed (None before the first). The present
    one, computed since ``under_way_since``, is not in it, but in ``work_at_reading``, the work
    until the last reading (None: until now). ``recent_sec`` is how long the latest ones took, and
    ``compute_sec`` how long without transfer. ``busy_since`` is when it got its first frame, or
    gave a result, while another is due (None when none is), and ``last_result_at`` when it gave a
    result. ``transfer_sec`` is how long it takes to bring a frame to the stick, nearly always at
    most (None before the first). ``doubt_sec`` and ``trials_left`` are those of its Trust.
    What has no thermometer (a processor) is never hot, and its temperature is not missed. Times
    are seconds of the monotonic clock.
    """

    number: int
    state: StickState
    celsius: float | None = None
    measured_at: float | None = None
    throttle_level: int = 0
    outstanding: int = 0
    last_given_at: float = float('-inf')
    work_sec: float = 0.0
    inference_sec: float | None = None
    recent_sec: float | None = None
    compute_sec: float | None = None
    busy_since: float | None = None
    transfer_sec: float | None = None
    doubt_sec: float = 0.0
    trials_left: int = 0
    under_way_since: float | None = None
    last_result_at: float = float('-inf')
    work_at_reading: float | None = None
    has_thermometer: bool = True

    def work_until(self, now: float) -> float:
        """Return how long it has computed in all, with its share of the present inference."""
        if self.under_way_since is None or self.inference_sec is None:
            return self.work_sec
        return self.work_sec + max(0.0, min(now - self.under_way_since, self.inference_sec))

    def reading(self, now: float) -> float | None:
        """Return the temperature in degrees Celsius, or None when it is unknown or too old."""
        if not self.has_reading or self.measured_at is None:
            return None
        return self.celsius if now - self.measured_at <= READING_VALID_SEC else None

    @property
    def has_reading(self) -> bool:
        """Tell whether the last reading is a number."""
        return self.celsius is not None and math.isfinite(self.celsius)
