# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes networks' inputs from a camera image."""

from collections.abc import Sequence

import cv2
from ncs_cluster_detector.networks.input_format import InputFormat
import numpy as np
import numpy.typing as npt

_VALUES = np.arange(256)
_DEFAULT = InputFormat()
_PART = 16384   # of the indices of a look-up


def _pixels_of_halves() -> npt.NDArray[np.uint8]:
    """Return the inverse of the default normalisation, for each of the 65536 halves."""
    # NaN and infinite ones are replaced before any arithmetic: some processors warn about them.
    every_half = np.nan_to_num(np.arange(2**16, dtype=np.uint16).view(np.float16),
                               nan=-1.0, posinf=1.0, neginf=-1.0).astype(np.float64)
    pixels: npt.NDArray[np.uint8] = np.clip(
        np.rint(every_half / _DEFAULT.scale + _DEFAULT.mean), 0, 255).astype(np.uint8)
    return pixels


_PIXEL_OF_HALF = _pixels_of_halves()


class Preprocessor:
    """Makes the inputs of networks that all want the same :class:`InputFormat`."""

    def __init__(self, input_format: InputFormat = _DEFAULT) -> None:
        """Prepare for a format, whose values fit half precision."""
        # A table look-up for the 256 possible pixel values instead of arithmetic on each pixel;
        # straight to half precision, which is what a stick computes with. OpenCV has no tables of
        # halves, but it copies their bits all the same.
        self._half_bits = ((_VALUES - input_format.mean) * input_format.scale).astype(
            np.float16).view(np.uint16)
        self._reverses = input_format.order == 'rgb'

    def network_input(
            self, image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.float16]:
        """
        Return a network's input for an image.

        :param image: uint8 array, height x width x 3, blue-green-red, of at least one pixel.
        :param size: (width, height) of the network's input in pixels.
        :return: float16 array, height x width x 3, contiguous; the picture is stretched, not
            cropped, so that fractions of the network's input are fractions of the image.
        """
        resized = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        if self._reverses:
            resized = cv2.cvtColor(resized, cv2.COLOR_BGR2RGB)
        halves: npt.NDArray[np.float16] = cv2.LUT(resized, self._half_bits).view(np.float16)
        return halves

    def network_inputs(
            self, image: npt.NDArray[np.uint8],
            sizes: Sequence[tuple[int, int]]) -> list[npt.NDArray[np.float16]]:
        """Return a list of inputs as :meth:`network_input` does; equal sizes share an array."""
        inputs = {size: self.network_input(image, size) for size in dict.fromkeys(sizes)}
        return [inputs[size] for size in sizes]


def image_of_network_input(
        tensor: npt.ArrayLike, size: tuple[int, int], order: str) -> npt.NDArray[np.uint8]:
    """
    Return the picture that a network sees: the inverse of the default normalisation.

    :param tensor: float array of height * width * 3 values, as a :class:`Preprocessor` makes it.
    :param size: (width, height) of the network's input in pixels.
    :param order: of the colours in ``tensor``, ``bgr`` or ``rgb``.
    :return: uint8 array, height x width x 3, blue-green-red; NaN is black.
    """
    width, height = size
    bits = np.asarray(tensor, dtype=np.float16).reshape(-1).view(np.uint16)
    pixels = np.empty(len(bits), dtype=np.uint8)
    # In parts, because NumPy makes eight bytes of each index first; no index is out of range.
    for start in range(0, len(bits), _PART):
        part = slice(start, start + _PART)
        _PIXEL_OF_HALF.take(bits[part], out=pixels[part], mode='wrap')
    image = pixels.reshape(height, width, 3)
    if order == 'rgb':
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)   # without a copy
    return image
