# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The memory of an opened simulated stick: its graphs and queues, and its limits."""

from ncs_cluster_detector.mvnc.api.enums import Status

# Source: the memory that the first stick reports under NCSDK 2, and the numbers of graphs and
# queues that the second stick's firmware reports; those of the first are not published.
MEMORY_BYTES = 522073264
MOST_GRAPHS = 10
MOST_FIFOS = 20


class StickMemory:
    """The bytes of each graph and each queue; a full stick is ``Exception(Status.X)``."""

    def __init__(self) -> None:
        self.graphs: dict[object, int] = {}
        self.fifos: dict[object, int] = {}

    def bytes_used(self) -> int:
        """Return the memory in use, in bytes."""
        return sum(self.graphs.values()) + sum(self.fifos.values())

    def add_graph(self, graph: object, size: int) -> None:
        """Take ``size`` bytes for a graph: OUT_OF_MEMORY, or ERROR when there are 10 already."""
        if size > MEMORY_BYTES:
            raise Exception(Status.OUT_OF_MEMORY)
        if graph not in self.graphs and len(self.graphs) >= MOST_GRAPHS:
            raise Exception(Status.ERROR)
        self.graphs[graph] = size

    def add_fifo(self, fifo: object, size: int) -> None:
        """Take ``size`` bytes for a queue: ERROR when there are 20 already."""
        if len(self.fifos) >= MOST_FIFOS:
            raise Exception(Status.ERROR)
        self.fifos[fifo] = size
