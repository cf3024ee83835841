# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The temperature of the stick in a USB port of the simulated bus, in shared memory."""

from collections.abc import Callable
from dataclasses import replace

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.port_memory import PortMemory
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults
from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.work_heat import Ambient
from ncs_cluster_detector.simulation.heat.work_heat import Heat


class PortHeat:
    """
    The heating and cooling of the stick in one port.

    The caller of every method but :meth:`celsius` has locked the port; ``hub_celsius`` is by how
    much the hub makes the stick warmer.
    """

    def __init__(self, part: PortMemory, bus: BusSpec, clock: Callable[[], float]) -> None:
        """Use the heat in a port's memory; all processes have the same steady clock (seconds)."""
        self._part = part
        self._bus = bus
        self._clock = clock
        self._body = Body(bus.rise_celsius, bus.time_constant_sec, bus.die_rise_celsius,
                          bus.die_time_constant_sec)

    def set_up(self) -> None:
        """Write the heat of a stick that has never worked."""
        now, ambient = self._clock(), Ambient(self._bus.ambient_celsius)
        self._part.write_heat(Heat(ambient.celsius, now, now, ambient=ambient))

    def work(self, faults: StickFaults, started_at: float, ended_at: float) -> None:
        """Record that the stick computes from one time to another."""
        self._part.write_heat(self._part.read_heat().busy(
            started_at, ended_at, self._body_of(faults), faults.cooling))

    def end_load(self, faults: StickFaults) -> None:
        """Record that the stick does not compute any more."""
        now = self._clock()
        heat = self._at(now, faults, self._part.read_heat())
        self._part.write_heat(replace(heat, busy_until=min(heat.busy_until, now)))

    def celsius(self, faults: StickFaults, heat: Heat, hub_celsius: float) -> float:
        """Return the temperature now, in degrees Celsius, for a heat read from the memory."""
        if faults.celsius is not None:
            return faults.celsius
        return self._at(self._clock(), faults, heat).celsius + hub_celsius

    def change(
            self, word: str, before: StickFaults, after: StickFaults, hub_celsius: float) -> None:
        """
        Go on with other faults, from the present temperature or the one that a fault sets.

        :param word: the word of the fault; ``ambient`` begins to change the surroundings.
        """
        now = self._clock()
        heat = self._at(now, before, self._part.read_heat())
        wanted = before.celsius if after.celsius is None else after.celsius
        if wanted is not None:
            heat = replace(heat, case_celsius=wanted - heat.die_celsius - hub_celsius)
        if word == 'ambient':
            heat = replace(heat, ambient=heat.ambient.on_its_way(
                now, after.ambient_celsius, after.ambient_within_sec))
        elif after.ambient_celsius is None:
            heat = replace(heat, ambient=Ambient(self._bus.ambient_celsius))
        self._part.write_heat(heat)

    def _at(self, now, faults, heat):
        return heat.at(now, self._body_of(faults), faults.cooling)

    def _body_of(self, faults):
        if faults.die_rise_celsius is None:
            return self._body
        seconds = faults.die_time_constant_sec
        return replace(
            self._body, die_rise_celsius=faults.die_rise_celsius,
            die_time_constant_sec=self._bus.die_time_constant_sec if seconds is None else seconds)
