# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Remove the shared memory that Fast DDS leaves behind when a node is killed."""

from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import fcntl
import os
from pathlib import Path
import re

import psutil

FOLDER = Path('/dev/shm')
# Endings of the lock files of a segment or port, and the lock that is free when nobody has theirs.
# Its owner locks the first exclusively: asked for a shared lock, two cleaners at the same moment
# don't take each other for the owner. Users of a port share the second.
LOCKS = {'_el': fcntl.LOCK_SH, '_sl': fcntl.LOCK_EX}
_PORT = 'fastrtps_port'
_NAME = re.compile(r'/dev/shm/(\S*fastrtps_\S+)')


def shared_memory_names() -> set[str]:
    """Return the names of all files that Fast DDS has in shared memory now."""
    return {path.name for path in FOLDER.glob('*fastrtps_*')}


def owned_by(pid: int) -> set[str]:
    """Return the segments and ports of Fast DDS whose lock file a process has open."""
    return {segment_of(name) for name in _open_files(pid) if name.endswith(tuple(LOCKS))}


def ports_held_by(pid: int) -> set[str]:
    """Return the ports of Fast DDS that a process has open or mapped, lock files aside."""
    found = {name for name in _open_files(pid) if not name.endswith(tuple(LOCKS))}
    # Not with psutil: it adds up the pages of each map, which takes 8 times as long. A process may
    # end meanwhile, or belong to another user: then it does not count.
    with contextlib.suppress(OSError):
        found.update(_NAME.findall(Path(f'/proc/{pid}/maps').read_text()))
    return {segment_of(name) for name in found if _PORT in name}


def _open_files(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for link in Path(f'/proc/{pid}/fd').iterdir():
            with contextlib.suppress(OSError):   # closed meanwhile
                yield from _NAME.findall(os.readlink(link))


@contextlib.contextmanager
def clean_shared_memory() -> Iterator[None]:
    """
    Remove what a run, the body, has left in shared memory; begin and end it outside of ROS.

    What was there before belongs to others, and what somebody still uses stays.
    """
    before = shared_memory_names()
    try:
        yield
    finally:
        remove_unused(shared_memory_names() - before)


def remove_unused(names: Iterable[str]) -> set[str]:
    """
    Remove files of segments and ports that nobody uses; call it after ROS is shut down.

    A killed process leaves all of its files. When processes end at the same moment, Fast DDS
    sometimes leaves the semaphore of a port.

    Its owner locks a segment from before there is one (SharedMemManager.hpp of Fast DDS 2.14). So
    that is free without the lock, whoever else has it mapped: that may be a program of another
    domain, which got the port of one that had ended, with what was sent to that. A program that
    only writes to a port does not lock it.

    :param names: of files that may be removed.
    :return: those that were removed.
    """
    # This process does not count: Fast DDS does not unmap what it mapped of others.
    busy = set().union(*(ports_held_by(pid) for pid in psutil.pids() if pid != os.getpid()))
    removed = {name for name in names
               if segment_of(name) not in busy and not is_locked(segment_of(name))}
    for name in removed:
        (FOLDER / name).unlink(missing_ok=True)
    return removed


def segment_of(name: str) -> str:
    """Return the segment or port that a file (itself, its semaphore or its locks) belongs to."""
    name = name.removeprefix('sem.').removesuffix('_mutex')
    for ending in LOCKS:
        name = name.removesuffix(ending)
    return name


def is_locked(segment: str) -> bool:
    """Return whether a process, perhaps in another container, locks a segment or port."""
    for ending, lock in LOCKS.items():
        with contextlib.suppress(FileNotFoundError):
            try:
                with (FOLDER / (segment + ending)).open('rb') as file:
                    fcntl.flock(file, lock | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return True
    return False
