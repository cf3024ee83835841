# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
What the tests share of which sticks a node works with.

The nodes import ``mvnc.mvncapi`` as on a robot, and hold the machine-wide lock while they start a
stick; the sticks are simulated, and those of all processes.
"""

import os
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.simulation import in_place_of_sdk
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from node_harness import NodeProcess
import numpy as np
import pytest

# All of it takes seconds; what takes longer than this never comes.
LIMIT_SEC = 60.0
PERIOD_SEC = 0.2   # between two pictures
IMAGE = np.zeros((48, 64, 3), dtype=np.uint8)


@pytest.fixture
def start_bus():
    """Return a function that makes a SimulatedBus with a number of sticks."""
    made = []

    def make(sticks):
        made.append(SimulatedBus(BusSpec(
            sticks=sticks, boot_ms=200.0, inference_ms=20.0, transfer_ms=5.0)))
        return made[-1]

    yield make
    for bus in made:
        bus.close()


@pytest.fixture
def start_on(tmp_path):
    """Return a function that starts a node on a bus; all are ended after the test."""
    started = []
    (tmp_path / 'graph').write_bytes(b'detector: shapes\n')

    def start(bus, namespace='', before='', **parameters):
        folders = [str(Path(in_place_of_sdk.__file__).parent), os.environ.get('PYTHONPATH', '')]
        started.append(NodeProcess(
            'detector_node',
            {'driver': 'mvnc', 'graph_paths': f"['{tmp_path / 'graph'}']",
             'diagnostic_updater.use_fqn': bool(namespace), **parameters},
            {'PYTHONPATH': ':'.join(filter(None, folders)), 'NCS_SIMULATED_BUS': bus.path},
            {'__ns': f'/{namespace}', 'image_raw': '/image_raw'}, before=before))
        return started[-1]

    yield start
    for process in started:
        process.end()


class Watch:
    """What the nodes on a probe's /diagnostics say."""

    def __init__(self, probe):
        self.probe = probe

    def cluster(self, owner='detector'):
        """Return the newest status of the cluster, or None."""
        found = self.probe.status(f'{owner}: cluster')
        return found and found[0]

    def ports(self, state='RUNNING', owner='detector'):
        """Return the ports of the sticks in a state, by their numbers."""
        array = next((array for array in reversed(self.probe.diagnostics)
                      if array.status[0].name == f'{owner}: cluster'), None)
        statuses = array.status if array else ()
        return {int(status.name.split()[-1]): status.hardware_id.partition('-')[0]
                for status in statuses[1:] for item in status.values
                if (item.key, item.value) == ('state', state)}

    def film_until(self, condition, within_sec=LIMIT_SEC):
        """Publish pictures until a condition holds."""
        since = time.monotonic()
        while not condition():
            assert time.monotonic() - since < within_sec, (
                self.cluster() and self.cluster().message, self.ports())
            self.probe.publish(self.probe.image_message(IMAGE))
            time.sleep(PERIOD_SEC)

    def is_ok_with(self, sticks):
        """Return whether this number of sticks works, and the cluster is OK."""
        return len(self.ports()) == sticks and self.cluster().level == DiagnosticStatus.OK


@pytest.fixture
def watch(probe):
    """Return a Watch."""
    return Watch(probe)
