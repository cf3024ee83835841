# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A second node of the same name, and a second detector for the same topic: both tell of it."""

import signal
import time

from node_harness import NodeProcess
import pytest

OK, WARN = b'\x00', b'\x01'
QUICK = {'driver': 'simulated', 'simulated.sticks': '1', 'simulated.boot_ms': '0.0'}
PATTERN = {'source': 'test_pattern', 'width': 64, 'height': 48, 'fps': 5.0}
NAMED = 'named /{}: rename one (-r __node:=another), move it (-r __ns:=/another), or stop it'
ON = '/{} publishes on /{}, too: move one (-r __ns:=/another), or stop it'
GONE = 'no other node has the name or the topics of this one any more'


@pytest.fixture
def start():
    """Return a function that starts a node; all are ended after the test."""
    started = []

    def start_node(executable, parameters, **remappings):
        started.append(NodeProcess(executable, parameters, remappings=remappings))
        return started[-1]

    yield start_node
    for node in started:
        node.end()


def lines_with(node, text):
    return [line for line in node.output.splitlines() if text in line]


def told(probe, name):
    """Return levels and messages of all statuses of a name so far."""
    return [(status.level, status.message) for array in list(probe.diagnostics)
            for status in array.status if status.name == name]


@pytest.mark.parametrize('executable, parameters, name, status', [
    ('detector_node', QUICK, 'detector', 'detector: cluster'),
    ('camera_node', PATTERN, 'camera', 'camera: test_pattern')])
def test_two_of_one_name_are_told_of_each_other_until_one_is_gone(
        start, probe, executable, parameters, name, status):
    text = f'1 other node {NAMED.format(name)}'
    first = start(executable, parameters)
    probe.wait_for(lambda: len(told(probe, status)) > 3)
    assert all('other node' not in message for _, message in told(probe, status))
    second = start(executable, parameters)
    for node in (first, second):
        node.wait_for_line(text)
    # Both publish it, each once a second: more than one could.
    del probe.diagnostics[:]
    began = time.monotonic()
    probe.wait_for(lambda: len(told(probe, status)) > 7)
    assert time.monotonic() - began < 7.0
    assert all(level >= WARN and text in message for level, message in told(probe, status))

    second.end()
    first.wait_for_line(GONE)
    probe.wait_for(lambda: 'other node' not in told(probe, status)[-1][1])
    for node in (first, second):
        (line,) = lines_with(node, 'other node named')
        assert '[WARN]' in line
    (line,) = lines_with(first, GONE)
    assert '[INFO]' in line


def test_two_detectors_on_one_topic_are_told_of_each_other(start, probe):
    first = start('detector_node', {**QUICK, 'cameras': "['front', 'rear']"})
    first.wait_for_line('stick 0')
    second = start('detector_node', {**QUICK, 'cameras': "['rear']"}, __node='other')
    first.wait_for_line(ON.format('other', 'rear/detections'))
    second.wait_for_line(ON.format('detector', 'rear/detections'))
    probe.wait_for(lambda: ON.format('other', 'rear/detections') in {
        message.partition('; ')[0] for _, message in told(probe, 'detector: cluster')})
    second.signal(signal.SIGINT)
    first.wait_for_line(GONE)


def test_nodes_in_other_namespaces_are_no_rivals(start, probe):
    nodes = [start(executable, {**parameters, 'diagnostic_updater.use_fqn': 'true'},
                   __ns=f'/{side}')
             for side in ('left', 'right')
             for executable, parameters in (('detector_node', QUICK), ('camera_node', PATTERN))]
    names = [f'{side}/{kind}' for side in ('left', 'right')
             for kind in ('detector: cluster', 'camera: test_pattern')]
    probe.wait_for(lambda: all(len(told(probe, name)) > 4 for name in names))
    for node, name in zip(nodes, names):
        assert 'move' not in node.output
        assert all('move' not in message for _, message in told(probe, name))


def test_one_that_was_killed_is_no_rival_of_its_successor(start, probe):
    first = start('camera_node', PATTERN)
    status = 'camera: test_pattern'
    probe.wait_for(lambda: told(probe, status))
    first.signal(signal.SIGKILL)
    first.wait()
    probe.wait_for(lambda: probe.node.get_node_names().count('camera') == 1)   # still there
    second = start('camera_node', PATTERN)
    probe.wait_for(lambda: probe.node.get_node_names().count('camera') == 2)
    del probe.diagnostics[:]
    probe.wait_for(lambda: len(told(probe, status)) > 6)
    assert {level for level, _ in told(probe, status)} == {OK}
    assert 'other node' not in second.output
