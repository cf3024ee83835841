# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ROS node that publishes a camera, a stream, a video, pictures or a test pattern."""

import sys
import threading
import time
import traceback
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.camera_node.camera_info import calibration_at
from ncs_cluster_detector.camera_node.diagnostics import camera_status
from ncs_cluster_detector.camera_node.outputs import CameraOutputs
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import DepthCamera
from ncs_cluster_detector.cameras.grabbing.frame_grabber import FrameGrabber
from ncs_cluster_detector.cameras.registry import check_address
from ncs_cluster_detector.cameras.registry import shown_name
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS
from ncs_cluster_detector.ros.diagnostic_status import status_prefix
from ncs_cluster_detector.ros.parameters import NodeParameters
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import unexpected
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.rivals import Rivals
from ncs_cluster_detector.ros.run_node import run_node
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.time import Time

# Within the five seconds that a launch file waits before it sends SIGTERM.
STOP_TIMEOUT_SEC = 2.0
# A clock that was set back by more than this is followed instead of outrun.
CLOCK_SET_BACK_NS = 10**9


class CameraNode(Node):
    """
    Publishes pictures, depth and camera infos, and one status on /diagnostics.

    Three threads: the executor (parameters, diagnostics), the grabber's, and one that publishes.
    """

    def __init__(self, arguments: list[str] | None = None, **kwargs: Any) -> None:
        """
        Open a file or folder; a camera is opened later, in the grabber's thread.

        :param arguments: see NodeParameters; the others are those of an rclpy Node.
        :raises StartupError: a parameter is wrong or a file cannot be used.
        """
        super().__init__('camera', **kwargs)
        self._declared = NodeParameters(self, PARAMETERS, 'camera', arguments)
        self._declared.accept_changes(_validate_combination, self.on_parameters_changed)
        self._settings = self._declared.values()
        self._camera_class = SOURCES[self._settings['source']]
        self._device = self._declared.shown(
            shown_name(self._settings['source'], self._settings['device']))
        self._owner = status_prefix(self, 'camera')
        self._published = 0
        self._last_stamp_ns = None
        self._failure = None
        self._warned = ''
        self._outputs = CameraOutputs(
            self, self._settings['frame_id'], self._read_calibration(),
            with_depth=issubclass(self._camera_class, DepthCamera),
            changed=lambda: self._grabber.wake())
        self._grabber = self._make_grabber()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._rivals = Rivals(self)
        # A steady clock, because with use_sim_time the node's own may stand still.
        self.create_timer(1.0, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._publishing = threading.Thread(target=self._publish_all, name='publish', daemon=True)
        self._publishing.start()
        self._grabber.start()

    def on_parameters_changed(self, before: Values, after: Values) -> None:
        """Apply and log a live change of ``loop``."""
        self._settings = after
        self._grabber.set_loop(after['loop'])
        self._declared.log_changes(before, after)

    def stop(self) -> bool:
        """Stop grabbing and publishing; return False if the camera's driver hangs."""
        stopped = self._grabber.stop(STOP_TIMEOUT_SEC)
        self._publishing.join(STOP_TIMEOUT_SEC)
        return stopped and not self._publishing.is_alive()

    def _make_grabber(self):
        settings = self._settings
        try:
            self._camera_class.check_installed()
        except CameraError as error:
            raise StartupError(self._declared.shown(
                f'source={settings["source"]}: {error}')) from None
        camera, name = None, self._device
        if self._camera_class.must_exist(settings['device']):
            try:
                camera = self._open_camera()
            except CameraError as error:
                raise StartupError(self._declared.shown(
                    f'device={settings["device"]}: {error} '
                    f'(source={settings["source"]})')) from None
        elif self._camera_class.is_asked(settings['device']):
            name += (f' (asked for {settings["width"]}x{settings["height"]} at '
                     f'{settings["fps"]:g} fps)')
        return FrameGrabber(self._open_camera, self._stamp, self._outputs.wanted, settings['loop'],
                            self.get_logger(), name, camera, self._outputs.depth_wanted,
                            settings['fps'])

    def _open_camera(self):
        settings = self._settings
        try:
            return self._camera_class.open_camera(
                settings['device'], settings['width'], settings['height'], settings['fps'],
                self._warn)
        except CameraError as error:
            raise CameraError(self._declared.shown(error)) from None
        except Exception as error:
            failure = unexpected(f'source={settings["source"]}: opening {self._device}', error)
            if self._camera_class.must_exist(settings['device']):
                raise failure from error
            # One that may come and go is tried again, as after any failure.
            self.get_logger().debug(self._declared.shown(traceback.format_exc()))
            raise CameraError(self._declared.shown(failure)) from error

    def _warn(self, text):
        """Log a warning, but not again at every reopening."""
        text = self._declared.shown(text)
        if text != self._warned:
            self._warned = text
            self.get_logger().warning(text)

    def _read_calibration(self):
        url = self._settings['camera_info_url']
        try:
            return calibration_at(url, self._warn)
        except ValueError as error:
            raise StartupError(self._declared.shown(f'camera_info_url={url}: {error}')) from None

    def _stamp(self, age_sec):
        """Return the ROS time ``age_sec`` ago, but later than the stamp before."""
        # A recorded or simulated clock may be younger than that, and a stamp cannot be below 0.
        now_ns = max(0, self.get_clock().now().nanoseconds - round(age_sec * 1e9))
        last_ns = self._last_stamp_ns
        if last_ns is not None and last_ns - CLOCK_SET_BACK_NS < now_ns <= last_ns:
            now_ns = last_ns + 1
        self._last_stamp_ns = now_ns
        return Time(nanoseconds=now_ns).to_msg()

    def _publish_all(self):
        try:
            while (frame := self._grabber.frames.take()) is not None:
                self._outputs.publish(frame)
                self._published += 1
        except Exception as error:
            self._failure = error   # raised by _report, so that the node ends

    def _report(self):
        for failure in (self._grabber.failure, self._failure):
            if failure is not None:
                raise failure
        now = time.monotonic()
        status = camera_status(self._settings, self._device, self._grabber, self._published,
                               self._outputs.wanted(), now, self._owner, self._rivals.look(now))
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def _validate_combination(values: Values) -> None:
    """Refuse a source that needs a device and has none, or one that it cannot open."""
    camera = SOURCES[values['source']]
    if camera.device_description and camera.needs_device and not values['device'].strip():
        raise ValueError(f'device={values["device"]}: must not be empty (source='
                         f'{values["source"]}); name a device, a URL, a file or a folder')
    try:
        check_address(values['source'], values['device'])
    except ValueError as error:
        raise ValueError(f'device={error}') from None


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal; return its exit code, see run_node."""
    return run_node('camera', lambda: CameraNode(arguments=args), args)


if __name__ == '__main__':
    sys.exit(main())
