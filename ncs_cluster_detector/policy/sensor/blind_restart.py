# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When the worker of a blind stick is started again, in the hope that its sensor comes to."""

FIRST_AFTER_SEC = 30.0
# A sensor that stays broken must not cost restarts for ever.
LONGEST_INTERVAL_SEC = 3600.0
# A stick that was sighted for so long starts again with the shortest interval: longer than one
# whose sensor is stuck may seem sighted after a restart, while its work shows nothing.
SIGHTED_SEC = 600.0


class BlindRestart:
    """
    Tells when to restart the worker of one stick whose temperature is not known.

    First when it was blind for thirty seconds on end, then after twice as long each time, up to an
    hour. ``restarts`` counts those since it was last sighted for ten minutes.
    """

    def __init__(self) -> None:
        """Start with a stick that sees."""
        self.restarts = 0
        self._blind_since: float | None = None
        self._sighted_since: float | None = None

    def is_due(self, now: float, is_blind: bool, may_be: bool = True) -> bool:
        """
        Take note whether a running stick is blind; return whether to restart its worker now.

        Whoever is told so does it: from then on the next interval counts.

        :param now: seconds of the monotonic clock; never less than in the call before.
        :param is_blind: whether its temperature is unknown, because it tells none or is not
            believed.
        :param may_be: whether its worker may be restarted now.
        """
        if not is_blind:
            self._blind_since = None
            if self._sighted_since is None:
                self._sighted_since = now
            if now >= self._sighted_since + SIGHTED_SEC:
                self.restarts = 0
            return False
        self._sighted_since = None
        if self._blind_since is None:
            self._blind_since = now
        if now < self._due_at(self._blind_since) or not may_be:
            return False
        self.restarts += 1
        self._blind_since = None
        return True

    def away(self) -> None:
        """Take note that the stick does not run: its blindness counts from when it is back."""
        self._blind_since = self._sighted_since = None

    def next_due(self) -> float | None:
        """Return when a restart is due if the stick stays blind, or None while it sees."""
        return None if self._blind_since is None else self._due_at(self._blind_since)

    def _due_at(self, blind_since: float) -> float:
        # Doubled for weeks it would be no number any more.
        interval_sec = FIRST_AFTER_SEC * 2.0 ** min(self.restarts, 16)
        return blind_since + min(interval_sec, LONGEST_INTERVAL_SEC)
