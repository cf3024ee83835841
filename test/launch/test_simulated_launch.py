# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The simulated launch file, truly launched: detections, diagnostics, parameters, a clean end."""

import unittest

from diagnostic_msgs.msg import DiagnosticStatus
from launch_runs import included
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import SIMULATED
from launch_tests import CleanEnd
from launch_tests import description
from launch_tests import launch_testing
from launch_tests import Listener
import pytest
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.parameter import parameter_value_to_python
from vision_msgs.msg import Detection2DArray

# Arguments of the run in each namespace, and the parameters that they make.
RUNS = {
    '': ({}, {'cluster_size': 2, 'switch_temperature': 65.0, 'graph_paths': ['']}),
    'robot1': (
        {'cluster_size': '3', 'switch_temperature': '70', 'graph_paths': "['people','faces']"},
        {'cluster_size': 3, 'switch_temperature': 70.0, 'graph_paths': ['people', 'faces']}),
}
LABELS = {'person', 'face'}
STICKS = 5


@pytest.mark.launch_test
@NEEDS_LAUNCH_ROS
@launch_testing.parametrize('namespace', list(RUNS))
def generate_test_description(namespace):
    """Return the launch description: without arguments, and in a namespace with some."""
    return description(included(SIMULATED, namespace=namespace, **RUNS[namespace][0]))


class TestWhileRunning(Listener, unittest.TestCase):
    """What another node sees of the two."""

    def test_detections(self, namespace):
        """Find somebody in the pictures of the camera, one answer a picture, in order."""
        heard = []
        self.probe.listen(Detection2DArray, f'{namespace}/detections', heard)
        self.probe.wait_for(lambda: sum(bool(answer.detections) for answer in heard) >= 10)
        stamps = [(answer.header.stamp.sec, answer.header.stamp.nanosec) for answer in heard]
        self.assertEqual(stamps, sorted(set(stamps)))
        for answer in heard:
            self.assertEqual(answer.header.frame_id, 'camera_color_optical_frame')
            for detection in answer.detections:
                self.assertIn(detection.results[0].hypothesis.class_id, LABELS)

    def test_diagnostics(self, namespace):
        """Report the camera, the cluster and every stick, on one topic for all robots."""
        size = RUNS[namespace][1]['cluster_size']

        def complete():
            status, values = self.probe.status('detector: cluster') or (None, {})
            return (values.get('effective_cluster_size') == str(size)
                    and status.level == DiagnosticStatus.OK and values)

        values = self.probe.wait_for(complete)
        self.assertEqual(len(values['active_sticks'].split(',')), size)
        self.probe.wait_for(lambda: self.probe.status('camera: test_pattern'))
        for number in range(STICKS):
            self.assertIsNotNone(self.probe.status(f'detector: stick {number}'))
        self.assertIsNone(self.probe.status(f'detector: stick {STICKS}'))

    def test_parameters(self, namespace):
        """Have the values of the arguments, take over others, and refuse impossible ones."""
        expected = RUNS[namespace][1]
        self.assertEqual(self.values(namespace, *expected), list(expected.values()))
        for value in (71.5, 68):   # a whole number serves as a float
            self.assertEqual(self.change(namespace, 'switch_temperature', value), (True, ''))
            self.assertEqual(self.values(namespace, 'switch_temperature'), [float(value)])
        for name, value, rule in (
                ('switch_temperature', 120.0, '20.0 to 95.0'), ('cluster_size', 9, '0..5'),
                ('driver', 'mvnc', 'start the node again')):
            done, reason = self.change(namespace, name, value)
            self.assertFalse(done)
            self.assertTrue(reason.startswith(f'{name}={value}: '), reason)
            self.assertIn(rule, reason)
        self.assertEqual(self.values(namespace, 'switch_temperature', 'cluster_size', 'driver'),
                         [68.0, expected['cluster_size'], 'simulated'])

    def values(self, namespace, *names):
        """Return the values of parameters of the detector."""
        answer = self.probe.call(GetParameters, f'{namespace}/detector/get_parameters',
                                 GetParameters.Request(names=names))
        return [parameter_value_to_python(value) for value in answer.values]

    def change(self, namespace, name, value):
        """Set a parameter of the detector; return whether it was, and the reason."""
        (result,) = self.probe.call(
            SetParameters, f'{namespace}/detector/set_parameters', SetParameters.Request(
                parameters=[Parameter(name, value=value).to_parameter_msg()])).results
        return result.successful, result.reason


@launch_testing.post_shutdown_test()
class TestAfterShutdown(CleanEnd, unittest.TestCase):
    """What is left when launch has stopped the nodes."""

    sticks = STICKS
