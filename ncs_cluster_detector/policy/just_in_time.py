# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
When an active stick gets its next frame, while several cameras share the sticks.

A stick may hold a second frame, so that it need not wait for the transfer. With one camera it gets
that as soon as there is one. Among several cameras, frames that wait at the sticks make a camera
wait that sends seldom, and whose turn comes at once: for the frame that is computed and for the
one behind it. So the second frame is sent just in time for its transfer, and until then frames
wait in the node, where the newest of each camera counts.
"""

from collections.abc import Iterable
import math

from ncs_cluster_detector.policy.stick_status import StickStatus

# A frame is on the stick this long before it is needed: processes are not always run at once.
MARGIN_SEC = 0.008
# Sticks that finish at the same moment would leave a frame that comes just after without a free
# place for a whole inference. Two frames are sent at least this part of the time apart that
# evenly spread sticks would have. With 0.9 the delays of processes add up to lost time at some
# numbers of sticks.
SPREAD = 0.8
# So long at most a stick idles for that, at each frame. Sticks of the same speed are apart after
# some frames and lose no more time; those of other speeds come together again and again.
MOST_IDLE_SEC = 0.002


class JustInTime:
    """Spreads over time when the active sticks get their frames."""

    def __init__(self) -> None:
        self._sent_at = -math.inf   # the latest frame of any stick
        self._apart_sec = 0.0

    def update(self, active: Iterable[StickStatus]) -> None:
        """Take in the speeds of the active sticks."""
        rate = sum(1.0 / stick.inference_sec for stick in active if stick.inference_sec)
        self._apart_sec = SPREAD / rate if rate else 0.0

    def due_at(self, stick: StickStatus) -> float:
        """
        Return when a stick may have its next frame: at once if it has none for more than a moment.

        While a stick has its very first frame, nobody knows how long that takes.
        """
        apart_at = self._sent_at + self._apart_sec
        if not stick.outstanding:
            return min(apart_at, stick.last_result_at + MOST_IDLE_SEC)
        if stick.inference_sec is None or stick.transfer_sec is None or (
                stick.under_way_since is None):
            return math.inf
        needed_at = stick.under_way_since + stick.inference_sec * stick.outstanding
        sent_at = needed_at - stick.transfer_sec
        return max(sent_at - MARGIN_SEC, min(apart_at, sent_at + MOST_IDLE_SEC))

    def on_frame_sent(self, now: float) -> None:
        """Note that a stick gets a frame."""
        self._sent_at = now
