# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A queue of tensors, and what the host knows about them: whose they are, and how far they are."""

from collections import deque
import threading

from ncs_cluster_detector.sticks.xlink.device import DeviceFifo

_NO_KEY = 0   # of a tensor that no program has written, but another graph


class TensorQueue:
    """
    A FIFO of a stick and the keys of what is in it; all but ``busy`` is guarded from outside.

    In an input ``keys`` are those of tensors that wait for the start of their inference, and
    ``unread`` counts all whose results the program has not read. In an output ``results`` are
    those of inferences that have been started: the key, and the input that it is from.
    """

    def __init__(self, fifo: DeviceFifo) -> None:
        """Begin empty."""
        self.fifo = fifo
        self.busy = threading.Lock()   # held by the one thread that writes, or reads
        self.bytes = fifo.tensor.size * fifo.places
        self.keys: deque[int] = deque()
        self.results: deque[tuple[int, TensorQueue]] = deque()
        self.unread = 0
        self._target: TensorQueue | None = None
        self._for_graphs = 0   # results that another graph may take

    def put(self, key: int) -> None:
        """Note that the program has written a tensor."""
        self.keys.append(key)
        self.unread += 1

    def start(self, target: 'TensorQueue') -> bool:
        """Note that the inference of the oldest tensor is started; return False if none waits."""
        if self.fifo.host_reads and self._for_graphs:
            self._for_graphs -= 1
            self.put(_NO_KEY)
        if not self.keys:
            return False
        self._target = target
        target.results.append((self.keys.popleft(), self))
        target._for_graphs += 1
        return True

    def take_result(self) -> int:
        """Note that the oldest result was read; return its key."""
        key, source = self.results.popleft()
        source.unread -= 1
        return key

    def waits_for_program(self) -> bool:
        """
        Return whether the stick cannot make room before the program does something.

        That is so when all tensors wait for their start, or the output is full of results.
        """
        room_for_results = self._target.fifo.places if self._target is not None else 0
        return (len(self.keys) >= self.fifo.places
                or self.unread >= self.fifo.places + room_for_results)
