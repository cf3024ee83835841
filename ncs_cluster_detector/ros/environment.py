# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Checks the environment variables that ROS reads, before ROS is loaded.

A wrong one ends the process while ROS is being loaded, or with a text that names no remedy.
"""

from collections.abc import Mapping
import ctypes
import os
from pathlib import Path
import re

# The highest domain id whose ports (7400 + 250 a domain) exist. Source: the ROS 2 documentation
# on domain ids.
HIGHEST_DOMAIN = 232
DEFAULT_MIDDLEWARE = 'rmw_fastrtps_cpp'   # of every ROS 2 that this package is for
# With any other value than 0 and 1 ROS logs nothing at all.
SWITCHES = ('RCUTILS_LOGGING_USE_STDOUT', 'RCUTILS_LOGGING_BUFFERED_STREAM')
# Where Fast DDS looks for the path of its profiles: up to 2.14 (Jazzy), and later.
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
# Other ways to choose a transport. Fast DDS also reads such a file in the current folder
# (XMLProfileManager::loadDefaultXMLFile).
CHOOSING_VARIABLES = (*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS')
PROFILE_FILES = ('DEFAULT_FASTRTPS_PROFILES.xml', 'DEFAULT_FASTDDS_PROFILES.xml')
# Shared memory that is large enough for whole images, and UDP on the loopback interface only.
LOOPBACK_PROFILE = Path(__file__).with_name('fastdds_loopback.xml')
# For the command line of a program that needs no log file.
WITHOUT_LOG_FILE = ['--ros-args', '--disable-external-lib-logs']


def fault_in_environment() -> str:
    """Return what is wrong with a variable, and the remedy, in one line; '' if nothing is."""
    domain = os.environ.get('ROS_DOMAIN_ID', '')
    if domain and not (re.fullmatch('[0-9]{1,9}', domain) and int(domain) <= HIGHEST_DOMAIN):
        return (f'ROS_DOMAIN_ID={domain}: must be a whole number, 0 to {HIGHEST_DOMAIN}; '
                'set it to that of the other nodes, or unset it for 0')
    for name in SWITCHES:
        if os.environ.get(name, '') not in ('', '0', '1'):
            return f'{name}={os.environ[name]}: must be 0 or 1; correct or unset it'
    middleware = os.environ.get('RMW_IMPLEMENTATION', '')
    if middleware not in ('', DEFAULT_MIDDLEWARE):
        try:
            ctypes.CDLL(f'lib{middleware}.so')
        except (OSError, ValueError) as error:
            return (f'RMW_IMPLEMENTATION={middleware}: loading it failed ({error}); install the '
                    f'package {middleware.replace("_", "-")} of this ROS, or unset it for '
                    f'{DEFAULT_MIDDLEWARE}')
    return ''


def transport_choice(environment: Mapping[str, str]) -> str:
    """Return what in the environment chooses a transport of Fast DDS; '' if nothing does."""
    for name in CHOOSING_VARIABLES:
        if environment.get(name):
            return f'{name}={environment[name]}'
    return next((f'{name} in the current folder' for name in PROFILE_FILES
                 if os.path.isfile(name)), '')


def fault_of_log_folder() -> str:
    """Return why ROS cannot write its log files, and the remedy, in one line; '' if it can."""
    remedy = 'no log file is written; set ROS_LOG_DIR to a folder that can be written'
    folder = _log_folder()
    if folder is None:
        return f'HOME and ROS_LOG_DIR are not set: {remedy}'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(0, 'it may not be written')
    except OSError as error:
        return f'writing log files to {folder} failed ({error.strerror}): {remedy}'
    return ''


def _log_folder():
    """Return where ROS writes its log files, by the rules of rcl_logging_interface, or None."""
    for variable, below in (('ROS_LOG_DIR', ''), ('ROS_HOME', 'log'), ('HOME', '.ros/log')):
        folder = os.environ.get(variable)
        if folder:
            return Path(folder).expanduser() / below
    return None
