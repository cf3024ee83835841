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

"""The class ``Fifo`` of the double of the vendor's API."""

import ctypes
import itertools

from ncs_cluster_detector.simulation.compute_unit import StickStopped
from ncs_cluster_detector.simulation.compute_unit import TensorQueue
from ncs_cluster_detector.simulation.mvnc_enums import FifoDataType
from ncs_cluster_detector.simulation.mvnc_enums import FifoOption
from ncs_cluster_detector.simulation.mvnc_enums import FifoState
from ncs_cluster_detector.simulation.mvnc_enums import FifoType
from ncs_cluster_detector.simulation.mvnc_enums import MAX_NAME_SIZE
from ncs_cluster_detector.simulation.mvnc_enums import Status
from ncs_cluster_detector.simulation.mvnc_enums import TensorDescriptor
import numpy as np

_handles = itertools.count(1)
_keys = itertools.count(1)
_DTYPES = {FifoDataType.FP16.value: np.float16, FifoDataType.FP32.value: np.float32}
_BEFORE_ALLOCATION = (FifoOption.RO_STATE, FifoOption.RO_NAME, FifoOption.RW_DATA_TYPE,
                      FifoOption.RW_CONSUMER_COUNT)


class Fifo:
    """A queue of tensors between host and stick; every failure is ``Exception(Status.X)``."""

    def __init__(self, name, fifo_type, skip_init=False):
        """
        Make a queue that is not on a stick yet.

        :param name: ASCII text, of which the first 28 characters count.
        :param fifo_type: ``FifoType`` member.
        :param skip_init: leave the queue without a native part, for ``allocate_with_fifos``.
        """
        self.handle = ctypes.c_void_p()
        self.device = None
        self._name = name.encode('ascii')[:MAX_NAME_SIZE].decode('ascii')
        self._data_type = FifoDataType.FP32.value
        self._consumer_count = 1
        self._descriptor = None
        self._unit = None
        self._queue = None
        if not skip_init:
            self._type = fifo_type.value
            self.handle.value = next(_handles)

    def allocate(self, device, tensor_desc, n_elem):
        """Make room for ``n_elem`` tensors of the shape of ``tensor_desc`` on an opened stick."""
        self.device = device
        self._check_handle()
        values = tensor_desc.n * tensor_desc.c * tensor_desc.w * tensor_desc.h
        if not n_elem or not values or not tensor_desc.totalSize:
            raise Exception(Status.INVALID_PARAMETERS)
        if self._queue is not None:
            raise Exception(Status.UNAUTHORIZED)
        unit = device.compute_unit()
        if unit is None:
            raise Exception(Status.INVALID_PARAMETERS)
        unit.memory.add_fifo(self, tensor_desc.totalSize * n_elem)
        self._descriptor = TensorDescriptor.from_buffer_copy(tensor_desc)
        self._unit = unit
        self._queue = TensorQueue(n_elem)

    def queue_for_graph(self):
        """Return the queue and its tensor descriptor, for a graph that reads or fills it."""
        self._check_handle()
        if self._queue is None:
            raise Exception(Status.NOT_ALLOCATED)
        return self._queue, self._descriptor

    def destroy(self):
        """Take the queue off its stick; a second call is a ``TypeError``, as in the vendor's."""
        ctypes.byref(self.handle)
        unit = self._unit
        self.handle = 0
        if unit is not None:
            if unit.stopped:
                raise Exception(Status.ERROR)
            unit.memory.remove_fifo(self)

    def set_option(self, option, value):
        """Set type, data type (both enum members) or consumer count, before allocation only."""
        is_member = option in (FifoOption.RW_DATA_TYPE, FifoOption.RW_TYPE)
        value = value.value if is_member else int(value)
        self._check_handle()
        if self._queue is not None:
            raise Exception(Status.UNAUTHORIZED)
        if option is FifoOption.RW_TYPE:
            self._type = value
        elif option is FifoOption.RW_DATA_TYPE:
            self._data_type = value
        elif option is FifoOption.RW_CONSUMER_COUNT:
            self._consumer_count = value
        elif option is FifoOption.RW_DONT_BLOCK:
            raise Exception(Status.UNSUPPORTED_FEATURE)
        elif option is FifoOption.RO_NAME:
            raise Exception(Status.INVALID_PARAMETERS)
        else:
            raise Exception(Status.UNAUTHORIZED)

    def get_option(self, option):
        """Return an option's value: plain integers, descriptors, or the name as text."""
        self._check_handle()
        if option is FifoOption.RW_DONT_BLOCK:
            raise Exception(Status.UNSUPPORTED_FEATURE)
        if option is FifoOption.RW_HOST_TENSOR_DESCRIPTOR and self._queue is None:
            raise Exception(Status.UNAUTHORIZED)
        if self._queue is None and option not in _BEFORE_ALLOCATION:
            raise Exception(Status.NOT_ALLOCATED)
        if option is FifoOption.RO_READ_FILL_LEVEL:
            return self._fill_level(FifoType.HOST_RO, Status.UNAUTHORIZED)
        if option is FifoOption.RO_WRITE_FILL_LEVEL:
            return self._fill_level(FifoType.HOST_WO, Status.ERROR)
        readers = {
            FifoOption.RW_TYPE: lambda: self._type,
            FifoOption.RW_CONSUMER_COUNT: lambda: self._consumer_count,
            FifoOption.RW_DATA_TYPE: lambda: self._data_type,
            FifoOption.RO_CAPACITY: lambda: self._queue.capacity,
            FifoOption.RO_GRAPH_TENSOR_DESCRIPTOR:
                lambda: TensorDescriptor.from_buffer_copy(self._descriptor),
            FifoOption.RW_HOST_TENSOR_DESCRIPTOR: self._host_descriptor,
            FifoOption.RO_STATE: self._state,
            FifoOption.RO_NAME: lambda: self._name,
            FifoOption.RO_ELEMENT_DATA_SIZE: lambda: self._host_descriptor().totalSize,
        }
        if option not in readers:
            raise Exception(Status.INVALID_PARAMETERS)
        return readers[option]()

    def write_elem(self, input_tensor, user_obj):
        """
        Send a tensor to the stick; block while the queue is full.

        :param input_tensor: array, or any object with ``tostring()``, whose bytes are the values
            in the queue's data type; their number must match exactly.
        """
        tensor = tensor_bytes(input_tensor)
        key = next(_keys)
        # Like the vendor's: kept until the result is read, also when this call fails.
        self.device.userobjs[key] = user_obj
        self._check_handle()
        if self._queue is None:
            raise Exception(Status.NOT_ALLOCATED)
        if not tensor:
            raise Exception(Status.INVALID_PARAMETERS)
        if self._type != FifoType.HOST_WO.value:
            raise Exception(Status.UNAUTHORIZED)
        if len(tensor) != self._host_descriptor().totalSize:
            raise Exception(Status.INVALID_DATA_LENGTH)
        values = np.frombuffer(tensor, dtype=_DTYPES[self._data_type])
        with np.errstate(over='ignore'):
            values = values.astype(np.float16)
        try:
            self._unit.write(self._queue, values, key)
        except StickStopped as error:
            raise Exception(Status.ERROR) from error

    def read_elem(self):
        """
        Return the oldest result and its user object; block while there is none.

        :return: ``(flat float32 or float16 array, user_obj)``.
        """
        self._check_handle()
        if self._queue is None:
            raise Exception(Status.NOT_ALLOCATED)
        if self._type != FifoType.HOST_RO.value:
            raise Exception(Status.UNAUTHORIZED)
        try:
            tensor, key = self._unit.read(self._queue)
        except StickStopped as error:
            raise Exception(Status.ERROR) from error
        return tensor.astype(_DTYPES[self._data_type]), self.device.userobjs.pop(key)

    def remove_elem(self):
        """Fail: the vendor's library does not support this either."""
        raise Exception(Status.UNSUPPORTED_FEATURE)

    def _check_handle(self):
        if not self.handle:
            raise Exception(Status.INVALID_HANDLE)

    def _state(self):
        return (FifoState.CREATED if self._queue is None else FifoState.ALLOCATED).value

    def _fill_level(self, needed_type, status_when_stopped):
        if self._type != needed_type.value:
            raise Exception(Status.UNAUTHORIZED)
        if self._unit.stopped:
            raise Exception(status_when_stopped)
        return self._queue.held

    def _host_descriptor(self):
        return dense_descriptor(self._descriptor, self._data_type)


def dense_descriptor(shape, data_type):
    """
    Return the descriptor of a tensor without gaps, channels next to each other.

    :param shape: object with ``n``, ``c``, ``w`` and ``h``.
    :param data_type: value of a ``FifoDataType`` member.
    """
    size = np.dtype(_DTYPES[data_type]).itemsize
    row = size * shape.c * shape.w
    return TensorDescriptor(
        n=shape.n, c=shape.c, w=shape.w, h=shape.h, totalSize=shape.n * row * shape.h,
        cStride=size, wStride=size * shape.c, hStride=row, dataType=data_type)


def tensor_bytes(tensor):
    """Return a tensor's bytes as the vendor's code takes them, also from newer NumPy arrays."""
    # ndarray.tostring() warns from NumPy 1.19 on and is gone from 2.3 on.
    return tensor.tobytes() if isinstance(tensor, np.ndarray) else tensor.tostring()
