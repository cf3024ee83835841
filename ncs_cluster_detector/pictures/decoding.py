# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Decodes a picture of a file, a stream or a message, and checks that it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
import os
import re
import stat
import threading

import cv2
from ncs_cluster_detector.pictures.head import JPEG_BEGINS
from ncs_cluster_detector.pictures.head import JPEG_ENDS
from ncs_cluster_detector.pictures.head import jpeg_head
from ncs_cluster_detector.pictures.head import PNG_BEGINS
from ncs_cluster_detector.pictures.head import PNG_HEAD_BYTES
from ncs_cluster_detector.pictures.head import png_size
from ncs_cluster_detector.pictures.opencv_log import ERRORS
from ncs_cluster_detector.pictures.opencv_log import set_opencv_log_level
import numpy as np
import numpy.typing as npt

# OpenCV refuses pictures with more pixels than fit into this many bytes, even uncompressed.
LARGEST_BYTES = 2**30
# More than any camera has. The picture takes three bytes for each, and decoding it up to four
# times as much.
MOST_PIXELS = 4096 * 4096 * 4
NEAR_END = 1024   # bytes, in which nearly every JPEG has its end
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


class UnreadablePictureError(ValueError):
    """A picture cannot be decoded, or not as a whole; the text says in one line why."""


def read_picture(path: str) -> npt.NDArray[np.uint8]:
    """
    Return the picture in a file: uint8, height x width x 3, blue-green-red.

    The file is not read by OpenCV, which crashes when the name of a file is not UTF-8, and returns
    the first part of a JPEG that was cut.

    :raises UnreadablePictureError: it holds no picture, or not a whole one.
    :raises OSError: it cannot be read.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):   # reading a pipe could wait for ever
        raise UnreadablePictureError('it is no file')
    if status.st_size > LARGEST_BYTES:
        raise UnreadablePictureError(
            f'it has {status.st_size} bytes, more than {LARGEST_BYTES}')
    return decode_picture(np.fromfile(path, np.uint8))


def decode_picture(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """
    Return the picture in the content of a file: as ``read_picture`` does, turned by its EXIF.

    :raises UnreadablePictureError: it holds no picture, or not a whole one.
    """
    if data[:2].tobytes() == JPEG_BEGINS[:2]:
        content = data.data
        _check_end_of_jpeg(content, jpeg_head(content)[0])
    return _decode(data, cv2.IMREAD_COLOR)


def decode_message(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """
    Return the picture in a sensor_msgs/CompressedImage, uint8, height x width x 3, bgr.

    Grey and 16-bit pictures become bgr of 8 bits. EXIF does not turn it: boxes are in the picture
    as it is stored, where other subscribers look for them.

    :param data: a whole JPEG or PNG, in one dimension; what the message says about its format is
        not asked.
    :raises UnreadablePictureError: it is neither, is damaged, lacks its end, or has no pixels or
        more than ``MOST_PIXELS``; a size is refused before memory is taken for it.
    """
    begin = data[:PNG_HEAD_BYTES].tobytes()
    if begin.startswith(JPEG_BEGINS):
        content = data.data   # a copy would cost as much as all other checks
        end_of_head, size = jpeg_head(content)
        _check_size(size)
        _check_end_of_jpeg(content, end_of_head)
    elif begin.startswith(PNG_BEGINS):
        _check_size(png_size(begin))
    else:
        raise UnreadablePictureError(
            f'it is neither JPEG nor PNG (begins with {begin[:4].hex(" ")})' if begin else
            'it is empty')
    return _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _check_size(size: tuple[int, int] | None) -> None:
    if size is None:
        raise UnreadablePictureError('its head is damaged or cut')
    width, height = size
    if width * height == 0:
        raise UnreadablePictureError(f'it has {width}x{height} pixels')
    if width * height > MOST_PIXELS:
        raise UnreadablePictureError(
            f'it has {width}x{height} pixels, more than {MOST_PIXELS} in all')


def _check_end_of_jpeg(content: memoryview, end_of_head: int) -> None:
    """Check that a JPEG has its end: zeros there decode to something."""
    near_end = max(end_of_head, len(content) - NEAR_END)
    if not any(JPEG_ENDS in bytes(content[at:]) for at in (near_end, end_of_head)):
        raise UnreadablePictureError('its end is missing')


def _decode(data: npt.NDArray[np.uint8], flags: int) -> npt.NDArray[np.uint8]:
    image = None
    with captured_terminal() as written:
        try:
            image = cv2.imdecode(data, flags)
        except cv2.error:   # there is no data, or it has more pixels than OpenCV allows
            pass
    if image is None:
        raise UnreadablePictureError('it cannot be decoded as a picture')
    if any(_tells_damage(line, len(data)) for line in written):
        raise UnreadablePictureError('it is damaged')
    return np.asarray(image, np.uint8)   # without a copy


def _tells_damage(line: str, size: int) -> bool:
    """Return whether the line of a decoder means that a picture of ``size`` bytes is damaged."""
    if extraneous := EXTRANEOUS.match(line):
        number, at_end = extraneous.groups()
        return int(number) > (MOST_BEFORE_END * size if at_end else MOST_BEFORE_PART)
    return DAMAGE.search(line) is not None


@contextmanager
def captured_terminal() -> Iterator[list[str]]:
    """
    Yield a list that afterwards has the lines that decoders wrote to the terminal.

    They can be read in no other way. The lines of other threads are passed on afterwards; those
    of a process that dies meanwhile are lost. It takes 0.1 ms at most.
    """
    lines: list[str] = []
    with _terminal:
        try:
            terminal = os.dup(2)
        except OSError:   # the process has none
            yield lines
            return
        with open(os.memfd_create('terminal'), 'r+b') as memory:
            os.dup2(memory.fileno(), 2)
            level = set_opencv_log_level(ERRORS)   # libtiff's errors come this way
            try:
                yield lines
            finally:
                set_opencv_log_level(level)
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
