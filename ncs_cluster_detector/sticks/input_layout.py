# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How a network's input lies in memory, as the graph's own tensor descriptor says."""

from typing import Any

import numpy as np
import numpy.typing as npt

CHANNELS = 3
_BYTES_PER_VALUE = 2


class InputLayout:
    """
    The layout of a half-precision picture of three channels: where each value of it lies.

    When the host's order of dimensions in memory is another than the graph's, the vendor's library
    moves the values one by one; when it is the same, it sends the bytes unchanged, whatever gaps
    the rows have on either side (mvnc_api.c:2617). To avoid both, the host's descriptor is set to
    the graph's layout, and the tensors are arranged in it.
    """

    def __init__(self, descriptor: Any) -> None:
        """
        Read a ``TensorDescriptor`` of the API, that of a graph's input.

        :raises ValueError: it is no such picture; the text says what it is.
        """
        shown = f'{descriptor.n}x{descriptor.c}x{descriptor.h}x{descriptor.w}'
        if (descriptor.n, descriptor.c) != (1, CHANNELS):
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
        # The vendor's rule: the widest step times its count (mvnc_api.c:2314).
        widest = max(self._strides)
        self._bytes = widest * max(count for stride, count in steps if stride == widest)
        row = _BYTES_PER_VALUE * descriptor.c * descriptor.w
        self._is_dense = self._strides == (row, _BYTES_PER_VALUE * descriptor.c, _BYTES_PER_VALUE)
        # What is in no value of the picture stays 0.
        self._buffer = np.zeros(
            0 if self._is_dense else self._bytes // _BYTES_PER_VALUE, dtype=np.uint16)

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height) in pixels."""
        height, width, _ = self._shape
        return width, height

    def describe_host(self, host: Any) -> bool:
        """
        Change the descriptor of a host's tensors to this layout.

        :param host: the one that the library made, with the same dimensions.
        :return: False when it has been so already.
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
        Return an array whose values, in their order, are a tensor in this layout.

        It is valid until the next call.

        :param tensor: float16 array, height x width x 3, contiguous.
        """
        if self._is_dense:
            return tensor
        np.ndarray(self._shape, np.uint16, self._buffer, strides=self._strides)[...] = (
            tensor.view(np.uint16))
        return self._buffer
