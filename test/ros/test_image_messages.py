# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Image messages become pictures."""

import array
import random
import tracemalloc

import cv2
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import bgr_image_of
import numpy as np
import pytest
from sensor_msgs.msg import Image

PICTURE = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)
PIXEL_BYTES = {'mono8': 1, '8UC1': 1, 'bayer_grbg8': 1, 'mono16': 2, '16UC1': 2, 'bayer_rggb16': 2,
               'yuv422': 2, 'yuyv': 2, 'rgb8': 3, 'bgr8': 3, '8UC3': 3, 'rgba8': 4, 'bgra8': 4,
               'rgb16': 6, 'bgr16': 6, '16UC3': 6, 'rgba16': 8, 'bgra16': 8}


def message_of(pixels, encoding, step=None):
    """Return an Image message for an array; a step longer than a row is padded."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1).view(np.uint8)
    step = step or rows.shape[1]
    padded = np.zeros((height, step), dtype=np.uint8)
    padded[:, :rows.shape[1]] = rows
    return Image(height=height, width=width, encoding=encoding, step=step,
                 data=array.array('B', padded.tobytes()))


@pytest.mark.parametrize('encoding', ['bgr8', '8UC3'])
@pytest.mark.parametrize('step', [96, 97, 128])
def test_bgr8_is_used_in_place(encoding, step):
    message = message_of(PICTURE, encoding, step)
    message.is_bigendian = True   # says nothing of single bytes
    image = bgr_image_of(message)
    np.testing.assert_array_equal(image, PICTURE)
    assert np.shares_memory(image, np.frombuffer(message.data, dtype=np.uint8))


@pytest.mark.parametrize('change', [
    {'height': 0}, {'width': 0}, {'height': 25}, {'width': 33}, {'step': 0}, {'step': 95},
    {'step': 2**31}, {'encoding': ''}, {'encoding': 'nonsense'},
    {'data': array.array('B')}, {'data': array.array('B', bytes(24 * 96 - 1))},
    {'data': array.array('B', bytes(24 * 96 + 1))}, {'height': 2**32 - 1}, {'width': 2**32 - 1},
    {'encoding': 'bgra8'}, {'encoding': '64FC4'}])
def test_what_does_not_fit_together_is_named_in_one_line(change):
    message = message_of(PICTURE, 'bgr8')
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(BadImageError, match='^image ') as caught:
        bgr_image_of(message)
    assert '\n' not in str(caught.value)


def short_rows(message, chance):
    """Make the rows too short for their pixels, and the data fit to the rows."""
    message.step = chance.randrange(message.width * PIXEL_BYTES[message.encoding])
    message.data = array.array('B', bytes(message.step * message.height))


def wrong_step(message, chance):
    """Make the step another one than that of the data."""
    message.step = chance.choice([0, message.step - 1, message.step + 1, message.step * 2, 2**31,
                                  2**32 - 1])


def wrong_encoding(message, chance):
    """Name an encoding that there is not, or that has no picture of one meaning."""
    message.encoding = chance.choice([
        '', ' ', 'BGR8', 'bgr8\n', 'bgr', 'jpeg', 'nonsense', '\0', 'ü\u2028', 'x' * 100_000,
        'nv12', 'nv21', 'nv24', '8UC', '8UC0', '8UC2', '8UC5', '8UC4294967297', '8SC3', '16UC2',
        '16SC1', '32SC1', '32FC1', '64FC4', 'bayer_grbg', 'bayer_rggb32'])


def huge_size(message, chance):
    """Claim a size whose bytes are far more than the data, or are few when counted modulo 2^32."""
    name = chance.choice(['height', 'width'])
    setattr(message, name, chance.choice([2**16, 2**31, 2**32 - 1]))
    if chance.random() < 0.3:
        message.height, message.step, message.data = 2**16, 2**16, array.array('B')


def too_little(message, chance):
    """Take bytes away."""
    message.data = message.data[:-chance.randrange(1, len(message.data) + 1)]


def too_much(message, chance):
    """Add bytes."""
    message.data.extend(bytes(chance.randrange(1, 2000)))


FAULTS = [
    too_little, too_much, short_rows, wrong_step, wrong_encoding, huge_size,
    lambda message, _: setattr(message, 'data', array.array('B')),
    lambda message, chance: setattr(message, chance.choice(['height', 'width']), 0)]


def malformed_message(chance):
    """Return an Image message with one fault, small but for what it claims."""
    encoding = chance.choice(list(PIXEL_BYTES))
    pixels = np.full((chance.randrange(1, 25), 2 * chance.randrange(1, 17),
                      PIXEL_BYTES[encoding]), 77, dtype=np.uint8)
    message = message_of(pixels, encoding, pixels[0].size + chance.choice([0, 0, 1, 8]))
    message.is_bigendian = chance.random() < 0.5
    chance.choice(FAULTS)(message, chance)
    return message


def test_400_malformed_messages_are_refused_in_one_short_line():
    chance = random.Random(11)
    messages = [malformed_message(chance) for _ in range(400)]
    tracemalloc.start()
    try:
        for message in messages:
            with pytest.raises(BadImageError, match='^image ') as caught:
                bgr_image_of(message)
            text = str(caught.value)
            assert len(text.splitlines()) == 1 and len(text) < 300, text
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 2**20
    red_first = np.ascontiguousarray(PICTURE[:, :, ::-1])
    np.testing.assert_array_equal(bgr_image_of(message_of(red_first, 'rgb8')), PICTURE)


def test_what_opencv_raises_is_named_in_one_line(monkeypatch):
    def fail(*_):
        raise cv2.error('several\n  lines')
    monkeypatch.setattr(cv2, 'cvtColor', fail)
    with pytest.raises(BadImageError, match='to bgr8 .several lines.$'):
        bgr_image_of(message_of(PICTURE, 'rgb8'))
