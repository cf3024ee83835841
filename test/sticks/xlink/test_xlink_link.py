# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The link to a stick: streams and packets with deadlines."""

from blocking_calls import in_thread
from blocking_calls import wait_until
from invented_stick import event
from invented_stick import InventedStick
from invented_stick import NAME
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.xlink.link import Link
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
import pytest
from traffic_bench import LONG_SEC

SHORT_SEC = 0.05


@pytest.fixture
def stick():
    """Return an InventedStick that is closed at the end."""
    stick = InventedStick()
    yield stick
    assert stick.is_closed and stick.wrong == []


@pytest.fixture
def link(stick):
    """Return a Link to the stick, which is read while somebody waits."""
    link = Link(stick, NAME, in_background=False)
    yield link
    assert link.close()


def opened(link, stick, room=1024):
    """Return a stream that is open in both directions."""
    stick.open(b'fifo', 4096)
    link.await_streams(frozenset({'fifo'}), LONG_SEC)
    return link.open_stream('fifo', room)


def lost(call, *arguments):
    """Return the text of the StickLostError of a call."""
    with pytest.raises(StickLostError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_stick_answers_or_does_not(link, stick):
    assert link.answers(LONG_SEC)
    stick.ignored.add(Kind.PING_REQ)
    try:   # whoever finds it out first
        assert not link.answers(SHORT_SEC)
    except StickLostError as error:
        assert 'no answer to PING_REQ within 0.05 s' in str(error)


def test_the_first_number_is_a_random_one():
    numbers = set()
    for _ in range(4):
        stick = InventedStick()
        link = Link(stick, NAME, in_background=False)
        assert link.answers(LONG_SEC)
        numbers.add(stick.asked[0][0].event)
        assert link.close()
    assert len(numbers) > 1 and min(numbers) > 0


def test_streams_of_the_stick_are_awaited_for_a_time(link, stick):
    stick.open(b'one', 64)
    names = frozenset({'one', 'two'})
    link.await_streams(names, SHORT_SEC)   # the stick may go on without it
    assert link.failure is None
    thread, _ = in_thread(link.await_streams, names, LONG_SEC)
    wait_until(stick.is_read)
    stick.open(b'two', 64)
    thread.join(LONG_SEC)
    assert not thread.is_alive()


def test_a_packet_is_written_and_acknowledged(link, stick):
    stream = opened(link, stick)
    link.write(stream, b'a packet')
    link.write(stream, memoryview(bytearray(8)).cast('H'))   # of any items
    assert [data for _, data in stick.asked if data] == [b'a packet', bytes(8)]


def test_a_packet_waits_for_room(link, stick):
    stream = opened(link, stick, room=64)
    stick.is_keeping = True
    link.write(stream, bytes(60))
    assert link.levels(stream) == (60, 0)
    thread, outcome = in_thread(link.write, stream, b'five5', LONG_SEC)
    wait_until(stick.is_read)
    assert [len(data) for _, data in stick.asked if data] == [60]
    stick.release(b'fifo', 60)
    thread.join(LONG_SEC)
    assert outcome == [None] and stick.asked[-1][1] == b'five5'


def test_room_that_does_not_come_in_time_is_the_stick_s_error(link, stick):
    stream = opened(link, stick, room=64)
    assert 'room for 65 bytes in stream fifo has not come within 0.05 s' in lost(
        link.write, stream, bytes(65), SHORT_SEC)
    assert link.failure is not None


def test_an_acknowledgement_that_does_not_come_is_the_stick_s_error(link, stick):
    stream = opened(link, stick)
    stick.ignored.add(Kind.WRITE_REQ)
    assert f'stick {NAME}: no answer to WRITE_REQ of stream fifo within 0.' in lost(
        link.write, stream, b'x')


def test_a_packet_without_waiting(link, stick):
    stream = opened(link, stick)
    called = []
    link.post(stream, b'posted')
    link.write(stream, b'written', LONG_SEC, lambda: called.append(True))
    assert [data for _, data in stick.asked if data] == [b'posted', b'written']
    assert not called
    assert link.answers(LONG_SEC) and called == [True]


def test_packets_are_read_in_order_and_released_later(link, stick):
    stream = opened(link, stick)
    stick.tell(b'fifo', b'one')
    stick.tell(b'fifo', b'three')
    assert link.read(stream) == b'one'
    assert link.answers(LONG_SEC) and link.levels(stream) == (0, 8)
    link.release(stream)
    assert link.levels(stream) == (0, 5)
    assert link.take(stream) == b'three'
    assert link.levels(stream) == (0, 0)
    assert [header.size for header, _ in stick.asked if header.kind == Kind.READ_REL_REQ] == [3, 5]


def test_a_packet_that_does_not_come_is_the_stick_s_error(link, stick):
    stream = opened(link, stick)
    assert 'a packet in stream fifo has not come within 0.05 s; if' in lost(
        link.read, stream, SHORT_SEC)
    assert 'a packet in stream fifo has not come' in lost(link.answers, LONG_SEC)


def test_a_stream_is_closed_when_the_stick_has_released_all(link, stick):
    stream = opened(link, stick)
    stick.is_keeping = True
    link.write(stream, b'kept')
    thread, outcome = in_thread(link.close_stream, stream, LONG_SEC)
    wait_until(stick.is_read)
    assert Kind.CLOSE_STREAM_REQ not in stick.kinds()
    stick.release(b'fifo', 4)
    thread.join(LONG_SEC)
    assert outcome == [None] and stick.kinds()[-1] == Kind.CLOSE_STREAM_REQ


def test_a_stream_that_is_never_released_is_the_stick_s_error(link, stick):
    stream = opened(link, stick)
    stick.is_keeping = True
    link.write(stream, b'kept')
    assert 'the release of all packets in stream fifo has not come within 0.05 s' in lost(
        link.close_stream, stream, SHORT_SEC)


@pytest.mark.parametrize('answers', [True, False])
def test_a_stick_that_leaves_has_been_reset(link, stick, answers):
    if not answers:
        stick.ignored.add(Kind.RESET_REQ)
    thread, outcome = in_thread(link.reset)
    wait_until(lambda: Kind.RESET_REQ in stick.kinds())
    stick.leave()
    thread.join(LONG_SEC)
    assert outcome == [None]
    assert link.await_end(LONG_SEC)


def test_a_reset_without_an_answer_is_the_stick_s_error(link, stick):
    stick.ignored.add(Kind.RESET_REQ)
    assert 'no answer to RESET_REQ within 0.' in lost(link.reset)


def test_the_end_is_awaited_for_a_time(link, stick):
    assert not link.await_end(SHORT_SEC)
    stick.leave()
    assert link.await_end(LONG_SEC)
    assert 'it has left the USB bus' in str(link.failure)


def test_a_link_that_was_lost_takes_no_more(link, stick):
    stream = opened(link, stick)
    link.lose('it says nonsense')
    before = len(stick.asked)
    for call in (lambda: link.answers(LONG_SEC), lambda: link.write(stream, b'x'),
                 lambda: link.read(stream), lambda: link.release(stream), link.reset,
                 lambda: link.levels(stream), lambda: link.open_stream('new', 64),
                 lambda: link.post(stream, b'x')):
        assert lost(call).startswith(f'talking to stick {NAME}: it says nonsense; ')
    assert len(stick.asked) == before


def test_what_has_come_can_be_read_after_a_failure(link, stick):
    stream = opened(link, stick)
    stick.tell(b'fifo', b'the last result')
    stick.leave()
    assert link.await_end(LONG_SEC)
    assert link.read(stream) == b'the last result'


def test_a_link_in_the_background_answers_by_itself(stick):
    link = Link(stick, NAME, in_background=True)
    stick.open(b'fifo', 64)
    wait_until(lambda: Kind.CREATE_STREAM_RESP in stick.kinds())
    stick.send(event(0x77, Kind.RESET_REQ))
    wait_until(lambda: link.failure)
    assert 'the request RESET_REQ, which only hosts make' in str(link.failure)
    assert link.close()
