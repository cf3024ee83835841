# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
When a stick that computes gets its next frame, while several cameras share the sticks.

A stick may hold a second frame, so that it need not wait for the transfer. With one camera it gets
that as soon as there is one. Among several cameras, frames that wait at the sticks make a camera
wait that sends seldom, and whose turn comes at once: for the frame that is computed and for the
one behind it. So the second frame is sent just in time for its transfer, and until then frames
wait in the node, where the newest of each camera counts.
"""

from collections.abc import Collection
import math

from ncs_cluster_detector.policy.stick_status import StickStatus

# A frame is on the stick this long before it is needed: processes are not always run at once.
MARGIN_SEC = 0.008
# Sticks that finish at the same moment would leave a frame that comes just after without a free
# place for a whole inference. The second frames of two sticks are sent at least this part of the
# time apart that evenly spread sticks would have. With 0.9 the delays of processes add up to lost
# time at some numbers of sticks.
SPREAD = 0.8


class JustInTime:
    """Spreads over time when the active sticks get their second frames."""

    def __init__(self) -> None:
        self._sent_at = -math.inf   # the latest second frame of any stick

    def due_at(self, stick: StickStatus, active: Collection[int]) -> float:
        """
        Return when a stick may have its next frame: at once if it has none.

        While a stick has its very first frame, nobody knows how long that takes.
        """
        if not stick.outstanding:
            return -math.inf
        if stick.inference_sec is None or stick.transfer_sec is None or (
                stick.under_way_since is None):
            return math.inf
        needed_at = stick.under_way_since + stick.inference_sec * stick.outstanding
        apart_sec = SPREAD * stick.inference_sec / max(len(active), 1)
        return max(needed_at - stick.transfer_sec - MARGIN_SEC, self._sent_at + apart_sec)

    def on_frame_sent(self, stick: StickStatus, now: float) -> None:
        """Note that a stick, whose status is the one before, gets a frame."""
        if stick.outstanding:
            self._sent_at = now
