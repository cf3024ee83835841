# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The environment variables and shared memory of a run that stays on this machine."""

import contextlib
import fcntl
import os
from pathlib import Path
import re
import socket

# Domains 1 to 101 leave all their ports below those that Linux hands out by itself.
DOMAINS = 101
PORT_BASE, PORTS_PER_DOMAIN, FIRST_UNICAST = 7400, 250, 10
# What would lead the traffic elsewhere, or give log lines a form that the runner cannot read.
FOREIGN_VARIABLES = (
    'CYCLONEDDS_URI', 'FASTDDS_BUILTIN_TRANSPORTS', 'FASTDDS_ENVIRONMENT_FILE',
    'FASTDDS_STATISTICS', 'RCUTILS_CONSOLE_OUTPUT_FORMAT', 'RCUTILS_LOGGING_USE_STDOUT',
    'RMW_FASTRTPS_PUBLICATION_MODE', 'RMW_FASTRTPS_USE_QOS_FROM_XML',
    'ROS_DISABLE_LOANED_MESSAGES', 'ROS_DISCOVERY_SERVER', 'ROS_LOCALHOST_ONLY',
    'ROS_NAMESPACE', 'ROS_SECURITY_ENABLE', 'ROS_STATIC_PEERS', 'ROS_SUPER_CLIENT',
    'SKIP_DEFAULT_XML')
# Where Fast DDS looks for the path of its profiles: up to 2.14 (Jazzy), and later.
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
PROFILE = Path(__file__).resolve().parent / 'fastdds_loopback.xml'
SHARED_MEMORY = Path('/dev/shm')
LOCKS = ('_el', '_sl')   # beside a segment or port: exclusive, shared
SHARED_NAME = re.compile(r'/dev/shm/(\S*fastrtps_\S+)')


def loopback_environment(inherited, domain, profile=PROFILE):
    """
    Return the environment for the nodes and the runner: this machine only, in a domain.

    :param inherited: the environment variables of the caller.
    :param domain: ROS_DOMAIN_ID of the run.
    :param profile: path of the Fast DDS profile, or None for the transports that it has by itself.
    """
    kept = {name: value for name, value in inherited.items()
            if name not in FOREIGN_VARIABLES + PROFILE_VARIABLES}
    profiles = {} if profile is None else dict.fromkeys(PROFILE_VARIABLES, str(profile))
    return {
        **kept,
        **profiles,
        'PYTHONUNBUFFERED': '1',
        'RCUTILS_COLORIZED_OUTPUT': '0',
        'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_DOMAIN_ID': str(domain)}


def free_domain(seed):
    """
    Return a ROS domain, 1 to 101, in which nobody on this machine seems to be.

    :param seed: where to begin, such as the process id, so that two runs begin apart.
    """
    domains = [(seed + step) % DOMAINS + 1 for step in range(DOMAINS)]
    return next(filter(_looks_free, domains), domains[0])


def _looks_free(domain):
    """Return whether the port that the first participant of the domain would take is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', PORT_BASE + PORTS_PER_DOMAIN * domain + FIRST_UNICAST))
        except OSError:
            return False
    return True


def shared_memory_names():
    """Return the names of all that Fast DDS has in shared memory now."""
    return {path.name for path in SHARED_MEMORY.glob('*fastrtps_*')}


def remove_dead_shared_memory(names_before):
    """
    Remove what is left in shared memory since the run began; call it outside of ROS.

    A process that is killed leaves all of its own, and of those that end at the same moment
    Fast DDS at times leaves the semaphore of a port.

    :param names_before: names that were there before the run; they are somebody else's.
    :return: names of what was removed: what came since then and no other process holds.
    """
    names = shared_memory_names()
    busy = {_thing(name) for name in names_in_use()}
    removed = {name for name in names - names_before
               if _thing(name) not in busy and not _is_locked(_thing(name))}
    for name in removed:
        (SHARED_MEMORY / name).unlink(missing_ok=True)
    return removed


def _thing(name):
    """Return the segment or port that a file belongs to: it has a semaphore and lock files."""
    return name.removeprefix('sem.').removesuffix('_mutex').removesuffix(LOCKS[0]).removesuffix(
        LOCKS[1])


def _is_locked(thing):
    """Return whether a process holds the lock, perhaps one of another container."""
    for ending in LOCKS:
        with contextlib.suppress(FileNotFoundError):
            try:
                with (SHARED_MEMORY / (thing + ending)).open('rb') as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return True
    return False


def names_in_use():
    """Return the names that some process, other than this one, has mapped or open."""
    found = set()
    for process in Path('/proc').glob('[0-9]*'):
        if int(process.name) == os.getpid():
            continue   # Fast DDS does not unmap what it had of others when it is shut down
        # A process may end meanwhile, or close a file, or be another user's, as its files then
        # are: whatever cannot be looked at is of no concern.
        with contextlib.suppress(OSError):
            found.update(SHARED_NAME.findall((process / 'maps').read_text()))
            for link in (process / 'fd').iterdir():
                with contextlib.suppress(OSError):
                    found.update(SHARED_NAME.findall(os.readlink(link)))
    return found


def use(environment):
    """Make the environment that of this process, too; call it before rclpy is imported."""
    os.environ.clear()
    os.environ.update(environment)
