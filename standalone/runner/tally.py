# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What was detected, summed up: how many messages, how fast, how late, and with which labels."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

LONGEST_LATENCY_MS = 60000


class PixelDetection(NamedTuple):
    """One object: label, score 0..1, and its box in pixels of the image."""

    label: str
    score: float
    left: float
    top: float
    width: float
    height: float


class DetectionTally:
    """The messages with detections of one camera, or of all; times are those of the caller."""

    def __init__(self) -> None:
        self.first_at = None
        self.newest = ()
        self.messages = 0
        self.labels = Counter()
        self.largest_gap_sec = 0.0
        self.latencies_ms = Counter()
        self._last_at = None

    def take(self, detections: Sequence[PixelDetection], latency_sec: float, now: float) -> None:
        """Take the PixelDetections of one message, and the age of its stamp in seconds."""
        if self.first_at is None:
            self.first_at = now
        else:
            self.largest_gap_sec = max(self.largest_gap_sec, now - self._last_at)
        self._last_at = now
        self.messages += 1
        self.newest = tuple(sorted(detections, key=lambda detection: -detection.score))
        self.labels.update(detection.label for detection in detections)
        self.latencies_ms[min(max(round(latency_sec * 1000), 0), LONGEST_LATENCY_MS)] += 1

    @property
    def detecting_sec(self) -> float | None:
        """Return the time from the first to the last message, or None before the second."""
        return self._last_at - self.first_at if self.messages > 1 else None

    def mean_fps(self) -> float | None:
        """Return the mean rate between them, or None."""
        return (self.messages - 1) / self.detecting_sec if self.detecting_sec else None

    def latency_sec(self, fraction: float) -> float | None:
        """Return a quantile of the latencies, 0 < fraction <= 1, to a millisecond, or None."""
        rank = fraction * self.latencies_ms.total()
        for latency_ms, count in sorted(self.latencies_ms.items()):
            rank -= count
            if rank <= 0:
                return latency_ms / 1000
        return None
