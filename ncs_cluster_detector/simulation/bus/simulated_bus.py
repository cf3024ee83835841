# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The simulated sticks of one bus, shared by all processes that know its path."""

from dataclasses import asdict
from dataclasses import fields
import json
import os
import struct
import time
from typing import Any

from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.bus_spec import PORTS
from ncs_cluster_detector.simulation.bus.port_memory import PORT_BYTES
from ncs_cluster_detector.simulation.bus.shared_hub import SharedHub
from ncs_cluster_detector.simulation.bus.stick_port import StickPort

# The head of the memory: the properties as text, the time when the bus is free, the id of the
# process that made it, and the heat of the hub.
_HEAD_BYTES = 4096
_PROPERTIES_BYTES = 2048
_FREE_AT_OFFSET = 2048
_FREE_AT = struct.Struct('d')
_MAKER_OFFSET = 2056
_MAKER = struct.Struct('q')
_HUB_OFFSET = 2064


class SimulatedBus:
    """
    A bus with simulated sticks, in memory that other processes can open by :attr:`path`.

    Another process gets it by pickling while this process lives, or by :meth:`attach`. Nothing is
    left when the last process has ended.
    """

    def __init__(self, bus: BusSpec) -> None:
        """Make a bus, its sticks at ambient temperature and in ROM state."""
        memory = BusMemory.create(_HEAD_BYTES + len(PORTS) * PORT_BYTES)
        _MAKER.pack_into(memory.numbers, _MAKER_OFFSET, os.getpid())
        self._set_up(memory, bus)
        for index, port in enumerate(self._ports.values()):
            port.set_up(plugged=index < bus.sticks)
        # Last, because it makes the rest valid.
        memory.write_text(0, _PROPERTIES_BYTES, json.dumps(asdict(bus)))

    @classmethod
    def attach(cls, path: str) -> 'SimulatedBus':
        """
        Join a bus that another process has made, by its :attr:`path`.

        :raises OSError: there is none, or it may not be read.
        :raises ValueError: the file is not a bus of this version.
        """
        memory = BusMemory.attach(path)
        shared = cls.__new__(cls)
        shared._set_up(memory, _from_text(memory.read_text(0, _PROPERTIES_BYTES)))
        return shared

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the path."""
        return SimulatedBus.attach, (self.path,)

    def _set_up(self, memory, bus):
        self.memory = memory
        self.bus = bus
        self.hub = SharedHub(memory, _HUB_OFFSET, bus)
        self._ports = {path: StickPort(memory, _HEAD_BYTES + index * PORT_BYTES, path, bus,
                                       self.hub) for index, path in enumerate(PORTS)}

    @property
    def path(self) -> str:
        """Return the path by which other processes open the bus while this one lives."""
        return self.memory.path

    @property
    def maker(self) -> int:
        """Return the id of the process that made the bus."""
        return _MAKER.unpack_from(self.memory.numbers, _MAKER_OFFSET)[0]

    def close(self) -> None:
        """Leave the bus; this process must have closed all its sticks."""
        self.memory.close()

    def ports(self) -> tuple[StickPort, ...]:
        """Return all ports of the bus in their order, also those without a stick."""
        return tuple(self._ports.values())

    def port(self, path: str) -> StickPort:
        """
        Return the :class:`StickPort` with a USB port path such as ``1.3``.

        :param path: port path, or the name of a stick.
        :raises ValueError: the bus has no such port.
        """
        path = path.partition('-')[0]
        if path not in self._ports:
            raise ValueError(f"port '{path}': the bus has none of this name; use {PORTS[0]}, "
                             f'{PORTS[1]} ... {PORTS[-1]}')
        return self._ports[path]

    def inject(self, path: str, word: str, *arguments: str) -> None:
        """
        Do something to the stick in a port, in the words of :data:`fault_words.FAULTS`.

        It takes effect at once in the process that has the stick open:
        ``inject('1.3', 'hang', 'read')``.

        :raises ValueError: port or word do not exist, or do not fit the state of the port.
        """
        self.port(path).inject(word, *arguments)

    def reserve_transfer(self, size: int) -> float:
        """
        Reserve the next free time on the bus for ``size`` bytes.

        :return: when they will have arrived, in seconds of the monotonic clock.
        """
        now = time.monotonic()
        if not self.bus.usb_mb_per_sec:
            return now
        with self.memory.locked(0):
            (free_at,) = _FREE_AT.unpack_from(self.memory.numbers, _FREE_AT_OFFSET)
            arrives_at = max(now, free_at) + size / (self.bus.usb_mb_per_sec * 1e6)
            _FREE_AT.pack_into(self.memory.numbers, _FREE_AT_OFFSET, arrives_at)
        return arrives_at


def _from_text(text):
    try:
        values = json.loads(text)
    except json.JSONDecodeError:   # of an older version, or empty
        values = {}
    if values.keys() != {field.name for field in fields(BusSpec)}:
        raise ValueError(f"a simulated bus with the properties '{text}', not those of this "
                         'version; if it is just being made, try again, else end its program')
    return BusSpec(**values)
