# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The launch files: their arguments, and what these make of the command lines of the nodes."""

import re
import shlex

from launch_runs import ARGUMENTS
from launch_runs import CLUSTER
from launch_runs import command_lines
from launch_runs import declared
from launch_runs import default_of
from launch_runs import FILES
from launch_runs import included
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import run
from launch_runs import SHARED_TOPICS
from launch_runs import SIMULATED
from launch_runs import twins
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters import camera_parameters
from ncs_cluster_detector.parameters import detector_parameters
import pytest

pytestmark = NEEDS_LAUNCH_ROS


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_every_argument_is_declared_and_described(file):
    arguments = declared(file)
    assert set(arguments) == ARGUMENTS
    for argument in arguments.values():
        assert argument.default_value is not None
        assert len(argument.description) > 40
        assert argument.description[0].isupper()


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_the_choices_are_those_of_the_parameters(file):
    arguments = declared(file)
    for spec in (*camera_parameters.PARAMETERS, *detector_parameters.PARAMETERS):
        if spec.name in arguments:
            choices = arguments[spec.name].choices
            assert tuple(filter(None, choices or ())) == spec.choices


def test_defaults():
    real = {name: default_of(argument) for name, argument in declared(CLUSTER).items()}
    assert real == dict.fromkeys(ARGUMENTS, '') | {
        'rviz': 'false', 'respawn': 'true', 'log_level': 'info', 'camera': 'true'}
    simulated = {name: default_of(argument) for name, argument in declared(SIMULATED).items()}
    assert simulated == real | {
        'driver': 'simulated', 'source': 'test_pattern', 'cluster_size': '2'}


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
@pytest.mark.parametrize(('namespace', 'prefix'), [
    ('', ''), ('robot1', '/robot1'), ('/fleet/robot1', '/fleet/robot1')])
def test_names(file, namespace, prefix):
    camera, detector = twins(included(file, namespace=namespace))
    assert camera.name == prefix + '/camera/camera'
    assert camera.topics == detector.topics
    assert camera.topics == {topic: f'{prefix}/camera/{topic}' for topic in SHARED_TOPICS}
    assert detector.name == prefix + '/detector'
    assert detector.detections == prefix + '/detections'


def test_a_robot_can_put_everything_into_its_own_namespace():
    from launch_ros.actions import PushRosNamespace
    for twin in twins(launch.actions.GroupAction([
            PushRosNamespace('fleet'), included(CLUSTER, namespace='robot1')])):
        assert twin.topics['image_raw'] == '/fleet/robot1/camera/image_raw'


def test_without_arguments_the_parameters_are_the_defaults():
    camera, detector = twins(included(CLUSTER))
    assert camera.parameters == {spec.name: spec.default for spec in camera_parameters.PARAMETERS}
    # An empty list has no type in a parameter file; the node takes an empty text as nothing.
    assert detector.parameters == {
        spec.name: spec.default or [''] if spec.default == [] else spec.default
        for spec in detector_parameters.PARAMETERS}


def test_simulated_differs_by_three_parameters():
    real, simulated = twins(included(CLUSTER)), twins(included(SIMULATED))
    assert simulated[0].parameters == real[0].parameters | {'source': 'test_pattern'}
    assert simulated[1].parameters == real[1].parameters | {
        'driver': 'simulated', 'cluster_size': 2}


@pytest.mark.parametrize(('text', 'value'), [
    ("['people','faces']", ['people', 'faces']), ('[people, faces]', ['people', 'faces']),
    ('people', ['people']), ('/a b/1: c.graph', ['/a b/1: c.graph']), ('1', ['1'])])
def test_graph_paths_is_a_list_or_one_text(text, value):
    _, detector = twins(included(SIMULATED, graph_paths=text))
    assert detector.parameters['graph_paths'] == value


def test_the_example_of_a_list_works_in_a_shell():
    description = declared(CLUSTER)['graph_paths'].description
    example = re.search(r'such as (\S+)\. ', description)[1]
    (word,) = shlex.split(example)
    _, detector = twins(included(SIMULATED, graph_paths=word))
    assert detector.parameters['graph_paths'] == ['a.graph', 'b.graph']


def test_every_driver_is_described():
    argument = declared(CLUSTER)['driver']
    for name, driver in DRIVERS.items():
        assert f'{name} ({driver.description})' in argument.description


def test_sticks_without_the_sdk_with_their_firmware_in_the_params_file(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text('/**/detector:\n  ros__parameters:\n    firmware: /any/where.mvcmd\n')
    _, detector = twins(included(
        CLUSTER, driver='xlink', graph_paths='/any/graph', params_file=str(file)))
    assert {'driver': 'xlink', 'firmware': '/any/where.mvcmd',
            'graph_paths': ['/any/graph']}.items() <= detector.parameters.items()


def test_no_sentence_of_a_description_begins_with_a_value():
    arguments = declared(CLUSTER)
    values = {value for argument in arguments.values() for value in argument.choices or ()}
    for name, argument in arguments.items():
        first = re.findall(r'(?:^|\. )([^\W\d]+)', argument.description)
        assert all(word[0].isupper() for word in first), name
        assert not values & set(map(str.lower, first)), name


@pytest.mark.parametrize('device', ['141722071999', '/a b/street.db3'])
def test_a_realsense_camera_or_its_recording(device):
    camera, _ = twins(included(SIMULATED, source='realsense', device=device))
    assert camera.parameters.items() >= {'source': 'realsense', 'device': device}.items()


def test_numbers_and_texts_get_the_type_of_their_parameter():
    camera, detector = twins(included(
        CLUSTER, device='0', switch_temperature='70', cluster_size='3',
        cluster_switch_cycle_ms='0', use_depth='true', camera_info_url='file:///a b/c.yaml'))
    assert camera.parameters['device'] == '0'
    assert camera.parameters['camera_info_url'] == 'file:///a b/c.yaml'
    assert detector.parameters['use_depth'] is True
    assert repr(detector.parameters['switch_temperature']) == '70.0'
    assert detector.parameters['cluster_size'] == 3
    assert detector.parameters['cluster_switch_cycle_ms'] == 0


# The ways in which people write such files; the last one is what ros2 param dump makes.
@pytest.mark.parametrize('template', [
    '/**: {{ros__parameters: {{{camera}, {detector}}}}}',
    '{prefix}/camera/camera: {{ros__parameters: {{{camera}}}}}\n'
    '{prefix}/detector: {{ros__parameters: {{{detector}}}}}',
    '/**: {{ros__parameters: {{device: wrong, max_sticks: 9}}}}\n'
    '/**/camera: {{ros__parameters: {{{camera}}}}}\n'
    '/**/detector: {{ros__parameters: {{{detector}}}}}'])
@pytest.mark.parametrize('namespace', ['', 'robot1'])
def test_params_file_holds_unless_an_argument_is_given(tmp_path, template, namespace):
    file = tmp_path / 'mine.yaml'
    file.write_text(template.format(
        prefix='/robot1' if namespace else '', camera='source: video, device: from_file, fps: 5.0',
        detector='cluster_size: 4, switch_temperature: 60.0, max_sticks: 5'))
    mine = {'namespace': namespace, 'params_file': str(file)}
    camera, detector = twins(included(SIMULATED, **mine, switch_temperature='72.5'))
    assert camera.parameters.items() >= {
        'source': 'video', 'device': 'from_file', 'fps': 5.0}.items()
    assert {'driver': 'simulated', 'cluster_size': 4, 'max_sticks': 5,
            'switch_temperature': 72.5}.items() <= detector.parameters.items()
    camera, detector = twins(included(CLUSTER, **mine, device='given', cluster_size='1'))
    assert camera.parameters.items() >= {
        'source': 'video', 'device': 'given', 'fps': 5.0}.items()
    assert {'cluster_size': 1, 'switch_temperature': 60.0, 'max_sticks': 5}.items() <= (
        detector.parameters.items())
    _, detector = twins(included(SIMULATED, **mine, cluster_size='2'))
    assert detector.parameters['cluster_size'] == 2


@pytest.mark.parametrize('value', [False, True])
def test_diagnostics_with_namespace_is_a_parameter_of_both_nodes(tmp_path, value):
    file = tmp_path / 'mine.yaml'
    file.write_text(
        f'/**: {{ros__parameters: {{diagnostic_updater: {{use_fqn: {str(not value).lower()}}}}}}}')
    mine = {'namespace': 'robot1', 'params_file': str(file)}
    for twin in twins(included(SIMULATED, **mine)):
        assert twin.parameters['diagnostic_updater.use_fqn'] is not value
    for twin in twins(included(
            SIMULATED, **mine, diagnostics_with_namespace=str(value).lower())):
        assert twin.parameters['diagnostic_updater.use_fqn'] is value


def test_log_level_reaches_both_nodes():
    lines = command_lines(included(SIMULATED, log_level='error'))
    for words in lines.values():
        assert words[words.index('--log-level') + 1] == 'error'


@pytest.mark.parametrize(('name', 'value', 'complaint'), [
    ('switch_temperature', 'hot', 'switch_temperature:=hot: must be a number'),
    ('cluster_size', '2.5', 'cluster_size:=2.5: must be a whole number'),
    ('use_depth', 'maybe', 'use_depth:=maybe: must be true or false'),
    ('graph_paths', '[people', 'graph_paths:=[people: must be a text, or a list of texts'),
    ('graph_paths', '[1, 2]', 'graph_paths:=[1, 2]: must be a text, or a list of texts'),
    ('params_file', '/no/such.yaml', 'params_file:=/no/such.yaml: no such file'),
    ('fastdds_profile', '/no/such.xml', 'fastdds_profile:=/no/such.xml: no such file'),
    ('params_file', '/tmp', 'params_file:=/tmp: no such file, but a folder'),
    ('namespace', 'front-left', 'namespace:=front-left: invalid namespace'),
    ('namespace', '/1st/my robot/', 'use for example /_1st/my_robot'),
    ('namespace', 'a__b', 'use for example /a_b'),
    ('driver', 'none', 'Argument "driver" provided value "none" is not valid'),
    ('source', 'none', 'Argument "source" provided value "none" is not valid'),
    ('respawn', 'maybe', 'Argument "respawn" provided value "maybe" is not valid'),
    ('rviz', 'maybe', 'Argument "rviz" provided value "maybe" is not valid'),
    ('diagnostics_with_namespace', 'maybe', 'Argument "diagnostics_with_namespace" provided'),
    ('log_level', 'loud', 'Argument "log_level" provided value "loud" is not valid')])
def test_a_wrong_argument_starts_nothing(said, name, value, complaint):
    code, ended = run(included(SIMULATED, **{name: value}))
    assert code == 1
    assert any(complaint in line for line in said('launch'))
    assert ended == {}
