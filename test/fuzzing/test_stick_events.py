# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a booted stick may send: the session takes it, or says what is wrong with it."""

from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
import hypothesis
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
from ncs_cluster_detector.sticks.xlink.protocol.streams import MOST_PACKETS
from ncs_cluster_detector.sticks.xlink.protocol.streams import MOST_STREAMS
from ncs_cluster_detector.sticks.xlink.protocol.streams import ProtocolError
import pytest

# No result, and nothing else that a stick sends, is larger; results of detectors have kilobytes.
LONGEST_READ = 64 << 20
NAME = 'deviceMonitor'
ROOM = 256
THERMAL = bytes(104)
LATER = 1e6


class Host:
    """A session, and what a driver does with it step by step."""

    def __init__(self):
        """Begin with a new link."""
        self.session = Session()
        self.steps = (self.ping, self.create, self.write, self.write, self.release, self.write,
                      self.release, self.close, self.reset)
        self.now = 0.0

    def stream(self):
        """Return the stream that the steps use, if it is open."""
        return self.session.streams.named(MONITOR)

    def ping(self):
        """Ask whether the stick is there."""
        self.ask(self.session.ping)

    def create(self):
        """Open the stream."""
        self.ask(self.session.create, NAME, ROOM)

    def write(self):
        """Ask for the temperature."""
        stream = self.stream()
        if stream and stream.takes(12):
            self.ask(self.session.write, stream, memoryview(bytes(12)))

    def release(self):
        """Take a packet."""
        stream = self.stream()
        if stream and stream.packets:
            stream.packets.popleft()
            self.ask(self.session.release, stream)

    def close(self):
        """Close the stream."""
        stream = self.stream()
        if stream and stream.room and not stream.held:
            self.ask(self.session.close, stream)

    def reset(self):
        """Send the stick back to its ROM."""
        self.ask(self.session.reset)

    def ask(self, request, *arguments):
        """Make a request, which is written at once."""
        request(*arguments).on_written(self.now)

    def take(self, data, sizes):
        """Let bytes come in transfers of some sizes."""
        at = 0
        for size in [*sizes, max(len(data), 1)]:
            piece, at = data[at:at + size], at + size
            if piece:
                self.session.receive(piece, self.now)
                self.check_books()

    def check_books(self):
        """Check what must always hold."""
        session = self.session
        assert 0 < session.wanted() <= LONGEST_READ
        assert len(session.streams.by_number) <= MOST_STREAMS
        for number, stream in session.streams.by_number.items():
            assert stream.number == number
            assert stream.room or stream.accepts
            assert sum(stream.held) <= stream.room
            assert sum(stream.unreleased) <= stream.accepts
            assert len(stream.packets) <= len(stream.unreleased) <= MOST_PACKETS
            assert len(stream.held) <= MOST_PACKETS


def event(number, kind, name=b'', stream=0, size=0, flags=1, data=b''):
    """Return the bytes of an event and its data."""
    return Header(number, kind, name, stream, size, flags).pack() + data


def told(number, size=104, data=THERMAL):
    """Return what a good stick sends when it was asked for its temperature."""
    return (event(number, Kind.WRITE_RESP, size=12)
            + event(0x1000 + number, Kind.READ_REL_REQ, size=12)
            + event(0x2000 + number, Kind.WRITE_REQ, size=size, data=data))


MONITOR = NAME.encode()
GOOD = (
    event(1, Kind.PING_RESP) + event(0x1001, Kind.CREATE_STREAM_REQ, MONITOR, 0xdeaddead, ROOM),
    event(2, Kind.CREATE_STREAM_RESP, MONITOR, 0, ROOM), told(3), told(4),
    event(5, Kind.READ_REL_RESP), told(6), event(7, Kind.READ_REL_RESP),
    event(0x1010, Kind.CLOSE_STREAM_REQ, stream=0) + event(8, Kind.CLOSE_STREAM_RESP, stream=0),
    event(9, Kind.RESET_RESP))
SIZES = st.lists(st.integers(1, 120), max_size=6)


def talk(steps, sizes):
    """Hold a conversation; return the host."""
    host = Host()
    for does, data in zip(host.steps, steps):
        does()
        host.check_books()
        assert {len(message[0]) for _, message in host.session.outgoing} <= {HEADER_BYTES}
        host.session.outgoing.clear()
        host.take(data, sizes)
    return host


def test_a_good_stick_is_understood():
    host = talk(GOOD, [])
    stream = host.stream()
    assert len(stream.packets) == len(stream.unreleased) == 1   # so the stick may not close
    assert not stream.room and not stream.held
    assert host.session.wanted() == HEADER_BYTES
    host.session.check(LATER)


@door(60, sizes=SIZES)
def test_transfers_may_have_any_size(sizes):
    talk(GOOD, sizes).session.check(LATER)


STEP = st.integers(0, len(GOOD) - 1).flatmap(
    lambda at: st.tuples(st.just(at), spoilt([GOOD[at]])))


@door(400, step=STEP, sizes=SIZES)
def test_a_spoilt_step_is_taken_or_refused(step, sizes):
    at, data = step
    refused_or_goes_on([*GOOD[:at], data, *GOOD[at + 1:]], sizes)


NUMBERS = st.integers(-2**31, 2**31 - 1) | st.integers(-2, 20) | st.sampled_from(
    [0x1001, 0x1010, 2**31 - 1, -2**31])
UNSIGNED = st.integers(0, 2**32 - 1) | st.integers(0, 130) | st.sampled_from(
    [ROOM, ROOM + 1, 2**31, 2**32 - 1, 0xdeaddead, 0xffffff, 0x1000000])
NAMES = st.sampled_from([b'', MONITOR, b'graphMonitor', b'\xff' * 16, b'a\nb', b'\x1b[1m'])
EVENTS = st.builds(
    lambda number, kind, name, stream, size, flags, data: event(
        number, kind, name, stream, size, flags, data),
    NUMBERS, st.integers(-1, 16) | NUMBERS, NAMES, UNSIGNED, UNSIGNED,
    st.sampled_from([0, 1, 2, 3]) | UNSIGNED, st.just(b'') | st.binary(max_size=120))


@door(400, before=st.integers(0, len(GOOD)), events=st.lists(EVENTS, min_size=1, max_size=5),
      sizes=SIZES)
def test_any_events_are_taken_or_refused(before, events, sizes):
    refused_or_goes_on([*GOOD[:before], b''.join(events), *GOOD[before:]][:len(GOOD)], sizes)


@pytest.mark.parametrize('before, events', [
    # The stick opens a stream of all its memory, and announces so much.
    (1, event(1, Kind.CREATE_STREAM_REQ, b'x', 0, 2**32 - 1)
     + event(2, Kind.WRITE_REQ, b'', 1, 2**32 - 1)),
    # More packets than the stream has room for.
    (2, event(9, Kind.WRITE_REQ, b'', 0, 200, data=bytes(200)) * 2),
    # A packet that comes twice.
    (2, event(9, Kind.WRITE_REQ, b'', 0, 60, data=bytes(60)) * 2),
    # A name that a log cannot show.
    (1, event(1, Kind.CREATE_STREAM_REQ, b'a\nb', 0, 64) + event(2, Kind.WRITE_REQ, b'', 1, 65))])
def test_what_a_session_does_not_believe(before, events):
    with pytest.raises(ProtocolError) as caught:
        talk([*GOOD[:before], events], [])
    assert_one_line(str(caught.value))


@door(200, data=st.binary(max_size=400), sizes=SIZES)
def test_any_bytes_are_taken_or_refused(data, sizes):
    refused_or_goes_on([data], sizes)


def refused_or_goes_on(steps, sizes):
    """Check that a conversation goes on, or ends with an error that a log can show."""
    def play():
        session = talk(steps, sizes).session
        session.check(0.7)     # nothing is overdue so soon
        session.check(LATER)   # but what is missing now is
        return True
    if taken_or_refused(play, ProtocolError):
        hypothesis.event('goes on')


@pytest.mark.parametrize('written_at', [0.0, 9.0, 10.0])
def test_time_in_which_nobody_reads_does_not_count_but_no_request_gets_more_than_its_time(
        written_at):
    session = Session()
    session.ping(0.8).on_written(written_at)
    session.extend_deadlines(10.0, 10.0)
    session.check(10.79)
    with pytest.raises(ProtocolError, match='PING_REQ within 0.8 s'):
        session.check(10.81)
