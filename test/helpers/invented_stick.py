# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A claimed stick in memory: it takes part in an XLink as a test tells it to."""

from collections import deque
from contextlib import contextmanager
import threading

from fake_usb.events import HEADER
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.events import NO_STREAM

NAME = '1.2-ma2450'
LEAST_SEC = 0.001   # a timeout that is over, as libusb takes none of 0


def event(number, kind, name=b'', stream=0, size=0, flags=1, data=b''):
    """Return the bytes of an event, and of its data."""
    return Header(number, kind, name, stream, size, flags).pack() + data


def unpacked(data):
    """Return the Header in the bytes of an event; its name is without zeros."""
    header = Header(*HEADER.unpack(data[:HEADER_BYTES]))
    return header._replace(name=header.name.rstrip(b'\0'))


class InventedStick:
    """
    A healthy stick, as the claim of it; used by any number of threads.

    ``asked`` are the (Header, data) that it got, ``wrong`` what nobody may do with a claim.
    """

    def __init__(self, on_packet=lambda name, data: (), packet_bytes=512):
        """Have a function that returns the packets with which a stream answers a packet."""
        self.packet_bytes = packet_bytes
        self.asked = []
        self.wrong = []
        self.ignored = set()          # kinds of requests that get no answer
        self.is_keeping = False       # whether packets are not released
        self.is_closed = self.is_gone = False
        self.reads = []               # (size, seconds) of each
        self.taken = []               # the sizes of transfers to it
        self.read_error = self.write_error = None   # raised by all transfers
        self.is_taking = threading.Event()          # cleared: transfers to the stick wait for it
        self.is_taking.set()
        self.changed = threading.Condition()
        self.on_packet = on_packet
        self._streams = {}            # numbers by name
        self._to_host = deque()
        self._received = b''
        self._announced = None
        self._event = 0x1000
        self._in_calls = set()

    # ---- what a test lets it do

    def send(self, *transfers):
        """Let transfers come to the host."""
        with self.changed:
            self._to_host += transfers
            self.changed.notify_all()

    def open(self, name, size):  # noqa: A003 - what it does
        """Open a stream to the host."""
        self.send(self._new(Kind.CREATE_STREAM_REQ, name, NO_STREAM, size))

    def tell(self, name, data):
        """Send a packet to the host, in a stream that it has opened."""
        self.send(self._new(Kind.WRITE_REQ, b'', self._streams[name], len(data)), data)

    def release(self, name, size):
        """Release a packet."""
        self.send(self._new(Kind.READ_REL_REQ, b'', self._streams[name], size))

    def close_to_host(self, name):
        """Close a stream to the host."""
        self.send(self._new(Kind.CLOSE_STREAM_REQ, b'', self._streams[name]))

    def leave(self):
        """Leave the bus; what was sent before is still read."""
        with self.changed:
            self.is_gone = True
            self.changed.notify_all()

    def kinds(self):
        """Return the kinds of all events that have come."""
        return [header.kind for header, _ in self.asked]

    def is_read(self):
        """Return whether a thread is in a call that reads."""
        return 'read' in self._in_calls

    def is_written(self):
        """Return whether a thread is in a call that writes."""
        return 'write' in self._in_calls

    # ---- the claim

    def read_data(self, size, timeout_sec):
        """Return a transfer, or a part of it that has ``size`` bytes."""
        with self._call('read'), self.changed:
            self.reads.append((size, timeout_sec))
            if size % self.packet_bytes:
                self.wrong.append(f'reading {size} bytes')
            self.changed.wait_for(lambda: self._to_host or self.is_gone or self.read_error,
                                  max(timeout_sec, LEAST_SEC))
            if self.read_error:
                raise self.read_error
            if not self._to_host:
                raise UsbGoneError('gone') if self.is_gone else UsbTimeoutError('silent')
            transfer = self._to_host.popleft()
            if len(transfer) > size:
                self._to_host.appendleft(transfer[size:])
            return transfer[:size]

    def write(self, data, timeout_sec):
        """Take a transfer."""
        with self._call('write'):
            self.is_taking.wait()
            if self.write_error:
                raise self.write_error
            if self.is_gone:
                raise UsbGoneError('gone')
            self.taken.append(len(data))
            self._take(bytes(data))

    def close(self):
        """Take note of it."""
        if self.is_closed or self._in_calls:
            self.wrong.append(f'closed again, or while somebody does {self._in_calls}')
        self.is_closed = True

    @contextmanager
    def _call(self, what):
        if self.is_closed or what in self._in_calls:
            self.wrong.append(f'{what} of a closed one, or by two at once')
        self._in_calls.add(what)
        try:
            yield
        finally:
            self._in_calls.discard(what)

    # ---- the stick

    def _take(self, data):
        self._received += data
        while True:
            size = HEADER_BYTES if self._announced is None else self._announced.size
            if len(self._received) < size:
                return
            piece, self._received = self._received[:size], self._received[size:]
            if self._announced is None:
                header, content = unpacked(piece), b''
                if header.kind == Kind.WRITE_REQ:
                    self._announced = header
                    continue
            else:
                header, content, self._announced = self._announced, piece, None
            self.asked.append((header, content))
            if header.kind not in self.ignored:
                self._answer(header, content)

    def _answer(self, header, data):
        if header.kind == Kind.CREATE_STREAM_RESP:
            self._streams[header.name] = header.stream
        if header.kind >= Kind.WRITE_RESP:
            return
        number = header.stream
        if header.kind == Kind.CREATE_STREAM_REQ:
            number = self._streams.setdefault(header.name, len(self._streams))
        self.send(event(header.event, header.kind + 8, header.name, number, header.size))
        if header.kind == Kind.WRITE_REQ:
            name = next(name for name, known in self._streams.items() if known == number)
            if not self.is_keeping:
                self.release(name, header.size)
            for packet in self.on_packet(name, data):
                self.tell(name, packet)
        elif header.kind == Kind.RESET_REQ:
            self.leave()

    def _new(self, kind, name=b'', stream=0, size=0):
        with self.changed:
            self._event += 1
            return event(self._event, kind, name, stream, size)
