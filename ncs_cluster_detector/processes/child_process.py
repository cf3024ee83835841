# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A process that the supervisor has started, and the pipe to it."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
import os
import signal
from typing import Any

from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.processes.last_words import LastWords
from ncs_cluster_detector.processes.last_words import redirect_output

# In place of the exit code when the fork server, which alone knows it, has ended.
UNKNOWN_EXIT_CODE = 256


class ChildProcess:
    """One process and the pipe to it; when it has ended, this is closed and dropped."""

    title = 'process'

    def __init__(self, main: Callable[..., object], *arguments: object) -> None:
        """
        Start the process.

        :param main: its body, called with its end of the pipe and the arguments.
        :raises OSError: it cannot be started.
        """
        self._is_silent = False   # its end of the pipe is closed
        with ExitStack() as undo:
            self.connection, theirs = connection.Pipe()
            undo.callback(self.connection.close)
            self._last_words = LastWords()
            undo.callback(self._last_words.close)
            with theirs, self._last_words.theirs as output:
                # The sentinel becomes ready when the process has ended.
                self.pid, self.sentinel = fork_server.server.start(
                    _run, (main, output, theirs, *arguments))
            undo.pop_all()
        os.set_blocking(self.sentinel, False)
        self._exit_code: int | None = None

    def waitables(self) -> list[Any]:
        """Return what becomes ready when the process says something or ends."""
        return [self.sentinel, *self._last_words.waitables(),
                *([] if self._is_silent else [self.connection])]

    def messages(self) -> Iterator[Any]:
        """Yield what the process has sent; one that has closed its end of the pipe is killed."""
        self._last_words.take_in()
        try:
            while not self._is_silent and self.connection.poll():
                yield self.connection.recv()
        except (EOFError, OSError):
            # As a rule it is ending, which a signal does not change any more.
            self._is_silent = True
            self.kill()

    def send(self, message: object) -> None:
        """Send a message; a process that is gone is noticed by its sentinel, not here."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def has_ended(self) -> bool:
        """Tell whether the process is gone."""
        if self._exit_code is None:
            with suppress(BlockingIOError):   # not yet
                told = os.read(self.sentinel, fork_server.NUMBER.size)
                self._exit_code, = (
                    fork_server.NUMBER.unpack(told) if told else (UNKNOWN_EXIT_CODE,))
        return self._exit_code is not None

    def was_killed(self) -> bool:
        """Tell whether a process that is gone was ended from outside, by the system or a user."""
        return self.has_ended() and self._exit_code in (
            -signal.SIGKILL, -signal.SIGTERM, UNKNOWN_EXIT_CODE)

    def how_it_ended(self) -> str:
        """Return the end of a process that is gone in words, with the last that it printed."""
        self.has_ended()
        code = self._exit_code
        how = f'ended with exit code {code}'
        if code == UNKNOWN_EXIT_CODE:
            how = 'was lost: the fork server that started it has ended'
        elif code is not None and code < 0:
            names = {number.value: number.name for number in signal.Signals}
            how = f'was killed by {names.get(-code, f"signal {-code}")}'
        self._last_words.take_in()
        quote = self._last_words.quote()
        return f'{self.title} {self.pid} {how}' + (f' (it printed: {quote})' if quote else '')

    def kill(self) -> None:
        """End the process without waiting for its end: it may be stuck inside the kernel."""
        if not self.has_ended():
            with suppress(ProcessLookupError):   # it has ended in this moment
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Take back what belongs to a process that has ended."""
        connection.wait([self.sentinel])
        self.has_ended()
        self.connection.close()
        self._last_words.close()
        os.close(self.sentinel)


def _run(
        main: Callable[..., object], output: Connection, connection: Connection,
        *arguments: object) -> None:
    redirect_output(output)
    main(connection, *arguments)
