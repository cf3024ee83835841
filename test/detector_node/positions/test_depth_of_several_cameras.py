# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Depth of several cameras: each has its own, and who has none waits for none."""

from depth_camera import depth_of
from depth_camera import HEIGHT
from depth_camera import K
from depth_camera import METRES
from depth_camera import picture
from depth_camera import PLACE
from depth_camera import WALL_METRES
from depth_camera import WIDTH
from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import NodeProcess
import numpy as np
import pytest
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from several_cameras import HEARD
from several_cameras import key_of
from several_cameras import NamedCamera
from vision_msgs.msg import Detection3DArray

# An image that waits for its depth waits this long; one that does not is told apart from it even
# on a late machine.
TIMEOUT_MS = 5000
PROMPT_SEC = TIMEOUT_MS / 1000 / 2


class RangingCamera(NamedCamera):
    """A camera with or without depth, whose annotated pictures are heard too."""

    def __init__(self, probe, name, metres=None, transport='raw', start_sec=1000):
        """Make it; ``metres`` is how far its car is, or None for a camera without depth."""
        super().__init__(probe, name, (HEIGHT, WIDTH), transport=transport, start_sec=start_sec)
        self.positions, self.pictures = [], []
        probe.listen(Detection3DArray, f'{name}/detections_3d', self.positions, HEARD)
        probe.listen(Image, f'{name}/annotated_image', self.pictures, HEARD)
        self._depths = self._infos = None
        self.metres = metres
        if metres is not None:
            self.plug_depth_in()

    def plug_depth_in(self):
        """Begin to publish depth."""
        self._depths = self.probe.node.create_publisher(
            Image, f'{self.name}/aligned_depth_to_color/image_raw', QoSProfile(depth=1))
        self._infos = self.probe.node.create_publisher(
            CameraInfo, f'{self.name}/camera_info', QoSProfile(depth=1))

    def unplug_depth(self):
        """Publish no depth any more."""
        for publisher in (self._depths, self._infos):
            self.probe.node.destroy_publisher(publisher)
        self._depths = None

    def picture(self):
        """Return the picture of the tests with depth."""
        return picture(), (192, 64, 288, 160), 80

    def header(self):
        """Return the header of the next picture, whose depth is published first."""
        header = super().header()
        if self._depths is not None:
            self._infos.publish(CameraInfo(
                header=header, width=WIDTH, height=HEIGHT, k=K, distortion_model='plumb_bob',
                d=[0.0] * 5))
            depth = depth_of('32FC1') * (self.metres / METRES)
            self._depths.publish(image_message(header, depth.astype(np.float32), '32FC1'))
        return header

    def locate(self):
        """Show pictures until one has a position; return its header and the position."""
        for _ in range(40):
            header, _ = self.see()
            found = self.position_of(header)
            if found.detections:
                return header, found
        raise AssertionError(f'never a position of {self.name}')

    def position_of(self, header):
        """Return the positions with a header."""
        return self.probe.wait_for(lambda: next(
            (heard for heard in reversed(self.positions) if heard.header == header), None))

    def check_positions(self):
        """Check that all positions are of its own pictures, and as far as its own car is."""
        for heard in list(self.positions):
            assert key_of(heard.header) in self.sent
            for found in heard.detections:
                place = found.bbox.center.position
                expected = np.multiply(PLACE, self.metres / METRES)
                assert np.allclose([place.x, place.y, place.z], expected, rtol=0.02), self.name
        assert any(heard.detections for heard in self.positions)

    def is_prompt(self):
        """Return whether a picture is annotated long before depth_timeout_ms is over."""
        header, _ = self.see()
        try:
            return self.probe.wait_for(lambda: any(
                heard.header == header for heard in self.pictures), PROMPT_SEC)
        except AssertionError:
            return False


@pytest.fixture
def start(probe):
    """Return a function that starts a detector with depth of the cameras front and rear."""
    started = []

    def run(**parameters):
        started.append(NodeProcess('detector_node', {
            'driver': 'simulated', 'graph_paths': '["shapes"]', 'use_depth': 'true',
            'cameras': "['front', 'rear']", 'depth_timeout_ms': TIMEOUT_MS,
            'simulated.sticks': 2, 'simulated.inference_ms': 5.0, 'simulated.transfer_ms': 1.0,
            'simulated.boot_ms': 0.0, **parameters}))
        return started[-1]

    yield run
    for process in started:
        process.end()


def test_a_camera_without_depth_waits_for_none(probe, start):
    node = start()
    front, rear = RangingCamera(probe, 'front', 1.5), RangingCamera(probe, 'rear', start_sec=5000)
    front.locate()
    probe.wait_for(lambda: rear.show() and rear.pictures)
    for _ in range(3):
        assert rear.is_prompt()
        front.locate()
    rear_header, _ = rear.see()
    assert not rear.position_of(rear_header).detections
    assert not any(heard.detections for heard in rear.positions)
    front.check_positions()
    assert 'positions are unknown' not in node.output
    assert 'positions come slower' not in node.output
    # Depth that comes later is used from then on, by this camera alone.
    rear.metres = 0.6
    rear.plug_depth_in()
    rear.locate()
    front.locate()
    for camera in (front, rear):
        camera.check()
        camera.check_positions()
    # And when it goes, nobody waits for it.
    rear.unplug_depth()
    probe.wait_for(rear.is_prompt)


@pytest.mark.parametrize('transport', ['raw', '.png'])
def test_each_camera_has_the_distances_of_its_own_depth(probe, start, transport):
    start(image_transport='raw' if transport == 'raw' else 'compressed')
    # With the same stamps and the same frame_id: only the topics tell them apart.
    cameras = [RangingCamera(probe, name, metres, transport)
               for name, metres in (('front', 1.5), ('rear', WALL_METRES))]
    for camera in cameras:
        camera.frame_id = 'eye'
        camera.locate()
    for _ in range(30):
        answered = [len(camera.positions) for camera in cameras]
        for camera in cameras:
            camera.see()
        probe.wait_for(lambda before=answered: all(
            len(camera.positions) > number for camera, number in zip(cameras, before)))
    for camera in cameras:
        camera.check()
        camera.check_positions()


def test_depth_that_went_while_the_detector_was_disabled_is_not_waited_for(probe, start):
    start()
    front = RangingCamera(probe, 'front', 1.5)
    front.locate()
    assert probe.set_parameter('enabled', False) == (True, '')
    probe.wait_for(lambda: not front.images.get_subscription_count())
    front.unplug_depth()
    assert probe.set_parameter('enabled', True) == (True, '')
    assert front.is_prompt()


def test_a_picture_that_came_encoded_has_its_distances_beside_a_region(probe, start):
    start(image_transport='compressed', camera_regions="['0.5,0.2,0.5,0.6', '']")
    front = RangingCamera(probe, 'front', 2.0, '.png')
    front.locate()
    front.check((0.5, 0.2, 0.5, 0.6))
    front.check_positions()
