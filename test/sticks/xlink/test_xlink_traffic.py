# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The threads around an XLink session: failures, who writes, and what is called back."""

import threading

from blocking_calls import in_thread
from blocking_calls import wait_until
from invented_stick import NAME
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.xlink import traffic as traffic_module
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
import pytest
from traffic_bench import LONG_SEC
from traffic_bench import TrafficBench


@pytest.mark.parametrize('in_background', [False, True])
def test_a_failure_wakes_all(in_background):
    bench = TrafficBench(in_background)
    calls = [in_thread(bench.wait, bench.ping()) for _ in range(4)]
    bench.await_waits(4)
    bench.stick.leave()
    for thread, outcome in calls:
        thread.join(LONG_SEC)
        assert type(outcome[0]) is StickLostError
        assert f'talking to stick {NAME}: it has left the USB bus (gone); if' in str(outcome[0])
    assert bench.traffic.has_left
    assert len({id(outcome[0]) for _, outcome in calls}) == 4   # each has a traceback of its own
    with pytest.raises(StickLostError, match='left the USB bus') as caught:
        bench.ping()
    assert caught.value.__cause__ is bench.traffic.failure
    assert bench.traffic.close() and bench.stick.is_closed and bench.stick.wrong == []


def test_each_failure_says_what_was_tried(bench):
    request = bench.ping()
    bench.stick.read_error = UsbError('[Errno 5] Input/Output Error')
    with pytest.raises(StickLostError, match=f'^talking to stick {NAME}: reading over USB: '
                       r'\[Errno 5\] Input/Output Error, expected success; if it happens again'):
        bench.wait(request)
    assert not bench.traffic.has_left


def test_a_failure_of_writing(bench):
    bench.stick.write_error = UsbTimeoutError('3 of 36 bytes written')
    request = bench.ping()   # whoever waits is told
    with pytest.raises(StickLostError, match='writing over USB: 3 of 36 bytes written, expected'):
        bench.wait(request)


def test_a_failure_of_the_session(bench):
    request = bench.ping()
    bench.answer(7)
    with pytest.raises(StickLostError, match='PING_RESP to a request that was not made; if'):
        bench.wait(request)


def test_the_first_failure_is_kept(bench):
    with bench.traffic.lock:
        assert bench.traffic.lose('first') is bench.traffic.lose('second')
    with pytest.raises(StickLostError, match=': first; '):
        bench.ping()


def test_an_answer_that_does_not_come_is_found_by_whoever_reads(bench):
    bench.post(bench.session.ping, 0.1)   # for which nobody waits
    with pytest.raises(StickLostError, match='no answer to PING_REQ within 0.1 s'):
        bench.wait(bench.ping())


def test_nobody_waits_for_a_large_transfer_to_the_stick(bench):
    stream = bench.open('fifo')
    bench.stick.is_taking.clear()
    writer, written = in_thread(bench.write, stream, bytes(4096))
    wait_until(bench.stick.is_written)
    bench.stick.tell(b'fifo', b'a result')
    assert bench.wait_for(stream, lambda: stream.packets)   # a result is taken meanwhile
    bench.post(bench.session.release, stream)   # and this does not wait, either
    assert bench.stick.is_written() and written == []
    before = len(bench.stick.asked)
    bench.stick.is_taking.set()
    writer.join(LONG_SEC)   # it also writes what was posted meanwhile, in the right order
    assert bench.stick.kinds()[before:] == [Kind.WRITE_REQ, Kind.WRITE_RESP, Kind.READ_REL_REQ]


def test_what_is_written_need_not_stay(bench):
    stream = bench.open('fifo')
    data = bytearray(b'before')
    bench.write(stream, data)
    data[:] = b'behind'
    assert bench.stick.asked[-1][1] == b'before'


def test_a_callback_is_called_once_by_the_reader(bench):
    stream = bench.open('fifo')
    called = []
    bench.write(stream, b'x', lambda: called.append(threading.current_thread()))
    assert called == []
    for _ in range(2):
        request = bench.ping()
        bench.answer(bench.stick.asked[-1][0].event)
        assert bench.wait(request)
    assert called == [threading.current_thread()]


def test_a_callback_of_a_stream_is_called_for_each_change_and_wakes_those_who_wait(bench):
    stream = bench.open('fifo')
    taken = []

    def take():
        taken.append(stream.packets.popleft())
        bench.post(bench.session.release, stream)
        bench.traffic.wake(stream)

    bench.traffic.on_change(stream, take)
    thread, outcome = in_thread(bench.wait, bench.ping())
    bench.await_waits(2)   # the first was for the stream
    waiter, waited = in_thread(bench.wait_for, stream, lambda: len(taken) == 2)
    bench.await_waits(3)
    bench.stick.tell(b'fifo', b'one')
    bench.stick.tell(b'fifo', b'two')
    waiter.join(LONG_SEC)
    assert waited == [True] and taken == [b'one', b'two'] and outcome == []
    bench.stick.leave()
    thread.join(LONG_SEC)


def test_a_callback_may_find_the_link_down(bench):
    stream = bench.open('fifo')

    def fail():
        with bench.traffic.lock:
            bench.traffic.lose('an answer to nothing')
        bench.ping()

    bench.traffic.on_change(stream, fail)
    bench.stick.tell(b'fifo', b'x')
    with pytest.raises(StickLostError, match=': an answer to nothing; '):
        bench.wait(bench.ping())


def test_a_close_ends_the_read_of_another_thread():
    bench = TrafficBench(in_background=True)
    wait_until(bench.stick.is_read)
    thread, outcome = in_thread(bench.wait, bench.ping())
    bench.await_waits(1)
    assert bench.traffic.close()
    assert bench.stick.is_closed and not bench.stick.is_read()
    thread.join(LONG_SEC)
    assert type(outcome[0]) is StickLostError and 'the link was closed' in str(outcome[0])
    assert bench.stick.wrong == []


def test_a_close_ends_in_time_while_a_call_does_not_return(monkeypatch):
    monkeypatch.setattr(traffic_module, 'WRITE_SEC', 0.05)
    bench = TrafficBench()
    stream = bench.open('fifo')
    bench.stick.is_taking.clear()
    thread, _ = in_thread(bench.write, stream, b'x')
    wait_until(bench.stick.is_written)
    assert not bench.traffic.close()
    assert not bench.stick.is_closed   # closing what a call uses would crash
    bench.stick.is_taking.set()
    thread.join(LONG_SEC)
    assert bench.stick.wrong == []


def test_a_close_ends_in_time_while_a_read_does_not_return(monkeypatch):
    monkeypatch.setattr(traffic_module, 'WRITE_SEC', 0.05)
    monkeypatch.setattr(traffic_module, 'READ_SEC', 0.05)
    bench = TrafficBench()
    thread, outcome = in_thread(bench.wait, bench.ping())
    wait_until(bench.stick.is_read)
    with bench.stick.changed:   # the read hangs
        bench.answer(1)
        assert not bench.traffic.close()
        assert not bench.stick.is_closed
    thread.join(LONG_SEC)
    assert outcome == [True]   # it has come
