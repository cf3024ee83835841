# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Starts processes from a fork server: a new process that has loaded the libraries they share.

The one of :mod:`multiprocessing` looks for modules in the current folder first (``python -c``),
binds a socket below TMPDIR, whose path may be too long for that, and needs a current folder that
exists. This one needs none of it: it gets its module path, and its socket has no name.
"""

import atexit
from collections.abc import Callable
from multiprocessing.connection import Connection
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
from typing import BinaryIO
from typing import NamedTuple

from ncs_cluster_detector.processes.module_path import environment_without_current_folder
from ncs_cluster_detector.processes.module_path import python_command
from ncs_cluster_detector.processes.module_path import ROOT

ENVIRONMENT = {
    # Threads in the fork server do not survive a fork.
    'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1',
    # The freed memory of a frame serves the next one, for all threads of a worker. To give it back
    # to the system each time takes 2.0 ms a frame, and saves 2 MB in each active worker.
    'MALLOC_ARENA_MAX': '1', 'MALLOC_MMAP_THRESHOLD_': '4194304',
    'MALLOC_TRIM_THRESHOLD_': '2097152'}
# Ctrl-C, the end of a terminal, and a service manager's SIGTERM reach all processes of a group;
# those started here wait for their parent's order instead, so that they can close their sticks.
HELD_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# What the server sends about a process: its id when it has started, or the negative error number
# if it has not; and its exit code when it has ended.
NUMBER = struct.Struct('q')
# A request is the first word and the descriptors sent with it, or the second word and the names
# of more modules to load, one a line.
START, LOAD = b's', b'l'
MOST_BYTES = 8192
MOST_DESCRIPTORS = 64
END_PATIENCE_SEC = 2.0
_PROGRAM = """
sys.path[:] = {path!r}
from ncs_cluster_detector.processes.fork_server_main import main
main({socket}, {preload!r})
"""


class Descriptor(NamedTuple):
    """An open file to duplicate for a process, which gets the number of the duplicate."""

    number: int


class ForkServer:
    """The server process; it is started when first needed, and again if it has ended."""

    def __init__(self) -> None:
        # Names of modules to load before the next start; what is not installed is left out.
        self.preload: tuple[str, ...] = ()
        self._requested: tuple[str, ...] = ()   # of these, what the running server knows
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def begin(self) -> None:
        """
        Start the server now, so that it loads the modules while this process does other things.

        :raises OSError: it cannot be started.
        """
        with self._lock:
            self._ensure_running()

    def start(self, main: Callable[..., object], arguments: tuple[object, ...]) -> tuple[int, int]:
        """
        Start a process.

        :param main: function of a module, which is imported there by its name.
        :param arguments: what can be pickled, and Connection and Descriptor.
        :return: its id, and a descriptor that becomes ready when it has ended; reading that gives
            the exit code as NUMBER, or nothing if the server ended before. The caller closes it.
        :raises OSError: the server cannot be started, or ended, or cannot start more processes.
        """
        files: list[int] = []
        request = os.memfd_create('ncs_process_arguments')
        with open(request, 'wb') as file:
            _Pickler(file, files).dump((main, arguments))
            file.flush()
            status, theirs = os.pipe()
            try:
                with self._lock:
                    self._ensure_running()
                    self._request_modules()
                    socket.send_fds(self._socket, [START], [theirs, request, *files])
            except BaseException:
                os.close(status)
                raise
            finally:
                os.close(theirs)
        began = os.read(status, NUMBER.size)
        if len(began) != NUMBER.size:
            os.close(status)
            raise ChildProcessError('the fork server ended while it started a process')
        (pid,) = NUMBER.unpack(began)
        if pid < 0:
            os.close(status)
            raise OSError(-pid, f'forking a process failed ({os.strerror(-pid)})')
        return pid, status

    def close(self) -> None:
        """End the server process; the processes that it started continue."""
        with self._lock:
            self._close()

    def _ensure_running(self) -> None:
        if self._server is not None and self._server.poll() is None:
            return
        self._close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = _PROGRAM.format(path=_module_path(), socket=theirs.fileno(),
                                  preload=tuple(self.preload))
        # The child inherits the blocked signals, and so does every process that it starts.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
        try:
            with theirs:
                self._server = subprocess.Popen(
                    python_command(program), stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=environment_without_current_folder({**ENVIRONMENT, **os.environ}))
        except BaseException:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._socket, self._requested = ours, self.preload

    def _request_modules(self) -> None:
        """Let the server load the modules that have been added since it was started."""
        added = [name for name in self.preload if name not in self._requested]
        if added:
            assert self._socket is not None
            self._socket.send(LOAD + '\n'.join(added).encode())
            self._requested = self.preload

    def _close(self) -> None:
        if self._server is None:
            return
        self._socket.close()
        try:
            self._server.wait(END_PATIENCE_SEC)
        except subprocess.TimeoutExpired:   # such as after SIGSTOP
            self._server.kill()
            self._server.wait()
        self._server = self._socket = None


class _Pickler(pickle.Pickler):
    """Writes arguments; connections and open files are sent separately, see _Unpickler."""

    def __init__(self, file: BinaryIO, files: list[int]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._files = files

    def persistent_id(self, value: object) -> tuple[int, tuple[bool, bool] | None] | None:
        if isinstance(value, Descriptor):
            self._files.append(value.number)
            return len(self._files) - 1, None
        if isinstance(value, Connection):
            self._files.append(value.fileno())
            return len(self._files) - 1, (value.readable, value.writable)
        return None


def _module_path() -> list[str]:
    """Return the server's module path: that of this process, and the way to this package."""
    path = [folder for folder in sys.path if folder]
    return path if ROOT in path else [*path, ROOT]


server = ForkServer()
atexit.register(server.close)
