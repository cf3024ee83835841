# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When the policies are asked for a decision: at once, or a moment later with other changes."""

from collections.abc import Collection
import math

from ncs_cluster_detector.policy.reliability.promptness import Promptness
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_change import is_urgent
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.records.stick_views import Change

# How long what only grows (work done, warmth) waits for the policies to take it in: a fraction of
# the second in which a reading is taken, and of what a stick needs to warm by half a degree.
PERIOD_SEC = 0.5
# It is taken in at an event of another kind if one comes within this time.
SLACK_SEC = 0.05


class DecisionTimes:
    """
    When the next decision is due.

    A decision looks at all sticks, so that it is not made for every frame.
    """

    def __init__(self, promptness: Promptness) -> None:
        """Start with a decision that is due; ``promptness`` knows from when on sticks are late."""
        self._promptness = promptness
        self._decided_at = self._due_at = -math.inf
        self._changes_due_at = math.inf   # when what has changed is taken in
        self._late_at = math.inf   # when the first result is late, unless it comes before

    def decide_now(self) -> None:
        """Make a decision due."""
        self._due_at = -math.inf

    def is_due(self, now: float, changes: Collection[Change], settings: Settings,
               sticks: Collection[StickStatus]) -> bool:
        """
        Return whether a decision is due.

        :param changes: what has changed since the last call.
        :param sticks: all of them.
        """
        if changes:
            self._changes_due_at = min(self._changes_due_at, self._decided_at + PERIOD_SEC)
        return now >= min(self._due_at, self._changes_due_at) or self._is_late(now, sticks) or any(
            is_urgent(*change, settings, self._promptness.late) for change in changes)

    def _is_late(self, now: float, sticks: Collection[StickStatus]) -> bool:
        """Return whether the result of a stick is late that was not late at the last decision."""
        if now < self._late_at:
            return False
        self._late_at = self._promptness.next_due(now, sticks) or math.inf
        return any(self._promptness.late_at(stick) <= now for stick in sticks
                   if stick.number not in self._promptness.late)

    def on_decision(self, now: float, due_at: float | None) -> None:
        """Record a decision; the policies want the next one at ``due_at`` at the latest."""
        self._decided_at = now
        self._due_at = math.inf if due_at is None else due_at
        self._changes_due_at = math.inf

    def on_frame_sent(self, stick: StickStatus) -> None:
        """Record that a stick has got a frame, whose result may be late."""
        self._late_at = min(self._late_at, self._promptness.late_at(stick))

    def next_due(self) -> float:
        """Return when to ask :meth:`is_due` at the latest."""
        return min(self._due_at, self._changes_due_at + SLACK_SEC, self._late_at)
