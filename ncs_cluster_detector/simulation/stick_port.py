# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A USB port of the simulated bus, in shared memory: is a stick in it, and what does it do."""

from dataclasses import dataclass
from dataclasses import field
import os
import struct
import time

from ncs_cluster_detector.simulation.bus import CHIP
from ncs_cluster_detector.simulation.heat import Heat
from ncs_cluster_detector.simulation.stick_faults import parse_faults
from ncs_cluster_detector.simulation.stick_faults import StickFaults

PORT_BYTES = 1024
# Temperature, its time and the end of the load; then the time from which the stick can be seen,
# whether it has booted, and which process booted it. The rest is a text.
_HEAT = struct.Struct('ddd')
_POWER = struct.Struct('dqq')
_POWER_OFFSET = _HEAT.size
_TEXT_OFFSET = _HEAT.size + _POWER.size
_TEXT_BYTES = PORT_BYTES - _TEXT_OFFSET
# Locks of a port: one for each time that a stick is put into it.
_MOST_PLUGS = 1 << 24


@dataclass(frozen=True)
class PortState:
    """
    What is done to a port from outside.

    ``plugs`` counts how often a stick was put in: after an unplug and a plug it is another USB
    device, which whoever had the former one open does not have open.
    """

    plugged: bool = False
    plugs: int = 0
    faults: StickFaults = field(default_factory=StickFaults)

    def as_text(self):
        """Return the state in words."""
        return f'{"plugged" if self.plugged else "empty"} {self.plugs}: {self.faults}'

    @classmethod
    def from_text(cls, text):
        """Return the state that :meth:`as_text` gave."""
        place, _, faults = text.partition(':')
        plugged, plugs = place.split()
        return cls(plugged == 'plugged', int(plugs), parse_faults(faults.strip()))


class StickPort:
    """
    One port; all processes see the same.

    A stick is in ROM state until it is booted, shows its chip in its name only there, and is on
    the bus from ``visible_at`` on: while it boots and while it is reset it is not.
    """

    def __init__(self, memory, offset, path, bus, clock=time.monotonic):
        """
        Look at a port.

        :param memory: the :class:`BusMemory`.
        :param offset: where the port's ``PORT_BYTES`` begin in it.
        :param path: USB port path, ``1.2``.
        :param bus: the :class:`SimulatedBus` with its properties.
        :param clock: function that returns the steady time in seconds, one for all processes.
        """
        self.path = path
        self.bus = bus
        self._memory = memory
        self._offset = offset
        self._clock = clock

    def set_up(self, plugged):
        """Write the first state of a port, at ambient temperature."""
        now = self._clock()
        with self._memory.locked(self._offset):
            self._write_heat(Heat(self.bus.ambient_celsius, now, now))
            self._write_power(0.0, False)
            self._write_state(PortState(plugged, int(plugged)))

    def state(self):
        """Return the :class:`PortState`."""
        return self._look()[0]

    def name(self):
        """Return the stick's name: with its chip in ROM state, without it when it has booted."""
        _, (_, booted, _) = self._look()
        return f'{self.path}-' if booted else f'{self.path}-{CHIP}'

    def in_rom(self):
        """Tell whether the stick there is can be booted."""
        return self._has_appeared(False)

    def has_booted(self):
        """Tell whether there is a stick that has booted, whether in use or left behind."""
        return self._has_appeared(True)

    def is_visible(self):
        """Tell whether a stick is there and neither boots nor is reset."""
        return self._has_appeared(False, True)

    def holder(self):
        """Return the process that has the stick open or opens it, or None."""
        state, (_, _, holder) = self._look()
        return (holder or None) if self._memory.is_claimed(
            self._claim_number(state.plugs)) else None

    def claim(self, plugs):
        """Return what makes the stick this caller's alone until it is closed, or None."""
        return self._memory.claim(self._claim_number(plugs))

    def holds(self, plugs):
        """Tell whether the stick that had this number of ``plugs`` is still in the port."""
        state = self.state()
        return state.plugged and state.plugs == plugs

    def boot(self, plugs):
        """Begin to boot the stick; the caller has claimed it and waits ``open_sec``."""
        self._switch(plugs, True, self.bus.open_sec)

    def reset(self, plugs, absent_sec):
        """Bring the stick back to ROM state; it is gone from the bus for ``absent_sec``."""
        self._switch(plugs, False, absent_sec)

    def _switch(self, plugs, booted, absent_sec):
        with self._memory.locked(self._offset):
            state = self._read_state()
            # Another stick that is in the port by now has nothing to do with it.
            if state.plugged and state.plugs == plugs:
                self._write_power(self._clock() + absent_sec, booted)
                self._end_load()

    def inject(self, word, *arguments):
        """
        Do something to the stick, in the words of :data:`stick_faults.FAULTS`.

        :raises ValueError: the word does not fit, or the port is empty (or, for plug, is not).
        """
        with self._memory.locked(self._offset):
            before = self._read_state()
            after = self._changed(before, word, arguments)
            if after.faults != before.faults:
                self._set_heat_after(before.faults, after.faults.celsius)
            if after.plugged != before.plugged:
                self._write_power(0.0, False)
                self._end_load()
            self._write_state(after)

    def work(self, started_at, ended_at):
        """Note that the stick computes from one time to the other."""
        with self._memory.locked(self._offset):
            cooling = self._read_state().faults.cooling
            self._write_heat(self._read_heat().busy(started_at, ended_at, self.bus, cooling))

    def rest(self):
        """Note that the stick does not compute any more."""
        with self._memory.locked(self._offset):
            self._end_load()

    def celsius(self):
        """Return the temperature now, in degrees Celsius, also of a stick that rests for long."""
        with self._memory.locked(self._offset):
            text = self._read_text()
            heat = self._read_heat()
        faults = PortState.from_text(text).faults
        if faults.celsius is not None:
            return faults.celsius
        return heat.at(self._clock(), self.bus, faults.cooling).celsius

    def _changed(self, state, word, arguments):
        if word not in ('plug', 'unplug'):
            faults = state.faults.with_fault(word, *arguments)
            if not state.plugged and word != 'clear':
                raise ValueError(f'port {self.path} is empty: plug a stick in first')
            return PortState(state.plugged, state.plugs, faults)
        if arguments:
            raise ValueError(f"'{word} {' '.join(arguments)}': expected {word} alone")
        if state.plugged == (word == 'plug'):
            raise ValueError(f'port {self.path} is {"in use" if state.plugged else "empty"}: '
                             f'{"unplug" if state.plugged else "plug"} its stick first')
        return PortState(not state.plugged, state.plugs + (word == 'plug'), state.faults)

    def _set_heat_after(self, faults, wanted):
        """Go on from a temperature that faults held so far, or one that is wanted from now on."""
        now = self._clock()
        heat = self._read_heat().at(now, self.bus, faults.cooling)
        celsius = heat.celsius if faults.celsius is None else faults.celsius
        self._write_heat(Heat(celsius if wanted is None else wanted, now, heat.busy_until))

    def _end_load(self):
        now = self._clock()
        heat = self._read_heat().at(now, self.bus, self._read_state().faults.cooling)
        self._write_heat(Heat(heat.celsius, heat.updated_at, min(heat.busy_until, now)))

    def _look(self):
        """Return the PortState and what :meth:`_read_power` returns, of one moment."""
        # The lock is held as briefly as can be, for a stopped process may have it.
        with self._memory.locked(self._offset):
            text, power = self._read_text(), self._read_power()
        return PortState.from_text(text), power

    def _has_appeared(self, *booted):
        state, (visible_at, is_booted, _) = self._look()
        return state.plugged and self._clock() >= visible_at and bool(is_booted) in booted

    def _claim_number(self, plugs):
        return self._offset // PORT_BYTES * _MOST_PLUGS + plugs

    def _read_heat(self):
        return Heat(*_HEAT.unpack_from(self._memory.numbers, self._offset))

    def _write_heat(self, heat):
        _HEAT.pack_into(self._memory.numbers, self._offset,
                        heat.celsius, heat.updated_at, heat.busy_until)

    def _read_power(self):
        return _POWER.unpack_from(self._memory.numbers, self._offset + _POWER_OFFSET)

    def _write_power(self, visible_at, booted):
        _POWER.pack_into(self._memory.numbers, self._offset + _POWER_OFFSET,
                         visible_at, booted, os.getpid())

    def _read_state(self):
        return PortState.from_text(self._read_text())

    def _read_text(self):
        return self._memory.read_text(self._offset + _TEXT_OFFSET, _TEXT_BYTES)

    def _write_state(self, state):
        self._memory.write_text(self._offset + _TEXT_OFFSET, _TEXT_BYTES, state.as_text())
