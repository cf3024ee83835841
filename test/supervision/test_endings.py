# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Workers that are to end, with invented handles and in invented time."""

from types import SimpleNamespace

from ncs_cluster_detector.supervision import endings as endings_module
from ncs_cluster_detector.supervision.endings import end_all
from ncs_cluster_detector.supervision.endings import Endings
from ncs_cluster_detector.supervision.endings import KILL_GRACE_SEC
from ncs_cluster_detector.supervision.endings import STOP_GRACE_SEC
from ncs_cluster_detector.wire.messages import Stop
import pytest

NEVER = float('inf')


class Handle:
    """A worker process of which it is known when it ends, and what was done to it."""

    def __init__(self, pid=1, is_killable=True):
        """Run."""
        self.pid = pid
        self.sentinel = self
        self.done = []
        self.is_over = False
        self._is_killable = is_killable

    def messages(self):
        """Take note of it."""
        self.done.append('read')
        return []

    def has_ended(self):
        """Tell whether it is gone."""
        return self.is_over

    def send(self, message):
        """Take note of it."""
        assert message == Stop()
        self.done.append('stop')

    def kill(self):
        """End, if that is possible."""
        self.done.append('kill')
        self.is_over = self.is_over or self._is_killable

    def close(self):
        """Take note of it; only what belongs to a process that is gone may be taken back."""
        assert self.is_over
        self.done.append('close')


class Record:
    """A record that counts how often its worker has ended."""

    def __init__(self):
        self.ends = 0

    def on_end(self):
        self.ends += 1


@pytest.fixture
def endings():
    return Endings()


def test_without_any_there_is_nothing_to_do(endings):
    endings.reap(1e9)
    assert (endings.handles(), endings.next_due()) == ([], NEVER)


def test_one_that_ends_by_itself_is_not_killed(endings):
    handle, record = Handle(), Record()
    endings.add(handle, record, 12.5)
    endings.reap(10.0)
    endings.reap(12.4)
    assert (handle.done, record.ends, endings.handles()) == ([], 0, [handle])
    handle.is_over = True
    endings.reap(12.45)
    assert (handle.done, record.ends) == (['close'], 1)
    assert (endings.handles(), endings.next_due()) == ([], NEVER)
    endings.reap(100.0)
    assert (handle.done, record.ends) == (['close'], 1)


@pytest.mark.parametrize('now', [12.5, 20.0])
def test_one_that_does_not_is_killed_at_its_time(endings, now):
    handle, record = Handle(), Record()
    endings.add(handle, record, 12.5)
    endings.reap(now)
    assert (handle.done, record.ends, endings.handles()) == (['kill', 'close'], 1, [])


def test_one_that_owes_an_answer_may_be_killed_at_once(endings):
    handle = Handle()
    endings.add(handle, Record(), 10.0)
    assert endings.next_due() == 10.0
    endings.reap(10.0)
    assert handle.done == ['kill', 'close']


def test_one_without_a_record_is_taken_back_all_the_same(endings):
    handle = Handle()
    handle.is_over = True
    endings.add(handle, None, 10.0)
    endings.reap(1.0)
    assert (handle.done, endings.handles()) == (['close'], [])


def test_what_one_still_says_is_read_and_dropped(endings):
    first, second = Handle(), Handle()
    endings.add(first, None, 10.0)
    endings.add(second, None, 10.0)
    assert not endings.reap(1.0, {first})
    assert (first.done, second.done) == (['read'], [])


def test_one_that_is_stuck_in_the_kernel_is_killed_once_and_its_record_waits(endings):
    handle, record = Handle(is_killable=False), Record()
    endings.add(handle, record, 12.5)
    for now in (12.5, 12.6, 1000.0, 1e9):
        endings.reap(now)
        assert (handle.done, record.ends) == (['kill'], 0)
        assert (endings.handles(), endings.next_due()) == ([handle], NEVER)
    handle.is_over = True   # its stick was unplugged
    endings.reap(1e9)
    assert (handle.done, record.ends, endings.handles()) == (['kill', 'close'], 1, [])


def test_the_next_due_is_the_first_that_was_not_killed(endings):
    stuck, *others = handles = [Handle(number, is_killable=number > 0) for number in range(3)]
    for handle, kill_at in zip(handles, (11.0, 13.0, 12.0)):
        endings.add(handle, Record(), kill_at)
    due = [endings.next_due()]
    for now in (11.0, 12.0, 13.0):
        endings.reap(now)
        due.append(endings.next_due())
    assert due == [11.0, 12.0, 13.0, NEVER]
    assert stuck.done == ['kill']
    assert all(handle.done == ['kill', 'close'] for handle in others)
    assert endings.handles() == [stuck]


def test_several_that_are_gone_at_once_are_all_taken_back(endings):
    pairs = [(Handle(number), Record()) for number in range(4)]
    for handle, record in pairs:
        endings.add(handle, record, 10.0)
    for handle, _ in pairs[:3]:
        handle.is_over = True
    endings.reap(1.0)
    assert [record.ends for _, record in pairs] == [1, 1, 1, 0]
    assert endings.handles() == [pairs[3][0]]


class World:
    """Invented time, and processes that end at known times after they were asked to."""

    def __init__(self, **ends_at):
        """Begin at second 100; ``ends_at`` is the handle's time to end by itself, by its name."""
        self.now = 100.0
        self.handles = {}
        self._ends_at = {}
        for pid, (name, (sec, is_killable)) in enumerate(ends_at.items()):
            self.handles[name] = Handle(pid, is_killable)
            self._ends_at[name] = self.now + sec
        self.warnings = []

    def wait(self, sentinels, timeout_sec):
        """Let time pass until one of the processes ends, or the time is over."""
        until = self.now + timeout_sec
        due = [(at, name) for name, at in self._ends_at.items()
               if self.handles[name] in sentinels and at <= until]
        self.now = max(self.now, min(due)[0]) if due else until
        for at, name in due:
            self.handles[name].is_over |= at <= self.now

    def warning(self, text):
        """Keep it."""
        self.warnings.append(text)

    def end_all(self, monkeypatch, *opening):
        """
        End all; return what :func:`end_all` does, and how long it took.

        :param opening: names of those that open their stick.
        """
        monkeypatch.setattr(endings_module, 'time', SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(endings_module, 'connection', SimpleNamespace(wait=self.wait))
        has_ended = end_all(list(self.handles.values()), self,
                            [self.handles[name] for name in opening])
        return has_ended, self.now - 100.0

    def done(self, name):
        """Return what was done to a process."""
        return self.handles[name].done


def test_all_that_follow_the_message_are_waited_for_and_none_is_killed(monkeypatch):
    world = World(quick=(0.1, True), slow=(2.0, True))
    world.handles['gone'] = Handle(7)
    world.handles['gone'].is_over = True
    assert world.end_all(monkeypatch) == (True, pytest.approx(2.0))
    assert all(world.done(name) == ['stop', 'close'] for name in world.handles)
    assert world.warnings == []


def test_those_that_do_not_are_killed_and_told_of(monkeypatch):
    world = World(quick=(0.1, True), hung=(NEVER, True))
    assert world.end_all(monkeypatch) == (True, pytest.approx(STOP_GRACE_SEC))
    assert world.done('quick') == ['stop', 'close']
    assert world.done('hung') == ['stop', 'kill', 'close']
    assert world.warnings == ['worker process 1 had to be killed']


def test_those_that_open_their_stick_have_the_same_time_and_are_killed_without_a_word(monkeypatch):
    world = World(quick=(2.0, True), booting=(NEVER, True), hung=(NEVER, True),
                  stuck=(NEVER, False))
    assert world.end_all(monkeypatch, 'quick', 'booting', 'stuck') == (
        False, pytest.approx(STOP_GRACE_SEC + KILL_GRACE_SEC))
    assert world.done('quick') == ['stop', 'close']
    assert world.done('booting') == world.done('hung') == ['stop', 'kill', 'close']
    assert world.warnings == [
        'worker process 2 had to be killed',
        'worker process 3 cannot be killed, it is stuck inside the kernel; unplug its stick']


def test_one_that_cannot_be_killed_is_left_and_its_remedy_named(monkeypatch):
    world = World(stuck=(NEVER, False), hung=(NEVER, True))
    assert world.end_all(monkeypatch) == (
        False, pytest.approx(STOP_GRACE_SEC + KILL_GRACE_SEC))
    assert world.done('stuck') == ['stop', 'kill']
    assert world.done('hung') == ['stop', 'kill', 'close']
    assert world.warnings == [
        'worker process 0 cannot be killed, it is stuck inside the kernel; unplug its stick',
        'worker process 1 had to be killed']


def test_without_workers_nothing_is_waited_for(monkeypatch):
    assert World().end_all(monkeypatch) == (True, 0.0)
