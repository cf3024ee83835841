# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the head of a JPEG or PNG says, read before anything is decoded."""

import re

# Markers of JPEG (ITU-T T.81, table B.1): the second byte of each.
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xd8, 0xd9, 0xda
# All of SOF0 to SOF15 but DHT (0xc4), JPG (0xc8) and DAC (0xcc).
START_OF_FRAME = frozenset(range(0xc0, 0xd0)) - {0xc4, 0xc8, 0xcc}
WITHOUT_LENGTH = frozenset((0x01, *range(0xd0, 0xd8)))   # TEM and RST0 to RST7
FILL_BYTES = re.compile(rb'\xff*(?=\xff)')   # any number may stand before a marker
MOST_SEGMENTS = 1000   # a profile of colours alone may have 255
JPEG_BEGINS, JPEG_ENDS = b'\xff\xd8\xff', bytes((0xff, END_OF_IMAGE))
# The signature of PNG and its first chunk: length, type, width, height (its specification, 5.2
# and 11.2.2).
PNG_BEGINS = b'\x89PNG\r\n\x1a\n'
IHDR_BEGINS = PNG_BEGINS + b'\0\0\0\x0dIHDR'
PNG_HEAD_BYTES = len(IHDR_BEGINS) + 8


def jpeg_head(content: memoryview) -> tuple[int, tuple[int, int] | None]:
    """
    Return where the head of a JPEG ends, and the (width, height) in its frame header or None.

    The head is a chain of segments: a marker of two bytes, then a length that counts itself (T.81,
    annex B). It ends with the first scan, or where it is damaged: libjpeg would look for the next
    marker there, and might find another size.
    """
    size = None
    at = 2
    for _ in range(MOST_SEGMENTS):
        if fill := FILL_BYTES.match(content, at):
            at = fill.end()
        if at + 4 > len(content) or content[at] != 0xff:
            break
        marker = content[at + 1]
        if marker in WITHOUT_LENGTH:
            at += 2
            continue
        length = _number(content, at + 2, 2)
        if marker in (0, START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN) or length < 2:
            break
        if marker in START_OF_FRAME and size is None and at + 9 <= len(content):
            size = _number(content, at + 7, 2), _number(content, at + 5, 2)
        at += 2 + length
    return at, size


def png_size(content: bytes) -> tuple[int, int] | None:
    """Return the (width, height) that the first bytes of a PNG say, or None if they do not."""
    if len(content) < PNG_HEAD_BYTES or not content.startswith(IHDR_BEGINS):
        return None
    at = len(IHDR_BEGINS)
    return _number(content, at, 4), _number(content, at + 4, 4)


def _number(content: bytes | memoryview, at: int, size: int) -> int:
    return int.from_bytes(content[at:at + size], 'big')
