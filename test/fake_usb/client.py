# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Starts a bus for a test, tells its sticks what to do, and waits for what they become."""

from dataclasses import dataclass
import json
import os
from pathlib import Path
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from types import TracebackType
from typing import Any
from typing import Callable

HERE = Path(__file__).resolve().parent
SOURCE = HERE / 'fake_libusb.c'
LIBRARY = 'libusb-1.0.so.0'
UP_SEC = 20.0
ANSWER_SEC = 10.0
LOOK_SEC = 0.02


def compiler() -> str | None:
    """Return the path of a C compiler, or None."""
    return next(filter(None, map(shutil.which, (os.environ.get('CC', 'cc'), 'gcc', 'clang'))),
                None)


def build_library(folder: Path) -> Path:
    """Compile the fake library into a folder; return its path."""
    command = compiler()
    assert command, 'no C compiler'
    library = folder / LIBRARY
    subprocess.run([command, '-O2', '-shared', '-fPIC', f'-Wl,-soname,{LIBRARY}', '-o',
                    str(library), str(SOURCE), '-lpthread'], check=True)
    return library


@dataclass(frozen=True)
class StickFacts:
    """What the server knows about a stick; ``state`` is absent, gone, rom or booted."""

    port: str
    state: str
    address: int
    holder: int | None
    boots: int
    resets: int
    usb_resets: int
    inferences: int
    celsius: float
    faults: dict[str, float]
    wire_fault: str = ''   # what is armed, or how it has struck
    unread: tuple[int, int] = (0, 0)
    jobs: int = 0
    streams: tuple[Any, ...] = ()


class FakeBus:
    """A server in a process of its own; a context manager."""

    def __init__(self, *options: str) -> None:
        """Prepare a bus with options of the server, such as ``'--ports', '1.1,1.2'``."""
        self._options = options
        # Not pytest's folder: the path of a socket has at most 107 characters.
        self._folder = tempfile.TemporaryDirectory(prefix='fake_usb_')
        self.folder = Path(self._folder.name)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> 'FakeBus':
        """Start the server, and wait until it serves."""
        self._server = subprocess.Popen(
            [sys.executable, str(HERE), '--dir', str(self.folder), *self._options])
        deadline = time.monotonic() + UP_SEC
        while not (self.folder / 'pid').exists():
            assert self._server.poll() is None, 'the server ended at its start'
            assert time.monotonic() < deadline, f'the server is not up after {UP_SEC} s'
            time.sleep(LOOK_SEC)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """End the server."""
        assert self._server
        self._server.kill()
        self._server.wait()
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which a program finds this bus."""
        return {'FAKEUSB_DIR': str(self.folder),
                'FAKEUSB_SOCKET': str(self.folder / 'bus.sock')}

    @property
    def log(self) -> str:
        """Return what the server has logged."""
        return (self.folder / 'sticks.log').read_text()

    def tell(self, *lines: str) -> None:
        """Send lines of control words, such as ``'1.2 slow-boot 6'`` or ``'all unplug'``."""
        for line in lines:
            answer = self._ask(line)
            assert answer == 'ok', answer

    def sticks(self) -> dict[str, StickFacts]:
        """Return the facts of every stick by its port."""
        return {facts['port']: StickFacts(**facts) for facts in json.loads(self._ask('json'))}

    def wait_for(self, condition: Callable[[dict[str, StickFacts]], object],
                 timeout: float = ANSWER_SEC) -> None:
        """Wait until the facts fulfil a condition; fail after a time."""
        deadline = time.monotonic() + timeout
        while not condition(self.sticks()):
            assert time.monotonic() < deadline, f'not within {timeout} s: {self.sticks()}'
            time.sleep(LOOK_SEC)

    def _ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(ANSWER_SEC)
            peer.connect(str(self.folder / 'ctl.sock'))
            peer.sendall(line.encode())
            answer = bytearray()
            while piece := peer.recv(65536):
                answer += piece
        return answer.decode()
