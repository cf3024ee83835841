# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The rules that every conversation with a stick keeps, whatever is said in it.

A side writes only to streams that it has opened, no more than there is room for; only what was
written is released; answers follow their requests. A monitor gets a command when the last one is
answered, a graph is triggered when its tensor is acknowledged, an input FIFO is freed after its
last packet, and streams are closed when no command is being obeyed.
"""

import struct

from conversations.free_bytes import FreeBytes
from conversations.free_bytes import OPTION_CLASS

MOST_PACKETS = 64   # that one side may have unreleased on a stream
DEVICE_MONITOR, GRAPH_MONITOR = 'deviceMonitor', 'graphMonitor'
# Class and type of commands to the graph monitor; a byte of one; the size of a FIFO's last packet.
TRIGGER, NEW_FIFO, END_OF_FIFO = (0, 2), (1, 0), (1, 1)
WRITTEN_BY_HOST, END_SIZE = 65, 8


class BrokenProtocolError(Exception):
    """A conversation breaks a rule that every conversation keeps."""


class Side:
    """What one side has written to a stream and the other side has not released yet."""

    def __init__(self, room):
        """Begin with an empty stream with room for so many bytes."""
        self.room = room
        self.packets = []


class Link:
    """One boot of a stick: the streams, and the requests that wait for their answers."""

    def __init__(self):
        """Begin with a stick that has just booted."""
        self.names = {}     # of the streams by their numbers
        self.sides = {}     # by sender and name
        self.waiting = {}   # by sender, kind and id
        self.free = FreeBytes()
        self._owed = {DEVICE_MONITOR: 0, GRAPH_MONITOR: 0}   # packets until a command is answered
        self._inputs = {}   # by name: acknowledged tensors, and how many of them were triggered
        self._ended = set()   # the inputs that were told to end

    def stream(self, event):
        """Return the name of the stream of an event."""
        try:
            return self.names[event['stream']]
        except KeyError:
            raise BrokenProtocolError(f'no stream of this number is open: {event}') from None

    def open(self, sender, name, number, room):   # noqa: A003
        """Take note that a side has opened a stream."""
        if (self.names.setdefault(number, name) != name
                or list(self.names.values()).count(name) > 1):
            raise BrokenProtocolError(f'stream {number} {name} does not fit {self.names}')
        self.sides[sender, name] = Side(room)

    def close(self, sender, name):
        """Take note that a side has closed a stream; it is gone when both have."""
        if (sender, name) not in self.sides:
            raise BrokenProtocolError(f'{sender} closes {name}, which it has not opened')
        if self.sides.pop((sender, name)).packets:
            raise BrokenProtocolError(f'{sender} closes {name} before all of it was released')
        if not any(other == name for _, other in self.sides):
            self.names = {number: other for number, other in self.names.items() if other != name}

    def write(self, sender, name, size, operation):
        """Take note of a packet of an operation, for which there must be room."""
        side = self.sides.get((sender, name))
        if side is None:
            raise BrokenProtocolError(f'{sender} writes to {name}, which it has not opened')
        side.packets.append((size, operation))
        if sum(size for size, _ in side.packets) > side.room or len(side.packets) > MOST_PACKETS:
            raise BrokenProtocolError(f'{sender} writes more to {name} than there is room')

    def release(self, sender, name, size):
        """Take note that the oldest packet of a stream was released; return its operation."""
        side = self.sides.get((other_than(sender), name))
        if side is None or not side.packets or side.packets[0][0] != size:
            raise BrokenProtocolError(f'{sender} releases {size} bytes of {name}: not there')
        return side.packets.pop(0)[1]

    # ---- what must come before what, on whatever streams

    def answered(self, name):
        """Take note of a packet of a monitor."""
        if name in self._owed:
            self._owed[name] -= 1

    def command(self, name, packet):
        """Check that a command to a monitor may be given now."""
        if self._owed[name] > 0:
            raise BrokenProtocolError(f'a command to {name} before the answer to the last one')
        self._owed[name] = 1
        if name == DEVICE_MONITOR:
            return
        kind = struct.unpack_from('<II', packet)
        if kind[0] == OPTION_CLASS:
            self._owed[name] = 2   # the option, and the status
        elif kind == TRIGGER:
            tensors = self._inputs.get(f'FIFO{struct.unpack_from("<I", packet, 28)[0]}', [0, 0])
            tensors[1] += 1
            if tensors[1] > tensors[0]:
                raise BrokenProtocolError('a trigger before its tensor was acknowledged')
        elif kind == NEW_FIFO and packet[WRITTEN_BY_HOST]:
            self._inputs[f'FIFO{struct.unpack_from("<I", packet, 24)[0]}'] = [0, 0]
        elif kind == END_OF_FIFO:
            fifo = f'FIFO{struct.unpack_from("<I", packet, 24)[0]}'
            if fifo in self._inputs and fifo not in self._ended:
                raise BrokenProtocolError(f'{fifo} is freed before its last packet')

    def acknowledged(self, name, size):
        """Take note that the stick has a packet of a FIFO."""
        if name in self._inputs:
            if size == END_SIZE:
                self._ended.add(name)
            else:
                self._inputs[name][0] += 1

    def check_close(self, name):
        """Check that the host may close a stream now."""
        if self._owed[GRAPH_MONITOR] > 0:
            raise BrokenProtocolError(f'{name} is closed before the graph monitor has answered')


def other_than(sender):
    """Return the other side."""
    return 'stick' if sender == 'host' else 'host'
