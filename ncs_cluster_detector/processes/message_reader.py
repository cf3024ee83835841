# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Takes messages out of a pipe whose other end may be broken: never waits for the rest of one."""

from multiprocessing.connection import Connection
import os
import pickle
import select
import struct
from typing import Any

# As Connection.send writes it: the size of the pickled message, then that. -1 would stand for a
# size of eight bytes.
_HEADER = struct.Struct('!i')
# A hundred times the largest message of ours.
MOST_BYTES = 2**20


class MessageReader:
    """The messages that come in at this end of a pipe, of :func:`multiprocessing.Pipe`."""

    def __init__(self, connection: Connection) -> None:
        """Read from the same descriptor as the connection, which stays the owner."""
        self._descriptor = connection.fileno()
        self._ready = select.poll()
        self._ready.register(self._descriptor, select.POLLIN)
        self._size: int | None = None   # of the message whose header has come
        self._part = bytearray()

    def take(self) -> Any:
        """
        Return the next message.

        :raises BlockingIOError: it has not come yet, or not all of it.
        :raises ValueError: what has come is no message.
        :raises EOFError: the other end is closed.
        :raises OSError: it is broken.
        """
        if self._size is None:
            size, = _HEADER.unpack(self._next(_HEADER.size))
            if not 0 < size <= MOST_BYTES:
                raise ValueError(f'announced a message of {size} bytes, expected 1 to '
                                 f'{MOST_BYTES}')
            self._size = size
        content = self._next(self._size)
        self._size = None
        try:
            return pickle.loads(content)
        except Exception as error:   # it may be anything, so any exception may be raised
            raise ValueError(f'sent {len(content)} bytes that are no message '
                             f'({type(error).__name__})') from error

    def _next(self, size: int) -> bytes:
        while len(self._part) < size:
            if not self._ready.poll(0):
                raise BlockingIOError
            part = os.read(self._descriptor, size - len(self._part))
            if not part:
                raise EOFError
            self._part += part
        whole, self._part = bytes(self._part), bytearray()
        return whole
