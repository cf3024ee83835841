# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bulk transfers: how long they take, and how they end when something goes wrong."""

import contextlib
import select
import socket
import struct
import threading
import time
from typing import Callable

from fake_usb.chip import later
from fake_usb.protocol import MAX_PACKET
from fake_usb.protocol import Status
from fake_usb.stick import Handle
from fake_usb.stick import Stick
from fake_usb.wire_faults import Ending
from fake_usb.wire_faults import Taking

FIRMWARE_MAGIC = b'MVCM'   # then the length of all, 32 bit
BOOT_LAG_SEC = 0.02
SHORTEST_SEC = 0.0005
LOOK_SEC = 0.5             # how often a waiting transfer looks whether its process lives


def is_closed(peer: socket.socket, timeout_sec: float = 0.0) -> bool:
    """Tell whether the other end is closed, or becomes so within a time."""
    poll = select.poll()
    poll.register(peer, select.POLLRDHUP | select.POLLHUP)
    return bool(poll.poll(timeout_sec * 1000))


class Transfer:
    """A bulk transfer of a handle; it ends early with its timeout or with its process."""

    def __init__(self, handle: Handle, timeout_ms: int, peer: socket.socket,
                 wire: threading.Lock) -> None:
        """Start its clock; a timeout of 0 is none."""
        self._handle = handle
        self._stick: Stick = handle.stick
        self._end = time.monotonic() + timeout_ms / 1000 if timeout_ms else None
        self._peer = peer
        self._wire = wire

    def write(self, data: bytes, is_whole: bool) -> tuple[Status, int]:
        """Return how a transfer to the stick ended, and how many bytes of it went over."""
        with self._stick.changed:
            # What a process has sent before it was killed goes over.
            status = self._start() or self._wait_for(
                lambda: 'nak' not in self._stick.chip.faults)
            if status:
                return status, 0
            struck = self._stick.chip.wire_faults.to_stick(data, self._stick.chip.faults)
        if struck:
            return self._end_struck(struck)
        sent = self._travel(len(data))
        if not is_whole:
            self._stick.chip.log(f'OUT broke off in the socket at {len(data)}')
        with self._stick.changed:
            if self._handle.session != self._stick.session:
                return Status.NO_DEVICE, 0
            self._deliver(data[:sent])
        return (Status.SUCCESS if sent == len(data) else Status.TIMEOUT), sent

    def read(self, size: int) -> tuple[Status, bytes]:
        """Return how a transfer from the stick ended, and what it brought."""
        got = bytearray()
        with self._stick.changed:
            status, is_over = self._start(), False
            while not status and not is_over:
                status = self._wait_for(self._has_data)
                if not status:
                    if is_closed(self._peer):
                        return Status.NO_DEVICE, b''
                    status, is_over = self._take(size, got)
        return status, bytes(got)

    def _start(self) -> Status:
        if self._stick.holder is None:
            return self._stick.claim(self._handle)   # as Linux does for a process that did not
        return Status.SUCCESS

    def _wait_for(self, condition: Callable[[], bool]) -> Status:
        stick = self._stick
        while True:
            if self._handle.session != stick.session:
                return Status.NO_DEVICE
            if stick.holder is not self._handle or 'eproto' in stick.chip.faults:
                return Status.IO
            if condition():
                return Status.SUCCESS
            left = LOOK_SEC if self._end is None else self._end - time.monotonic()
            if left <= 0:
                return Status.TIMEOUT
            stick.changed.wait(min(left, LOOK_SEC))
            if is_closed(self._peer):
                return Status.NO_DEVICE

    def _has_data(self) -> bool:
        firmware, faults = self._stick.firmware, self._stick.chip.faults
        return bool(firmware and firmware.to_host) and not {'nak', 'mute'} & faults.keys()

    def _travel(self, length: int) -> int:
        """Take the time that the wire needs; return how much has gone over."""
        options = self._stick.chip.options
        cost = length / options.bus_rate
        if cost <= SHORTEST_SEC:
            return length
        with self._wire if options.shared_wire else contextlib.nullcontext():
            began = time.monotonic()
            room = cost if self._end is None else min(cost, self._end - began)
            is_broken = is_closed(self._peer, max(room, 0.0))
            if not is_broken and room == cost:
                return length
            share = min((time.monotonic() - began) / cost, 1.0)
        sent = int(length * share) // MAX_PACKET * MAX_PACKET
        self._stick.chip.log(f'OUT broke off at {sent} of {length}')
        return sent

    def _deliver(self, data: bytes) -> None:
        """Let the stick have what went over."""
        if self._stick.state == 'rom':
            self._load(data)
        elif self._stick.firmware and 'mute' not in self._stick.chip.faults:
            self._stick.firmware.received += data
            self._stick.changed.notify_all()

    def _end_struck(self, struck: Taking) -> tuple[Status, int]:
        """Do what a fault makes of a transfer to the stick."""
        left = struck.seconds if self._end is None else self._end - time.monotonic()
        if is_closed(self._peer, max(min(struck.seconds, left), 0.0)):
            return Status.NO_DEVICE, 0
        if struck.seconds > left:
            return Status.TIMEOUT, 0
        with self._stick.changed:
            if self._handle.session != self._stick.session:
                return Status.NO_DEVICE, 0
            self._deliver(struck.data)
            if struck.happens:
                getattr(self._stick, struck.happens)()
        return struck.status, struck.sent

    def _load(self, data: bytes) -> None:
        """Let the ROM take a piece of the firmware."""
        stick = self._stick
        if stick.rom_expected is None:
            stick.rom_expected = (struct.unpack_from('<I', data, 4)[0]
                                  if data.startswith(FIRMWARE_MAGIC) else len(data))
        stick.rom_received += len(data)
        if stick.chip.recorder:
            stick.chip.recorder.rom(stick.port, data)
        if stick.rom_received >= stick.rom_expected:
            if stick.chip.recorder:
                stick.chip.recorder.loaded(stick.port)
            later(BOOT_LAG_SEC, stick.start_firmware)

    def _take(self, size: int, got: bytearray) -> tuple[Status, bool]:
        """Move packets until the transfer is full or a short one ends it, as the bus does."""
        waiting = self._stick.firmware.to_host
        message = waiting.popleft()
        if isinstance(message, Ending):
            if message.happens:
                getattr(self._stick, message.happens)()
            return message.status, True
        while message:
            packet, rest = message[:MAX_PACKET], message[MAX_PACKET:]
            if len(got) + len(packet) > size:
                if self._stick.chip.options.overflow == 'resend':
                    rest = message
                if rest:
                    waiting.appendleft(rest)
                self._stick.chip.log(f'IN OVERFLOW: {len(packet)} bytes, room for '
                                     f'{size - len(got)} of {size}')
                return Status.OVERFLOW, True
            got += packet
            message = rest
            if len(got) == size or len(packet) < MAX_PACKET:
                if message:
                    waiting.appendleft(message)
                return Status.SUCCESS, True
        return Status.SUCCESS, False
