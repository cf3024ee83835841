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

from collections import OrderedDict
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
        self._waiting = WeakValueDictionary()   # stamp: frame whose depth may still come
        self._depths = WeakKeyDictionary()      # frame: depth
        self._early = OrderedDict()             # stamp: depth without frame
        self._closed = False

    def add_frame(self, frame, stamp):
        """Take a frame, before it is offered to the supervisor."""
        with self._changed:
            depth = self._early.pop(stamp, None)
            if depth is None:
                self._waiting[stamp] = frame
            else:
                self._depths[frame] = depth

    def add_depth(self, depth, stamp):
        """Take a depth picture; of the frames before it, those without depth have lost theirs."""
        with self._changed:
            frame = self._waiting.pop(stamp, None)
            if frame is None:
                self._early[stamp] = depth
                if len(self._early) > EARLY:
                    self._early.popitem(last=False)
            else:
                self._depths[frame] = depth
            for earlier in [other for other in self._waiting.keys() if other < stamp]:
                self._waiting.pop(earlier, None)
            self._changed.notify_all()

    def depth_of(self, frame, stamp, timeout_sec):
        """
        Return the depth picture of a frame, or None.

        One that is not there yet is waited for, until a later one shows that it was lost.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._waiting.get(stamp) is not frame, timeout_sec)
            return self._depths.get(frame)

    def close(self):
        """Let every waiting thread go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
