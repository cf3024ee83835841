# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node alone, remapped to another camera, as its users write it."""

import array
import unittest

from launch_runs import NEEDS_LAUNCH_ROS
from launch_tests import CleanEnd
from launch_tests import description
from launch_tests import launch_testing
from launch_tests import Listener
from node_harness import DEADLINE_SEC
import numpy as np
import pytest
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3DArray

# The topics of a RealSense camera, started by its own launch file.
CAMERA = '/camera/camera/'
COLOUR, INFO = CAMERA + 'color/image_raw', CAMERA + 'color/camera_info'
DEPTH = CAMERA + 'aligned_depth_to_color/image_raw'
HEIGHT, WIDTH, DISTANCE_MM = 240, 320, 1500


@pytest.mark.launch_test
@NEEDS_LAUNCH_ROS
def generate_test_description():
    """Return the launch description: one node with remappings, and nothing else of the package."""
    from launch_ros.actions import Node
    return description(Node(
        package='ncs_cluster_detector', executable='detector_node', name='detector',
        namespace='robot1',
        parameters=[{'driver': 'simulated', 'graph_paths': ['shapes'], 'use_depth': True}],
        remappings=[('image_raw', COLOUR), ('camera_info', INFO),
                    ('aligned_depth_to_color/image_raw', DEPTH)],
        output='screen'))


class TestOtherCamera(Listener, unittest.TestCase):
    """What a camera that is not ours gets for its pictures."""

    def test_detections(self):
        """Find the rectangle in its picture, and how far away it is, for the very stamp."""
        node = self.probe.node
        # As most camera drivers publish: best effort.
        out = {topic: node.create_publisher(kind, topic, qos_profile_sensor_data)
               for topic, kind in ((COLOUR, Image), (DEPTH, Image), (INFO, CameraInfo))}
        flat, solid = [], []
        self.probe.listen(Detection2DArray, '/robot1/detections', flat)
        self.probe.listen(Detection3DArray, '/robot1/detections_3d', solid)
        for stamp in self.stamps_until(lambda: solid and solid[-1].detections):
            for topic, message in self.pictures(stamp).items():
                out[topic].publish(message)
        header = solid[-1].header
        self.assertEqual(header.frame_id, 'their_optical_frame')
        (found,) = solid[-1].detections
        self.assertEqual(found.results[0].hypothesis.class_id, 'car')
        self.assertAlmostEqual(found.bbox.center.position.z, DISTANCE_MM / 1000, delta=0.01)
        self.assertIn(header, [answer.header for answer in flat if answer.detections])

    def stamps_until(self, condition):
        """Yield stamps in nanoseconds, with time to answer in between, until a condition holds."""
        for number in range(1, int(DEADLINE_SEC / 0.1)):
            yield number * 100_000_000
            try:
                return self.probe.wait_for(condition, timeout=0.1)
            except AssertionError:
                continue
        raise AssertionError(f'no answer within {DEADLINE_SEC} s')

    def pictures(self, stamp_ns):
        """Return what the camera publishes at a time, by topic: a car 1.5 m away, and around."""
        image = np.full((HEIGHT, WIDTH, 3), 40, dtype=np.uint8)
        image[60:180, 80:240] = (255, 0, 0)
        depth = Image(height=HEIGHT, width=WIDTH, encoding='16UC1', step=2 * WIDTH)
        depth.data = array.array(
            'B', np.full((HEIGHT, WIDTH), DISTANCE_MM, dtype=np.uint16).tobytes())
        info = CameraInfo(
            height=HEIGHT, width=WIDTH, distortion_model='plumb_bob', d=[0.0] * 5,
            k=[300.0, 0.0, 160.0, 0.0, 300.0, 120.0, 0.0, 0.0, 1.0],
            r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            p=[300.0, 0.0, 160.0, 0.0, 0.0, 300.0, 120.0, 0.0, 0.0, 0.0, 1.0, 0.0])
        colour = self.probe.image_message(image, 'their_optical_frame', stamp_ns)
        depth.header = info.header = colour.header
        return {COLOUR: colour, DEPTH: depth, INFO: info}


@launch_testing.post_shutdown_test()
class TestAfterShutdown(CleanEnd, unittest.TestCase):
    """What is left when launch has stopped the node."""

    nodes = 1
