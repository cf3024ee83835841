# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the detector node says when a parameter is changed, and when no switch is possible."""

from live_changes import SHAPES
from live_changes import switch_cluster
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from node_harness import NodeProcess
from node_harness import Probe
import pytest


@pytest.fixture(scope='module')
def shared_node():
    """Return a probe and a detector of three sticks, which the tests of this module share."""
    node = NodeProcess('detector_node', {**SHAPES, 'driver': 'simulated', 'simulated.sticks': '3'})
    with Probe() as probe:
        probe.wait_for_running(3)
        yield probe, node
    node.end()


@pytest.fixture
def node_of_three(shared_node):
    """Return the probe and the detector, its live parameters at their defaults."""
    probe, node = shared_node
    for spec in PARAMETERS:
        assert not spec.live or probe.set_parameter(spec.name, spec.default) == (True, '')
    node.forget()
    return probe, node


def test_a_switch_that_cannot_be_says_why(node_of_three):
    done, text = switch_cluster(node_of_three[0])
    assert not done
    assert text == ('no other stick: all 3 are active (cluster_size=0); lower it, or add sticks')


@pytest.mark.parametrize('name, value, line', [
    ('switch_temperature', 70.0, 'switch_temperature 65.0 -> 70.0 (a relieved stick returns below '
     '65.0 C, rests in any case from 80.0 C)'),
    ('cluster_size', 2, 'cluster_size 0 -> 2 (2 of 3 sticks active, the others rest)'),
    ('cluster_switch_cycle_ms', 0, 'cluster_switch_cycle_ms 10000 -> 0 (changes by temperature '
     'only, at 65.0 C)'),
])
def test_a_change_is_logged_with_what_it_means(node_of_three, name, value, line):
    probe, node = node_of_three
    assert probe.set_parameter(name, value) == (True, '')
    node.wait_for_line(line)


def test_a_size_for_more_sticks_than_there_are_now_is_a_warning(node_of_three):
    probe, _ = node_of_three
    assert probe.set_parameter('cluster_size', 2)[0]
    assert probe.set_parameter('switch_temperature', 29.0)[0]   # all are hot at once
    probe.wait_for(lambda: probe.status('detector: cluster')[0].level == b'\x01')
