# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A worker: drives one stick; runs in a process of its own, which imports no rclpy.

It has four threads. The main thread only waits for the end of the supervisor, so it always notices
that. The stick thread reads the commands, opens the stick and sends frames. The result thread
receives the results. The watch thread reads the temperature, so that a reading neither waits for
an inference nor delays one. Their calls have no deadline here: the supervisor, which no library
can block, ends a worker that does not answer in time.

However a worker ends, it first closes its stick if the library still answers. Otherwise the stick
keeps answers for a process that has ended, and the next process fails on them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
import gc
from multiprocessing.connection import Connection
import os
import queue
import select
import signal
import socket
import threading
import time

import cv2
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.pictures.decoding import UnreadablePictureError
from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.wire import messages
from ncs_cluster_detector.wire.frame_slots import ReceivedSlots
from ncs_cluster_detector.worker.frame_work import picture_of
from ncs_cluster_detector.worker.frame_work import result_of
from ncs_cluster_detector.worker.frame_work import SentFrame

READING_PERIOD_SEC = 1.0
# Readings are taken at whole multiples of this on the clock that all workers share. Workers that
# wake together cost less: the code is in the cache, and the supervisor looks at several at once.
READING_GRID_SEC = 0.5
# A SIGTERM to the whole group also reaches the supervisor, which then sends Stop at once.
WAIT_FOR_STOP_SEC = 1.0
# How long closing the stick may take when no supervisor is left to end this process: the pending
# results, and a second that the SDK sleeps.
CLOSE_SEC = 2.5


def main(connection: Connection, slots: ReceivedSlots, config: messages.WorkerConfig) -> None:
    """Run a worker until it is stopped, its stick fails or the supervisor has ended."""
    gc.freeze()            # memory of the fork server is not visited, and so stays shared
    cv2.setNumThreads(1)   # one core a worker: the sticks are the parallel part
    worker = _Worker(connection, slots, config)
    threading.excepthook = lambda error: worker.fail(error.exc_value)
    signal.signal(signal.SIGTERM, lambda *_: worker.on_sigterm())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=worker.drive_stick, name='stick', daemon=True).start()
    supervisor = select.poll()
    supervisor.register(connection, 0)   # its end is reported always, its commands are not
    supervisor.poll()
    worker.end_alone()


class _Worker:

    def __init__(
            self, connection: Connection, slots: ReceivedSlots,
            config: messages.WorkerConfig) -> None:
        self._under_way: queue.SimpleQueue[SentFrame | messages.Unreadable | None] = (
            queue.SimpleQueue())
        self._watch_ends = threading.Event()
        self._connection = connection
        self._slots = slots
        self._config = config
        self._preprocessor = Preprocessor(config.input_format)
        self._send_lock = threading.Lock()
        self._stick_or_none: Stick | None = None
        self._fault: str | None = None
        self._frames = 0   # since the last reading, about: one that is missed changes nothing

    @property
    def _stick(self) -> Stick:
        assert self._stick_or_none is not None
        return self._stick_or_none

    def on_sigterm(self) -> None:
        """Stop because of a SIGTERM, unless the supervisor asks for it first."""
        timer = threading.Timer(WAIT_FOR_STOP_SEC, self._stop_by_signal)
        timer.daemon = True
        timer.start()

    def _stop_by_signal(self) -> None:
        self._report_fault(f'worker process {os.getpid()} was ended by SIGTERM')
        self._stop()

    def end_alone(self) -> None:
        """Let the stick thread end, as the supervisor has; do not wait for a blocked thread."""
        threading.Event().wait(CLOSE_SEC)
        os._exit(1)

    def _stop(self) -> None:
        """Let the stick thread stop after the commands that have arrived."""
        with socket.socket(fileno=os.dup(self._connection.fileno())) as commands:
            commands.shutdown(socket.SHUT_RD)

    def _next_command(self) -> object:
        """Wait for a command; it is Stop when there will be no more."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            return messages.Stop()

    def drive_stick(self) -> None:
        """Run the stick thread: open the stick, send frames, close the stick, end the process."""
        helpers = [threading.Thread(target=work, name=work.__name__.strip('_'), daemon=True)
                   for work in (self._take_results, self._keep_watch)]
        with self._reporting_failure():
            self._open_stick()
            for thread in helpers:
                thread.start()
            self._send_frames()
        self._under_way.put(None)
        self._watch_ends.set()
        for thread in filter(threading.Thread.is_alive, helpers):
            thread.join()
        with self._reporting_failure():
            self._stick.close()
        os._exit(0 if self._fault is None else 1)

    def _open_stick(self) -> None:
        """List the sticks, if that is wanted, and open the one that the supervisor names."""
        with self._config.driver.lock():
            self._stick_or_none = self._config.driver.make_stick(self._config.graphs)
            self._send(messages.EnumerationStarted())
            command = self._next_command()
            if isinstance(command, messages.ListSticks):
                command = self._list_sticks()
            if isinstance(command, messages.Open):
                self._stick.open_stick(command.device_name, command.other_ports,
                                       lambda step: self._send(messages.Step(step)))
        if not isinstance(command, messages.Open):
            self._stand_by(command)
        stick = self._stick
        self._send(messages.Ready(self._read(), tuple(stick.input_sizes), stick.has_thermometer))

    def _stand_by(self, command: object) -> None:
        """List the sticks on request; none is to be opened."""
        while not isinstance(command, messages.Stop):
            wanted = isinstance(command, messages.ListSticks)
            command = self._list_sticks() if wanted else self._next_command()
        os._exit(0)

    def _list_sticks(self) -> object:
        self._send(messages.DeviceList(tuple(self._stick.device_names())))
        return self._next_command()

    def _send_frames(self) -> None:
        while isinstance(command := self._next_command(),
                         (messages.Infer, messages.InferEncoded)):
            started_at = time.monotonic()
            self._frames += 1
            try:
                image, picture_size = picture_of(command, self._slots)
            except UnreadablePictureError as error:
                # It waits for the results before, as frames leave in the order of their coming.
                self._under_way.put(messages.Unreadable(command.sequence, shown(error)))
                continue
            self._stick.send(
                self._preprocessor.network_inputs(image, self._stick.inputs))
            self._under_way.put(SentFrame(
                command.sequence, started_at, time.monotonic(), picture_size))

    def _take_results(self) -> None:
        with self._reporting_failure():
            while (sent := self._under_way.get()) is not None:
                if isinstance(sent, SentFrame):
                    outputs = self._stick.receive()
                    self._send(result_of(
                        sent, outputs, self._config.labels, time.monotonic()))
                else:
                    self._send(sent)

    def _keep_watch(self) -> None:
        """Read the temperature once a second; the first reading was sent with Ready."""
        with self._reporting_failure():
            worked = True   # it has loaded the networks
            while not self._watch_ends.wait(_next_reading_at(time.monotonic()) - time.monotonic()):
                self._send(self._read())
                frames, self._frames = self._frames, 0
                if worked and not frames:   # while the stick works, each frame needs it again
                    give_back_freed_memory()
                worked = bool(frames)

    def _read(self) -> messages.Reading:
        read_at = time.monotonic()
        return messages.Reading(*self._stick.thermal_state(), read_at)

    @contextmanager
    def _reporting_failure(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.fail(error)

    def fail(self, error: BaseException | None) -> None:
        """
        Report a failure, and close the stick unless a call of the library has failed.

        Such a call can have left the SDK locked in this process.
        """
        is_known = isinstance(error, StickError)
        self._report_fault(str(error) if is_known else f'{type(error).__name__}: {error}',
                           _parameter_at_fault(error), isinstance(error, StickInUseError),
                           isinstance(error, StickDeadError))
        if self._stick_or_none is None or self._stick_or_none.has_failed:
            os._exit(1)
        self._stop()

    def _report_fault(self, text: str, parameter: str = '', in_use: bool = False,
                      dead: bool = False) -> None:
        self._fault = shown(text)   # texts of a library may have several lines
        self._send(messages.Fault(self._fault, parameter, in_use, dead))

    def _send(self, message: object) -> None:
        with self._send_lock, suppress(OSError):   # the main thread notices a closed pipe
            self._connection.send(message)


def _next_reading_at(now: float) -> float:
    return (now + READING_PERIOD_SEC) // READING_GRID_SEC * READING_GRID_SEC


def _parameter_at_fault(error: BaseException | None) -> str:
    """Return the name of a parameter value that no stick can work with, or an empty text."""
    if not getattr(error, 'permanent', False):
        return ''
    return 'graph_paths' if isinstance(error, GraphRejectedError) else 'driver'
