# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node of a soak: its starts and ends, its log, and the double's bus in it."""

from collections.abc import Callable
import json
from pathlib import Path
import re
import signal
from typing import Any
from typing import BinaryIO

from ncs_cluster_detector.checking.node_process import kill
from ncs_cluster_detector.checking.node_process import members_left
from ncs_cluster_detector.checking.node_process import NodeProcess
from ncs_cluster_detector.checking.shared_memory import owned_by
from ncs_cluster_detector.checking.shared_memory import segment_of
from ncs_cluster_detector.checking.shared_memory import shared_memory_names
from ncs_cluster_detector.simulation.bus.running_buses import running_buses
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from runner.nodes import how_it_ended
from soaking import plan

# The sticks heat six times as fast as real ones.
PARAMETERS: dict[str, Any] = {
    'driver': 'simulated', 'graph_paths': ['shapes'], 'simulated.sticks': plan.STICKS,
    'simulated.time_constant_sec': 20.0, **plan.CHOSEN}
STOP_SEC = 5.0   # as promised after SIGINT and SIGTERM
KILLED_PATIENCE_SEC = 5.0
ORPHANS_PATIENCE_SEC = 2.0
BAD_LINES = re.compile(r'Traceback \(most recent|Fatal Python error|terminate called|^\[FATAL\]'
                       r'|Segmentation fault|Exception ignored')


class SoakedNode:
    """
    The node, one life after another.

    ``complaints`` are about its ends, ``held`` the names of the files in shared memory that its
    processes used.
    """

    def __init__(self, log: BinaryIO, clock: Callable[[], float], temporary: Path) -> None:
        """
        Prepare; no node is started yet.

        :param log: an unbuffered binary file for its lines.
        :param temporary: its folder for temporary files.
        """
        self.complaints: list[str] = []
        self.held: set[str] = set()
        self.life = 0
        self.process: NodeProcess | None = None
        self.bus: SimulatedBus | None = None
        self._log, self._clock, self._temporary = log, clock, temporary

    @property
    def pid(self) -> int:
        """Return the process of this life."""
        return self.process.pid

    def start(self) -> None:
        """Begin a life."""
        self.life += 1
        arguments = [word for name, value in PARAMETERS.items()
                     for word in ('-p', f'{name}:={json.dumps(value)}')]
        self._log.write(f'{self._clock():8.3f} === life {self.life} ===\n'.encode())
        self.process = NodeProcess(
            arguments, self._log, self._clock, {'TMPDIR': str(self._temporary)})

    def find_bus(self) -> bool:
        """Return whether the double's bus is there, after its processes have begun."""
        if self.bus is None:
            try:
                self.bus = running_buses(self.pid)[0].shared_bus
            except ValueError:
                return False
        return True

    def note_files(self) -> None:
        """Note what the node has in shared memory now."""
        self.held |= owned_by(self.pid)

    def stop(self, number: signal.Signals) -> float:
        """End the life with a signal; return how long that took, in seconds."""
        process, began = self.process, self._clock()
        self.note_files()
        if self.bus is not None:
            self.bus.close()
            self.bus = None
        where = f'life {self.life} of the node'
        if process.exit_code() is None:
            process.signal(number)
            if not process.wait(STOP_SEC):
                self.complaints.append(
                    f'{where}: it did not end within {STOP_SEC:g} s of {number.name}')
                process.wait(KILLED_PATIENCE_SEC)
        took = self._clock() - began
        left = members_left(process.pid, ORPHANS_PATIENCE_SEC)
        if left:
            self.complaints.append(f'{where}: {len(left)} processes outlived it')
            kill(left)
        process.wait(KILLED_PATIENCE_SEC)
        process.wait_for_output()
        if process.exit_code() != 0:
            self.complaints.append(f'{where}: it ended {how_it_ended(process.exit_code())}, '
                                   'expected exit code 0')
        bad = [line for _, line in process.lines if BAD_LINES.search(line)]
        if bad:
            self.complaints.append(f'{where}: {len(bad)} bad lines in its log, first {bad[0]!r}')
        self.process = None
        return took

    def files_left(self) -> list[str]:
        """Return the names of the files that all lives have left; call it after the last one."""
        # All ROS programs of the machine share the ports.
        left = {name for name in shared_memory_names()
                if segment_of(name) in self.held and '_port' not in name}
        return sorted(left | {path.name for path in self._temporary.rglob('*')})
