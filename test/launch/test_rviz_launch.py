# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Rviz beside the nodes or alone: in their namespace, and no reason for them to end."""

from pathlib import Path

from launch_runs import CLUSTER
from launch_runs import declared
from launch_runs import default_of
from launch_runs import handlers
from launch_runs import included
from launch_runs import installed
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import NODES
from launch_runs import run_to_the_end
from launch_runs import RVIZ
from launch_runs import SIMULATED
import pytest
import rclpy
import yaml

pytestmark = NEEDS_LAUNCH_ROS

VIEW = Path(__file__).resolve().parents[2] / 'config' / 'cluster_detector.rviz'
TWO = VIEW.with_name('two_cameras.rviz')
ALONE_OR_NOT = pytest.mark.parametrize(('file', 'arguments'), [
    (RVIZ, {}), (SIMULATED, {'rviz': 'true', 'respawn': 'false'})], ids=['alone', 'simulated'])


@pytest.fixture
def rviz2(tmp_path, monkeypatch):
    """Let there be a package rviz2, whose only program ends at once."""
    program = tmp_path / 'lib' / 'rviz2' / 'rviz2'
    marker = tmp_path / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'rviz2'
    for file in (program, marker):
        file.parent.mkdir(parents=True)
        file.write_text('#!/bin/sh\n')
    program.chmod(0o755)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path), prepend=':')


def names_in(found):
    """Return all topics that a part of a view names."""
    if isinstance(found, list):
        return [name for part in found for name in names_in(part)]
    if not isinstance(found, dict):
        return []
    own = [found['Topic']['Value']] if 'Topic' in found else []
    return own + [name for part in found.values() for name in names_in(part)]


def resolved(words, topics):
    """Return what a node with a command line makes of topics."""
    context = rclpy.Context()
    rclpy.init(args=words, context=context)
    node = rclpy.create_node('rviz', context=context)
    try:
        return [node.resolve_topic_name(topic) for topic in topics]
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


@pytest.mark.parametrize(('file', 'arguments', 'others'), [
    (RVIZ, {}, []), (CLUSTER, {'rviz': 'true', 'respawn': 'false'}, NODES),
    (SIMULATED, {'rviz': 'true', 'respawn': 'false'}, NODES)],
    ids=['alone', 'cluster', 'simulated'])
@pytest.mark.parametrize(('namespace', 'prefix'), [
    ('', ''), ('robot1', '/robot1'), ('/fleet/robot1', '/fleet/robot1')])
def test_every_topic_of_the_view_is_in_the_namespace(
        rviz2, file, arguments, others, namespace, prefix):
    code, started, _ = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
        included(file, namespace=namespace, **arguments))
    assert code == 0
    (rviz,) = (event for event in started if event.action.node_executable == 'rviz2')
    assert sorted(event.action.node_executable for event in started if event is not rviz) == others
    words = rviz.cmd[2:]
    assert words[0] == '--display-config'
    assert installed(words[1]) == VIEW
    topics = names_in(yaml.safe_load(VIEW.read_text()))
    assert len(topics) >= 3
    assert resolved(words, topics) == [prefix + topic for topic in topics]


def rviz_of(*contents):
    """Return the command line of rviz, after its executable."""
    code, started, _ = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'), *contents)
    assert code == 0
    (rviz,) = (event for event in started if event.action.node_executable == 'rviz2')
    return rviz.cmd[2:]


@ALONE_OR_NOT
@pytest.mark.parametrize(('namespace', 'prefix'), [('', ''), ('robot1', '/robot1')])
@pytest.mark.parametrize(('text', 'first', 'second'), [
    ('[front,rear]', 'front', 'rear'), ('[rear,front]', 'rear', 'front'),
    ('[arm/wrist,left,right]', 'arm/wrist', 'left')])
def test_the_view_of_two_shows_the_first_two(
        rviz2, said, file, arguments, namespace, prefix, text, first, second):
    words = rviz_of(included(file, namespace=namespace, cameras=text, **arguments))
    assert words[0] == '--display-config'
    assert installed(words[1]) == TWO
    assert words[2:4] == ['--fixed-frame', first.replace('/', '_') + '_color_optical_frame']
    topics = names_in(yaml.safe_load(TWO.read_text()))
    assert len(topics) >= 6
    assert resolved(words, topics) == [
        prefix + topic.replace('/rear/', f'/{second}/') if topic.startswith('/rear/') else
        prefix + topic.replace('/front/', f'/{first}/') for topic in topics]
    assert [line for line in said() if line.startswith('rviz')] == [
        'rviz shows arm/wrist and left, and not right; change the topics of its displays, or '
        'start rviz.launch.py again with other cameras'] * ('right' in text)


@ALONE_OR_NOT
def test_the_view_of_one_shows_a_single_named_camera(rviz2, file, arguments):
    words = rviz_of(included(file, namespace='robot1', cameras='front', **arguments))
    assert installed(words[1]) == VIEW
    assert words[2:4] == ['--fixed-frame', 'front_color_optical_frame']
    topics = names_in(yaml.safe_load(VIEW.read_text()))
    assert resolved(words, topics) == [
        '/robot1/front' + topic.removeprefix('/camera') for topic in topics]


@ALONE_OR_NOT
def test_without_names_the_fixed_frame_is_that_of_the_view(rviz2, file, arguments):
    assert '--fixed-frame' not in rviz_of(included(file, **arguments))


def test_names_from_a_file_reach_the_view(rviz2, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text('/detector: {ros__parameters: {cameras: [left, right]}}')
    words = rviz_of(included(SIMULATED, rviz='true', respawn='false', params_file=str(path)))
    assert installed(words[1]) == TWO
    assert resolved(words, ['/rear/markers']) == ['/right/markers']


@ALONE_OR_NOT
def test_wrong_names_start_no_rviz(rviz2, said, file, arguments):
    code, started, _ = run_to_the_end(included(file, cameras='[a,a]', **arguments))
    assert code == 1
    assert started == []
    assert any('cameras=[a, a]: a is there twice' in line for line in said('launch'))


def test_the_nodes_outlive_it(rviz2):
    running, ended, found = set(), set(), []

    def is_node(action):
        return hasattr(action, 'node_executable')

    def look(context):
        found.append((context.is_shutdown, set(ended)))

    def after(names):
        def note(event, _):
            names.add(event.action.node_executable)
            if (running, ended) != ({'rviz2', *NODES}, {'rviz2'}):
                return None
            # When this has ended too, all that the end of rviz may bring about has begun.
            return launch.actions.ExecuteProcess(cmd=['true'], on_exit=lambda *_: [
                launch.actions.OpaqueFunction(function=look), launch.actions.Shutdown()])
        return note

    code, _, _ = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', "sh -c 'exec sleep 60'"),
        launch.actions.SetLaunchConfiguration('launch-prefix-filter', '.*_node'),
        launch.actions.RegisterEventHandler(handlers.OnProcessStart(
            target_action=is_node, on_start=after(running))),
        launch.actions.RegisterEventHandler(handlers.OnProcessExit(
            target_action=is_node, on_exit=after(ended))),
        included(SIMULATED, rviz='true'))
    assert code == 0
    assert found == [(False, {'rviz2'})]


@pytest.mark.parametrize(('file', 'arguments'), [
    (RVIZ, {}), (CLUSTER, {'rviz': 'true'}), (SIMULATED, {'rviz': 'true'})])
def test_without_the_package_one_line_says_so_and_nothing_starts(said, file, arguments):
    code, started, _ = run_to_the_end(included(file, **arguments))
    assert code == 1
    assert started == []
    (line,) = (line for line in said('launch') if 'rviz' in line)
    assert 'rviz cannot be started, there is no package rviz2 here: install' in line
    assert '\n' not in line


def test_it_has_two_arguments_which_are_described():
    arguments = declared(RVIZ)
    assert list(arguments) == ['namespace', 'cameras']
    for argument in arguments.values():
        assert default_of(argument) == ''
        assert len(argument.description) > 40
