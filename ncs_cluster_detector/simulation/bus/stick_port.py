# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A USB port of the simulated bus, in shared memory, with or without a stick."""

from collections.abc import Callable
from dataclasses import replace
import math
import time

from ncs_cluster_detector.simulation.bus import port_memory
from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.bus.bus_memory import Claim
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.port_heat import PortHeat
from ncs_cluster_detector.simulation.bus.port_state import PortState
from ncs_cluster_detector.simulation.bus.port_watchdog import PortWatchdog
from ncs_cluster_detector.simulation.bus.shared_hub import SharedHub
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults

_MOST_PLUGS = 1 << 24   # locks of a port: one for each device that it has


class StickPort:
    """
    One port; all processes see the same one.

    A stick is in ROM state until it boots, and only then its name contains its chip. It is on the
    bus from its ``visible_at``: not while it boots, and not while it is reset.
    """

    def __init__(
            self, memory: BusMemory, offset: int, path: str, bus: BusSpec, hub: SharedHub,
            clock: Callable[[], float] = time.monotonic) -> None:
        """
        Use a port in a memory.

        :param offset: where the port's ``PORT_BYTES`` begin in the memory.
        :param path: USB port path, ``1.2``.
        :param clock: function that returns the steady time in seconds, one for all processes.
        """
        self.path = path
        self.bus = bus
        self._memory = memory
        self._part = port_memory.PortMemory(memory, offset)
        self._first_claim = offset // port_memory.PORT_BYTES * _MOST_PLUGS
        self._heat = PortHeat(self._part, bus, clock)
        self._watchdog = PortWatchdog(self._part, bus, self._heat, clock)
        self._hub = hub
        self.clock = clock

    def set_up(self, plugged: bool) -> None:
        """Write the first state of a port, at ambient temperature."""
        with self._part.locked():
            self._heat.set_up()
            self._part.enumerate_anew(0.0, False)
            self._write_state(PortState(plugged, int(plugged)))

    def state(self) -> PortState:
        """Return what was done to the port."""
        return self.look()[0]

    def look(self) -> tuple[PortState, port_memory.Link]:
        """Return the :class:`PortState` and the :class:`Link` of one moment."""
        # Parse the text after the lock is released: a process may be stopped at any time.
        with self._part.locked():
            self._watchdog.reset_if_late()
            text, link = self._part.read_text(), self._part.read_link()
        return PortState.from_text(text), link

    def name(self) -> str:
        """Return the stick's name: with its chip in ROM state, without it after its boot."""
        return self.name_of(self.look()[1])

    def name_of(self, link: port_memory.Link) -> str:
        """Return the same for a look that the caller has taken."""
        return f'{self.path}-' if link.booted else f'{self.path}-{self.bus.chip}'

    def in_rom(self) -> bool:
        """Return whether there is a visible stick in ROM state, which can be booted."""
        seen = self.visible()
        return seen is not None and not seen[1].booted

    def has_booted(self) -> bool:
        """Return whether there is a visible booted stick, in use or left behind."""
        seen = self.visible()
        return seen is not None and seen[1].booted

    def is_visible(self) -> bool:
        """Return whether there is a stick that neither boots nor is reset."""
        return self.visible() is not None

    def visible(self) -> tuple[PortState, port_memory.Link] | None:
        """Return what :meth:`look` returns when a stick is visible, else None."""
        state, link = self.look()
        return (state, link) if state.plugged and self.clock() >= link.visible_at else None

    def holder(self) -> int | None:
        """Return the process that has the stick open or opens it, or None."""
        state, link = self.look()
        is_held = self._memory.is_claimed(self._first_claim + state.plugs)
        return (link.holder or None) if is_held else None

    def claim(self, plugs: int) -> Claim | None:
        """Claim the stick for this caller until the result is closed; None if it is claimed."""
        return self._memory.claim(self._first_claim + plugs)

    def note_holder(self) -> None:
        """Record that this process has claimed the stick."""
        with self._part.locked():
            self._part.note_holder()

    def holds(self, plugs: int) -> bool:
        """Return whether the stick with this number of ``plugs`` is still in the port."""
        state = self.state()
        return state.plugged and state.plugs == plugs

    def boot(self, plugs: int, watchdog: bool = False) -> None:
        """Boot the claimed stick, in ``open_sec`` or more; ``watchdog`` misses its process."""
        faults = self.state().faults
        boot_sec = math.inf if faults.fail_open else max(self.bus.open_sec, faults.slow_boot_sec)
        self._switch(plugs, True, boot_sec, watchdog)

    def reset(self, plugs: int, absent_sec: float) -> None:
        """Bring the stick back to ROM state; it is gone from the bus for ``absent_sec``."""
        self._switch(plugs, False, absent_sec)

    def reset_over_usb(self, enumeration: int) -> bool:
        """
        Bring a booted stick back to ROM state as a new device, even if it is open.

        :return: False when the device is not in the port (any more), or has not booted.
        """
        with self._part.locked():
            state, link = self._read_state(), self._part.read_link()
            if not state.plugged or link.enumeration != enumeration or not link.booted:
                return False
            self._part.enumerate_anew(self.clock() + self.bus.close_sec, False)
            self._heat.end_load(state.faults)
            self._write_state(state.after_reset())
        return True

    def keep_alive(self, enumeration: int) -> bool:
        """
        Give a booted stick a sign of life of its process; from now on it waits for the next.

        :return: False when the device is not in the port (any more), or has not booted.
        """
        with self._part.locked():
            return self._watchdog.keep_alive(enumeration)

    def _switch(self, plugs, booted, absent_sec, watchdog=False):
        with self._part.locked():
            state = self._read_state()
            if state.plugged and state.plugs == plugs:   # else it has another stick by now
                self._part.enumerate_anew(self.clock() + absent_sec, booted)
                if watchdog:   # before anybody can be killed
                    self._watchdog.keep_alive(self._part.read_link().enumeration)
                self._heat.end_load(state.faults)

    def inject(self, word: str, *arguments: str) -> None:
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

    def note_unread(self, enumeration: int, count: int) -> None:
        """Record how many transfers this process's stick has for it; see PortMemory."""
        self._part.write_unread(enumeration, count)

    def unread(self) -> int:
        """Return how many transfers the stick has for its host."""
        with self._part.locked():
            return self._part.read_unread(self._part.read_link().enumeration)

    def take_unread(self) -> int:
        """Return what :meth:`unread` returns, and record that the host has taken one, if any."""
        with self._part.locked():
            enumeration = self._part.read_link().enumeration
            count = self._part.read_unread(enumeration)
            self._part.write_unread(enumeration, max(0, count - 1))
        return count

    def swallow(self, size: int) -> int:
        """Return how many of the received bytes the stick swallows; see fault ``swallow``."""
        with self._part.locked():
            state = self._read_state()
            swallowed = min(size, state.faults.swallow)
            if swallowed:
                self._write_state(state.after(
                    self.path, 'swallow', str(state.faults.swallow - swallowed)))
        return swallowed

    def drop_unread(self) -> None:
        """Drop all transfers that the stick has for its host."""
        with self._part.locked():
            self._part.write_unread(self._part.read_link().enumeration, 0)

    def work(self, started_at: float, ended_at: float) -> None:
        """Record that the stick computes from one time to another."""
        with self._part.locked():
            self._heat.work(self._read_state().faults, started_at, ended_at)
        self._hub.work(started_at, ended_at)

    def rest(self) -> None:
        """Record that the stick does not compute any more."""
        with self._part.locked():
            self._heat.end_load(self._read_state().faults)

    def celsius(self) -> float:
        """Return the stick's temperature now, in degrees Celsius."""
        return self.faults_and_celsius()[1]

    def faults_and_celsius(self) -> tuple[StickFaults, float]:
        """Return the stick's :class:`StickFaults`, and its temperature in degrees Celsius."""
        with self._part.locked():
            text, heat = self._part.read_text(), self._part.read_heat()
        faults = PortState.from_text(text).faults
        return faults, self._heat.celsius(faults, heat, self._hub.case_celsius())

    def _stuck_at(self, faults, hub_celsius, *arguments):
        """Return the fault with which the sensor keeps reporting its present reading."""
        if arguments:
            raise ValueError(f"'stuck-temperature {arguments[0]}': expected the word alone")
        celsius = self._heat.celsius(faults, self._part.read_heat(), hub_celsius)
        reported = replace(faults, nan_temperature=False).reported(faults.sensor.rounded(celsius))
        return 'tells-temperature', f'{reported:.10g}'

    def _read_state(self):
        return PortState.from_text(self._part.read_text())

    def _write_state(self, state):
        self._part.write_text(state.as_text())
