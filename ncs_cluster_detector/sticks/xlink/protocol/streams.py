# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What both sides of an XLink know: streams, and the requests that wait for their answers."""

from collections import deque

from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HIGHEST_STREAM
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind

# On each side; packets in one stream. Source: XLinkPublicDefines.h.
MOST_STREAMS = 32
MOST_PACKETS = 64
# More than any result has: a stick that announces nonsense is not waited for.
LARGEST_PACKET_BYTES = 64 << 20
_NEVER = float('inf')


class ProtocolError(Exception):
    """The stick has sent what it must not, or has not answered in time; the text says what."""


class Stream:
    """
    A stream in both directions, known to both sides by number and name.

    ``room`` is how many bytes the stick takes, 0 when it is not open to the stick; ``held`` are
    the sizes of the packets that the stick has not released. ``accepts`` is what the stick may
    send, 0 when it has not opened the stream; ``packets`` have come and are not taken;
    ``unreleased`` are the sizes of all that are not released.
    """

    def __init__(self, name: bytes, number: int) -> None:
        """Begin closed in both directions."""
        self.name = name
        self.number = number
        self.room = 0
        self.held: deque[int] = deque()
        self.accepts = 0
        self.packets: deque[bytes] = deque()
        self.unreleased: deque[int] = deque()

    def __str__(self) -> str:
        """Return the name for texts."""
        return self.name.decode('ascii', 'replace')

    def takes(self, size: int) -> bool:
        """Return whether the stick has room for a packet of ``size`` bytes."""
        return len(self.held) < MOST_PACKETS and sum(self.held) + size <= self.room


class Streams:
    """
    The streams that are open in some direction, ``by_number``.

    Whoever answers first numbers a new stream; both sides count them, whichever did it.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.by_number: dict[int, Stream] = {}
        self._created = 0

    def named(self, name: bytes) -> Stream | None:
        """Return a stream by its name, or None."""
        return next((stream for stream in self.by_number.values() if stream.name == name), None)

    def known(self, header: Header) -> Stream:
        """
        Return the stream that an event is about.

        :raises ProtocolError: there is none with its number.
        """
        stream = self.by_number.get(header.stream)
        if stream is None:
            raise ProtocolError(f'{Kind(header.kind).name} for the unknown stream '
                                f'{header.stream:#x}')
        return stream

    def expecting(self, header: Header) -> Header:
        """
        Return a header that announces a packet.

        :raises ProtocolError: there is no such stream, or no room for so much.
        """
        stream = self.by_number.get(header.stream) or self.known(header)
        room = min(stream.accepts - sum(stream.unreleased), LARGEST_PACKET_BYTES)
        if header.size > room or len(stream.unreleased) >= MOST_PACKETS:
            raise ProtocolError(
                f'a packet of {header.size} bytes in stream {stream}, which has '
                f'{len(stream.unreleased)} packets; expected at most {room} bytes')
        return header

    def add(self, name: bytes, number: int | None = None) -> Stream:
        """
        Return a new stream, with the number that the stick has given, or else the next one.

        :raises ProtocolError: there are too many, or the number is another's.
        """
        number = self._created if number is None else number
        if len(self.by_number) >= MOST_STREAMS or number in self.by_number:
            raise ProtocolError(f'a stream {name!r} with the number {number:#x} beside '
                                f'{len(self.by_number)} others')
        self._created += 1
        self.by_number[number] = Stream(name, number)
        return self.by_number[number]

    def created(self, header: Header) -> Stream:
        """
        Return the stream that the stick takes from now on, by its answer.

        :raises ProtocolError: it has no such name, number or size.
        """
        name = header.name
        stream = self.named(name)
        if not name or not header.size or header.stream > HIGHEST_STREAM or (
                stream is not None and stream.number != header.stream):
            raise ProtocolError(f'a stream {name!r} with the number {header.stream:#x} and '
                                f'room for {header.size} bytes')
        stream = stream or self.add(name, header.stream)
        stream.room = stream.room or header.size
        return stream

    def forget_closed(self, stream: Stream) -> None:
        """Forget a stream that is open in no direction any more."""
        if not stream.room and not stream.accepts:
            self.by_number.pop(stream.number, None)
