# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The memory of an opened simulated stick: its graphs and queues, and its limits."""

from ncs_cluster_detector.simulation.api.mvnc_enums import Status

# Source: the memory that the first stick reports under NCSDK 2, and the numbers of graphs and
# queues that the second stick's firmware reports; those of the first are not published.
MEMORY_BYTES = 522073264
MOST_GRAPHS = 10
MOST_FIFOS = 20


class StickMemory:
    """Counts graphs and queues and their bytes; a full stick is ``Exception(Status.X)``."""

    def __init__(self) -> None:
        """Start empty, as after a boot."""
        self._graph_bytes = {}
        self._fifo_bytes = {}

    @property
    def graph_count(self) -> int:
        """Return the number of graphs on the stick."""
        return len(self._graph_bytes)

    @property
    def fifo_count(self) -> int:
        """Return the number of queues on the stick."""
        return len(self._fifo_bytes)

    @property
    def bytes_used(self) -> int:
        """Return the memory in use, in bytes."""
        return sum(self._graph_bytes.values()) + sum(self._fifo_bytes.values())

    def add_graph(self, graph: object, size: int) -> None:
        """Take ``size`` bytes for a graph: OUT_OF_MEMORY, or ERROR when there are 10 already."""
        if size > MEMORY_BYTES:
            raise Exception(Status.OUT_OF_MEMORY)
        if graph not in self._graph_bytes and len(self._graph_bytes) >= MOST_GRAPHS:
            raise Exception(Status.ERROR)
        self._graph_bytes[graph] = size

    def remove_graph(self, graph: object) -> None:
        """Free a graph's memory."""
        self._graph_bytes.pop(graph, None)

    def add_fifo(self, fifo: object, size: int) -> None:
        """Take ``size`` bytes for a queue: ERROR when there are 20 already."""
        if len(self._fifo_bytes) >= MOST_FIFOS:
            raise Exception(Status.ERROR)
        self._fifo_bytes[fifo] = size

    def remove_fifo(self, fifo: object) -> None:
        """Free a queue's memory."""
        self._fifo_bytes.pop(fifo, None)
