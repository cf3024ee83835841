# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What travels over XLink: events with their headers, and the streams they belong to."""

import collections
import enum
import struct

HEADER = struct.Struct('<ii16sIII')   # id, kind, stream's name, stream's id, size, flags
ACK, NACK = 1, 2
NEW_STREAM = 0xDEADDEAD


class Kind(enum.IntEnum):
    """The kinds of events: requests, and their answers 8 further on."""

    WRITE_REQ = 0
    READ_REQ = 1
    READ_REL_REQ = 2
    CREATE_REQ = 3
    CLOSE_REQ = 4
    PING_REQ = 5
    RESET_REQ = 6
    REQUEST_LAST = 7
    WRITE_RESP = 8
    READ_RESP = 9
    READ_REL_RESP = 10
    CREATE_RESP = 11
    CLOSE_RESP = 12
    PING_RESP = 13
    RESET_RESP = 14


class GoneError(Exception):
    """The firmware runs no more."""


class Stream:
    """A named stream; the host may write ``read_size`` bytes ahead, the device ``write_size``."""

    def __init__(self, name: bytes, number: int) -> None:
        """Start with a stream that neither side has opened."""
        self.name = name
        self.number = number
        self.read_size = self.write_size = 0
        self.packets: collections.deque[bytes] = collections.deque()   # from the host
        self.local_fill = self.remote_fill = self.remote_packets = 0
