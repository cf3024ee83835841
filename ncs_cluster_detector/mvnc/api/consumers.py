# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Count who has consumed the oldest result in a queue that the host and graphs read."""

import threading


class Consumers:
    """
    The consumers of a queue's results: the host, which may read each once, and graphs.

    As in the vendor's library (mvnc_api.c:2745, 3097) the host forgets a result when it has had
    ``count`` consumers. Two threads may use it, one that reads and one that starts inferences.
    """

    def __init__(self) -> None:
        """Begin with one consumer; ``count`` may be set until :meth:`begin`."""
        self.count = 1
        self.host_has_read = False   # the oldest result
        self._left = 1
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Begin to count."""
        self._left = self.count

    def consume_by_host(self) -> None:
        """Note that the host has read the oldest result."""
        with self._lock:
            self.host_has_read = not self._consume()

    def consume_by_graph(self) -> bool:
        """Note that a graph takes the oldest result; return whether the host must drop it."""
        with self._lock:
            had_read = self.host_has_read
            return self._consume() and not had_read

    def _consume(self) -> bool:
        self._left -= 1
        if self._left != 0:
            return False
        self._left, self.host_has_read = self.count, False
        return True
