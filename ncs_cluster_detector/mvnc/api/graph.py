# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The class ``Graph`` of the vendor's API.

Where the vendor's library uses freed memory after the stick was closed, the call fails here with
INVALID_HANDLE or ERROR.
"""

from collections.abc import Callable
import ctypes
import itertools
from typing import Any

from ncs_cluster_detector.mvnc.api.device import Device
from ncs_cluster_detector.mvnc.api.enums import FifoDataType
from ncs_cluster_detector.mvnc.api.enums import FifoOption
from ncs_cluster_detector.mvnc.api.enums import FifoType
from ncs_cluster_detector.mvnc.api.enums import GRAPH_CLASS0_BASE
from ncs_cluster_detector.mvnc.api.enums import GraphOption
from ncs_cluster_detector.mvnc.api.enums import GraphState
from ncs_cluster_detector.mvnc.api.enums import native_name
from ncs_cluster_detector.mvnc.api.enums import OPTION_CLASS_SIZE
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.enums import TensorDescriptor
from ncs_cluster_detector.mvnc.api.fifo import Fifo
from ncs_cluster_detector.mvnc.api.tensor_layout import same_shape
import numpy as np
import numpy.typing as npt

_handles = itertools.count(1)
_numbers = itertools.count()   # a stick knows a graph by its number: graphBuffer0, graphBuffer1
_BEFORE_ALLOCATION = (GraphOption.RO_GRAPH_NAME, GraphOption.RO_GRAPH_STATE,
                      GraphOption.RW_EXECUTORS_NUM)

_Value = int | str | npt.NDArray[Any] | list[TensorDescriptor]   # of an option


class Graph:
    """A network on a stick; every failure is ``Exception(Status.X)``."""

    def __init__(self, name: str) -> None:
        """Make a graph that is not on a stick yet; ``name`` is ASCII text."""
        self.handle: Any = ctypes.c_void_p(next(_handles))
        self.device: Device | None = None
        self._name = native_name(name)
        self._state = GraphState.CREATED
        self._executors = 1
        self._started = False
        self._stick: Any = None     # an OpenStick
        self._loaded: Any = None    # a LoadedGraph

    def allocate(self, device: Device, graph_buffer: bytes | str) -> None:
        """
        Send the bytes of a graph file to an opened stick.

        A file that the stick cannot run is UNSUPPORTED_GRAPH_FILE; the exception's ``__cause__``
        is the reason.
        """
        self.device = device
        graph_buffer = _native_buffer(graph_buffer)
        self._check_handle()
        stick = device.opened_stick()
        if stick is None:
            raise Exception(Status.INVALID_PARAMETERS)
        if len(graph_buffer) > stick.capabilities.memory_bytes:
            raise Exception(Status.OUT_OF_MEMORY)
        number = next(_numbers)
        if self._executors > stick.capabilities.most_executors:
            raise Exception(Status.INVALID_PARAMETERS)
        if not graph_buffer:
            raise Exception(Status.ERROR)
        self._loaded = stick.allocate_graph(number, graph_buffer, self._executors)
        self._stick = stick
        self._state = GraphState.ALLOCATED

    def allocate_with_fifos(
            self, device: Device, graph_buffer: bytes | str,
            input_fifo_type: FifoType = FifoType.HOST_WO, input_fifo_num_elem: int = 2,
            input_fifo_data_type: FifoDataType = FifoDataType.FP32,
            output_fifo_type: FifoType = FifoType.HOST_RO, output_fifo_num_elem: int = 2,
            output_fifo_data_type: FifoDataType = FifoDataType.FP32) -> tuple[Fifo, Fifo]:
        """
        Send a graph file to an opened stick, and make its two queues.

        :return: ``(input Fifo, output Fifo)``.
        """
        self.device = device
        if (not ctypes.c_uint(input_fifo_num_elem).value or not self.handle or not device.handle
                or not ctypes.c_uint(output_fifo_num_elem).value):
            raise Exception(Status.INVALID_PARAMETERS)
        self.allocate(device, graph_buffer)
        # As in the vendor's library the graph stays allocated when a queue cannot be allocated.
        if (input_fifo_type.value == FifoType.HOST_RO.value
                or output_fifo_type.value == FifoType.HOST_WO.value):
            raise Exception(Status.INVALID_PARAMETERS)
        input_fifo = Fifo('fifoIn0', input_fifo_type)
        input_fifo.set_option(FifoOption.RW_DATA_TYPE, input_fifo_data_type)
        input_fifo.allocate(device, self._loaded.input_descriptor, input_fifo_num_elem)
        try:
            output_fifo = Fifo('fifoOut0', output_fifo_type)
            output_fifo.set_option(FifoOption.RW_DATA_TYPE, output_fifo_data_type)
            output_fifo.allocate(device, self._loaded.output_descriptor, output_fifo_num_elem)
        except Exception:
            input_fifo.destroy()
            raise
        return input_fifo, output_fifo

    def queue_inference(self, input_fifo: Fifo, output_fifo: Fifo) -> None:
        """Start the inference of the oldest tensor that was written to the input queue."""
        ctypes.byref(input_fifo.handle)
        ctypes.byref(output_fifo.handle)
        self._trigger(input_fifo, output_fifo)

    def queue_inference_with_fifo_elem(
            self, input_fifo: Fifo, output_fifo: Fifo, input_tensor: Any, user_obj: Any) -> None:
        """
        Write a tensor (see :meth:`Fifo.write_elem`) and start its inference.

        As in the vendor's library a tensor whose inference cannot be started stays in its queue:
        when such tensors have filled it, the next call blocks.
        """
        input_fifo.write_elem(input_tensor, user_obj)
        self._trigger(input_fifo, output_fifo, at_arrival=True)

    def destroy(self) -> None:
        """Remove the graph from its stick; a second call is a ``TypeError``, as in the SDK."""
        ctypes.byref(self.handle)
        self.handle = 0
        if self._stick is not None:
            self._stick.destroy_graph(self._loaded.stick_graph)

    def set_option(self, option: GraphOption, value: int) -> None:
        """Set RW_EXECUTORS_NUM, before allocation; everything else is read-only."""
        number = ctypes.c_int(value).value
        self._check_handle()
        # Three more classes of options may follow the first.
        if not 0 <= option.value - GRAPH_CLASS0_BASE <= 3 * OPTION_CLASS_SIZE:
            raise Exception(Status.INVALID_PARAMETERS)
        if option is not GraphOption.RW_EXECUTORS_NUM or self._state is not GraphState.CREATED:
            raise Exception(Status.UNAUTHORIZED)
        self._executors = number

    def get_option(self, option: GraphOption) -> _Value:
        """Return an option's value: an integer, an array, descriptors, or the name as text."""
        readers: dict[GraphOption, Callable[[], _Value]] = {
            GraphOption.RO_GRAPH_NAME: lambda: self._name,
            GraphOption.RO_GRAPH_STATE: self._read_state,
            GraphOption.RW_EXECUTORS_NUM: lambda: self._executors,
            GraphOption.RO_TIME_TAKEN:
                lambda: self._stick.time_taken(self._loaded.stick_graph),
            GraphOption.RO_TIME_TAKEN_ARRAY_SIZE:
                lambda: np.dtype(np.float32).itemsize * self._loaded.stages,
            GraphOption.RO_INPUT_COUNT: lambda: 1,
            GraphOption.RO_OUTPUT_COUNT: lambda: 1,
            GraphOption.RO_INPUT_TENSOR_DESCRIPTORS:
                lambda: [_copy(self._loaded.input_descriptor)],
            GraphOption.RO_OUTPUT_TENSOR_DESCRIPTORS:
                lambda: [_copy(self._loaded.output_descriptor)],
            GraphOption.RO_DEBUG_INFO:
                lambda: self._stick.debug_info(self._loaded.stick_graph),
            GraphOption.RO_CLASS_LIMIT: lambda: self._stick.capabilities.graph_class_limit,
            GraphOption.RO_GRAPH_VERSION:
                lambda: np.array(self._loaded.version, dtype=np.uint32),
        }
        if option not in readers:
            raise Exception(Status.INVALID_PARAMETERS)
        self._check_handle()
        if self._loaded is None and option not in _BEFORE_ALLOCATION:
            raise Exception(Status.NOT_ALLOCATED)
        return readers[option]()

    def _trigger(self, input_fifo: Fifo, output_fifo: Fifo, at_arrival: bool = False) -> None:
        if not self.handle or not input_fifo.handle or not output_fifo.handle:
            raise Exception(Status.INVALID_HANDLE)
        if self._state is not GraphState.ALLOCATED:
            raise Exception(Status.NOT_ALLOCATED)
        source, source_descriptor, _ = input_fifo.parts_for_graph()
        target, target_descriptor, target_type = output_fifo.parts_for_graph()
        if (target_type == FifoType.HOST_WO.value
                or not _compatible(source_descriptor, self._loaded.input_descriptor)
                or not _compatible(target_descriptor, self._loaded.output_descriptor)):
            raise Exception(Status.INVALID_PARAMETERS)
        drop = input_fifo.consume_by_graph()
        if not self._stick.trigger(self._loaded.stick_graph, source, target, at_arrival, drop):
            raise Exception(Status.UNAUTHORIZED)
        self._started = True

    def _check_handle(self) -> None:
        if not self.handle:
            raise Exception(Status.INVALID_HANDLE)

    def _read_state(self) -> int:
        # In the vendor's library reading the state of a graph that has computed changes it for
        # good, and every later inference is refused with NOT_ALLOCATED (mvnc_api.c:1292). The
        # same here, so that a program with this fault fails on all sticks.
        if self._started:
            self._state = self._stick.graph_state(self._loaded.stick_graph)
        return int(self._state.value)


def _compatible(one: TensorDescriptor, other: TensorDescriptor) -> bool:
    return same_shape(one, other) and one.totalSize == other.totalSize


def _copy(descriptor: TensorDescriptor) -> TensorDescriptor:
    return TensorDescriptor.from_buffer_copy(descriptor)


def _native_buffer(graph_buffer: bytes | str) -> bytes:
    """Return the bytes that the native library gets through ``ctypes``."""
    length = len(graph_buffer)
    if isinstance(graph_buffer, str):
        # A text has 32 bits a character; the library takes as many bytes as it has characters.
        return graph_buffer.encode('utf-32-le')[:length]
    if not isinstance(graph_buffer, bytes):
        raise ctypes.ArgumentError(f'graph buffer is {type(graph_buffer).__name__}, not bytes')
    return graph_buffer
