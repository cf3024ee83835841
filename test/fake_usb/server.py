# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The server's process: two sockets in a folder, one for libraries and one for control words."""

import os
from pathlib import Path
import socket
import threading
from typing import Callable
from typing import Sequence

from fake_usb import control
from fake_usb import options as command_line
from fake_usb.bus import Bus
from fake_usb.bus import Connection
from fake_usb.chip import Journal

LONGEST_LINE = 4096


def listen(path: Path, serve: Callable[[socket.socket], None]) -> None:
    """Serve each connection to a socket in a thread of its own."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)

    def accept() -> None:
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


def main(arguments: Sequence[str]) -> None:
    """Run until the process is ended."""
    options = command_line.parse(arguments, control.WORDS)
    options.folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(options.folder / 'sticks.log')
    bus = Bus(options, journal)
    words = control.Control(bus)

    def answer(peer: socket.socket) -> None:
        with peer:
            try:
                reply = words.obey(peer.recv(LONGEST_LINE).decode())
            except (ValueError, IndexError) as error:
                reply = f'error: {error!r}'
            peer.sendall(reply.encode())

    listen(options.folder / 'bus.sock', lambda peer: Connection(bus, peer).serve())
    listen(options.folder / 'ctl.sock', answer)
    journal.write('bus up', options)
    new = options.folder / 'pid.new'
    new.write_text(str(os.getpid()))
    new.rename(options.folder / 'pid')   # the last sign: all is ready
    threading.Event().wait()
