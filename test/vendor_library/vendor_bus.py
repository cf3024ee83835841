# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The vendor's library over a fake bus, and the programs of a test that use it."""

import os
from pathlib import Path
import subprocess
import sys
import threading
import time

from vendor_ear import Ear
from vendor_files import BINDING
from vendor_files import GRAPH_BYTES
from vendor_node import VendorNode

FOREIGN = Path(__file__).with_name('foreign_program.py')
READY_SEC = 20.0


class ForeignProgram:
    """A running ``foreign_program.py``."""

    def __init__(self, port, environment):
        """Start it, and wait until it infers."""
        self._popen = subprocess.Popen(
            [sys.executable, str(FOREIGN), port], env=environment, text=True,
            stdout=subprocess.PIPE)
        self.times = []   # when each result came
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._ready.wait(READY_SEC), 'the foreign program has no stick'

    def is_running(self):
        """Tell whether it still runs; it ends when a call fails."""
        return self._popen.poll() is None

    def longest_gap(self, since):
        """Return the longest time without a result from a moment until now."""
        times = [since, *(at for at in list(self.times) if at > since), time.monotonic()]
        return max(after - before for before, after in zip(times, times[1:]))

    def end(self):
        """End it."""
        self._popen.kill()
        self._popen.wait()
        self._thread.join()

    def _read(self):
        with self._popen.stdout as lines:
            for line in lines:
                if line.strip() != 'ready':
                    self.times.append(time.monotonic())
                self._ready.set()


class VendorBus:
    """What a test works with: a fake bus, and programs on it."""

    def __init__(self, library_folder, bus, images_a_second):
        """Use a running FakeBus."""
        self.bus = bus
        self.nodes = []
        self._folder = library_folder
        self._foreign = []
        self._ear = Ear(images_a_second)

    @property
    def environment(self):
        """Return the variables with which a program finds the library and the bus."""
        folders = {'LD_LIBRARY_PATH': str(self._folder)}
        if os.environ.get(BINDING):
            folders['PYTHONPATH'] = str(Path(os.environ[BINDING]).resolve().parents[1])
        return {**self.bus.environment, **{
            name: os.pathsep.join(filter(None, [folder, os.environ.get(name)]))
            for name, folder in folders.items()}}

    def start_node(self, namespace='one', graph_head=b'', **parameters):
        """Start a detector node, which gets images at once; ``graph_head`` begins its graph."""
        graph = self._folder / f'dummy{graph_head.hex()}.graph'
        if graph_head:
            graph.write_bytes(graph_head.ljust(GRAPH_BYTES, b'\0'))
        self.nodes.append(VendorNode(self._ear, namespace, {
            'graph_paths': f"['{graph}']", **parameters}, self.environment))
        return self.nodes[-1]

    def start_foreign(self, port):
        """Start a program of somebody else on a port's stick."""
        self._foreign.append(ForeignProgram(port, {**os.environ, **self.environment}))
        return self._foreign[-1]

    def kill_while_inferring(self, node, port):
        """Kill the worker of a stick while it has work; return its pid and the moment."""
        pid = node.status(port).pid
        self.bus.wait_for(lambda sticks: sticks[port].holder == pid and sticks[port].jobs)
        os.kill(pid, 9)
        return pid, time.monotonic()

    def close(self):
        """End all, print what happened, and check what holds in every test."""
        left = []
        try:
            for program in self._foreign:
                program.end()
            for node in self.nodes:
                left += node.end()
                print(node.report())
            print(self.bus.log)
        finally:
            self._ear.close()
        assert not left, f'processes left: {left}'
        for node in self.nodes:
            wrong = [result for result in node.results if not result.is_of_its_frame]
            assert not wrong, f'results that are not of their frames: {wrong[:5]}'
