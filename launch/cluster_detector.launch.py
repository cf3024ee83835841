# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Starts camera and detector, on real sticks unless the arguments say otherwise.

``ros2 launch ncs_cluster_detector cluster_detector.launch.py --show-args`` is the manual.
"""

from pathlib import Path

from launch import Action
from launch import LaunchContext
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import GroupAction
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.actions import PushRosNamespace
from ncs_cluster_detector.launching.arguments import check_namespace
from ncs_cluster_detector.launching.arguments import warn_of_unknown
from ncs_cluster_detector.launching.arguments import warn_of_unused
from ncs_cluster_detector.launching.launched_node import launched_node
from ncs_cluster_detector.launching.launched_node import stop_after_startup_error
from ncs_cluster_detector.launching.parameter_arguments import CAMERA_ARGUMENTS
from ncs_cluster_detector.launching.parameter_arguments import DETECTOR_ARGUMENTS
from ncs_cluster_detector.launching.parameter_arguments import parameter_argument
from ncs_cluster_detector.launching.params_file import ParamsFile
from ncs_cluster_detector.launching.several_cameras import as_argument
from ncs_cluster_detector.launching.several_cameras import names_of_cameras
from ncs_cluster_detector.launching.several_cameras import parameters_of_cameras
from ncs_cluster_detector.launching.several_cameras import parameters_of_detector
from ncs_cluster_detector.launching.transport_profile import CHOOSING
from ncs_cluster_detector.launching.transport_profile import LARGE_IMAGES
from ncs_cluster_detector.launching.transport_profile import names_remote_hosts
from ncs_cluster_detector.launching.transport_profile import NETWORK
from ncs_cluster_detector.launching.transport_profile import transport_profile
from ncs_cluster_detector.parameters.camera_names import NO_NAME

# What the camera publishes, as the detector calls it.
CAMERA_TOPICS = ('image_raw', 'camera_info', 'aligned_depth_to_color/image_raw')

CAMERAS_REMARK = ('Each camera node runs in the namespace of its name. If not given, params_file '
                  'decides.')


def generate_launch_description() -> LaunchDescription:
    """Return the launch description: arguments, camera node, detector node."""
    arguments = [
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of all nodes and of their topics, such as robot1; not of '
                        '/diagnostics; see diagnostics_with_namespace.'),
        DeclareLaunchArgument(
            'params_file', default_value='',
            description='YAML file with parameters of the camera, of the detector, or of both. '
                        'Arguments override it. Empty = config/camera.yaml and '
                        'config/detector.yaml of this package.'),
        DeclareLaunchArgument(
            'camera', default_value='true', choices=['true', 'false'],
            description='Whether to start the camera node; false if camera/image_raw comes from a '
                        'bag, from another camera node, or from another machine.'),
        parameter_argument('cameras', remark=CAMERAS_REMARK),
        parameter_argument('source'),
        parameter_argument('device'),
        parameter_argument('camera_info_url'),
        parameter_argument('use_depth'),
        parameter_argument('driver'),
        parameter_argument('graph_paths'),
        parameter_argument('cluster_size'),
        parameter_argument('cluster_switch_cycle_ms'),
        parameter_argument('switch_temperature'),
        parameter_argument('remote_hosts'),
        parameter_argument('local_sticks'),
        parameter_argument('diagnostics_with_namespace', choices=('true', 'false')),
        DeclareLaunchArgument(
            'rviz', default_value='false', choices=['true', 'false'],
            description='Whether to start rviz2 too, as rviz.launch.py does; the nodes go on when '
                        'it is closed.'),
        DeclareLaunchArgument(
            'respawn', default_value='true', choices=['true', 'false'],
            description='Whether to start a node again a second after it ends by itself; '
                        'never after a start-up error.'),
        DeclareLaunchArgument(
            'log_level', default_value='info',
            choices=['debug', 'info', 'warn', 'error', 'fatal'],
            description='Least severity of the log messages of all nodes.'),
        DeclareLaunchArgument(
            'fastdds_profile', default_value='',
            description='XML file with the transport settings of Fast DDS for all nodes. Without '
                        'any, most pictures of 640x480 and more are lost between two processes. '
                        'A path = that file; none = the environment of the nodes stays as it is; '
                        'network = config/fastdds_network.xml of this package for the detector, '
                        'and config/fastdds_large_images.xml for the cameras. Empty = '
                        'config/fastdds_large_images.xml, or with remote_hosts the same as '
                        'network, unless the environment chooses already, with ' + CHOOSING),
    ]
    return LaunchDescription([
        *arguments,
        OpaqueFunction(function=warn_of_unknown, args=[
            [argument.name for argument in arguments],
            [__file__, Path(__file__).with_name('simulated.launch.py')]]),
        OpaqueFunction(function=check_namespace),
        GroupAction([
            PushRosNamespace(LaunchConfiguration('namespace')),
            OpaqueFunction(function=nodes),
        ]),
    ])


def nodes(context: LaunchContext) -> list[Action]:
    """
    Return the actions that run the cameras, the detector and rviz, or some of them.

    A function, because the values of the arguments decide which parameters are set.
    """
    file = ParamsFile(context)
    names = names_of_cameras(context, file)
    has_camera = LaunchConfiguration('camera').perform(context) == 'true'
    cameras = parameters_of_cameras(context, names, file) if has_camera else {}
    file.is_for([*cameras, 'detector'])
    has_hosts = names_remote_hosts(context, file)
    started: list[Node] = []
    common = {'file': file, 'on_exit': stop_after_startup_error(started)}
    # Small messages, which the network needs, would lose the images of the cameras on this host.
    variables, actions = transport_profile(context, LARGE_IMAGES, network=LARGE_IMAGES)
    started += [launched_node(
        'camera', full_name, parameters, variables=variables, executable='camera_node',
        namespace=full_name.rpartition('/')[0], **common)
        for full_name, parameters in cameras.items()]
    variables, _ = transport_profile(context, NETWORK if has_hosts else LARGE_IMAGES)
    started.append(launched_node(
        'detector', 'detector', parameters_of_detector(context, names, file),
        variables=variables, executable='detector_node', **common,
        remappings=[(topic, 'camera/' + topic) for topic in CAMERA_TOPICS if names == (NO_NAME,)]))
    if not has_camera:
        warn_of_unused(context, CAMERA_ARGUMENTS.keys() - DETECTOR_ARGUMENTS.keys(),
                       'camera:=false starts no camera')
    # Its namespace is that of this group.
    view = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).with_name('rviz.launch.py'))),
        launch_arguments={'namespace': '', 'cameras': as_argument(names)}.items(),
        condition=IfCondition(LaunchConfiguration('rviz')))
    return [*actions, view, *started]
