# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the launch files say: what a person gives is never ignored in silence."""

from launch_runs import CLUSTER
from launch_runs import command_lines
from launch_runs import FILES
from launch_runs import FOLDER
from launch_runs import included
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import run_to_the_end
from launch_runs import RVIZ
from launch_runs import SIMULATED
from launch_runs import twins
import pytest

pytestmark = NEEDS_LAUNCH_ROS


def parameter_file(tmp_path, text):
    """Write a parameter file and return its path as a text."""
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize('text', [
    '/**: {ros__parameters: {max_sticks: 4}}', 'detector: {ros__parameters: {max_sticks: 4}}'])
def test_what_a_launch_file_sets_holds_unless_the_file_says_otherwise(tmp_path, said, text):
    camera, detector = twins(included(SIMULATED, params_file=parameter_file(tmp_path, text)))
    assert camera.parameters['source'] == 'test_pattern'
    assert {'driver': 'simulated', 'cluster_size': 2, 'max_sticks': 4}.items() <= (
        detector.parameters.items())
    text = text.replace('4', '4, cluster_size: 3, driver: mvnc')
    camera, detector = twins(included(SIMULATED, params_file=parameter_file(tmp_path, text)))
    assert {'driver': 'mvnc', 'cluster_size': 3}.items() <= detector.parameters.items()
    assert camera.parameters['source'] == 'test_pattern'
    assert [line for line in said() if 'params_file' in line] == [
        f'{name}, as params_file or the launch file around this one sets it, not {own}'
        for name, own in (('driver is mvnc', 'simulated'), ('cluster_size is 3', '2'))]
    _, detector = twins(included(
        SIMULATED, driver='simulated', params_file=parameter_file(tmp_path, text)))
    assert detector.parameters['driver'] == 'simulated'


@pytest.mark.parametrize('file', FILES)
@pytest.mark.parametrize('text', ['/detector: {ros__parameters: {cluster_size: 1}}', None])
def test_what_a_launch_file_around_sets_wins_over_defaults_of_ours(tmp_path, file, text):
    from launch_ros.actions import SetParameter
    from launch_ros.actions import SetParametersFromFile
    around = (SetParametersFromFile(parameter_file(tmp_path, text)) if text
              else SetParameter('cluster_size', 1))

    def detector_of(**arguments):
        return twins(launch.actions.GroupAction([around, included(file, **arguments)]))[1]

    assert detector_of().parameters['cluster_size'] == 1
    assert detector_of(cluster_size='4').parameters['cluster_size'] == 4


@pytest.mark.parametrize(('keys', 'namespace', 'receivers'), [
    ({'detector'}, '', {'detector_node'}),
    ({'/camera/camera'}, '', {'camera_node'}),
    ({'/front/detector', '/front/camera/camera', '/slam'}, 'front',
     {'camera_node', 'detector_node'}),
    # Meant for them, although it does not reach them: they say so themselves.
    ({'detector'}, 'front', {'detector_node'}),
    ({'detector', 'camera'}, '', {'camera_node', 'detector_node'}),
    ({'detector_node'}, '', {'detector_node'})])
def test_a_node_is_given_a_file_that_is_meant_for_it(tmp_path, said, keys, namespace, receivers):
    file = parameter_file(tmp_path, '\n'.join(
        f'{key}: {{ros__parameters: {{x: 1}}}}' for key in keys))
    lines = command_lines(included(CLUSTER, params_file=file, namespace=namespace))
    assert {name for name, words in lines.items() if file in words} == receivers
    assert not [line for line in said() if 'params_file' in line]


@pytest.mark.parametrize('text', ['slam: {ros__parameters: {x: 1}}', '{}', 'max_sticks: 4'])
def test_a_file_for_none_of_the_nodes_is_named(tmp_path, said, text):
    file = parameter_file(tmp_path, text)
    lines = command_lines(included(CLUSTER, params_file=file, namespace='front'))
    assert not [words for words in lines.values() if file in words]
    (line,) = (line for line in said() if 'params_file' in line)
    assert line.startswith(
        f'params_file:={file}: has nothing for /front/camera/camera or /front/detector')


def test_an_argument_that_is_given_twice_shows_no_secret(said):
    from ncs_cluster_detector.launching.arguments import _warn_of_repeated
    _warn_of_repeated([('device', '0'), ('device', 'rtsp://me:hunter2@cam/live')])
    (line,) = said()
    assert 'given 2 times' in line
    assert 'hunter2' not in line


def test_what_looks_like_a_misspelt_argument_is_named(said):
    command_lines(included(SIMULATED, cluster_sise='1', swich_temperature='50', fleet='7'))
    lines = [line for line in said() if line.startswith('launch argument')]
    assert lines == [
        'launch argument cluster_sise: unknown and ignored; did you mean cluster_size?',
        'launch argument swich_temperature: unknown and ignored; did you mean '
        'switch_temperature?']


@pytest.mark.parametrize('words', [
    ['ros2', 'launch', 'ncs_cluster_detector', 'simulated.launch.py'],
    ['ros2', 'launch', str(FOLDER / 'cluster_detector.launch.py')]])
def test_every_unknown_argument_of_a_command_line_is_named(monkeypatch, said, words):
    monkeypatch.setattr('sys.argv', words)
    given = ['fleet:=7', 'CLUSTER-SIZE:=2', 'max_sticks:=3', 'params:=x', 'cluster_size:=1',
             'cluster_size:=2', 'driver:=simulated', 'driver:=simulated', 'launch-prefix:=true']
    # As ros2 launch does it.
    service = launch.LaunchService(argv=given, noninteractive=True)
    service.include_launch_description(launch.LaunchDescription([included(
        SIMULATED, **dict(word.split(':=') for word in given), respawn='false')]))
    assert service.run() == 0
    assert [line for line in said() if line.startswith('launch argument')] == [
        'launch argument cluster_size: given 2 times, and the last one is used (2); keep one',
        'launch argument fleet: unknown and ignored; --show-args lists those there are',
        'launch argument CLUSTER-SIZE: unknown and ignored; did you mean cluster_size?',
        'launch argument max_sticks: unknown and ignored; it is a parameter of the detector node, '
        'which a params_file can set',
        'launch argument params: unknown and ignored; did you mean params_file?']


@pytest.mark.parametrize(('file', 'lines'), [
    (RVIZ, ['launch argument nmspace: unknown and ignored; did you mean namespace?']),
    (CLUSTER, [])])
def test_rviz_alone_names_what_it_does_not_know(monkeypatch, said, file, lines):
    monkeypatch.setattr('sys.argv', ['ros2', 'launch', 'ncs_cluster_detector', file.name])
    given = {'nmspace': 'robot1'} if file == RVIZ else {'rviz': 'true', 'respawn': 'false'}
    run_to_the_end(launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
                   included(file, **given))
    assert [line for line in said() if line.startswith('launch argument')] == lines


@pytest.mark.parametrize(('given', 'ignored'), [
    ({}, []), ({'device': '/dev/video2', 'source': 'usb'}, ['device', 'source'])])
def test_without_camera_the_detector_starts_alone(said, given, ignored):
    code, started, _ = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
        included(SIMULATED, camera='false', respawn='false', **given))
    assert code == 0
    assert [event.action.node_executable for event in started] == ['detector_node']
    assert 'image_raw:=camera/image_raw' in started[0].cmd
    assert [line for line in said() if line.startswith('launch argument')] == [
        f'launch argument {name}: ignored, because camera:=false starts no camera; leave it out'
        for name in ignored]


def test_a_launch_file_around_can_give_the_pictures_another_name():
    from launch_ros.actions import SetRemap
    _, detector = twins(launch.actions.GroupAction([
        SetRemap('image_raw', '/front/image_raw'), included(CLUSTER, namespace='robot1')]))
    assert detector.topics['image_raw'] == '/front/image_raw'
    assert detector.topics['camera_info'] == '/robot1/camera/camera_info'
