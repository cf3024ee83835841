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

"""The inside of an opened simulated stick: tensor queues and the computation in time."""

from collections import deque
from dataclasses import dataclass
import threading
import time
from typing import Any

from ncs_cluster_detector.simulation.stick_memory import StickMemory
import numpy as np


class StickStopped(Exception):
    """The stick was closed, or its computation broke down (then that is the cause)."""


class TensorQueue:
    """
    A queue of FP16 tensors between host and stick; the lock of the compute unit guards it.

    ``held`` counts the places in use: in an input queue from the beginning of the transfer until
    the end of the inference, in an output queue until the host has read the result.
    """

    def __init__(self, capacity):
        """Make an empty queue with ``capacity`` places."""
        self.capacity = capacity
        self.held = 0
        self.elements = deque()


@dataclass
class LoadedGraph:
    """A network in the stick's memory, and how long it computed last, in milliseconds."""

    network: Any
    time_taken_ms: float = 0.0
    started: bool = False


@dataclass
class _Job:
    graph: LoadedGraph
    tensor: Any
    key: int
    source: TensorQueue
    target: TensorQueue
    queued_at: float
    output: Any = None
    computed_at: float = 0.0


class ComputeUnit:
    """
    Computes the inferences of one stick, one after the other, from its opening to its closing.

    The schedule is absolute: an inference starts when the one before has ended or when it is
    triggered, whichever is later, and ends ``inference_ms`` after that, however late the host's
    timers fire. One thread keeps this time. Another runs the networks on the host, each as soon
    as its input is there, so that a host that is late once has caught up by the next inference;
    one that is slower than the stick delivers when it is done.
    """

    def __init__(self, stick):
        """Start the threads of an opened stick."""
        self.memory = StickMemory()
        self._stick = stick
        self._inference_sec = stick.bus.inference_ms / 1000.0
        self._transfer_sec = stick.bus.transfer_ms / 1000.0
        # One condition for all waits: a stick has a handful of threads at most, and whatever
        # one of them changes concerns most of the others.
        self._changed = threading.Condition()
        self._to_compute = deque()
        self._to_deliver = deque()
        self._stopped = False
        self._fault = None
        self._threads = [
            threading.Thread(target=self._until_stopped, args=(work,), daemon=True,
                             name=f'stick {stick.name} {work.__name__.strip("_")}')
            for work in (self._compute, self._deliver)]
        for thread in self._threads:
            thread.start()

    @property
    def stopped(self):
        """Tell whether the stick was closed or broke down."""
        return self._stopped

    def stop(self):
        """Wake all blocked calls and wait for the end of the threads."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def write(self, queue, tensor, key):
        """
        Send a tensor to the stick; block while the queue is full and during the transfer.

        :param tensor: flat float16 array.
        :param key: comes back with the result.
        :raises StickStopped: the stick was closed before or meanwhile.
        """
        with self._changed:
            self._wait_for(lambda: queue.held < queue.capacity)
            queue.held += 1
            self._sleep_until(time.monotonic() + self._transfer_sec)
            queue.elements.append((tensor, key))

    def trigger(self, graph, source, target):
        """
        Start the inference of the oldest waiting tensor in ``source``; do not wait for it.

        :return: False when there is none.
        :raises StickStopped: the stick was closed before.
        """
        with self._changed:
            if self._stopped:
                self._raise_stopped()
            if not source.elements:
                return False
            tensor, key = source.elements.popleft()
            job = _Job(graph, tensor, key, source, target, time.monotonic())
            self._to_compute.append(job)
            self._to_deliver.append(job)
            graph.started = True
            self._changed.notify_all()
            return True

    def read(self, queue):
        """
        Return the oldest result, as ``(flat float16 array, key)``; block while there is none.

        :raises StickStopped: the stick was closed before or meanwhile.
        """
        with self._changed:
            self._wait_for(lambda: queue.elements)
            queue.held -= 1
            self._changed.notify_all()
            return queue.elements.popleft()

    def _wait_for(self, condition):
        self._changed.wait_for(lambda: self._stopped or condition())
        if self._stopped:
            self._raise_stopped()

    def _sleep_until(self, deadline):
        if self._changed.wait_for(lambda: self._stopped, timeout=deadline - time.monotonic()):
            self._raise_stopped()

    def _raise_stopped(self):
        raise StickStopped(self._stick.name) from self._fault

    def _until_stopped(self, work):
        try:
            work()
        except StickStopped:
            return  # the stick was closed: nobody waits for what was under way
        except Exception as error:
            # Any fault of a network on the host is a crash of the stick: whoever waits for a
            # result must be told.
            with self._changed:
                self._fault = error
                self._stopped = True
                self._changed.notify_all()

    def _compute(self):
        """Run the networks on the host."""
        while True:
            with self._changed:
                self._wait_for(lambda: self._to_compute)
                job = self._to_compute.popleft()
            output = _infer(job.graph.network, job.tensor)
            with self._changed:
                job.output = output
                job.computed_at = time.monotonic()
                self._changed.notify_all()

    def _deliver(self):
        """Keep the stick's time and deliver each result when its time has come."""
        free_at = time.monotonic()
        try:
            with self._changed:
                while True:
                    self._wait_for(lambda: self._to_deliver)
                    free_at = self._run_job(self._to_deliver.popleft(), free_at)
        finally:
            self._stick.set_busy(False)

    def _run_job(self, job, free_at):
        """Return when the next inference may start; ``free_at`` is when this one may."""
        self._sleep_until(free_at)
        started_at = max(free_at, job.queued_at)
        self._stick.set_busy(True)
        self._sleep_until(started_at + self._inference_sec)
        self._wait_for(lambda: job.output is not None)
        self._stick.set_busy(False)
        ended_at = max(started_at + self._inference_sec, job.computed_at)
        job.graph.time_taken_ms = 1000.0 * (ended_at - started_at)
        job.source.held -= 1
        if job.target.held >= job.target.capacity:
            self._changed.notify_all()
            self._wait_for(lambda: job.target.held < job.target.capacity)
            ended_at = time.monotonic()
        job.target.held += 1
        job.target.elements.append((job.output, job.key))
        self._changed.notify_all()
        return ended_at + self._stick.throttle_pause_sec()


def _infer(network, tensor):
    """Run a network on FP16 values as the stick does; values beyond FP16 become infinite."""
    with np.errstate(over='ignore'):
        return np.asarray(network.run(tensor.astype(np.float32))).astype(np.float16)
