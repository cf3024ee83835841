# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
What the programs on a stick, its monitors, are asked for, and what they answer, as bytes.

Source: ncCommPrivate.h of the vendor's library; little endian. Bytes without a meaning are 0.
"""

from functools import lru_cache
import struct
from typing import NamedTuple

DEVICE_MONITOR, GRAPH_MONITOR = 'deviceMonitor', 'graphMonitor'
# Sizes of their streams. Source: mvnc_api.c:45 and 50.
DEVICE_MONITOR_BYTES, GRAPH_MONITOR_BYTES = 2000, 4096

# deviceCommand_t: an option, its class 0, data. The answers: level and 25 temperatures in degrees
# Celsius; deviceCapabilities_t; bytes used.
THERMAL, CAPABILITIES, MEMORY_USED = 1, 2, 3
_DEVICE_COMMAND = struct.Struct('<3I')
THERMAL_ANSWER = struct.Struct('<26f')
CAPABILITIES_ANSWER = struct.Struct('<12I')
NUMBER = struct.Struct('<I')

# graphMonCommand_t: a class, and the longest of its commands, a buffer's.
_GRAPH_COMMAND_BYTES = 76
_GRAPH, _BUFFER, _GET_CLASS0 = 0, 1, 2
_GRAPH_COMMAND = struct.Struct('<iiI16sIII')
_BUFFER_COMMAND = struct.Struct('<ii16sII8IBB')
_OPTION_COMMAND = struct.Struct('<iiI')
_ALLOCATE, _FREE, _TRIGGER = 0, 1, 2
TIMES, DEBUG_INFO, STATE = 0, 1, 2   # graph options of class 0

# What frees an input FIFO's thread on the stick: a packet as short as a pointer (mvnc_api.c:2527).
FIFO_END = (0xdead).to_bytes(8, 'little')

TENSOR = struct.Struct('<8I')
VERSION = struct.Struct('<2I')


class Tensor(NamedTuple):
    """
    tensorDescriptor_t: the form of a tensor of half-precision values.

    ``n`` pictures of ``c`` channels, ``w`` columns and ``h`` rows; ``size`` of all and the strides
    are in bytes.
    """

    n: int
    c: int
    w: int
    h: int
    size: int
    w_stride: int
    h_stride: int
    c_stride: int


class Capabilities(NamedTuple):
    """deviceCapabilities_t: what a stick has room for; ``memory`` is in bytes."""

    max_graphs: int
    max_fifos: int
    memory: int
    device_class: int
    graph_class: int
    executors: int
    firmware_version: tuple[int, ...]
    tensor_version: tuple[int, ...]

    @classmethod
    def unpack(cls, data: bytes) -> 'Capabilities':
        """Return those in an answer."""
        values = CAPABILITIES_ANSWER.unpack(data)
        graphs, fifos, memory, device_class, graph_class, executors = values[:6]
        return cls(graphs, fifos, memory, device_class, graph_class, executors, values[6:10],
                   values[10:])


def device_command(option: int) -> bytes:
    """Return the command that asks for an option of the device."""
    return _DEVICE_COMMAND.pack(option, 0, 0)


def allocate_graph(number: int, stream: str, executors: int) -> bytes:
    """Return the command to load the graph that is sent in a stream."""
    return _padded(_GRAPH_COMMAND.pack(
        _GRAPH, _ALLOCATE, number, stream.encode('ascii'), 0, 0, executors))


def free_graph(number: int) -> bytes:
    """Return the command to unload a graph."""
    return _padded(_GRAPH_COMMAND.pack(_GRAPH, _FREE, number, b'', 0, 0, 0))


@lru_cache(maxsize=64)
def trigger(number: int, fifo_in: int, fifo_out: int) -> bytes:
    """Return the command to run a graph once, from one FIFO to another."""
    return _padded(_GRAPH_COMMAND.pack(_GRAPH, _TRIGGER, number, b'', fifo_in, fifo_out, 0))


def graph_option(number: int, option: int) -> bytes:
    """Return the command that asks for an option of a graph."""
    return _padded(_OPTION_COMMAND.pack(_GET_CLASS0, option, number))


def allocate_fifo(number: int, stream: str, tensor: Tensor, places: int,
                  host_reads: bool) -> bytes:
    """Return the command to make a FIFO of a stream; the host writes it or reads it."""
    return _padded(_BUFFER_COMMAND.pack(
        _BUFFER, _ALLOCATE, stream.encode('ascii'), number, places, *tensor[:5], 0, 0, 0,
        host_reads, not host_reads))


def free_fifo(number: int) -> bytes:
    """Return the command to free a FIFO."""
    return _padded(_BUFFER_COMMAND.pack(
        _BUFFER, _FREE, b'', number, 0, *bytes(8), False, False))


def _padded(command: bytes) -> bytes:
    return command.ljust(_GRAPH_COMMAND_BYTES, b'\0')
