# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Find the simulated buses of the programs that run on this machine."""

from dataclasses import dataclass
import os
import textwrap

from ncs_cluster_detector.simulation.bus.bus_memory import FILE_NAME
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
import psutil

_LONGEST_COMMAND = 100


@dataclass(frozen=True)
class RunningBus:
    """
    A bus, the process that made it (or one that still uses it), and that process's program.

    ``started_at`` is when the process was started, in seconds since 1970; ``ros_domain_id`` is
    from its environment, empty if there is none.
    """

    pid: int
    program: str
    started_at: float
    ros_domain_id: str
    shared_bus: SimulatedBus


def running_buses(pid: int | None = None) -> list[RunningBus]:
    """
    Return a :class:`RunningBus` for each bus of this user's processes, newest first.

    :param pid: only the bus that this process uses, whether it made it or not.
    :raises ValueError: there is none.
    """
    users = {}
    for process in psutil.pids():   # in ascending order
        for inode, path in _bus_files(process):
            users.setdefault(inode, {}).setdefault(process, path)
    buses = []
    for paths in users.values():
        if pid is None or pid in paths:
            buses += _attached(paths)
    if not buses:
        where = 'on this machine' if pid is None else f'in process {pid}'
        raise ValueError(f'no simulated sticks {where}; start a program that uses them, as the '
                         'same user')
    return sorted(buses, key=lambda running: (running.started_at, running.pid), reverse=True)


def _attached(paths):
    """Return a list with the bus behind the first usable path, or an empty list."""
    for process, path in paths.items():
        try:
            shared_bus = SimulatedBus.attach(path)
        except (OSError, ValueError):
            continue   # the process has just ended or begun, or has another version
        pid = shared_bus.maker if shared_bus.maker in paths else process
        return [RunningBus(pid, *_facts_about(pid), shared_bus)]
    return []


def _bus_files(process):
    """Yield (inode, path) of a process's open files that are the memory of a bus."""
    folder = f'/proc/{process}/fd'   # psutil lists only files that have a name in a folder
    try:
        numbers = os.listdir(folder)
    except OSError:
        return   # another user's process, or one that has just ended
    for number in numbers:
        path = f'{folder}/{number}'
        try:
            if os.readlink(path).startswith(f'/memfd:{FILE_NAME} '):
                yield os.stat(path).st_ino, path
        except OSError:
            continue   # closed meanwhile


def _facts_about(pid):
    """Return program, start time and ROS_DOMAIN_ID of a process; see RunningBus."""
    try:
        process = psutil.Process(pid)
        command = ' '.join(process.cmdline()).encode(errors='replace').decode()
        return (textwrap.shorten(command, _LONGEST_COMMAND, placeholder=' ...'),
                process.create_time(), process.environ().get('ROS_DOMAIN_ID', ''))
    except psutil.Error:
        return 'has just ended', 0.0, ''
