# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Convert tensors between their memory layouts on the host and on the stick."""

from types import SimpleNamespace
from typing import Any

from ncs_cluster_detector.mvnc.api.enums import FifoDataType
from ncs_cluster_detector.mvnc.api.enums import TensorDescriptor
import numpy as np
import numpy.typing as npt

# The exponent bits of a 32-bit float; when all are set, it is infinite or not a number.
_EXPONENT = np.uint32(0x7f800000)
# So many are converted at once: what is needed meanwhile stays in the processor's cache.
_BLOCK_VALUES = 16384


def dense_descriptor(
        shape: TensorDescriptor | SimpleNamespace, data_type: int) -> TensorDescriptor:
    """
    Return the descriptor of a tensor without gaps, channels next to each other.

    :param shape: object with ``n``, ``c``, ``w`` and ``h``.
    :param data_type: value of a ``FifoDataType`` member.
    """
    size = np.dtype(dtype_of(data_type)).itemsize
    descriptor = TensorDescriptor(
        n=shape.n, c=shape.c, w=shape.w, h=shape.h, cStride=size, wStride=size * shape.c,
        hStride=size * shape.c * shape.w, dataType=data_type)
    descriptor.totalSize = total_size(descriptor)
    return descriptor


def dtype_of(data_type: int) -> type[np.float32] | type[np.float16]:
    """Return the NumPy type of a ``FifoDataType`` member's value."""
    return np.float32 if data_type == FifoDataType.FP32.value else np.float16


def total_size(descriptor: TensorDescriptor) -> int:
    """Return a tensor's size in bytes by the vendor's rule: widest stride times its count."""
    steps = ((descriptor.cStride, descriptor.c), (descriptor.wStride, descriptor.w),
             (descriptor.hStride, descriptor.h))
    widest = max(stride for stride, _ in steps)
    count = max(count for stride, count in steps if stride == widest)
    return int(descriptor.n * widest * count)


def same_shape(one: TensorDescriptor, other: TensorDescriptor) -> bool:
    """Return whether two descriptors agree in batch, channels, width and height."""
    return (one.n, one.c, one.w, one.h) == (other.n, other.c, other.w, other.h)


def to_stick(
        data: bytes, host: TensorDescriptor, graph: TensorDescriptor) -> npt.NDArray[np.float16]:
    """
    Return a tensor as it is sent over the bus: a flat float16 array in the graph's order.

    As in the vendor's library, half precision in the order of the graph is sent unchanged,
    whatever its strides; everything else is moved value by value.

    :param data: the bytes that the program gave, which ``host`` describes.
    :param graph: descriptor of the tensor on the stick; half precision, whatever it says.
    :raises ValueError: a descriptor reaches beyond its ``totalSize``.
    """
    if _is_unchanged(host, graph):
        return np.frombuffer(data, dtype=np.float16)
    values = _values(host, dtype_of(host.dataType), data)
    tensor = np.zeros(graph.totalSize // 2, dtype=np.float16)
    sent = _values(graph, np.float16, tensor)
    rows = max(_BLOCK_VALUES * len(values) // max(values.size, 1), 1)
    for begin in range(0, len(values), rows):
        sent[begin:begin + rows] = half(values[begin:begin + rows])
    return tensor


def to_host(
        tensor: npt.NDArray[np.float16], graph: TensorDescriptor,
        host: TensorDescriptor) -> npt.NDArray[Any]:
    """
    Return a tensor from the stick as a flat array in the host's order.

    :param tensor: flat float16 array in the order of ``graph``.
    :param host: descriptor of the array to return; gaps in it are 0.
    :raises ValueError: a descriptor reaches beyond its ``totalSize``.
    """
    dtype = dtype_of(host.dataType)
    output = np.zeros(host.totalSize // np.dtype(dtype).itemsize, dtype=dtype)
    if _is_unchanged(host, graph):
        count = min(len(tensor), len(output))
        output[:count] = tensor[:count]
    else:
        _values(host, dtype, output)[...] = _values(graph, np.float16, tensor)
    return output


def half(values: npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """
    Return float32 or float16 values as float16, rounded as the vendor's library does.

    It rounds to the nearest, and half-way values away from zero, where NumPy takes the even
    neighbour. Too large values become infinite.
    """
    if values.dtype == np.float16:
        return values
    bits = values.view(np.uint32)
    # The lowest bit is far below the half: it decides half-way values and nothing else. An
    # infinite value must not get it: that would make it not a number. Nor must zero: it would
    # become one of the tiny values that a processor is slow with.
    above_zero = (bits & _EXPONENT) - np.uint32(1)   # of zero it is the largest number
    nudged = bits | (above_zero < _EXPONENT - 1)
    with np.errstate(all='ignore'):
        return nudged.view(np.float32).astype(np.float16)


def _is_unchanged(host: TensorDescriptor, graph: TensorDescriptor) -> bool:
    return dtype_of(host.dataType) is np.float16 and _order(host) == _order(graph)


def _order(descriptor: TensorDescriptor) -> tuple[str, str]:
    """Return the dimensions with the widest and second widest strides; ties as the vendor's."""
    stride = {name: int(getattr(descriptor, f'{name}Stride')) for name in 'hcw'}
    widest = max('hcw', key=stride.__getitem__)
    return widest, max((name for name in 'hwc' if name != widest), key=stride.__getitem__)


def _values(descriptor: TensorDescriptor, dtype: type[np.float32] | type[np.float16],
            buffer: bytes | npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values in a buffer as an array of height x width x channels."""
    return np.ndarray(
        (descriptor.h, descriptor.w, descriptor.c), dtype, buffer,
        strides=(descriptor.hStride, descriptor.wStride, descriptor.cStride))
