# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A RealSense camera without hardware: librealsense's own software_device, and its recordings."""

import threading

from ncs_cluster_detector.cameras.realsense_sdk import load_sdk
import numpy as np

WIDTH, HEIGHT, FPS = 640, 480, 30
SERIAL, NAME = '012345678901', 'Intel RealSense Double'
COLOR_FOCAL, DEPTH_FOCAL = (612.5, 611.0), (390.0, 390.0)
CENTRE = (322.25, 238.5)
METRES_PER_UNIT = 0.001


class SoftwareCamera:
    """A colour and a depth sensor that deliver what the test gives them."""

    def __init__(self, units=METRES_PER_UNIT, color_format='bgr8', focal=DEPTH_FOCAL):
        """
        Build the device.

        :param units: metres in a unit of its depth.
        :param color_format: name of a pyrealsense2.format.
        :param focal: of the depth sensor, in pixels; other than the colour's, it must be aligned.
        """
        self.sdk = sdk = load_sdk()
        self.units = units
        self.device = sdk.software_device()
        self.device.register_info(sdk.camera_info.serial_number, SERIAL)
        self.device.register_info(sdk.camera_info.name, NAME)
        self.sensors = [self.device.add_sensor(name) for name in ('Depth', 'Color')]
        depth, color = self.sensors
        depth.add_read_only_option(sdk.option.depth_units, units)
        self.profiles = [
            depth.add_video_stream(self._stream(sdk.stream.depth, sdk.format.z16, 2, focal, 0)),
            color.add_video_stream(self._stream(
                sdk.stream.color, getattr(sdk.format, color_format), 3, COLOR_FOCAL, 1))]
        here = sdk.extrinsics()
        here.rotation, here.translation = np.eye(3).ravel().tolist(), [0.0, 0.0, 0.0]
        self.profiles[0].register_extrinsics_to(self.profiles[1], here)
        self.device.create_matcher(sdk.matchers.dlr_c)
        self._count = 0

    def context(self):
        """Return a pyrealsense2.context in which this is the only camera."""
        context = self.sdk.context()
        # The context itself forgets a software device unless somebody holds the news of it.
        self._news, arrived = [], threading.Event()

        def keep(event):
            self._news.append(event.get_new_devices())
            arrived.set()

        context.set_devices_changed_callback(keep)
        self.device.add_to(context)
        assert arrived.wait(10.0)
        return context

    def deliver(self, depth, color, milliseconds=None):
        """
        Deliver one pair of frames.

        :param depth: uint16 array, HEIGHT x WIDTH, in units of the camera; None = no depth.
        :param color: uint8 array, HEIGHT x WIDTH x 3, in the camera's own order.
        :param milliseconds: time stamp in the host's clock.
        """
        number, self._count = self._count, self._count + 1
        for sensor, profile, pixels in zip(self.sensors, self.profiles, (depth, color)):
            if pixels is None:
                continue
            frame = self.sdk.software_video_frame()
            frame.pixels = pixels = np.ascontiguousarray(pixels)
            frame.stride, frame.bpp = pixels.strides[0], pixels.strides[1]
            frame.timestamp = 1000 * number / FPS if milliseconds is None else milliseconds
            frame.domain = self.sdk.timestamp_domain.system_time
            frame.frame_number = number
            frame.profile = profile.as_video_stream_profile()
            if sensor.is_depth_sensor():
                frame.depth_units = self.units
            sensor.on_video_frame(frame)

    def record(self, path, pairs):
        """Record ``(depth, color)`` pairs into a file and return its path as a text."""
        recorder = self.sdk.recorder(str(path), self.device)
        sensors = recorder.query_sensors()
        queues = [self.sdk.frame_queue(1) for _ in sensors]
        for sensor, profile, queue in zip(sensors, self.profiles, queues):
            sensor.open(profile)
            sensor.start(queue)
        for pair in pairs:
            self.deliver(*pair)
            for queue, pixels in zip(queues, pair):
                if pixels is not None:
                    queue.wait_for_frame(10_000)
        for sensor in sensors:
            sensor.stop()
            sensor.close()
        return str(path)

    def _stream(self, kind, form, bytes_per_pixel, focal, uid):
        stream = self.sdk.video_stream()
        stream.type, stream.fmt, stream.bpp = kind, form, bytes_per_pixel
        stream.index, stream.uid = 0, uid
        stream.width, stream.height, stream.fps = WIDTH, HEIGHT, FPS
        stream.intrinsics = intrinsics = self.sdk.intrinsics()
        intrinsics.width, intrinsics.height = WIDTH, HEIGHT
        (intrinsics.fx, intrinsics.fy), (intrinsics.ppx, intrinsics.ppy) = focal, CENTRE
        intrinsics.model, intrinsics.coeffs = self.sdk.distortion.brown_conrady, [0.0] * 5
        stream.intrinsics = intrinsics
        return stream
