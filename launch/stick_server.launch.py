# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Starts the stick server of a host, which offers its sticks to a detector on another host.

``ros2 launch ncs_cluster_detector stick_server.launch.py --show-args`` is the manual.
"""

from launch import Action
from launch import LaunchContext
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import GroupAction
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.actions import PushRosNamespace
from ncs_cluster_detector.launching.arguments import check_namespace
from ncs_cluster_detector.launching.arguments import given
from ncs_cluster_detector.launching.arguments import machine_namespace
from ncs_cluster_detector.launching.arguments import warn_of_unknown
from ncs_cluster_detector.launching.launched_node import launched_node
from ncs_cluster_detector.launching.launched_node import stop_after_startup_error
from ncs_cluster_detector.launching.parameter_arguments import parameter_argument
from ncs_cluster_detector.launching.parameter_arguments import STICK_SERVER_ARGUMENTS
from ncs_cluster_detector.launching.params_file import ParamsFile
from ncs_cluster_detector.launching.transport_profile import CHOOSING
from ncs_cluster_detector.launching.transport_profile import NETWORK
from ncs_cluster_detector.launching.transport_profile import transport_profile

NODE = 'stick_server'


def generate_launch_description() -> LaunchDescription:
    """Return the launch description: arguments, stick server."""
    arguments = [
        DeclareLaunchArgument(
            'namespace', default_value=machine_namespace(),
            description='Namespace of the node and of its topics: below that of the detector, '
                        'such as robot1/pi2, another one on each host. Without host its last part '
                        'is the name of the host. The default is the name of this machine.'),
        DeclareLaunchArgument(
            'params_file', default_value='',
            description='YAML file with parameters of the stick server. Arguments override it. '
                        'Empty = config/stick_server.yaml of this package.'),
        parameter_argument('host'),
        parameter_argument('driver'),
        parameter_argument('graph_paths'),
        parameter_argument('max_sticks'),
        parameter_argument('diagnostics_with_namespace', choices=('true', 'false')),
        DeclareLaunchArgument(
            'respawn', default_value='true', choices=['true', 'false'],
            description='Whether to start the node again a second after it ends by itself; never '
                        'after a start-up error.'),
        DeclareLaunchArgument(
            'log_level', default_value='info',
            choices=['debug', 'info', 'warn', 'error', 'fatal'],
            description='Least severity of the log messages of the node.'),
        DeclareLaunchArgument(
            'fastdds_profile', default_value='',
            description='XML file with the transport settings of Fast DDS for the node. A path = '
                        'that file; none = the environment of the node stays as it is; network = '
                        'config/fastdds_network.xml of this package. Empty = the same as network, '
                        'unless the environment chooses already, with ' + CHOOSING),
    ]
    return LaunchDescription([
        *arguments,
        OpaqueFunction(function=warn_of_unknown, args=[
            [argument.name for argument in arguments], [__file__]]),
        OpaqueFunction(function=check_namespace),
        GroupAction([
            PushRosNamespace(LaunchConfiguration('namespace')),
            OpaqueFunction(function=nodes),
        ]),
    ])


def nodes(context: LaunchContext) -> list[Action]:
    """
    Return the actions that run the stick server.

    A function, because the values of the arguments decide which parameters are set.
    """
    file = ParamsFile(context)
    file.is_for([NODE])
    parameters = given(context, STICK_SERVER_ARGUMENTS, file.already_set(NODE))
    variables, actions = transport_profile(context, NETWORK)
    started: list[Node] = []
    started.append(launched_node(
        NODE, NODE, parameters, file, variables, executable=NODE,
        on_exit=stop_after_startup_error(started)))
    return [*actions, *started]
