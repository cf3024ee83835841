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
from dataclasses import replace
from typing import Any

import cv2
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.network_input import NetworkInput
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
    """Makes the inputs of all networks of a worker."""

    def __init__(self, input_format: InputFormat = _DEFAULT) -> None:
        """Prepare for the format that the user has chosen; see :meth:`InputFormat.instead_of`."""
        self._format = input_format
        self._tables: dict[tuple[InputFormat, str], npt.NDArray[Any]] = {}

    def network_inputs(self, image: npt.NDArray[np.uint8],
                       inputs: Sequence[NetworkInput]) -> list[npt.NDArray[Any]]:
        """Return a list of inputs as :meth:`network_input` does; equal ones share an array."""
        made = {form: self.network_input(image, form) for form in dict.fromkeys(inputs)}
        return [made[form] for form in inputs]

    def network_input(
            self, image: npt.NDArray[np.uint8], form: NetworkInput) -> npt.NDArray[Any]:
        """
        Return a network's input for an image.

        :param image: uint8 array, height x width x 3, blue-green-red, of at least one pixel.
        :param form: what the network takes; its values fit half precision if it takes that.
        :return: array of three dimensions, contiguous; the picture is stretched, not cropped, so
            that fractions of the network's input are fractions of the image.
        """
        wanted = self._format.instead_of(form.usual)
        if form.takes_pixels:
            wanted = replace(wanted, mean=0.0, scale=1.0)
        values = cv2.resize(image, form.size, interpolation=cv2.INTER_LINEAR)
        if wanted.order == 'rgb':
            values = cv2.cvtColor(values, cv2.COLOR_BGR2RGB)
        if form.element != 'uint8':
            table = self._table(wanted, form.element)
            values = cv2.LUT(values, table).view(form.element)
        if form.planar:
            values = np.ascontiguousarray(values.transpose(2, 0, 1))
        return values

    def _table(self, wanted: InputFormat, element: str) -> npt.NDArray[Any]:
        """
        Return what each of the 256 possible pixel values becomes.

        A look-up instead of arithmetic on each pixel, straight to half precision where that is
        what a stick computes with. OpenCV has no tables of halves, but it copies their bits all
        the same.
        """
        key = wanted, element
        if key not in self._tables:
            table = ((_VALUES - wanted.mean) * wanted.scale).astype(element)
            self._tables[key] = table.view(np.uint16) if element == 'float16' else table
        return self._tables[key]


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
