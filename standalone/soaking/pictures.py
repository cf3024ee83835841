# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The images that a soak publishes: of many sizes and encodings, and malformed ones."""

import array
from collections.abc import Callable
import copy

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image

MALFORMED = 'malformed'
NORMAL = '320x240 bgr8'
VARIANTS = 4
# Every so many images of the kind MALFORMED is one, in turn by each of the ways.
EVERY = 4
_BLUE, _GREEN, _RED, _GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (150, 150, 150)

# By the encoding: makes its rows from a blue-green-red picture.
_ENCODERS: dict[str, Callable[[npt.NDArray[np.uint8]], npt.NDArray]] = {
    'bgr8': lambda bgr: bgr,
    'rgb8': lambda bgr: bgr[:, :, ::-1],
    'rgba8': lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA),
    'mono8': lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY),
    'mono16': lambda bgr: cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype('<u2') * 257,
    'bgr16': lambda bgr: bgr.astype('<u2') * 257,
    'bayer_rggb8': lambda bgr: np.ascontiguousarray(bgr[:, :, 1]),
    'yuv422_yuy2': lambda bgr: np.ascontiguousarray(bgr[:, :, :2]),
}
KINDS = (
    NORMAL, '640x480 bgr8', '1280x720 bgr8', '640x480 mono8', '320x240 mono16', '640x480 bgr16',
    '320x240 rgb8', '320x240 rgba8', '320x240 bayer_rggb8', '640x480 yuv422_yuy2', '16x12 bgr8',
    '1000x50 mono8', MALFORMED)


def _changed(**fields: object) -> Callable[[Image], Image]:
    def change(message):
        changed = copy.copy(message)
        for name, value in fields.items():
            setattr(changed, name, value)
        return changed
    return change


def _with_less_data(message: Image) -> Image:
    changed = copy.copy(message)
    changed.data = message.data[:-7]
    return changed


WAYS: tuple[Callable[[Image], Image], ...] = (
    _with_less_data, _changed(encoding='no-such-encoding'), _changed(width=0), _changed(step=1),
    _changed(height=4000000000), _changed(data=array.array('B')), _changed(encoding=''),
    _changed(width=641, encoding='yuv422_yuy2'))


def messages_of(kind: str) -> list[tuple[Image, bool]]:
    """Return the messages of a kind, to publish in turn, each with whether it can be used."""
    if kind == MALFORMED:
        good = [message for message, _ in messages_of(NORMAL)]
        return [(WAYS[number // EVERY](good[number % VARIANTS]), False)
                if number % EVERY == EVERY - 1 else (good[number % VARIANTS], True)
                for number in range(EVERY * len(WAYS))]
    size, _, encoding = kind.partition(' ')
    width, height = map(int, size.split('x'))
    return [(_message(width, height, encoding, number), True) for number in range(VARIANTS)]


def _message(width, height, encoding, number):
    bgr = np.full((height, width, 3), _GREY, np.uint8)
    for index, colour in enumerate((_BLUE, _GREEN, _RED)):
        left = width * (1 + 3 * index) // 10
        top = height * (1 + number) // 8
        cv2.rectangle(bgr, (left, top), (left + width // 5, top + height // 3), colour, -1)
    rows = _ENCODERS[encoding](bgr)
    data = array.array('B')
    data.frombytes(rows.tobytes())
    message = Image(width=width, height=height, encoding=encoding, step=len(data) // height,
                    data=data)
    message.header.frame_id = 'soak'
    return message
