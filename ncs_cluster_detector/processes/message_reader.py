# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Takes messages out of a pipe whose other end may be broken: never waits for the rest of one."""

from collections.abc import Iterator
import pickle
import socket
import struct
from typing import Any

# What multiprocessing.connection.Connection, which is the other end, writes before a message.
HEADER = struct.Struct('!i')
MOST_BYTES = 2**20   # of one message; a result of a hundred boxes has some ten thousand
_READ_BYTES = 2**16


class MessageReader:
    """
    The messages that come in at a socket, in the format of multiprocessing.

    A Connection would need three system calls for a message, and as many to see whether there is
    one.
    """

    def __init__(self, connection: socket.socket) -> None:
        """Read from a socket, which the caller closes."""
        self._socket = connection
        self._received = b''   # the begin of a message

    def messages(self) -> Iterator[Any]:
        """
        Yield the messages that have come.

        :raises ValueError: what has come is no message.
        :raises EOFError: the other end is closed.
        :raises OSError: it is broken.
        """
        is_more = True
        while True:
            while (content := self._whole()) is not None:
                try:
                    message = pickle.loads(content)
                except Exception as error:   # it may be anything, so any exception may be raised
                    raise ValueError(f'sent {len(content)} bytes that are no message '
                                     f'({type(error).__name__})') from error
                yield message
            if not is_more:
                return
            try:
                part = self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if not part:
                raise EOFError
            is_more = len(part) == _READ_BYTES
            self._received += part

    def _whole(self) -> bytes | None:
        """Return the content of the next message and drop it here, or None if it is not whole."""
        if len(self._received) < HEADER.size:
            return None
        size, = HEADER.unpack_from(self._received)
        if not 0 < size <= MOST_BYTES:
            raise ValueError(f'announced a message of {size} bytes, expected 1 to {MOST_BYTES}')
        end = HEADER.size + size
        if len(self._received) < end:
            return None
        content, self._received = self._received[HEADER.size:end], self._received[end:]
        return content
