# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A software double of the vendor's ``mvnc.mvncapi`` (NCSDK 2.10): the same names and behaviour.

:func:`plug_in` adds the simulated sticks; before it is called there are none, except in a process
whose environment names a bus (see ``SimulatedBus``).

Left out on purpose are the native library itself (``f``), its output, the options of its higher
classes, which the public library does not have either, and its crashes: where the vendor's library
reads freed memory, or waits for ever, the call fails here (see ``Fifo`` and ``Graph``). A
descriptor or buffer of another type than the vendor's may fail with another built-in exception.
"""

import ctypes

from ncs_cluster_detector.mvnc.api import surface
from ncs_cluster_detector.mvnc.api.device import new_handle
from ncs_cluster_detector.mvnc.api.surface import *  # noqa: F401, F403
from ncs_cluster_detector.simulation.api import process_state
from ncs_cluster_detector.simulation.api.process_state import plug_in
from ncs_cluster_detector.simulation.api.simulated_sticks import SimulatedListedStick
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.stick.stick_opening import apply_faults

__all__ = ['BusSpec', 'enumerate_devices', 'plug_in']
__all__ += surface.__all__


def enumerate_devices() -> list[ctypes.c_void_p]:
    """
    Return a list of new handles (``ctypes.c_void_p``), one for each visible stick.

    The first call in a process resets the sticks that a killed process left booted.
    """
    handles = []
    with process_state.lock:
        shared_bus = process_state.initialised_bus()
        for port in shared_bus.ports() if shared_bus is not None else ():
            seen = port.visible()
            if seen is None:
                continue
            state, link = seen
            try:
                apply_faults(state.faults, 'enumerate')
            except Exception:   # the vendor's module takes any error for the end of the list
                break
            handles.append(new_handle(SimulatedListedStick(shared_bus, port, port.name_of(link))))
    return handles
