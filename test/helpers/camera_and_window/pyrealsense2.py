# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Camera and window of a program under test, in the place of a camera's SDK that it imports.

The first USB camera shows a red rectangle, 30 times a second. The window shows nothing, but each
text that is drawn is noted, and 'q' is pressed when a file tells so.
"""

import os
from pathlib import Path
import time

import cv2
import numpy as np

_NOTES = Path(os.environ['TEST_NOTES'])
_FRAME_SEC = 1.0 / 30.0

_noted = set()
_draw_text = cv2.putText


class VideoCapture:
    """The camera."""

    def __init__(self, number):
        assert number == 0
        self._size = {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 480}
        self._next_at = time.monotonic()

    def isOpened(self):  # noqa: N802
        return True

    def set(self, option, value):  # noqa: A003
        self._size[option] = value
        return True

    def read(self):
        time.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = max(self._next_at, time.monotonic()) + _FRAME_SEC
        width = int(self._size[cv2.CAP_PROP_FRAME_WIDTH])
        height = int(self._size[cv2.CAP_PROP_FRAME_HEIGHT])
        frame = np.full((height, width, 3), 90, dtype=np.uint8)
        frame[height // 4:height // 2, width // 4:width // 2] = (0, 0, 255)
        return True, frame


def put_text(image, text, *arguments):
    """Draw a text, and note it when it is a new one."""
    note(text)
    return _draw_text(image, text, *arguments)


def note(text):
    """Write a text that the test may wait for, once."""
    if text not in _noted:
        _noted.add(text)
        with open(_NOTES / 'notes.txt', 'a') as file:
            file.write(f'{text}\n')


def wait_key(milliseconds):
    """Return the key that is pressed, or that there is none."""
    assert milliseconds == 1
    if not (_NOTES / 'press q').exists():
        return -1
    note('q was pressed')
    return ord('q')


cv2.VideoCapture = VideoCapture
cv2.namedWindow = lambda name, flags: note(f'window {name}')
cv2.imshow = lambda name, image: note(f'picture {image.shape}')
cv2.waitKey = wait_key
cv2.putText = put_text
