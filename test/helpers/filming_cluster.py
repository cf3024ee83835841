# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A supervisor with four sticks, of which two are active, and a camera that never stops."""

import threading
import time

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import WorkerConfig
import numpy as np

DEADLINE_SEC = 60.0
TIMEOUT_SEC = 2.0
FRAME_PERIOD_SEC = 1 / 25


class Log:
    """A logger that keeps its warnings and errors."""

    def __init__(self):
        self.warnings = []
        self.errors = []

    def info(self, text):
        pass

    def warning(self, text):
        self.warnings.append(text)

    def error(self, text):
        self.errors.append(text)


def make_bus(**properties):
    """Return a SimulatedBus with four sticks."""
    return SimulatedBus(BusSpec(**{
        'sticks': 4, 'boot_ms': 50.0, 'inference_ms': 80.0, 'transfer_ms': 5.0,
        'library_faults': True, **properties}))


class Cluster:
    """A supervisor with a camera that never stops."""

    def __init__(self, bus=None, timeout_sec=TIMEOUT_SEC, workers=None):
        self.bus = make_bus() if bus is None else bus
        self.log = Log()
        self.came_at = []
        self.pictures_at = []   # how many pictures the camera had taken when each of these came
        self._pictures = 0
        self.supervisor = Supervisor(
            SupervisorOptions(
                workers or WorkerConfig(
                    SimulatedDriver(self.bus), (graphs.read_graph('shapes'),), (PASCAL_VOC,)),
                inference_timeout_sec=timeout_sec),
            Settings(cluster_size=2, cluster_switch_cycle_ms=500, min_dwell_ms=100),
            self._take, self.log)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self.supervisor.run),
                         threading.Thread(target=self._film)]
        for thread in self._threads:
            thread.start()

    def _film(self):
        image = np.zeros((240, 320, 3), dtype=np.uint8)
        while not self._over.wait(FRAME_PERIOD_SEC):
            self._pictures += 1
            self.supervisor.offer(Frame(self._pictures, image, None, time.monotonic()))

    def _take(self, frame, detections):
        self.came_at.append(time.monotonic())
        self.pictures_at.append(self._pictures)

    def stick(self, number):
        return self.supervisor.snapshot.sticks[number]

    def wait_for(self, condition):
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            assert time.monotonic() < deadline, (self.log.errors, self.supervisor.snapshot)
            threading.Event().wait(0.01)

    def states(self):
        return [stick.status.state for stick in self.supervisor.snapshot.sticks]

    def wait_until_all_run(self):
        self.wait_for(lambda: self.states() == [StickState.RUNNING] * 4)

    def wait_for_work(self):
        """Wait until detections flow; return the number of a stick that is at work."""
        before = len(self.came_at)
        self.wait_for(lambda: len(self.came_at) >= before + 5 and self.supervisor.snapshot.active)
        return self.supervisor.snapshot.active[0]

    def longest_gap_since(self, detections):
        """Return the most pictures between two detections, from this number of detections on."""
        pictures = [*self.pictures_at[detections - 1:], self._pictures]
        return max(after - before for before, after in zip(pictures, pictures[1:]))

    def close(self):
        self._over.set()
        self.supervisor.stop()
        for thread in self._threads:
            thread.join(DEADLINE_SEC)
            assert not thread.is_alive()
        self.bus.close()
