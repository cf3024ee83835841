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

from ncs_cluster_detector.sticks.xlink.events import ACK
from ncs_cluster_detector.sticks.xlink.events import Header
from ncs_cluster_detector.sticks.xlink.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.events import HIGHEST_EVENT
from ncs_cluster_detector.sticks.xlink.events import HIGHEST_STREAM
from ncs_cluster_detector.sticks.xlink.events import Kind
from ncs_cluster_detector.sticks.xlink.events import KINDS
from ncs_cluster_detector.sticks.xlink.events import LONGEST_NAME
from ncs_cluster_detector.sticks.xlink.events import NACK
from ncs_cluster_detector.sticks.xlink.events import NO_STREAM
from ncs_cluster_detector.sticks.xlink.requests import ANSWER_SEC
from ncs_cluster_detector.sticks.xlink.requests import Request
from ncs_cluster_detector.sticks.xlink.requests import Requests
from ncs_cluster_detector.sticks.xlink.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.streams import Stream
from ncs_cluster_detector.sticks.xlink.streams import Streams

_ROOM_STEP = 64   # the size of a stream is rounded up to whole cache lines (XLink.c:1041)
_NEVER = float('inf')
# A header, and the data that it announces.
Message: TypeAlias = tuple[bytes] | tuple[bytes, memoryview]


class Session:
    """
    The link to one stick, from its boot to its reset.

    ``outgoing`` are the messages to write, in this order, each with its Request if it is one; the
    caller removes it, and calls the Request's ``on_written``.
    """

    def __init__(self, first_event: int = 1) -> None:
        """Begin with no streams, and number the requests from ``first_event`` on."""
        self.outgoing: deque[tuple[Request | None, Message]] = deque()
        self.streams = Streams()
        self._event = first_event
        self._requests = Requests()
        self._received = b''
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

    def write(self, stream: Stream, data: memoryview) -> Request:
        """Send a packet; ProtocolError if the stick has no room for it."""
        if not stream.takes(data.nbytes):
            raise ProtocolError(f'no room for {data.nbytes} bytes in stream {stream}')
        stream.held.append(data.nbytes)
        return self._ask(Kind.WRITE_REQ, stream, size=data.nbytes, data=data)

    def release(self, stream: Stream) -> Request:
        """Tell the stick that the oldest packet that was taken needs no room any more."""
        return self._ask(Kind.READ_REL_REQ, stream, size=stream.unreleased.popleft())

    def close(self, stream: Stream) -> Request:
        """Close a stream to the stick, which must have released all packets."""
        return self._ask(Kind.CLOSE_STREAM_REQ, stream)

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
        Take bytes from the stick.

        :return: the requests that are answered, and the streams with a new packet or more room.
        :raises ProtocolError: the stick has sent what it must not.
        """
        if self._received:
            data = self._received + data
        changed: list[Request | Stream] = []
        begin = 0
        while True:
            announced = self._announced
            end = begin + (HEADER_BYTES if announced is None else announced.size)
            if end > len(data):
                break
            if announced is not None:
                changed.append(self._take_packet(announced, data[begin:end]))
            else:
                header = Header.unpack(data, begin)
                self._requests.check_new(header)
                if header.kind == Kind.WRITE_REQ:
                    self._announced = self.streams.expecting(header)
                else:
                    changed.append(self._handle(header))
            begin = end
        self._received = data[begin:]
        is_complete = self._announced is None and not self._received
        self._rest_due = _NEVER if is_complete else now + ANSWER_SEC
        return changed

    def check(self, now: float) -> None:
        """Raise ProtocolError if an answer, or the rest of something, is overdue."""
        if now >= self._rest_due:
            what = 'an event' if self._announced is None else (
                f'a packet of {self._announced.size} bytes')
            raise ProtocolError(
                f'{what} broke off after {len(self._received)} bytes, for {ANSWER_SEC:g} s')
        self._requests.check(now)

    def extend_deadlines(self, delay_sec: float, now: float) -> None:
        """Move all deadlines, because nobody has read for that time; none of later requests."""
        self._rest_due += delay_sec
        self._requests.extend_deadlines(delay_sec, now)

    def _take_packet(self, header: Header, packet: bytes) -> Stream:
        stream = self.streams.known(header)
        stream.packets.append(packet)
        stream.unreleased.append(header.size)
        self._announced = None
        self._answer(header, stream=header.stream, size=header.size)
        return stream

    def _handle(self, header: Header) -> Request | Stream:
        kind = KINDS.get(header.kind)
        if kind is None:
            raise ProtocolError(f'an event of the unknown kind {header.kind}')
        if kind >= Kind.WRITE_RESP:
            return self._take_answer(kind, header)
        if kind is Kind.READ_REL_REQ:
            return self._free(header)
        if kind is Kind.CREATE_STREAM_REQ:
            return self._open(header)
        if kind is Kind.CLOSE_STREAM_REQ:
            return self._close(header)
        raise ProtocolError(f'the request {kind.name}, which only hosts make')

    def _take_answer(self, kind: Kind, header: Header) -> Request:
        request = self._requests.take(kind, header)
        if kind is Kind.CREATE_STREAM_RESP:
            request.stream = self._created_by_stick(header)
        elif kind is Kind.CLOSE_STREAM_RESP:
            assert request.stream is not None
            request.stream.room = 0
            self.streams.forget_closed(request.stream)
        request.is_answered = True
        return request

    def _created_by_stick(self, header: Header) -> Stream:
        """Return the stream that the stick takes from now on."""
        stream = self.streams.named(header.name)
        if not header.name or not header.size or header.stream > HIGHEST_STREAM or (
                stream is not None and stream.number != header.stream):
            raise ProtocolError(f'a stream {header.name!r} with the number {header.stream:#x} and '
                                f'room for {header.size} bytes')
        stream = stream or self.streams.add(header.name, header.stream)
        stream.room = stream.room or header.size
        self._reply = self._reply[0], stream.number, self._reply[2]   # see _answer
        return stream

    def _open(self, header: Header) -> Stream:
        """Let the stick send to a stream."""
        if not header.name or not header.size:
            raise ProtocolError(f'a request for a stream {header.name!r} of {header.size} bytes')
        stream = self.streams.named(header.name) or self.streams.add(header.name)
        stream.accepts = stream.accepts or header.size
        self._answer(header, name=header.name, stream=stream.number, size=header.size)
        return stream

    def _close(self, header: Header) -> Stream:
        """Let the stick stop sending to a stream, unless the host still has packets of it."""
        stream = self.streams.by_number.get(header.stream)
        if stream is None:
            stream = Stream(b'', header.stream)   # XLink.c:721 acknowledges this, too
        is_empty = not stream.unreleased
        self._answer(header, stream=header.stream, flags=ACK if is_empty else NACK)
        if is_empty:
            stream.accepts = 0
            self.streams.forget_closed(stream)
        return stream

    def _free(self, header: Header) -> Stream:
        """Take note that the stick has room again."""
        stream = self.streams.known(header)
        if not stream.held or header.size != stream.held[0]:
            raise ProtocolError(f'the release of a packet of {header.size} bytes in stream '
                                f'{stream}; expected {list(stream.held)[:1]}')
        stream.held.popleft()
        self._answer(header)
        return stream

    def _ask(self, kind: Kind, stream: Stream | None = None, name: bytes = b'',
             number: int = 0, size: int = 0, data: memoryview | None = None,
             within_sec: float = ANSWER_SEC) -> Request:
        assert len(name) <= LONGEST_NAME, name
        header = Header(self._event, kind, name, stream.number if stream else number, size)
        self._event = self._event % HIGHEST_EVENT + 1
        request = Request(kind, stream, within_sec)
        self._requests.add(header.event, request)
        self.outgoing.append(
            (request, (header.pack(),) if data is None else (header.pack(), data)))
        return request

    def _answer(self, header: Header, name: bytes | None = None, stream: int | None = None,
                size: int | None = None, flags: int = ACK) -> None:
        """
        Send an answer.

        Fields that mean nothing in it keep the value of the last answer that had them: the
        vendor's library makes all answers in one place in memory (XLinkDispatcher.c:478), and this
        is what sticks are used to get.
        """
        last_name, last_stream, last_size = self._reply
        self._reply = (last_name if name is None else name,
                       last_stream if stream is None else stream,
                       last_size if size is None else size)
        answer = Header(header.event, header.kind + Kind.WRITE_RESP, *self._reply, flags)
        self.outgoing.append((None, (answer.pack(),)))
