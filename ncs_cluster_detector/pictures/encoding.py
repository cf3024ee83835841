# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes a picture small for its way to another host: the network's size, and a JPEG."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

# Without a coarser raster for colours, which costs more score than it saves bytes: 36 KB with all
# colours (quality 85) change the scores of small people by 0.048 on average, 37 KB with a quarter
# of them (quality 90) by 0.063. Source: bench/jpeg_scores.py, a real SSD and 572 boxes.
_FULL_COLOURS = 0x111111
LONGEST_JPEG = 65500   # pixels of a side; the limit of OpenCV's JPEG library

# With 81 KB at 300x300, 92 pictures a second take 60 Mbit/s. At quality 95 a street has 62 KB.
MOST_BYTES_A_PIXEL = 0.9
ALWAYS_FINE = 20000   # bytes
ROOM_FOR_MORE = 0.8   # below so much of it a higher quality is tried
QUALITY_STEP = 8
LEAST_QUALITY = 50


def use_one_thread() -> None:
    """
    Have OpenCV work in the thread that calls it, in this process.

    To wake others takes 0.3 ms of CPU time, a third of what it takes to shrink and to encode.
    """
    cv2.setNumThreads(1)


def shrunk(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """
    Return a picture as the networks would make it, or itself if it has fewer pixels.

    :param image: uint8 array, height x width x 3.
    :param size: largest (width, height) of an input of the networks.
    """
    height, width = image.shape[:2]
    if height * width <= size[0] * size[1] and max(height, width) <= LONGEST_JPEG:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


class JpegEncoder:
    """
    Encodes pictures with one quality, and less where a picture would be too large.

    What has much detail, such as noise, would fill a link of 100 Mbit/s: then all frames are late.
    The quality found for one picture is tried first for the next.
    """

    def __init__(self, quality: int) -> None:
        """Take the quality of most pictures, 1 to 100."""
        self._wanted = self._quality = quality

    def encode(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return a picture as a JPEG; see ``jpeg_of``."""
        height, width = image.shape[:2]
        most = max(MOST_BYTES_A_PIXEL * height * width, ALWAYS_FINE)
        data = jpeg_of(image, self._quality)
        while len(data) > most and self._quality > LEAST_QUALITY:
            self._quality = max(self._quality - QUALITY_STEP, LEAST_QUALITY)
            data = jpeg_of(image, self._quality)
        if len(data) < ROOM_FOR_MORE * most:
            self._quality = min(self._quality + 1, self._wanted)
        return data


def jpeg_of(image: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """
    Return a picture as a JPEG with all its colours.

    :param image: uint8 array, height x width x 3, blue-green-red.
    :param quality: 1 to 100.
    """
    options: list[Any] = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if hasattr(cv2, 'IMWRITE_JPEG_SAMPLING_FACTOR'):   # since OpenCV 4.6
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _FULL_COLOURS]
    return np.asarray(cv2.imencode('.jpg', image, options)[1], np.uint8)
