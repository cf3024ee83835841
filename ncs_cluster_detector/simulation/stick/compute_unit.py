# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The inside of an opened simulated stick: its tensor queues and timed inferences."""

from collections import deque
import threading
import time

from ncs_cluster_detector.simulation.stick.garbage import spoil
from ncs_cluster_detector.simulation.stick.host_timer import HostTimer
from ncs_cluster_detector.simulation.stick.stick_calls import StickCalls
from ncs_cluster_detector.simulation.stick.stick_calls import StickStopped
from ncs_cluster_detector.simulation.stick.stick_memory import StickMemory
from ncs_cluster_detector.simulation.stick.stick_model import SimulatedStick
from ncs_cluster_detector.simulation.stick.stick_work import Job
from ncs_cluster_detector.simulation.stick.stick_work import LoadedGraph
from ncs_cluster_detector.simulation.stick.stick_work import Result
from ncs_cluster_detector.simulation.stick.stick_work import TensorQueue
from ncs_cluster_detector.simulation.usb.xlink_wire import TRANSFERS_PER_INFERENCE
import numpy as np
import numpy.typing as npt


class ComputeUnit:
    """
    Computes the inferences of one stick, one after the other, from its opening to its closing.

    The schedule is absolute: a transfer ends ``transfer_ms`` after the host's call began, an
    inference starts when it is triggered and the one before has ended, and ends ``inference_ms``
    later, however late the host's timers fire. One thread keeps this time. Another runs the
    networks on the host, each as soon as its input is there: a host that is late once has caught
    up by the next inference, and one that is slower than the stick delivers when it is done.
    """

    def __init__(self, stick: SimulatedStick) -> None:
        """Start the threads of an opened stick."""
        self.memory = StickMemory()
        self.calls = StickCalls(stick.path)
        self._stick = stick
        self._inference_sec = stick.bus.inference_ms / 1000.0
        self._transfer_sec = stick.bus.transfer_ms / 1000.0
        self._changed = self.calls.changed
        self._triggered = self.calls.new_condition()
        self._computed = self.calls.new_condition()
        self._delivery = HostTimer()
        self._to_compute = deque()
        self._to_deliver = deque()
        self._inferences = 0
        self._under_way = 0
        self._threads = [
            threading.Thread(target=self._until_stopped, args=(work,), daemon=True,
                             name=f'stick {stick.path} {work.__name__.strip("_")}')
            for work in (self._compute, self._deliver)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wake all blocked calls and end the threads."""
        self.calls.stop()
        for thread in self._threads:
            thread.join()

    def write(self, queue: TensorQueue, tensor: npt.NDArray[np.float16], key: int,
              began_at: float) -> None:
        """
        Send a tensor to the stick; block while the queue is full and during the transfer.

        :param tensor: flat float16 array.
        :param key: is returned with the result.
        :param began_at: when the host's call began, in seconds of the monotonic clock.
        :raises StickStopped: the stick was closed before or meanwhile.
        """
        with self._changed:
            was_full = queue.held >= queue.capacity
            self.calls.wait_in_call('write', lambda: queue.held < queue.capacity)
            queue.held += 1
            try:
                sent_at = time.monotonic() if was_full else began_at
                arrives_at = max(sent_at + self._transfer_sec,
                                 self._stick.reserve_transfer(tensor.nbytes))
                self.calls.pause_in_call('write', max(arrives_at - time.monotonic(), 0.0))
            except BaseException:   # also when the program is interrupted meanwhile
                queue.held -= 1
                self._changed.notify_all()
                raise
            queue.elements.append((tensor, key))
            queue.arrived_at = arrives_at

    def trigger(self, graph: LoadedGraph, source: TensorQueue, target: TensorQueue,
                at_arrival: bool = False) -> bool:
        """
        Start the inference of the oldest waiting tensor in ``source``; do not wait for it.

        :param at_arrival: the command came with the newest tensor, so the stick has it since then.
        :return: False when there is none.
        :raises StickStopped: the stick was closed before.
        """
        with self._changed:
            self.calls.check('trigger')
            if not source.elements:
                return False
            tensor, key = source.elements.popleft()
            job = Job(graph, tensor, key, source, target,
                      source.arrived_at if at_arrival else time.monotonic())
            self._to_compute.append(job)
            self._to_deliver.append(job)
            self._note_under_way(+1)
            self._triggered.notify_all()
            return True

    def read(self, queue: TensorQueue) -> tuple[npt.NDArray[np.float16], int]:
        """
        Return the oldest result, as ``(flat float16 array, key)``; block while there is none.

        :raises StickStopped: the stick was closed before or meanwhile.
        """
        with self._changed:
            was_empty = not queue.elements
            self.calls.wait_in_call('read', lambda: queue.elements)
            result = queue.elements.popleft()
            if was_empty and result.woken_for is not None:
                self._delivery.note(time.monotonic() - result.woken_for)
            queue.held -= 1
            self._changed.notify_all()
        early_sec = result.due_at - time.monotonic()
        if early_sec > 0:   # the host was fast for once
            time.sleep(early_sec)
        return result.tensor, result.key

    def discard(self, queue: TensorQueue) -> None:
        """Forget a queue and what is in it."""
        with self._changed:
            queue.gone = True
            self._changed.notify_all()

    def _sleep_until(self, deadline):
        """Sleep; return False if it is too late for that."""
        pause_sec = deadline - time.monotonic()
        if pause_sec > 0:
            self.calls.pause(pause_sec)
        return pause_sec > 0

    def _until_stopped(self, work):
        try:
            work()
        except StickStopped:
            return  # the stick was closed: nobody waits for a result
        except Exception as error:
            # A network that fails on the host is a crash of the stick, which all calls must see.
            self.calls.stop(error)

    def _compute(self):
        """Run the networks on the host."""
        while True:
            with self._changed:
                self.calls.wait_for(lambda: self._to_compute, self._triggered)
                job = self._to_compute.popleft()
            output = _infer(job.graph.network, job.tensor)
            job.tensor = None   # frees half a megabyte while the result is not due
            with self._changed:
                job.output = output
                job.computed_at = time.monotonic()
                self._computed.notify_all()

    def _deliver(self):
        """Keep the stick's time and deliver each result when its time has come."""
        free_at = time.monotonic()
        try:
            while True:
                with self._changed:
                    self.calls.wait_for(lambda: self._to_deliver, self._triggered)
                    ended_at = self._run_job(self._to_deliver.popleft(), free_at)
                # Without the lock, as the call that reads the result needs it.
                free_at = ended_at + self._stick.throttle_pause_sec()
        finally:
            self._stick.rest()

    def _run_job(self, job, free_at):
        """Run an inference, from ``free_at`` at the earliest; return when it ended."""
        self._sleep_until(free_at)
        started_at = max(free_at, job.queued_at)
        due_at = started_at + self._inference_sec * self.calls.faults.slow
        self._stick.work(started_at, due_at)
        wakes_at = due_at - self._delivery.late_sec
        is_prompt = self._sleep_until(wakes_at) and job.output is not None
        self.calls.wait_for(lambda: job.output is not None, self._computed)
        ended_at = max(due_at, job.computed_at)
        if not self._may_deliver():
            is_prompt = False
            self.calls.wait_for(self._may_deliver)
            ended_at = time.monotonic()
        job.graph.time_taken_ms = 1000.0 * (ended_at - started_at)
        job.source.held -= 1
        if not _has_room(job.target):
            is_prompt = False
            self._changed.notify_all()
            self.calls.wait_for(lambda: _has_room(job.target))
            ended_at = time.monotonic()
        job.target.held += 1
        self._note_under_way(-1)
        job.target.elements.append(
            Result(self._result(job), job.key, due_at, wakes_at if is_prompt else None))
        self._changed.notify_all()
        return ended_at

    def _note_under_way(self, change):
        # Recorded at each change, because a killed process cannot do it later. Results that have
        # arrived are in the process's memory and are gone with it.
        self._under_way += change
        self._stick.note_unread(TRANSFERS_PER_INFERENCE * self._under_way)

    def _may_deliver(self):
        return not self.calls.faults.hangs('read')

    def _result(self, job):
        self._inferences += 1
        kind = self.calls.faults.garbage
        return spoil(job.output, kind, self._inferences) if kind else job.output


def _has_room(queue):
    return queue.gone or queue.held < queue.capacity


def _infer(network, tensor):
    """Run a network on FP16 values as the stick does; values beyond FP16 become infinite."""
    with np.errstate(over='ignore'):
        return np.asarray(network.run(tensor)).astype(np.float16)
