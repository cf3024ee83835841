# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The reserve of a detector node: an invented driver beside a simulated stick that goes."""

import os
import signal
import subprocess
import time

import invented_driver
from invented_package import make_copy
from ncs_cluster_detector.processes.module_path import python_command
from node_harness import DEADLINE_SEC
from node_harness import NodeProcess
import numpy as np
import pytest
from rclpy.qos import QoSDurabilityPolicy
from rclpy.qos import QoSProfile
from vision_msgs.msg import LabelInfo

LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
CLUSTER, RESERVE = 'detector: cluster', 'detector: reserve'


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    """Return the module path that leads to a package with the invented driver."""
    return make_copy(tmp_path_factory.mktemp('copy'))


@pytest.fixture
def start(path, tmp_path):
    """Return a function that starts a node with one simulated stick and a reserve."""
    started = []
    folder = tmp_path / 'paint'
    folder.mkdir()
    (folder / 'PAINT-invented').touch()
    graph = tmp_path / 'toy.graph'
    graph.write_bytes(invented_driver.GRAPH)

    def start_node(**parameters):
        started.append(NodeProcess('detector_node', {
            'driver': 'simulated', 'graph_paths': "['faces']", 'simulated.sticks': '1',
            'simulated.boot_ms': '0.0', 'reserve': 'invented:PAINT',
            'reserve_graph_paths': f"['{graph}']", **parameters}, {
                'PYTHONPATH': path, 'INVENTED_PAINT': str(folder)}))
        return started[-1]

    yield start_node
    for process in started:
        process.end()


@pytest.fixture
def inject(path):
    """Return a function that does something to the simulated stick of a node."""
    def do(node, word):
        subprocess.run(
            [*python_command('from ncs_cluster_detector.simulation.faults.__main__ import main\n'
                             'main()'), '1.1', word, '--pid', str(node.pid)],
            check=True, env={**os.environ, 'PYTHONPATH': path})
    return do


def blue():
    """Return a picture in which only the invented driver finds a person."""
    image = np.full((120, 160, 3), 90, np.uint8)
    image[30:60, 40:80] = (255, 0, 0)
    return image


def labels_in(answer):
    return [found.results[0].hypothesis.class_id for found in answer.detections]


def detect_until_a_person_is_found(probe):
    deadline = time.monotonic() + DEADLINE_SEC
    while 'person' not in labels_in(probe.detect(blue())[1]):
        assert time.monotonic() < deadline, probe.status(CLUSTER)


def wait_for_state(probe, state):
    probe.wait_for(lambda: probe.status(RESERVE) and probe.status(RESERVE)[1]['state'] == state)


def test_it_works_while_the_stick_is_unplugged_and_that_is_told(probe, start, inject):
    information = []
    probe.listen(LabelInfo, 'label_info', information, LATCHED)
    node = start(reserve_warm='true')
    wait_for_state(probe, 'RUNNING')
    probe.wait_for(lambda: probe.status('detector: stick 0') and probe.status(
        'detector: stick 0')[1]['state'] == 'RUNNING')
    _, answer = probe.detect(blue())
    assert labels_in(answer) == []   # the sticks look for faces
    assert probe.next_status(RESERVE)['active'] == 'false'
    status, values = probe.status(RESERVE)
    assert (status.level, status.hardware_id) == (OK, 'PAINT-invented')
    assert status.message == 'loaded, works when no stick is usable'
    assert values['temperature_celsius'] == 'unknown'
    assert (values['inferences'], values['times_worked']) == ('0', '0')
    assert values['works_for_sec'] == ''
    assert {'face', 'person'} <= {each.class_name for each in information[0].class_map}

    inject(node, 'unplug')
    node.wait_for_line('the reserve works, 0 of 1 stick usable: stick 0 ')
    detect_until_a_person_is_found(probe)
    probe.wait_for(lambda: probe.status(CLUSTER)[0].level == WARN and (
        'the reserve works, 0 of 1 stick usable: stick 0 not plugged in'
        in probe.status(CLUSTER)[0].message))
    cluster = probe.status(CLUSTER)[1]
    assert (cluster['active_sticks'], cluster['effective_cluster_size']) == ('', '0')
    probe.wait_for(lambda: probe.status(RESERVE)[1]['works_for_sec'])
    status, values = probe.status(RESERVE)
    assert status.level == OK
    assert (values['active'], values['times_worked'], values['usable_sticks']) == (
        'true', '1', '0')
    lines = [line for line in node.output.splitlines() if 'the reserve works' in line]
    assert len(lines) == 1
    assert '[WARN]' in lines[0]

    killed = int(values['pid'])
    os.kill(killed, signal.SIGKILL)
    probe.wait_for(lambda: probe.status(RESERVE)[1]['restarts'] == '1' and probe.status(
        RESERVE)[1]['state'] == 'RUNNING')
    detect_until_a_person_is_found(probe)

    inject(node, 'plug')
    node.wait_for_line('the reserve rests again, 1 of 1 stick usable; it was needed for')
    probe.wait_for(lambda: probe.status(RESERVE)[1]['active'] == 'false')
    inferences = probe.next_status(RESERVE)['inferences']
    _, answer = probe.detect(blue())
    assert labels_in(answer) == []
    assert probe.next_status(RESERVE)['inferences'] == inferences
    probe.wait_for(lambda: probe.status(CLUSTER)[0].level == OK)
    assert [name for name, _ in probe.node.get_topic_names_and_types()
            if name.endswith('/temperature')] == ['/detector/stick_0/temperature']
    assert sum('the reserve works' in line for line in node.output.splitlines()) == 1


def test_a_normal_start_warns_of_nothing_and_a_cold_reserve_has_no_process(probe, start):
    node = start(**{'simulated.boot_ms': '1500.0'})
    probe.wait_for(lambda: probe.status('detector: stick 0') and probe.status(
        'detector: stick 0')[1]['state'] == 'RUNNING')
    probe.detect(blue())
    values = probe.next_status(RESERVE)
    assert (values['state'], values['pid'], values['times_worked']) == ('NOT_LOADED', '', '0')
    assert probe.status(RESERVE)[0].message == 'not loaded, starts when no stick is usable'
    assert 'the reserve' not in node.output


def test_without_any_stick_a_cold_one_is_loaded_and_works(probe, start):
    node = start(**{'simulated.sticks': '0'})
    detect_until_a_person_is_found(probe)
    probe.wait_for(lambda: 'the reserve works, 0 of 0 sticks usable: no stick found: start the '
                   'node with simulated.sticks above 0' in probe.status(CLUSTER)[0].message)
    assert probe.status(CLUSTER)[0].level == WARN
    node.wait_for_line('no stick found: start the node with simulated.sticks above 0')


def test_the_number_of_sticks_that_are_too_few_changes_live(probe, start):
    start(reserve_warm='true')
    wait_for_state(probe, 'RUNNING')
    probe.detect(blue())
    assert probe.set_parameter('reserve_below', 2) == (True, '')
    probe.wait_for(lambda: probe.status(RESERVE)[1]['active'] == 'true')
    assert probe.set_parameter('reserve_below', 1) == (True, '')
    probe.wait_for(lambda: probe.status(RESERVE)[1]['active'] == 'false')
    successful, reason = probe.set_parameter('reserve_below', 0)
    assert not successful
    assert reason.startswith('reserve_below=0: must be a whole number, 1 to 64')
    successful, reason = probe.set_parameter('reserve', 'simulated:CPU')
    assert not successful
    assert reason.startswith('reserve=simulated:CPU: must be one of invented:PAINT, ')
