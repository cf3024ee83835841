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
