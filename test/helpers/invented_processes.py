# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Stands in for the fork server and for the kernel: processes that do what a test has them do."""

import errno
import io
import os
import signal
import socket

from ncs_cluster_detector.processes.fork_server import _Pickler
from ncs_cluster_detector.processes.fork_server import NUMBER
from ncs_cluster_detector.processes.fork_server_main import _Unpickler

# No process of a machine has such an id: the largest that Linux gives is 4194304.
FIRST_PID = 1_000_000_000
KILL = os.kill


class InventedForkServer:
    """
    Starts invented processes, each with real pipes to its parent.

    ``make`` makes a process of its id, the function that it would run, and this function's
    arguments as the process would get them; while ``fails`` is true, none can be started.
    """

    preload = ()

    def __init__(self, make):
        self.fails = False
        self.processes = {}   # by id: all that have not been forgotten
        self._make = make
        self._next_pid = FIRST_PID

    def start(self, run, arguments):
        """Start a process, as ForkServer does."""
        if self.fails:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        file, descriptors = io.BytesIO(), []
        _Pickler(file, descriptors).dump(arguments)
        file.seek(0)
        main, output, connection, *others = _Unpickler(
            file, [os.dup(descriptor) for descriptor in descriptors]).load()
        status, ours = os.pipe()
        pid, self._next_pid = self._next_pid, self._next_pid + 1
        process = self._make(pid, main, others)
        process.open_ends(connection, output, ours)
        self.processes[pid] = process
        return pid, status

    def kill(self, pid, number):
        """Stand in for os.kill."""
        if pid < FIRST_PID:
            KILL(pid, number)
        elif pid not in self.processes or self.processes[pid].is_over:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        else:
            assert number == signal.SIGKILL
            self.processes[pid].on_kill()


class InventedProcess:
    """
    The far end of a child process.

    ``kills`` counts its SIGKILLs; one that ``is_stuck`` inside the kernel does not end by them.
    What it says is kept in ``said`` until :meth:`take_in`.
    """

    def __init__(self, pid):
        self.pid = pid
        self.is_over = self.is_stuck = self.is_mute = False
        self.kills = 0
        self.said = []

    def open_ends(self, connection, output, status):
        """Take the ends of its pipes."""
        self._connection, self._output, self._status = connection, output, status

    def descriptors(self):
        """Return how many descriptors it has: the least and the most."""
        return (0, 0) if self._connection.closed else (2 + (not self.is_over),) * 2

    def say(self, *words):
        """Send messages to the parent."""
        for word in words:
            if not (self.is_over or self.is_mute):
                self._connection.send(word)
                self.said.append(word)

    def say_bytes(self, text):
        """Send what is no message."""
        if not (self.is_over or self.is_mute):
            self._connection.send_bytes(text)
            self.said.append(text)

    def print_text(self, text):
        """Write to the standard output."""
        if not self.is_over:
            os.write(self._output.fileno(), text)

    def fall_mute(self):
        """Close the way to the parent, as a process does that closes its end of the pipe."""
        if not self.is_mute:
            self.is_mute = True
            # The other way stays open, so that what the parent sends is seen.
            with socket.socket(fileno=os.dup(self._connection.fileno())) as way:
                way.shutdown(socket.SHUT_WR)

    def on_kill(self):
        """Take a SIGKILL."""
        self.kills += 1
        if not self.is_stuck:
            self.end(-signal.SIGKILL)

    def end(self, code):
        """End with an exit code; None: the fork server, which alone knows it, has ended too."""
        if self.is_over:
            return
        self.fall_mute()
        self.is_over = True
        if code is not None:
            os.write(self._status, NUMBER.pack(code))
        os.close(self._status)

    def take_in(self):
        """Return what the parent has sent since the last call."""
        told = []
        try:
            while not self._connection.closed and self._connection.poll():
                told.append(self._connection.recv())
        except (EOFError, ConnectionResetError):
            self.end(0)   # a worker ends when its parent has closed the pipe
        return told

    def close(self):
        """Close what belongs to a process that is over; what is sent to it later is not seen."""
        assert self.is_over
        self._connection.close()
        self._output.close()
