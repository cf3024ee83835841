# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Measures rates, latencies and duty over the last seconds; times are arguments."""

from bisect import bisect_left
from bisect import insort
from collections import deque
from statistics import median

TRANSFER_PERCENT = 95
RECENT = 3   # inferences that give a stick's present speed; a single one may be delayed
# Of so many inferences is the time without transfer, some one second's.
COMPUTED = 15


class Rate:
    """Events a second over the last five seconds."""

    WINDOW_SEC = 5.0

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def count(self, now: float) -> None:
        """Record an event."""
        self._times.append(now)
        self._forget(now)

    def per_second(self, now: float) -> float:
        """Return the rate; at first, that of the time since the first event."""
        self._forget(now)
        if len(self._times) < 2:
            return 0.0
        # Silence longer than the usual gap lowers the rate at once, not after five seconds.
        elapsed_sec = self._times[-1] - self._times[0]
        silence_sec = now - self._times[-1]
        gap_sec = elapsed_sec / (len(self._times) - 1)
        elapsed_sec += max(silence_sec - gap_sec, 0.0)
        return (len(self._times) - 1) / elapsed_sec if elapsed_sec > 0 else 0.0

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] < now - self.WINDOW_SEC:
            self._times.popleft()


class Durations:
    """Percentiles of the last 200 durations, in seconds."""

    MOST = 200

    def __init__(self) -> None:
        self._durations: deque[float] = deque()
        # The same, sorted: a percentile is asked for with every result.
        self._ordered: list[float] = []

    def add(self, duration_sec: float) -> None:
        """Record a duration."""
        if len(self._durations) == self.MOST:
            del self._ordered[bisect_left(self._ordered, self._durations.popleft())]
        self._durations.append(duration_sec)
        insort(self._ordered, duration_sec)

    def percentile(self, percent: int) -> float | None:
        """Return the duration that ``percent`` of all do not exceed, or None without any."""
        ordered = self._ordered
        if not ordered:
            return None
        return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


class Duty:
    """The share of the last 60 seconds in which something was busy."""

    WINDOW_SEC = 60.0

    def __init__(self, now: float) -> None:
        """Start idle at ``now``; for the first 60 s the share is that of the time since then."""
        self._since = now
        self._busy_from: float | None = None
        self._intervals: deque[tuple[float, float]] = deque()
        self._busy_sec = 0.0   # in all of these intervals

    def begin(self, now: float) -> None:
        """Become busy, if it is not."""
        if self._busy_from is None:
            self._busy_from = now

    def end(self, now: float) -> None:
        """Become idle, if it is not."""
        if self._busy_from is not None:
            self._intervals.append((self._busy_from, now))
            self._busy_sec += now - self._busy_from
            self._busy_from = None

    def share(self, now: float) -> float:
        """Return the busy share, 0.0 to 1.0."""
        start = max(now - self.WINDOW_SEC, self._since)
        while self._intervals and self._intervals[0][1] <= start:
            begin, end = self._intervals.popleft()
            self._busy_sec -= end - begin
        if not self._intervals:
            self._busy_sec = 0.0   # rounding errors do not add up for weeks
        busy_sec = self._busy_sec
        if self._intervals:
            busy_sec -= max(start - self._intervals[0][0], 0.0)
        if self._busy_from is not None:
            busy_sec += now - max(self._busy_from, start)
        return max(busy_sec, 0.0) / (now - start) if now > start else 0.0


class Work:
    """
    The total time that a stick has computed, in seconds.

    Each inference counts with its time at full speed: the median time of inferences whose frame
    was waiting at the stick or, while there are none, of all, which includes the transfer.
    ``transfer_sec`` is how long it takes to bring a frame to the stick, nearly always at most
    (None before the first), and ``last_result_at`` is when the latest result came.
    """

    def __init__(self) -> None:
        # Time of one inference at full speed; None before the first.
        self.inference_sec: float | None = None
        # Median of the latest three inferences; None before them.
        self.recent_sec: float | None = None
        # Median of the latest inferences from when both stick and frame were ready; None before.
        self.compute_sec: float | None = None
        self.transfer_sec: float | None = None
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._computed: deque[float] = deque(maxlen=COMPUTED)
        self._done_sec = 0.0
        self.last_result_at = float('-inf')
        self._sent_at: deque[float] = deque()
        self._waiting, self._single, self._transfers = Durations(), Durations(), Durations()

    def on_frame_sent(self, now: float) -> None:
        """Record a frame that is sent to the stick."""
        self._sent_at.append(now)

    def on_result(self, now: float, on_stick_at: float) -> None:
        """Record the result of the oldest frame, and when that was on the stick."""
        sent_at = self._sent_at.popleft()
        self._transfers.add(max(on_stick_at - sent_at, 0.0))
        self.transfer_sec = self._transfers.percentile(TRANSFER_PERCENT)
        waited = on_stick_at <= self.last_result_at
        took_sec = max(now - max(sent_at, self.last_result_at), 0.0)
        (self._waiting if waited else self._single).add(took_sec)
        self._computed.append(max(now - max(on_stick_at, self.last_result_at), 0.0))
        self.compute_sec = median(self._computed)
        self._recent.append(took_sec)
        if len(self._recent) == RECENT:
            self.recent_sec = median(self._recent)
        self.last_result_at = now
        median_sec = self._waiting.percentile(50) or self._single.percentile(50) or 0.0
        self.inference_sec = median_sec
        self._done_sec += median_sec

    def on_frame_unreadable(self) -> None:
        """Record that the oldest frame was none for the stick."""
        self._sent_at.popleft()

    def on_frames_lost(self) -> None:
        """Record that the frames on the stick will have no result."""
        self._sent_at.clear()

    @property
    def done_sec(self) -> float:
        """Return the time computed, without the present frame."""
        return self._done_sec

    @property
    def under_way_since(self) -> float | None:
        """Return since when the present frame is computed, or None without one."""
        return max(self._sent_at[0], self.last_result_at) if self._sent_at else None

    def total_sec(self, now: float) -> float:
        """Return the time computed until now, including that for the present frame."""
        since = self.under_way_since
        if since is None or self.inference_sec is None:
            return self._done_sec
        return self._done_sec + max(0.0, min(now - since, self.inference_sec))
