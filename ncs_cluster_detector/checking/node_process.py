# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Run a node as a child process: start it, keep its log lines, stop it."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import BinaryIO

from ncs_cluster_detector.checking.reporting.privacy import scrubbed
from ncs_cluster_detector.processes.module_path import python_command
import psutil

# Becomes the command in its arguments, which gets SIGINT when this process dies, even by SIGKILL:
# 1 is PR_SET_PDEATHSIG of prctl(2), which outlives the exec. The default handler is restored
# because a shell's background jobs ignore SIGINT, and children inherit that.
_BECOME_CHILD = """
import ctypes, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
ctypes.CDLL(None).prctl(1, signal.SIGINT)
if os.getppid() == int(sys.argv[1]):   # else it was killed before the line above
    os.execv(sys.argv[2], sys.argv[2:])
"""
_NODE_PROGRAM = """
from ncs_cluster_detector.executables import detector_node
raise SystemExit(detector_node())
"""
_READY = re.compile(r'stick (\d+) \([^)]*\) is ready')
_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
POLL_SEC = 0.02
OUTPUT_PATIENCE_SEC = 1.0


class SessionProcess:
    """A process in a session of its own, so that a terminal's Ctrl-C does not reach it."""

    def __init__(
            self, command: Sequence[str], environment: Mapping[str, str],
            take_line: Callable[[str], object]) -> None:
        """Start the process; a thread calls ``take_line`` with each line that it writes."""
        # Isolated and without site packages the program takes 15 ms.
        become = [sys.executable, '-I', '-S', '-c', _BECOME_CHILD, str(os.getpid())]
        self._process = subprocess.Popen(
            [*become, *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace', start_new_session=True)
        self.pid = self._process.pid
        self._reader = threading.Thread(
            target=self._read, args=(take_line,), name=f'output of {self.pid}', daemon=True)
        self._reader.start()

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal that ended it), or None while it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        self._process.send_signal(number)

    def wait(self, timeout_sec: float) -> bool:
        """Wait until the process has ended; return whether it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_sec)
        return self.exit_code() is not None

    def wait_for_output(self) -> None:
        """Wait until the last line of an ended process is read."""
        self._reader.join(OUTPUT_PATIENCE_SEC)

    def _read(self, take_line):
        with self._process.stdout as output:
            for line in output:
                take_line(line.rstrip())


class NodeProcess(SessionProcess):
    """The detector node, whose lines go to a log with their times."""

    def __init__(
            self, arguments: Iterable[str], log: BinaryIO, clock: Callable[[], float],
            environment: Mapping[str, str]) -> None:
        """
        Start the node.

        :param arguments: what follows ``--ros-args``.
        :param log: an unbuffered binary file for its lines, each with the clock's seconds.
        :param environment: variables in addition to those of this process.
        """
        self.lines = []   # pairs (seconds, text)
        self._log, self._clock = log, clock
        self.started_at = clock()
        super().__init__([*python_command(_NODE_PROGRAM), '--ros-args', *arguments],
                         {**os.environ, **environment}, self._take)

    def signal_worker(self, pid: int, number: int) -> bool:
        """Send a signal to a process of the node; return False when it is not one (any more)."""
        if pid not in session_members(self.pid):
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def end_by_force(self) -> None:
        """Kill all of its processes."""
        kill(session_members(self.pid))
        self.wait(OUTPUT_PATIENCE_SEC)
        self.wait_for_output()

    def ready_at(self, number: int, since: float) -> float | None:
        """Return when its log first said, since a time, that a stick is ready; None if never."""
        for time_sec, line in self.lines[:]:
            found = _READY.search(line)
            if found and int(found[1]) == number and time_sec >= since:
                return time_sec
        return None

    def count_lines(self, text: str, since: float) -> int:
        """Return how many lines since a time contain a text."""
        return sum(text in line for time_sec, line in self.lines[:] if time_sec >= since)

    def last_words(self) -> str:
        """Return its FATAL line, or else its last one, without level, time and logger."""
        lines = [line for _, line in self.lines if line.strip()]
        fatal = [line for line in lines if line.startswith('[FATAL]')]
        return re.sub(r'^\[[A-Z]+\] \[[\d.]+\] \[[^\]]*\]: ', '', (fatal or lines or [''])[-1])

    def _take(self, line):
        now, line = self._clock(), scrubbed(line)
        self.lines.append((now, line))
        with contextlib.suppress(OSError, ValueError):   # the disk is full; the node must not wait
            self._log.write(f'{now:8.3f} {line}\n'.encode())


def session_members(session: int) -> list[int]:
    """Return the ids of the living processes of a session."""
    found = []
    for pid in psutil.pids():
        # A process may end meanwhile. psutil does not know sessions.
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(pid) == session and psutil.Process(pid).status() not in _ENDED:
                found.append(pid)
    return found


def members_left(session: int, timeout_sec: float) -> list[int]:
    """Wait until a session has ended; return the ids of its processes that still live then."""
    deadline = time.monotonic() + timeout_sec
    while (left := session_members(session)) and time.monotonic() < deadline:
        time.sleep(POLL_SEC)
    return left


def kill(pids: Iterable[int]) -> None:
    """Kill processes by SIGKILL; some may have ended by themselves."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
