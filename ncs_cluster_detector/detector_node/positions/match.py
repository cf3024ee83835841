# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the depth picture with the same stamp for each frame."""

from collections import OrderedDict
from collections.abc import Callable
import threading
from typing import NamedTuple
from weakref import WeakKeyDictionary
from weakref import WeakSet
from weakref import WeakValueDictionary

from ncs_cluster_detector.detector_node.positions.messages import DepthPicture
from ncs_cluster_detector.supervision.frame import Frame

# Depth pictures that came before the image of their stamp are kept: these few always, ...
FEWEST_EARLY = 4
# ... more while they all take no more memory than this (bytes) ...
MOST_EARLY_BYTES = 64 * 2**20
# ... and are not older than this, or than an image waits for its depth.
EARLY_SEC = 1.0
# Depth that comes later than this counts as depth that never came.
LATEST_SEC = 10.0


class Lateness(NamedTuple):
    """How long after its image (negative: before), and at what time, a depth picture came."""

    by_sec: float
    at: float


class DepthMatch:
    """
    Pairs frames and depth pictures with equal stamps, bit for bit.

    A depth picture lives as long as its frame: when the supervisor drops a frame, its depth goes
    too. Stamps are in nanoseconds, other times in seconds of the monotonic clock. ``lateness`` is
    the Lateness of the newest depth picture that missed its frame: it came after the wait for it
    had ended, or was dropped before the frame came; or None. Any thread may call the methods.
    """

    def __init__(self) -> None:
        self.lateness = None
        self._changed = threading.Condition()
        self._waiting = WeakValueDictionary()   # stamp: frame whose depth may still come
        self._overtaken = WeakSet()             # frames after which a later one has got its depth
        self._depths = WeakKeyDictionary()      # frame: depth
        self._early = OrderedDict()             # stamp: (depth, when it came)
        self._given_up = OrderedDict()          # stamp: (when its frame came, if it was overtaken)
        self._dropped = OrderedDict()           # stamp: when its depth came
        self._in_order = True
        self._newest_stamp = 0
        self._closed = False

    def add_frame(self, frame: Frame, stamp: int) -> None:
        """Take a frame, before it is offered to the supervisor."""
        with self._changed:
            if stamp < self._newest_stamp:
                # A recording starts again: what was late or lost before has other stamps.
                self._given_up.clear()
                self._dropped.clear()
                self._in_order, self.lateness = True, None
            self._newest_stamp = stamp
            depth, _ = self._early.pop(stamp, (None, None))
            dropped_at = self._dropped.pop(stamp, None)
            if depth is not None:
                self._depths[frame] = depth
                return
            if dropped_at is not None:
                self.lateness = Lateness(dropped_at - frame.arrived_at, frame.arrived_at)
            self._waiting[stamp] = frame

    def add_depth(self, depth: DepthPicture, stamp: int, now: float, keep_sec: float) -> None:
        """
        Take a depth picture.

        In a stream that keeps its order, earlier frames that still wait have lost their depth.

        :param keep_sec: how long an image waits for its depth.
        """
        with self._changed:
            frame = self._waiting.pop(stamp, None)
            if frame is None:
                self._note_lateness(stamp, now)
                self._early[stamp] = depth, now
                self._drop_early(now - max(keep_sec, EARLY_SEC))
            else:
                self._depths[frame] = depth
            if self._in_order:
                self._overtaken.update(
                    other for before, other in self._waiting.items() if before < stamp)
            self._changed.notify_all()

    def depth_of(self, frame: Frame, stamp: int,
                 left_sec: Callable[[], float]) -> DepthPicture | None:
        """
        Return the DepthPicture of a frame, or None.

        Wait for one that has not come yet, until a later one shows that it was lost.

        :param left_sec: function that returns how long to wait yet; called again after wake().
        """
        with self._changed:
            while (not self._closed and self._waiting.get(stamp) is frame
                   and frame not in self._overtaken and (left := left_sec()) > 0):
                self._changed.wait(left)
            if self._waiting.get(stamp) is frame:
                del self._waiting[stamp]
                self._given_up[stamp] = frame.arrived_at, frame in self._overtaken
            return self._depths.get(frame)

    def wake(self) -> None:
        """Let every waiting thread ask again whether and how long to wait."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End all waiting."""
        self._closed = True
        self.wake()

    def _note_lateness(self, stamp, now):
        """Note whether a depth picture without a waiting frame came too late."""
        _forget(self._given_up, lambda left: left[0] < now - LATEST_SEC)
        came_at, overtaken = self._given_up.pop(stamp, (None, False))
        if came_at is None:
            return
        if overtaken:
            self._in_order = False   # so a later one does not show that an earlier one is lost
        else:
            self.lateness = Lateness(now - came_at, now)

    def _drop_early(self, before):
        size = sum(depth.pixels.nbytes for depth, _ in self._early.values())
        while len(self._early) > FEWEST_EARLY:
            stamp, (depth, came_at) = next(iter(self._early.items()))
            if came_at >= before and size <= MOST_EARLY_BYTES:
                break
            del self._early[stamp]
            size -= depth.pixels.nbytes
            self._dropped[stamp] = came_at
        _forget(self._dropped, lambda came_at: came_at < before - LATEST_SEC)


def _forget(memory, is_old):
    """Remove the oldest entries of an OrderedDict."""
    while memory and is_old(next(iter(memory.values()))):
        memory.popitem(last=False)
