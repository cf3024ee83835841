# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The contents of graph files across a real process boundary, and what they cost there."""

import gc
from multiprocessing import connection
import os
from pathlib import Path
import re
import zlib

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.wire.graph_files import GraphFiles
import pytest
from supervisor_bench import Bench

CONTENTS = (b'first', b'', bytes(range(256)) * 40_000)
LARGE_GRAPH = b'detector: shapes\n' + b'# nothing\n' * 3_000_000
RUNNING = StickState.RUNNING


def answer_with_sums(theirs, graphs):
    """Body of a child process: send the check sum of each."""
    theirs.send([zlib.crc32(graph) for graph in graphs])


def test_each_process_reads_the_same_in_the_same_order():
    child = ChildProcess(answer_with_sums, GraphFiles(CONTENTS))
    assert connection.wait([child.connection], 20)
    assert [*child.messages()] == [[zlib.crc32(content) for content in CONTENTS]]
    assert connection.wait([child.sentinel], 20)
    child.close()


def test_they_are_a_sequence():
    graphs = GraphFiles(CONTENTS)
    assert tuple(graphs) == CONTENTS
    assert (len(graphs), graphs[-1], graphs[0]) == (3, CONTENTS[2], CONTENTS[0])
    assert CONTENTS[2] in graphs
    for index in (3, -4):
        with pytest.raises(IndexError):
            graphs[index]


def test_their_memory_ends_with_them():
    gc.collect()
    before = os.listdir('/proc/self/fd')
    graphs = GraphFiles(CONTENTS)
    assert len(os.listdir('/proc/self/fd')) == len(before) + 1
    del graphs
    assert len(os.listdir('/proc/self/fd')) == len(before)


def private_bytes(pid):
    """Return the memory that a process shares with no other."""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return 1024 * int(re.search(r'^Private_Dirty: +(\d+) kB', text, re.M)[1])


@pytest.fixture
def bench():
    """Return a Bench with two sticks that run a large graph."""
    made = Bench(BusSpec(sticks=2, boot_ms=0.0), graph=LARGE_GRAPH)
    yield made
    made.close()


def test_no_worker_keeps_a_copy_of_a_large_graph(bench):
    bench.wait_for_states(RUNNING, RUNNING)
    bench.wait_for(lambda: bench.supervisor._pool._starts._lister.handle is not None)
    pool = bench.supervisor._pool
    workers = [stick.pid for stick in bench.supervisor.snapshot.sticks]
    others = [pool._starts._lister.handle.pid, pool._starts._cleaner.process.pid]
    most_bytes = len(LARGE_GRAPH) / 2
    assert [pid for pid in (*workers, *others) if private_bytes(pid) > most_bytes] == []
