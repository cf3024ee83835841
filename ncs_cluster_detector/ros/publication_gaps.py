# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Counts messages that were published and never taken, and finds those that never arrived."""

from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# A share above the first is told until it is below the second. A detector whose sticks are busy
# loses 0 to 2 %, one whose computer is too slow for its images up to 16 %, and the transport that
# Fast DDS has by default 35 to 65 % of 640x480 images.
CONSIDERABLE, NEGLIGIBLE = 0.2, 0.1
WINDOW_SEC = 5.0
FEWEST = 20          # messages for a share
FEWEST_SECONDS = 3   # with losses: a program that was stopped for a while loses them in one


class PublicationGaps:
    """
    Finds gaps in the numbers that a publisher gives its messages.

    ``missing`` counts the messages in them: such as those that newer ones replaced before they
    were taken, or what came while nobody was subscribed. It is counted only while there is exactly
    one publisher, from its first message that is taken: a message does not say which publisher it
    is from.

    ``published`` counts the messages without pauses, and ``lost`` those of them that never
    arrived: they are missing though whoever takes messages waited for them.
    """

    def __init__(self) -> None:
        self.missing = self.published = self.lost = 0
        self._publishers = 0
        self._only: Sequence[int] | None = None   # the identifier of the only publisher
        self._last: int | None = None
        self._last_sent_ns = 0
        self._is_ready = False     # for messages of now
        self._ready_ns = 0
        self._was_late_ns: float = 0

    def note_match(self, publishers: int, only: Sequence[int] | None = None) -> None:
        """
        Begin anew if a publisher has come or gone, but not if the same one is back alone.

        :param publishers: how many there are now.
        :param only: the identifier (GID) of the only one, if it is known.
        """
        self._publishers = publishers
        self._is_ready = False
        if publishers and (publishers > 1 or only is None or only != self._only):
            self._only, self._last = only, None

    def note(self, info: Mapping[str, Any], now_ns: int) -> None:
        """
        Take rclpy's message info of a message that was taken.

        :param now_ns: the system's time, as that of the info's times.
        """
        number = info['publication_sequence_number']   # None if the middleware gives none
        if number is None or self._publishers != 1:
            return
        if self._last is not None and number > self._last:
            self.missing += number - self._last - 1
            if self._is_ready:
                self._note_lost(info, number - self._last, now_ns)
        self._last = number
        self._last_sent_ns = info['source_timestamp']
        self._was_late_ns = now_ns - info['received_timestamp']

    def ready(self, now_ns: int) -> None:
        """Say that the message was dealt with, and that the next one may come."""
        self._is_ready, self._ready_ns = True, now_ns

    def _note_lost(self, info, step, now_ns):
        self.published += step
        received_ns = info['received_timestamp']
        # A newer message can replace one that waits longer than from one to the next. That has
        # hardly happened if this one came to an idle thread, and neither it nor the one before
        # had to wait for half as long.
        wait_ns = (info['source_timestamp'] - self._last_sent_ns) / step / 2
        if received_ns > self._ready_ns and max(now_ns - received_ns, self._was_late_ns) < wait_ns:
            self.lost += step - 1


@dataclass(frozen=True)
class Loss:
    """Messages lost on the way: their share, 0.0 to 1.0, and the rates a second."""

    share: float
    arrived_per_sec: float
    published_per_sec: float


class LossWatch:
    """Tells whether a considerable share of the messages of the last seconds was lost."""

    def __init__(self) -> None:
        """Start before the first message."""
        self._marks: deque[tuple[float, int, int]] = deque()   # time, published, lost
        self._is_considerable = False

    def note(self, gaps: PublicationGaps, now: float) -> Loss | None:
        """
        Return what is lost, or None while it is little; to be called once a second.

        :param now: seconds of the monotonic clock.
        """
        marks = self._marks
        marks.append((now, gaps.published, gaps.lost))
        if not any(before[1] < after[1] for before, after in pairwise(marks)
                   if after[0] > now - WINDOW_SEC):
            marks.clear()   # nothing is published, or nobody can know
            marks.append((now, gaps.published, gaps.lost))
        while (len(marks) > 2 and now - marks[1][0] >= WINDOW_SEC
               and gaps.published - marks[1][1] >= FEWEST):
            marks.popleft()
        seconds = now - marks[0][0]
        published, lost = gaps.published - marks[0][1], gaps.lost - marks[0][2]
        share = lost / published if published else 0.0
        if self._is_considerable:
            self._is_considerable = share > NEGLIGIBLE
        elif seconds >= WINDOW_SEC and published >= FEWEST and share > CONSIDERABLE:
            lossy = sum(before[2] < after[2] for before, after in pairwise(marks))
            self._is_considerable = lossy >= FEWEST_SECONDS
        return Loss(share, (published - lost) / seconds, published / seconds) if (
            self._is_considerable) else None
