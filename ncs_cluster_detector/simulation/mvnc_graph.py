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

"""The class ``Graph`` of the double of the vendor's API."""

import ctypes
import itertools
from types import SimpleNamespace

from ncs_cluster_detector.simulation.compute_unit import LoadedGraph
from ncs_cluster_detector.simulation.compute_unit import StickStopped
from ncs_cluster_detector.simulation.graphs import load_network
from ncs_cluster_detector.simulation.mvnc_enums import FifoDataType
from ncs_cluster_detector.simulation.mvnc_enums import FifoOption
from ncs_cluster_detector.simulation.mvnc_enums import FifoType
from ncs_cluster_detector.simulation.mvnc_enums import GraphOption
from ncs_cluster_detector.simulation.mvnc_enums import GraphState
from ncs_cluster_detector.simulation.mvnc_enums import MAX_NAME_SIZE
from ncs_cluster_detector.simulation.mvnc_enums import Status
from ncs_cluster_detector.simulation.mvnc_fifo import dense_descriptor
from ncs_cluster_detector.simulation.mvnc_fifo import Fifo
import numpy as np

_handles = itertools.count(1)
# Reported by a stick for a graph of the last compiler; the host code uses the first two.
_GRAPH_VERSION = (2, 10, 0, 0)
# Highest option class of a graph: 1 contains RW_EXECUTORS_NUM. Source: log of a real stick.
_CLASS_LIMIT = 1


class Graph:
    """A network on a stick; every failure is ``Exception(Status.X)``."""

    def __init__(self, name):
        """Make a graph that is not on a stick yet; ``name`` is ASCII text."""
        self.handle = ctypes.c_void_p(next(_handles))
        self.device = None
        self._name = name.encode('ascii')[:MAX_NAME_SIZE].decode('ascii')
        self._state = GraphState.CREATED
        self._executors = 1
        self._unit = None
        self._loaded = None
        self._input = None
        self._output = None

    def allocate(self, device, graph_buffer):
        """
        Send the bytes of a graph file to an opened stick.

        A file that the double cannot run is UNSUPPORTED_GRAPH_FILE; the reason is the cause
        (``__cause__``) of the exception.
        """
        self.device = device
        if not isinstance(graph_buffer, bytes):
            raise ctypes.ArgumentError(f'graph buffer is {type(graph_buffer).__name__}, not bytes')
        self._check_handle()
        unit = device.compute_unit()
        if unit is None:
            raise Exception(Status.INVALID_PARAMETERS)
        if not graph_buffer:
            raise Exception(Status.ERROR)
        unit.memory.add_graph(self, len(graph_buffer))
        try:
            network = load_network(graph_buffer)
        except (FileNotFoundError, ValueError) as error:
            unit.memory.remove_graph(self)
            raise Exception(Status.UNSUPPORTED_GRAPH_FILE) from error
        height, width, channels = network.input_shape
        self._input = dense_descriptor(
            SimpleNamespace(n=1, c=channels, w=width, h=height), FifoDataType.FP16.value)
        self._output = dense_descriptor(
            SimpleNamespace(n=1, c=network.output_length, w=1, h=1), FifoDataType.FP16.value)
        self._unit = unit
        self._loaded = LoadedGraph(network)
        self._state = GraphState.ALLOCATED

    def allocate_with_fifos(self, device, graph_buffer,
                            input_fifo_type=FifoType.HOST_WO, input_fifo_num_elem=2,
                            input_fifo_data_type=FifoDataType.FP32,
                            output_fifo_type=FifoType.HOST_RO, output_fifo_num_elem=2,
                            output_fifo_data_type=FifoDataType.FP32):
        """
        Send a graph file to an opened stick, and make its two queues.

        :return: ``(input Fifo, output Fifo)``.
        """
        if not input_fifo_num_elem or not output_fifo_num_elem:
            raise Exception(Status.INVALID_PARAMETERS)
        self.allocate(device, graph_buffer)
        if (input_fifo_type, output_fifo_type) != (FifoType.HOST_WO, FifoType.HOST_RO):
            raise Exception(Status.INVALID_PARAMETERS)
        fifos = []
        for name, fifo_type, data_type, descriptor, places in (
                ('fifoIn0', input_fifo_type, input_fifo_data_type, self._input,
                 input_fifo_num_elem),
                ('fifoOut0', output_fifo_type, output_fifo_data_type, self._output,
                 output_fifo_num_elem)):
            fifo = Fifo(name, fifo_type)
            fifo.set_option(FifoOption.RW_DATA_TYPE, data_type)
            fifo.allocate(device, descriptor, places)
            fifos.append(fifo)
        return tuple(fifos)

    def queue_inference(self, input_fifo, output_fifo):
        """Start the inference of the oldest tensor that was written to the input queue."""
        self._check_handle()
        if self._state is not GraphState.ALLOCATED:
            raise Exception(Status.NOT_ALLOCATED)
        source, source_descriptor = input_fifo.queue_for_graph()
        target, target_descriptor = output_fifo.queue_for_graph()
        if (output_fifo.get_option(FifoOption.RW_TYPE) == FifoType.HOST_WO.value
                or not _same_shape(source_descriptor, self._input)
                or not _same_shape(target_descriptor, self._output)):
            raise Exception(Status.INVALID_PARAMETERS)
        try:
            started = self._unit.trigger(self._loaded, source, target)
        except StickStopped as error:
            raise Exception(Status.ERROR) from error
        if not started:
            raise Exception(Status.UNAUTHORIZED)

    def queue_inference_with_fifo_elem(self, input_fifo, output_fifo, input_tensor, user_obj):
        """Write a tensor (see :meth:`Fifo.write_elem`) and start its inference."""
        input_fifo.write_elem(input_tensor, user_obj)
        self.queue_inference(input_fifo, output_fifo)

    def destroy(self):
        """Take the graph off its stick; a second call is a ``TypeError``, as in the vendor's."""
        ctypes.byref(self.handle)
        unit = self._unit
        self.handle = 0
        if unit is not None:
            if unit.stopped:
                raise Exception(Status.INVALID_HANDLE)
            unit.memory.remove_graph(self)

    def set_option(self, option, value):
        """Set RW_EXECUTORS_NUM, before allocation; everything else is read-only."""
        self._check_handle()
        if option is not GraphOption.RW_EXECUTORS_NUM or self._state is not GraphState.CREATED:
            raise Exception(Status.UNAUTHORIZED)
        self._executors = int(value)

    def get_option(self, option):
        """Return an option's value: plain integers, arrays, descriptors, or the name as text."""
        self._check_handle()
        if option is GraphOption.RO_GRAPH_NAME:
            return self._name
        if option is GraphOption.RW_EXECUTORS_NUM:
            return self._executors
        if option is GraphOption.RO_GRAPH_STATE:
            return self._read_state()
        if self._loaded is None:
            raise Exception(Status.NOT_ALLOCATED)
        readers = {
            # The host has no layers to time, so the network counts as one.
            GraphOption.RO_TIME_TAKEN:
                lambda: np.array([self._loaded.time_taken_ms], dtype=np.float32),
            GraphOption.RO_TIME_TAKEN_ARRAY_SIZE: lambda: np.dtype(np.float32).itemsize,
            GraphOption.RO_INPUT_COUNT: lambda: 1,
            GraphOption.RO_OUTPUT_COUNT: lambda: 1,
            GraphOption.RO_INPUT_TENSOR_DESCRIPTORS: lambda: [_copy(self._input)],
            GraphOption.RO_OUTPUT_TENSOR_DESCRIPTORS: lambda: [_copy(self._output)],
            GraphOption.RO_DEBUG_INFO: lambda: '',
            GraphOption.RO_CLASS_LIMIT: lambda: _CLASS_LIMIT,
            GraphOption.RO_GRAPH_VERSION: lambda: np.array(_GRAPH_VERSION, dtype=np.uint32),
        }
        if option not in readers:
            raise Exception(Status.INVALID_PARAMETERS)
        return readers[option]()

    def _check_handle(self):
        if not self.handle:
            raise Exception(Status.INVALID_HANDLE)

    def _read_state(self):
        # In the vendor's library reading the state of a graph that has computed changes it for
        # good, so that every later inference is refused with NOT_ALLOCATED; here likewise, for a
        # program that does so must not pass its tests.
        if self._loaded is not None and self._loaded.started:
            self._state = GraphState.WAITING_FOR_BUFFERS
        return self._state.value


def _same_shape(one, other):
    return (one.n, one.c, one.w, one.h) == (other.n, other.c, other.w, other.h)


def _copy(descriptor):
    return type(descriptor).from_buffer_copy(descriptor)
