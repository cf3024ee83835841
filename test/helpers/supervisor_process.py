# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A program with a supervisor that keeps all simulated sticks of a bus at work until it is killed.

It says so in a line once they all have given results; its argument is the path of the bus.
"""

import sys
import threading
import time

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import WorkerConfig
import numpy as np

FRAME_PERIOD_SEC = 0.01


class Silence:
    """A logger that keeps quiet."""

    def info(self, text):
        """Drop it."""

    warning = error = info


def main(path):
    """Film until this process is killed."""
    bus = SimulatedBus.attach(path)
    config = WorkerConfig(
        SimulatedDriver(bus), (graphs.read_graph('shapes'),), (PASCAL_VOC,))
    supervisor = Supervisor(
        SupervisorOptions(config), Settings(), lambda frame, detections: None, Silence())
    threading.Thread(target=supervisor.run).start()
    image, number, has_said = np.zeros((240, 320, 3), dtype=np.uint8), 0, False
    while True:
        number += 1
        supervisor.offer(Frame(number, image, None, time.monotonic()))
        time.sleep(FRAME_PERIOD_SEC)
        sticks = supervisor.snapshot.sticks
        if not has_said and len(sticks) == bus.bus.sticks and all(
                stick.inferences for stick in sticks):
            has_said = True
            print('at work', flush=True)


if __name__ == '__main__':
    main(sys.argv[1])
