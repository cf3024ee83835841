# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How far a stick is trusted, by what it did."""

# The good work that regains trust after a stick hung or failed at work; each further lapse doubles
# it and adds as much.
LAPSE_SEC = 30.0
MOST_DOUBT_SEC = 3600.0
# One that answered late may have been held up by the host.
LATE_SEC = 5.0
# One result a second of a stick in doubt counts as a second of good work.
TRIAL_PERIOD_SEC = 1.0
# Results that a restarted stick must give before others depend on it.
TRIALS = 3
# The rest before a restart, doubled with each lapse in a row; a stick that would rest for the
# second or longer is given up. So much good work takes one lapse off the row: a stick that works
# well in between has outside troubles, and is back soon.
FIRST_REST_SEC = 0.5
LONGEST_REST_SEC = 60.0
FORGETS_LAPSE_SEC = 5.0
MOST_LAPSES = 8.0   # in a row: with these the rest is the longest


class Trust:
    """
    The record of one stick; it outlives the stick's workers.

    ``doubt_sec`` is how long the stick has to do good work until it is trusted again: half a
    minute after a first lapse, twice as long and half a minute more with each further one. A stick
    that hangs again and again is given up with the eighth lapse. These figures are assumptions,
    for nothing is published about how often sticks hang.
    """

    def __init__(self) -> None:
        self.doubt_sec = 0.0
        self.trials_left = 0   # results that it must give before others depend on it
        self._row = 0.0        # lapses with little good work in between
        self._is_late = False
        self._served_at = float('-inf')

    @property
    def rest_sec(self) -> float:
        """Return for how long the stick rests after a lapse; infinite means it is given up."""
        rest_sec = FIRST_REST_SEC * 2.0 ** (self._row - 1.0)
        return rest_sec if rest_sec < LONGEST_REST_SEC else float('inf')

    def lapsed(self) -> None:
        """Note that the stick hung at work, or failed there."""
        self.doubt_sec = min(2 * self.doubt_sec + LAPSE_SEC, MOST_DOUBT_SEC)
        self._row = min(self._row + 1.0, MOST_LAPSES)
        self._must_show_again()

    def interrupted(self) -> None:
        """Note that the stick's process was killed at work, which need not be its fault."""
        self.doubt_sec = max(self.doubt_sec, LAPSE_SEC)
        self._must_show_again()

    def _must_show_again(self) -> None:
        self.trials_left = TRIALS
        self._is_late = False

    def late(self) -> None:
        """Note that a result of the stick takes several times its usual time."""
        self.doubt_sec = max(self.doubt_sec, LATE_SEC)
        self._is_late = True

    def served(self, now: float) -> None:
        """Note a result; one that was late is no good work."""
        if self._is_late:
            self._is_late = False
        else:
            served_sec = min(now - self._served_at, TRIAL_PERIOD_SEC)
            self.trials_left = max(self.trials_left - 1, 0)
            self.doubt_sec = max(self.doubt_sec - served_sec, 0.0)
            self._row = max(self._row - served_sec / FORGETS_LAPSE_SEC, 0.0)
        self._served_at = now

    def forget(self) -> None:
        """Forget everything: a person has replugged the stick."""
        self.doubt_sec = self._row = 0.0
        self.trials_left = 0
