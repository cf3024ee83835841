# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The class ``Fifo`` of the vendor's API.

Where the vendor's library crashes after the stick was closed, the call fails here with ERROR. For
a descriptor that reaches beyond its own size it fails with INVALID_PARAMETERS.
"""

from collections.abc import Callable
import ctypes
import itertools
import time
from typing import Any

from ncs_cluster_detector.mvnc.api import tensor_layout
from ncs_cluster_detector.mvnc.api.consumers import Consumers
from ncs_cluster_detector.mvnc.api.device import Device
from ncs_cluster_detector.mvnc.api.enums import FifoDataType
from ncs_cluster_detector.mvnc.api.enums import FifoOption
from ncs_cluster_detector.mvnc.api.enums import FifoState
from ncs_cluster_detector.mvnc.api.enums import FifoType
from ncs_cluster_detector.mvnc.api.enums import native_name
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.enums import TensorDescriptor
import numpy as np
import numpy.typing as npt

_numbers = itertools.count()   # a stick knows a queue by its number: FIFO0, FIFO1
_TYPES = tuple(member.value for member in FifoType)
_DATA_TYPES = tuple(member.value for member in FifoDataType)
_BEFORE_ALLOCATION = (FifoOption.RO_STATE, FifoOption.RO_NAME, FifoOption.RW_DATA_TYPE,
                      FifoOption.RW_CONSUMER_COUNT, FifoOption.RW_HOST_TENSOR_DESCRIPTOR)
_READ_ONLY = (FifoOption.RO_CAPACITY, FifoOption.RO_READ_FILL_LEVEL,
              FifoOption.RO_WRITE_FILL_LEVEL, FifoOption.RO_GRAPH_TENSOR_DESCRIPTOR,
              FifoOption.RO_STATE, FifoOption.RO_ELEMENT_DATA_SIZE)


class Fifo:
    """A queue of tensors between host and stick; every failure is ``Exception(Status.X)``."""

    def __init__(self, name: str, fifo_type: FifoType, skip_init: bool = False) -> None:
        """
        Make a queue that is not on a stick yet.

        :param name: ASCII text; only the first 28 characters count.
        :param skip_init: leave the queue without a native part, for ``allocate_with_fifos``.
        """
        self.handle: Any = ctypes.c_void_p()
        self.device: Any = None
        self._name = native_name(name)
        self._consumers = Consumers()
        self._host = TensorDescriptor(dataType=FifoDataType.FP32.value)
        self._graph: Any = None     # descriptor of the tensors on the stick
        self._stick: Any = None     # an OpenStick
        self._fifo: Any = None      # the stick's
        self._places = 0
        if not skip_init:
            self._type = fifo_type.value
            if self._type not in _TYPES:
                raise Exception(Status.UNSUPPORTED_FEATURE)
            self._number = next(_numbers)
            self.handle.value = self._number + 1

    def allocate(self, device: Device, tensor_desc: TensorDescriptor, n_elem: int) -> None:
        """Make room for ``n_elem`` tensors of the shape of ``tensor_desc`` on an opened stick."""
        self.device = device
        places = ctypes.c_uint(n_elem).value
        self._check_handle()
        values = tensor_desc.n * tensor_desc.c * tensor_desc.w * tensor_desc.h
        if not places or not values or not tensor_desc.totalSize:
            raise Exception(Status.INVALID_PARAMETERS)
        if self._fifo is not None:
            raise Exception(Status.UNAUTHORIZED)
        stick = device.opened_stick()
        if stick is None:
            raise Exception(Status.INVALID_PARAMETERS)
        self._graph = TensorDescriptor.from_buffer_copy(tensor_desc)
        if not self._host.totalSize:
            self._host = tensor_layout.dense_descriptor(tensor_desc, self._host.dataType)
        elif not tensor_layout.same_shape(self._host, tensor_desc):
            raise Exception(Status.INVALID_PARAMETERS)
        fifo = stick.allocate_fifo(
            self._number, self._graph, places, self._type == FifoType.HOST_RO.value)
        self._stick, self._places = stick, places
        self._consumers.begin()
        self._fifo = fifo

    def parts_for_graph(self) -> tuple[Any, TensorDescriptor, int]:
        """Return the stick's queue, its descriptor and its type's value; not part of the API."""
        self._check_handle()
        if self._fifo is None:
            raise Exception(Status.NOT_ALLOCATED)
        return self._fifo, self._graph, self._type

    def consume_by_graph(self) -> bool:
        """Note that a graph takes the oldest tensor; return whether it is a result to drop."""
        return self._type == FifoType.HOST_RO.value and self._consumers.consume_by_graph()

    def destroy(self) -> None:
        """Remove the queue from its stick; a second call is a ``TypeError``, as in the SDK."""
        ctypes.byref(self.handle)
        self.handle = 0
        if self._stick is not None:
            self._stick.destroy_fifo(self._fifo)

    def set_option(self, option: FifoOption, value: Any) -> None:
        """
        Set type, data type (both enum members) or consumer count, before allocation only.

        RW_HOST_TENSOR_DESCRIPTOR can be set at any time: its strides (in bytes) say how the
        program's arrays lie in memory, and its data type becomes that of the queue.
        """
        if option is FifoOption.RW_HOST_TENSOR_DESCRIPTOR:
            ctypes.byref(value)
            self._check_handle()
            self._set_host_descriptor(value)
            return
        is_member = option in (FifoOption.RW_DATA_TYPE, FifoOption.RW_TYPE)
        number = ctypes.c_int(value.value if is_member else value).value
        self._check_handle()
        if self._fifo is not None:
            raise Exception(Status.UNAUTHORIZED)
        if option is FifoOption.RW_TYPE and number in _TYPES:
            self._type = number
        elif option is FifoOption.RW_DATA_TYPE and number in _DATA_TYPES:
            self._host.dataType = number
        elif option is FifoOption.RW_CONSUMER_COUNT:
            self._consumers.count = number
        elif option is FifoOption.RW_DONT_BLOCK:
            raise Exception(Status.UNSUPPORTED_FEATURE)
        elif option in _READ_ONLY:
            raise Exception(Status.UNAUTHORIZED)
        else:
            raise Exception(Status.INVALID_PARAMETERS)

    def get_option(self, option: FifoOption) -> int | str | TensorDescriptor:
        """Return an option's value: a plain integer, a descriptor, or the name as text."""
        readers: dict[FifoOption, Callable[[], int | str | TensorDescriptor]] = {
            FifoOption.RW_TYPE: lambda: self._type,
            FifoOption.RW_CONSUMER_COUNT: lambda: self._consumers.count,
            FifoOption.RW_DATA_TYPE: lambda: self._host.dataType,
            FifoOption.RO_CAPACITY: lambda: self._places,
            FifoOption.RO_READ_FILL_LEVEL:
                lambda: self._fill_level(FifoType.HOST_RO, Status.UNAUTHORIZED),
            FifoOption.RO_WRITE_FILL_LEVEL:
                lambda: self._fill_level(FifoType.HOST_WO, Status.ERROR),
            FifoOption.RO_GRAPH_TENSOR_DESCRIPTOR:
                lambda: TensorDescriptor.from_buffer_copy(self._graph),
            FifoOption.RW_HOST_TENSOR_DESCRIPTOR: self._host_descriptor,
            FifoOption.RO_STATE: self._state,
            FifoOption.RO_NAME: lambda: self._name,
            FifoOption.RO_ELEMENT_DATA_SIZE: lambda: self._host.totalSize,
        }
        if option not in readers and option is not FifoOption.RW_DONT_BLOCK:
            raise Exception(Status.INVALID_PARAMETERS)
        self._check_handle()
        if option is FifoOption.RW_DONT_BLOCK:
            raise Exception(Status.UNSUPPORTED_FEATURE)
        if self._fifo is None and option not in _BEFORE_ALLOCATION:
            raise Exception(Status.NOT_ALLOCATED)
        return readers[option]()

    def write_elem(self, input_tensor: Any, user_obj: Any) -> None:
        """
        Send a tensor to the stick; block while the queue is full.

        :param input_tensor: array, or any object with ``tostring()``; its bytes are taken as
            values of the queue's data type, and their number must match exactly.
        """
        began_at = time.monotonic()
        # ndarray.tostring() warns from NumPy 1.19 on and is gone from 2.3 on.
        tensor = (input_tensor.tobytes() if isinstance(input_tensor, np.ndarray)
                  else input_tensor.tostring())
        # As in the vendor's: kept until the result is read, even when this call fails.
        holder = ctypes.py_object(user_obj)
        key = ctypes.addressof(holder)
        self.device.userobjs[key] = holder
        self._check_handle()
        if not tensor:
            raise Exception(Status.INVALID_PARAMETERS)
        if self._stick is None:
            raise Exception(Status.NOT_ALLOCATED)
        if self._type != FifoType.HOST_WO.value:
            raise Exception(Status.UNAUTHORIZED)
        if len(tensor) != self._host.totalSize:
            raise Exception(Status.INVALID_DATA_LENGTH)
        try:
            values = tensor_layout.to_stick(tensor, self._host, self._graph)
        except ValueError as error:
            raise Exception(Status.INVALID_PARAMETERS) from error
        self._stick.write(self._fifo, values, key, began_at)

    def read_elem(self) -> tuple[npt.NDArray[Any], Any]:
        """
        Return the oldest result and its user object; block while there is none.

        With a consumer count other than 1 the host reads once, until graphs have consumed it too.

        :return: ``(flat float32 or float16 array, user_obj)``.
        """
        self._check_handle()
        if self._stick is None:
            raise Exception(Status.NOT_ALLOCATED)
        if self._type != FifoType.HOST_RO.value or self._consumers.host_has_read:
            raise Exception(Status.UNAUTHORIZED)
        tensor, key = self._stick.read(self._fifo)
        self._consumers.consume_by_host()
        try:
            output = tensor_layout.to_host(tensor, self._graph, self._host)
        except ValueError as error:
            raise Exception(Status.INVALID_PARAMETERS) from error
        return output, self.device.userobjs.pop(key).value

    def remove_elem(self) -> None:
        """Fail: the vendor's library does not support this either."""
        ctypes.byref(self.handle)
        raise Exception(Status.UNSUPPORTED_FEATURE)

    def _check_handle(self) -> None:
        if not self.handle:
            raise Exception(Status.INVALID_HANDLE)

    def _state(self) -> int:
        return int((FifoState.CREATED if self._fifo is None else FifoState.ALLOCATED).value)

    def _fill_level(self, needed_type: FifoType, status_when_stopped: Status) -> int:
        if self._type != needed_type.value:
            raise Exception(Status.UNAUTHORIZED)
        level = self._stick.fill_level(self._fifo)
        if level is None:
            raise Exception(status_when_stopped)
        return int(level)

    def _host_descriptor(self) -> TensorDescriptor:
        if not self._host.totalSize:
            raise Exception(Status.UNAUTHORIZED)
        return TensorDescriptor.from_buffer_copy(self._host)

    def _set_host_descriptor(self, descriptor: TensorDescriptor) -> None:
        fits = self._fifo is None or tensor_layout.same_shape(descriptor, self._graph)
        if not fits or descriptor.totalSize != tensor_layout.total_size(descriptor):
            raise Exception(Status.INVALID_PARAMETERS)
        self._host = TensorDescriptor.from_buffer_copy(descriptor)
