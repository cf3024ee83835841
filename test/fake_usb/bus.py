# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The bus: its sticks in their ports, and the connections of the programs that use them."""

import socket
import threading

from fake_usb.chip import Chip
from fake_usb.chip import Journal
from fake_usb.options import Options
from fake_usb.protocol import BOOTED_PRODUCT
from fake_usb.protocol import ENTRY
from fake_usb.protocol import MAX_PACKET
from fake_usb.protocol import Op
from fake_usb.protocol import REPLY
from fake_usb.protocol import REQUEST
from fake_usb.protocol import ROM_PRODUCT
from fake_usb.protocol import Status
from fake_usb.protocol import VENDOR
from fake_usb.recorder import Recorder
from fake_usb.stick import Handle
from fake_usb.stick import Stick
from fake_usb.transfers import Transfer

BUS = 1
NO_PORTS = (0,) * 7
# A root hub and a webcam are on the bus too.
OTHERS = (ENTRY.pack(1, 0x1d6b, 2, BUS, 1, 0, *NO_PORTS, 64)
          + ENTRY.pack(2, 0x046d, 0x0825, BUS, 2, 1, 7, *NO_PORTS[1:], MAX_PACKET))
FIRST_SESSION, FIRST_ADDRESS, LAST_ADDRESS = 101, 5, 126


class Bus:
    """All sticks, and who has opened them."""

    def __init__(self, options: Options, journal: Journal) -> None:
        """Plug a stick into every port of the options."""
        self.wire = threading.Lock()
        self.sticks: dict[str, Stick] = {}
        self.recorder = Recorder(options.record) if options.record else None
        self._options = options
        self._journal = journal
        self._lock = threading.Lock()
        self._sessions = 0
        self._handles: list[Handle] = []
        for port in options.ports:
            self.stick_at(port).plug()

    def stick_at(self, port: str) -> Stick:
        """Return the stick of a port; an unknown port gets an unplugged one."""
        if port not in self.sticks:
            chip = Chip(port, self._options, self._journal, self.recorder)
            self.sticks[port] = Stick(chip, self._new_session)
        return self.sticks[port]

    def listing(self) -> bytes:
        """Return all devices; one that came later is later in libusb's list."""
        entries = []
        for stick in self.sticks.values():
            with stick.changed:
                if stick.session is not None:
                    ports = [int(number) for number in stick.port.split('.')]
                    product = BOOTED_PRODUCT if stick.state == 'booted' else ROM_PRODUCT
                    entries.append(ENTRY.pack(
                        stick.session, VENDOR, product, BUS, stick.address, len(ports),
                        *(*ports, *NO_PORTS)[:len(NO_PORTS)], MAX_PACKET))
        return OTHERS + b''.join(sorted(entries, key=lambda entry: ENTRY.unpack(entry)[0]))

    def open(self, session: int, pid: int) -> tuple[Status, int]:   # noqa: A003
        """Open the device of a session; return the handle's number."""
        for stick in list(self.sticks.values()):
            if stick.session == session:
                if 'access' in stick.chip.faults:
                    return Status.ACCESS, 0
                with self._lock:
                    self._handles.append(Handle(stick, session, pid))
                    number = len(self._handles)
                stick.record('open')
                return Status.SUCCESS, number
        return Status.NO_DEVICE, 0

    def handle(self, number: int) -> Handle | None:
        """Return a handle by its number."""
        return self._handles[number - 1] if 0 < number <= len(self._handles) else None

    def _new_session(self) -> tuple[int, int]:
        with self._lock:
            number = self._sessions
            self._sessions += 1
        return FIRST_SESSION + number, (FIRST_ADDRESS - 1 + number) % LAST_ADDRESS + 1


class Connection:
    """One connection of fake_libusb.c: it asks, and waits for each answer."""

    def __init__(self, bus: Bus, peer: socket.socket) -> None:
        """Belong to no handle yet."""
        self._bus = bus
        self._peer = peer
        self._handle: Handle | None = None
        self._closes_handle = False

    def serve(self) -> None:
        """Answer until the other end is gone; the work of a thread."""
        try:
            with self._peer:
                while True:
                    request = self._receive(REQUEST.size)
                    if len(request) < REQUEST.size:
                        return
                    status, actual, payload = self._answer(*REQUEST.unpack(request))
                    self._peer.sendall(REPLY.pack(status, actual, len(payload)) + payload)
        except OSError:
            pass
        finally:
            if self._handle is not None and self._closes_handle:
                self._handle.stick.closed(self._handle)

    def _answer(self, op: int, a: int, b: int, length: int,
                timeout_ms: int) -> tuple[Status, int, bytes]:
        if op == Op.LIST:
            return Status.SUCCESS, 0, self._bus.listing()
        if op == Op.OPEN:
            status, number = self._bus.open(a, b)
            self._handle, self._closes_handle = self._bus.handle(number), True
            return status, number, b''
        if op == Op.ATTACH:
            self._handle = self._bus.handle(a)
            return Status.SUCCESS if self._handle else Status.NO_DEVICE, 0, b''
        handle = self._bus.handle(a) if op == Op.RESET else self._handle
        if handle is None:
            return Status.NO_DEVICE, 0, b''
        if op == Op.OUT:
            data = self._receive(length)
            transfer = Transfer(handle, timeout_ms, self._peer, self._bus.wire)
            status, actual = transfer.write(data, len(data) == length)
            return status, actual, b''
        if op == Op.IN:
            transfer = Transfer(handle, timeout_ms, self._peer, self._bus.wire)
            status, payload = transfer.read(length)
            return status, len(payload), payload
        work = {Op.CLAIM: handle.stick.claim, Op.RELEASE: handle.stick.release,
                Op.SET_CONFIGURATION: handle.stick.configure, Op.RESET: handle.stick.reset_by_usb,
                Op.GET_CONFIGURATION: handle.stick.is_there,
                Op.CLEAR_HALT: handle.stick.is_there}[Op(op)]
        return work(handle), 0, b''

    def _receive(self, length: int) -> bytes:
        """Return ``length`` bytes, or fewer if the other end is gone."""
        data = bytearray(length)
        view, received = memoryview(data), 0
        while received < length:
            count = self._peer.recv_into(view[received:])
            if not count:
                break
            received += count
        view.release()
        return bytes(data[:received])
