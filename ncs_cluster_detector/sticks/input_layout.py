# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Arrange an input tensor in memory as the graph's own tensor descriptor asks."""

from typing import Any

import numpy as np
import numpy.typing as npt

CHANNELS = 3
_BYTES_PER_VALUE = 2
LARGEST_BYTES = 2**27   # of a stick's memory of 512 MB; a picture of 4096x4096 has 100 MB


class InputLayout:
    """
    The memory layout of a half-precision picture of three channels.

    When the dimensions have another order in the host's memory than in the graph's, the vendor's
    library moves the values one by one. When the order is the same, it sends the bytes unchanged
    and ignores gaps between rows (mvnc_api.c:2617). To avoid both, the host's descriptor is set to
    the graph's layout, and the tensors are arranged in it.
    """

    def __init__(self, descriptor: Any) -> None:
        """
        Read the API's ``TensorDescriptor`` of a graph's input.

        :raises ValueError: the input is not such a picture; the text says what it is.
        """
        shown = f'{descriptor.n}x{descriptor.c}x{descriptor.h}x{descriptor.w}'
        if (descriptor.n, descriptor.c) != (1, CHANNELS) or not descriptor.h or not descriptor.w:
            raise ValueError(shown)
        self._shape = descriptor.h, descriptor.w, descriptor.c
        self._strides = descriptor.hStride, descriptor.wStride, descriptor.cStride
        steps = sorted(zip(self._strides, self._shape))
        end = _BYTES_PER_VALUE
        for stride, count in steps:
            if count == 1:
                continue
            if stride < end or stride % _BYTES_PER_VALUE:
                raise ValueError(f'{shown} with values that overlap, in steps of '
                                 f'{", ".join(map(str, self._strides))} bytes')
            end = stride * count
        # The vendor's rule: the widest stride times its count (mvnc_api.c:2314).
        widest = max(self._strides)
        self._bytes: int = widest * max(count for stride, count in steps if stride == widest)
        if self._bytes > LARGEST_BYTES:
            raise ValueError(f'{shown} of {self._bytes} bytes, more than {LARGEST_BYTES}')
        row = _BYTES_PER_VALUE * descriptor.c * descriptor.w
        self._is_dense = self._strides == (row, _BYTES_PER_VALUE * descriptor.c, _BYTES_PER_VALUE)
        # Gaps between the values of the picture stay 0.
        self._buffer = np.zeros(
            0 if self._is_dense else self._bytes // _BYTES_PER_VALUE, dtype=np.uint16)

    @property
    def bytes(self) -> int:   # noqa: A003
        """Return how many bytes a tensor in this layout has."""
        return self._bytes

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height) in pixels."""
        height, width, _ = self._shape
        return width, height

    def describe_host(self, host: Any) -> bool:
        """
        Change the host's tensor descriptor to this layout.

        :param host: the descriptor that the library made, with the same dimensions.
        :return: False when no change was needed.
        """
        if self._is_dense:
            return False
        host.hStride, host.wStride, host.cStride = self._strides
        host.totalSize = self._bytes
        return True

    def arranged(
            self,
            tensor: npt.NDArray[np.float16]) -> npt.NDArray[np.float16] | npt.NDArray[np.uint16]:
        """
        Return a tensor in this layout; the array is valid until the next call.

        :param tensor: float16 array, height x width x 3, contiguous.
        """
        if self._is_dense:
            return tensor
        np.ndarray(self._shape, np.uint16, self._buffer, strides=self._strides)[...] = (
            tensor.view(np.uint16))
        return self._buffer
