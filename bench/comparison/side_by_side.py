# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node on simulated sticks beside the bare node, and windows of time to measure."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import ExitStack
import json
import os
from pathlib import Path
import sys
import time
from typing import Any
from typing import NamedTuple

from comparison.processes import BenchError
from comparison.processes import POLL_SEC
from comparison.processes import Program
from comparison.processes import used_between
from comparison.traffic import BARE
from comparison.traffic import OURS
from comparison.traffic import Traffic
from ncs_cluster_detector.processes.module_path import python_command

BENCH = Path(__file__).resolve().parents[1]
PROGRAMS = BENCH / 'programs'
READY_SEC = 60.0
SETTLING_SEC = 2.5
WINDOWS, WINDOW_SEC = 4, 4.0
DETECTOR = ('from ncs_cluster_detector.executables import detector_node\n'
            'raise SystemExit(detector_node())')


class Window(NamedTuple):
    """A part of the time: CPU times in seconds, and the detections that came in it."""

    seconds: float
    node_sec: float
    workers_sec: float   # all other processes of the node
    bare_sec: float
    detections: int
    bare_detections: int

    @property
    def node_ms(self) -> float:
        """Return the CPU time of the node's own process a detection, in ms."""
        return 1e3 * self.node_sec / max(self.detections, 1)

    @property
    def workers_ms(self) -> float:
        """Return the CPU time of the node's other processes a detection, in ms."""
        return 1e3 * self.workers_sec / max(self.detections, 1)

    @property
    def bare_ms(self) -> float:
        """Return the CPU time of the bare node a detection, in ms."""
        return 1e3 * self.bare_sec / max(self.bare_detections, 1)


class SideBySide:
    """A running detector node, and a bare one if there is one."""

    def __init__(self, traffic: Traffic, node: Program, bare: Program | None) -> None:
        """Take what runs."""
        self.traffic, self.node, self.bare = traffic, node, bare

    def wait_for(self, what: str, condition: Callable[[], Any]) -> None:
        """
        Wait until a condition holds.

        :raises BenchError: it did not hold in time, or a node has ended.
        """
        deadline = time.monotonic() + READY_SEC
        while not condition():
            for program in filter(None, (self.node, self.bare)):
                program.check_running()
            if time.monotonic() > deadline:
                raise BenchError(f'waiting for {what} took more than {READY_SEC:g} s; is the '
                                 'machine busy?')
            time.sleep(POLL_SEC)

    def wait_until_ready(self, sticks: int) -> None:
        """Wait until all sticks run."""
        self.wait_for(f'{sticks} sticks', lambda: [
            stick.state for stick in self.traffic.sticks] == ['RUNNING'] * sticks)

    def wait_for_detections(self) -> None:
        """Wait until detections come in each lane that has a node."""
        lanes = [OURS, *([BARE] if self.bare else [])]
        self.wait_for('detections', lambda: all(
            self.traffic.lanes[name].detections for name in lanes))

    def window(self, seconds: float = WINDOW_SEC) -> Window:
        """Let a time pass, and return what was used and what came in it."""
        before, bare_before = self._spent()
        began = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
        after, bare_after = self._spent()
        pid, lanes = self.node.pid, self.traffic.lanes
        node_sec = after[pid] - before[pid]
        return Window(
            seconds=ended - began, node_sec=node_sec,
            workers_sec=used_between(before, after) - node_sec,
            bare_sec=used_between(bare_before, bare_after),
            detections=len(lanes[OURS].between(began, ended)),
            bare_detections=len(lanes[BARE].between(began, ended)))

    def windows(self, count: int = WINDOWS, seconds: float = WINDOW_SEC) -> list[Window]:
        """Return several windows, one after the other."""
        return [self.window(seconds) for _ in range(count)]

    def _spent(self):
        self.node.check_running()
        return self.node.cpu_sec(), self.bare.cpu_sec() if self.bare else {}


@contextmanager
def side_by_side(
        traffic: Traffic, folder: Path, parameters: Mapping[str, Any], fps: float,
        size: tuple[int, int] = (320, 240), with_bare: bool = True,
        program: str = DETECTOR, environment: Mapping[str, str] | None = None,
        ) -> Iterator[SideBySide]:
    """
    Run the detector node on simulated sticks, and the bare node, until the body has ended.

    All sticks run and detections come when the body begins; without images (``fps`` 0) there are
    no detections to wait for.

    :param parameters: those of the detector node, beside its driver and graph.
    :param program: Python statements that run the node.
    :param environment: additional variables for it.
    """
    with ExitStack() as stack:
        stack.callback(traffic.end)
        traffic.end()   # forgets the diagnostics of another node
        node = stack.enter_context(Program(
            'detector', node_command(parameters, program), folder, environment))
        bare = None
        if with_bare:
            bare = stack.enter_context(Program(
                'bare', [sys.executable, str(PROGRAMS / 'bare_node.py'), *ros_arguments(BARE)],
                folder))
        running = SideBySide(traffic, node, bare)
        running.wait_until_ready(parameters['simulated.sticks'])
        if fps:
            traffic.begin(fps, size, (OURS, BARE) if with_bare else (OURS,))
            running.wait_for_detections()
        time.sleep(SETTLING_SEC)
        yield running


def node_command(parameters: Mapping[str, Any], program: str = DETECTOR) -> list[str]:
    """Return the command of the detector node on simulated sticks with the graph ``shapes``."""
    values = {'driver': 'simulated', 'graph_paths': ['shapes'], **parameters}
    words = [word for name, value in values.items()
             for word in ('-p', f'{name}:={json.dumps(value)}')]
    return [*python_command(program), *ros_arguments(OURS), *words]


def with_programs(**variables: str) -> dict[str, str]:
    """Return environment variables for a node that imports modules of ``programs/``."""
    return {**variables, 'PYTHONPATH': os.pathsep.join(
        filter(None, [str(PROGRAMS), os.environ.get('PYTHONPATH')]))}


def ros_arguments(lane: str) -> list[str]:
    """Return the arguments that lead a node to the topics of a lane."""
    return ['--ros-args', '-r', f'image_raw:={lane}/image_raw',
            '-r', f'detections:={lane}/detections']
