# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The order in which results are published."""

from collections import deque
from collections.abc import Set
from typing import Generic
from typing import TypeVar

ResultT = TypeVar('ResultT')


class ResultOrder(Generic[ResultT]):
    """
    Holds results back until the earlier frames have theirs.

    Two sticks with two frames each finish out of order by up to one inference. A result waits for
    the frames sent before its own, but never longer than ``patience_sec``, which may change, so
    that a hung stick delays the others once, not for as long as it hangs. A result that comes
    after a later one was released is late.

    Several sticks may have the same frame: the first result counts, and the frame is lost when the
    last of them has lost it.
    """

    def __init__(self, patience_sec: float) -> None:
        self.patience_sec = patience_sec
        self._under_way: deque[int] = deque()   # sequence numbers in the order of the frames
        # Sequence number -> (result, when it came).
        self._finished: dict[int, tuple[ResultT, float]] = {}
        self._lost: set[int] = set()   # frames that are not waited for
        self._holders: dict[int, set[int]] = {}   # sequence number -> sticks that have the frame
        self._answered: set[int] = set()   # those of them that have a result
        # Frames without a published result.
        self.lost_frames = self.late_frames = 0

    def sent(self, sequence: int, stick: int) -> None:
        """Note a frame that was sent to a stick; new sequence numbers grow."""
        if sequence not in self._holders:
            self._under_way.append(sequence)
        self._holders.setdefault(sequence, set()).add(stick)

    def finished(self, sequence: int, stick: int, result: ResultT, now: float) -> bool:
        """
        Take in a stick's result of a frame; return whether it counts.

        One that comes too late is counted and dropped, and of several the first counts.
        """
        is_answered = sequence in self._answered
        self._answered.add(sequence)
        self._give_back(sequence, stick)
        if is_answered:
            return False
        if sequence not in self._under_way:
            self.late_frames += 1
            return False
        self._finished[sequence] = (result, now)
        return True

    def lost(self, sequence: int, stick: int) -> bool:
        """Note that a stick will give no result of a frame; return whether that is lost now."""
        is_answered = sequence in self._answered
        if not self._give_back(sequence, stick) or is_answered:
            return False
        self.lost_frames += 1
        if sequence in self._under_way:
            self._lost.add(sequence)
        return True

    def wait_no_longer(self, sequence: int) -> None:
        """Release later results without that of this frame, which is late if it comes."""
        if sequence in self._under_way:
            self._lost.add(sequence)

    def owed_by(self, sticks: Set[int]) -> list[int]:
        """Return the sequence numbers, oldest first, of the frames that only these sticks have."""
        return [sequence for sequence in self._under_way
                if sequence in self._holders and self._holders[sequence] <= sticks
                and sequence not in self._answered and sequence not in self._lost]

    def _give_back(self, sequence: int, stick: int) -> bool:
        """Note that a stick is done with a frame; return whether all are."""
        self._holders[sequence].discard(stick)
        if self._holders[sequence]:
            return False
        del self._holders[sequence]
        self._answered.discard(sequence)
        return True

    def release(self, now: float) -> list[ResultT]:
        """Return the results that may be published at the time ``now``, in order."""
        released = []
        while self._under_way:
            sequence = self._under_way[0]
            if sequence in self._finished:
                released.append(self._finished.pop(sequence)[0])
            elif sequence not in self._lost and not self._is_overdue(now):
                break
            self._lost.discard(sequence)
            self._under_way.popleft()
        return released

    def next_release_at(self) -> float | None:
        """Return when a waiting result is released at the latest, or None when none waits."""
        if not self._finished:
            return None
        return min(came for _, came in self._finished.values()) + self.patience_sec

    def _is_overdue(self, now: float) -> bool:
        deadline = self.next_release_at()
        return deadline is not None and now >= deadline
