# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Camera and detector on simulated sticks and a synthetic camera: the same with other defaults."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from ncs_cluster_detector.cameras.registry import source_descriptions
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.drivers.registry import driver_descriptions
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.launching.arguments import note_own_defaults

UNLESS_IN_FILE = 'Where it is not given, params_file wins over this default.'


def generate_launch_description():
    """Return the launch description: three arguments, then all of cluster_detector.launch.py."""
    return LaunchDescription([
        OpaqueFunction(function=note_own_defaults, args=[['driver', 'source', 'cluster_size']]),
        DeclareLaunchArgument(
            'driver', default_value='simulated', choices=list(DRIVERS),
            description=f'What drives the sticks: {driver_descriptions()}. {UNLESS_IN_FILE}'),
        DeclareLaunchArgument(
            'source', default_value='test_pattern', choices=list(SOURCES),
            description=f'Where the pictures come from: {source_descriptions()}. '
                        + UNLESS_IN_FILE),
        DeclareLaunchArgument(
            'cluster_size', default_value='2',
            description='Sticks active at a time, 0 to 64, while the others rest; 0 = all, no '
                        'rotation. ' + UNLESS_IN_FILE),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(
            str(Path(__file__).with_name('cluster_detector.launch.py')))),
    ])
