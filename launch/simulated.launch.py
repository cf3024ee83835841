# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Starts cluster_detector.launch.py with simulated sticks and a test pattern as defaults."""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from ncs_cluster_detector.launching.arguments import note_own_defaults
from ncs_cluster_detector.launching.parameter_arguments import parameter_argument

OWN_DEFAULTS = {'driver': 'simulated', 'source': 'test_pattern', 'cluster_size': '2'}
UNLESS_IN_FILE = 'If not given, params_file overrides this default.'


def generate_launch_description() -> LaunchDescription:
    """Return the launch description: three arguments, then all of cluster_detector.launch.py."""
    return LaunchDescription([
        OpaqueFunction(function=note_own_defaults, args=[list(OWN_DEFAULTS)]),
        *(parameter_argument(name, default, UNLESS_IN_FILE)
          for name, default in OWN_DEFAULTS.items()),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(
            str(Path(__file__).with_name('cluster_detector.launch.py')))),
    ])
