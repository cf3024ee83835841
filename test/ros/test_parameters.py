# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Parameters: the table against the node, and every kind of request through the real services."""

from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
import pytest
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import ListParameters
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from rclpy.parameter import parameter_value_to_python


@pytest.fixture(scope='module')
def asked():
    """Return a probe and a detector node without sticks that all tests of this module share."""
    from node_harness import NodeProcess
    from node_harness import Probe
    node = NodeProcess('detector_node', {'driver': 'simulated', 'simulated.sticks': '3',
                                         'graph_paths': "['shapes', 'shapes']"})
    with Probe() as probe:
        yield probe, node
    node.end()


def call(probe, service_type, name, **request):
    """Call a service of the detector and return its answer."""
    return probe.call(service_type, f'detector/{name}', service_type.Request(**request))


def value_of(probe, name):
    """Return the value that the node gives for a parameter."""
    (value,) = call(probe, GetParameters, 'get_parameters', names=[name]).values
    return parameter_value_to_python(value)


def test_every_parameter_is_described_as_documentation(asked):
    probe, _ = asked
    listed = call(probe, ListParameters, 'list_parameters').result.names
    specs = {spec.name: spec for spec in PARAMETERS}
    assert set(specs) <= set(listed)
    described = call(probe, DescribeParameters, 'describe_parameters', names=list(specs))
    for descriptor in described.descriptors:
        spec = specs[descriptor.name]
        assert descriptor.read_only != spec.live
        assert len(descriptor.description) > 40
        shown = {'': 'empty', '[]': 'empty', 'False': 'false', 'True': 'true'}.get(
            str(spec.default), str(spec.default))
        assert descriptor.description.endswith(f' Default: {shown}.')
        assert ('Live.' in descriptor.description) == spec.live
        if isinstance(spec.default, list):
            assert descriptor.additional_constraints == ('' if spec.low is None else spec.rule)
        elif spec.low is not None:
            (limits,) = descriptor.integer_range or descriptor.floating_point_range
            assert (limits.from_value, limits.to_value) == (spec.low, spec.high)


def test_list_parameters_have_the_type_of_their_elements(asked):
    probe, _ = asked
    (value,) = call(probe, GetParameters, 'get_parameters', names=['class_filter']).values
    assert value.type == ParameterType.PARAMETER_STRING_ARRAY
    assert list(value.string_array_value) == []


@pytest.mark.parametrize('name, value, stored', [
    ('cluster_size', 2, 2), ('cluster_size', 0, 0), ('cluster_switch_cycle_ms', 0, 0),
    ('cluster_switch_cycle_ms', 3600000, 3600000), ('switch_temperature', 70, 70.0),
    ('switch_temperature', 20.0, 20.0), ('switch_temperature', 95.0, 95.0),
    ('resume_margin', 40.0, 40.0), ('critical_margin', 0.0, 0.0), ('min_dwell_ms', 600000, 600000),
    ('rotation_policy', 'round_robin', 'round_robin'), ('score_threshold', 1, 1.0),
    ('score_threshold', 0.0, 0.0), ('class_filter', ['car', 'cat'], ['car', 'cat']),
    ('class_filter', [], []), ('max_frame_age_ms', 0, 0)])
def test_a_good_value_is_taken_and_logged_once(asked, name, value, stored):
    probe, node = asked
    before = value_of(probe, name)
    assert probe.set_parameter(name, value) == (True, '')
    assert value_of(probe, name) == stored
    if before != stored:
        node.wait_for_line(f'{name} {before} -> {stored}')


@pytest.mark.parametrize('name, value, reason', [
    ('cluster_size', 65, 'cluster_size=65: must be a whole number, 0 to 64 (now '),
    ('cluster_size', -1, 'cluster_size=-1: must be a whole number, 0 to 64 (now '),
    ('cluster_size', 2.0, 'cluster_size=2.0: must be a whole number, 0 to 64 (now '),
    ('cluster_size', True, 'cluster_size=True: must be a whole number'),
    ('cluster_size', False, 'cluster_size=False: must be a whole number'),
    ('score_threshold', False, 'score_threshold=False: must be a number'),
    ('class_filter', 5, 'class_filter=5: must be a list of texts'),
    ('rotation_policy', '', 'rotation_policy=: must be one of'),
    ('cluster_size', 4, 'cluster_size=4: more than there can ever be (simulated.sticks=3); use '
     '0..3 (0 = all, no rotation)'),
    ('cluster_switch_cycle_ms', 3600001, 'cluster_switch_cycle_ms=3600001: must be'),
    ('switch_temperature', 95.1, 'switch_temperature=95.1: must be a number, 20.0 to 95.0 (now '),
    ('switch_temperature', float('nan'), 'switch_temperature=nan: must be a number'),
    ('switch_temperature', float('inf'), 'switch_temperature=inf: must be a number'),
    ('switch_temperature', '70', 'switch_temperature=70: must be a number'),
    ('resume_margin', -0.1, 'resume_margin=-0.1: must be a number, 0.0 to 40.0'),
    ('min_dwell_ms', 600001, 'min_dwell_ms=600001: must be'),
    ('rotation_policy', 'a\nb', 'rotation_policy=a b: must be one of'),
    ('rotation_policy', 'random', 'rotation_policy=random: must be one of coolest, round_robin'),
    ('score_threshold', 60.0, 'score_threshold=60.0: must be a number, 0.0 to 1.0'),
    ('class_filter', ['persn'], "did you mean 'person'?"),
    ('class_filter', [1, 2], 'class_filter=[1, 2]: must be a list of texts'),
    ('driver', 'mvnc', 'driver=mvnc: cannot change while the node runs (now simulated); start the '
     'node again with -p driver:=mvnc'),
    ('simulated.sticks', 2, 'simulated.sticks=2: cannot change while the node runs'),
    ('clustersize', 2, 'clustersize=2: no such parameter; did you mean cluster_size?'),
    ('Cluster-Size', 2, 'Cluster-Size=2: no such parameter; did you mean cluster_size?'),
    ('fps', 9.0, 'fps=9.0: no such parameter; the camera node has it, give it to that one')])
def test_a_bad_value_changes_nothing_and_is_answered_in_one_line(asked, name, value, reason):
    probe, node = asked
    known = name in {spec.name for spec in PARAMETERS}
    before = value_of(probe, name) if known else None
    successful, answer = probe.set_parameter(name, value)
    assert not successful
    assert reason in answer
    assert answer.startswith(f'{name}=')
    assert '\n' not in answer
    node.wait_for_line(f'refused: {answer}')
    if known:
        assert value_of(probe, name) == before


def test_values_set_together_are_all_taken_or_none(asked):
    probe, _ = asked
    before = value_of(probe, 'cluster_size')
    answer = call(probe, SetParametersAtomically, 'set_parameters_atomically', parameters=[
        Parameter('cluster_size', value=1).to_parameter_msg(),
        Parameter('switch_temperature', value=200.0).to_parameter_msg()])
    assert not answer.result.successful
    assert answer.result.reason.startswith('switch_temperature=200.0: ')
    assert value_of(probe, 'cluster_size') == before


def test_an_accepted_value_takes_effect(asked):
    probe, _ = asked
    probe.wait_for_running(3)
    # Sticks that were too hot for what other tests have set come back after the dwell time.
    for name, value in (*((spec.name, spec.default) for spec in PARAMETERS if spec.live),
                        ('min_dwell_ms', 0)):
        assert probe.set_parameter(name, value) == (True, '')
    for size in (1, 3, 2):
        assert probe.set_parameter('cluster_size', size) == (True, '')
        probe.wait_for(lambda: probe.status(
            'detector: cluster')[1]['effective_cluster_size'] == str(size))
