# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A process that the supervisor has started, and the pipe to it."""

from contextlib import ExitStack
import multiprocessing
import signal

from ncs_cluster_detector.workers.last_words import LastWords
from ncs_cluster_detector.workers.last_words import redirect_output

# A fork server that has loaded the libraries starts a process in some 30 ms and shares their
# memory with it; see worker_handle.prepare.
context = multiprocessing.get_context('forkserver')


class ChildProcess:
    """One process and the pipe to it; when it has ended, this is closed and dropped."""

    title = 'process'

    def __init__(self, main, *arguments):
        """
        Start the process.

        :param main: its body, called with its end of the pipe and the arguments.
        """
        self._is_silent = False   # its end of the pipe is closed
        with ExitStack() as undo:
            self.connection, theirs = context.Pipe()
            undo.callback(self.connection.close)
            self._last_words = LastWords()
            undo.callback(self._last_words.close)
            with theirs, self._last_words.theirs as output:
                self._process = context.Process(
                    target=_run, args=(main, output, theirs, *arguments), daemon=True)
                self._process.start()
            undo.pop_all()
        self.pid = self._process.pid
        self.sentinel = self._process.sentinel

    def waitables(self):
        """Return what becomes ready when the process says something or ends."""
        return [self.sentinel, *self._last_words.waitables(),
                *([] if self._is_silent else [self.connection])]

    def messages(self):
        """Yield what the process has sent; one that has closed its end of the pipe is killed."""
        self._last_words.take_in()
        try:
            while not self._is_silent and self.connection.poll():
                yield self.connection.recv()
        except (EOFError, OSError):
            # As a rule it is ending, which a signal does not change any more.
            self._is_silent = True
            self.kill()

    def send(self, message):
        """Send a message; a process that is gone is noticed by its sentinel, not here."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def has_ended(self):
        """Tell whether the process is gone."""
        return self._process.exitcode is not None

    def was_killed(self):
        """Tell whether a process that is gone was ended from outside, by the system or a user."""
        return self._process.exitcode in (-signal.SIGKILL, -signal.SIGTERM)

    def how_it_ended(self):
        """Return the end of a process that is gone in words, with the last that it printed."""
        code = self._process.exitcode
        how = f'ended with exit code {code}'
        if code is not None and code < 0:
            names = {number.value: number.name for number in signal.Signals}
            how = f'was killed by {names.get(-code, f"signal {-code}")}'
        self._last_words.take_in()
        quote = self._last_words.quote()
        return f'{self.title} {self.pid} {how}' + (f' (it printed: {quote})' if quote else '')

    def kill(self):
        """End the process without waiting for its end: it may be stuck inside the kernel."""
        if not self.has_ended():
            self._process.kill()

    def close(self):
        """Take back what belongs to a process that has ended."""
        self._process.join()
        self.connection.close()
        self._last_words.close()
        self._process.close()


def _run(main, output, connection, *arguments):
    redirect_output(output)
    main(connection, *arguments)
