# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the objects of the API stand on: sticks that were listed, and sticks that are open."""

from abc import ABC
from abc import abstractmethod
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.mvnc.api.enums import DeviceState
from ncs_cluster_detector.mvnc.api.enums import GraphState
from ncs_cluster_detector.mvnc.api.enums import TensorDescriptor
import numpy as np
import numpy.typing as npt


class Capabilities(NamedTuple):
    """What a stick says about itself when it is opened; versions are four numbers."""

    memory_bytes: int
    most_graphs: int
    most_fifos: int
    most_executors: int
    class_limit: int          # highest class of options of a stick
    graph_class_limit: int    # and of a graph
    firmware_version: tuple[int, int, int, int]
    tensor_version: tuple[int, int, int, int]


class LoadedGraph(NamedTuple):
    """A graph on a stick; ``stick_graph`` is the stick's own object for it."""

    stick_graph: Any
    input_descriptor: TensorDescriptor
    output_descriptor: TensorDescriptor
    stages: int
    version: tuple[int, int, int, int]


class ListedStick(ABC):
    """A stick as it was listed, until its handle is destroyed: what a handle stands for."""

    def __init__(self, name: str) -> None:
        """Begin with a stick that is not open; ``name`` is ``1.2-ma2450``, or ``1.2-`` in use."""
        self.name = name
        self.state = DeviceState.CREATED
        self.opened: OpenStick | None = None

    @abstractmethod
    def open(self) -> None:   # noqa: A003 - the API's name
        """Open it, and set ``state`` and ``opened``; ``Exception(Status.X)`` if that fails."""

    @abstractmethod
    def close(self) -> None:
        """Close it, and set both; INVALID_HANDLE if it is not open."""

    def wait_for_opening(self) -> None:
        """Wait for what other calls of the process must end before one about a stick begins."""


class OpenStick(ABC):
    """
    An open stick; every failure of a method is ``Exception(Status.X)``.

    Several threads call it at the same time. What :meth:`allocate_fifo` returns is the stick's own
    object for a queue.
    """

    capabilities: Capabilities

    @abstractmethod
    def thermal_readings(self) -> list[float]:
        """Return 25 temperatures in degrees Celsius."""

    @abstractmethod
    def throttle_level(self) -> int:
        """Return the throttling level, 0 to 2."""

    @abstractmethod
    def memory_used(self) -> int:
        """Return the memory in use in bytes."""

    @abstractmethod
    def allocated_graphs(self) -> int:
        """Return how many graphs are on the stick."""

    @abstractmethod
    def allocated_fifos(self) -> int:
        """Return how many queues are on the stick."""

    @abstractmethod
    def allocate_graph(self, number: int, data: bytes, executors: int) -> LoadedGraph:
        """
        Load a graph file.

        :param number: counts the graphs of this process, from 0.
        """

    @abstractmethod
    def destroy_graph(self, graph: Any) -> None:
        """Remove a graph; INVALID_HANDLE after the stick was closed."""

    @abstractmethod
    def time_taken(self, graph: Any) -> npt.NDArray[np.float32]:
        """Return the times of the last inference in milliseconds, one a stage."""

    @abstractmethod
    def debug_info(self, graph: Any) -> str:
        """Return what the stick says about a graph."""

    @abstractmethod
    def graph_state(self, graph: Any) -> GraphState:
        """Return whether a graph that has been started computes (RUNNING) or waits."""

    @abstractmethod
    def allocate_fifo(
            self, number: int, descriptor: TensorDescriptor, places: int, host_reads: bool) -> Any:
        """
        Make room for ``places`` tensors.

        :param number: counts the queues of this process, from 0.
        :param host_reads: it is for results; False: it is for the host's tensors.
        """

    @abstractmethod
    def destroy_fifo(self, fifo: Any) -> None:
        """Remove a queue; ERROR after the stick was closed."""

    @abstractmethod
    def fill_level(self, fifo: Any) -> int | None:
        """Return how many places are taken; None after the stick was closed or lost."""

    @abstractmethod
    def write(self, fifo: Any, tensor: npt.NDArray[np.float16], key: int,
              began_at: float) -> None:
        """
        Send a tensor; block while the queue is full.

        :param key: comes back with the result.
        :param began_at: when the program's call began, in seconds of the monotonic clock.
        """

    @abstractmethod
    def read(self, fifo: Any) -> tuple[npt.NDArray[np.float16], int]:
        """Return the oldest result and its key; block while there is none."""

    @abstractmethod
    def trigger(self, graph: Any, source: Any, target: Any, at_arrival: bool,
                drop: bool) -> bool:
        """
        Start the inference of the oldest waiting tensor in ``source``; do not wait for it.

        :param at_arrival: the tensor was written by the same call.
        :param drop: ``source`` holds results, and this one is for the graph alone: the host
            removes its copy.
        :return: False when there is none.
        """
