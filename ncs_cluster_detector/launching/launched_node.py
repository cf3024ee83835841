# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the actions that run the nodes of this package."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from launch import Action
from launch import LaunchContext
from launch.actions import EmitEvent
from launch.actions import LogInfo
from launch.events.process import ProcessExited
from launch.events.process import ShutdownProcess
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare
from ncs_cluster_detector.launching.arguments import PACKAGE
from ncs_cluster_detector.launching.params_file import ParamsFile

STARTUP_ERROR = 2   # exit code of a node that cannot start with what it was given


def launched_node(name: str, full_name: str, parameters: dict[str, Any], file: ParamsFile,
                  variables: dict[str, SomeSubstitutionsType], **options: Any) -> Node:
    """
    Return the action that runs a node of this package.

    :param name: name of the node, and of its parameter file in ``config/``.
    :param full_name: its name in the namespace of the launch file, such as ``front/camera``.
    :param parameters: those that arguments set.
    :param file: the parameter file of the user.
    :param variables: environment variables of the node alone.
    :param options: further arguments of Node, such as ``executable``.
    """
    has_file = file.concerns(full_name)
    # First, so that SetParameter of an including launch file overrides it.
    defaults = [] if has_file else ['--params-file', PathJoinSubstitution(
        [FindPackageShare(PACKAGE), 'config', name + '.yaml'])]
    return Node(
        package=PACKAGE,
        name=name,
        parameters=[*([file.path] if has_file else []), parameters],
        ros_arguments=[*defaults, '--log-level', LaunchConfiguration('log_level')],
        additional_env=variables,
        output='screen',
        emulate_tty=True,
        respawn=LaunchConfiguration('respawn'),
        respawn_delay=1.0,   # in seconds
        **options)


def stop_after_startup_error(
        started: Sequence[Node],
) -> Callable[[ProcessExited, LaunchContext], list[Action] | None]:
    """
    Return what to do when a node has ended: stop all if it cannot start.

    :param started: all nodes of the launch file; may be filled later.
    """
    def after_exit(event: ProcessExited, _: LaunchContext) -> list[Action] | None:
        if event.returncode != STARTUP_ERROR:
            return None
        # All of them: otherwise launch would start the ended one again.
        others = {1: '', 2: ', so the other node is stopped'}.get(
            len(started), ', so the other nodes are stopped')
        return [
            LogInfo(msg=f'{event.process_name} cannot start{others}'),
            EmitEvent(event=ShutdownProcess(
                process_matcher=lambda action: action in started))]

    return after_exit
