# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Simulated sticks below the vendor's API, with the waits of its library for each other."""

import time
from types import SimpleNamespace
from typing import Any

from ncs_cluster_detector.mvnc.api.enums import DeviceState
from ncs_cluster_detector.mvnc.api.enums import FifoDataType
from ncs_cluster_detector.mvnc.api.enums import GraphState
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.enums import TensorDescriptor
from ncs_cluster_detector.mvnc.api.sticks import Capabilities
from ncs_cluster_detector.mvnc.api.sticks import ListedStick
from ncs_cluster_detector.mvnc.api.sticks import LoadedGraph
from ncs_cluster_detector.mvnc.api.sticks import OpenStick
from ncs_cluster_detector.mvnc.api.tensor_layout import dense_descriptor
from ncs_cluster_detector.simulation.api import process_state
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.networks.loading import load_network
from ncs_cluster_detector.simulation.stick import stick_memory
from ncs_cluster_detector.simulation.stick import stick_work
from ncs_cluster_detector.simulation.stick.compute_unit import StickStopped
from ncs_cluster_detector.simulation.stick.stick_connection import StickConnection
from ncs_cluster_detector.simulation.stick.stick_opening import LostInBoot
from ncs_cluster_detector.simulation.stick.stick_opening import open_stick
from ncs_cluster_detector.simulation.stick.stick_work import TensorQueue
import numpy as np
import numpy.typing as npt

_CAPABILITIES = Capabilities(
    memory_bytes=stick_memory.MEMORY_BYTES, most_graphs=stick_memory.MOST_GRAPHS,
    most_fifos=stick_memory.MOST_FIFOS,
    most_executors=1,      # only the second stick has more
    # Source: log of a real stick. Class 1 of a graph contains RW_EXECUTORS_NUM.
    class_limit=2, graph_class_limit=1,
    firmware_version=(2, 10, 0x2450, 1), tensor_version=(2, 10, 0, 0))
# Reported by a stick for a graph of the last compiler; the host code uses the first two.
_GRAPH_VERSION = (2, 10, 0, 0)


class SimulatedListedStick(ListedStick):
    """A stick of a simulated bus."""

    def __init__(self, shared_bus: SimulatedBus, port: StickPort, name: str) -> None:
        """Belong to a port; ``name`` is the stick's when it was listed."""
        super().__init__(name)
        self._shared_bus = shared_bus
        self._port = port

    def open(self) -> None:   # noqa: A003 - the API's name
        """
        Boot the stick; takes ``boot_ms``, and every other call in the process waits meanwhile.

        A stick that was listed without its chip is ERROR at once; one that is in use or gone is
        ERROR after a while. When it does not come back from its boot in time, another booted stick
        that nobody has open is silently opened instead. When there is none, the call is ERROR
        after a while, which is longer for each stick that has not booted.
        """
        process_state.lock.acquire()
        stays_locked = False
        try:
            process_state.initialised_bus()
            self.opened = SimulatedOpenStick(StickConnection(
                self._shared_bus,
                lambda: open_stick(self._shared_bus, self._port, self.name)))
            self.state = DeviceState.OPENED
        except LostInBoot as error:
            stays_locked = self._port.bus.library_faults
            raise Exception(Status.ERROR) from error
        finally:
            if not stays_locked:
                process_state.lock.release()

    def close(self) -> None:
        """Reset the stick."""
        with process_state.lock:
            if not isinstance(self.opened, SimulatedOpenStick):
                raise Exception(Status.INVALID_HANDLE)
            self.opened.connection.close()
            self.opened = None
            self.state = DeviceState.CLOSED
        time.sleep(self._port.bus.close_sec)

    def wait_for_opening(self) -> None:
        """Wait for the end of an opening that is under way."""
        process_state.wait_for_opening()


class SimulatedOpenStick(OpenStick):
    """A simulated stick that this process has booted."""

    capabilities = _CAPABILITIES

    def __init__(self, connection: StickConnection) -> None:
        """Use a connection, until it is closed."""
        self.connection = connection
        self.unit = connection.unit

    def thermal_readings(self) -> list[float]:
        """Return 25 temperatures in degrees Celsius."""
        self.unit.calls.begin('option')
        return self.connection.stick.thermal_readings()

    def throttle_level(self) -> int:
        """Return the throttling level, 0 to 2."""
        self.unit.calls.begin('option')
        return self.connection.stick.throttle_level()

    def memory_used(self) -> int:
        """Return the memory in use in bytes."""
        self.unit.calls.begin('option')
        return self.unit.memory.bytes_used()

    def allocated_graphs(self) -> int:
        """Return how many graphs are on the stick."""
        return len(self.unit.memory.graphs)

    def allocated_fifos(self) -> int:
        """Return how many queues are on the stick."""
        return len(self.unit.memory.fifos)

    def allocate_graph(self, number: int, data: bytes, executors: int) -> LoadedGraph:
        """Load a network that the host can run; others are UNSUPPORTED_GRAPH_FILE."""
        self.unit.calls.begin('allocate')
        graph = stick_work.LoadedGraph(None)
        self.unit.memory.add_graph(graph, len(data))
        try:
            graph.network = load_network(data)
        except (FileNotFoundError, ValueError) as error:
            del self.unit.memory.graphs[graph]
            raise Exception(Status.UNSUPPORTED_GRAPH_FILE) from error
        # The host has no layers to time, so the network counts as one stage.
        return LoadedGraph(
            graph, _descriptor(graph.network.input_shape),
            _descriptor(graph.network.output_shape), stages=1, version=_GRAPH_VERSION)

    def destroy_graph(self, graph: stick_work.LoadedGraph) -> None:
        """Remove a graph; INVALID_HANDLE after the stick was closed."""
        self.unit.calls.begin('close')
        if self.unit.calls.stopped:
            raise Exception(Status.INVALID_HANDLE)
        self.unit.memory.graphs.pop(graph, None)

    def time_taken(self, graph: stick_work.LoadedGraph) -> npt.NDArray[np.float32]:
        """Return the time of the last inference in milliseconds."""
        self._begin_option()
        return np.array([graph.time_taken_ms], dtype=np.float32)

    def debug_info(self, graph: stick_work.LoadedGraph) -> str:
        """Return an empty text."""
        self._begin_option()
        return ''

    def graph_state(self, graph: stick_work.LoadedGraph) -> GraphState:
        """Return that it waits."""
        self._begin_option()
        return GraphState.WAITING_FOR_BUFFERS

    def allocate_fifo(self, number: int, descriptor: TensorDescriptor, places: int,
                      host_reads: bool) -> TensorQueue:
        """Make room for ``places`` tensors."""
        self.unit.calls.begin('allocate')
        queue = TensorQueue(places)
        self.unit.memory.add_fifo(queue, descriptor.totalSize * places)
        return queue

    def destroy_fifo(self, fifo: TensorQueue) -> None:
        """Remove a queue; ERROR after the stick was closed."""
        self.unit.calls.begin('close')
        if self.unit.calls.stopped:
            raise Exception(Status.ERROR)
        self.unit.discard(fifo)
        del self.unit.memory.fifos[fifo]

    def fill_level(self, fifo: TensorQueue) -> int | None:
        """Return how many places are taken; None after the stick was closed or lost."""
        return None if self.unit.calls.stopped else fifo.held

    def write(self, fifo: TensorQueue, tensor: npt.NDArray[np.float16], key: int,
              began_at: float) -> None:
        """Send a tensor; block while the queue is full."""
        try:
            self.unit.write(fifo, tensor, key, began_at)
        except StickStopped as error:
            raise Exception(Status.ERROR) from error

    def read(self, fifo: TensorQueue) -> tuple[npt.NDArray[np.float16], int]:
        """Return the oldest result and its key; block while there is none."""
        try:
            return self.unit.read(fifo)
        except StickStopped as error:
            raise Exception(Status.ERROR) from error

    def trigger(self, graph: stick_work.LoadedGraph, source: TensorQueue, target: TensorQueue,
                at_arrival: bool, drop: bool) -> bool:
        """Start an inference; a result that a graph takes leaves the queue by itself."""
        try:
            return self.unit.trigger(graph, source, target, at_arrival)
        except StickStopped as error:
            raise Exception(Status.ERROR) from error

    def _begin_option(self) -> None:
        self.unit.calls.begin('option')
        if self.unit.calls.stopped:
            raise Exception(Status.ERROR)


def _descriptor(shape: Any) -> TensorDescriptor:
    sides = dict(zip('hwc', shape))
    return dense_descriptor(SimpleNamespace(n=1, **sides), FifoDataType.FP16.value)
