# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Camera, window and a count of results for the script of 2018, in the place of a camera's SDK.

The script imports pyrealsense2 first, so it finds its camera and window replaced. The first USB
camera shows a red rectangle, 60 times a second; the window shows nothing. The time of each result
that the sticks give is written to the file that RESULT_TIMES names: a double of 8 bytes, in
seconds of the monotonic clock, which all processes of a machine share.
"""

import os
import struct
import time

import cv2
from mvnc import mvncapi
import numpy as np
import numpy.typing as npt

_FRAME_SEC = 1.0 / 60.0

_times = os.open(os.environ['RESULT_TIMES'], os.O_WRONLY | os.O_APPEND)
_read_elem = mvncapi.Fifo.read_elem


class VideoCapture:
    """The camera."""

    def __init__(self, number: int) -> None:
        self._size = {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 480}
        self._next_at = time.monotonic()
        self._picture = None

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, option: int, value: float) -> bool:  # noqa: A003
        self._size[option] = value
        return True

    def read(self) -> tuple[bool, npt.NDArray[np.uint8]]:
        if self._picture is None:
            width, height = (int(self._size[option]) for option in (
                cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
            self._picture = np.full((height, width, 3), 90, dtype=np.uint8)
            self._picture[height // 4:height // 2, width // 4:width // 2] = (0, 0, 255)
        time.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = max(self._next_at, time.monotonic() - _FRAME_SEC) + _FRAME_SEC
        return True, self._picture.copy()


def read_elem(fifo: mvncapi.Fifo) -> tuple[npt.NDArray[np.float32], object]:
    """Return a result of a stick, and note when it came."""
    result = _read_elem(fifo)
    os.write(_times, struct.pack('d', time.monotonic()))
    return result


mvncapi.Fifo.read_elem = read_elem
cv2.VideoCapture = VideoCapture
cv2.namedWindow = lambda name, flags: None
cv2.imshow = lambda name, image: None
cv2.waitKey = lambda milliseconds: -1
