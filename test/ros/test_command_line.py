# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is wrong with a node's names and environment is told in one line, and ends it with 2."""

from ncs_cluster_detector.ros.command_line import init_ros
from ncs_cluster_detector.ros.environment import fault_in_environment
from ncs_cluster_detector.ros.parameters import StartupError
from node_harness import NodeProcess
import pytest


@pytest.mark.parametrize('rule, words', [
    ('__ns:=/robot1/', ["must not end with a '/'", '__ns:=/robot1']),
    ('__ns:=/a/b/', ["must not end with a '/'", '__ns:=/a/b']),
    ('camera:__ns:=/a/', ["must not end with a '/'", '__ns:=/a']),
    ('__ns:=robot 1', ['must be absolute', '__ns:=/robot_1']),
    ('__ns:=robot1', ['must be absolute', '__ns:=/robot1']),
    ('__ns:=/1a', ['starts with a number', '__ns:=/_1a']),
    ('__ns:=/a__b', ['two underscores', '__ns:=/a_b']),
    ('__ns:=', ['must not be empty', '__ns:=/']),
    ('__node:=a/b', ['must not contain', '__node:=a_b']),
    ('__node:=a b', ['must not contain', '__node:=a_b']),
    ('__name:=1', ['must not start with a number', '__name:=_1']),
    ('__node:=', ['must not be empty', '__node:=detector']),
    ('image_raw:=bad topic', ['invalid topic name', 'from:=to']),
    ('image_raw:=a//b', ['cannot read', 'from:=to']),
    ('image_raw:=a__b', ['cannot read', 'from:=to']),
    ('image_raw:=/front/', ['must not end with a forward slash', 'from:=to']),
    ('image_raw:=1b', ['must not start with a number', 'from:=to']),
    ('image_raw', ['cannot read', 'from:=to'])])
def test_a_rule_that_ros_refuses_is_named_with_the_remedy(rule, words):
    for flag in ('-r', '--remap'):
        with pytest.raises(StartupError) as refused:
            init_ros('detector', ['node', '--ros-args', flag, rule])
        text = str(refused.value)
        assert text.startswith(f'-r {rule}: ')
        assert [word for word in words if word not in text] == []
        assert '\n' not in text and '.c:' not in text


@pytest.mark.parametrize('arguments, words', [
    (['-e', 'bad'], ['Enclave name is not valid']),
    (['--log-level', 'loud'], ["'--log-level loud'"]),
    (['--params-file', '/nowhere'], ["'--params-file /nowhere'"]),
    (['--unknown'], ['--unknown'])])
def test_so_is_any_other_argument(arguments, words):
    with pytest.raises(StartupError) as refused:
        init_ros('detector', ['node', '--ros-args', *arguments])
    text = str(refused.value)
    assert [word for word in [*words, 'correct the arguments'] if word not in text] == []
    assert '\n' not in text and '.c:' not in text


@pytest.mark.parametrize('name, value, words', [
    *(('ROS_DOMAIN_ID', value, 'must be a whole number, 0 to 232')
      for value in ('300', '233', '-1', 'abc', '1.5', ' 7', '99999999999999999999')),
    ('RMW_IMPLEMENTATION', 'rmw_nothing_cpp', 'install the package rmw-nothing-cpp'),
    ('RMW_IMPLEMENTATION', '../x', 'unset it for rmw_fastrtps_cpp'),
    ('RCUTILS_LOGGING_USE_STDOUT', 'yes', 'must be 0 or 1')])
def test_a_variable_with_which_ros_cannot_start_is_named(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    fault = fault_in_environment()
    assert fault.startswith(f'{name}={value}: ')
    assert words in fault


@pytest.mark.parametrize('name, value', [
    ('ROS_DOMAIN_ID', ''), ('ROS_DOMAIN_ID', '0'), ('ROS_DOMAIN_ID', '232'),
    ('RMW_IMPLEMENTATION', ''), ('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp'),
    ('RCUTILS_LOGGING_USE_STDOUT', '1')])
def test_others_are_not(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert fault_in_environment() == ''


@pytest.mark.parametrize('executable', ['camera_node', 'detector_node'])
@pytest.mark.parametrize('remappings, environment, words', [
    ({'__ns': '/robot1/'}, {}, '-r __ns:=/robot1/: invalid namespace'),
    ({'image_raw': 'a//b'}, {}, '-r image_raw:=a//b: '),
    ({}, {'ROS_DOMAIN_ID': '300'}, 'ROS_DOMAIN_ID=300: must be'),
    ({}, {'RMW_IMPLEMENTATION': 'rmw_foo'}, 'RMW_IMPLEMENTATION=rmw_foo: loading it failed')])
def test_a_node_says_it_in_one_line(executable, remappings, environment, words):
    node = NodeProcess(executable, {}, environment=environment, remappings=remappings)
    assert node.wait() == 2
    (line,) = node.output.splitlines()
    name = executable.partition('_')[0]
    assert line.startswith('[FATAL] [') and f'] [{name}]: {words}' in line


def test_a_namespace_and_topics_as_they_shall_be():
    node = NodeProcess('camera_node', {'source': 'test_pattern'}, remappings={
        '__ns': '/robot1', 'image_raw': '/front/image_raw', 'camera:camera_info': '~/info'})
    node.wait_for_line('[robot1.camera]: test_pattern is open')
    node.end()
    assert '[FATAL]' not in node.output
