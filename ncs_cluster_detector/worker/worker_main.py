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

Four threads: the main one reads the pipe and does nothing that can block elsewhere, so that it
always notices when the supervisor is gone; the stick thread opens the stick and sends frames; the
result thread takes the results; the watch thread reads the temperature, which so neither waits for
an inference nor delays one. None of their calls has a deadline here: the supervisor, which no
library can block, ends a worker that owes it a word for too long.

However a worker ends, it closes its stick first if the library still answers: a stick that is left
in the middle of its work has answers for a process that is gone, on which the next one stumbles.
"""

from contextlib import contextmanager
from contextlib import suppress
import gc
import os
import queue
import signal
import threading
import time

import cv2
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.wire.messages import DeviceList
from ncs_cluster_detector.wire.messages import Enumerate
from ncs_cluster_detector.wire.messages import EnumerationStarted
from ncs_cluster_detector.wire.messages import Fault
from ncs_cluster_detector.wire.messages import Infer
from ncs_cluster_detector.wire.messages import ListSticks
from ncs_cluster_detector.wire.messages import Open
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import Ready
from ncs_cluster_detector.wire.messages import Result
from ncs_cluster_detector.wire.messages import Step
from ncs_cluster_detector.wire.messages import Stop

READING_PERIOD_SEC = 1.0
# A SIGTERM to the whole group reaches the supervisor too, which then says Stop within moments.
WAIT_FOR_STOP_SEC = 1.0
# How long the stick may take to be closed when there is no supervisor that would end this process:
# what is under way, and a second that the SDK sleeps.
CLOSE_SEC = 2.5


def main(connection, slots, config):
    """
    Run a worker until it is stopped, its stick fails or the supervisor is gone.

    :param connection: this end of the pipe.
    :param slots: :class:`ReceivedSlots`.
    :param config: :class:`WorkerConfig`.
    """
    gc.freeze()            # what came from the fork server is not visited, and so stays shared
    cv2.setNumThreads(1)   # one core a worker: the sticks are the parallel part
    worker = _Worker(connection, slots, config)
    threading.excepthook = lambda error: worker.fail_in_order(error.exc_value)
    signal.signal(signal.SIGTERM, lambda *_: worker.asked_from_outside())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=worker.drive_stick, name='stick', daemon=True).start()
    try:
        while True:
            worker.commands.put(connection.recv())
    except (EOFError, OSError):
        worker.end_alone()


class _Worker:

    def __init__(self, connection, slots, config):
        self.commands = queue.SimpleQueue()     # for the stick thread
        self._under_way = queue.SimpleQueue()   # for the result thread: frames, or None
        self._watch_ends = threading.Event()
        self._connection = connection
        self._slots = slots
        self._config = config
        self._preprocessor = Preprocessor(config.input_format)
        self._send_lock = threading.Lock()
        self._stick = None
        self._fault = None

    def asked_from_outside(self):
        """Stop because of a SIGTERM, unless the supervisor asks for it meanwhile."""
        timer = threading.Timer(WAIT_FOR_STOP_SEC, self._stop_by_signal)
        timer.daemon = True
        timer.start()

    def _stop_by_signal(self):
        self._fail(f'worker process {os.getpid()} was ended by SIGTERM')
        self.commands.put(Stop())

    def end_alone(self):
        """Close the stick, for the supervisor is gone; a thread blocked in its library is left."""
        self.commands.put(Stop())
        threading.Event().wait(CLOSE_SEC)
        os._exit(1)

    def drive_stick(self):
        """Body of the stick thread: the stick's whole life."""
        helpers = [threading.Thread(target=work, name=work.__name__.strip('_'), daemon=True)
                   for work in (self._take_results, self._keep_watch)]
        with self._failing_in_order():
            self._open_stick()
            for thread in helpers:
                thread.start()
            self._send_frames()
        self._under_way.put(None)
        self._watch_ends.set()
        for thread in filter(threading.Thread.is_alive, helpers):
            thread.join()
        with self._failing_in_order():
            self._stick.close()
        os._exit(0 if self._fault is None else 1)

    def _open_stick(self):
        """List the sticks and open the one that the supervisor names."""
        with self._config.driver.lock():
            self._stick = self._config.driver.make_stick(
                [graph for graph, _ in self._config.graphs])
            self._send(EnumerationStarted())
            command = self.commands.get()
            if isinstance(command, ListSticks):
                command = self._list_sticks()
            if isinstance(command, Open):
                self._stick.open_stick(command.device_name, command.other_ports,
                                       lambda step: self._send(Step(step)))
        if not isinstance(command, Open):
            self._scout(command)
        self._send(Ready(self._read()))

    def _scout(self, command):
        """List the sticks whenever asked to; there is none to open."""
        while not isinstance(command, Stop):
            wanted = isinstance(command, Enumerate)
            command = self._list_sticks() if wanted else self.commands.get()
        os._exit(0)

    def _list_sticks(self):
        """Tell which sticks there are; return the next command."""
        self._send(DeviceList(tuple(self._stick.device_names())))
        return self.commands.get()

    def _send_frames(self):
        while True:
            command = self.commands.get()
            if not isinstance(command, Infer):
                return
            started_at = time.monotonic()
            image = self._slots.image(command.slot, command.height, command.width)
            self._stick.send(
                self._preprocessor.network_inputs(image, self._stick.input_sizes))
            self._under_way.put((command.sequence, started_at))

    def _take_results(self):
        with self._failing_in_order():
            while True:
                waited_for = self._under_way.get()
                if waited_for is None:
                    return
                sequence, started_at = waited_for
                detections, unusable, unlabelled = [], 0, 0
                outputs = self._stick.receive()
                finished_at = time.monotonic()
                for output, (_, labels) in zip(outputs, self._config.graphs):
                    found, dropped = ssd.decode(output, labels)
                    detections += found
                    unusable += dropped
                    if dropped:
                        unlabelled = max(unlabelled, ssd.class_without_label(output, labels))
                self._send(Result(sequence, tuple(detections), unusable,
                                  finished_at - started_at, finished_at, unlabelled))

    def _keep_watch(self):
        """Read the temperature once a second; the first reading was sent with Ready."""
        with self._failing_in_order():
            read_at = time.monotonic()
            while not self._watch_ends.wait(read_at + READING_PERIOD_SEC - time.monotonic()):
                reading = self._read()
                read_at = reading.measured_at
                self._send(reading)

    def _read(self):
        read_at = time.monotonic()
        return Reading(*self._stick.thermal_state(), read_at)

    @contextmanager
    def _failing_in_order(self):
        """
        Report any failure, and have the stick closed.

        After a failed call that is no use: it can have left the SDK locked in this process.
        """
        try:
            yield
        except Exception as error:
            self.fail_in_order(error)

    def fail_in_order(self, error):
        """Report a failure, and have the stick closed if the library has not failed."""
        is_known = isinstance(error, StickError)
        self._fail(str(error) if is_known else f'{type(error).__name__}: {error}',
                   _parameter_at_fault(error), isinstance(error, StickInUseError))
        if self._stick is None or self._stick.has_failed:
            os._exit(1)
        self.commands.put(Stop())

    def _fail(self, text, parameter='', in_use=False):
        self._fault = text
        self._send(Fault(text, parameter, in_use))

    def _send(self, message):
        with self._send_lock, suppress(OSError):   # the main thread notices who is gone
            self._connection.send(message)


def _parameter_at_fault(error):
    """Return the name of the parameter that cannot work with any stick, or an empty text."""
    if not getattr(error, 'hopeless', False):
        return ''
    return 'graph_paths' if isinstance(error, GraphRejectedError) else 'driver'
