# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The hub of all sticks on a simulated bus, in the memory that all processes share."""

from collections.abc import Callable
from dataclasses import astuple
import struct
import time

from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.heat.body import Hub
from ncs_cluster_detector.simulation.heat.work_heat import HubHeat

# The fields of a HubHeat; all zero for a hub that has never been warm.
_HEAT = struct.Struct('ddd')


class SharedHub:
    """
    A hub that all sticks warm and that warms all sticks; all processes see the same one.

    The cases follow it with the time constant of the bus, even those with other cooling: it heats
    them through their plugs.
    """

    def __init__(
            self, memory: BusMemory, offset: int, bus: BusSpec,
            clock: Callable[[], float] = time.monotonic) -> None:
        """
        Use the hub that begins at ``offset``.

        :param clock: function that returns the steady time in seconds, one for all processes.
        """
        self._memory = memory
        self._offset = offset
        self._hub = Hub(bus.hub_rise_celsius, bus.hub_time_constant_sec)
        self._share = 1.0 / max(1, bus.sticks)
        self._case_time_constant_sec = bus.time_constant_sec
        self._clock = clock

    def work(self, started_at: float, ended_at: float) -> None:
        """Record that one of the sticks computes from one time to another."""
        if not self._hub.rise_celsius:
            return
        with self._memory.locked(self._offset):
            heat = self._read().worked(started_at, ended_at, self._share, self._hub,
                                       self._case_time_constant_sec)
            _HEAT.pack_into(self._memory.numbers, self._offset, *astuple(heat))

    def case_celsius(self) -> float:
        """Return by how many degrees Celsius the hub warms every stick now."""
        if not self._hub.rise_celsius:
            return 0.0
        return self.heat().at(
            self._clock(), self._hub, self._case_time_constant_sec).case_celsius

    def heat(self) -> HubHeat:
        """Return the :class:`HubHeat` at the last begin of work."""
        with self._memory.locked(self._offset):
            return self._read()

    def _read(self):
        return HubHeat(*_HEAT.unpack_from(self._memory.numbers, self._offset))
