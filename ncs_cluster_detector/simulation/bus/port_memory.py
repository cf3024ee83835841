# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The state of a USB port of the simulated bus in the memory of all processes."""

from contextlib import AbstractContextManager
from dataclasses import astuple
from dataclasses import dataclass
from dataclasses import replace
import os
import struct

from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.heat.work_heat import Ambient
from ncs_cluster_detector.simulation.heat.work_heat import Heat

PORT_BYTES = 2048
# The fields of a Heat in their order, then those of its Ambient.
_HEAT = struct.Struct('dddddddd')
# The fields of a Link.
_LINK = struct.Struct('dqqqd')
# How many transfers the stick has for its host, after the enumeration that they belong to.
_UNREAD = struct.Struct('qq')
_LINK_OFFSET = _HEAT.size
_UNREAD_OFFSET = _LINK_OFFSET + _LINK.size
# The rest is a text.
_TEXT_OFFSET = _UNREAD_OFFSET + _UNREAD.size
_TEXT_BYTES = PORT_BYTES - _TEXT_OFFSET


@dataclass(frozen=True)
class Link:
    """
    A stick as a device on the bus.

    It is visible from ``visible_at`` (seconds of the port's clock). ``holder`` is the process that
    had it last. ``enumeration`` counts how often it has come to the bus: after a boot, a reset or
    a plug it is a new device. One with a watchdog resets itself at ``sign_by``, unless its process
    gives a sign of life before; 0 is without.
    """

    visible_at: float = 0.0
    booted: bool = False
    holder: int = 0
    enumeration: int = 0
    sign_by: float = 0.0


class PortMemory:
    """
    The numbers and the text of one port.

    Lock the port with :meth:`locked` to write, or to read several values that belong together.
    """

    def __init__(self, memory: BusMemory, offset: int) -> None:
        """Use the memory of a port, whose ``PORT_BYTES`` begin at ``offset``."""
        self._memory = memory
        self._offset = offset

    def locked(self) -> AbstractContextManager[None]:
        """Keep all others from changing the port; do not wait inside."""
        return self._memory.locked(self._offset)

    def read_heat(self) -> Heat:
        """Return the heat of the stick."""
        values = _HEAT.unpack_from(self._memory.numbers, self._offset)
        return Heat(*values[:4], Ambient(*values[4:]))

    def write_heat(self, heat: Heat) -> None:
        """Set the heat of the stick."""
        around = heat.ambient
        _HEAT.pack_into(
            self._memory.numbers, self._offset, heat.case_celsius, heat.updated_at,
            heat.busy_until, heat.die_celsius, around.celsius, around.until, around.from_celsius,
            around.since)

    def read_link(self) -> Link:
        """Return the stick as a device."""
        visible_at, booted, *numbers = _LINK.unpack_from(
            self._memory.numbers, self._offset + _LINK_OFFSET)
        return Link(visible_at, bool(booted), *numbers)

    def enumerate_anew(self, visible_at: float, booted: bool) -> None:
        """Record that this process brings the stick to the bus as a new device at a time."""
        self._write_link(Link(visible_at, booted, os.getpid(), self.read_link().enumeration + 1))

    def note_holder(self) -> None:
        """Record that this process has the stick."""
        self._write_link(replace(self.read_link(), holder=os.getpid()))

    def wait_for_sign(self, sign_by: float) -> None:
        """Record until when the stick waits for a sign of life of its process."""
        self._write_link(replace(self.read_link(), sign_by=sign_by))

    def read_unread(self, enumeration: int) -> int:
        """Return how many transfers the device of an enumeration has for its host."""
        of, count = _UNREAD.unpack_from(self._memory.numbers, self._offset + _UNREAD_OFFSET)
        return count if of == enumeration else 0

    def write_unread(self, enumeration: int, count: int) -> None:
        """
        Record how many transfers the device of an enumeration has for its host.

        No lock is needed: only the process that has the stick open writes or reads it.
        """
        _UNREAD.pack_into(self._memory.numbers, self._offset + _UNREAD_OFFSET, enumeration, count)

    def read_text(self) -> str:
        """Return the text that was written last."""
        return self._memory.read_text(self._offset + _TEXT_OFFSET, _TEXT_BYTES)

    def write_text(self, text: str) -> None:
        """
        Write a text, and wake all processes that wait for one.

        :raises ValueError: it is too long.
        """
        self._memory.write_text(self._offset + _TEXT_OFFSET, _TEXT_BYTES, text)

    def _write_link(self, link):
        _LINK.pack_into(self._memory.numbers, self._offset + _LINK_OFFSET, *astuple(link))
