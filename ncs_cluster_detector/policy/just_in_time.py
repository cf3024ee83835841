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
# place for a whole inference. So a stick that is ahead of its place in an even row waits, at each
# frame, for this part of what it is ahead, and for so long at most. Sticks of the same speed are
# in an even row after some frames and lose no more time; those of other speeds come together
# again and again. In the simulation of test_just_in_time this costs 0.4 % of their work.
PULL = 0.25
MOST_IDLE_SEC = 0.002


class JustInTime:
    """Spreads evenly over time when the active sticks get their frames."""

    def __init__(self) -> None:
        self._sent_at = -math.inf   # the latest frame of any stick
        self._apart_sec = 0.0       # between the frames of sticks in an even row

    def update(self, active: Iterable[StickStatus]) -> None:
        """Take in the speeds of the active sticks."""
        rate = sum(1.0 / stick.compute_sec for stick in active if stick.compute_sec)
        self._apart_sec = 1.0 / rate if rate else 0.0

    def due_at(self, stick: StickStatus) -> float:
        """
        Return when a stick may have its next frame: at once if it has none for more than a moment.

        While a stick has its very first frame, nobody knows how long that takes.
        """
        if not stick.outstanding:
            return self._in_row(stick.last_result_at)
        if stick.compute_sec is None or stick.transfer_sec is None or (
                stick.under_way_since is None):
            return math.inf
        needed_at = stick.under_way_since + stick.compute_sec * stick.outstanding
        sent_at = needed_at - stick.transfer_sec   # at the latest, or the stick idles
        return max(sent_at - MARGIN_SEC, self._in_row(sent_at))

    def _in_row(self, sent_at: float) -> float:
        """Return when to send a frame that could be sent at ``sent_at``."""
        place_at = self._sent_at + self._apart_sec
        if place_at <= sent_at:
            return place_at
        return sent_at + min(PULL * (place_at - sent_at), MOST_IDLE_SEC)

    def on_frame_sent(self, now: float) -> None:
        """Note that a stick gets a frame."""
        self._sent_at = now
