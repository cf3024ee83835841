# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The fork server: loads libraries, and forks on request; see :mod:`fork_server`.

It has one thread, because other threads do not survive a fork, and ends when its parent has ended.
"""

from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import suppress
import importlib
from multiprocessing.connection import Connection
import os
import pickle
import selectors
import signal
import socket
import sys
import traceback
from typing import BinaryIO
from typing import NoReturn

from ncs_cluster_detector.processes.fork_server import LOAD
from ncs_cluster_detector.processes.fork_server import MOST_BYTES
from ncs_cluster_detector.processes.fork_server import MOST_DESCRIPTORS
from ncs_cluster_detector.processes.fork_server import NUMBER
from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
from ncs_cluster_detector.processes.freed_memory import give_back_loading
from ncs_cluster_detector.processes.process_start import loading_modules

FAILED = 1   # exit code of a process that ends by an exception, as Python's own


def main(descriptor: int, preload: Iterable[str]) -> None:
    """Load the modules to preload that are installed; serve until the parent has ended."""
    _load(preload)
    with socket.socket(fileno=descriptor) as requests, selectors.DefaultSelector() as selector:
        _Server(requests, selector).serve()


def _load(names: Iterable[str]) -> None:
    with loading_modules():
        for name in names:
            with suppress(ImportError):
                importlib.import_module(name)
    give_back_freed_memory()   # each process would get a copy of what it reuses
    give_back_loading()        # and this one needs next to nothing of what it loaded


class _Server:

    def __init__(self, requests: socket.socket, selector: selectors.BaseSelector) -> None:
        self._requests = requests
        self._selector = selector
        self._status: dict[int, int] = {}   # process id -> descriptor for its exit code
        # Python writes a byte there for SIGCHLD, which wakes the selector.
        self._ends, self._wakeup = socket.socketpair()
        self._ends.setblocking(False)
        self._wakeup.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        selector.register(requests, selectors.EVENT_READ)
        selector.register(self._ends, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._ends in ready:
                self._ends.recv(4096)
                self._report_exit_codes()
            if self._requests in ready:
                request, files, _, _ = socket.recv_fds(
                    self._requests, MOST_BYTES, MOST_DESCRIPTORS)
                if not request:
                    signal.set_wakeup_fd(-1)   # a process may end while this one does
                    return
                for file in files:
                    os.set_inheritable(file, False)   # recv_fds does not set it
                if request.startswith(LOAD):
                    _load(request.removeprefix(LOAD).decode().split('\n'))
                else:
                    self._fork(*files)

    def _report_exit_codes(self) -> None:
        while self._status:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _report(self._status.pop(pid), os.waitstatus_to_exitcode(status), close=True)

    def _fork(self, status: int, arguments: int, *files: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:   # no more processes or memory; the server must go on
            pid = -error.errno
        if not pid:
            try:
                self._leave(status)
                _run(arguments, files)
            finally:
                os._exit(FAILED)   # the new process never returns into the server
        for file in (arguments, *files):
            os.close(file)
        _report(status, pid, close=pid < 0)
        if pid > 0:
            self._status[pid] = status

    def _leave(self, status: int) -> None:
        """Close in a new process what belongs to the server."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for held in (self._requests, self._ends, self._wakeup):
            held.close()
        for descriptor in (status, *self._status.values()):
            os.close(descriptor)


def _report(descriptor: int, number: int, close: bool = False) -> None:
    with suppress(BrokenPipeError):   # the reader has closed it
        os.write(descriptor, NUMBER.pack(number))
    if close:
        os.close(descriptor)


def _run(arguments: int, files: Sequence[int]) -> NoReturn:
    """Run the main function of a process; does not return."""
    code = FAILED
    try:
        with open(arguments, 'rb') as file:
            file.seek(0)
            main, values = _Unpickler(file, files).load()
        main(*values)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else FAILED
    except BaseException:
        traceback.print_exc()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError):   # there is nobody to read it
            stream.flush()
    os._exit(code)   # threads of it may be inside a library


class _Unpickler(pickle.Unpickler):
    """Reads what fork_server writes; open files arrive separately."""

    def __init__(self, file: BinaryIO, files: Sequence[int]) -> None:
        super().__init__(file)
        self._files = files

    def persistent_load(self, key: tuple[int, tuple[bool, bool] | None]) -> int | Connection:
        index, directions = key
        if directions is None:
            return self._files[index]
        return Connection(self._files[index], *directions)
