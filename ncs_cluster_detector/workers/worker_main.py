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

"""
A worker: drives one stick; runs in a process of its own, which imports no rclpy.

Three threads: the main one reads the pipe and does nothing that can block elsewhere, so that it
always notices when the supervisor is gone; the stick thread opens the stick, sends frames and
reads the temperature; the result thread takes the results.
"""

import os
import queue
import signal
import threading
import time

import cv2
from ncs_cluster_detector.detection import preprocessing
from ncs_cluster_detector.detection import ssd
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.workers.messages import Fault
from ncs_cluster_detector.workers.messages import Found
from ncs_cluster_detector.workers.messages import Infer
from ncs_cluster_detector.workers.messages import Open
from ncs_cluster_detector.workers.messages import Reading
from ncs_cluster_detector.workers.messages import Ready
from ncs_cluster_detector.workers.messages import Result
from ncs_cluster_detector.workers.messages import Stop

READING_PERIOD_SEC = 1.0
# A SIGTERM to the whole group reaches the supervisor too, which then says Stop within moments.
WAIT_FOR_STOP_SEC = 1.0


def main(connection, slots, config):
    """
    Run a worker until it is stopped, its stick fails or the supervisor is gone.

    :param connection: this end of the pipe.
    :param slots: :class:`ReceivedSlots`.
    :param config: :class:`WorkerConfig`.
    """
    cv2.setNumThreads(1)   # one core a worker: the sticks are the parallel part
    worker = _Worker(connection, slots, config)
    signal.signal(signal.SIGTERM, lambda *_: worker.asked_from_outside())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=worker.drive_stick, name='stick', daemon=True).start()
    try:
        while True:
            worker.commands.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)   # the supervisor is gone, and a thread may be blocked in the stick's library


class _Worker:

    def __init__(self, connection, slots, config):
        self.commands = queue.SimpleQueue()
        self._connection = connection
        self._slots = slots
        self._config = config
        self._send_lock = threading.Lock()
        self._under_way = queue.SimpleQueue()
        self._stick = None
        self._fault = None

    def asked_from_outside(self):
        """Stop because of a SIGTERM, unless the supervisor asks for it meanwhile."""
        timer = threading.Timer(WAIT_FOR_STOP_SEC, self._stop_by_signal)
        timer.daemon = True
        timer.start()

    def _stop_by_signal(self):
        self._fault = f'worker process {os.getpid()} was ended by SIGTERM'
        self.commands.put(Stop())

    def drive_stick(self):
        """Body of the stick thread: the stick's whole life."""
        try:
            self._open_stick()
            results = threading.Thread(target=self._take_results, name='results', daemon=True)
            results.start()
            self._work()
            self._under_way.put(None)
            results.join()
            self._stick.close()
            if self._fault is not None:
                raise StickError(self._fault)
        except Exception as error:
            self._give_up(error)
        os._exit(0)

    def _open_stick(self):
        self._stick = NcsdkStick(_api_module(self._config),
                                 [graph_buffer for graph_buffer, _ in self._config.graphs])
        self._send(Found(tuple(self._stick.device_names())))
        command = self.commands.get()
        if not isinstance(command, Open):   # stopped before there was a stick to open
            os._exit(0)
        self._stick.open_stick(command.device_name)
        self._send(Ready())

    def _work(self):
        next_reading_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= next_reading_at:
                self._send(Reading(*self._stick.thermal_state(), now))
                next_reading_at = now + READING_PERIOD_SEC
            try:
                command = self.commands.get(timeout=next_reading_at - now)
            except queue.Empty:
                continue
            if not isinstance(command, Infer):
                return
            started_at = time.monotonic()
            image = self._slots.image(command.slot, command.height, command.width)
            self._stick.send(preprocessing.network_input(image))
            self._under_way.put((command.sequence, started_at))

    def _take_results(self):
        try:
            while True:
                waited_for = self._under_way.get()
                if waited_for is None:
                    return
                sequence, started_at = waited_for
                detections, unusable = [], 0
                for output, (_, labels) in zip(self._stick.receive(), self._config.graphs):
                    found, dropped = ssd.decode(output, labels)
                    detections += found
                    unusable += dropped
                self._send(Result(sequence, tuple(detections), unusable,
                                  time.monotonic() - started_at))
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error):
        """Report and end: a failed call can leave the stick's library locked in this process."""
        text = str(error) if isinstance(error, StickError) else f'{type(error).__name__}: {error}'
        try:
            self._send(Fault(text))
        finally:
            os._exit(1)

    def _send(self, message):
        with self._send_lock:
            self._connection.send(message)


def _api_module(config):
    """Return the API module; the vendor's is imported here, where it may open what it likes."""
    if config.driver == 'simulated':
        from ncs_cluster_detector.simulation import mvncapi
        mvncapi.plug_in(config.bus)
    else:
        from mvnc import mvncapi
    return mvncapi
