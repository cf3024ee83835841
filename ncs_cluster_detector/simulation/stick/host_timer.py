# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How late the host's timers fire: a simulated stick keeps its own time all the same."""

from collections import deque

_RECENT = 16


class HostTimer:
    """
    Tells for how long to sleep until a moment.

    A timer of the host fires late, by a tenth of a millisecond or more, and a chip has no part in
    that. So what timers were late by at least lately is slept less.
    """

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=_RECENT)   # in seconds

    def sleep_sec(self, pause_sec: float) -> float:
        """Return for how long to sleep to be awake after ``pause_sec``."""
        return max(pause_sec - min(self._late, default=0.0), 0.0)

    def on_wake_up(self, slept_sec: float, took_sec: float) -> None:
        """Record how long a sleep was to take, and how long it took."""
        self._late.append(max(took_sec - slept_sec, 0.0))
