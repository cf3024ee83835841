# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Starts rviz with a view of this package: pictures and objects of one or two cameras.

It only needs their topics, so it may run on another machine.
"""

from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import PackageNotFoundError
from launch import LaunchContext
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import GroupAction
from launch.actions import OpaqueFunction
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.actions import PushRosNamespace
from launch_ros.substitutions import FindPackageShare
from ncs_cluster_detector.launching.arguments import check_namespace
from ncs_cluster_detector.launching.arguments import PACKAGE
from ncs_cluster_detector.launching.arguments import warn_of_unknown
from ncs_cluster_detector.launching.parameter_arguments import parameter_argument
from ncs_cluster_detector.launching.several_cameras import names_of_cameras
from ncs_cluster_detector.parameters.camera_names import frame_of
from ncs_cluster_detector.parameters.camera_names import NO_NAME
from ncs_cluster_detector.parameters.camera_names import PUBLISHED_TOPICS
from ncs_cluster_detector.parameters.camera_names import TAKEN_TOPICS

# The cameras in the view of two.
SHOWN = ('front', 'rear')


def generate_launch_description() -> LaunchDescription:
    """Return the launch description: two arguments, and rviz in the namespace."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the nodes whose topics are shown, such as robot1.'),
        parameter_argument('cameras', remark='The first two are shown. Give the same as to the '
                                             'nodes.'),
        OpaqueFunction(function=warn_of_unknown, args=[
            ['namespace', 'cameras'], [__file__], ['camera']]),
        OpaqueFunction(function=check_namespace),
        GroupAction([
            PushRosNamespace(LaunchConfiguration('namespace')),
            OpaqueFunction(function=rviz),
        ]),
    ])


def rviz(context: LaunchContext) -> list[Node]:
    """
    Return the action that runs rviz.

    :raises RuntimeError: it is not installed, or a name is invalid.
    """
    names = names_of_cameras(context)
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        raise RuntimeError(
            'rviz cannot be started, there is no package rviz2 here: install '
            'ros-$ROS_DISTRO-rviz2, or leave rviz:=true out') from None
    view = 'cluster_detector.rviz' if len(names) == 1 else 'two_cameras.rviz'
    # The view has another frame than a named camera.
    frame = [] if names == (NO_NAME,) else ['--fixed-frame', frame_of(names[0])]
    if unseen := names[len(SHOWN):]:
        get_logger(PACKAGE).info(
            f'rviz shows {" and ".join(names[:len(SHOWN)])}, and not {", ".join(unseen)}; change '
            'the topics of its displays, or start rviz.launch.py again with other cameras')
    return [Node(
        package='rviz2',
        executable='rviz2',
        arguments=['--display-config', PathJoinSubstitution(
            [FindPackageShare(PACKAGE), 'config', view]), *frame],
        remappings=topics_of(names),
        output='screen')]


def topics_of(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """
    Return what each topic that a view may name is for these cameras.

    A view has absolute names, because rviz has no others; here they become relative to the
    namespace. All topics of a camera are in, also those that somebody chooses in rviz.
    """
    if len(names) > 1:
        return [(f'/{shown}/{topic}', f'{name}/{topic}') for shown, name in zip(SHOWN, names)
                for topic in (*TAKEN_TOPICS, *PUBLISHED_TOPICS)]
    (name,) = names
    taken, published = (name, f'{name}/') if name else ('camera', '')
    return [*((f'/camera/{topic}', f'{taken}/{topic}') for topic in TAKEN_TOPICS),
            *((f'/{topic}', f'{published}{topic}') for topic in PUBLISHED_TOPICS)]
