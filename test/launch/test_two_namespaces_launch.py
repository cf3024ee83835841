# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Two cameras and two clusters on one robot, each pair in a namespace of its own."""

import unittest

from diagnostic_msgs.msg import DiagnosticStatus
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import SIMULATED
from launch_tests import apart
from launch_tests import CleanEnd
from launch_tests import description
from launch_tests import launch_testing
from launch_tests import Listener
import pytest
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

# Namespace and cluster size.
SIZES = {'front': 2, 'rear': 3}
STICKS = 5
# What belongs to the robot as a whole.
ABSOLUTE = {'/diagnostics', '/rosout', '/parameter_events'}


@pytest.mark.launch_test
@NEEDS_LAUNCH_ROS
def generate_test_description():
    """Return the launch description: the simulated launch file, twice."""
    return description(*(
        apart(SIMULATED, namespace=namespace, cluster_size=str(size),
              diagnostics_with_namespace='true') for namespace, size in SIZES.items()))


class TestSideBySide(Listener, unittest.TestCase):
    """What another node sees of the four."""

    def test_detections(self):
        """Detect in the pictures of the own camera."""
        self.detections_of({
            namespace: (f'/{namespace}/camera/image_raw', f'/{namespace}/detections')
            for namespace in SIZES})

    def test_names(self):
        """Keep every topic and service in the namespace, except those of the whole robot."""
        expected = {(name, f'/{namespace}{folder}') for namespace in SIZES
                    for name, folder in (('camera', '/camera'), ('detector', ''))}
        node = self.probe.node

        def found():
            names = set(node.get_node_names_and_namespaces()) - {('probe', '/')}
            return names if names >= expected else None

        self.assertEqual(self.probe.wait_for(found), expected)
        self.wait_for_statuses()   # all publishers are there then
        for name, namespace in expected:
            root = '/' + namespace.split('/')[1] + '/'
            for look in (node.get_publisher_names_and_types_by_node,
                         node.get_subscriber_names_and_types_by_node,
                         node.get_service_names_and_types_by_node):
                names = {topic for topic, _ in look(name, namespace)}
                astray = {topic for topic in names if not topic.startswith(root)} - ABSOLUTE
                self.assertEqual(astray, set())
            published = {topic for topic, _ in node.get_publisher_names_and_types_by_node(
                name, namespace)}
            self.assertIn(root + {'camera': 'camera/image_raw', 'detector': 'detections'}[name],
                          published)

    def test_diagnostics(self):
        """Tell the two clusters, their sticks and their cameras apart."""
        self.wait_for_statuses()
        for namespace, size in SIZES.items():
            _, values = self.probe.status(f'{namespace}/detector: cluster')
            self.assertEqual(values['cluster_size'], str(size))
        for plain in ('detector: cluster', 'detector: stick 0', 'camera: test_pattern'):
            self.assertIsNone(self.probe.status(plain))

    def test_parameters(self):
        """Change in one namespace only."""
        (result,) = self.probe.call(
            SetParameters, '/front/detector/set_parameters', SetParameters.Request(parameters=[
                Parameter('switch_temperature', value=61.5).to_parameter_msg()])).results
        self.assertTrue(result.successful, result.reason)
        for namespace, expected in (('front', 61.5), ('rear', 65.0)):
            (value,) = self.probe.call(
                GetParameters, f'/{namespace}/detector/get_parameters',
                GetParameters.Request(names=['switch_temperature'])).values
            self.assertEqual(value.double_value, expected)

    def wait_for_statuses(self):
        """Wait until all statuses of both namespaces are OK."""
        names = [f'{namespace}/{part}' for namespace in SIZES for part in (
            'camera: test_pattern', 'detector: cluster',
            *(f'detector: stick {number}' for number in range(STICKS)))]

        def all_ok():
            found = [self.probe.status(name) for name in names]
            return all(status and status[0].level == DiagnosticStatus.OK for status in found)

        self.probe.wait_for(all_ok, 40.0)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(CleanEnd, unittest.TestCase):
    """What is left when launch has stopped the nodes."""

    nodes = 4
    sticks = len(SIZES) * STICKS
