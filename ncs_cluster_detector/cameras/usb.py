# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A camera at a device file, through OpenCV and V4L2."""

import math
import os
from pathlib import Path
import stat
import time
from typing import Callable

import cv2
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import check_path
from ncs_cluster_detector.cameras.camera import plausible_age
from ncs_cluster_detector.cameras.camera import silence_opencv
from ncs_cluster_detector.cameras.images import natural_key
from ncs_cluster_detector.cameras.opencv.capture import CaptureCamera
from ncs_cluster_detector.cameras.stream import StreamCamera
from ncs_cluster_detector.shown_text import shown_url

DEVICES = Path('/dev')
# The kernel's names of the devices (sysfs class of V4L2).
DEVICE_NAMES = Path('/sys/class/video4linux')
# VIDEO_MAJOR in the kernel's list of devices.
VIDEO_MAJOR = 81
RAW, COMPRESSED = 'YUYV', 'MJPG'
# USB 2 carries about this much; raw pictures have two bytes a pixel (YUYV).
RAW_BYTES_PER_SEC = 24e6
BYTES_PER_RAW_PIXEL = 2
# 29.97 counts as 30.
SAME_FPS = 0.02


class UsbCamera(CaptureCamera):
    """A camera on V4L2, or a stream, for which another class is opened."""

    description = 'a camera or stream'
    device_description = 'device path or number, or stream URL (rtsp://, http://)'
    takes_url = True

    @classmethod
    def open_camera(cls, device: str, width: int, height: int, fps: float,
                    warn: Callable[[str], None]) -> CaptureCamera:
        """Open a camera, or the stream at a URL."""
        return StreamCamera(device) if is_url(device) else cls(device, width, height, fps, warn)

    @classmethod
    def is_asked(cls, device: str) -> bool:
        """Return whether size and rate are requests: not for a stream."""
        return not is_url(device)

    @classmethod
    def hardware(cls, device: str) -> str:
        """Return the device file, without links; several can watch a stream."""
        return '' if is_url(device) else os.path.realpath(device_path(device))

    @classmethod
    def shown_name(cls, device: str) -> str:
        """Return the device's path, or the URL without its password."""
        return shown_url(device_path(device))

    def __init__(self, device: str, width: int, height: int, fps: float,
                 warn: Callable[[str], None]) -> None:
        """Open the camera and ask for a size and a rate, as open_camera does."""
        path = device_path(device)
        wish = (width, height, fps)
        silence_opencv()
        capture = open_device(path)
        negotiate(capture, wish)
        super().__init__(path, capture)
        self.fps = granted_fps(capture)
        if differs(capture, wish):
            warn(f'{path} was asked for {width}x{height} at {fps:g} fps and grants '
                 f'{self.width}x{self.height} {self.pixel_format} at {self.fps:.4g} fps; '
                 'ask for a mode that it has (v4l2-ctl --list-formats-ext)')

    def age_sec(self) -> float:
        """
        Return how many seconds ago the grabbed picture was captured; 0 if that is not known.

        OpenCV passes on the driver's stamp, which most take from the clock of time.monotonic.
        """
        return plausible_age(
            time.monotonic() - self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)


def negotiate(capture: cv2.VideoCapture, wish: tuple[int, int, float]) -> None:
    """
    Ask for raw pictures, which cost no decoding, or compressed ones if those grant more.

    :param wish: width and height in pixels and frames a second.
    """
    width, height, fps = wish
    first, second = RAW, COMPRESSED
    # Raw ones would come at a lower rate through USB 2.
    if width * height * fps * BYTES_PER_RAW_PIXEL > RAW_BYTES_PER_SEC:
        first, second = second, first
    set_mode(capture, first, wish)
    if differs(capture, wish):
        short = shortfall(capture, wish)
        set_mode(capture, second, wish)
        if shortfall(capture, wish) >= short:
            set_mode(capture, first, wish)


def set_mode(capture: cv2.VideoCapture, pixel_format: str, wish: tuple[int, int, float]) -> None:
    """Ask for a format, a size and a rate; the driver replaces what it does not have."""
    # The rate last: after a change of format or size OpenCV sets the former rate again.
    wishes = zip((cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS), wish)
    for key, value in ((cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*pixel_format)), *wishes):
        capture.set(key, value)


def shortfall(capture: cv2.VideoCapture, wish: tuple[int, int, float]) -> tuple[float, float]:
    """Return how far a grant is from the wish: (pixels, frames a second)."""
    width, height, fps = wish
    pixels = (abs(capture.get(cv2.CAP_PROP_FRAME_WIDTH) - width)
              + abs(capture.get(cv2.CAP_PROP_FRAME_HEIGHT) - height))
    return pixels, abs(granted_fps(capture) - fps)


def differs(capture: cv2.VideoCapture, wish: tuple[int, int, float]) -> bool:
    """Return whether the size, or the rate if the driver reports it, is not as wished."""
    pixels, frames = shortfall(capture, wish)
    return pixels > 0 or (granted_fps(capture) > 0.0 and frames > SAME_FPS * wish[2])


def granted_fps(capture: cv2.VideoCapture) -> float:
    """Return the rate of a camera in frames a second; 0 if the driver does not report it."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if math.isfinite(fps) and fps > 0.0 else 0.0


def open_device(path: str) -> cv2.VideoCapture:
    """
    Open a device file.

    :raises CameraError: it is not there, not allowed, or no camera.
    """
    check_path(path)
    try:
        status = os.stat(path)
    except OSError:
        raise CameraError(f'opening {path} failed: there is no such device; plug the camera in '
                          f'or choose one of those that exist: {present_devices()}') from None
    if not is_video_device(status):
        raise CameraError(f'opening {path} failed: it is no video device; choose one of those '
                          f'that exist: {present_devices()}')
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraError(f'opening {path} failed: this user may not use it; add the user to '
                          'the group video')
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(f'opening {path} failed: another program holds it, or it delivers no '
                          'pictures; close the other program or choose one of those that exist: '
                          f'{present_devices()}')
    return capture


def is_video_device(status: os.stat_result) -> bool:
    """Return whether an os.stat_result is that of a device of V4L2."""
    return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) == VIDEO_MAJOR


def present_devices() -> str:
    """Return the paths of all video devices and their names, as a text."""
    shown = []
    for path in sorted(DEVICES.glob('video[0-9]*'), key=lambda path: natural_key(path.name)):
        try:
            name = (DEVICE_NAMES / path.name / 'name').read_text().strip()
            shown.append(f'{path} ({name})')
        except OSError:   # it has gone, or there is no sysfs, as in some containers
            shown.append(str(path))
    return ', '.join(shown) or 'none'


def device_path(device: str) -> str:
    """Return the path of a device that is given as a path or as a number."""
    number = device.strip()
    return f'/dev/video{int(number)}' if number.isdecimal() and len(number) < 10 else device


def is_url(device: str) -> bool:
    """Return whether a device is the address of a stream."""
    return '://' in device
