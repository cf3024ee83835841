# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Chooses the transport settings of Fast DDS for the launched nodes."""

import os

from launch import LaunchContext
from launch.actions import LogInfo
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare
from ncs_cluster_detector.launching.arguments import PACKAGE
from ncs_cluster_detector.launching.params_file import ParamsFile
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
from ncs_cluster_detector.ros.environment import transport_choice
from ncs_cluster_detector.ros.network_transport import is_list_of_names
from ncs_cluster_detector.ros.network_transport import NAME

LARGE_IMAGES = PathJoinSubstitution(
    [FindPackageShare(PACKAGE), 'config', 'fastdds_large_images.xml'])
NETWORK = PathJoinSubstitution([FindPackageShare(PACKAGE), 'config', 'fastdds_network.xml'])
NETWORK_WORD = 'network'
CHOOSING = ('FASTRTPS_DEFAULT_PROFILES_FILE, FASTDDS_DEFAULT_PROFILES_FILE, '
            'FASTDDS_BUILTIN_TRANSPORTS, or a file that Fast DDS finds in the current folder.')


def transport_profile(
        context: LaunchContext, default: SomeSubstitutionsType,
        network: SomeSubstitutionsType = NETWORK,
) -> tuple[dict[str, SomeSubstitutionsType], list[LogInfo]]:
    """
    Return the environment variables that name Fast DDS's profile, and actions that log about it.

    Without variables the environment stays as it is.

    :param default: path of the profile of nodes for which nothing is chosen.
    :param network: path of the profile that the word ``network`` stands for.
    :raises RuntimeError: the given file is missing; Fast DDS would ignore that.
    """
    text = LaunchConfiguration('fastdds_profile').perform(context)
    if text == 'none':
        return {}, []
    if text == NETWORK_WORD:
        return dict.fromkeys(PROFILE_VARIABLES, network), []
    if not text:
        chosen = transport_choice(context.environment)
        if not chosen:
            return dict.fromkeys(PROFILE_VARIABLES, default), []
        return {}, [LogInfo(msg=f'transport settings stay as they are, because of {chosen}; '
                                'where images do not arrive whole, see fastdds_profile')]
    path = os.path.abspath(os.path.expanduser(text))
    if not os.path.isfile(path):
        raise RuntimeError(f'fastdds_profile:={text}: no such file; name an XML file, say network '
                           'or none, or leave it out')
    return dict.fromkeys(PROFILE_VARIABLES, path), []


def names_remote_hosts(context: LaunchContext, file: ParamsFile) -> bool:
    """Return whether the argument ``remote_hosts``, or else the file, names other hosts."""
    text = LaunchConfiguration(NAME).perform(context)
    return is_list_of_names(text or str(file.already_set('detector').get(NAME, '')))
