# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The content of sensor_msgs/CompressedImage."""

from pathlib import Path
import struct
import zlib

import cv2
from fuzz_door import door
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.pictures.decoding import decode_message
from ncs_cluster_detector.pictures.decoding import MOST_PIXELS
from ncs_cluster_detector.pictures.decoding import UnreadablePictureError
from ncs_cluster_detector.pictures.head import START_OF_FRAME
import numpy as np

# Of memory for one picture, with what a decoder needs besides: four times the largest picture.
MOST_KB = 4 * 3 * MOST_PIXELS // 1024
NOISE = np.random.default_rng(1).integers(0, 256, (16, 24, 3), np.uint8)


def encoded(ending, image=NOISE, *options):
    """Return a picture as the content of a file."""
    return cv2.imencode(ending, image, options)[1].tobytes()


GOOD = [encoded('.jpg'), encoded('.png'), encoded('.jpg', NOISE[:, :, 0]),
        encoded('.png', NOISE.astype(np.uint16) * 257), encoded('.png', np.zeros_like(NOISE)),
        encoded('.jpg', NOISE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encoded('.jpg', NOISE, cv2.IMWRITE_JPEG_RST_INTERVAL, 2), encoded('.bmp')]
SIDES = st.sampled_from([0, 1, 2, 15, 16, 17, 640, 65500, 65535, 2**31 - 1, 2**32 - 1])


def decode(data):
    """Decode a message, or see it refused in one line; check what came and what it took."""
    Path('/proc/self/clear_refs').write_text('5')   # forget the largest memory so far
    before = memory_kb('VmRSS')
    image = taken_or_refused(
        lambda: decode_message(np.frombuffer(data, np.uint8)), UnreadablePictureError, longest=80)
    assert memory_kb('VmHWM') - before < MOST_KB
    if image is not None:
        assert image.dtype == np.uint8
        assert image.ndim == 3 and image.shape[2] == 3
        assert 0 < image.shape[0] * image.shape[1] <= MOST_PIXELS


def memory_kb(field):
    """Return a figure of this process, in kB: VmRSS what it has now, VmHWM the largest."""
    status = Path('/proc/self/status').read_text()
    return int(status.partition(f'{field}:')[2].split()[0])


def with_size(data, width, height):
    """Return a JPEG or PNG whose head says another size, if a head can."""
    if data.startswith(b'\x89PNG'):
        head = b'IHDR' + struct.pack('>II', width, height) + data[24:29]
        return data[:12] + head + struct.pack('>I', zlib.crc32(head)) + data[33:]
    at = 2
    while data[at + 1] not in START_OF_FRAME:
        at += 2 + int.from_bytes(data[at + 2:at + 4], 'big')
    return data[:at + 5] + struct.pack('>HH', height % 2**16, width % 2**16) + data[at + 9:]


@door(150, data=spoilt(GOOD) | st.binary(max_size=64)
      | st.binary(max_size=40).map(lambda data: b'\xff\xd8\xff' + data)
      | st.binary(max_size=40).map(lambda data: GOOD[1][:33] + data))
def test_a_message_is_decoded_or_refused(data):
    decode(data)


@door(60, also=[{'data': GOOD[number], 'width': 8192, 'height': 8192, 'end': None}
                for number in (0, 1, 3, 5)],
      data=st.sampled_from(GOOD[:-1]), width=SIDES, height=SIDES,
      end=st.none() | st.integers(-40, -1))
def test_a_message_of_any_size_is_decoded_or_refused(data, width, height, end):
    decode(with_size(data, width, height)[:end])


SEGMENTS = st.tuples(st.integers(0, 255), st.binary(max_size=20), st.integers(-3, 3)).map(
    lambda parts: bytes((0xff, parts[0]))
    + struct.pack('>H', max(0, 2 + len(parts[1]) + parts[2])) + parts[1])
CHUNKS = st.tuples(
    st.sampled_from([b'IHDR', b'PLTE', b'IDAT', b'IEND', b'acTL', b'fcTL', b'fdAT', b'tRNS',
                     b'iCCP', b'eXIf', b'zTXt', b'cICP']), st.binary(max_size=30)).map(
    lambda parts: struct.pack('>I', len(parts[1])) + b''.join(parts)
    + struct.pack('>I', zlib.crc32(b''.join(parts))))


@door(150, number=st.sampled_from([0, 2, 5]), between=st.lists(SEGMENTS, max_size=4).map(b''.join),
      width=SIDES, height=SIDES)
def test_a_jpeg_with_any_segments_is_decoded_or_refused(number, between, width, height):
    large = with_size(GOOD[number], width, height)
    decode(large[:2] + between + large[2:])


@door(100, number=st.sampled_from([1, 3, 4]), at=st.sampled_from([8, 33, -12]),
      between=st.lists(CHUNKS, max_size=4).map(b''.join))
def test_a_png_with_any_chunks_is_decoded_or_refused(number, at, between):
    data = GOOD[number]
    decode(data[:at] + between + data[at:])
