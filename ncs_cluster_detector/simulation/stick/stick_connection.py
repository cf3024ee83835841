# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The connection of a process to a simulated stick, from its boot to its reset."""

from collections.abc import Callable

from ncs_cluster_detector.simulation.bus.bus_memory import Claim
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.faults.fault_watch import FaultWatch
from ncs_cluster_detector.simulation.stick.compute_unit import ComputeUnit
from ncs_cluster_detector.simulation.stick.stick_model import SimulatedStick


class StickConnection:
    """An open stick; other processes see it but cannot open it."""

    def __init__(self, shared_bus: SimulatedBus,
                 open_stick: Callable[[], tuple[StickPort, Claim, int]],
                 wakes_all: bool = False) -> None:
        """
        Boot a stick.

        :param open_stick: boots it as the vendor's library does, and returns port, claim and
            ``plugs`` of the connected stick; its exceptions are passed on.
        :param wakes_all: when the stick is unplugged all waiting calls fail, not only one.
        """
        # Before the opening, which is not undone if the system has no more watches.
        self._watch = FaultWatch(shared_bus.memory.own_path())
        try:
            self._port, self._claim, self._plugs = open_stick()
        except BaseException:
            self._watch.close()
            raise
        self.stick = SimulatedStick(shared_bus, self._port)
        self.unit = ComputeUnit(self.stick)
        self._wakes_all = wakes_all
        self._update()   # with what was done before the watch began
        self._watch.start(self._update, f'stick {self._port.path} watch')

    def close(self) -> None:
        """
        Reset the stick and end its threads; calls that wait for it fail with ERROR.

        :raises Exception: the status set by a fault.
        """
        with self.unit.calls.changed:
            self.unit.calls.apply_faults('close')
        self.unit.stop()
        self._port.reset(self._plugs, self._port.bus.close_sec)
        self._watch.close()
        self._claim.close()

    def _update(self):
        """Apply what was done to the stick from outside."""
        state = self._port.state()
        if state.plugged and state.plugs == self._plugs:
            self.unit.calls.set_faults(state.faults)
        else:
            self.unit.calls.lose(unheard=state.faults.unheard, wakes_all=self._wakes_all)
