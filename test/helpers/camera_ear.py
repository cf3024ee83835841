# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests of the camera node as a process share."""

import signal
import time

from camera_media import number_of
from ncs_cluster_detector.ros.image_messages import bgr_image_of
import psutil
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image

STOP_SEC = 5.0
# Small pictures: the default transport loses many of the larger ones.
SMALL = {'width': 320, 'height': 240}
ALL_OF_THEM = QoSProfile(depth=500, reliability=ReliabilityPolicy.RELIABLE)


class Ear:
    """Hears what a camera node publishes."""

    def __init__(self, probe):
        """Hear the diagnostics; ``listen`` adds the pictures."""
        self.images, self.infos = [], []
        self.wait_for = probe.wait_for
        self._probe = probe

    def listen(self):
        """Subscribe to the pictures."""
        self._probe.listen(Image, 'image_raw', self.images, ALL_OF_THEM)
        self._probe.listen(CameraInfo, 'camera_info', self.infos, ALL_OF_THEM)

    def numbers(self):
        """Return the numbers of the pictures heard so far."""
        return [number_of(bgr_image_of(message)) for message in list(self.images)]

    def status(self):
        """Return level, message and values of the newest diagnostics of the camera, or None."""
        for message in reversed(self._probe.diagnostics):
            for status in message.status:
                if status.name.startswith('camera: '):
                    return status.level, status.message, {
                        item.key: item.value for item in status.values}
        return None

    def wait_for_level(self, level):
        """Wait until the newest diagnostics have a level."""
        self.wait_for(lambda: self.status() and self.status()[0] == level)


def stamps_of(messages):
    """Return the stamps in nanoseconds."""
    return [message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            for message in messages]


def assert_stops(process, number=signal.SIGINT):
    """Send a signal and expect a quiet, quick end."""
    start = time.monotonic()
    process.signal(number)
    assert process.wait() == 0, process.output
    assert time.monotonic() - start < STOP_SEC
    assert 'Traceback' not in process.output


def cpu_share(process, seconds=1.0):
    """Return the share of one CPU that a process uses."""
    def used():
        times = psutil.Process(process.pid).cpu_times()
        return times.user + times.system
    before = used()
    time.sleep(seconds)
    return (used() - before) / seconds
