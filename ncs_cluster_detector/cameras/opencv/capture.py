# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Live sources that are OpenCV captures: a camera at a device file, or a stream."""

import time

import cv2
from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.pictures.decoding import captured_terminal
from ncs_cluster_detector.pictures.decoding import decode_picture
import numpy as np
import numpy.typing as npt

# What containers call a sequence of JPEG pictures.
JPEG_FORMATS = ('MJPG', 'JPEG')
# Many cameras begin with a damaged picture; more than this number in a row are a fault.
MOST_SKIPPED = 10
# Longer than a slow source takes from picture to picture, shorter than the silence after which a
# source counts as gone.
LONGEST_TRY_SEC = 4.0


class CaptureCamera(Camera):
    """A cv2.VideoCapture that delivers at its own pace; subclasses open it."""

    live = True

    def __init__(self, shown: str, capture: cv2.VideoCapture) -> None:
        """Take over an open cv2.VideoCapture; ``shown`` is its name in errors."""
        self._shown = shown
        self._capture = capture
        self._as_jpeg = False   # whether it hands over pictures that are not decoded
        self._skipped_in_a_row = 0
        self.width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.pixel_format = format_of(capture)

    def grab(self) -> bool:
        """Wait for the next picture that is not broken."""
        broken = 0
        started = time.monotonic()
        while not self._capture.grab():
            # After a broken picture OpenCV goes on when asked again. At the end it answers at
            # once; after a silence it would wait as long again.
            broken += 1
            if broken == MOST_SKIPPED or time.monotonic() - started > LONGEST_TRY_SEC:
                raise CameraError(f'reading from {self._shown} failed: it was unplugged, stopped '
                                  'or is silent; plug it in or start it again')
        self.skipped += broken
        return True

    def retrieve(self) -> npt.NDArray[np.uint8] | None:
        image = self._decode()
        if image is None:
            self.skipped += 1
            self._skipped_in_a_row += 1
            if self._skipped_in_a_row == MOST_SKIPPED:
                raise CameraError(f'decoding {MOST_SKIPPED} pictures in a row of {self._shown} '
                                  'failed; check the cable')
            return None
        self._skipped_in_a_row = 0
        self.height, self.width = image.shape[:2]
        return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)

    def _decode(self):
        if self._as_jpeg or self.pixel_format != 'MJPG':
            return picture_in(self._capture, self._as_jpeg)
        with captured_terminal():   # libjpeg writes a line for each picture of many cameras
            return picture_in(self._capture, self._as_jpeg)

    def close(self) -> None:
        self._capture.release()


def leave_as_jpeg(capture: cv2.VideoCapture) -> bool:
    """
    Make a capture of FFmpeg hand over MJPEG pictures undecoded; call it before the first.

    FFmpeg would decode every one, wanted or not, scale one of another size to that of the first,
    and deliver the rest of a damaged one in grey.

    :return: whether it does; ``picture_in`` then decodes them.
    """
    return (format_of(capture) in JPEG_FORMATS
            and capture.get(cv2.CAP_PROP_ORIENTATION_META) == 0
            and capture.set(cv2.CAP_PROP_FORMAT, -1))


def picture_in(capture: cv2.VideoCapture, as_jpeg: bool) -> npt.NDArray[np.uint8] | None:
    """Return the picture that a capture has grabbed, or None if it cannot be decoded."""
    grabbed, picture = capture.retrieve()
    if not grabbed or picture is None:
        return None
    try:
        return decode_picture(picture.ravel()) if as_jpeg else picture
    except ValueError:
        return None


def format_of(capture: cv2.VideoCapture) -> str:
    """Return the format of a capture's pictures, such as ``'YUYV'``; empty if it is unknown."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    letters = code.to_bytes(4, 'little') if 0 < code < 2**32 else b''
    text = letters.decode('ascii', 'replace').strip('\0 ').upper()
    return text if text.isalnum() else ''
