# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A supervisor at work on simulated sticks, for tests."""

import threading
import time

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.messages import WorkerConfig
import numpy as np

DEADLINE_SEC = 60.0
RUNNING = StickState.RUNNING
QUICK = {'boot_ms': 0.0, 'inference_ms': 5.0, 'transfer_ms': 1.0}


def picture(value=0):
    """Return a picture with one blue rectangle."""
    image = np.full((240, 320, 3), value, dtype=np.uint8)
    image[60:120, 80:160] = (255, 0, 0)
    return image


class Log:
    """A logger that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append(('info', text))

    def warning(self, text):
        self.lines.append(('warning', text))

    def error(self, text):
        self.lines.append(('error', text))


class Bench:
    """A supervisor at work in its thread, and what it published."""

    def __init__(self, bus, settings=Settings(), driver=SimulatedDriver,
                 graph=graphs.read_graph('shapes'), **options):
        self.published, self.unreadable = [], []
        self.log = Log()
        self.bus = SimulatedBus(bus)
        self.options = SupervisorOptions(
            workers=WorkerConfig(driver(self.bus), GraphFiles([graph]),
                                 (PASCAL_VOC,)), **options)
        self.supervisor = Supervisor(
            self.options, settings,
            lambda frame, detections: self.published.append((frame, detections)), self.log,
            lambda frame, why: self.unreadable.append((frame, why)))
        self._thread = threading.Thread(target=self.supervisor.run)
        self._thread.start()
        self._number = 0

    @property
    def offered(self):
        return self._number

    @property
    def is_at_work(self):
        return self._thread.is_alive()

    def offer(self, image, camera=0, kind=Frame, header=None, **more):
        self._number += 1
        self.supervisor.offer(kind(self._number, image, header or f'header {self._number}',
                                   time.monotonic(), camera, **more))

    def wait_for(self, condition):
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            assert time.monotonic() < deadline, self.log.lines
            threading.Event().wait(0.01)

    def film(self, frames_per_sec, until):
        """Offer pictures at a rate until a condition holds."""
        deadline, image, pause = time.monotonic() + DEADLINE_SEC, picture(), threading.Event()
        while not until():
            assert time.monotonic() < deadline, self.supervisor.snapshot
            self.offer(image)
            pause.wait(1 / frames_per_sec)

    def wait_for_states(self, *states):
        self.wait_for(lambda: [stick.status.state for stick in self.supervisor.snapshot.sticks] ==
                      list(states))

    def close(self):
        self.supervisor.stop()
        self._thread.join(DEADLINE_SEC)
        assert not self._thread.is_alive()
