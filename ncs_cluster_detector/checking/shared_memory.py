# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Takes away the shared memory that Fast DDS leaves behind when a node is killed."""

import contextlib
import fcntl
import os
from pathlib import Path
import re

import psutil

FOLDER = Path('/dev/shm')
LOCKS = ('_el', '_sl')   # beside a segment or port: exclusive, shared
_NAME = re.compile(r'/dev/shm/(\S*fastrtps_\S+)')


def shared_memory_names():
    """Return the names of all files that Fast DDS has in shared memory now."""
    return {path.name for path in FOLDER.glob('*fastrtps_*')}


def names_held_by(pid):
    """Return the names of the files of Fast DDS that a process has mapped or open."""
    found = set()
    process = Path('/proc') / str(pid)
    # Not by psutil: it adds up the pages of each map, which takes 8 times as long. A process may
    # end meanwhile, or close a file, or be another user's: that is of no concern then.
    with contextlib.suppress(OSError):
        found.update(_NAME.findall((process / 'maps').read_text()))
        for link in (process / 'fd').iterdir():
            with contextlib.suppress(OSError):
                found.update(_NAME.findall(os.readlink(link)))
    return found


def things_held_by(pid):
    """Return the segments and ports of Fast DDS that a process holds."""
    return {thing_of(name) for name in names_held_by(pid)}


def remove_unused(names):
    """
    Remove files of segments and ports that no other process holds; call it outside of ROS.

    A process that is killed leaves all of its own, and of those that end at the same moment
    Fast DDS at times leaves the semaphore of a port.

    :param names: set of names of files that may be removed.
    :return: set of those that were removed.
    """
    # This process is left out: Fast DDS does not unmap what it had of others.
    busy = set().union(*(things_held_by(pid) for pid in psutil.pids() if pid != os.getpid()))
    removed = {name for name in names
               if thing_of(name) not in busy and not is_locked(thing_of(name))}
    for name in removed:
        (FOLDER / name).unlink(missing_ok=True)
    return removed


def thing_of(name):
    """Return the segment or port that a file belongs to: it has a semaphore and lock files."""
    name = name.removeprefix('sem.').removesuffix('_mutex')
    for ending in LOCKS:
        name = name.removesuffix(ending)
    return name


def is_locked(thing):
    """Return whether a process holds the lock, perhaps one of another container."""
    for ending in LOCKS:
        with contextlib.suppress(FileNotFoundError):
            try:
                with (FOLDER / (thing + ending)).open('rb') as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return True
    return False
