# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Two cameras and the one detector, truly launched: what belongs to a camera is below its name."""

import unittest

from diagnostic_msgs.msg import DiagnosticStatus
from launch_runs import included
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import SIMULATED
from launch_tests import CleanEnd
from launch_tests import description
from launch_tests import launch_testing
from launch_tests import Listener
from ncs_cluster_detector.parameters.camera_names import NODE_TOPICS
from ncs_cluster_detector.parameters.camera_names import PUBLISHED_TOPICS
from ncs_cluster_detector.parameters.camera_names import TAKEN_TOPICS
import pytest
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

NAMES = ('front', 'arm/wrist')
ROOT = '/robot1'
STICKS = 5
# The test pattern has no depth.
DEPTH = 'aligned_depth_to_color'


@pytest.mark.launch_test
@NEEDS_LAUNCH_ROS
def generate_test_description():
    """Return the launch description: two cameras on simulated sticks, in a namespace."""
    return description(included(
        SIMULATED, namespace='robot1', cameras=f'[{",".join(NAMES)}]', use_depth='true'))


class TestTwoCameras(Listener, unittest.TestCase):
    """What another node sees of the three."""

    def test_detections(self):
        """Detect in the pictures of each camera, with the headers of its own."""
        heard = self.detections_of({
            name: (f'{ROOT}/{name}/image_raw', f'{ROOT}/{name}/detections') for name in NAMES})
        for name, answers in heard.items():
            self.assertEqual({message.header.frame_id for message in answers},
                             {name.replace('/', '_') + '_color_optical_frame'})

    def test_names(self):
        """Have three nodes, whose topics are those that the rule for names knows."""
        expected = {('camera', f'{ROOT}/{name}') for name in NAMES} | {('detector', ROOT)}
        node = self.probe.node

        def found():
            names = set(node.get_node_names_and_namespaces()) - {('probe', '/')}
            return names if names >= expected else None

        self.assertEqual(self.probe.wait_for(found), expected)
        self.wait_for_statuses()   # all publishers are there then

        def topics(look, name, namespace):
            return {topic.removeprefix(f'{ROOT}/') for topic, _ in look(name, namespace)
                    if topic.startswith(f'{ROOT}/')}

        published = topics(node.get_publisher_names_and_types_by_node, 'detector', ROOT)
        self.assertEqual(
            {topic for topic in published if not topic.startswith('detector/')},
            {*NODE_TOPICS, *(f'{name}/{topic}' for name in NAMES for topic in PUBLISHED_TOPICS)})
        taken = topics(node.get_subscriber_names_and_types_by_node, 'detector', ROOT)
        self.assertEqual(taken, {
            f'{name}/{topic}' for name in NAMES
            for topic in ('image_raw', 'camera_info', f'{DEPTH}/image_raw')})
        for name in NAMES:
            given = topics(node.get_publisher_names_and_types_by_node, 'camera', f'{ROOT}/{name}')
            self.assertEqual(given, {f'{name}/{topic}' for topic in TAKEN_TOPICS
                                     if not topic.startswith(DEPTH)})

    def test_diagnostics(self):
        """Tell the cameras apart, and have one status of the cluster and of each stick."""
        self.wait_for_statuses()
        for name in NAMES:
            status, _ = self.probe.status(f'detector: camera {name}')
            self.assertEqual(status.hardware_id, name)
        self.assertIsNone(self.probe.status('camera: test_pattern'))

    def test_parameters(self):
        """Give the detector the names, and the cameras their frames."""
        for node, parameter, value in (
                ('detector', 'cameras', list(NAMES)),
                *((f'{name}/camera', 'source', 'test_pattern') for name in NAMES)):
            (answer,) = self.probe.call(
                GetParameters, f'{ROOT}/{node}/get_parameters',
                GetParameters.Request(names=[parameter])).values
            self.assertEqual(parameter_value_to_python(answer), value)

    def wait_for_statuses(self):
        """Wait until all statuses are OK."""
        names = ['detector: cluster', *(f'detector: stick {number}' for number in range(STICKS)),
                 *(f'detector: camera {name}' for name in NAMES),
                 *(f'robot1/{name}/camera: test_pattern' for name in NAMES)]

        def all_ok():
            found = [self.probe.status(name) for name in names]
            return all(status and status[0].level == DiagnosticStatus.OK for status in found)

        self.probe.wait_for(all_ok, 40.0)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(CleanEnd, unittest.TestCase):
    """What is left when launch has stopped the nodes."""

    nodes = 3
    sticks = STICKS
