# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of decoding the pictures in messages."""

from concurrent.futures import ThreadPoolExecutor
import struct
import zlib

from camera_media import jpeg
from camera_media import noise
from camera_media import numbered
import cv2
from ncs_cluster_detector.pictures.decoding import decode_message
from ncs_cluster_detector.pictures.decoding import decode_picture
from ncs_cluster_detector.pictures.decoding import MOST_PIXELS
from ncs_cluster_detector.pictures.decoding import UnreadablePictureError
from ncs_cluster_detector.pictures.head import START_OF_FRAME
import numpy as np
import pytest

PROGRESSIVE = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
# A block of EXIF with one entry: the picture is to be turned by a quarter.
TURNED = (b'Exif\0\0' b'II*\0\x08\0\0\0\x01\0' + struct.pack('<HHIHH', 0x112, 3, 1, 6, 0)
          + bytes(4))


def png(image):
    """Return a picture as the content of a PNG file."""
    return cv2.imencode('.png', image)[1].tobytes()


def decoded(data):
    """Return what is decoded of a message with this content."""
    return decode_message(np.frombuffer(data, np.uint8))


def reason(data):
    """Return why this content is refused."""
    with pytest.raises(UnreadablePictureError) as refused:
        decoded(data)
    return str(refused.value)


def segment(marker, content):
    """Return a segment of a JPEG."""
    return bytes((0xff, marker)) + struct.pack('>H', 2 + len(content)) + content


def chunk(kind, content):
    """Return a chunk of a PNG."""
    return (struct.pack('>I', len(content)) + kind + content
            + struct.pack('>I', zlib.crc32(kind + content)))


def with_size(data, width, height):
    """Return a JPEG or PNG whose head says another size."""
    if data.startswith(b'\x89PNG'):
        return data[:8] + chunk(b'IHDR', struct.pack('>II', width, height) + data[24:29]) + (
            data[33:])
    at = 2
    while data[at + 1] not in START_OF_FRAME:
        at += 2 + int.from_bytes(data[at + 2:at + 4], 'big')
    return data[:at + 5] + struct.pack('>HH', height, width) + data[at + 9:]


@pytest.mark.parametrize('data', [
    jpeg(noise()), cv2.imencode('.jpg', noise(), PROGRESSIVE)[1].tobytes(), png(noise()),
    png(np.dstack([noise(), noise()[:, :, 0]])), jpeg(noise()[:, :, 0]), png(noise()[:, :, 0])])
def test_a_picture_is_what_opencv_makes_of_it(data):
    image = decoded(data)
    assert image.dtype == np.uint8
    assert image.shape == noise().shape
    np.testing.assert_array_equal(
        image, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize('shape', [(6, 9), (6, 9, 3)])
def test_16_bits_become_8(shape):
    values = np.random.default_rng(1).integers(0, 65536, shape, np.uint16)
    image = decoded(png(values))
    assert (image.dtype, image.shape) == (np.uint8, (6, 9, 3))
    exact = (values if len(shape) == 3 else np.repeat(values[..., None], 3, 2)) / 257
    assert np.abs(image - exact).max() <= 1.0


def test_a_picture_is_not_turned():
    image = noise()[:40]
    for data in (jpeg(image)[:2] + segment(0xe1, TURNED) + jpeg(image)[2:],
                 png(image)[:33] + chunk(b'eXIf', TURNED[6:]) + png(image)[33:]):
        assert decoded(data).shape == image.shape
    turned = jpeg(image)[:2] + segment(0xe1, TURNED) + jpeg(image)[2:]
    assert decode_picture(np.frombuffer(turned, np.uint8)).shape == (image.shape[1], 40, 3)


@pytest.mark.parametrize('data, why', [
    (b'', 'it is empty'), (b'\0\1\2\3\4', 'it is neither JPEG nor PNG (begins with 00 01 02 03)'),
    (b'\xff\xd8', 'it is neither JPEG nor PNG (begins with ff d8)'),
    (cv2.imencode('.bmp', noise())[1].tobytes(),
     'it is neither JPEG nor PNG (begins with 42 4d 36 e1)'),
    (b'\xff\xd8\xff', 'its head is damaged or cut'),
    (png(noise())[:8], 'its head is damaged or cut'),
    (png(noise())[:23], 'its head is damaged or cut'),
    (jpeg(noise())[:-2], 'its end is missing'), (jpeg(noise())[:-9], 'its end is missing'),
    (jpeg(noise())[:700], 'its end is missing'),
    (jpeg(noise())[:700] + b'\xff\xd9', 'it is damaged'),
    (png(noise())[:-1], 'it cannot be decoded as a picture')])
def test_what_is_no_whole_picture_is_refused(data, why, capfd):
    assert reason(data) == why
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('make', [jpeg, png])
def test_a_picture_that_was_cut_anywhere_is_refused(make, capfd):
    whole = make(numbered(5))
    for end in range(1, len(whole), 11):
        reason(whole[:end])
    assert capfd.readouterr() == ('', '')


def test_a_png_of_which_one_byte_is_wrong_is_refused(capfd):
    whole = bytearray(png(numbered(5)))
    for at in range(len(whole) - 4):   # the last four are a sum over nothing
        whole[at] ^= 0x10
        reason(bytes(whole))
        whole[at] ^= 0x10
    np.testing.assert_array_equal(decoded(bytes(whole)), numbered(5))
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('data', [jpeg(noise()), png(noise()),
                                  cv2.imencode('.jpg', noise(), PROGRESSIVE)[1].tobytes()])
@pytest.mark.parametrize('width, height, why', [
    (65500, 65500, f'it has 65500x65500 pixels, more than {MOST_PIXELS} in all'),
    (8193, 8192, f'it has 8193x8192 pixels, more than {MOST_PIXELS} in all'),
    (0, 48, 'it has 0x48 pixels'), (48, 0, 'it has 48x0 pixels')])
def test_a_size_that_cannot_be_is_refused(data, width, height, why):
    assert reason(with_size(data, width, height)) == why


def test_a_size_of_a_png_that_no_memory_holds_is_refused():
    assert reason(with_size(png(noise()), 2**32 - 1, 2**31)) == (
        f'it has 4294967295x2147483648 pixels, more than {MOST_PIXELS} in all')


@pytest.mark.parametrize('hidden', [
    b'\0', b'\xff\0', b'\xff\xd8\xff', b'\xff\xd9', b'\xff\xe1\0\1', segment(0xe1, b'')[:-2]],
    ids=lambda hidden: hidden.hex())
def test_a_size_that_only_libjpeg_would_find_is_refused(hidden):
    """It looks for the next marker behind what is no segment; memory would be taken then."""
    large = with_size(jpeg(noise()), 65500, 65500)
    at = large.index(b'\xff\xdb')   # the second segment
    assert reason(large[:at] + hidden + large[at:]) in (
        'its head is damaged or cut', f'it has 65500x65500 pixels, more than {MOST_PIXELS} in all')


def test_a_small_size_inside_a_segment_hides_no_large_one():
    data = jpeg(noise())
    large = with_size(data, 65500, 65500)
    small = segment(0xc0, bytes((8, 0, 8, 0, 8)))
    for before in (segment(0xe1, small), b'\xff\xd0', b'\xff\x01' + segment(0xfe, small),
                   b'\xff' * 9 + segment(0xe2, b'')):
        assert reason(data[:2] + before + large[2:]) == (
            f'it has 65500x65500 pixels, more than {MOST_PIXELS} in all')
    assert 'pixels' not in reason(data[:2] + small + large[2:])   # a second one is no JPEG


def test_threads_do_not_hear_the_damage_of_each_other(capfd):
    whole, damaged = jpeg(noise()), jpeg(noise())[:700] + b'\xff\xd9'

    def decode_many(data):
        verdicts = []
        for _ in range(100):
            try:
                verdicts.append(decoded(data).shape)
            except UnreadablePictureError as error:
                verdicts.append(str(error))
        return set(verdicts)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(decode_many, [whole, damaged, whole, damaged]))
    assert found == [{noise().shape}, {'it is damaged'}] * 2
    assert capfd.readouterr() == ('', '')
