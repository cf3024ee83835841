# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The threads around an XLink session: who reads, who writes, and who is woken."""

import random
import threading
import time

from blocking_calls import in_less_than
from blocking_calls import in_thread
from blocking_calls import wait_until
from invented_clock import InventedClock
from invented_stick import event
from invented_stick import InventedStick
from invented_stick import NAME
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.xlink import traffic as traffic_module
from ncs_cluster_detector.sticks.xlink.events import Kind
from ncs_cluster_detector.sticks.xlink.session import Session
from ncs_cluster_detector.sticks.xlink.traffic import Traffic
import pytest

LONG_SEC = 20.0
ROUNDS, THREADS = 1000, 8


class Bench:
    """A Traffic with an InventedStick, which answers when it is told to."""

    def __init__(self, in_background=False):
        """Connect them."""
        self.stick = InventedStick()
        self.session = Session()
        self.traffic = Traffic(self.stick, self.session, NAME, in_background)

    def ping(self):
        """Ask whether the stick is there, without a limit in time that matters."""
        return self.traffic.post(lambda: self.session.ping(10 * LONG_SEC))

    def wait(self, request, within_sec=LONG_SEC):
        """Wait for an answer."""
        with self.traffic.lock:
            return self.traffic.wait(request, lambda: request.is_answered, within_sec)

    def await_reader(self, others=0):
        """Wait until a thread reads, and ``others`` wait for it."""
        wait_until(self.stick.is_read)
        wait_until(lambda: sum(
            count for _, count in list(self.traffic._waits.values())) == others)

    def answer(self, *numbers):
        """Answer pings; the numbers begin with 1."""
        self.stick.send(*(event(number, Kind.PING_RESP) for number in numbers))

    def open(self, name, size=4096):  # noqa: A003 - what it does
        """Open a stream in both directions; return it."""
        self.stick.open(name.encode(), size)
        request = self.traffic.post(lambda: self.session.create(name, size))
        assert self.wait(request)
        return request.stream


@pytest.fixture
def bench():
    """Return a Bench whose stick ignores pings."""
    bench = Bench()
    bench.stick.ignored.add(Kind.PING_REQ)
    yield bench
    bench.traffic.close()
    assert bench.stick.wrong == []


def test_one_thread_reads_for_all(bench):
    requests = [bench.ping() for _ in range(3)]
    calls = [in_thread(bench.wait, request) for request in requests]
    bench.await_reader(others=2)
    bench.answer(3, 1, 2)
    for thread, outcome in calls:
        thread.join(LONG_SEC)
        assert outcome == [True]
    assert not bench.stick.is_read()


def test_a_reader_that_has_what_it_wants_lets_another_one_go_on(bench):
    first, second = bench.ping(), bench.ping()
    reader, read = in_thread(bench.wait, first)
    bench.await_reader()
    waiter, waited = in_thread(bench.wait, second)
    bench.await_reader(others=1)
    bench.answer(1)
    reader.join(LONG_SEC)
    assert read == [True] and waited == []
    bench.await_reader(others=0)   # now the other one reads itself
    bench.answer(2)
    waiter.join(LONG_SEC)
    assert waited == [True]


def test_a_reader_whose_time_is_over_lets_another_one_go_on(bench):
    first, second = bench.ping(), bench.ping()
    reader, read = in_thread(bench.wait, first, 0.1)
    bench.await_reader()
    waiter, waited = in_thread(bench.wait, second)
    reader.join(LONG_SEC)
    assert read == [False]
    bench.answer(2)
    waiter.join(LONG_SEC)
    assert waited == [True]


def test_the_time_of_a_wait_is_kept(bench):
    request = bench.ping()
    began = time.monotonic()
    assert not bench.wait(request, 0.05)
    assert 0.05 <= time.monotonic() - began
    assert in_less_than(0.5, bench.wait, request, 0.05) is False
    bench.answer(1)
    assert bench.wait(request, LONG_SEC)
    assert bench.wait(request, 0.0)   # what holds needs no time


def test_no_lost_handover_hangs_anybody(bench):
    """Let many threads wait with random times, while the stick answers in any order."""
    chance = random.Random(1)
    waiting, asked = [], threading.Condition()
    outcomes = []

    def answer():
        answered = 0
        while answered < ROUNDS:
            with asked:
                asked.wait_for(lambda: waiting)
                number = waiting.pop(chance.randrange(len(waiting)))
            bench.answer(number)
            answered += 1

    def work(seed):
        patience = random.Random(seed)
        for _ in range(ROUNDS // THREADS):
            numbers = []

            def make():
                numbers.append(bench.session._event)
                return bench.session.ping(10 * LONG_SEC)
            request = bench.traffic.post(make)
            with asked:
                waiting.extend(numbers)
                asked.notify()
            for _ in range(3):
                bench.wait(request, patience.choice((0.0, 1e-5, 1e-4, 1e-3)))
            outcomes.append(bench.wait(request))

    threads = [in_thread(work, seed)[0] for seed in range(THREADS)]
    threads.append(in_thread(answer)[0])
    for thread in threads:
        thread.join(2 * LONG_SEC)
    assert not any(thread.is_alive() for thread in threads)
    assert outcomes == [True] * ROUNDS
    assert not bench.traffic._waits and not bench.session._requests._asked


@pytest.mark.parametrize('in_background', [False, True])
def test_a_failure_wakes_all(in_background):
    bench = Bench(in_background)
    bench.stick.ignored.add(Kind.PING_REQ)
    calls = [in_thread(bench.wait, bench.ping()) for _ in range(4)]
    bench.await_reader(others=4 if in_background else 3)
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
    bench.traffic.post(lambda: bench.session.ping(0.1))   # for which nobody waits
    with pytest.raises(StickLostError, match='no answer to PING_REQ within 0.1 s'):
        bench.wait(bench.ping())


def test_a_request_has_all_its_time_from_when_somebody_reads(monkeypatch):
    clock = InventedClock()
    monkeypatch.setattr(traffic_module, 'time', clock)
    bench = Bench()
    bench.stick.ignored.add(Kind.PING_REQ)
    requests = [bench.traffic.post(lambda: bench.session.ping(3)) for _ in range(2)]
    clock.wait(100)   # while nobody reads
    bench.answer(1)
    assert bench.wait(requests[0])
    clock.wait(2.9)
    bench.answer(2)
    assert bench.wait(requests[1])
    assert bench.traffic.close()


def test_nobody_waits_for_a_large_transfer_to_the_stick(bench):
    stream = bench.open('fifo')
    bench.stick.is_taking.clear()
    large = memoryview(bytes(4096))
    writer, written = in_thread(
        bench.traffic.write, lambda: bench.session.write(stream, large))
    wait_until(bench.stick.is_written)
    bench.stick.tell(b'fifo', b'a result')
    with bench.traffic.lock:   # a result is taken meanwhile
        assert bench.traffic.wait(stream, lambda: stream.packets, LONG_SEC)
    bench.traffic.post(lambda: bench.session.release(stream))   # and this does not wait, either
    assert bench.stick.is_written() and written == []
    before = len(bench.stick.asked)
    bench.stick.is_taking.set()
    writer.join(LONG_SEC)   # it also writes what was posted meanwhile, in the right order
    assert bench.stick.kinds()[before:] == [Kind.WRITE_REQ, Kind.WRITE_RESP, Kind.READ_REL_REQ]


def test_what_is_written_need_not_stay(bench):
    stream = bench.open('fifo')
    data = bytearray(b'before')
    bench.traffic.write(lambda: bench.session.write(stream, memoryview(data)))
    data[:] = b'behind'
    assert bench.stick.asked[-1][1] == b'before'


def test_a_callback_is_called_once_by_the_reader(bench):
    stream = bench.open('fifo')
    called = []
    bench.traffic.write(lambda: bench.session.write(stream, memoryview(b'x')),
                        lambda: called.append(threading.current_thread()))
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
        bench.traffic.post(lambda: bench.session.release(stream))
        bench.traffic.wake(stream)

    bench.traffic.on_change(stream, take)
    thread, outcome = in_thread(bench.wait, bench.ping())
    bench.await_reader()

    def both_are_there():
        with bench.traffic.lock:
            return bench.traffic.wait(stream, lambda: len(taken) == 2, LONG_SEC)
    waiter, waited = in_thread(both_are_there)
    bench.await_reader(others=1)
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
