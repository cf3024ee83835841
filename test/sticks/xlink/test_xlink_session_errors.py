# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the XLink session refuses, what is overdue, and the numbers of streams."""

from invented_stick import event
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.events import HIGHEST_STREAM
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.events import KINDS
from ncs_cluster_detector.sticks.xlink.protocol.events import NACK
from ncs_cluster_detector.sticks.xlink.protocol.events import NO_STREAM
from ncs_cluster_detector.sticks.xlink.protocol.session import ANSWER_SEC
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
from ncs_cluster_detector.sticks.xlink.protocol.streams import LARGEST_PACKET_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.streams import MOST_PACKETS
from ncs_cluster_detector.sticks.xlink.protocol.streams import MOST_STREAMS
from ncs_cluster_detector.sticks.xlink.protocol.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.protocol.streams import Streams
import pytest


def talking():
    """
    Return a session that has asked for all once.

    The events are 1 PING, 2 CREATE of 'new', 3 WRITE, 4 CLOSE, 5 RESET. Stream 0, 'fifo', is open
    to the host for 100 bytes, and to the stick, which holds 12 bytes.
    """
    session = Session(first_event=0)
    session.receive(event(0x99, Kind.CREATE_STREAM_REQ, b'fifo', NO_STREAM, 100), 0.0)
    session.create('fifo', 64)
    session.receive(event(0, Kind.CREATE_STREAM_RESP, b'fifo', 0, 64), 0.0)
    stream = session.streams.named(b'fifo')
    session.ping()
    session.create('new', 64)
    session.write(stream, memoryview(bytes(12)))
    session.close(stream)
    session.reset()
    return session


@pytest.mark.parametrize('kind', [-1, 7, 15, 0x7fffffff])
def test_an_unknown_kind_is_refused(kind):
    assert kind not in KINDS
    with pytest.raises(ProtocolError, match=f'an event of the unknown kind {kind}$'):
        talking().receive(event(0x10, kind), 0.0)


@pytest.mark.parametrize('kind', [Kind.READ_REQ, Kind.PING_REQ, Kind.RESET_REQ])
def test_what_only_hosts_ask_for_is_refused(kind):
    with pytest.raises(ProtocolError, match=f'the request {kind.name}, which only hosts make'):
        talking().receive(event(0x10, kind), 0.0)


@pytest.mark.parametrize('number, kind', [
    (1, Kind.CREATE_STREAM_RESP), (2, Kind.PING_RESP), (3, Kind.READ_REL_RESP),
    (4, Kind.RESET_RESP), (6, Kind.PING_RESP), (-1, Kind.PING_RESP), (1, Kind.READ_RESP)])
def test_an_answer_that_was_not_asked_for_is_refused(number, kind):
    with pytest.raises(ProtocolError, match=f'the answer {kind.name} to a request that was not'):
        talking().receive(event(number, kind, b'new', 1, 64), 0.0)


def test_a_second_answer_is_refused():
    session = talking()
    session.receive(event(1, Kind.PING_RESP), 0.0)
    with pytest.raises(ProtocolError, match='the answer PING_RESP to a request'):
        session.receive(event(1, Kind.PING_RESP), 0.0)


@pytest.mark.parametrize('flags', [0, NACK, 3])
@pytest.mark.parametrize('number, kind', [
    (1, Kind.PING_RESP), (2, Kind.CREATE_STREAM_RESP), (3, Kind.WRITE_RESP), (5, Kind.RESET_RESP)])
def test_a_refusal_is_an_error(number, kind, flags):
    with pytest.raises(ProtocolError, match='a refusal of ' + kind.name.replace('RESP', 'REQ')):
        talking().receive(event(number, kind, b'new', 1, 64, flags), 0.0)


@pytest.mark.parametrize('name, number, size', [
    (b'', 1, 64), (b'new', 1, 0), (b'new', HIGHEST_STREAM + 1, 64), (b'new', NO_STREAM, 64),
    (b'new', 0, 64), (b'fifo', 1, 64)])
def test_a_stream_with_impossible_properties_is_refused(name, number, size):
    with pytest.raises(ProtocolError, match='a stream .* with the number'):
        talking().receive(event(2, Kind.CREATE_STREAM_RESP, name, number, size), 0.0)


@pytest.mark.parametrize('name, size', [(b'', 64), (b'new', 0)])
def test_a_request_for_an_impossible_stream_is_refused(name, size):
    with pytest.raises(ProtocolError, match=f'a request for a stream .* of {size} bytes'):
        talking().receive(event(0x10, Kind.CREATE_STREAM_REQ, name, NO_STREAM, size), 0.0)


@pytest.mark.parametrize('stream, size, message', [
    (1, 4, 'WRITE_REQ for the unknown stream 0x1'),
    (NO_STREAM, 4, 'WRITE_REQ for the unknown stream 0xdeaddead'),
    (0, 101, 'a packet of 101 bytes in stream fifo, which has 0 packets; expected at most 100')])
def test_a_packet_for_which_there_is_no_room_is_refused_at_its_header(stream, size, message):
    with pytest.raises(ProtocolError, match=message):
        talking().receive(event(0x10, Kind.WRITE_REQ, b'', stream, size), 0.0)


def test_the_room_for_packets_is_what_is_released():
    session = talking()
    session.receive(event(0x10, Kind.WRITE_REQ, b'', 0, 60, data=bytes(60)), 0.0)
    with pytest.raises(ProtocolError, match='has 1 packets; expected at most 40 bytes'):
        session.receive(event(0x11, Kind.WRITE_REQ, b'', 0, 41), 0.0)


def test_at_most_64_packets_are_unreleased():
    session = talking()
    for number in range(MOST_PACKETS):
        session.receive(event(0x10 + number, Kind.WRITE_REQ, b'', 0, 1, data=b'x'), 0.0)
    with pytest.raises(ProtocolError, match='which has 64 packets'):
        session.receive(event(0x99, Kind.WRITE_REQ, b'', 0, 1), 0.0)


def test_no_packet_is_larger_than_any_result():
    session = talking()
    session.receive(event(0x10, Kind.CREATE_STREAM_REQ, b'huge', NO_STREAM, 0xffffffff), 0.0)
    with pytest.raises(ProtocolError, match=f'expected at most {LARGEST_PACKET_BYTES} bytes'):
        session.receive(event(0x11, Kind.WRITE_REQ, b'', 1, LARGEST_PACKET_BYTES + 1), 0.0)


@pytest.mark.parametrize('stream, size, message', [
    (5, 12, 'READ_REL_REQ for the unknown stream 0x5'),
    (0, 11, r'the release of a packet of 11 bytes in stream fifo; expected one of \[12\]')])
def test_a_release_of_what_the_stick_does_not_have_is_refused(stream, size, message):
    with pytest.raises(ProtocolError, match=message):
        talking().receive(event(0x10, Kind.READ_REL_REQ, b'', stream, size), 0.0)


def test_a_packet_is_released_once():
    session = talking()
    session.receive(event(0x10, Kind.READ_REL_REQ, b'', 0, 12), 0.0)
    with pytest.raises(ProtocolError, match=r'the release of a packet .*expected one of \[\]'):
        session.receive(event(0x11, Kind.READ_REL_REQ, b'', 0, 12), 0.0)


def test_the_same_request_twice_is_refused():
    session = talking()
    packet = event(0x10, Kind.WRITE_REQ, b'', 0, 1, data=b'x')
    session.receive(packet, 0.0)
    with pytest.raises(ProtocolError, match='the event 0x10 twice'):
        session.receive(packet, 0.0)


# ---- what is overdue

def test_an_answer_is_due_from_when_its_request_was_written():
    session = Session()
    ping, other = session.ping(3.0), session.reset()
    session.check(1e9)   # a stick cannot answer what it has not got
    ping.on_written(10.0)
    other.on_written(12.5)
    session.check(12.99)
    with pytest.raises(ProtocolError, match='no answer to PING_REQ within 3 s'):
        session.check(13.0)
    session.receive(event(1, Kind.PING_RESP), 13.0)
    session.check(12.5 + ANSWER_SEC - 0.01)
    with pytest.raises(ProtocolError, match=f'no answer to RESET_REQ within {ANSWER_SEC:g} s'):
        session.check(12.5 + ANSWER_SEC)


@pytest.mark.parametrize('came, what', [
    (event(1, Kind.PING_RESP)[:20], f'36 bytes broke off after 20, for {ANSWER_SEC:g} s'),
    (event(9, Kind.WRITE_REQ, b'', 0, 50), '50 bytes broke off after 0'),
    (event(9, Kind.WRITE_REQ, b'', 0, 50, data=bytes(49)), '50 bytes broke off after 49')])
def test_the_rest_of_a_message_is_due(came, what):
    session = talking()
    session.receive(came, 5.0)
    session.check(5.0 + ANSWER_SEC - 0.01)
    with pytest.raises(ProtocolError, match=what):
        session.check(5.0 + ANSWER_SEC)


def test_each_piece_gives_the_rest_of_a_message_more_time():
    session = talking()
    whole = event(1, Kind.PING_RESP)
    for at in range(HEADER_BYTES - 1):
        session.receive(whole[at:at + 1], float(at))
        session.check(at + 0.5)
    session.receive(whole[-1:], 99.0)
    session.check(1e9)


def test_the_time_in_which_nobody_reads_does_not_count():
    session = talking()
    ping = session.ping()
    ping.on_written(1.0)
    session.receive(event(9, Kind.WRITE_REQ, b'', 0, 50), 1.0)
    session.extend_deadlines(10.0, 11.0)
    session.check(11.0 + ANSWER_SEC - 0.01)
    with pytest.raises(ProtocolError):
        session.check(11.0 + ANSWER_SEC)
    session.receive(bytes(50), 11.0)
    with pytest.raises(ProtocolError, match='no answer to PING_REQ'):
        session.check(11.0 + ANSWER_SEC)


# ---- the numbers of streams

def test_both_sides_count_all_streams():
    streams = Streams()
    assert streams.add(b'of the host').number == 0
    assert streams.add(b'of the stick', 1).number == 1
    assert streams.add(b'of the host again').number == 2
    assert streams.add(b'far', 77).number == 77
    assert streams.add(b'next').number == 4
    assert streams.named(b'far').number == 77 and streams.named(b'near') is None


def test_a_number_that_is_another_s_is_refused():
    streams = Streams()
    streams.add(b'a', 1)
    with pytest.raises(ProtocolError, match=r"a stream b'b' with the number 0x1 beside 1 others"):
        streams.add(b'b', 1)


def test_numbers_go_on_after_a_stream_is_forgotten():
    streams = Streams()
    first = streams.add(b'first')
    streams.forget_closed(first)
    assert streams.add(b'second').number == 1
    with pytest.raises(ProtocolError, match='READ_REL_REQ for the unknown stream 0x0'):
        streams.known(Header(1, Kind.READ_REL_REQ, stream=0))


def test_a_stream_that_is_open_in_one_direction_is_not_forgotten():
    streams = Streams()
    for name, direction in ((b'room', 'room'), (b'accepts', 'accepts')):
        stream = streams.add(name)
        setattr(stream, direction, 1)
        streams.forget_closed(stream)
        assert streams.named(name) is stream


def test_there_are_at_most_32_streams():
    session = Session()
    for number in range(MOST_STREAMS):
        session.receive(event(number, Kind.CREATE_STREAM_REQ, b'%d' % number, 0, 64), 0.0)
    with pytest.raises(ProtocolError, match='beside 32 others'):
        session.receive(event(99, Kind.CREATE_STREAM_REQ, b'more', 0, 64), 0.0)
