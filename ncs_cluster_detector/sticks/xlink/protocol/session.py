# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The host's side of XLink as a state machine without any I/O.

Bytes from the stick go in; what has changed, and the transfers to send, come out. The time is an
argument. Where the vendor's library aborts the process (XLink.c:137, 216, 252, 262, 667;
XLinkDispatcher.c:368), a :class:`ProtocolError` says what the stick has sent.
"""

from collections import deque
from typing import TypeAlias

from ncs_cluster_detector.sticks.xlink.protocol.events import ACK
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.events import HIGHEST_EVENT
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.events import KINDS
from ncs_cluster_detector.sticks.xlink.protocol.events import LONGEST_NAME
from ncs_cluster_detector.sticks.xlink.protocol.events import NACK
from ncs_cluster_detector.sticks.xlink.protocol.events import NO_STREAM
from ncs_cluster_detector.sticks.xlink.protocol.events import pack_header
from ncs_cluster_detector.sticks.xlink.protocol.requests import ANSWER_SEC
from ncs_cluster_detector.sticks.xlink.protocol.requests import Request
from ncs_cluster_detector.sticks.xlink.protocol.requests import Requests
from ncs_cluster_detector.sticks.xlink.protocol.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream
from ncs_cluster_detector.sticks.xlink.protocol.streams import Streams

_ROOM_STEP = 64   # the size of a stream is rounded up to whole cache lines (XLink.c:1041)
_NEVER = float('inf')
# Plain numbers are compared sooner than members of a class.
_WRITE_REQ, _READ_REL_REQ, _WRITE_RESP = map(
    int, (Kind.WRITE_REQ, Kind.READ_REL_REQ, Kind.WRITE_RESP))
# A header, and the data that it announces.
Message: TypeAlias = tuple[bytes] | tuple[bytes, bytes | memoryview]


class Session:
    """
    The link to one stick, from its boot to its reset.

    ``outgoing`` are the messages to write, in this order, each with its Request, if any; the
    caller removes it, and calls its ``on_written``.
    """

    def __init__(self, first_event: int = 1) -> None:
        """Begin with no streams, and number the requests from ``first_event`` on."""
        self.outgoing: deque[tuple[Request | None, Message]] = deque()
        self.streams = Streams()
        self._event = first_event
        self._requests = Requests()
        self._last_request: int | None = None   # the number of the stick's last one
        self._received = bytearray()
        self._announced: Header | None = None   # a WRITE_REQ whose data are not complete
        self._rest_due = _NEVER   # when the rest of a header or of data must come
        self._reply = b'', 0, 0   # name, stream and size of the last answer, see _answer

    # ---- what the host asks for

    def ping(self, within_sec: float = ANSWER_SEC) -> Request:
        """Ask whether the stick is there."""
        return self._ask(Kind.PING_REQ, within_sec=within_sec)

    def create(self, name: str, size: int) -> Request:
        """Open a stream to the stick that takes ``size`` bytes; it is the answered ``stream``."""
        room = -(-size // _ROOM_STEP) * _ROOM_STEP
        return self._ask(Kind.CREATE_STREAM_REQ, name=name.encode('ascii'), number=NO_STREAM,
                         size=room)

    def write(self, stream: Stream, data: bytes | memoryview) -> Request:
        """Send a packet, a memoryview of bytes; ProtocolError if the stick has no room for it."""
        size = len(data)
        if not stream.takes(size):
            raise ProtocolError(f'no room for {size} bytes in stream {stream}')
        stream.held.append(size)
        return self._ask(Kind.WRITE_REQ, stream, b'', stream.number, size, data)

    def release(self, stream: Stream) -> Request:
        """Tell the stick that the oldest packet that was taken needs no room any more."""
        size = stream.unreleased.popleft()
        return self._ask(Kind.READ_REL_REQ, stream, b'', stream.number, size)

    def close(self, stream: Stream) -> Request:
        """Close a stream to the stick, which must have released all packets."""
        return self._ask(Kind.CLOSE_STREAM_REQ, stream, number=stream.number)

    def reset(self) -> Request:
        """Send the stick back to its ROM."""
        return self._ask(Kind.RESET_REQ)

    # ---- what the stick sends

    def wanted(self) -> int:
        """Return how many bytes are missing of the header or of the data that come next."""
        size = HEADER_BYTES if self._announced is None else self._announced.size
        return size - len(self._received)

    def receive(self, data: bytes, now: float) -> list[Request | Stream]:
        """
        Take bytes; return the answered requests, and streams with a new packet or more room.

        :raises ProtocolError: the stick has sent what it must not.
        """
        if self._received:
            self._received += data
            if self.wanted() > 0:   # copy a long packet only once
                self._rest_due = now + ANSWER_SEC
                return []
            data = bytes(self._received)
        changed: list[Request | Stream] = []
        begin, size = 0, len(data)
        while True:
            announced = self._announced
            end = begin + HEADER_BYTES if announced is None else begin + announced.size
            if end > size:
                break
            if announced is not None:
                changed.append(self._take_packet(announced, data[begin:end]))
            else:
                header = Header.unpack(data, begin)
                event, kind, _, _, _, _ = header
                if kind >= _WRITE_RESP:
                    changed.append(self._take_answer(header))
                elif event == self._last_request:   # each has a new one (XLinkDispatcher.c:560)
                    raise ProtocolError(f'the event {event:#x} twice')
                else:
                    self._last_request = event
                    if kind == _WRITE_REQ:
                        self._announced = self.streams.expecting(header)
                    elif kind == _READ_REL_REQ:
                        changed.append(self._free(header))
                    else:
                        changed.append(self._serve(header))
            begin = end
            if begin == size and self._announced is None:   # nothing is missing, as usual
                break
        self._received = bytearray(data[begin:])
        is_whole = self._announced is None and begin == size
        self._rest_due = _NEVER if is_whole else now + ANSWER_SEC
        return changed

    def check(self, now: float) -> None:
        """Raise ProtocolError if an answer, or the rest of something, is overdue."""
        if now >= self._rest_due:
            size = HEADER_BYTES if self._announced is None else self._announced.size
            raise ProtocolError(f'{size} bytes broke off after {len(self._received)}, for '
                                f'{ANSWER_SEC:g} s')
        self._requests.check(now)

    def extend_deadlines(self, delay_sec: float, now: float) -> None:
        """Move all deadlines, because nobody has read for that time; none of later requests."""
        self._rest_due += delay_sec
        self._requests.extend_deadlines(delay_sec, now)

    def _take_packet(self, header: Header, packet: bytes) -> Stream:
        event, _, _, number, size, _ = header
        stream = self.streams.by_number.get(number) or self.streams.known(header)
        stream.packets.append(packet)
        stream.unreleased.append(size)
        self._announced = None
        self._reply = self._reply[0], number, size
        self._answer(event, _WRITE_REQ)
        return stream

    def _serve(self, header: Header) -> Stream:
        """Do what the stick asks for once in a while."""
        kind = KINDS.get(header.kind)
        if kind is None:
            raise ProtocolError(f'an event of the unknown kind {header.kind}')
        if kind is Kind.CREATE_STREAM_REQ:
            return self._open(header)
        if kind is Kind.CLOSE_STREAM_REQ:
            return self._close(header)
        raise ProtocolError(f'the request {kind.name}, which only hosts make')

    def _take_answer(self, header: Header) -> Request:
        request = self._requests.take(header)
        if request.kind is Kind.CREATE_STREAM_REQ:
            request.stream = stream = self.streams.created(header)
            self._reply = self._reply[0], stream.number, self._reply[2]   # see _answer
        elif request.kind is Kind.CLOSE_STREAM_REQ:
            assert request.stream is not None
            request.stream.room = 0
            self.streams.forget_closed(request.stream)
        request.is_answered = True
        return request

    def _open(self, header: Header) -> Stream:
        """Let the stick send to a stream."""
        name = header.name
        if not name or not header.size:
            raise ProtocolError(f'a request for a stream {name!r} of {header.size} bytes')
        stream = self.streams.named(name) or self.streams.add(name)
        stream.accepts = stream.accepts or header.size
        self._reply = name, stream.number, header.size
        self._answer(header.event, header.kind)
        return stream

    def _close(self, header: Header) -> Stream:
        """Let the stick stop sending to a stream, unless the host still has packets of it."""
        # That of an unknown one is acknowledged, too (XLink.c:721).
        stream = self.streams.by_number.get(header.stream) or Stream(b'', header.stream)
        is_empty = not stream.unreleased
        self._reply = self._reply[0], header.stream, self._reply[2]
        self._answer(header.event, header.kind, ACK if is_empty else NACK)
        if is_empty:
            stream.accepts = 0
            self.streams.forget_closed(stream)
        return stream

    def _free(self, header: Header) -> Stream:
        """Take note that the stick has room again."""
        event, _, _, number, size, _ = header
        stream = self.streams.by_number.get(number) or self.streams.known(header)
        if size not in stream.held:
            raise ProtocolError(f'the release of a packet of {size} bytes in stream {stream}; '
                                f'expected one of {sorted(stream.held)}')
        stream.held.remove(size)   # a stick that frees a FIFO may begin with the last packet
        self._answer(event, _READ_REL_REQ)
        return stream

    def _ask(self, kind: Kind, stream: Stream | None = None, name: bytes = b'',
             number: int = 0, size: int = 0, data: bytes | memoryview | None = None,
             within_sec: float = ANSWER_SEC) -> Request:
        assert len(name) <= LONGEST_NAME, name
        event = self._event
        self._event = event % HIGHEST_EVENT + 1
        request = self._requests[event] = Request(kind, stream, within_sec)
        header = pack_header(event, kind, name, number, size, ACK)
        self.outgoing.append((request, (header,) if data is None else (header, data)))
        return request

    def _answer(self, event: int, kind: int, flags: int = ACK) -> None:
        """
        Send an answer to a request of the stick, with name, stream and size of ``_reply``.

        Fields that mean nothing in it keep the value of the last answer that had them: the
        vendor's library makes all answers in one place in memory (XLinkDispatcher.c:478), and this
        is what sticks are used to get.
        """
        header = pack_header(event, kind + _WRITE_RESP, *self._reply, flags)
        self.outgoing.append((None, (header,)))
