# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Which sticks a node works with: moved ones, those of another node, and those with bad cables.

The nodes import ``mvnc.mvncapi`` as on a robot, and hold the machine-wide lock while they start a
stick; the sticks are simulated, and those of all processes.
"""

import os
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.simulation import in_place_of_sdk
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from node_harness import NodeProcess
import numpy as np
import pytest

# All of it takes seconds; what takes longer than this never comes.
LIMIT_SEC = 60.0
# The longest rest of a stick that refuses its networks, as a part of the product's.
SHORTER = 5
PERIOD_SEC = 0.2   # between two pictures
IMAGE = np.zeros((48, 64, 3), dtype=np.uint8)


@pytest.fixture
def start_bus():
    """Return a function that makes a SimulatedBus with so many sticks."""
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

    def start(bus, namespace='', first='', **parameters):
        folders = [str(Path(in_place_of_sdk.__file__).parent), os.environ.get('PYTHONPATH', '')]
        started.append(NodeProcess(
            'detector_node',
            {'driver': 'mvnc', 'graph_paths': f"['{tmp_path / 'graph'}']",
             'diagnostic_updater.use_fqn': bool(namespace), **parameters},
            {'PYTHONPATH': ':'.join(filter(None, folders)), 'NCS_SIMULATED_BUS': bus.path},
            {'__ns': f'/{namespace}', 'image_raw': '/image_raw'}, first=first))
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
        """Tell whether so many sticks work, and the cluster has nothing to complain of."""
        return len(self.ports()) == sticks and self.cluster().level == DiagnosticStatus.OK


@pytest.fixture
def watch(probe):
    """Return a Watch."""
    return Watch(probe)


@pytest.mark.parametrize('max_sticks, one_by_one', [(3, False), (3, True), (0, False), (0, True)])
def test_a_hub_may_be_moved_to_other_ports(watch, start_bus, start_on, max_sticks, one_by_one):
    bus = start_bus(3)
    start_on(bus, max_sticks=max_sticks)
    watch.film_until(lambda: watch.is_ok_with(3))
    for here, there in (('1.1', '1.5'), ('1.2', '1.6'), ('1.3', '1.7')):
        bus.inject(here, 'unplug')
        if one_by_one:
            bus.inject(there, 'plug')
            moved_at = time.monotonic()
            watch.film_until(lambda: time.monotonic() > moved_at + 2.0)
    if not one_by_one:
        watch.film_until(lambda: len(watch.ports('ABSENT')) == 3)
        for there in ('1.5', '1.6', '1.7'):
            bus.inject(there, 'plug')
    answered = len(watch.probe.detections)
    watch.film_until(lambda: len(watch.probe.detections) > answered + 5 and watch.is_ok_with(3))
    assert watch.ports() == {0: '1.5', 1: '1.6', 2: '1.7'}


@pytest.mark.parametrize('apart_sec', [0.0, 0.5, 1.0, 2.0])
def test_two_nodes_share_the_sticks_out(watch, start_bus, start_on, apart_sec):
    bus = start_bus(4)
    nodes = [start_on(bus, 'one', max_sticks=2)]
    time.sleep(apart_sec)
    nodes.append(start_on(bus, 'two', max_sticks=2))
    owners = ('one/detector', 'two/detector')
    watch.film_until(lambda: all(len(watch.ports(owner=owner)) == 2 for owner in owners))
    used = [port for owner in owners for port in watch.ports(owner=owner).values()]
    assert sorted(used) == ['1.1', '1.2', '1.3', '1.4']
    watch.film_until(lambda: all(watch.cluster(owner).level == DiagnosticStatus.OK
                                 for owner in owners))
    assert [node.output for node in nodes if 'ERROR' in node.output] == []


@pytest.mark.parametrize('bad', [['1.1'], ['1.5'], ['1.1', '1.2']])
def test_sticks_with_bad_cables_keep_nobody_from_work(watch, start_bus, start_on, bad):
    bus = start_bus(5)
    for port in bad:
        bus.inject(port, 'error', 'allocate', 'OUT_OF_MEMORY')
    assert restart.LONGEST_REFUSED_DELAY_SEC <= 10.0
    node = start_on(bus, first='from ncs_cluster_detector.policy.reliability import restart\n'
                    f'restart.LONGEST_REFUSED_DELAY_SEC /= {SHORTER}')
    watch.film_until(lambda: len(watch.ports()) == 5 - len(bad))
    # In the end they rest as long as they ever do.
    numbers = [int(port.partition('.')[2]) - 1 for port in bad]
    for least_restarts in (1, 6):
        watch.film_until(lambda: all(
            int(watch.probe.status(f'detector: stick {number}')[1]['restarts']) >= least_restarts
            for number in numbers))
        assert 'OUT_OF_MEMORY' in watch.probe.status(
            f'detector: stick {numbers[0]}')[1]['last_error']
    for port in bad:
        bus.inject(port, 'clear')
    watch.film_until(lambda: watch.is_ok_with(5))
    assert node.output.count('OUT_OF_MEMORY') == len(bad)
