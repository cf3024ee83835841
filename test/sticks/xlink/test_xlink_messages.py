# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What passes between host and stick, byte by byte: events in pieces, and commands."""

import struct

from invented_stick import event
from invented_stick import unpacked
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink.commands import Capabilities
from ncs_cluster_detector.sticks.xlink.commands import Tensor
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import HEADER_BYTES
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.events import NO_STREAM
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
from ncs_cluster_detector.sticks.xlink.transfers import READ_SEC
import pytest
from traffic_bench import TrafficBench


def test_a_header_is_that_of_the_vendor():
    header = Header(0x01020304, Kind.CREATE_STREAM_REQ, b'graphMonitor', NO_STREAM, 4096, 1)
    assert header.pack() == (b'\x04\x03\x02\x01' b'\x03\0\0\0' b'graphMonitor\0\0\0\0'
                             b'\xad\xde\xad\xde' b'\0\x10\0\0' b'\x01\0\0\0')
    assert Header.unpack(b'??' + header.pack() + b'?', 2) == header


def test_numbers_and_kinds_of_headers_may_be_negative():
    assert Header.unpack(b'\xff' * 36) == Header(-1, -1, b'\xff' * 16, *[0xffffffff] * 3)


def test_a_name_ends_at_the_first_zero():
    assert Header.unpack(event(1, 2, b'abc\0def')).name == b'abc'


@pytest.mark.parametrize('kind', [kind for kind in Kind if kind < Kind.WRITE_RESP])
def test_each_request_has_an_answer(kind):
    assert Kind(kind + Kind.WRITE_RESP).name == kind.name.replace('REQ', 'RESP')


# ---- commands, as in ncCommPrivate.h

TENSOR = Tensor(1, 3, 300, 200, 360000, 6, 1800, 2)


def test_commands_to_the_device():
    assert commands.device_command(commands.THERMAL) == struct.pack('<III', 1, 0, 0)
    assert commands.device_command(commands.CAPABILITIES) == struct.pack('<III', 2, 0, 0)
    assert commands.device_command(commands.MEMORY_USED) == struct.pack('<III', 3, 0, 0)


@pytest.mark.parametrize('command, begin', [
    (commands.allocate_graph(5, 'graphBuffer5', 2),
     struct.pack('<iiI16sIII', 0, 0, 5, b'graphBuffer5', 0, 0, 2)),
    (commands.free_graph(5), struct.pack('<iiI', 0, 1, 5)),
    (commands.trigger(5, 6, 7), struct.pack('<iiI16sIII', 0, 2, 5, b'', 6, 7, 0)),
    (commands.graph_option(5, commands.DEBUG_INFO), struct.pack('<iiI', 2, 1, 5)),
    (commands.allocate_fifo(4, 'FIFO4', TENSOR, 2, False), struct.pack(
        '<ii16sII8IBB', 1, 0, b'FIFO4', 4, 2, 1, 3, 300, 200, 360000, 0, 0, 0, 0, 1)),
    (commands.allocate_fifo(5, 'FIFO5', TENSOR, 2, True), struct.pack(
        '<ii16sII8IBB', 1, 0, b'FIFO5', 5, 2, 1, 3, 300, 200, 360000, 0, 0, 0, 1, 0)),
    (commands.free_fifo(4), struct.pack('<ii16sI', 1, 1, b'', 4))])
def test_commands_to_the_graph_monitor_have_one_size(command, begin):
    assert command == begin.ljust(76, b'\0')


def test_the_answer_about_a_stick():
    assert Capabilities.unpack(struct.pack('<12I', *range(12))) == Capabilities(
        0, 1, 2, 3, 4, 5, (6, 7, 8, 9), (10, 11))


# ---- events in pieces

def sent(session):
    """Return the headers that wait to be sent, and what follows each; take them away."""
    messages = [(unpacked(message[0]), *message[1:]) for _, message in session.outgoing]
    session.outgoing.clear()
    return messages


TALK = (event(0x21, Kind.CREATE_STREAM_REQ, b'deviceMonitor', NO_STREAM, 128)
        + event(1, Kind.PING_RESP) + event(2, Kind.CREATE_STREAM_RESP, b'fifo', 1, 64)
        + event(0x22, Kind.WRITE_REQ, b'', 0, 9, data=b'nine byte')
        + event(0x23, Kind.WRITE_REQ, b'', 0, 0)
        + event(0x24, Kind.WRITE_REQ, b'', 0, 40, data=bytes(range(40)))
        + event(0x25, Kind.CLOSE_STREAM_REQ, b'', 0))


def heard(pieces):
    """Return all that a session makes of the pieces of TALK."""
    session = Session()
    session.ping()
    session.create('fifo', 64)
    changed = []
    for piece in pieces:
        assert session.wanted() > 0
        changed += session.receive(piece, 0.0)
    return ([str(one) for one in changed], sent(session), session.wanted(),
            [(stream.name, stream.number, stream.room, stream.accepts, stream.packets,
              stream.unreleased) for stream in session.streams.by_number.values()])


def test_events_may_come_in_pieces_of_any_size():
    whole = heard([TALK])
    assert len(whole[0]) == 7 and whole[2] == HEADER_BYTES
    for at in range(1, len(TALK)):
        assert heard([TALK[:at], TALK[at:]]) == whole
    for size in range(1, len(TALK)):
        assert heard([TALK[at:at + size] for at in range(0, len(TALK), size)]) == whole


def test_what_is_wanted_is_what_is_missing():
    session = Session()
    for at in range(len(TALK)):
        before = session.wanted()
        if at == HEADER_BYTES:
            session.ping()
            session.create('fifo', 64)
        session.receive(TALK[at:at + 1], 0.0)
        assert before > 1 and session.wanted() == before - 1 or before == 1
    assert session.wanted() == HEADER_BYTES


# ---- transfers

def test_a_header_and_its_data_are_transfers_of_their_own_in_pieces_of_whole_packets():
    bench = TrafficBench(packet_bytes=64)
    stream = bench.open('fifo', 270000)
    before = len(bench.stick.taken)
    data = bytes(range(256)) * 1025
    bench.write(stream, data)
    assert bench.stick.taken[before:] == [HEADER_BYTES, 70400, 70400, 70400, 51200]
    assert bench.stick.asked[-1][1] == data
    assert bench.traffic.close() and bench.stick.wrong == []


@pytest.mark.parametrize('packet_bytes, size, room', [
    (512, 512, 512), (512, 513, 1024), (64, 36, 64), (64, 104, 128), (512, 65536, 65536),
    (512, 10**6, 65536), (1024, 36, 1024)])
def test_a_read_has_room_for_whole_packets(packet_bytes, size, room):
    bench = TrafficBench(packet_bytes=packet_bytes)
    stream = bench.open('fifo', 10**6)
    before = len(bench.stick.reads)
    bench.stick.tell(b'fifo', bytes(size))
    assert bench.wait_for(stream, lambda: stream.packets)
    assert [read for read, _ in bench.stick.reads[before:]][:2] == [packet_bytes, room]
    assert {timeout_sec for _, timeout_sec in bench.stick.reads[before:]} == {READ_SEC}
    assert bench.traffic.close() and bench.stick.wrong == []
