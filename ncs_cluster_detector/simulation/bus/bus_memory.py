# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The memory file of a simulated bus, which all its processes share, and its locks."""

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import mmap
import os
import struct
import threading
import weakref

FILE_NAME = 'ncs_simulated_bus'

# Locks are on single bytes far behind the file's end: one for each part of the file guards changes
# in it, and one for each stick is held by the process that has it open. The system releases a lock
# when its process ends, however it ends. The locks belong to an open file, not to a process, so a
# second opening within one process is refused as well.
_CHANGE_LOCK = 1 << 40
_FIRST_CLAIM = 1 << 41
_RECORD_LOCK = struct.Struct('hhqqi0q')
_memories = weakref.WeakSet()


class BusMemory:
    """
    An anonymous file in memory, which is gone when the last process that has it open ends.

    Numbers that change often are packed into :attr:`numbers`, a mapping. Texts that other
    processes wait for are written to the file: only that wakes them (see :mod:`fault_watch`).
    """

    def __init__(self, descriptor: int) -> None:
        """Take over an open descriptor of the file."""
        self.path = f'/proc/{os.getpid()}/fd/{descriptor}'
        self.numbers = mmap.mmap(descriptor, 0)
        self._descriptor = descriptor
        self._thread_locks = {}
        self._close = weakref.finalize(self, os.close, descriptor)
        _memories.add(self)

    @classmethod
    def create(cls, size: int) -> 'BusMemory':
        """Make a file of ``size`` bytes, all zero."""
        descriptor = os.memfd_create(FILE_NAME)
        try:
            os.ftruncate(descriptor, size)
            # Newer systems send no notification of writes to the descriptor that made the file,
            # so the file is opened again.
            return cls(os.open(f'/proc/self/fd/{descriptor}', os.O_RDWR | os.O_CLOEXEC))
        finally:
            os.close(descriptor)

    @classmethod
    def attach(cls, path: str) -> 'BusMemory':
        """
        Join the file of another process (or of this one) by its path.

        :raises OSError: the file does not exist, or may not be read.
        :raises ValueError: it is another kind of file.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        if not os.readlink(f'/proc/self/fd/{descriptor}').startswith(f'/memfd:{FILE_NAME} '):
            os.close(descriptor)
            raise ValueError(f'{path}: not the memory of a simulated bus; start the program that '
                             'makes the bus first, and take the path that it gives')
        return cls(descriptor)

    def close(self) -> None:
        """Leave the file; a second call does nothing."""
        _memories.discard(self)
        self.numbers.close()
        self._close()

    def own_path(self) -> str:
        """Return a path to the file that is valid in this process."""
        return f'/proc/self/fd/{self._descriptor}'

    @contextmanager
    def locked(self, offset: int) -> Iterator[None]:
        """
        Keep all other threads and processes from changing a part; do not wait inside.

        :param offset: where the part begins. A process that is stopped (not killed) while it holds
            the lock blocks only users of the same part.
        """
        with self._thread_locks.setdefault(offset, threading.Lock()):
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLKW,
                        _lock_record(fcntl.F_WRLCK, _CHANGE_LOCK + offset))
            try:
                yield
            finally:
                fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK,
                            _lock_record(fcntl.F_UNLCK, _CHANGE_LOCK + offset))

    def _own_after_fork(self):
        """Open the file again: locks of an inherited descriptor also belong to the parent."""
        self._thread_locks = {}
        own = os.open(self.own_path(), os.O_RDWR | os.O_CLOEXEC)
        os.dup2(own, self._descriptor, inheritable=os.get_inheritable(self._descriptor))
        os.close(own)

    def read_text(self, offset: int, length: int) -> str:
        """Return the text that was written at ``offset``."""
        return os.pread(self._descriptor, length, offset).rstrip(b'\0').decode()

    def write_text(self, offset: int, length: int, text: str) -> None:
        """
        Write a text of up to ``length`` bytes, and wake all processes that watch the file.

        :raises ValueError: it is too long.
        """
        data = text.encode()
        if len(data) > length:
            raise ValueError(f'{len(data)} bytes of text, expected {length} at most: {text}')
        os.pwrite(self._descriptor, data.ljust(length, b'\0'), offset)

    def claim(self, number: int) -> 'Claim | None':
        """Take the lock with this number and return it as a Claim; None if it is held."""
        try:
            return self._claim(number, fcntl.F_OFD_SETLK)
        except BlockingIOError:
            return None

    def wait_for_claim(self, number: int) -> 'Claim':
        """Return the same, once nobody holds the lock any more."""
        return self._claim(number, fcntl.F_OFD_SETLKW)

    def _claim(self, number, command):
        descriptor = os.open(self.own_path(), os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.fcntl(descriptor, command,
                        _lock_record(fcntl.F_WRLCK, _FIRST_CLAIM + number))
        except BaseException:   # also when the program is interrupted meanwhile
            os.close(descriptor)
            raise
        return Claim(descriptor)

    def is_claimed(self, number: int) -> bool:
        """Return whether any process holds the lock with this number."""
        answer = fcntl.fcntl(self._descriptor, fcntl.F_OFD_GETLK,
                             _lock_record(fcntl.F_WRLCK, _FIRST_CLAIM + number))
        return _RECORD_LOCK.unpack(answer)[0] != fcntl.F_UNLCK


class Claim:
    """A lock that is held until it is closed, or its process and all forked ones have ended."""

    def __init__(self, descriptor: int) -> None:
        """Take over the descriptor that holds the lock."""
        self._descriptor = descriptor

    def close(self) -> None:
        """Release the lock, even if a forked process has inherited it."""
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _lock_record(fcntl.F_UNLCK, 0, 0))
        os.close(self._descriptor)


def _lock_record(kind, offset, length=1):
    """Return the system's ``struct flock``; length 0 reaches to the end of all files."""
    return _RECORD_LOCK.pack(kind, os.SEEK_SET, offset, length, 0)


def _after_fork():
    for memory in _memories:
        memory._own_after_fork()


os.register_at_fork(after_in_child=_after_fork)
