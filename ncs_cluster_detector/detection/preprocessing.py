# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Makes a network's input from a camera image."""

import cv2
import numpy as np

# The input of MobileNet-SSD (VOC) and of the two face networks trained with the same code:
# 300 x 300 pixels, blue-green-red, (value - 127.5) * 0.007843, about -1 to 1.
# Source: the deploy files and pre-processing of the networks' own demo programs.
NETWORK_SIZE = 300
MEAN = 127.5
SCALE = 0.007843

# A table look-up for the 256 possible pixel values instead of arithmetic on each pixel; straight
# to half precision, which is what a stick computes with. OpenCV has no tables of halves, but
# moves their bits as well.
_HALF_BITS = ((np.arange(256) - MEAN) * SCALE).astype(np.float16).view(np.uint16)

# The way back, for each of the 65536 halves. Those that are no number are replaced before any
# arithmetic, of which some processors complain.
_EVERY_HALF = np.nan_to_num(np.arange(2**16, dtype=np.uint16).view(np.float16),
                            nan=-1.0, posinf=1.0, neginf=-1.0).astype(np.float64)
_PIXEL_OF_HALF = np.clip(np.rint(_EVERY_HALF / SCALE + MEAN), 0, 255).astype(np.uint8)


def network_input(image):
    """
    Return the network's input for an image.

    :param image: uint8 array, height x width x 3, blue-green-red, any size of at least one pixel.
    :return: float16 array, 300 x 300 x 3, contiguous; the picture is stretched, not cropped, so
        that fractions of the network's input are fractions of the image.
    """
    resized = cv2.resize(image, (NETWORK_SIZE, NETWORK_SIZE), interpolation=cv2.INTER_LINEAR)
    return cv2.LUT(resized, _HALF_BITS).view(np.float16)


def image_of_network_input(tensor):
    """
    Return the picture that a network sees: the inverse of the normalisation.

    :param tensor: float array of 300 * 300 * 3 values in the order of :func:`network_input`.
    :return: uint8 array, 300 x 300 x 3, blue-green-red; what is no number is black.
    """
    bits = np.asarray(tensor, dtype=np.float16).reshape(-1).view(np.uint16)
    return _PIXEL_OF_HALF.take(bits).reshape(NETWORK_SIZE, NETWORK_SIZE, 3)
