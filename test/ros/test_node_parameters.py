# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters that a node has: when its rules are asked, and what it is told of changes."""

from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.ros.parameters import NodeParameters
from ncs_cluster_detector.ros.parameters import StartupError
import pytest
import rclpy
from rclpy.parameter import Parameter

TABLE = (ParameterSpec('low', 1, 'The lower one.', 0, 9, live=True),
         ParameterSpec('high', 5, 'The higher one.', 0, 9, live=True),
         ParameterSpec('names', [], 'Names.', live=True),
         ParameterSpec('fixed', [''], 'Fixed names.'),
         ParameterSpec('most', 9, 'The highest one; not live.', 0, 99))


@pytest.fixture
def node():
    """Return a plain node with the value 3 for ``low``."""
    context = rclpy.Context()
    rclpy.init(context=context)
    running = rclpy.create_node('plain', context=context, parameter_overrides=[
        Parameter('low', value=3), Parameter('fixed', Parameter.Type.STRING_ARRAY, [])])
    yield running
    running.destroy_node()
    rclpy.shutdown(context=context)


def refuse_crossing(values):
    """Refuse a lower value above the higher one."""
    if values['low'] > values['high']:
        raise ValueError(f'low={values["low"]}: above high={values["high"]}; lower it')
    if values['high'] > values['most']:
        raise ValueError(f'high={values["high"]}: above most={values["most"]}; lower it')


@pytest.fixture
def changing(node):
    """Return its NodeParameters, which take changes, and the list of these."""
    changes = []
    parameters = NodeParameters(node, TABLE, 'plain', [])
    parameters.accept_changes(refuse_crossing, lambda *change: changes.append(change))
    return parameters, changes


def answers(node, **values):
    """Set parameters one by one; return the reason of each refusal, or ''."""
    return [result.reason for result in node.set_parameters(
        [Parameter(name, value=value) for name, value in values.items()])]


def test_rules_are_asked_when_the_node_has_what_they_need(node):
    parameters = NodeParameters(node, TABLE, 'plain', [])
    assert parameters.values() == {'low': 3, 'high': 5, 'names': [], 'fixed': [''],
                                   'most': 9}
    asked = []
    parameters.accept_changes(asked.append, lambda before, after: None)
    assert asked == [parameters.values()]


def test_values_that_do_not_go_together_end_the_start(node):
    table = (TABLE[0], ParameterSpec('high', 2, 'The higher one.', 0, 9, live=True))
    parameters = NodeParameters(node, table, 'plain', [])
    with pytest.raises(StartupError, match='^low=3: above high=2; lower it$'):
        parameters.accept_changes(refuse_crossing, lambda before, after: None)


def test_a_change_is_told_once_with_all_values(node, changing):
    parameters, changes = changing
    before = parameters.values()
    assert node.set_parameters_atomically(
        [Parameter('low', value=6), Parameter('high', value=7)]).successful
    assert changes == [(before, before | {'low': 6, 'high': 7})]


def test_a_refusal_changes_nothing_and_has_no_effect_on_the_next_request(node, changing):
    parameters, changes = changing
    before = parameters.values()
    assert answers(node, low=6) == ['low=6: above high=5; lower it']
    assert answers(node, lo=1) == ['lo=1: no such parameter; did you mean low?']
    assert answers(node, low=10) == ['low=10: must be a whole number, 0 to 9 (now 3); nothing '
                                     'was changed, set it to such a value']
    assert (parameters.values(), changes) == (before, [])
    assert answers(node, low=4, high=4) == ['', '']
    assert len(changes) == 2


def test_what_is_as_it_was_is_accepted_and_is_no_change(node, changing):
    _, changes = changing
    assert answers(node, low=3, fixed=['']) == ['', '']
    assert node.set_parameters_atomically([]).successful
    assert changes == []


def test_a_fixed_value_is_refused_as_a_restart_would_refuse_it(node, changing):
    parameters, changes = changing
    before = parameters.values()
    assert answers(node, most=100, fixed=1) == [
        'most=100: must be a whole number, 0 to 99 (now 9); nothing was changed, start the node '
        'again with such a value for most',
        "fixed=1: must be a list of texts, such as ['a', 'b'] (now ['']); nothing was changed, "
        'start the node again with such a value for fixed']
    assert answers(node, most=4) == ['high=5: above most=4; lower it']
    assert (parameters.values(), changes) == (before, [])
    # With what was changed live it would not fit, but that is lost in a restart; nor the reverse.
    assert answers(node, high=9, most=7, low=6) == [
        '', 'most=7: cannot change while the node runs (now 9); start the node again with -p '
        'most:=7', '']
    result = node.set_parameters_atomically(
        [Parameter('low', value=1), Parameter('most', value=8)])
    assert result.reason.startswith('most=8: cannot change while the node runs')
    assert parameters.values() == before | {'high': 9, 'low': 6}


def test_the_parameters_that_ros_declares_are_left_to_it(node, changing):
    _, changes = changing
    assert answers(node, use_sim_time=True) == ['']
    assert node.get_parameter('use_sim_time').value is True
    (reason,) = answers(node, use_sim_time=1)
    assert 'Wrong parameter type' in reason
    assert node.declare_parameter('of_a_library', 7).value == 7
    assert answers(node, of_a_library=8) == ['']
    assert changes == []
