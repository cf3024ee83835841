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

"""Finds for every frame the depth picture of the same moment."""

from collections import deque
import threading
from weakref import WeakKeyDictionary
from weakref import WeakValueDictionary

# Depth pictures that came before the image of their stamp; their order is not promised.
EARLY = 4


class DepthMatch:
    """
    Frames and depth pictures with equal stamps, bit for bit.

    A depth picture lives as long as its frame: what the supervisor drops takes its depth along.
    Stamps are in nanoseconds. For any number of threads.
    """

    def __init__(self):
        """Start with nothing."""
        self._changed = threading.Condition()
        self._waiting = WeakValueDictionary()   # stamp: frame without depth
        self._depths = WeakKeyDictionary()      # frame: depth
        self._early = deque(maxlen=EARLY)       # (stamp, depth) without frame
        self._newest_stamp = None
        self._closed = False

    def add_frame(self, frame, stamp):
        """Take a frame, before it is offered to the supervisor."""
        with self._changed:
            depth = dict(self._early).get(stamp)
            if depth is None:
                self._waiting[stamp] = frame
            else:
                self._depths[frame] = depth

    def add_depth(self, depth, stamp):
        """Take a depth picture."""
        with self._changed:
            frame = self._waiting.pop(stamp, None)
            if frame is None:
                self._early.append((stamp, depth))
            else:
                self._depths[frame] = depth
            self._newest_stamp = stamp
            self._changed.notify_all()

    def depth_of(self, frame, stamp, timeout_sec):
        """
        Return the depth picture of a frame, or None.

        One that is not there yet is waited for, until a later one shows that it was lost.
        """
        def decided():
            return self._closed or frame in self._depths or (
                self._newest_stamp is not None and self._newest_stamp > stamp)

        with self._changed:
            self._changed.wait_for(decided, timeout_sec)
            return self._depths.get(frame)

    def close(self):
        """Let every waiting thread go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
