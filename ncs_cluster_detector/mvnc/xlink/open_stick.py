# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""An open stick below the vendor's API; what the vendor's library keeps on the host is here."""

from collections.abc import Callable
import math
from typing import NoReturn
from typing import TypeVar

from ncs_cluster_detector.mvnc.api.enums import DEBUG_BUFFER_SIZE
from ncs_cluster_detector.mvnc.api.enums import FifoDataType
from ncs_cluster_detector.mvnc.api.enums import GraphState
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.enums import TensorDescriptor
from ncs_cluster_detector.mvnc.api.sticks import Capabilities
from ncs_cluster_detector.mvnc.api.sticks import LoadedGraph
from ncs_cluster_detector.mvnc.api.sticks import OpenStick
from ncs_cluster_detector.mvnc.xlink.program_waits import ProgramWaits
from ncs_cluster_detector.mvnc.xlink.reasons import fail
from ncs_cluster_detector.mvnc.xlink.reasons import report
from ncs_cluster_detector.mvnc.xlink.tensor_queue import TensorQueue
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink.device import DeviceGraph
from ncs_cluster_detector.sticks.xlink.device import WRONG_FORMAT
from ncs_cluster_detector.sticks.xlink.device import XlinkDevice
from ncs_cluster_detector.sticks.xlink.monitors import RefusedError
import numpy as np
import numpy.typing as npt

# The sizes of streams are 32-bit numbers.
_LARGEST_STREAM = 2**32 - 1
_RUNNING = 1  # graphState_t of ncCommPrivate.h

_T = TypeVar('_T')


class XlinkOpenStick(OpenStick):
    """
    A stick that this process has booted.

    Waits for the stick have the deadlines of :class:`XlinkDevice`, after which the stick is lost.
    Waits for the program itself are those of :class:`ProgramWaits`.
    """

    def __init__(self, device: XlinkDevice) -> None:
        """Take over an open stick, until it is closed."""
        self._device = device
        self._is_closed = False
        self._graphs: set[DeviceGraph] = set()
        self._queues: set[TensorQueue] = set()
        self._waits = ProgramWaits(self._check_up)
        its = device.capabilities
        self.capabilities = Capabilities(
            memory_bytes=its.memory, most_graphs=its.max_graphs, most_fifos=its.max_fifos,
            most_executors=its.executors, class_limit=its.device_class,
            graph_class_limit=its.graph_class, firmware_version=_four(its.firmware_version),
            tensor_version=_four(its.tensor_version))

    # ---- options

    def thermal_readings(self) -> list[float]:
        """Return 25 temperatures in degrees Celsius."""
        return list(self._ask(self._device.thermal)[1:])

    def throttle_level(self) -> int:
        """Return the throttling level, 0 to 2."""
        level = self._ask(self._device.thermal)[0]
        return int(level) if math.isfinite(level) else 0

    def memory_used(self) -> int:
        """Return the memory in use in bytes."""
        return self._ask(self._device.memory_used)

    def allocated_graphs(self) -> int:
        """Return how many graphs are on the stick."""
        return len(self._graphs)

    def allocated_fifos(self) -> int:
        """Return how many queues are on the stick."""
        return len(self._queues)

    # ---- graphs

    def allocate_graph(self, number: int, data: bytes, executors: int) -> LoadedGraph:
        """Load a graph file; UNSUPPORTED_GRAPH_FILE if it is of another compiler."""
        try:
            graph = self._device.allocate_graph(number, data, executors)
        except RefusedError as error:
            if error.status != WRONG_FORMAT:
                self._fail(error)
            report(f'{error}: not a graph of the mvNCCompile of NCSDK 2')
            raise Exception(Status.UNSUPPORTED_GRAPH_FILE) from error
        except StickError as error:
            self._fail(error)
        self._graphs.add(graph)
        return LoadedGraph(graph, _descriptor(graph.input), _descriptor(graph.output),
                           graph.stages, _four(graph.version))

    def destroy_graph(self, graph: DeviceGraph) -> None:
        """Remove a graph; INVALID_HANDLE after the stick was closed."""
        if self._is_closed:
            raise Exception(Status.INVALID_HANDLE)
        self._ask(lambda: self._device.destroy_graph(graph))
        self._graphs.discard(graph)

    def time_taken(self, graph: DeviceGraph) -> npt.NDArray[np.float32]:
        """Return the times of the last inference in milliseconds, one a stage."""
        data = self._ask(lambda: self._device.graph_option(
            graph, commands.TIMES, graph.stages * np.dtype(np.float32).itemsize))
        return np.frombuffer(data, '<f4').astype(np.float32)

    def debug_info(self, graph: DeviceGraph) -> str:
        """Return what the stick says about a graph."""
        data = self._ask(lambda: self._device.graph_option(
            graph, commands.DEBUG_INFO, DEBUG_BUFFER_SIZE))
        return data.partition(b'\0')[0].decode(errors='replace')

    def graph_state(self, graph: DeviceGraph) -> GraphState:
        """Return whether a graph computes or waits."""
        data = self._ask(lambda: self._device.graph_option(
            graph, commands.STATE, commands.NUMBER.size))
        is_running = commands.NUMBER.unpack(data) == (_RUNNING,)
        return GraphState.RUNNING if is_running else GraphState.WAITING_FOR_BUFFERS

    # ---- queues

    def allocate_fifo(self, number: int, descriptor: TensorDescriptor, places: int,
                      host_reads: bool) -> TensorQueue:
        """Make room for ``places`` tensors."""
        if descriptor.totalSize * places > _LARGEST_STREAM:
            fail(f'making queue {number}: {places} places of {descriptor.totalSize} bytes, '
                 f'expected {_LARGEST_STREAM} bytes at most')
        tensor = commands.Tensor(
            descriptor.n, descriptor.c, descriptor.w, descriptor.h, descriptor.totalSize,
            descriptor.wStride, descriptor.hStride, descriptor.cStride)
        queue = TensorQueue(self._ask(
            lambda: self._device.allocate_fifo(number, tensor, places, host_reads)))
        self._queues.add(queue)
        return queue

    def destroy_fifo(self, fifo: TensorQueue) -> None:
        """Remove a queue; ERROR after the stick was closed."""
        self._ask(lambda: self._device.destroy_fifo(fifo.fifo))
        self._queues.discard(fifo)

    def fill_level(self, fifo: TensorQueue) -> int | None:
        """Return how many places are taken, by the host's books; None after the end."""
        level = (self._device.read_level if fifo.fifo.host_reads else self._device.write_level)
        try:
            return level(fifo.fifo) // fifo.fifo.tensor.size
        except StickError:
            return None

    def write(self, fifo: TensorQueue, tensor: npt.NDArray[np.float16], key: int,
              began_at: float) -> None:
        """Send a tensor; block while the queue is full."""
        if tensor.nbytes > fifo.bytes:
            fail(f'writing {tensor.nbytes} bytes to queue {fifo.fifo.number}: it has room for '
                 f'{fifo.bytes}, expected a tensor that fits')
        with fifo.busy:
            self._waits.await_room(fifo, tensor.nbytes, lambda: self._ask(
                lambda: self._device.write_level(fifo.fifo)))
            self._ask(lambda: self._device.write_fifo(fifo.fifo, tensor.data))
            with self._waits.changed:
                fifo.put(key)

    def read(self, fifo: TensorQueue) -> tuple[npt.NDArray[np.float16], int]:
        """Return the oldest result and its key; block while there is none."""
        with fifo.busy:
            self._waits.await_started(fifo)
            data = self._ask(lambda: self._device.read_fifo(fifo.fifo))
            with self._waits.changed:
                key = fifo.take_result()
                self._waits.changed.notify_all()
        return np.frombuffer(data, '<f2'), key

    def trigger(self, graph: DeviceGraph, source: TensorQueue, target: TensorQueue,
                at_arrival: bool, drop: bool) -> bool:
        """Start the inference of the oldest waiting tensor in ``source``; do not wait for it."""
        if drop:
            self.read(source)
        with self._waits.changed:
            if not source.start(target):
                return False
            self._waits.changed.notify_all()
        self._ask(lambda: self._device.trigger(graph, source.fifo, target.fifo))
        return True

    # ---- the end

    def close(self) -> bool:
        """Reset the stick and release it; return whether it is on its way to its ROM."""
        self._is_closed = True
        was_up = self._device.failure is None
        try:
            self._device.close()
        except StickError as error:   # as in the vendor's library closing does not fail
            report(error)
        finally:
            self._waits.notify()
        return was_up

    # ---- waiting

    def _ask(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except StickError as error:
            self._fail(error)

    def _fail(self, error: StickError) -> NoReturn:
        if self._is_closed:   # the program knows why
            raise Exception(Status.ERROR) from error
        fail(error, error)

    def _check_up(self) -> None:
        if self._device.failure is not None:
            self._fail(self._device.failure)


def _descriptor(tensor: commands.Tensor) -> TensorDescriptor:
    return TensorDescriptor(
        n=tensor.n, c=tensor.c, w=tensor.w, h=tensor.h, totalSize=tensor.size,
        cStride=tensor.c_stride, wStride=tensor.w_stride, hStride=tensor.h_stride,
        dataType=FifoDataType.FP16.value)


def _four(version: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return a version as four numbers, as the API's arrays have."""
    first, second, third, fourth, *_ = (*version, 0, 0, 0, 0)
    return first, second, third, fourth
