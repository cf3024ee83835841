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
from typing import Any

from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.processes.last_words import LastWords
from ncs_cluster_detector.processes.last_words import redirect_output
from ncs_cluster_detector.processes.message_reader import HEADER
from ncs_cluster_detector.processes.message_reader import MessageReader

# Stands for the exit code when the fork server has ended, which alone knows it.
UNKNOWN_EXIT_CODE = 256


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
        self.is_silent = False   # its end of the pipe is closed, or it sent what is no message
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
        self._reader = MessageReader(self.connection)
        self._rejection = ''   # why it was killed, if what it sent was wrong
        self._exit_code: int | None = None

    def waitables(self) -> list[int]:
        """Return the descriptors that become ready when the process sends or prints, or ends."""
        return [self.sentinel, *self._last_words.waitables(),
                *([] if self.is_silent else [self.connection.fileno()])]

    def messages(self) -> Iterator[Any]:
        """
        Yield what the process has sent, never waiting for the rest of a message.

        One that has closed its end of the pipe, or sends what is no message, is killed.
        """
        has_said_nothing = True
        try:
            if not self.is_silent:
                for message in self._reader.messages():
                    has_said_nothing = False
                    self.check(message)
                    yield message
        except ValueError as error:
            self.reject(str(error))
        except (EOFError, OSError):
            # Usually it is ending, and the signal changes nothing.
            self.is_silent = True
            self.kill()
        if has_said_nothing:   # then it has printed something
            self._last_words.take_in()

    def check(self, message: object) -> None:
        """Raise ValueError if the process cannot have sent this; a subclass knows its messages."""

    def reject(self, reason: str) -> None:
        """Kill the process, because of what it has sent: ``reason`` says what, as one line."""
        self._rejection = reason
        self.is_silent = True
        self.kill()

    def send(self, message: object) -> None:
        """Send a message; the sentinel, not this, shows that the process has ended."""
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with suppress(OSError):
            self.connection.sendall(HEADER.pack(len(content)) + content)

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
        return self.has_ended() and not self._rejection and self._exit_code in (
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
        if self._rejection:
            how = f'{self._rejection}, so it was killed'
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
