# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a process has once of the vendor's library: its lock, its bus and its connections."""

import os
import threading
from typing import Union

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.stick.leftovers import reset_leftovers

# Path of the bus for a program that does not plug in one itself.
ENVIRONMENT_VARIABLE = 'NCS_SIMULATED_BUS'
# A process of the vendor's library has so many connections in its life; the next one aborts it.
MOST_CONNECTIONS = 16

# Held from the beginning of an opening to its end, so that everything else in the process that
# takes it, be it for a moment, waits meanwhile.
lock = threading.Lock()

_plugged_in = None
_initialised = False
_connections = 0


def plug_in(bus: Union[SimulatedBus, BusSpec]) -> None:
    """
    Make the sticks of a bus the ones that this process sees.

    The sticks of an earlier call are no longer listed; those that are open stay so until they
    are closed.

    :param bus: a :class:`SimulatedBus`, or a :class:`BusSpec` for sticks of this process alone.
    """
    global _plugged_in, _initialised
    _plugged_in = SimulatedBus(bus) if isinstance(bus, BusSpec) else bus
    _initialised = False


def initialised_bus():
    """
    Return the bus, or None when there is none; the caller holds :data:`lock`.

    As in the vendor's library the first call resets the sticks that are booted but in use by
    nobody: a process that was killed left them behind. That takes ``boot_ms``; or the call does
    not return, or the process dies of it (see :mod:`leftovers`).

    :raises ValueError: the environment variable names something that is no bus.
    """
    global _initialised
    if _plugged_in is None and os.environ.get(ENVIRONMENT_VARIABLE):
        plug_in(_bus_of_environment())
    if _plugged_in is not None and not _initialised:
        _initialised = True
        reset_leftovers(_plugged_in)
    return _plugged_in


def count_connection(bus):
    """Count an opening; with ``library_faults`` the 17th ends the process with SIGABRT."""
    global _connections
    if bus.library_faults and _connections >= MOST_CONNECTIONS:
        os.abort()
    _connections += 1


def _renew_lock():
    """Make a lock for a process that was forked while another thread may have held it."""
    global lock
    lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def pass_lock():
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
