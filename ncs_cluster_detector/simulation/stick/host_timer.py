# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How late the host is: a simulated stick keeps its own time all the same."""

from collections import deque

_RECENT = 16


class HostTimer:
    """
    Tells by how much earlier to wake up for a moment.

    A timer of the host fires late, by a tenth of a millisecond or more, and the threads of a stick
    need as long to hand a result over. A chip has no part in that. So what the host was late by at
    least lately is slept less.
    """

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=_RECENT)

    @property
    def late_sec(self) -> float:
        """Return by how much the host was late at least lately."""
        return min(self._late, default=0.0)

    def note(self, late_sec: float) -> None:
        """Record by how much it was late; less than 0, when a sleep was cut short, is 0."""
        self._late.append(max(late_sec, 0.0))
