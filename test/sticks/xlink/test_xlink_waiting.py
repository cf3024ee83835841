# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Threads that wait for a stick: when their time is up, in invented time."""

import threading

from ncs_cluster_detector.sticks.xlink import waiting as waiting_module
from ncs_cluster_detector.sticks.xlink.waiting import TALKATIVE_SEC
from ncs_cluster_detector.sticks.xlink.waiting import Waiting
import pytest

SECONDS_OF_A_READ = 0.2


class Bench:
    """A Waiting whose reads take invented time, and bring what a test has planned."""

    def __init__(self, monkeypatch):
        """Begin at a time, with nothing planned."""
        self.now = 100.0
        self.plan = []     # of each read: (seconds, does it end late, what it changes)
        self.reads = 0
        self.has_come = False
        monkeypatch.setattr(waiting_module, 'monotonic', lambda: self.now)
        self.lock = threading.Lock()
        self.waiting = Waiting(self.lock, self._read)

    def wait(self, within_sec):
        """Wait until what is awaited has come; return whether it has, and how long it took."""
        began = self.now
        with self.lock:
            result = self.waiting.wait(
                None, lambda: self.has_come, within_sec, lambda: None)
        return result, pytest.approx(self.now - began)

    def _read(self, target, until):
        """Read; without a plan the stick is silent."""
        self.reads += 1
        silent_sec = min(until - self.now, SECONDS_OF_A_READ)
        seconds, kind = self.plan.pop(0) if self.plan else (silent_sec, 'silence')
        self.now += seconds
        if kind == 'silence':
            self.waiting.on_silence(self.now)
        elif kind == 'late':
            self.waiting.on_delay(seconds - silent_sec)
        self.has_come |= kind == 'it'


@pytest.fixture
def bench(monkeypatch):
    """Return a Bench."""
    return Bench(monkeypatch)


def test_a_silent_stick_is_given_up_at_the_end_of_the_time(bench):
    assert bench.wait(0.7) == (False, 0.7)


def test_what_has_come_ends_a_wait(bench):
    bench.plan = [(0.1, 'else'), (0.2, 'silence'), (0.05, 'it')]
    assert bench.wait(0.7) == (True, 0.35)


def test_what_came_in_time_is_taken_after_the_process_was_suspended(bench):
    bench.plan = [(0.1, 'else'), (5.0, 'late'), (0.0, 'else'), (0.0, 'else'), (0.0, 'it')]
    assert bench.wait(0.7) == (True, 5.1)


def test_the_time_goes_on_after_the_process_was_suspended(bench):
    bench.plan = [(5.2, 'late')]
    assert bench.wait(0.7) == (False, 5.7)


def test_a_late_end_is_no_silence(bench):
    """The last read ends behind the time; nobody knows what has come since it should have."""
    bench.plan = [(0.6, 'else'), (0.4, 'late'), (0.01, 'else'), (0.01, 'it')]
    assert bench.wait(0.7)[0]


def test_a_stick_that_goes_on_sending_something_else_is_given_up(bench):
    bench.plan = [(0.05, 'else')] * 1000
    assert bench.wait(0.7) == (False, pytest.approx(0.7 + TALKATIVE_SEC, abs=0.06))


def test_a_time_that_is_up_already_is_enough_for_one_look(bench):
    assert bench.wait(0.0)[0] is False
    bench.now += 1.0
    bench.plan = [(0.0, 'it')]
    assert bench.wait(0.0)[0] and bench.reads == 2


def test_who_follows_a_reader_waits_until_that_one_has_found_silence(bench):
    """One thread reads, another one's time is up first; the stick's answer is still unread."""
    enter, leave, entered = threading.Event(), threading.Event(), threading.Event()
    outcomes = []

    def read(target, until):
        bench.lock.release()
        entered.set()
        assert enter.wait(20.0) and leave.wait(20.0)
        bench.lock.acquire()
        bench.now += 1.0
        bench.has_come = True
        bench.waiting.notify_all()

    bench.waiting = Waiting(bench.lock, read)
    reader = threading.Thread(target=lambda: outcomes.append(bench.wait(50.0)[0]))
    reader.start()
    assert entered.wait(20.0)
    follower = threading.Thread(target=lambda: outcomes.append(bench.wait(0.0)[0]))
    follower.start()
    enter.set()
    leave.set()
    for thread in (reader, follower):
        thread.join(20.0)
    assert outcomes == [True, True]
