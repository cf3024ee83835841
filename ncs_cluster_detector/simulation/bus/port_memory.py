# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Where the state of a USB port of the simulated bus lies in the memory of all processes."""

from dataclasses import dataclass
import os
import struct

from ncs_cluster_detector.simulation.heat.work_heat import Ambient
from ncs_cluster_detector.simulation.heat.work_heat import Heat

PORT_BYTES = 2048
# The fields of a Heat in their order, then those of its Ambient.
_HEAT = struct.Struct('dddddddd')
# The time from which the stick can be seen, whether it has booted, who had it last, and the number
# of its enumeration on the bus.
_LINK = struct.Struct('dqqq')
# Of which enumeration they are, and how many transfers the stick has for its host.
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

    It can be seen from ``visible_at`` on (seconds of the port's clock), and ``enumeration`` counts
    how often it has come to the bus: after a boot, a reset and a plug it is a new device.
    """

    visible_at: float = 0.0
    booted: bool = False
    holder: int = 0
    enumeration: int = 0


class PortMemory:
    """
    The numbers and the text of one port.

    What reads several of them that belong together, or writes, does so while it has
    :meth:`locked` the port.
    """

    def __init__(self, memory, offset):
        """
        Look at a port.

        :param memory: the :class:`BusMemory`.
        :param offset: where the port's ``PORT_BYTES`` begin in it.
        """
        self._memory = memory
        self._offset = offset

    def locked(self):
        """Keep everybody else from changing the port; never wait meanwhile."""
        return self._memory.locked(self._offset)

    def read_heat(self):
        """Return the :class:`Heat` of the stick."""
        *heat, celsius, until, from_celsius, since = _HEAT.unpack_from(
            self._memory.numbers, self._offset)
        return Heat(*heat, Ambient(celsius, until, from_celsius, since))

    def write_heat(self, heat):
        """Set the heat of the stick."""
        ambient = heat.ambient
        _HEAT.pack_into(self._memory.numbers, self._offset, heat.case_celsius, heat.updated_at,
                        heat.busy_until, heat.die_celsius, ambient.celsius, ambient.until,
                        ambient.from_celsius, ambient.since)

    def read_link(self):
        """Return the :class:`Link`."""
        visible_at, booted, holder, enumeration = _LINK.unpack_from(
            self._memory.numbers, self._offset + _LINK_OFFSET)
        return Link(visible_at, bool(booted), holder, enumeration)

    def enumerate_anew(self, visible_at, booted):
        """Let this process bring the stick to the bus as a new device, at a time of the clock."""
        self._write_link(Link(visible_at, booted, os.getpid(), self.read_link().enumeration + 1))

    def note_holder(self):
        """Note that this process has the stick."""
        link = self.read_link()
        self._write_link(Link(link.visible_at, link.booted, os.getpid(), link.enumeration))

    def read_unread(self, enumeration):
        """Return how many transfers the device with this number has for its host."""
        of, count = _UNREAD.unpack_from(self._memory.numbers, self._offset + _UNREAD_OFFSET)
        return count if of == enumeration else 0

    def write_unread(self, enumeration, count):
        """
        Note how many transfers the device with this number has for its host.

        Only who has the stick open writes it, and nobody else reads it meanwhile: no lock needed.
        """
        _UNREAD.pack_into(self._memory.numbers, self._offset + _UNREAD_OFFSET, enumeration, count)

    def read_text(self):
        """Return the text that was written last."""
        return self._memory.read_text(self._offset + _TEXT_OFFSET, _TEXT_BYTES)

    def write_text(self, text):
        """
        Write a text, and wake all who wait for one.

        :raises ValueError: it is too long.
        """
        self._memory.write_text(self._offset + _TEXT_OFFSET, _TEXT_BYTES, text)

    def _write_link(self, link):
        _LINK.pack_into(self._memory.numbers, self._offset + _LINK_OFFSET,
                        link.visible_at, link.booted, link.holder, link.enumeration)
