# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The data of a simulated stick's work: queues of tensors, graphs, and inferences."""

from collections import deque
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class TensorQueue:
    """
    A queue of FP16 tensors between host and stick; the lock of the compute unit guards it.

    ``held`` counts the places in use: in an input queue from the beginning of the transfer until
    the end of the inference, in an output queue until the host has read the result. Results for a
    queue that is ``gone`` are dropped.
    """

    def __init__(self, capacity: int) -> None:
        """Make an empty queue with ``capacity`` places."""
        self.capacity = capacity
        self.held = 0
        self.elements = deque()
        self.arrived_at = 0.0   # when the newest tensor arrived, by the monotonic clock
        self.gone = False


@dataclass(eq=False)   # the memory counts each of them
class LoadedGraph:
    """A network in the stick's memory, and the time of its last inference in milliseconds."""

    network: Any
    time_taken_ms: float = 0.0


@dataclass
class Job:
    """A triggered inference, from one queue to another; times are of the monotonic clock."""

    graph: LoadedGraph
    tensor: npt.NDArray[np.float16] | None
    key: int
    source: TensorQueue
    target: TensorQueue
    queued_at: float
    output: npt.NDArray[np.float16] | None = None
    computed_at: float = 0.0


class Result(NamedTuple):
    """
    What an inference gave, for the host from ``due_at`` on (of the monotonic clock).

    ``woken_for`` is when the stick's own thread wanted to wake up for it, or None if it did not
    wait for the clock only.
    """

    tensor: npt.NDArray[np.float16]
    key: int
    due_at: float
    woken_for: float | None
