# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Records what hosts and sticks say to each other: a JSON object a line, in the order of each stick.

Every line has the ``port`` of its stick and one of these:

* ``usb``: what a process asked of the device (open, claim, release, set_configuration, reset,
  close; let go: it was closed while claimed) with libusb's ``status``, or what the device became
  (rom, booted, gone, absent);
* ``rom``: the size of a transfer to the ROM; ``firmware``: length and SHA-256 of all of them;
* ``kind``: an XLink event, as ``sender`` (host or stick) sent it, with ``id``, ``name``,
  ``stream``, ``size``, ``flags``; a WRITE_REQ has its ``data``: hexadecimal, or length and
  SHA-256.

A line without a port has a ``mark``, which a program set with the control word ``record``.
"""

import hashlib
import json
from pathlib import Path
import threading
from typing import TYPE_CHECKING

from fake_usb.protocol import Status

if TYPE_CHECKING:
    from fake_usb.events import Kind

MOST_HEX = 4096   # bytes of data that are kept as they are


def data_fact(data: bytes) -> object:
    """Return bytes in hexadecimal, or [length, SHA-256] of long ones."""
    if len(data) <= MOST_HEX:
        return data.hex()
    return [len(data), hashlib.sha256(data).hexdigest()]


class Recorder:
    """A file of records; its methods are called with the lock of the stick held."""

    def __init__(self, path: Path) -> None:
        """Begin an empty file."""
        self._file = path.open('w')
        self._lock = threading.Lock()
        self._loaded: dict[str, bytearray] = {}

    def mark(self, text: str) -> None:
        """Write where a program is."""
        self._write({'mark': text})

    def usb(self, port: str, what: str, status: Status = Status.SUCCESS) -> None:
        """Write what was asked of a device or what it became."""
        self._loaded.pop(port, None)
        self._write({'port': port, 'usb': what, 'status': status.name})

    def rom(self, port: str, data: bytes) -> None:
        """Write the size of a transfer to the ROM."""
        self._loaded.setdefault(port, bytearray()).extend(data)
        self._write({'port': port, 'rom': len(data)})

    def loaded(self, port: str) -> None:
        """Write what the ROM has got; it boots now."""
        data = bytes(self._loaded.pop(port, b''))
        self._write({'port': port, 'firmware': [len(data), hashlib.sha256(data).hexdigest()]})

    def event(self, port: str, sender: str, event: int, kind: 'Kind', name: bytes, stream: int,
              size: int, flags: int, data: bytes | None) -> None:
        """Write an XLink event."""
        facts: dict[str, object] = {
            'port': port, 'sender': sender, 'kind': kind.name, 'id': event,
            'name': name.rstrip(b'\0').decode('latin-1'), 'stream': stream, 'size': size,
            'flags': flags}
        if data is not None:
            facts['data'] = data_fact(data)
        self._write(facts)

    def _write(self, facts: dict[str, object]) -> None:
        line = json.dumps(facts)
        with self._lock:
            print(line, file=self._file, flush=True)
