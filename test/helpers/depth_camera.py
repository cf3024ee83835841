# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests of a detector with depth share: a camera that a test moves by hand."""

import contextlib
import time

from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import NodeProcess
from node_harness import Probe
import numpy as np
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray

WIDTH, HEIGHT = 320, 240
K = [200.0, 0.0, 160.0, 0.0, 200.0, 120.0, 0.0, 0.0, 1.0]
RECTANGLE = np.s_[64:160, 192:288]
METRES, WALL_METRES = 1.5, 3.0
PERIOD_SEC = 0.1   # between two pictures, as a rule
PATIENCE_SEC = 60.0
ANSWER_SEC = 3.0   # more than any depth_timeout_ms of the tests, on a busy machine
# The middle of the rectangle through the pinhole.
PLACE = [(240 - 160) / 200 * METRES, (112 - 120) / 200 * METRES, METRES]


def picture():
    """Return a grey image with a blue rectangle, which is a car."""
    image = np.full((HEIGHT, WIDTH, 3), 80, np.uint8)
    image[RECTANGLE] = (255, 0, 0)
    return image


def depth_of(encoding):
    """Return the depth of the picture, by encoding."""
    metres = np.full((HEIGHT, WIDTH), WALL_METRES, np.float32)
    metres[RECTANGLE] = METRES
    return metres if encoding == '32FC1' else (metres * 1000).astype(np.uint16)


class DepthCamera:
    """Publishes images, depth and camera_info for a detector, and hears the positions."""

    def __init__(self, probe, process):
        """Make publishers and subscriptions."""
        self.probe, self.process = probe, process
        self.depths = probe.node.create_publisher(
            Image, 'aligned_depth_to_color/image_raw', QoSProfile(depth=1))
        self._infos = probe.node.create_publisher(CameraInfo, 'camera_info', QoSProfile(depth=1))
        self.positions, self.foregrounds = [], []
        probe.listen(Detection3DArray, 'detections_3d', self.positions)
        probe.listen(Image, 'foreground_image', self.foregrounds)

    def show(self, depth, encoding, depth_first=True, late_ns=0, info=True, depth_frame='camera'):
        """
        Publish one picture and return the message that was sent.

        :param info: whether with a camera_info, or what is different in it.
        """
        message = self.probe.image_message(picture())
        header = self.probe.image_message(picture()[:1, :1], depth_frame).header
        header.stamp.sec = message.header.stamp.sec
        header.stamp.nanosec = message.header.stamp.nanosec + late_ns
        if info:
            fields = {'header': message.header, 'width': WIDTH, 'height': HEIGHT, 'k': K,
                      'distortion_model': 'plumb_bob', 'd': [0.0] * 5}
            self._infos.publish(CameraInfo(**fields | (info if isinstance(info, dict) else {})))
        parts = [lambda: self.probe.publish(message)]
        if depth is not None:
            parts.insert(0 if depth_first else 1, lambda: self.depths.publish(
                image_message(header, depth, encoding)))
        for publish in parts:
            publish()
        return message

    def see(self, *what, **how):
        """Show a picture until its positions come, and return them and the cut-out."""
        deadline = time.monotonic() + PATIENCE_SEC
        while time.monotonic() < deadline:
            shown_at = time.monotonic()
            message = self.show(*what, **how)
            answers = self._answers(message)
            if answers is not None:
                # As a camera does: troubles are told after seconds, however many pictures come.
                time.sleep(max(0.0, shown_at + PERIOD_SEC - time.monotonic()))
                return answers
        raise AssertionError(f'no positions within {PATIENCE_SEC} s')

    def _answers(self, message):
        def both():
            found = [next((heard for heard in reversed(list_) if heard.header == message.header),
                          None) for list_ in (self.positions, self.foregrounds)]
            return found if all(found) else None

        # A single picture or depth may be lost on the way, and no stick may be ready yet.
        try:
            return self.probe.wait_for(both, ANSWER_SEC)
        except AssertionError:
            return None


@contextlib.contextmanager
def fresh_camera():
    """Yield a DepthCamera before a detector whose stick runs."""
    process = NodeProcess('detector_node', {
        'driver': 'simulated', 'graph_paths': '["shapes"]', 'use_depth': 'true',
        'simulated.sticks': 1, 'simulated.inference_ms': 5.0})
    try:
        with Probe() as probe:
            probe.wait_for_running(1)
            yield DepthCamera(probe, process)
    finally:
        process.end()


def seen(camera, *what, **how):
    """Return the newest positions that hold a detection; single depths may be lost."""
    for _ in range(10):
        positions, cut = camera.see(*what, **how)
        if positions.detections:
            return positions, cut
    raise AssertionError('never a position')
