# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A USB port of the simulated bus, in shared memory: is a stick in it, and what does it do."""

from dataclasses import replace
import math
import time

from ncs_cluster_detector.simulation.bus.bus_spec import CHIP
from ncs_cluster_detector.simulation.bus.port_heat import PortHeat
from ncs_cluster_detector.simulation.bus.port_memory import PORT_BYTES
from ncs_cluster_detector.simulation.bus.port_memory import PortMemory
from ncs_cluster_detector.simulation.bus.port_state import PortState

# Locks of a port: one for each device that it has.
_MOST_PLUGS = 1 << 24


class StickPort:
    """
    One port; all processes see the same.

    A stick is in ROM state until it is booted, shows its chip in its name only there, and is on
    the bus from its ``visible_at`` on: while it boots and while it is reset it is not.
    """

    def __init__(self, memory, offset, path, bus, hub, clock=time.monotonic):
        """
        Look at a port.

        :param memory: the :class:`BusMemory`.
        :param offset: where the port's ``PORT_BYTES`` begin in it.
        :param path: USB port path, ``1.2``.
        :param bus: the :class:`BusSpec` with its properties.
        :param hub: the :class:`SharedHub` of all ports.
        :param clock: function that returns the steady time in seconds, one for all processes.
        """
        self.path = path
        self.bus = bus
        self._memory = memory
        self._part = PortMemory(memory, offset)
        self._first_claim = offset // PORT_BYTES * _MOST_PLUGS
        self._heat = PortHeat(self._part, bus, clock)
        self._hub = hub
        self.clock = clock

    def set_up(self, plugged):
        """Write the first state of a port, at ambient temperature."""
        with self._part.locked():
            self._heat.set_up()
            self._part.enumerate_anew(0.0, False)
            self._write_state(PortState(plugged, int(plugged)))

    def state(self):
        """Return the :class:`PortState`."""
        return self.look()[0]

    def look(self):
        """Return the :class:`PortState` and the :class:`Link` of one moment."""
        # The lock is held as briefly as can be, for a stopped process may have it.
        with self._part.locked():
            text, link = self._part.read_text(), self._part.read_link()
        return PortState.from_text(text), link

    def name(self):
        """Return the stick's name: with its chip in ROM state, without it when it has booted."""
        _, link = self.look()
        return f'{self.path}-' if link.booted else f'{self.path}-{CHIP}'

    def in_rom(self):
        """Return whether the stick there is can be booted."""
        seen = self.visible()
        return seen is not None and not seen[1].booted

    def has_booted(self):
        """Return whether there is a stick that has booted, whether in use or left behind."""
        seen = self.visible()
        return seen is not None and seen[1].booted

    def is_visible(self):
        """Return whether a stick is there and neither boots nor is reset."""
        return self.visible() is not None

    def visible(self):
        """Return what :meth:`look` does when a stick can be seen, or None."""
        state, link = self.look()
        return (state, link) if state.plugged and self.clock() >= link.visible_at else None

    def holder(self):
        """Return the process that has the stick open or opens it, or None."""
        state, link = self.look()
        is_held = self._memory.is_claimed(self._first_claim + state.plugs)
        return (link.holder or None) if is_held else None

    def claim(self, plugs):
        """Return what makes the stick this caller's alone until it is closed, or None."""
        return self._memory.claim(self._first_claim + plugs)

    def note_holder(self):
        """Note that the claim of the stick is this process's."""
        with self._part.locked():
            self._part.note_holder()

    def holds(self, plugs):
        """Return whether the stick that had this number of ``plugs`` is still in the port."""
        state = self.state()
        return state.plugged and state.plugs == plugs

    def boot(self, plugs):
        """Begin to boot the stick; the caller has claimed it. It takes ``open_sec``, or longer."""
        faults = self.state().faults
        boot_sec = math.inf if faults.fail_open else max(self.bus.open_sec, faults.slow_boot_sec)
        self._switch(plugs, True, boot_sec)

    def reset(self, plugs, absent_sec):
        """Bring the stick back to ROM state; it is gone from the bus for ``absent_sec``."""
        self._switch(plugs, False, absent_sec)

    def reset_over_usb(self, enumeration):
        """
        Bring a booted stick back to ROM state, whoever has it open: it is another device then.

        :param enumeration: number of the device that is meant.
        :return: False when that is not in the port (any more), or had not booted.
        """
        with self._part.locked():
            state, link = self._read_state(), self._part.read_link()
            if not state.plugged or link.enumeration != enumeration or not link.booted:
                return False
            self._part.enumerate_anew(self.clock() + self.bus.close_sec, False)
            self._heat.end_load(state.faults)
            self._write_state(state.after_reset())
        return True

    def _switch(self, plugs, booted, absent_sec):
        with self._part.locked():
            state = self._read_state()
            # Another stick that is in the port by now has nothing to do with it.
            if state.plugged and state.plugs == plugs:
                self._part.enumerate_anew(self.clock() + absent_sec, booted)
                self._heat.end_load(state.faults)

    def inject(self, word, *arguments):
        """
        Do something to the stick, in the words of :data:`fault_words.FAULTS`.

        :raises ValueError: the word does not fit, or the port is empty (or, for plug, is not).
        """
        hub_celsius = self._hub.case_celsius()
        with self._part.locked():
            before = self._read_state()
            if word == 'stuck-temperature':
                word, *arguments = self._stuck_at(before.faults, hub_celsius, *arguments)
            after = before.after(self.path, word, *arguments)
            self._heat.change(word, before.faults, after.faults, hub_celsius)
            if after.plugged != before.plugged:
                self._part.enumerate_anew(0.0, False)
                self._heat.end_load(after.faults)
            self._write_state(after)

    def note_unread(self, enumeration, count):
        """Note how many transfers this process's stick has for it; see PortMemory."""
        self._part.write_unread(enumeration, count)

    def unread(self):
        """Return how many transfers the stick has for its host."""
        with self._part.locked():
            return self._part.read_unread(self._part.read_link().enumeration)

    def take_unread(self):
        """Return what :meth:`unread` does, and note that the host has taken one, if any."""
        with self._part.locked():
            enumeration = self._part.read_link().enumeration
            count = self._part.read_unread(enumeration)
            self._part.write_unread(enumeration, max(0, count - 1))
        return count

    def swallow(self, size):
        """Return how many of the bytes that it receives the stick swallows; see ``swallow``."""
        with self._part.locked():
            state = self._read_state()
            swallowed = min(size, state.faults.swallow)
            if swallowed:
                self._write_state(state.after(
                    self.path, 'swallow', str(state.faults.swallow - swallowed)))
        return swallowed

    def drop_unread(self):
        """Let the stick forget what it has for its host."""
        with self._part.locked():
            self._part.write_unread(self._part.read_link().enumeration, 0)

    def work(self, started_at, ended_at):
        """Note that the stick computes from one time to the other."""
        with self._part.locked():
            self._heat.work(self._read_state().faults, started_at, ended_at)
        self._hub.work(started_at, ended_at)

    def rest(self):
        """Note that the stick does not compute any more."""
        with self._part.locked():
            self._heat.end_load(self._read_state().faults)

    def celsius(self):
        """Return the temperature now, in degrees Celsius, also of a stick that rests for long."""
        return self.faults_and_celsius()[1]

    def faults_and_celsius(self):
        """Return the stick's :class:`StickFaults`, and what :meth:`celsius` does."""
        with self._part.locked():
            text, heat = self._part.read_text(), self._part.read_heat()
        faults = PortState.from_text(text).faults
        return faults, self._heat.celsius(faults, heat, self._hub.case_celsius())

    def _stuck_at(self, faults, hub_celsius, *arguments):
        """Return the word with which a sensor goes on telling what it tells now."""
        if arguments:
            raise ValueError(f"'stuck-temperature {arguments[0]}': expected the word alone")
        celsius = self._heat.celsius(faults, self._part.read_heat(), hub_celsius)
        told = replace(faults, nan_temperature=False).told(faults.sensor.rounded(celsius))
        return 'tells-temperature', f'{told:.10g}'

    def _read_state(self):
        return PortState.from_text(self._part.read_text())

    def _write_state(self, state):
        self._part.write_text(state.as_text())
