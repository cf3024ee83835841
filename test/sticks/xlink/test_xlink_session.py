# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The XLink session: what it sends, what it takes, and the books that it keeps."""

from invented_stick import event
from invented_stick import unpacked
from ncs_cluster_detector.sticks.xlink.protocol.events import ACK
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.events import HIGHEST_EVENT
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.events import NACK
from ncs_cluster_detector.sticks.xlink.protocol.events import NO_STREAM
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
import pytest


def sent(session):
    """Return the headers that wait to be sent, and what follows each; take them away."""
    messages = [(unpacked(message[0]), *message[1:]) for _, message in session.outgoing]
    session.outgoing.clear()
    return messages


def opened(session, name=b'fifo', room=256, accepts=256):
    """Let a stream be open in both directions, or in one if a size is 0; return it."""
    if accepts:
        session.receive(event(0x999, Kind.CREATE_STREAM_REQ, name, NO_STREAM, accepts), 0.0)
    if room:
        session.create(name.decode(), room)
        number = sent(session)[-1][0].event
        known = session.streams.named(name)
        session.receive(event(number, Kind.CREATE_STREAM_RESP, name,
                              known.number if known else 0, room), 0.0)
    sent(session)
    return session.streams.named(name)


def test_each_request_has_its_fields():
    session = Session(first_event=7)
    stream = opened(session)
    data = memoryview(b'twelve bytes')
    session.receive(event(2, Kind.WRITE_REQ, b'', 0, 5, data=b'hello'), 0.0)
    sent(session)
    made = [session.ping(), session.create('deviceMonitor', 2000), session.write(stream, data),
            session.release(stream), session.close(stream), session.reset()]
    assert [request for request, _ in session.outgoing] == made
    (ping,), (create,), (write, content), (release,), (close,), (reset,) = sent(session)
    assert ping == Header(8, Kind.PING_REQ, b'', 0, 0, ACK)
    assert create == Header(9, Kind.CREATE_STREAM_REQ, b'deviceMonitor', NO_STREAM, 2048, ACK)
    assert write == Header(10, Kind.WRITE_REQ, b'', 0, 12, ACK)
    assert content is data   # not copied
    assert release == Header(11, Kind.READ_REL_REQ, b'', 0, 5, ACK)
    assert close == Header(12, Kind.CLOSE_STREAM_REQ, b'', 0, 0, ACK)
    assert reset == Header(13, Kind.RESET_REQ, b'', 0, 0, ACK)


@pytest.mark.parametrize('size, room', [(1, 64), (64, 64), (65, 128), (2000, 2048), (4096, 4096)])
def test_the_size_of_a_stream_is_whole_cache_lines(size, room):
    session = Session()
    session.create('any', size)
    assert sent(session)[0][0].size == room


def test_the_numbers_of_requests_start_again_before_they_become_negative():
    session = Session(HIGHEST_EVENT)
    session.ping()
    session.ping()
    assert [header.event for header, in sent(session)] == [HIGHEST_EVENT, 1]


def test_an_answer_is_that_of_its_request_and_in_any_order():
    session = Session()
    requests = [session.ping(), session.reset(), session.ping()]
    assert session.receive(event(3, Kind.PING_RESP), 0.0) == [requests[2]]
    assert [request.is_answered for request in requests] == [False, False, True]
    assert session.receive(event(2, Kind.RESET_RESP) + event(1, Kind.PING_RESP), 0.0) == [
        requests[1], requests[0]]


def test_a_stream_is_open_to_the_stick_with_the_room_that_it_tells():
    session = Session()
    request = session.create('fifo', 100)
    assert session.receive(event(1, Kind.CREATE_STREAM_RESP, b'fifo', 5, 192), 0.0) == [request]
    stream = request.stream
    assert (stream.name, stream.number, stream.room, stream.accepts) == (b'fifo', 5, 192, 0)
    assert session.streams.by_number == {5: stream}
    assert str(stream) == 'fifo' and str(request) == 'CREATE_STREAM_REQ of stream fifo'


def test_a_second_opening_in_either_direction_changes_nothing():
    session = Session()
    stream = opened(session, room=256, accepts=512)
    session.create('fifo', 999)
    session.receive(event(2, Kind.CREATE_STREAM_RESP, b'fifo', 0, 1024), 0.0)
    session.receive(event(0x1234, Kind.CREATE_STREAM_REQ, b'fifo', 0, 2048), 0.0)
    assert (stream.room, stream.accepts) == (256, 512)


def test_the_room_of_the_stick_is_kept_in_the_books():
    session = Session()
    stream = opened(session, room=128)
    assert stream.takes(128) and not stream.takes(129)
    session.write(stream, memoryview(bytes(100)))
    session.write(stream, memoryview(bytes(28)))
    assert list(stream.held) == [100, 28] and not stream.takes(1) and stream.takes(0)
    assert session.receive(event(1, Kind.READ_REL_REQ, b'', 0, 100), 0.0) == [stream]
    assert list(stream.held) == [28] and stream.takes(100)


def test_a_stick_holds_at_most_64_packets():
    session = Session()
    stream = opened(session, room=4096)
    for _ in range(64):
        assert stream.takes(1)
        session.write(stream, memoryview(b'x'))
    assert not stream.takes(1)


def test_packets_wait_until_they_are_taken_and_are_unreleased_until_the_stick_is_told():
    session = Session()
    stream = opened(session, accepts=10)
    assert session.receive(event(1, Kind.WRITE_REQ, b'', 0, 6, data=b'abcdef')
                           + event(2, Kind.WRITE_REQ, b'', 0, 4, data=b'ghij'), 0.0) == [
        stream, stream]
    assert list(stream.packets) == [b'abcdef', b'ghij']
    assert stream.packets.popleft() == b'abcdef'
    assert list(stream.unreleased) == [6, 4]
    sent(session)
    assert str(session.release(stream)) == 'READ_REL_REQ of stream fifo'
    assert list(stream.unreleased) == [4]
    assert sent(session)[0][0].size == 6
    session.receive(event(3, Kind.WRITE_REQ, b'', 0, 6, data=b'klmnop'), 0.0)
    assert list(stream.packets) == [b'ghij', b'klmnop']


def test_an_empty_packet_is_a_packet():
    session = Session()
    stream = opened(session)
    session.receive(event(1, Kind.WRITE_REQ, b'', 0, 0), 0.0)
    assert list(stream.packets) == [b''] and session.wanted() == HEADER_BYTES


def test_each_answer_has_its_fields_and_those_of_the_last_one():
    session = Session()
    opened(session, b'first', room=0)
    session.create('other', 64)   # the stick gives it a number, which becomes the last one
    session.receive(event(1, Kind.CREATE_STREAM_RESP, b'other', 9, 64), 0.0)
    session.write(session.streams.named(b'other'), memoryview(b'abc'))
    sent(session)
    answers = []
    for request, data in (
            (Header(0x10, Kind.READ_REL_REQ, b'', 9, 3), b''),
            (Header(0x11, Kind.CREATE_STREAM_REQ, b'second', NO_STREAM, 100), b''),
            (Header(0x12, Kind.WRITE_REQ, b'ignored', 0, 7), b'seven b'),
            (Header(0x13, Kind.CLOSE_STREAM_REQ, b'ignored', 0, 5), b''),
            (Header(0x14, Kind.CLOSE_STREAM_REQ, b'', 2, 5), b''),
            (Header(0x15, Kind.CLOSE_STREAM_REQ, b'', 77, 5), b'')):
        session.receive(request.pack() + data, 0.0)
        (answer,), = sent(session)
        answers.append(answer)
    assert answers == [
        Header(0x10, Kind.READ_REL_RESP, b'first', 9, 256, ACK),
        Header(0x11, Kind.CREATE_STREAM_RESP, b'second', 2, 100, ACK),
        Header(0x12, Kind.WRITE_RESP, b'second', 0, 7, ACK),
        Header(0x13, Kind.CLOSE_STREAM_RESP, b'second', 0, 7, NACK),   # a packet is unreleased
        Header(0x14, Kind.CLOSE_STREAM_RESP, b'second', 2, 7, ACK),
        Header(0x15, Kind.CLOSE_STREAM_RESP, b'second', 77, 7, ACK)]


def test_messages_go_out_in_the_order_in_which_they_were_made():
    session = Session(first_event=50)
    stream = opened(session)
    session.write(stream, memoryview(b'a'))
    session.receive(event(1, Kind.WRITE_REQ, b'', 0, 1, data=b'x'), 0.0)
    session.release(stream)
    session.receive(event(2, Kind.READ_REL_REQ, b'', 0, 1), 0.0)
    session.ping()
    assert [request is None for request, _ in session.outgoing] == [
        False, True, False, True, False]
    assert [message[0].kind for message in sent(session)] == [
        Kind.WRITE_REQ, Kind.WRITE_RESP, Kind.READ_REL_REQ, Kind.READ_REL_RESP, Kind.PING_REQ]


def test_a_stream_is_forgotten_when_it_is_closed_in_both_directions():
    session = Session()
    stream = opened(session)
    request = session.close(stream)
    assert session.receive(event(2, Kind.CLOSE_STREAM_RESP, b'', 0), 0.0) == [request]
    assert not stream.room and not request.is_refused and session.streams.by_number
    session.receive(event(1, Kind.CLOSE_STREAM_REQ, b'', 0), 0.0)
    assert not stream.accepts and not session.streams.by_number


def test_the_stick_may_close_only_what_is_released():
    session = Session()
    stream = opened(session, room=0)
    session.receive(event(1, Kind.WRITE_REQ, b'', 0, 1, data=b'x'), 0.0)
    session.receive(event(2, Kind.CLOSE_STREAM_REQ, b'', 0), 0.0)
    assert stream.accepts
    session.release(stream)
    session.receive(event(3, Kind.CLOSE_STREAM_REQ, b'', 0), 0.0)
    assert not stream.accepts and not session.streams.by_number


@pytest.mark.parametrize('flags', [0, NACK, ACK | NACK])
def test_a_stick_may_refuse_to_close(flags):
    session = Session()
    request = session.close(opened(session))
    session.receive(event(2, Kind.CLOSE_STREAM_RESP, b'', 0, flags=flags), 0.0)
    assert request.is_answered and request.is_refused
