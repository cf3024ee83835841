# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A program that runs in one of several hosts, with its log in a file."""

from contextlib import suppress
import os
from pathlib import Path
import signal
import subprocess

from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
import psutil

STOP_SEC = 10.0


class HostProcess:
    """A process that was started in a host; ``pid`` is its number outside of the host."""

    def __init__(self, command, environment, log, through=()):
        """
        Start it; both kinds of output are added to the file ``log``.

        :param environment: all of its environment variables.
        :param through: words of a program that starts the command as its child and ends as it.
        """
        self.log = Path(log)
        with self.log.open('ab') as output:
            self._popen = subprocess.Popen(
                [*through, *command], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        self._has_parent = bool(through)
        self._process = None

    @property
    def pid(self):
        """Return the number of the process itself."""
        return self._found().pid

    def family(self):
        """Return the process and all its descendants as psutil objects, or none if it ended."""
        with suppress(psutil.NoSuchProcess):
            process = self._found()
            return [process, *process.children(recursive=True)]
        return []

    def exit_code(self):
        """Return its exit code, negative for a signal, or None while it runs."""
        return self._popen.poll()

    def send(self, number):
        """Send it a signal; nothing happens if it has ended."""
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            self._found().send_signal(number)
            if number == signal.SIGCONT:
                # nsenter stops when its child does, and then has to go on, too.
                self._popen.send_signal(number)

    def wait(self, timeout=LIMIT_SEC):
        """Wait for its end and return its exit code."""
        return self._popen.wait(timeout)

    def stop(self, number=signal.SIGINT, timeout=STOP_SEC):
        """Ask it to end, by a signal; kill it if it does not. Return its exit code."""
        self.send(number)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        """Kill the process alone, as a crash would; return its exit code."""
        self.send(signal.SIGKILL)
        return self.wait()

    def kill_family(self):
        """Kill the process, its descendants and whatever is left of its session."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        return self.wait()

    def text(self):
        """Return all that is in its log."""
        return self.log.read_text(errors='replace')

    def wait_for_line(self, text):
        """Wait until there is a text in its log; fail if it ended before, or takes too long."""
        def has_come():
            has_ended = self.exit_code() is not None
            if text in self.text():
                return True
            assert not has_ended, f'ended ({self.exit_code()}) without {text!r}:\n{self.text()}'
            return False
        wait_until(has_come)

    def _found(self):
        if self._process is None:
            own = psutil.Process(self._popen.pid)
            if self._has_parent:
                wait_until(lambda: own.children() or self.exit_code() is not None)
                (own,) = own.children() or [own]
            self._process = own
        return self._process
