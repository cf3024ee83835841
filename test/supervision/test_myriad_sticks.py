# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Neural Compute Sticks 2 by the driver ``openvino``: the rotation, and whatever one stick does.

Real workers, the real OpenVINO for the networks, and the double of its sticks.
"""

import os
import signal

from filming_cluster import Cluster
from filming_cluster import FRAME_PERIOD_SEC
from filming_cluster import make_bus
from filming_cluster import TIMEOUT_SEC
from myriad_driver import MyriadDriver
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.messages import WorkerConfig
import onnx_networks
from openvino_bench import skip_without_openvino
import pytest

skip_without_openvino()
PORTS = ('1.1', '1.2', '1.3', '1.4')
# As in the tests of mvnc: another stick steps in before the one that hangs is ended.
MOST_PICTURES_IN_A_GAP = TIMEOUT_SEC / FRAME_PERIOD_SEC
LABELS = ('background', 'dog', 'red thing')


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """Return a network as the driver has read it."""
    path = tmp_path_factory.mktemp('network') / 'red.onnx'
    path.write_bytes(onnx_networks.red_yolo((96, 64), 8))
    return MyriadDriver(('MYRIAD', 'CPU')).read_graph(str(path))


@pytest.fixture
def start_cluster(network):
    """Return a function that starts a Cluster with simulated NCS 2."""
    started = []

    def start(**properties):
        bus = make_bus(chip='ma2480', **properties)
        started.append(Cluster(bus, workers=WorkerConfig(
            MyriadDriver(('MYRIAD',), 1, bus), GraphFiles([network]), (LABELS,))))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
def cluster(start_cluster):
    """Return a Cluster at work."""
    return start_cluster()


def kill(cluster, number):
    os.kill(cluster.stick(number).pid, signal.SIGKILL)


def stop(cluster, number):
    os.kill(cluster.stick(number).pid, signal.SIGSTOP)


def unplug(cluster, number):
    cluster.bus.inject(PORTS[number], 'unplug')


def hang(cluster, number):
    cluster.bus.inject(PORTS[number], 'hang', 'all')


def test_four_sticks_take_turns_and_tell_their_temperatures(cluster):
    cluster.wait_until_all_run()
    assert [stick.device_name for stick in cluster.supervisor.snapshot.sticks] == [
        f'{port}-ma2480' for port in PORTS]
    cluster.wait_for(lambda: all(stick.inferences > 0
                                 for stick in cluster.supervisor.snapshot.sticks))
    assert len(cluster.supervisor.snapshot.active) == 2
    assert cluster.supervisor.snapshot.last_switch_reason is SwitchReason.CYCLE
    cluster.wait_for(lambda: all(
        stick.status.has_thermometer and 20.0 < (stick.status.celsius or 0.0) < 90.0
        for stick in cluster.supervisor.snapshot.sticks))


def test_a_stick_that_gets_hot_is_relieved(start_cluster):
    cluster = start_cluster(ambient_celsius=30.0, rise_celsius=90.0, time_constant_sec=4.0)
    cluster.wait_until_all_run()
    cluster.wait_for(lambda: cluster.supervisor.snapshot.last_switch_reason in (
        SwitchReason.TEMPERATURE, SwitchReason.CRITICAL))


@pytest.mark.parametrize('fault', [kill, stop, unplug, hang], ids=lambda fault: fault.__name__)
def test_detections_go_on_and_the_stick_comes_back(cluster, fault):
    cluster.wait_until_all_run()
    number = cluster.wait_for_work()
    detections = len(cluster.came_at)
    fault(cluster, number)
    cluster.wait_for(lambda: cluster.stick(number).restarts >= 1)
    assert cluster.stick(number).last_error
    if fault is hang:
        cluster.bus.inject(PORTS[number], 'clear')
    if fault is unplug:
        cluster.wait_for(lambda: cluster.stick(number).status.state is StickState.ABSENT)
        cluster.bus.inject(PORTS[number], 'plug')
    inferences = cluster.stick(number).inferences
    cluster.wait_until_all_run()
    assert cluster.longest_gap_since(detections) < MOST_PICTURES_IN_A_GAP
    cluster.wait_for(lambda: cluster.stick(number).inferences > inferences)


def test_a_stick_that_is_plugged_in_later_joins(cluster):
    cluster.wait_until_all_run()
    cluster.bus.inject('1.9', 'plug')
    cluster.wait_for(lambda: len(cluster.supervisor.snapshot.sticks) == 5 and
                     cluster.stick(4).inferences > 0)
    assert cluster.stick(4).device_name == '1.9-ma2480'


def test_a_single_stick_has_its_port_too(start_cluster):
    cluster = start_cluster(sticks=1)
    cluster.wait_for(lambda: cluster.states() == [StickState.RUNNING])
    assert cluster.stick(0).device_name == '1.1-ma2480'


def test_a_processor_works_beside_sticks(network):
    bus = make_bus(chip='ma2480', sticks=2)
    cluster = Cluster(bus, workers=WorkerConfig(
        MyriadDriver(('MYRIAD', 'CPU'), 1, bus), GraphFiles([network]), (LABELS,)))
    try:
        cluster.wait_for(lambda: cluster.states() == [StickState.RUNNING] * 3)
        names = {stick.device_name: stick for stick in cluster.supervisor.snapshot.sticks}
        assert names.keys() == {'1.1-ma2480', '1.2-ma2480', 'CPU-openvino'}
        cluster.wait_for(lambda: {name: stick.inferences > 0 for name, stick in (
            (stick.device_name, stick) for stick in cluster.supervisor.snapshot.sticks)}
            == dict.fromkeys(names, True))
        assert not names['CPU-openvino'].status.has_thermometer
        for port in PORTS[:2]:
            bus.inject(port, 'unplug')
        before = len(cluster.came_at)
        cluster.wait_for(lambda: len(cluster.came_at) >= before + 20)
    finally:
        cluster.close()
