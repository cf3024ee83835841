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

"""The supervisor's hold on one worker process: its pipe, its slots and what it owes."""

from collections import OrderedDict
from contextlib import ExitStack
import multiprocessing
from multiprocessing import connection
from multiprocessing import resource_tracker
import os
import signal
import time

from ncs_cluster_detector.workers import worker_main
from ncs_cluster_detector.workers.frame_slots import FrameSlots
from ncs_cluster_detector.workers.messages import Infer
from ncs_cluster_detector.workers.messages import Result
from ncs_cluster_detector.workers.messages import Stop

# Closing a stick takes the SDK about a second, after what is under way; launch grants a node five.
STOP_GRACE_SEC = 2.5
# A killed process is gone within milliseconds, unless it is stuck inside the kernel.
KILL_GRACE_SEC = 1.0

FORK_SERVER_ENVIRONMENT = {
    # Threads in the fork server do not survive a fork.
    'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1',
    # Memory of a frame goes back at once instead of staying with each thread of each worker: 12
    # instead of 14 MB a worker with one small network, 16 instead of 22 with two detectors.
    'MALLOC_ARENA_MAX': '1', 'MALLOC_MMAP_THRESHOLD_': '65536', 'MALLOC_TRIM_THRESHOLD_': '65536'}
SIMULATED_SDK = 'ncs_cluster_detector.simulation.mvncapi'

_context = multiprocessing.get_context('forkserver')


def prepare(driver):
    """
    Make ready for starting workers, in the thread that will start them; call it once.

    A fork server that has loaded the libraries starts a worker in some 30 ms and shares their
    memory with it. It is a fresh process, so no thread of ours (DDS has many) is ever forked.

    :param driver: the driver parameter; the double is loaded for simulated sticks, an SDK never.
    """
    # Ctrl-C in a terminal and a service manager's SIGTERM reach all processes of a group; those
    # started here inherit that it does not concern them, and wait for this thread's word, so that
    # they can close their sticks. The resource tracker comes first: starting it unblocks the
    # signals in this thread.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    for variable, value in FORK_SERVER_ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    _context.set_forkserver_preload([worker_main.__name__] + (
        [SIMULATED_SDK] if driver == 'simulated' else []))


class WorkerHandle:
    """One generation of a worker; when it has ended, the handle is closed and dropped."""

    def __init__(self, config, inflight_per_stick, now):
        """Start the process; ``now`` is the time from which its start-up counts."""
        self.started_at = now
        self.heard_at = now       # when it last gave a temperature, or became ready
        self.busy_since = None    # since when the oldest frame keeps the stick busy
        self.slots = FrameSlots(inflight_per_stick)
        self._outstanding = OrderedDict()   # sequence -> (frame, slot)
        self._is_silent = False             # its end of the pipe is closed
        with ExitStack() as undo:
            undo.callback(self.slots.close)
            self.connection, theirs = _context.Pipe()
            undo.callback(self.connection.close)
            with theirs:
                self._process = _context.Process(target=worker_main.main,
                                                 args=(theirs, self.slots, config), daemon=True)
                self._process.start()
            undo.pop_all()
        self.pid = self._process.pid
        self.sentinel = self._process.sentinel

    @property
    def outstanding(self):
        """Return the sequence numbers of the frames that the worker holds, oldest first."""
        return tuple(self._outstanding)

    def waitables(self):
        """Return what becomes ready when the worker says something or ends."""
        return [self.sentinel] if self._is_silent else [self.connection, self.sentinel]

    def messages(self):
        """Yield what the worker has sent; one that has closed its end of the pipe is killed."""
        try:
            while not self._is_silent and self.connection.poll():
                yield self.connection.recv()
        except (EOFError, OSError):
            # As a rule it is ending, which a signal does not change any more.
            self._is_silent = True
            self.kill()

    def send(self, message):
        """Send a message; a worker that is gone is noticed by its sentinel, not here."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def post(self, sequence, frame, now):
        """Give a frame to the worker; a slot must be free."""
        slot = self.slots.put(frame.image)
        if not self._outstanding:
            self.busy_since = now
        self._outstanding[sequence] = (frame, slot)
        self.send(Infer(sequence, slot, *frame.image.shape[:2]))

    def settle(self, result: Result, now):
        """Return the frame of a result and free its slot, or None if it was never posted."""
        frame, slot = self._outstanding.pop(result.sequence, (None, None))
        if frame is not None:
            self.slots.release(slot)
            self.busy_since = now if self._outstanding else None
        return frame

    def has_ended(self):
        """Tell whether the process is gone."""
        return self._process.exitcode is not None

    def how_it_ended(self):
        """Return the end of a process that is gone in words."""
        code = self._process.exitcode
        if code is not None and code < 0:
            names = {number.value: number.name for number in signal.Signals}
            return (f'worker process {self.pid} was killed by '
                    f'{names.get(-code, f"signal {-code}")}')
        return f'worker process {self.pid} ended with exit code {code}'

    def ask_to_stop(self):
        """Ask the worker to close its stick and exit."""
        self.send(Stop())

    def forgive(self, delay_sec):
        """Move all deadlines, for this process itself has stood still so long."""
        self.started_at += delay_sec
        self.heard_at += delay_sec
        if self.busy_since is not None:
            self.busy_since += delay_sec

    def kill(self):
        """End the process without waiting for its end: it may be stuck inside the kernel."""
        if not self.has_ended():
            self._process.kill()

    def close(self):
        """Take back pipe and memory of a process that has ended."""
        self._process.join()
        self.connection.close()
        self.slots.close()
        self._process.close()


def end_all(handles):
    """
    End workers: by a message, and by SIGKILL those that do not follow it in time.

    :return: the handles of those that had to be killed, and of those that are still there.
    """
    for handle in handles:
        handle.ask_to_stop()
    killed = _wait_for_end(handles, STOP_GRACE_SEC)
    for handle in killed:
        handle.kill()
    left = _wait_for_end(killed, KILL_GRACE_SEC)
    for handle in handles:
        if handle not in left:
            handle.close()
    return killed, left


def _wait_for_end(handles, grace_sec):
    """Wait until all processes have ended, at most ``grace_sec``; return those that have not."""
    deadline = time.monotonic() + grace_sec
    left = [handle for handle in handles if not handle.has_ended()]
    while left and time.monotonic() < deadline:
        connection.wait([handle.sentinel for handle in left],
                        max(deadline - time.monotonic(), 0.0))
        left = [handle for handle in left if not handle.has_ended()]
    return left
