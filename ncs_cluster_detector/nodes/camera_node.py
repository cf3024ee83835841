# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The ROS node that publishes a camera, a stream, a video, pictures or a test pattern."""

import array
import functools
import sys
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.open_camera import open_camera
from ncs_cluster_detector.cameras.open_camera import shown_source
from ncs_cluster_detector.cameras.open_camera import SOURCES_THAT_MUST_EXIST
from ncs_cluster_detector.nodes.camera_diagnostics import camera_status
from ncs_cluster_detector.nodes.camera_parameters import CAMERA_PARAMETERS
from ncs_cluster_detector.nodes.frame_grabber import FrameGrabber
from ncs_cluster_detector.nodes.parameters import ConfiguredNode
from ncs_cluster_detector.nodes.parameters import StartupError
from ncs_cluster_detector.nodes.run_until_signal import run_until_signal
import numpy as np
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

# Within the five seconds that a launch file waits before it sends SIGTERM.
STOP_TIMEOUT_SEC = 2.0
# A clock that was set back by more than this is followed instead of outrun.
CLOCK_SET_BACK_NS = 10**9


class CameraNode(ConfiguredNode):
    """
    Publishes ``image_raw`` and ``camera_info``, and one status on /diagnostics.

    Three threads: the executor (parameters, diagnostics), the grabber's, and one that publishes.
    """

    def __init__(self, **kwargs):
        """
        Open a file or folder; a camera is looked for later, in the grabber's thread.

        :raises StartupError: a parameter is wrong or a file cannot be used.
        """
        super().__init__('camera', CAMERA_PARAMETERS, **kwargs)
        self._settings = self.values()
        self._device = shown_source(self._settings['source'], self._settings['device'])
        self._published = 0
        self._last_stamp_ns = None
        self._failure = None
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
        matched = PublisherEventCallbacks(matched=lambda _: self._grabber.wake())
        self._grabber = self._make_grabber()
        self._images = self.create_publisher(
            Image, 'image_raw', newest, event_callbacks=matched)
        self._infos = self.create_publisher(
            CameraInfo, 'camera_info', newest, event_callbacks=matched)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # A steady clock, because with use_sim_time the node's own may stand still.
        self.create_timer(1.0, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._publishing = threading.Thread(target=self._publish_all, name='publish', daemon=True)
        self._publishing.start()
        self._grabber.start()

    def check_together(self, values):
        """Refuse a source that needs a device and has none."""
        if values['source'] != 'test_pattern' and not values['device'].strip():
            raise ValueError(f'device={values["device"]}: must not be empty (source='
                             f'{values["source"]}); name a device, a URL, a file or a folder')

    def apply(self, before, after):
        """Take over a live change of ``loop``."""
        self._settings = after
        self._grabber.set_loop(after['loop'])
        self.get_logger().info(f'loop {before["loop"]} -> {after["loop"]}')

    def stop(self):
        """
        Stop grabbing and publishing.

        :return: False if the camera's driver hangs.
        """
        stopped = self._grabber.stop(STOP_TIMEOUT_SEC)
        self._publishing.join(STOP_TIMEOUT_SEC)
        return stopped and not self._publishing.is_alive()

    def _make_grabber(self):
        settings = self._settings
        opener = functools.partial(
            open_camera, settings['source'], settings['device'], settings['width'],
            settings['height'], settings['fps'], self.get_logger().warning)
        camera, name = None, self._device
        if settings['source'] == 'usb' and '://' not in settings['device']:
            name += (f' (asked for {settings["width"]}x{settings["height"]} at '
                     f'{settings["fps"]:g} fps)')
        if settings['source'] in SOURCES_THAT_MUST_EXIST:
            try:
                camera = opener()
            except CameraError as error:
                raise StartupError(f'device={settings["device"]}: {error} '
                                   f'(source={settings["source"]})') from None
        return FrameGrabber(opener, self._stamp, self._subscribed, settings['loop'],
                            self.get_logger(), name, camera)

    def _subscribed(self):
        return bool(self._images.get_subscription_count() or self._infos.get_subscription_count())

    def _stamp(self):
        """Return the ROS time now, later than the one before."""
        now_ns, last_ns = self.get_clock().now().nanoseconds, self._last_stamp_ns
        if last_ns is not None and last_ns - CLOCK_SET_BACK_NS < now_ns <= last_ns:
            now_ns = last_ns + 1
        self._last_stamp_ns = now_ns
        return Time(nanoseconds=now_ns).to_msg()

    def _publish_all(self):
        try:
            while (frame := self._grabber.frames.take()) is not None:
                self._publish(frame)
        except Exception as error:
            self._failure = error   # raised by _report, so that the node ends

    def _publish(self, frame):
        height, width = frame.image.shape[:2]
        header = Header(stamp=frame.stamp, frame_id=self._settings['frame_id'])
        if self._images.get_subscription_count():
            data = array.array('B')   # the only type that rclpy copies as a whole
            data.frombytes(np.ascontiguousarray(frame.image).data)
            self._images.publish(Image(header=header, height=height, width=width,
                                       encoding='bgr8', step=3 * width, data=data))
        if self._infos.get_subscription_count():
            # Matrices of zeros say that the camera is not calibrated.
            self._infos.publish(CameraInfo(header=header, height=height, width=width))
        self._published += 1

    def _report(self):
        for failure in (self._grabber.failure, self._failure):
            if failure is not None:
                raise failure
        status = camera_status(self._settings, self._device, self._grabber, self._published,
                               self._subscribed(), time.monotonic())
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def main(args=None):
    """
    Run the node until SIGINT or SIGTERM.

    :return: the exit code: 0, or 2 if the node cannot start.
    """
    return run_until_signal('camera', CameraNode, args)


if __name__ == '__main__':
    sys.exit(main())
