# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests that launch_testing runs share."""

import os

from launch_runs import included
from launch_runs import launch
from node_harness import DEADLINE_SEC
from node_harness import Probe
import psutil
import pytest

testing_actions = pytest.importorskip(
    'launch_testing.actions', reason='needs launch_testing (ROS 2), which is not here')
launch_testing = pytest.importorskip('launch_testing')
asserts = pytest.importorskip('launch_testing.asserts')


def description(*actions):
    """Return the launch description of a test: actions, then the tests."""
    return launch.LaunchDescription([*actions, testing_actions.ReadyToTest()])


def apart(file, **arguments):
    """Return the action that includes a launch file, and keeps its arguments from the others."""
    return launch.actions.GroupAction([included(file, **arguments)])


class Listener:
    """Base of the tests of running nodes: a probe, and the processes that must be gone after."""

    processes = []

    @classmethod
    def setUpClass(cls):
        """Start to listen."""
        cls.probe = Probe().__enter__()

    @classmethod
    def tearDownClass(cls):
        """Stop to listen, and note who must be gone after the shutdown."""
        Listener.processes = psutil.Process().children(recursive=True)
        cls.probe.__exit__()

    def running(self, executable):
        """Return the processes that run an executable of this package."""
        return [process for process in psutil.Process().children()
                if any(os.path.basename(word) == executable for word in process.cmdline())]


class CleanEnd:
    """Base of the tests of what is left when launch has stopped the nodes."""

    nodes = 2
    sticks = 0

    def test_exit_codes(self, proc_info):
        """End with exit code 0, all nodes."""
        self.assertEqual(len(proc_info.process_names()), self.nodes)
        asserts.assertExitCodes(proc_info)

    def test_output(self, proc_output):
        """Print no traceback."""
        for output in proc_output:
            self.assertNotIn(b'Traceback', output.text)

    def test_nothing_is_left(self):
        """Leave no process: the nodes, and at least one for each stick."""
        self.assertGreaterEqual(len(Listener.processes), self.nodes + self.sticks)
        _, alive = psutil.wait_procs(Listener.processes, timeout=DEADLINE_SEC)
        self.assertEqual(alive, [])
