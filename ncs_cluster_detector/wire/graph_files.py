# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The contents of the graph files, in memory that the node and all its workers share.

It is an anonymous memory file, given to each worker as a file descriptor. A worker reads a graph
when it loads it onto its stick, and keeps no copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from itertools import accumulate
import os
from typing import Any
import weakref

from ncs_cluster_detector.processes.fork_server import Descriptor


class GraphFiles(Sequence[bytes]):
    """The contents of the graph files in their order; each is read when it is asked for."""

    def __init__(self, contents: Iterable[bytes]) -> None:
        """Copy the contents, one at a time."""
        file = os.memfd_create('ncs_graphs')
        with open(file, 'wb', closefd=False) as graphs:
            self._take(file, tuple(map(graphs.write, contents)))

    def _take(self, file: int, sizes: tuple[int, ...]) -> None:
        self._file, self._sizes = file, sizes
        self._begins = tuple(accumulate(sizes, initial=0))
        weakref.finalize(self, os.close, file)

    def __len__(self) -> int:
        """Return the number of graphs."""
        return len(self._sizes)

    def __getitem__(self, index: Any) -> Any:
        """Return a new copy of one content (bytes)."""
        return os.pread(self._file, self._sizes[index], self._begins[:-1][index])

    def __reduce__(self) -> tuple[Any, tuple[Descriptor, tuple[int, ...]]]:
        """Become the same as an argument of another process."""
        return _received, (Descriptor(self._file), self._sizes)


def _received(file: int, sizes: tuple[int, ...]) -> GraphFiles:
    graphs = GraphFiles.__new__(GraphFiles)
    graphs._take(file, sizes)
    return graphs
