# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Counts the failures of one stick, which decide when it is started again."""

from collections import Counter
from enum import Enum

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.reliability.trust import Trust
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle


class Cause(Enum):
    """Why a worker ends before the node does."""

    STICK = 'the stick, or its driver, has failed'
    REFUSAL = 'the stick has answered, and refuses the networks'
    DEAD = 'the stick has booted, and does not answer'
    KILLED = 'its process was killed'
    WANTED = 'a restart is wanted'


class Setbacks:
    """
    The failures of one stick since it last worked well, and its Trust.

    ``failures`` counts the failures of its workers, ``mute`` how often it booted and did not
    answer, ``slow`` how often it was not back from its boot in time, and ``refusals`` how often it
    refused the networks, by reason, since it last loaded them. ``needs_result`` means that it
    failed at work, so that only a result shows that it works well.
    """

    def __init__(self, starts_together: bool = False) -> None:
        """Start without failures; sticks that ``starts_together`` do not hold each other up."""
        self._starts_together = starts_together
        self.failures = self.mute = self.slow = 0
        self.refusals: Counter[str] = Counter()
        self.trust = Trust()
        self.needs_result = False

    def on_failure(
            self, handle: WorkerHandle, now: float, at_work: bool,
            cause: Cause) -> restart.RestartPlan:
        """
        Record a failure; return the RestartPlan.

        :param at_work: whether its stick was open.
        :param cause: any Cause but REFUSAL.
        """
        if cause is Cause.DEAD:   # it has no reason to be left alone for longer and longer
            return restart.after_dead()
        self.failures += 1
        self._note_held_up(handle, now)
        self.needs_result |= bool(handle.outstanding) and cause is not Cause.WANTED
        if at_work and cause is Cause.STICK:
            self.trust.lapsed()
            return restart.after_failure(self.failures, self.holds_up(), self.trust.rest_sec)
        if at_work and cause is Cause.KILLED:
            self.trust.interrupted()
            if self._starts_together and self.failures == 1:
                return restart.after_kill()
        return restart.after_failure(self.failures, self.holds_up())

    def on_refusal(self, reason: str) -> restart.RestartPlan:
        """Record that the stick refuses the networks; return the RestartPlan."""
        self.refusals[reason] += 1
        return restart.after_refusal(self.refusals.total())

    def on_dead(self) -> restart.RestartPlan:
        """Record that the stick booted and does not answer; return the RestartPlan."""
        self.mute += 1
        return restart.after_failure(1, self.holds_up())

    def well(self) -> None:
        """Record that the stick works well; its Trust recovers by itself."""
        self.failures = self.mute = self.slow = 0
        self.needs_result = False

    def forget(self) -> None:
        """Forget all failures, because a person has handled the stick."""
        self.well()
        self.refusals.clear()
        self.trust.forget()

    def tries(self) -> int:
        """Return how often the stick has failed or refused the networks; see the attributes."""
        return self.failures + self.refusals.total()

    def holds_up(self) -> int:
        """
        Return how often its failed starts have delayed the others.

        Being slow to boot once does not count, see StickRegister.due.
        """
        return self.mute + max(self.slow - 1, 0)

    def _note_held_up(self, handle: WorkerHandle, now: float) -> None:
        if now - handle.step_at >= restart.HELD_UP_SEC and not self._starts_together:
            self.mute += handle.step is OpeningStep.BOOTED
            self.slow += handle.step is OpeningStep.OPENING
