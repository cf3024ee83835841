# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The state of the vendor's library in a process: its lock, its bus and its connections."""

import os
import threading

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.stick.leftovers import reset_leftovers

# The path of the bus for a program that does not plug in one itself.
ENVIRONMENT_VARIABLE = 'NCS_SIMULATED_BUS'
# The built-in detector that runs in place of graph files which only the stick's chip can run.
STAND_IN_VARIABLE = 'NCS_STAND_IN_DETECTOR'
# After this many connections the vendor's library aborts a process that makes another.
MOST_CONNECTIONS = 16

# Held while a stick is opened: all other calls in the process that take it wait meanwhile.
lock = threading.Lock()

_plugged_in = None
_initialised = False
_connections = 0


def plug_in(bus: SimulatedBus | BusSpec) -> None:
    """
    Make this process see the sticks of a bus.

    The sticks of an earlier call are no longer listed, but open ones stay open.

    :param bus: a :class:`SimulatedBus`, or a :class:`BusSpec` for sticks of this process alone.
    """
    global _plugged_in, _initialised
    _plugged_in = SimulatedBus(bus) if isinstance(bus, BusSpec) else bus
    _initialised = False


def initialised_bus() -> SimulatedBus | None:
    """
    Return the bus, or None when there is none; the caller holds :data:`lock`.

    As in the vendor's library the first call resets the sticks that a killed process left booted.
    That takes ``boot_ms``; or it hangs or aborts the process (see :mod:`leftovers`).

    :raises ValueError: the environment variable does not name a bus.
    """
    global _initialised
    bus = plugged_in_bus()
    if bus is not None and not _initialised:
        _initialised = True
        reset_leftovers(bus)
    return bus


def plugged_in_bus() -> SimulatedBus | None:
    """
    Return the bus, or None when there is none, and leave its sticks alone.

    :raises ValueError: the environment variable does not name a bus.
    """
    if _plugged_in is None and os.environ.get(ENVIRONMENT_VARIABLE):
        plug_in(_bus_of_environment())
    return _plugged_in


def count_connection(bus: BusSpec) -> None:
    """Count an opening; with ``library_faults`` the 17th ends the process with SIGABRT."""
    global _connections
    if bus.library_faults and _connections >= MOST_CONNECTIONS:
        os.abort()
    _connections += 1


def _renew_lock():
    """Make a new lock in a forked process: another thread may have held the old one."""
    global lock
    lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def wait_for_opening() -> None:
    """Wait for the end of an opening that is under way."""
    with lock:
        pass


def _bus_of_environment():
    path = os.environ[ENVIRONMENT_VARIABLE]
    # The process that the path names may have ended; its children have inherited the file.
    inherited = f'/proc/self/fd/{path.rpartition("/")[2]}'
    try:
        try:
            return SimulatedBus.attach(path)
        except FileNotFoundError:
            return SimulatedBus.attach(inherited)
    except (OSError, ValueError) as error:
        raise ValueError(f'{ENVIRONMENT_VARIABLE}={path}: {error}; unset it, or start the program '
                         'with python -m ncs_cluster_detector.simulation') from error
