# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests of the launch files share: they are run, with or without real nodes."""

from importlib.util import find_spec
from pathlib import Path
import threading

import pytest
import rclpy

# A submodule first: folders named launch, such as this one, look like a module to Python.
sources = pytest.importorskip(
    'launch.launch_description_sources', reason='needs launch (ROS 2), which is not here')
launch = pytest.importorskip('launch')
handlers = pytest.importorskip('launch.event_handlers')
# Not by importorskip: where launch_testing is, that would skip the tests of all other files too.
NEEDS_LAUNCH_ROS = pytest.mark.skipif(
    find_spec('launch_ros') is None, reason='needs launch_ros (ROS 2), which is not here')

FOLDER = Path(__file__).resolve().parents[2] / 'launch'
CLUSTER = FOLDER / 'cluster_detector.launch.py'
SIMULATED = FOLDER / 'simulated.launch.py'
RVIZ = FOLDER / 'rviz.launch.py'
FILES = [CLUSTER, SIMULATED]
ARGUMENTS = {'namespace', 'params_file', 'source', 'device', 'camera_info_url', 'use_depth',
             'driver', 'graph_paths', 'cluster_size', 'cluster_switch_cycle_ms',
             'switch_temperature', 'diagnostics_with_namespace', 'rviz', 'respawn', 'log_level',
             'fastdds_profile', 'camera', 'cameras', 'remote_hosts', 'local_sticks'}
# The topics of the camera that the detector hears.
SHARED_TOPICS = ('image_raw', 'camera_info', 'aligned_depth_to_color/image_raw')
NODES = ['camera_node', 'detector_node']
DEADLINE_SEC = 30.0


def installed(path):
    """Return the file of the source tree that an installed one is: a link to it, or a copy."""
    source = FOLDER.parent.joinpath(*Path(path).parts[-2:])
    assert Path(path).read_bytes() == source.read_bytes()
    return source


def included(file, **arguments):
    """Return the action that includes a launch file."""
    return launch.actions.IncludeLaunchDescription(
        sources.PythonLaunchDescriptionSource(str(file)), launch_arguments=arguments.items())


def declared(file):
    """Return the arguments of a launch file by name, as ros2 launch --show-args finds them."""
    description = launch.LaunchDescription([included(file)])
    return {argument.name: argument for argument in description.get_launch_arguments()}


def default_of(argument):
    """Return the default of an argument."""
    return ''.join(part.perform(launch.LaunchContext()) for part in argument.default_value)


def run(*contents):
    """Run launch actions until both nodes have ended; return the exit code, and those of both."""
    ended = {}

    def note(event, _):
        ended[event.action.node_executable] = event.returncode
        # Without this, launch would go on until the time is up.
        return launch.actions.Shutdown() if len(ended) == len(NODES) else None

    too_late = launch.actions.TimerAction(
        period=DEADLINE_SEC, actions=[launch.actions.Shutdown(reason='not ended in time')])
    service = launch.LaunchService(noninteractive=True)
    service.include_launch_description(launch.LaunchDescription([
        launch.actions.RegisterEventHandler(handlers.OnProcessExit(on_exit=note)),
        too_late, *contents]))
    code = service.run()
    return code, ended


def run_to_the_end(*contents):
    """
    Run launch actions until nothing is left to do, or fail after the deadline.

    :return: the exit code, the events that started a process, and those that ended one.
    """
    started, ended = [], []
    service = launch.LaunchService(noninteractive=True)
    service.include_launch_description(launch.LaunchDescription([
        launch.actions.RegisterEventHandler(handlers.OnProcessStart(
            on_start=lambda event, _: started.append(event))),
        launch.actions.RegisterEventHandler(handlers.OnProcessExit(
            on_exit=lambda event, _: ended.append(event))),
        *contents]))
    too_late = threading.Event()

    def give_up():
        too_late.set()
        service.shutdown()

    timer = threading.Timer(DEADLINE_SEC, give_up)
    timer.start()
    code = service.run()
    timer.cancel()
    assert not too_late.is_set(), (
        f'not ended in {DEADLINE_SEC} s; started: {[event.process_name for event in started]}, '
        f'ended: {[(event.process_name, event.returncode) for event in ended]}')
    return code, started, ended


def starts(*contents):
    """Return the event that starts each node, by its executable; no node is started."""
    events = {}

    def note(event, _):
        events[event.action.node_executable] = event

    code, ended = run(
        # A process 'true' with the node's command line, instead of the node.
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
        launch.actions.RegisterEventHandler(handlers.OnProcessStart(on_start=note)),
        *contents)
    assert code == 0
    assert ended == dict.fromkeys(NODES, 0)
    return events


def command_lines(*contents):
    """Return the words after each node's executable, by executable."""
    return {name: event.cmd[2:] for name, event in starts(*contents).items()}


class Twin:
    """What a node of its own name, namespace, parameters and topics a command line makes."""

    def __init__(self, words):
        """Make such a node, and read it."""
        context = rclpy.Context()
        rclpy.init(args=words, context=context)
        node = rclpy.create_node('unnamed', context=context, start_parameter_services=False,
                                 automatically_declare_parameters_from_overrides=True)
        self.name = node.get_fully_qualified_name()
        self.topics = {topic: node.resolve_topic_name(topic) for topic in SHARED_TOPICS}
        self.detections = node.resolve_topic_name('detections')
        self.parameters = {name: node.get_parameter(name).value
                           for name in node._parameter_overrides}
        node.destroy_node()
        rclpy.shutdown(context=context)


def twins(*contents):
    """Return the twins of the camera and of the detector that launch actions would start."""
    lines = command_lines(*contents)
    return tuple(Twin(lines[name]) for name in NODES)
