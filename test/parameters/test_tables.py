# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The tables of parameters: what each entry needs, and that an entry is all a new one needs."""

from array import array
import math

from ncs_cluster_detector.parameters import camera_parameters
from ncs_cluster_detector.parameters import detector_parameters
from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.bus import bus_spec
from node_harness import NodeProcess
from node_harness import Probe
import pytest
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

EVERY_PARAMETER = pytest.mark.parametrize(
    'spec', [*camera_parameters.PARAMETERS, *detector_parameters.PARAMETERS],
    ids=lambda spec: spec.name)
GIVEN = {'camera': {'source': 'test_pattern'},
         'detector': {'driver': 'simulated', 'simulated.sticks': '0'}}
INVENT = """
from ncs_cluster_detector.parameters import {node}_parameters as table
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
table.PARAMETERS += (ParameterSpec(
    'invented', 1.0, 'What nobody needs.', 0.5, 4.0, live=True,
    effect=lambda *facts: 'nothing comes of it'),)
"""


@EVERY_PARAMETER
def test_an_entry_is_whole(spec):
    assert spec.accept(spec.default) == spec.default
    # It begins a sentence, also behind others, so not with a name or a value.
    assert spec.description[0].isupper()
    assert spec.description.endswith('.')
    assert 'Live.' not in spec.description and 'Restart' not in spec.description
    if type(spec.default) in (int, float) and spec.name != 'input_mean':
        assert spec.above is not None or spec.low <= spec.default <= spec.high


@EVERY_PARAMETER
def test_the_effect_of_a_change_is_one_line(spec):
    assert spec.live or spec.effect is None
    is_of_detector = spec in detector_parameters.PARAMETERS
    for facts in [(Settings(cluster_size=2), sticks) for sticks in (0, 1, 5)
                  ] if is_of_detector else [()]:
        if spec.effect is not None:
            meaning = spec.effect(*facts)
            assert len(meaning) > 5 and '\n' not in meaning


def test_every_setting_is_a_live_parameter_with_an_effect():
    told = {spec.name for spec in detector_parameters.PARAMETERS if spec.live and spec.effect}
    assert set(Settings.__dataclass_fields__) - told == set(), (
        'enter them with _setting() in parameters/detector_parameters.py')


@pytest.mark.parametrize('limits', [{}, {'cluster_size': (0, 64)}])
def test_a_setting_that_is_not_whole_is_named(limits, monkeypatch):
    monkeypatch.setattr(detector_parameters, 'LIMITS', limits)
    name = 'invented' if limits else 'cluster_size'
    with pytest.raises(LookupError, match=f'parameter {name}: .*; add it in policy/settings.py'):
        detector_parameters._setting(name, 'What it is.', lambda *facts: 'nothing')


def test_a_bus_holds_as_many_sticks_as_may_be_asked_for():
    assert by_name(detector_parameters.PARAMETERS)['simulated.sticks'].high == (
        bus_spec.MOST_STICKS)


@pytest.mark.parametrize('default, value, accepted', [
    (1.0, 2, 2.0), (1.0, 2.5, 2.5), (['a'], ('b', 'c'), ['b', 'c']), (['a'], [''], ['']),
    ([], [''], []), ([], [], []),
    ([''], [], ['']), (['a'], [], []), ('a', '', ''), (True, False, False), (1, 2, 2)])
def test_a_value_becomes_one_of_the_parameters_type(default, value, accepted):
    found = ParameterSpec('name', default, 'A parameter.').accept(value)
    assert repr(found) == repr(accepted)


@pytest.mark.parametrize('default, value, rule', [
    (1, True, 'a whole number'), (1, 1.0, 'a whole number'), (1, '1', 'a whole number'),
    (1.0, True, 'a number'), (1.0, float('nan'), 'a number'), (True, 1, 'true or false'),
    ('a', 1, 'a text'), ('a', ['a'], 'a text'), (['a'], 'a', 'a list of texts, such as '),
    (['a'], [1], 'a list of texts, such as '), (['a'], ['a', None], 'a list of texts, such as '),
    ([''], [True, False], r"a list of texts, such as \['a', 'b'\], each in quotes: ")])
def test_a_value_of_another_type_is_refused(default, value, rule):
    with pytest.raises(ValueError, match=f'must be {rule}'):
        ParameterSpec('name', default, 'A parameter.').accept(value)


NUMBERS = ParameterSpec('name', [], 'Numbers.', 0.0, 1000.0, items=float)


@pytest.mark.parametrize('value, accepted', [
    ([], []), ([''], []), ((), []), ([1, 0], [1.0, 0.0]), ((0.5, 1000), [0.5, 1000.0]),
    (array('d', [2.0, 3.0]), [2.0, 3.0]), (array('q', [2]), [2.0]),
    ([0.0, 1000.0], [0.0, 1000.0])])
def test_a_list_of_numbers_takes_whole_ones_too(value, accepted):
    assert repr(NUMBERS.accept(value)) == repr(accepted)
    assert NUMBERS.type_name == 'double[]'


@pytest.mark.parametrize('value', [
    1.0, '1.0', None, {}, ['1.0'], ['', ''], [1.0, ''], [True], [None], [[1.0]], [math.nan],
    [math.inf], [-math.inf], [10**400], [1.0, -0.001], [-1], [1000.001], [1001]])
def test_what_is_no_list_of_such_numbers_is_refused(value):
    with pytest.raises(ValueError) as error:
        NUMBERS.accept(value)
    assert str(error.value) == (
        'must be a list of numbers, such as [1.0, 2.0], 0.0 to 1000.0 each')


@pytest.mark.parametrize('value', [[math.nan], [10**400], [1.0, math.inf]])
def test_a_number_without_limits_is_finite_all_the_same(value):
    with pytest.raises(ValueError):
        ParameterSpec('name', [1.0], 'Numbers.', items=float).accept(value)
    assert ParameterSpec('name', [1.0], 'Numbers.', items=float).accept([-1e300]) == [-1e300]


@pytest.mark.parametrize('node', GIVEN)
def test_a_live_parameter_is_added_by_one_entry(node):
    with Probe() as probe:
        process = NodeProcess(f'{node}_node', GIVEN[node] | {'invented': '2'},
                              before=INVENT.format(node=node))
        try:
            (descriptor,) = probe.call(
                DescribeParameters, f'{node}/describe_parameters',
                DescribeParameters.Request(names=['invented'])).descriptors
            assert descriptor.description == 'What nobody needs. Live. Default: 1.0.'
            assert not descriptor.read_only
            (limits,) = descriptor.floating_point_range
            assert (limits.from_value, limits.to_value) == (0.5, 4.0)
            assert value_of(probe, node) == 2.0
            assert probe.set_parameter('invented', 5.0, node) == (
                False, 'invented=5.0: must be a number, 0.5 to 4.0 (now 2.0); nothing was '
                'changed, set it to such a value')
            assert value_of(probe, node) == 2.0
            assert probe.set_parameter('invented', 3, node) == (True, '')
            assert value_of(probe, node) == 3.0
            process.wait_for_line('invented 2.0 -> 3.0 (nothing comes of it)')
        finally:
            process.end()
    assert 'no such parameter' not in process.output
    assert 'Traceback' not in process.output


def value_of(probe, node):
    """Return the value that a node gives for the invented parameter."""
    (value,) = probe.call(GetParameters, f'{node}/get_parameters',
                          GetParameters.Request(names=['invented'])).values
    return parameter_value_to_python(value)
