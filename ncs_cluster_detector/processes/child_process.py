# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A child process and the pipe to it."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
import os
import pickle
import signal
import socket
import struct
from typing import Any

from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.processes.last_words import LastWords
from ncs_cluster_detector.processes.last_words import redirect_output
from ncs_cluster_detector.shown_text import shown

# Stands for the exit code when the fork server has ended, which alone knows it.
UNKNOWN_EXIT_CODE = 256
MOST_BYTES = 2**24   # of one message; a result of many boxes has some thousand
_READ_BYTES = 2**16
# The header of multiprocessing.connection.Connection, which is the other end. Reading one message
# there takes three system calls and as many again to see whether there is one.
_LENGTH = struct.Struct('!i')


class ChildProcess:
    """A process and the pipe to it; after its end the object is closed and dropped."""

    title = 'process'

    def __init__(self, main: Callable[..., object], *arguments: object) -> None:
        """
        Start the process.

        :param main: function to run there, called with its end of the pipe and the arguments.
        :raises OSError: it cannot be started.
        """
        self.is_closed = False
        self._is_silent = False   # its end of the pipe is closed, or it sent what is no message
        self._received = b''      # the begin of a message
        self._unreadable = ''     # what is wrong with a message
        with ExitStack() as undo:
            self.connection, other_end = socket.socketpair()
            undo.callback(self.connection.close)
            theirs = Connection(other_end.detach())
            self._last_words = LastWords()
            undo.callback(self._last_words.close)
            with theirs, self._last_words.theirs as output:
                # The sentinel becomes ready when the process has ended.
                self.pid, self.sentinel = fork_server.server.start(
                    _run, (main, output, theirs, *arguments))
            undo.pop_all()
        os.set_blocking(self.sentinel, False)
        self._exit_code: int | None = None

    def waitables(self) -> list[int]:
        """Return the descriptors that become ready when the process sends or prints, or ends."""
        return [self.sentinel, *self._last_words.waitables(),
                *([] if self._is_silent else [self.connection.fileno()])]

    def messages(self) -> list[Any]:
        """Return what the process has sent; one that has closed its end of the pipe is killed."""
        before = self._received
        while not self._is_silent and len(self._received) <= MOST_BYTES:
            try:
                part = self.connection.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                part = b''
            if not part:   # usually it is ending, and the signal changes nothing
                self._give_up()
            self._received += part
            if len(part) < _READ_BYTES:
                break
        if self._received is before:   # then it has printed something
            self._last_words.take_in()
        try:
            return list(self._unpack())
        except Exception as error:   # unpickling may raise anything
            self._unreadable = f'{type(error).__name__}: {shown(error)}'
            self._give_up()
            return []

    def _unpack(self) -> Iterator[Any]:
        """Yield the whole messages that have come, in the format of multiprocessing."""
        begin = 0
        while len(self._received) - begin >= _LENGTH.size:
            length, = _LENGTH.unpack_from(self._received, begin)
            end = begin + _LENGTH.size + length
            if not 0 <= length <= MOST_BYTES:
                raise ValueError(f'a message of {length} bytes; expected at most {MOST_BYTES}')
            if len(self._received) < end:
                break
            yield pickle.loads(self._received[begin + _LENGTH.size:end])
            begin = end
        self._received = self._received[begin:]

    def _give_up(self) -> None:
        """Kill a process with which there is nothing more to talk about."""
        self._is_silent = True
        self.kill()

    def send(self, message: object) -> None:
        """Send a message; the sentinel, not this, shows that the process has ended."""
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with suppress(OSError):
            self.connection.sendall(_LENGTH.pack(len(content)) + content)

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        if self._exit_code is None:
            with suppress(BlockingIOError):   # not yet
                number = os.read(self.sentinel, fork_server.NUMBER.size)
                self._exit_code, = (
                    fork_server.NUMBER.unpack(number) if number else (UNKNOWN_EXIT_CODE,))
        return self._exit_code is not None

    def was_killed(self) -> bool:
        """Return whether the process was ended from outside, by the system or a user."""
        return self.has_ended() and self._exit_code in (
            -signal.SIGKILL, -signal.SIGTERM, UNKNOWN_EXIT_CODE)

    def how_it_ended(self) -> str:
        """Return how the process ended, as a text with the last line that it printed."""
        self.has_ended()
        code = self._exit_code
        how = f'ended with exit code {code}'
        if code == UNKNOWN_EXIT_CODE:
            how = 'was lost: the fork server that started it has ended'
        elif code is not None and code < 0:
            names = {number.value: number.name for number in signal.Signals}
            how = f'was killed by {names.get(-code, f"signal {-code}")}'
        if self._unreadable:
            how += f' because it sent a message that cannot be read ({self._unreadable})'
        self._last_words.take_in()
        quote = self._last_words.quote()
        return f'{self.title} {self.pid} {how}' + (f' (it printed: {quote})' if quote else '')

    def kill(self) -> None:
        """Kill the process; do not wait for its end, as it may be stuck inside the kernel."""
        if not self.has_ended():
            with suppress(ProcessLookupError):   # it has just ended
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Free what belongs to a process that has ended."""
        connection.wait([self.sentinel])
        self.has_ended()
        self.is_closed = True
        self.connection.close()
        self._last_words.close()
        os.close(self.sentinel)


def _run(
        main: Callable[..., object], output: Connection, connection: Connection,
        *arguments: object) -> None:
    redirect_output(output)
    main(connection, *arguments)
