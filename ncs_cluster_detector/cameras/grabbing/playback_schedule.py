# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When the next frame of a file is due, and how many frames a second there were."""

from collections import deque
import math

# If playback is later than this, it does not catch up.
MAX_LAG_SEC = 1.0
# It catches up at twice the rate: in a burst a subscriber that keeps the newest would lose frames.
LEAST_GAP = 0.5
# A file whose time jumps further is damaged; a picture of a slide show may last so long.
LONGEST_GAP_SEC = 60.0
RATE_WINDOW_SEC = 5.0


class PlaybackSchedule:
    """A schedule in which one late frame does not make the following ones late."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let the next frame be due at once."""
        self._due = None   # of the last frame, in monotonic seconds
        self._time_sec = None
        self._handed_over_at = -math.inf

    def rewind(self) -> None:
        """Let the next frame, the first one again, be due a period after the last."""
        self._time_sec = None

    def handed_over(self, now: float) -> None:
        """Note when the last frame really left, at a monotonic time in seconds."""
        self._handed_over_at = now

    def until_next(self, time_sec: float | None, period_sec: float, now: float) -> float:
        """
        Return how long to wait for the next frame.

        :param time_sec: its time in the file, in seconds, or None; the frame comes a period after
            the one before if the times are unusable.
        :param period_sec: usual time from frame to frame.
        :param now: monotonic time in seconds.
        :return: seconds, 0.0 when it is due already.
        """
        gap = period_sec
        if None not in (time_sec, self._time_sec) and (
                0.0 < time_sec - self._time_sec <= LONGEST_GAP_SEC):
            gap = time_sec - self._time_sec
        self._time_sec = time_sec
        due = now if self._due is None else self._due + gap
        self._due = now if now - due > MAX_LAG_SEC else due
        return max(0.0, self._due - now, self._handed_over_at + LEAST_GAP * gap - now)


class RateMeter:
    """Frames a second over the last few seconds; one thread counts, another may read."""

    def __init__(self) -> None:
        self._times = deque(maxlen=256)

    def count(self, now: float) -> None:
        """Count a frame at a monotonic time in seconds."""
        self._times.append(now)

    def fps(self, now: float) -> float:
        """Return the frames a second until now, 0.0 when there were none lately."""
        times = [time for time in self._times.copy() if now - time <= RATE_WINDOW_SEC]
        if len(times) < 2:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])
