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

"""A camera at a device file, or a stream at a URL, through OpenCV."""

import glob
import os
import re

import cv2

from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import silence_opencv

# A stream that is silent for so long counts as gone.
STREAM_TIMEOUT_MS = 5000
# USB 2 carries about this much; raw pictures have two bytes a pixel (YUYV).
RAW_BYTES_PER_SEC = 24e6
BYTES_PER_RAW_PIXEL = 2


class UsbCamera(Camera):
    """A camera that delivers at its own pace."""

    live = True

    def __init__(self, device, width, height, fps):
        """
        Open the camera and ask for a size and a rate; it may grant others.

        :param device: path or number of the device, or a URL with ``://``.
        :param width: wanted width in pixels.
        :param height: wanted height in pixels.
        :param fps: wanted frames a second.
        :raises CameraError: it cannot be opened now.
        """
        self._shown = shown_device(device)
        silence_opencv()
        if '://' in device:
            self._capture = cv2.VideoCapture(device, cv2.CAP_FFMPEG, [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS])
            if not self._capture.isOpened():
                raise CameraError(f'opening the stream {self._shown} failed: no answer, or none '
                                  'that is a video; check the address and the server')
        else:
            self._capture = open_device(device_path(device))
            # Raw pictures of this size and rate would not fit through USB 2, and the camera
            # would grant a lower rate; one without MJPG keeps to its own format.
            if width * height * fps * BYTES_PER_RAW_PIXEL > RAW_BYTES_PER_SEC:
                self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*'MJPG'))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self.width = round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = self._capture.get(cv2.CAP_PROP_FPS)

    def grab(self):
        """Wait for the next picture."""
        if not self._capture.grab():
            raise CameraError(f'reading from {self._shown} failed: it was unplugged, stopped or '
                              'is silent; plug it in or start it again')
        return True

    def retrieve(self):
        """Return the grabbed picture."""
        decoded, image = self._capture.retrieve()
        if not decoded:
            raise CameraError(f'decoding a picture of {self._shown} failed; check the cable')
        return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)

    def close(self):
        """Let go of the camera."""
        self._capture.release()


def open_device(path):
    """
    Open a device file.

    :return: the cv2.VideoCapture.
    :raises CameraError: it is not there, not allowed, or no camera.
    """
    if not os.path.exists(path):
        present = ', '.join(sorted(glob.glob('/dev/video*'))) or 'none'
        raise CameraError(f'opening {path} failed: there is no such device; plug the camera in '
                          f'or choose one of those that exist: {present}')
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraError(f'opening {path} failed: this user may not use it; add the user to '
                          'the group video')
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(f'opening {path} failed: another program holds it, or it delivers no '
                          'pictures; close the other program or choose another device')
    return capture


def device_path(device):
    """Return the path of a device that is given as a path or as a number."""
    return f'/dev/video{int(device)}' if device.strip().isdecimal() else device


def shown_device(device):
    """Return the device as it may be shown: without the password that a URL can hold."""
    return re.sub(r'://[^/@]*@', '://', device) if '://' in device else device_path(device)
