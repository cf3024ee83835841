# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The events of XLink, the protocol between a booted stick and its host.

Source: XLinkPrivateDefines.h of the vendor's library, ``xLinkEventHeader_t`` and
``xLinkEventType_t``; little endian. Each side requests and the other answers; an answer has the
event number of its request. A WRITE_REQ is followed by its data, in a USB transfer of their own.
"""

from enum import IntEnum
import struct
from typing import NamedTuple

_HEADER = struct.Struct('<ii16sIII')
HEADER_BYTES = _HEADER.size
pack_header = _HEADER.pack   # quicker than Header.pack
LONGEST_NAME = 16   # bytes of a stream's name; shorter ones end with zeros
ACK, NACK = 1, 2    # the flags that say whether a request was served
NO_STREAM = 0xdeaddead   # the number of a stream that has none yet
# Highest number of a stream: the library keeps the number of the link in the bits above.
HIGHEST_STREAM = 0xffffff
HIGHEST_EVENT = 0x7fffffff


class Kind(IntEnum):
    """The kind of an event; that of an answer is WRITE_RESP more than that of its request."""

    WRITE_REQ = 0
    READ_REQ = 1
    READ_REL_REQ = 2
    CREATE_STREAM_REQ = 3
    CLOSE_STREAM_REQ = 4
    PING_REQ = 5
    RESET_REQ = 6
    WRITE_RESP = 8
    READ_RESP = 9
    READ_REL_RESP = 10
    CREATE_STREAM_RESP = 11
    CLOSE_STREAM_RESP = 12
    PING_RESP = 13
    RESET_RESP = 14


KINDS = {int(kind): kind for kind in Kind}   # quicker than Kind(number)


class Header(NamedTuple):
    """
    The header of an event.

    ``kind`` is a number that need not be a :class:`Kind`; ``size`` is in bytes.
    """

    event: int
    kind: int
    name: bytes = b''
    stream: int = 0
    size: int = 0
    flags: int = ACK

    def pack(self) -> bytes:
        """Return its 36 bytes."""
        return pack_header(*self)

    @classmethod
    def unpack(cls, data: bytes, begin: int = 0) -> 'Header':
        """Return the header in the 36 bytes from ``begin`` on."""
        event, kind, name, stream, size, flags = _HEADER.unpack_from(data, begin)
        # Quicker than cls(...), which runs a function in Python.
        return tuple.__new__(
            cls, (event, kind, name.partition(b'\0')[0], stream, size, flags))
