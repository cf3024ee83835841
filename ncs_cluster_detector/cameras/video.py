# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A video file, played in order at its own rate."""

import os
from typing import Callable

import cv2
from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import check_path
from ncs_cluster_detector.cameras.camera import silence_opencv
from ncs_cluster_detector.cameras.opencv.capture import leave_as_jpeg
from ncs_cluster_detector.cameras.opencv.capture import picture_in
import numpy as np
import numpy.typing as npt

# Outside of these the container does not know its rate (FFmpeg then reports its time base).
BELIEVABLE_FPS = (0.1, 240.0)
# The number of pictures that a file announces is often a guess, and sometimes missing.
MORE_THAN_ANNOUNCED = 10
MOST_BROKEN = 10000


class VideoFile(Camera):
    """A video file; every picture comes once, in order, at its own size."""

    description = 'a video file'
    device_description = 'file'

    @classmethod
    def open_camera(cls, device: str, width: int, height: int, fps: float,
                    warn: Callable[[str], None]) -> Camera:
        return cls(device, fps)

    @classmethod
    def must_exist(cls, device: str) -> bool:
        """Return True: a missing file does not appear later."""
        return True

    def __init__(self, path: str, fps: float) -> None:
        """
        Open the file and decode its first picture.

        :param fps: frames a second for a file that does not hold its own rate.
        :raises CameraError: the file is missing or is no video that OpenCV can read.
        """
        self._path = os.path.expanduser(path)
        self._fallback_fps = fps
        self._capture = None
        silence_opencv()
        self._open()

    def grab(self) -> bool:
        if self._first_is_next:
            self._first_is_next = False
            return True
        self._first = None
        if self._grab_unbroken():
            return True
        played = self._capture.get(cv2.CAP_PROP_POS_FRAMES)
        announced = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # The announced number is often a guess, so an early end alone is no fault.
        if played < announced and self._fingerprint() != self._opened_fingerprint:
            raise CameraError(f'reading {self._path} stopped at picture {played:.0f} of '
                              f'{announced:.0f}: the file has changed or is gone; put it back')
        return False

    def retrieve(self) -> npt.NDArray[np.uint8] | None:
        if self._first is not None:
            return self._first
        image = picture_in(self._capture, self._as_jpeg)
        if image is None:
            self.skipped += 1
        return image

    def time_sec(self) -> float:
        """Return when the grabbed picture is due; a phone's pictures vary in rate."""
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0

    def rewind(self) -> None:
        """Open the file again, which works with every container; seeking does not."""
        self.close()
        self._open()

    def close(self) -> None:
        self._capture.release()

    def _open(self, as_jpeg=True):
        if not os.path.isfile(self._path):
            raise CameraError(f'opening {self._path} failed: there is no such file; give the '
                              'path of a video file')
        check_path(self._path)
        self._opened_fingerprint = self._fingerprint()
        self._broken = 0   # pictures since the file was opened
        self._capture = cv2.VideoCapture(
            os.path.abspath(self._path), cv2.CAP_FFMPEG)   # 12:30.avi is no protocol
        self._as_jpeg = as_jpeg and leave_as_jpeg(self._capture)
        self._first = None
        while self._first is None and self._capture.isOpened() and self._grab_unbroken():
            self._first = self.retrieve()
        if self._first is None:
            self.close()
            reason = ('it is not a video that OpenCV can decode'
                      if os.access(self._path, os.R_OK) else 'this user may not read it')
            raise CameraError(f'opening {self._path} failed: {reason}; give the path of a '
                              'readable video file, such as an .mp4 or .avi')
        self._first_is_next = True
        self.width = round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        told = self._capture.get(cv2.CAP_PROP_FPS)
        low, high = BELIEVABLE_FPS
        self.fps = told if low <= told <= high else self._fallback_fps
        if self._as_jpeg and self._first.shape[:2] != (self.height, self.width):
            self.close()   # two halves of interlaced pictures, which FFmpeg puts together
            self._open(as_jpeg=False)

    def _grab_unbroken(self):
        """
        Go on to the next picture that can be decoded; False at the end.

        OpenCV reports the end as it reports a broken picture, after which it goes on when asked
        again. So it is asked once for every picture that is still to come.
        """
        played = self._capture.get(cv2.CAP_PROP_POS_FRAMES)
        announced = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        left = min(max(announced - played - self._broken, 0), MOST_BROKEN) + MORE_THAN_ANNOUNCED
        asked = broken = 0
        while not (grabbed := self._capture.grab()) and asked < left:
            asked += 1
            # At the end there is no data; for a broken picture OpenCV has some, as its
            # kind shows.
            if self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
                broken = asked
        if grabbed:
            broken = asked
        self._broken += broken
        self.skipped += broken
        return grabbed

    def _fingerprint(self):
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns
