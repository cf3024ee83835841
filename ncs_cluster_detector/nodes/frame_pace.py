# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""When the next frame of a file is due, and how many frames a second there were."""

from collections import deque
import math

# Later than this, the lost time is given up instead of caught up in a burst.
MAX_LAG_SEC = 1.0
# Caught up is at twice the rate: of a burst a subscriber that keeps the newest would lose frames.
LEAST_PERIODS = 0.5
RATE_WINDOW_SEC = 5.0


class FramePace:
    """An absolute schedule: one late frame does not make the following ones late."""

    def __init__(self):
        """Start with the first frame due at once."""
        self.restart()

    def restart(self):
        """Let the next frame be due at once, and count from there."""
        self._start = None
        self._count = 0
        self._handed_over_at = -math.inf

    def handed_over(self, now):
        """Note when the last frame really left, at a monotonic time in seconds."""
        self._handed_over_at = now

    def take_back(self):
        """Let the frame that was due last be due again."""
        self._count -= 1

    def until_next(self, period_sec, now):
        """
        Count one frame and return how long to wait for it.

        :param period_sec: time from frame to frame.
        :param now: monotonic time in seconds.
        :return: seconds, 0.0 when it is due already.
        """
        if self._start is None or now - (self._start + self._count * period_sec) > MAX_LAG_SEC:
            self._start, self._count = now, 0
        due = max(self._start + self._count * period_sec,
                  self._handed_over_at + LEAST_PERIODS * period_sec)
        self._count += 1
        return max(0.0, due - now)


class RateMeter:
    """Frames a second over the last few seconds; one thread counts, another may read."""

    def __init__(self):
        """Start with no frames."""
        self._times = deque(maxlen=256)

    def count(self, now):
        """Count a frame at a monotonic time in seconds."""
        self._times.append(now)

    def fps(self, now):
        """Return the frames a second until now, 0.0 when there were none lately."""
        times = [time for time in self._times.copy() if now - time <= RATE_WINDOW_SEC]
        if len(times) < 2:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])
