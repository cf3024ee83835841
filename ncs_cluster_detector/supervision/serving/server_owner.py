# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which detector uses the sticks of a stick server."""

from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.wire.host_messages import Claim

# A detector sends a frame, or a claim after each report, every 0.2 s: five are missing.
SILENCE_SEC = 1.0


class ServerOwner:
    """
    The detector that claimed the sticks first, until it leaves or is silent.

    ``session`` and ``name`` are empty while the sticks are free; ``silent_at`` is when the owner
    counts as gone, infinite without one.
    """

    def __init__(self, logger: Logger) -> None:
        self.session = self.name = ''
        self.silent_at = float('inf')
        self._logger = logger

    def on_claim(self, claim: Claim, now: float) -> bool:
        """Take in a claim; return whether the owner has changed."""
        if self.session and claim.session != self.session:
            return False   # the other one reads in the reports whose sticks they are
        if claim.leaves:
            if self.session:
                self._logger.info(f'{self.name} has given the sticks back')
            return self._set_free()
        self.silent_at = now + SILENCE_SEC
        if self.session:
            return False
        self.session, self.name = claim.session, claim.name
        self._logger.info(f'the sticks serve {claim.name} from now on')
        return True

    def on_frame(self, now: float) -> None:
        """Take in that the owner has sent a frame."""
        self.silent_at = now + SILENCE_SEC

    def judge(self, now: float) -> bool:
        """Give an owner up that is silent; return whether the owner has changed."""
        if now < self.silent_at:
            return False
        self._logger.warning(f'{self.name} was not heard for {SILENCE_SEC:g} s: its frames are '
                             'dropped, and any detector may use the sticks')
        return self._set_free()

    def extend_deadline(self, delay_sec: float) -> None:
        """Wait longer, because this process itself was suspended for that time."""
        self.silent_at += delay_sec

    def _set_free(self) -> bool:
        was_owned = bool(self.session)
        self.session = self.name = ''
        self.silent_at = float('inf')
        return was_owned
