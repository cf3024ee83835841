# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A program under measurement: its processes, their CPU time, their memory and their output."""

from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import os
from pathlib import Path
import signal
import subprocess
import tempfile
import time

from ncs_cluster_detector.checking.node_process import kill
from ncs_cluster_detector.checking.node_process import members_left
from ncs_cluster_detector.checking.node_process import session_members
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
import psutil

STOP_STEPS = ((signal.SIGINT, 8.0), (signal.SIGTERM, 3.0))
POLL_SEC = 0.02
# The CPU clock of a whole process, see clock_getcpuclockid(3): the same as utime + stime of
# /proc/PID/stat, in nanoseconds instead of hundredths of a second.
_CPU_CLOCK_OF_PROCESS = 2


class BenchError(Exception):
    """The bench cannot go on; the text is one line."""


class Program:
    """
    A program in a session of its own, whose output goes to a file.

    A node has Fast DDS's own transports, as with ``ros2 run``: only the process that publishes
    images, this one, needs more shared memory.
    """

    def __init__(
            self, name: str, command: Sequence[str], folder: Path,
            environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        """
        Start it.

        :param name: for people.
        :param folder: where the file with its output is made.
        :param environment: variables in addition to those of this process.
        """
        self.name = name
        own = {key: value for key, value in os.environ.items() if key not in PROFILE_VARIABLES}
        descriptor, path = tempfile.mkstemp('.txt', f'{name}-', folder)
        self.output = Path(path)
        self.started_at = time.monotonic()
        with os.fdopen(descriptor, 'wb') as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                cwd=cwd, env={**own, **(environment or {})}, start_new_session=True)
        self.pid = self._process.pid

    def __enter__(self) -> 'Program':
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def check_running(self) -> None:
        """Raise BenchError if it has ended."""
        code = self._process.poll()
        if code is not None:
            lines = self.output.read_text(errors='replace').splitlines()
            raise BenchError(f'{self.name} ended by itself with exit code {code}: '
                             f'{" / ".join(lines[-5:])}')

    def wait(self, timeout_sec: float) -> None:
        """
        Wait until it has ended by itself.

        :raises BenchError: it did not end in time, or with another exit code than 0.
        """
        try:
            code = self._process.wait(timeout_sec)
        except subprocess.TimeoutExpired:
            raise BenchError(f'{self.name} did not end within {timeout_sec:g} s') from None
        if code:
            self.check_running()

    def cpu_sec(self) -> dict[int, float]:
        """Return the CPU time, user and system, of each of its processes by their ids."""
        found = {}
        for pid in session_members(self.pid):
            with contextlib.suppress(OSError):   # it has just ended
                found[pid] = cpu_sec_of(pid)
        return found

    def pss_mb(self) -> float:
        """Return the memory of all of its processes in 10^6 bytes, shared pages by their part."""
        total = 0
        for pid in session_members(self.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += psutil.Process(pid).memory_full_info().pss
        return total / 1e6

    def stop(self) -> None:
        """Stop it by SIGINT, SIGTERM, and at last kill what is left of its session."""
        for number, patience_sec in STOP_STEPS:
            if self._process.poll() is None:
                self._process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience_sec)
        self.kill()

    def kill(self) -> None:
        """Kill all of its processes at once."""
        kill(session_members(self.pid))
        self._process.wait()
        members_left(self.pid, 2.0)


def cpu_sec_of(pid: int) -> float:
    """Return the CPU time that a process has used, its ended threads included."""
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK_OF_PROCESS)


def used_between(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """Return the CPU time that processes have used between two answers of ``cpu_sec``."""
    return sum(spent - before.get(pid, 0.0) for pid, spent in after.items())
