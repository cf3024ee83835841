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
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

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

    def detections_of(self, topics):
        """
        Wait until five images of each camera have their detections, with the same headers.

        :param topics: by camera, those of its images and of its detections.
        :return: the Detection2DArrays heard, by camera.
        """
        heard = {}
        for camera, (image_topic, detection_topic) in topics.items():
            heard[camera] = pictures, answers = [], []
            self.probe.listen(Image, image_topic, pictures)
            self.probe.listen(Detection2DArray, detection_topic, answers)

        def headers(messages):
            return {(message.header.frame_id, message.header.stamp.sec,
                     message.header.stamp.nanosec) for message in messages}

        for pictures, answers in heard.values():
            self.probe.wait_for(lambda pictures=pictures, answers=answers: len(
                headers(pictures) & headers(answers)) >= 5)
        return {camera: answers for camera, (_, answers) in heard.items()}

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
