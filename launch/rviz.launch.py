# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Starts rviz with the view of this package: pictures and objects of one camera and detector.

It only needs their topics, so it may run on another machine.
"""

from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import PackageNotFoundError
from launch import LaunchContext
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import GroupAction
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.actions import PushRosNamespace
from launch_ros.substitutions import FindPackageShare
from ncs_cluster_detector.launching.arguments import check_namespace
from ncs_cluster_detector.launching.arguments import warn_of_unknown

VIEW = PathJoinSubstitution(
    [FindPackageShare('ncs_cluster_detector'), 'config', 'cluster_detector.rviz'])
# The topics that the view may name, with a leading slash: rviz has absolute names only.
TOPICS = (
    'annotated_image', 'annotated_image/compressed', 'foreground_image', 'markers',
    'camera/image_raw', 'camera/image_raw/compressed', 'camera/camera_info',
    'camera/aligned_depth_to_color/image_raw', 'camera/aligned_depth_to_color/camera_info')


def generate_launch_description() -> LaunchDescription:
    """Return the launch description: the namespace, and rviz in it."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'namespace', default_value='',
            description='Namespace of the nodes whose topics are shown, such as robot1.'),
        OpaqueFunction(function=warn_of_unknown, args=[['namespace'], [__file__]]),
        OpaqueFunction(function=check_namespace),
        GroupAction([
            PushRosNamespace(LaunchConfiguration('namespace')),
            OpaqueFunction(function=rviz),
        ]),
    ])


def rviz(_: LaunchContext) -> list[Node]:
    """
    Return the action that runs rviz.

    :raises RuntimeError: it is not installed.
    """
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        raise RuntimeError(
            'rviz cannot be started, there is no package rviz2 here: install '
            'ros-$ROS_DISTRO-rviz2, or leave rviz:=true out') from None
    return [Node(
        package='rviz2',
        executable='rviz2',
        arguments=['--display-config', VIEW],
        # Absolute names of the view become relative to the namespace.
        remappings=[('/' + topic, topic) for topic in TOPICS],
        output='screen')]
