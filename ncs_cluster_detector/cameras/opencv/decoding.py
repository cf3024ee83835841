# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Decodes a picture of a file or a stream, and checks that it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
import os
import re
import stat
import threading

import cv2
from ncs_cluster_detector.cameras.camera import ERRORS
from ncs_cluster_detector.cameras.camera import set_opencv_log_level
from ncs_cluster_detector.cameras.camera import SILENT
import numpy as np
import numpy.typing as npt

# OpenCV refuses pictures with more pixels than fit into this many bytes, even uncompressed.
LARGEST_BYTES = 2**30
# Markers of JPEG.
START_OF_IMAGE, START_OF_SCAN, END_OF_IMAGE = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'
FILL_BYTES = re.compile(rb'\xff*(?=\xff)')   # any number may stand before a marker
MOST_SEGMENTS = 1000   # a profile of colours alone may have 255
# The lines that decoders write to the terminal, and those of them that mean that a part of the
# picture is missing or wrong (the messages of libjpeg are in its jerror.h); OpenCV returns such a
# picture all the same.
DECODERS_LINE = re.compile(
    r'Corrupt JPEG data|Premature end of JPEG|Inconsistent progression sequence|Invalid SOS '
    r'parameters|Unknown Adobe color|Warning: unknown JFIF|Application transferred too many|'
    r'libpng (?:error|warning)|\[ *(?:FATAL|ERROR|WARN|INFO|DEBUG):\d|> ')
DAMAGE = re.compile(
    r'Corrupt JPEG data|Premature end of JPEG|Inconsistent progression|\[ *ERROR:\d.*TIFF')
# Some do not: a few bytes before the end of the picture (0xd9), which cameras and editors leave
# there (a tenth of the file and more are scans that were overwritten with zeros), or before its
# next part (0xd0 to 0xd7), as in nearly every picture of a Logitech C270.
EXTRANEOUS = re.compile(
    r'Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd(?:[0-7]|(9))')
MOST_BEFORE_END = 0.1   # of the file
MOST_BEFORE_PART = 16   # bytes
_terminal = threading.Lock()


def read_picture(path: str) -> npt.NDArray[np.uint8]:
    """
    Return the picture in a file: uint8, height x width x 3, blue-green-red.

    The file is not read by OpenCV, which crashes when the name of a file is not UTF-8, and returns
    the first part of a JPEG that was cut.

    :raises ValueError: it holds no picture, or not a whole one; the text says why.
    :raises OSError: it cannot be read.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):   # reading a pipe could wait for ever
        raise ValueError('it is no file')
    if status.st_size > LARGEST_BYTES:
        raise ValueError(f'it has {status.st_size} bytes, more than {LARGEST_BYTES}')
    return decode_picture(np.fromfile(path, np.uint8))


def decode_picture(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the picture in the content of a file; raise ValueError as ``read_picture`` does."""
    if not _jpeg_is_closed(data):
        raise ValueError('its end is missing')
    image = None
    with captured_terminal() as written:
        try:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except cv2.error:   # there is no data, or it has more pixels than OpenCV allows
            pass
    if image is None:
        raise ValueError('it cannot be decoded as a picture')
    if any(_tells_damage(line, len(data)) for line in written):
        raise ValueError('it is damaged')
    return image


def _tells_damage(line, size):
    """Return whether the line of a decoder means that a picture of ``size`` bytes is damaged."""
    if extraneous := EXTRANEOUS.match(line):
        number, at_end = extraneous.groups()
        return int(number) > (MOST_BEFORE_END * size if at_end else MOST_BEFORE_PART)
    return DAMAGE.search(line) is not None


def _jpeg_is_closed(data):
    """
    Return whether a picture has its end, if it is a JPEG; zeros there decode to something.

    Its head is a chain of segments: a marker of two bytes, then a length that counts itself (ITU-T
    T.81, annex B).
    """
    if data[:2].tobytes() != START_OF_IMAGE:
        return True
    content = data.tobytes()
    at = len(START_OF_IMAGE)
    for _ in range(MOST_SEGMENTS):
        if fill := FILL_BYTES.match(content, at):
            at = fill.end()
        size = int.from_bytes(content[at + 2:at + 4], 'big')
        if content[at:at + 1] != b'\xff' or content[at:at + 2] == START_OF_SCAN or size < 2:
            break
        at += 2 + size
    return content.rfind(END_OF_IMAGE, at) >= 0   # if there is one, it is near the end


@contextmanager
def captured_terminal() -> Iterator[list[str]]:
    """
    Yield a list that afterwards has the lines that decoders wrote to the terminal.

    They can be read in no other way. The lines of other threads are passed on.
    """
    lines = []
    with _terminal:
        try:
            terminal = os.dup(2)
        except OSError:   # the process has none
            yield lines
            return
        with open(os.memfd_create('terminal'), 'r+b') as memory:
            os.dup2(memory.fileno(), 2)
            set_opencv_log_level(ERRORS)   # libtiff's errors come this way
            try:
                yield lines
            finally:
                set_opencv_log_level(SILENT)
                os.dup2(terminal, 2)
                os.close(terminal)
                memory.seek(0)
                for line in memory:
                    text = line.decode(errors='replace')
                    if DECODERS_LINE.match(text):
                        lines.append(text)
                    elif text.strip():
                        with suppress(OSError):   # its reader is gone, or the disk is full
                            os.write(2, line)
