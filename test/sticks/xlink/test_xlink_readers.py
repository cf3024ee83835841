# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The threads that wait for a stick: the first one reads, and lets another one go on."""

import itertools
import random
import threading
import time

from blocking_calls import in_less_than
from blocking_calls import in_thread
from blocking_calls import wait_until
from invented_stick import event
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from traffic_bench import invent_time
from traffic_bench import LONG_SEC
from traffic_bench import TrafficBench

ROUNDS, THREADS = 1000, 8


def test_one_thread_reads_for_all(bench):
    requests = [bench.ping() for _ in range(3)]
    calls = [in_thread(bench.wait, request) for request in requests]
    bench.await_waits(3)
    bench.answer(3, 1, 2)
    for thread, outcome in calls:
        thread.join(LONG_SEC)
        assert outcome == [True]
    assert not bench.stick.is_read()


def test_a_reader_that_has_what_it_wants_lets_another_one_go_on(bench):
    first, second = bench.ping(), bench.ping()
    reader, read = in_thread(bench.wait, first)
    bench.await_waits(1)
    waiter, waited = in_thread(bench.wait, second)
    bench.await_waits(2)
    bench.answer(1)
    reader.join(LONG_SEC)
    assert read == [True] and waited == []
    bench.await_reader()   # now the other one reads itself
    bench.answer(2)
    waiter.join(LONG_SEC)
    assert waited == [True]


def test_who_waits_for_any_change_is_woken_by_each_while_another_one_reads(bench):
    reader, read = in_thread(bench.wait, bench.ping())
    bench.await_waits(1)
    waiter, waited = in_thread(
        bench.wait_for, None, lambda: bench.session.streams.named(b'new'), 5 * LONG_SEC)
    bench.await_waits(2)
    bench.stick.open(b'new', 64)
    waiter.join(LONG_SEC)
    assert waited == [True] and read == []
    bench.answer(1)
    reader.join(LONG_SEC)
    assert read == [True]


def test_a_reader_whose_time_is_over_lets_another_one_go_on(bench):
    first, second = bench.ping(), bench.ping()
    reader, read = in_thread(bench.wait, first, 0.1)
    bench.await_waits(1)
    waiter, waited = in_thread(bench.wait, second)
    reader.join(LONG_SEC)
    assert read == [False]
    bench.await_reader()
    bench.answer(2)
    waiter.join(LONG_SEC)
    assert waited == [True]


def test_a_thread_whose_time_is_over_when_it_should_go_on_lets_another_one(bench):
    first, second, third = (bench.ping() for _ in range(3))
    impatient_sec = 0.2

    def is_answered():   # has the lock until the wait of the next in the row is over
        while first.is_answered and time.monotonic() < begun_at + 1.2 * impatient_sec:
            time.sleep(0.01)
        return first.is_answered

    reader, has_read = in_thread(bench.wait_for, first, is_answered)
    bench.await_waits(1)
    impatient, has_given_up = in_thread(bench.wait, second, impatient_sec)
    bench.await_waits(2)
    begun_at = time.monotonic()
    patient, has_waited = in_thread(bench.wait, third)
    bench.await_waits(3)
    bench.answer(1)
    reader.join(LONG_SEC)
    impatient.join(LONG_SEC)
    assert has_read == [True] and has_given_up == [False]
    bench.await_reader()
    bench.answer(3)
    patient.join(LONG_SEC)
    assert has_waited == [True]


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
    numbers = itertools.count(1)
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
            with asked:   # so that the numbers are those of the pings
                request = bench.ping()
                waiting.append(next(numbers))
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


def test_a_request_has_all_its_time_from_when_somebody_reads(monkeypatch):
    clock = invent_time(monkeypatch)
    bench = TrafficBench()
    requests = [bench.post(bench.session.ping, 3) for _ in range(2)]
    clock.wait(100)   # while nobody reads
    bench.answer(1)
    assert bench.wait(requests[0])
    clock.wait(2.9)
    bench.answer(2)
    assert bench.wait(requests[1])
    assert bench.traffic.close()


def test_the_rest_of_a_message_has_all_its_time_from_when_somebody_reads(monkeypatch):
    clock = invent_time(monkeypatch)
    bench = TrafficBench()
    first, second = bench.ping(), bench.ping()
    answers = event(1, Kind.PING_RESP) + event(2, Kind.PING_RESP)
    bench.stick.send(answers[:50])
    assert bench.wait(first)
    clock.wait(100)   # while nobody reads
    reads = len(bench.stick.reads)
    thread, outcome = in_thread(bench.wait, second, 0.01)
    wait_until(lambda: len(bench.stick.reads) > reads + 2)   # in vain
    bench.stick.send(answers[50:])
    thread.join(LONG_SEC)
    assert outcome == [True]
    assert bench.traffic.close()
