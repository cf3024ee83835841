# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One of several cameras with depth, whose positions and annotated pictures are heard too."""

from depth_camera import depth_of
from depth_camera import HEIGHT
from depth_camera import K
from depth_camera import METRES
from depth_camera import picture
from depth_camera import PLACE
from depth_camera import WIDTH
from ncs_cluster_detector.ros.image_messages import image_message
import numpy as np
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from several_cameras import key_of
from several_cameras import NamedCamera
from vision_msgs.msg import Detection3DArray

# What comes earlier did not wait for its depth.
PROMPT_SEC = 2.5


class RangingCamera(NamedCamera):
    """A camera with or without depth, whose annotated pictures are heard too."""

    def __init__(self, probe, name, metres=None, transport='raw', start_sec=1000,
                 size=(HEIGHT, WIDTH)):
        """Make it; ``metres`` is how far its car is, or None for a camera without depth."""
        super().__init__(probe, name, size, transport=transport, start_sec=start_sec)
        self.positions = self.hear(Detection3DArray, 'detections_3d')
        self.pictures = self.hear(Image, 'annotated_image')
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
            self.probe.destroy_publisher(publisher)
        self._depths = None

    def picture(self):
        """Return the picture of the tests with depth."""
        return picture(), (192, 64, 288, 160), 80

    def header(self):
        """Return the header of the next picture, whose depth is published first."""
        header = super().header()
        if self._depths is not None:
            height, width = self.size
            self._infos.publish(CameraInfo(
                header=header, width=width, height=height, k=self.matrix(),
                distortion_model='plumb_bob', d=[0.0] * 5))
            self._depths.publish(image_message(header, self.depth(), '32FC1'))
        return header

    def matrix(self):
        """Return the matrix of its lens."""
        return K

    def depth(self):
        """Return the depth of the next picture, in metres."""
        return (depth_of('32FC1') * (self.metres / METRES)).astype(np.float32)

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
