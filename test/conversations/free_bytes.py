# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Which bytes and fields of a conversation say nothing: the vendor's library leaves them to chance.

Sources are the vendor's ``api/src`` (NCSDK 2.10.01.01): ``C:n`` is line n of ``mvnc_api.c``,
``XL:n`` of ``XLink.c``, ``XD:n`` of ``XLinkDispatcher.c``; the structures are in
``api/include/ncCommPrivate.h``.

* A host's answers are one variable on the stack of a thread, which is never cleared (XD:507); an
  answer has what its own request needs, and for the rest what earlier events left (XL:634-795).
* Commands to the monitors are variables on the stack too, of which a command sets the fields that
  it needs (``deviceCommand_t`` C:361, 406, 433; ``graphMonCommand_t`` C:1000, 1201, 1355, 2430,
  2530, 3134): the others are what was there. Of a name they set the bytes up to its zero (C:1003,
  2441).
* ``tensorDescriptor_t`` in a command has no strides: they are not set (C:2433-2439).
* The last packet to an input FIFO says 0xdead in 4 of the 8 bytes of a pointer (C:2522-2523).
* A converted tensor comes from ``malloc``; what is between its rows is never written (C:2618).
"""

import struct

import numpy as np

# Which header fields the host sets in an answer, beside id, kind and flags.
SET_IN_ANSWERS = {
    'WRITE_RESP': ('stream', 'size'), 'READ_REL_RESP': (),
    'CREATE_RESP': ('name', 'stream', 'size'), 'CLOSE_RESP': ('stream',), 'PING_RESP': (),
    'RESET_RESP': ()}
DEVICE_COMMAND_SIZE, GRAPH_COMMAND_SIZE, DESCRIPTOR_SIZE = 12, 76, 32
FIFO_END = struct.pack('<I', 0xdead)
# What a command to the graph monitor sets, as (begin, end) in bytes, by its class and its type;
# 'name' is a name of 16 bytes that begins there.
HEAD = (0, 12)
SET_IN_GRAPH_COMMANDS = {
    (0, 0): (HEAD, ('name', 12), (36, 40)),             # allocate: id, name, executors
    (0, 1): (HEAD,),                                    # deallocate: id
    (0, 2): (HEAD, (28, 36)),                           # trigger: id, two FIFOs
    (1, 0): ((0, 8), ('name', 8), (24, 52), (64, 66)),  # FIFO: id, places, shape and size, access
    (1, 1): ((0, 8), (24, 28))}                         # end of a FIFO: id
OPTION_CLASS = 2                                        # an option of a graph: type and id


class FreeBytes:
    """Finds the free bytes of the packets of one stick; it learns the layouts of its tensors."""

    def __init__(self):
        """Know no tensor yet."""
        self._strides = {}   # by shape and size
        self._fifos = {}     # the shape and the size by the name of the stream

    def learn(self, sender, stream, data):
        """Learn from a packet which tensors there are."""
        if (sender == 'stick' and stream.startswith('graphBuffer')
                and len(data) == DESCRIPTOR_SIZE):
            *shape, column, row, channel = struct.unpack('<8I', data)
            self._strides[tuple(shape)] = column, row, channel
        elif (sender == 'host' and stream == 'graphMonitor'
              and data.startswith(struct.pack('<II', 1, 0))):
            name = data[8:24].split(b'\0')[0].decode('latin-1')
            self._fifos[name] = struct.unpack_from('<5I', data, 32)

    def of(self, sender, stream, data):
        """Return an array that tells of each byte of a packet whether it is free."""
        free = np.zeros(len(data), bool)
        if sender == 'stick':
            return free
        if stream == 'deviceMonitor' and len(data) == DEVICE_COMMAND_SIZE:
            free[8:] = True
        elif stream == 'graphMonitor' and len(data) == GRAPH_COMMAND_SIZE:
            free[:] = True
            for begin, end in set_in_graph_command(data):
                free[begin:end] = False
        elif stream.startswith('FIFO') and len(data) == 8 and data.startswith(FIFO_END):
            free[4:] = True
        elif stream in self._fifos and len(data) == self._fifos[stream][4]:
            free = self._between_rows(*self._fifos[stream])
        return free

    def has_gaps(self, stream, size):
        """Tell whether a tensor of this size has bytes between its rows."""
        return (stream in self._fifos and size == self._fifos[stream][4]
                and bool(self._between_rows(*self._fifos[stream]).any()))

    def _between_rows(self, count, channels, width, height, size):
        column, row, channel = self._strides.get((count, channels, width, height, size), (0, 0, 0))
        end = 2 + (width - 1) * column + (height - 1) * row + (channels - 1) * channel
        if not row or end > size or 2 * channels * width * height > size:
            return np.zeros(size, bool)   # not the input of a graph that the stick has described
        values = (np.arange(height)[:, None, None] * row + np.arange(width)[:, None] * column
                  + np.arange(channels) * channel).ravel()
        free = np.ones(size, bool)
        free[values] = free[values + 1] = False
        return free


def set_in_graph_command(data):
    """Return the parts of a command to the graph monitor that are set, as (begin, end)."""
    command_class, kind = struct.unpack_from('<II', data)
    parts = (HEAD,) if command_class == OPTION_CLASS else SET_IN_GRAPH_COMMANDS.get(
        (command_class, kind), ((0, len(data)),))
    for begin, end in parts:
        if begin == 'name':
            begin, end = end, end + len(data[end:end + 16].split(b'\0')[0]) + 1
        yield begin, end
