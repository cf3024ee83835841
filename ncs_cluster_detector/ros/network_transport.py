# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Chooses the transport settings of Fast DDS for a node that works with other hosts.

For ``ros2 run``, which has no launch argument for them; before ROS is loaded, which reads them.
"""

from collections.abc import Iterable
import os
from pathlib import Path
import sys

from ncs_cluster_detector.parameters.given_parameters import Block
from ncs_cluster_detector.parameters.given_parameters import FILE_FLAGS
from ncs_cluster_detector.parameters.given_parameters import read_file
from ncs_cluster_detector.parameters.given_parameters import RULE
from ncs_cluster_detector.parameters.given_parameters import VALUE_FLAGS
from ncs_cluster_detector.parameters.given_parameters import words_after
from ncs_cluster_detector.ros.environment import DEFAULT_MIDDLEWARE
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
from ncs_cluster_detector.ros.environment import transport_choice

PACKAGE = 'ncs_cluster_detector'
NAME = 'remote_hosts'
PROFILE = Path('config', 'fastdds_network.xml')
OF_FAST_DDS = ('', DEFAULT_MIDDLEWARE, 'rmw_fastrtps_dynamic_cpp')
REMEDY = 'if frames to other hosts are late or lost, see docs/transport.md'
# What stands around the texts of a list, in a file or after -p.
AROUND_TEXTS = '[]\'", '


def use_network_profile() -> str:
    """
    Lead Fast DDS to the profile for several hosts, unless the environment chooses already.

    Call this before ROS is loaded. It sets environment variables of this process.

    :return: one line for the log: what was chosen, and why.
    """
    middleware = os.environ.get('RMW_IMPLEMENTATION', '')
    if middleware not in OF_FAST_DDS:
        return (f'no transport settings for other hosts, because of RMW_IMPLEMENTATION='
                f'{middleware}: ours are for Fast DDS; {REMEDY}')
    choice = transport_choice(os.environ)
    if choice.endswith(PROFILE.name):
        return f'transport settings for other hosts: {choice}'
    if choice:
        return f'no transport settings for other hosts, because of {choice}; {REMEDY}'
    path = _installed_profile()
    if path is None:
        return (f'no transport settings for other hosts, because {PROFILE} of {PACKAGE} is '
                'missing; build the package again')
    os.environ.update(dict.fromkeys(PROFILE_VARIABLES, str(path)))
    return f'transport settings for other hosts: {path}'


def names_remote_hosts(words: Iterable[str], default_name: str = 'detector') -> bool:
    """
    Return whether a command line, or a parameter file in it, names other hosts for a node.

    As in rcl, a file or ``-p`` replaces what an earlier one gave the same key, and of several keys
    that reach the node the one counts that came last. What rcl will refuse counts as nothing.

    :param words: the command line.
    :param default_name: name of the node when it is not renamed.
    """
    words = list(words)
    hosts: dict[str, str | None] = {}   # by key, in the order in which the keys came
    for word in words_after(words, (*FILE_FLAGS, *VALUE_FLAGS)):
        rule = RULE.fullmatch(word)
        if rule is not None:
            given = [(rule['node'] or '/**', rule['name'], rule['value'])]
        else:
            file = read_file(word)
            given = [(block.key, entry.name, entry.value)
                     for block in (file.blocks if file is not None else ())
                     for entry in block.entries]
        for key, name, value in given:
            hosts[key] = value if name == NAME else hosts.get(key)
    node = _full_name(words, default_name)
    values = [value for key, value in hosts.items()
              if value is not None and Block(f'/{key.lstrip("/")}', ()).reaches(node)]
    return bool(values) and is_list_of_names(values[-1])


def is_list_of_names(text: str) -> bool:
    """Return whether the value of remote_hosts, as written, holds more than empty texts."""
    return bool(text.strip(AROUND_TEXTS))


def _full_name(words, name):
    """Return the fully qualified name of the node, as the remapping rules make it."""
    namespace = ''
    for rule in words_after(words, ('-r', '--remap')):
        kind, _, value = rule.partition(':=')
        if kind.endswith('__ns'):
            namespace = value.rstrip('/')
        elif kind.endswith(('__node', '__name')):
            name = value
    return f'{namespace}/{name}'


def _installed_profile():
    """Return the profile of a checkout that this module is in, or else the installed one."""
    shares = [Path(__file__).resolve().parents[2]]
    shares += [Path(prefix, 'share', PACKAGE) for prefix in
               (*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix) if prefix]
    return next((share / PROFILE for share in shares if (share / PROFILE).is_file()), None)
