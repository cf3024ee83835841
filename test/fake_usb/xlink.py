# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The device's side of XLink: events, streams with room and fill, written from what hosts send."""

import collections
import threading
import time
import traceback
from typing import Callable

from fake_usb.chip import Chip
from fake_usb.events import ACK
from fake_usb.events import GoneError
from fake_usb.events import HEADER
from fake_usb.events import Kind
from fake_usb.events import NACK
from fake_usb.events import NEW_STREAM
from fake_usb.events import Stream
from fake_usb.wire_faults import Ending

BROKEN_OFF_SEC = 2.0   # a read of data gives up after so long without a byte
MOST_PACKETS = 64


class XLink:
    """The link of a booted stick, from boot to reset or loss of power."""

    def __init__(self, chip: Chip) -> None:
        """Be ready for :meth:`start`."""
        self.chip = chip
        self.alive = True
        self.received = bytearray()
        # One transfer each, or what ends one.
        self.to_host: collections.deque[bytes | Ending] = collections.deque()
        self.streams: dict[int, Stream] = {}
        self._next_stream = 0
        self._event = 0x1000
        self._answers: dict[tuple[Kind, int], int] = {}

    def start(self, work: Callable[[], None]) -> None:
        """Run a function in a thread until the firmware is gone."""
        def run() -> None:
            try:
                work()
            except GoneError:
                pass
            except Exception as error:
                self.chip.log('FIRMWARE CRASH', repr(error), traceback.format_exc())
        threading.Thread(target=run, daemon=True).start()

    def wait(self, condition: Callable[[], object], timeout: float | None = None) -> bool:
        """Wait with the lock held; a dead firmware waits for good."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if not self.alive:
                raise GoneError
            if 'dead' not in self.chip.faults and condition():
                return True
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return False
            self.chip.changed.wait(left)

    def forget(self) -> None:
        """Drop what is on its way in either direction."""
        self.received.clear()
        self.to_host.clear()

    # ---- what applications on the stick call, with the lock held

    def stream(self, name: bytes, number: int | None = None) -> Stream:
        """Return the stream with a name, a new one if there is none."""
        for stream in self.streams.values():
            if stream.name == name:
                return stream
        stream = Stream(name, self._next_stream if number is None else number)
        self._next_stream += 1
        self.streams[stream.number] = stream
        return stream

    def open_stream(self, name: bytes, size: int) -> Stream:
        """Open a stream to the host."""
        return self.streams[self._request(Kind.CREATE_REQ, name, NEW_STREAM, size)]

    def close_stream(self, stream: Stream) -> None:
        """Close a stream to the host."""
        self._request(Kind.CLOSE_REQ, b'', stream.number, 0)
        stream.write_size = 0
        if not stream.read_size:
            self.streams.pop(stream.number, None)

    def write(self, stream: Stream, data: bytes) -> None:
        """Send a packet as soon as the host has room for it."""
        self.wait(lambda: (stream.remote_fill + len(data) <= stream.write_size
                           and stream.remote_packets < MOST_PACKETS))
        stream.remote_fill += len(data)
        stream.remote_packets += 1
        self._push(self._new_event(), Kind.WRITE_REQ, b'', stream.number, len(data), data=data)

    def read(self, stream: Stream) -> bytes:
        """Wait for a packet."""
        self.wait(lambda: stream.packets)
        return stream.packets.popleft()

    def release(self, stream: Stream, size: int) -> None:
        """Tell the host that there is room again."""
        stream.local_fill -= size
        self._push(self._new_event(), Kind.READ_REL_REQ, b'', stream.number, size)

    # ---- events

    def on_ping(self) -> None:
        """Take note that a host is there."""

    def on_reset(self) -> None:
        """Take note that the host wants the stick back in its ROM."""

    def receive(self) -> None:
        """Take events for ever; the work of a thread."""
        with self.chip.changed:
            while True:
                self.wait(lambda: len(self.received) >= HEADER.size)
                event, kind, name, number, size, flags = HEADER.unpack_from(self.received)
                del self.received[:HEADER.size]
                self.chip.trace('host->', kind, event, name, number, size, hex(flags))
                if not 0 <= kind < len(Kind):
                    self._assertion(f'header of unknown type {kind} {event} {size}')
                data = self._read_data(size) if kind == Kind.WRITE_REQ else b''
                if self.chip.recorder:
                    self.chip.recorder.event(
                        self.chip.port, 'host', event, Kind(kind), name, number, size, flags,
                        data if kind == Kind.WRITE_REQ else None)
                self._handle(event, Kind(kind), name.rstrip(b'\0'), number, size, data)

    def _read_data(self, size: int) -> bytes:
        patience = None if self.chip.options.partial == 'swallow' else BROKEN_OFF_SEC
        while len(self.received) < size:
            have = len(self.received)
            if not self.wait(lambda have=have: len(self.received) > have, patience):
                self.chip.log(f'firmware: data of {size} bytes broke off at {have}')
                break
        data = bytes(self.received[:size])
        del self.received[:size]
        return data + bytes(size - len(data))

    def _handle(self, event: int, kind: Kind, name: bytes, number: int, size: int,
                data: bytes) -> None:
        if kind > Kind.REQUEST_LAST:
            if kind == Kind.CREATE_RESP:
                number = self._created_by_host(name, number, size)
            if kind in (Kind.CREATE_RESP, Kind.CLOSE_RESP):
                self._answers[kind, event] = number
            if kind == Kind.CREATE_RESP and name:
                # At once, as the device's dispatcher does: the next stream has the next number,
                # however late the program that waits for this one wakes up.
                self.stream(name, number)
            self.chip.changed.notify_all()
            return
        stream = self.streams.get(number)
        if kind == Kind.PING_REQ:
            self._push(event, Kind.PING_RESP)
            self.on_ping()
        elif kind == Kind.CREATE_REQ:
            stream = self.stream(name)
            stream.read_size = stream.read_size or size
            self._push(event, Kind.CREATE_RESP, name, stream.number, size)
        elif kind == Kind.CLOSE_REQ:
            self._close(event, number, stream)
        elif kind == Kind.RESET_REQ:
            if 'no-reset-response' not in self.chip.faults:
                self._push(event, Kind.RESET_RESP)
            self.on_reset()
        elif kind not in (Kind.WRITE_REQ, Kind.READ_REL_REQ):
            self.chip.log('event without a meaning here', kind.name)
        elif stream is None:
            self._assertion(f'{kind.name} for unknown stream {number}')
        elif kind == Kind.WRITE_REQ:
            stream.local_fill += size
            stream.packets.append(data)
            self._push(event, Kind.WRITE_RESP, b'', number, size)
        else:
            stream.remote_fill -= size
            stream.remote_packets -= 1
            self._push(event, Kind.READ_REL_RESP, b'', number, size)

    def _created_by_host(self, name: bytes, number: int, size: int) -> int:
        """Add a stream before the next event is looked at, as XLink.c:759 does."""
        stream = self.stream(name, number)
        if stream.number != number:
            self.chip.log(f'STREAM ID MISMATCH {name!r} here {stream.number} host {number}')
        stream.write_size = size
        return stream.number

    def _close(self, event: int, number: int, stream: Stream | None) -> None:
        if stream is not None and stream.local_fill:
            self.chip.log('close of a stream that is not empty', stream.name, stream.local_fill)
            self._push(event, Kind.CLOSE_RESP, b'', number, flags=NACK)
            return
        if stream is not None:
            stream.read_size = 0
            if not stream.write_size:
                del self.streams[number]
        self._push(event, Kind.CLOSE_RESP, b'', number)

    def _request(self, kind: Kind, name: bytes, number: int, size: int) -> int:
        event = self._new_event()
        self._push(event, kind, name, number, size)
        answer = (Kind(kind + 8), event)
        self.wait(lambda: answer in self._answers)
        return self._answers.pop(answer)

    def _push(self, event: int, kind: Kind, name: bytes = b'', number: int = 0, size: int = 0,
              flags: int = ACK, data: bytes | None = None) -> None:
        self.chip.trace('->host', kind.name, event, name, number, size)
        if self.chip.recorder:
            self.chip.recorder.event(
                self.chip.port, 'stick', event, kind, name, number, size, flags, data)
        self.chip.wire_faults.to_host(HEADER.pack(event, kind, name, number, size, flags), data,
                                      self.chip.faults, self._queue)

    def _queue(self, messages: list[bytes | Ending]) -> None:
        with self.chip.changed:
            self.to_host += messages
            self.chip.changed.notify_all()

    def _new_event(self) -> int:
        self._event += 1
        return self._event

    def _assertion(self, what: str) -> None:
        """Die as the device's own assertion does."""
        self.chip.log('FIRMWARE ASSERT:', what)
        self.chip.faults['dead'] = 1.0
        raise GoneError
