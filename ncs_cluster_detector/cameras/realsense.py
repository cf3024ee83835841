# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A RealSense camera, or a file recorded from one, through the pyrealsense2 of librealsense."""

import contextlib
import itertools
import os
import time

import cv2
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import check_path
from ncs_cluster_detector.cameras.camera import DepthCamera
from ncs_cluster_detector.cameras.camera import plausible_age
from ncs_cluster_detector.cameras.realsense_sdk import ANY_CAMERA
from ncs_cluster_detector.cameras.realsense_sdk import are_of_one_moment
from ncs_cluster_detector.cameras.realsense_sdk import calibration_of
from ncs_cluster_detector.cameras.realsense_sdk import chosen_camera
from ncs_cluster_detector.cameras.realsense_sdk import color_modes
from ncs_cluster_detector.cameras.realsense_sdk import load_sdk
from ncs_cluster_detector.cameras.realsense_sdk import MILLIMETRE
from ncs_cluster_detector.cameras.realsense_sdk import millimetres
from ncs_cluster_detector.cameras.realsense_sdk import sdk_errors
import numpy as np

RECORDINGS = ('.bag', '.db3')
# A camera that is silent for so long counts as gone.
SILENT_SEC = 2.0
CAMERA_REMEDY = 'close other programs that use it, or plug it in again, into a USB 3 port'
RECORDING_REMEDY = 'give the path of a recording of a RealSense camera'
# Sets of frames that wait while one is processed; the oldest are dropped.
QUEUE = 2
# Longer than from frame to frame; the end of a recording is noticed so late.
WAIT_MS = 50
# How to convert the pixels of a colour stream to blue-green-red; None = they are.
CONVERSIONS = {
    'bgr8': None, 'rgb8': cv2.COLOR_RGB2BGR, 'bgra8': cv2.COLOR_BGRA2BGR,
    'rgba8': cv2.COLOR_RGBA2BGR, 'yuyv': cv2.COLOR_YUV2BGR_YUY2, 'uyvy': cv2.COLOR_YUV2BGR_UYVY,
    'y8': cv2.COLOR_GRAY2BGR}


class RealSenseCamera(DepthCamera):
    """
    Colour and depth of a RealSense camera or of a recording.

    A recording is no live source: its frames come in order, each once, and it ends.
    """

    description = 'a RealSense camera with depth or its recording'
    device_description = ('serial number, or a recorded file (.bag, .db3), and the default or '
                          'empty means the first one that is found')
    needs_device = False

    @classmethod
    def check_installed(cls) -> None:
        load_sdk()

    @classmethod
    def must_exist(cls, device: str) -> bool:
        """Return whether it is the path of a recorded file."""
        return device.lower().endswith(RECORDINGS)

    @classmethod
    def is_asked(cls, device: str) -> bool:
        """Return whether it is a camera."""
        return not cls.must_exist(device)

    @classmethod
    def hardware(cls, device: str) -> str:
        """Return the serial number, or that it is the first camera; several can read a file."""
        if cls.must_exist(device):
            return ''
        wanted = device.strip()
        return 'the first RealSense camera' if wanted in ANY_CAMERA else f'RealSense {wanted}'

    @classmethod
    def shown_name(cls, device: str) -> str:
        """Return the serial number or path, or what any camera is called."""
        return 'RealSense' if device.strip() in ANY_CAMERA else device

    def __init__(self, device: str, width: int, height: int, fps: float, warn: object = None,
                 context: object = None) -> None:
        """
        Start the colour and the depth stream; size and rate are as in open_camera.

        :param device: serial number of a camera, path of a recording, or empty for any camera.
        :param warn: is not called.
        :param context: the pyrealsense2.context in which cameras are looked for.
        :raises CameraError: there is no such camera or file, or it cannot do what is asked.
        """
        self._sdk = load_sdk()
        self._device = device
        self._recording = self.must_exist(device)
        self.live = not self._recording
        self._asked = (width, height, round(fps))
        self._context = context
        self._color = self._frames = None
        self._newest = None   # (number, time) of the last colour frame
        self._align = self._sdk.align(self._sdk.stream.color)
        self._open()

    def grab(self) -> bool:
        """Go on to the next colour frame; False at the end of a recording."""
        started = time.monotonic()
        was_at_end = False
        while True:
            with sdk_errors(f'reading from {self._shown}', self._remedy):
                frames = self._wait_for_frames()
                color = frames and frames.get_color_frame()
                if color:
                    identity = color.get_frame_number(), color.get_timestamp()
                    # With streams of different rates the frame of the slower one comes again.
                    if identity != self._newest:
                        self._newest, self._color, self._frames = identity, color, frames
                        return True
                elif self._recording and not frames:
                    # The last frames may have come between the wait and this question.
                    is_at_end = (
                        self._playback.current_status() == self._sdk.playback_status.stopped)
                    if is_at_end and was_at_end:
                        return False
                    was_at_end = is_at_end
            if time.monotonic() - started > SILENT_SEC:
                raise CameraError(f'reading from {self._shown} failed: no colour frame for '
                                  f'{SILENT_SEC:g} s; {self._remedy}')

    def age_sec(self) -> float:
        domains = self._sdk.timestamp_domain
        if self._recording or self._color.get_frame_timestamp_domain() not in (
                domains.global_time, domains.system_time):
            return 0.0
        # Both domains count the milliseconds of the host's own clock.
        return plausible_age(time.time() - self._color.get_timestamp() / 1000)

    def retrieve(self) -> np.ndarray:
        """Return the grabbed picture, in the memory of the SDK."""
        pixels = np.asanyarray(self._color.get_data())
        if self._conversion is None:
            return pixels
        if pixels.dtype == np.uint16:   # two bytes a pixel, as the SDK hands YUYV over
            pixels = pixels.view(np.uint8).reshape(*pixels.shape[:2], 2)
        return cv2.cvtColor(pixels, self._conversion)

    def retrieve_depth(self) -> np.ndarray | None:
        depth = self._frames.get_depth_frame()
        if not depth or not are_of_one_moment(depth, self._color, self.fps):
            return None
        units = depth.get_units()
        if units > 0.0:
            with sdk_errors(f'aligning the depth of {self._shown}', self._remedy):
                depth = self._align.process(self._frames).get_depth_frame()
        else:
            units = MILLIMETRE   # a recording may have none, and cannot be aligned then
        pixels = np.asanyarray(depth.get_data())
        if pixels.shape != (self.height, self.width):
            return None
        return pixels if abs(units - MILLIMETRE) < 1e-9 else millimetres(pixels, units)

    def time_sec(self) -> float:
        return self._color.get_timestamp() / 1000.0

    def rewind(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self._color = self._frames = self._newest = None
        with contextlib.suppress(RuntimeError):   # of a camera that is gone
            self._pipeline.stop()

    def _wait_for_frames(self):
        """Return the next set of frames, or None if none came within WAIT_MS."""
        if self._recording:   # the pipeline waits for us, so no frame is lost
            arrived, frames = self._pipeline.try_wait_for_frames(WAIT_MS)
            return frames if arrived else None
        # The pipeline's own wait would look for a camera that is gone, for up to 15 s.
        arrived, frame = self._queue.try_wait_for_frame(WAIT_MS)
        return frame.as_frameset() if arrived and frame.is_frameset() else None

    def _open(self):
        sdk = self._sdk
        if self._recording:
            self._pipeline = sdk.pipeline()
            profile = self._open_recording()
        else:
            with sdk_errors('opening the RealSense camera', CAMERA_REMEDY):
                context = self._context or sdk.context()
                self._pipeline = sdk.pipeline(context)
                profile = self._open_camera(context)
        color = next(stream.as_video_stream_profile() for stream in profile.get_streams()
                     if stream.stream_type() == sdk.stream.color)
        self.width, self.height, self.fps = color.width(), color.height(), float(color.fps())
        self.pixel_format = color.format().name.upper()
        self.calibration = calibration_of(color.get_intrinsics())
        self._conversion = CONVERSIONS[color.format().name]

    def _open_recording(self):
        path = self._shown = os.path.expanduser(self._device)
        self._remedy = RECORDING_REMEDY
        check_path(path)
        if not os.path.isfile(path):
            raise CameraError(f'opening {path} failed: there is no such file; {RECORDING_REMEDY}')
        config = self._sdk.config()
        with sdk_errors(f'opening {path}', RECORDING_REMEDY):
            config.enable_device_from_file(path, repeat_playback=False)
            profile = config.resolve(self._sdk.pipeline_wrapper(self._pipeline))
        names = [stream.format().name for stream in profile.get_streams()
                 if stream.stream_type() == self._sdk.stream.color]
        if not names or names[0] not in CONVERSIONS:
            raise CameraError(f'opening {path} failed: its colour stream is '
                              f'{names[0] if names else "missing"}, expected one of '
                              + ', '.join(CONVERSIONS) + '; record one of these')
        with sdk_errors(f'opening {path}', RECORDING_REMEDY):
            self._playback = profile.get_device().as_playback()
            self._playback.set_real_time(False)   # in order, and each once
            # Frames that are played before the pipeline is ready are lost.
            self._playback.pause()
            profile = self._pipeline.start(config)
            self._playback.resume()
            return profile

    def _open_camera(self, context):
        serial, name = chosen_camera(self._sdk, context, self._device)
        self._shown = name if serial is None else f'{name} {serial}'
        self._remedy = CAMERA_REMEDY
        self._queue = self._sdk.frame_queue(QUEUE, keep_frames=True)
        width, height, fps = self._asked
        stream, form = self._sdk.stream, self._sdk.format
        # Most cameras have other sizes for depth than for colour; aligning makes them equal.
        for color, depth in itertools.product(
                CONVERSIONS, ((width, height, form.z16, fps), (form.z16, fps), (form.z16,))):
            config = self._sdk.config()
            if serial is not None:
                config.enable_device(serial)
            config.enable_stream(stream.color, width, height, getattr(form, color), fps)
            config.enable_stream(stream.depth, *depth)
            if config.can_resolve(self._sdk.pipeline_wrapper(self._pipeline)):
                return self._pipeline.start(config, self._queue)
        raise CameraError(
            f'opening {self._shown} failed: it has no colour of {width}x{height} at {fps} fps '
            'with depth; plug it into a USB 3 port, or choose one of its modes: '
            + color_modes(self._sdk, context, serial))
