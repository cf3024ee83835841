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
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES

# Other ways to choose a transport. Fast DDS also reads such a file in the current folder
# (XMLProfileManager::loadDefaultXMLFile).
CHOOSING_VARIABLES = (*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS')
PROFILE_FILES = ('DEFAULT_FASTRTPS_PROFILES.xml', 'DEFAULT_FASTDDS_PROFILES.xml')


def transport_profile(
        context: LaunchContext,
        shipped: SomeSubstitutionsType) -> tuple[dict[str, SomeSubstitutionsType], list[LogInfo]]:
    """
    Return the environment variables that name Fast DDS's profile, and actions that log about it.

    Without variables the environment stays as it is.

    :param shipped: path of the profile of this package.
    :raises RuntimeError: the given file is missing; Fast DDS would ignore that.
    """
    text = LaunchConfiguration('fastdds_profile').perform(context)
    if text == 'none':
        return {}, []
    if not text:
        chosen = _choice_of(context.environment)
        if not chosen:
            return dict.fromkeys(PROFILE_VARIABLES, shipped), []
        return {}, [LogInfo(msg=f'transport settings stay as they are, because of {chosen}; '
                                'where images do not arrive whole, see fastdds_profile')]
    path = os.path.abspath(os.path.expanduser(text))
    if not os.path.isfile(path):
        raise RuntimeError(f'fastdds_profile:={text}: no such file; name an XML file, say none, '
                           'or leave it out')
    return dict.fromkeys(PROFILE_VARIABLES, path), []


def _choice_of(environment):
    """Return what in the environment chooses a transport already, or an empty text."""
    for name in CHOOSING_VARIABLES:
        if environment.get(name):
            return f'{name}={environment[name]}'
    return next((f'{name} in the current folder' for name in PROFILE_FILES
                 if os.path.isfile(name)), '')
