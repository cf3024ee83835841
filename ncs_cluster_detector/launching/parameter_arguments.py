# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Declares the launch arguments that are parameters of the nodes, from the nodes' tables."""

from typing import Iterable

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument
from ncs_cluster_detector.launching.arguments import is_list
from ncs_cluster_detector.launching.arguments import kind_of
from ncs_cluster_detector.parameters import camera_parameters
from ncs_cluster_detector.parameters import detector_parameters
from ncs_cluster_detector.parameters import stick_server_parameters
from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.parameters.parameter_spec import USE_FQN

UNLESS_GIVEN = 'If not given, params_file decides.'


def _arguments(table: Iterable[ParameterSpec], *names: str) -> dict[str, ParameterSpec]:
    specs = by_name(table)
    return {name: specs[name] for name in names} | {'diagnostics_with_namespace': USE_FQN}


# With several cameras these may be lists with one value for each.
ONE_FOR_EACH = ('source', 'device', 'camera_info_url')
CAMERA_ARGUMENTS = _arguments(camera_parameters.PARAMETERS, *ONE_FOR_EACH)
DETECTOR_ARGUMENTS = _arguments(
    detector_parameters.PARAMETERS, 'driver', 'graph_paths', 'cluster_size',
    'cluster_switch_cycle_ms', 'switch_temperature', 'use_depth', 'remote_hosts',
    'local_sticks')
# It also decides which nodes there are, so it is read by itself, and not with the others.
STICK_SERVER_ARGUMENTS = _arguments(
    stick_server_parameters.PARAMETERS, 'host', 'driver', 'graph_paths', 'max_sticks')
CAMERAS = by_name(detector_parameters.PARAMETERS)['cameras']
NAMES = 'a name, or a list of names such as [front,rear]'


class OneForEachCamera(DeclareLaunchArgument):
    """An argument that may be a list, whose values are checked for each camera."""

    def execute(self, context: LaunchContext) -> None:
        """Check the value, unless it is a list, which would be none of the choices."""
        if not is_list(context.launch_configurations.get(self.name, '')):
            super().execute(context)


def parameter_argument(name: str, default: str = '', remark: str = UNLESS_GIVEN,
                       choices: tuple[str, ...] = ()) -> DeclareLaunchArgument:
    """
    Return the action that declares one of the arguments above.

    :param default: the argument's own default; if empty, the parameter is not set.
    :param remark: end of the description; says where the value comes from when none is given.
    :param choices: choices of the argument, if its parameter has none.
    """
    spec = (CAMERA_ARGUMENTS | DETECTOR_ARGUMENTS | STICK_SERVER_ARGUMENTS
            | {CAMERAS.name: CAMERAS})[name]
    choices = spec.choices or choices
    if choices and not default:
        choices = ('', *choices)
    sentences = [spec.description, remark]
    if not choices and not isinstance(spec.default, str):
        rule = kind_of(spec) if isinstance(spec.default, list) else spec.rule
        if spec is CAMERAS:
            rule = NAMES
        sentences.insert(1, f'Must be {rule}.')
    kind = DeclareLaunchArgument
    if name in ONE_FOR_EACH:
        kind = OneForEachCamera
        sentences.append('With cameras: one for all, or a list with one for each.')
    return kind(
        name, default_value=default, choices=list(choices) or None,
        description=' '.join(sentences))
