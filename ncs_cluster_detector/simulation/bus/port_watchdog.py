# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The watchdog of the stick in a USB port of the simulated bus, which misses its process."""

from collections.abc import Callable

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.port_heat import PortHeat
from ncs_cluster_detector.simulation.bus.port_memory import PortMemory
from ncs_cluster_detector.simulation.bus.port_state import PortState


class PortWatchdog:
    """
    Resets a booted stick whose process gives no sign of life; the caller has locked the port.

    OpenVINO switches the watchdog on in the firmware that it sends (2022.3, mvnc_data.c,
    patchSetWdSwitchCommand), and sends a ping a second from a thread of its own (watchdog.cpp). A
    process that is killed, or stopped for too long, sends none, and the stick becomes a new device
    in ROM state. Nobody else does that: no other process resets a booted stick, as the plugin
    clears NC_RW_RESET_ALL (myriad_executable_network.cpp gives MyriadExecutor a false).
    """

    def __init__(self, part: PortMemory, bus: BusSpec, heat: PortHeat,
                 clock: Callable[[], float]) -> None:
        """Use the memory and the heat of a port; all processes have the same steady clock."""
        self._part = part
        self._bus = bus
        self._heat = heat
        self._clock = clock

    def keep_alive(self, enumeration: int) -> bool:
        """
        Let the stick wait for the next sign of life from now on.

        :return: False when this device is not in the port (any more), or has not booted.
        """
        self.reset_if_late()
        link = self._part.read_link()
        plugged = PortState.from_text(self._part.read_text()).plugged
        if not plugged or link.enumeration != enumeration or not link.booted:
            return False
        # It cannot miss its process before its boot has ended.
        began_at = max(self._clock(), link.visible_at)
        self._part.wait_for_sign(began_at + self._bus.watchdog_sec)
        return True

    def reset_if_late(self) -> None:
        """
        Record the reset of a stick that has missed its process; nobody could do it in time.

        A silent stick does not reset itself: whether the firmware's watchdog saves one whose
        program hangs is not known, so this is the bad case.
        """
        reset_at = self._part.read_link().sign_by
        if not reset_at or self._clock() < reset_at:
            return
        state = PortState.from_text(self._part.read_text())
        if state.plugged and not state.faults.silent:
            self._part.enumerate_anew(reset_at + self._bus.close_sec, False)
            self._heat.end_load(state.faults)
            self._part.write_text(state.after_reset().as_text())
