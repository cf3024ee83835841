# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Watching the bus while a stick is opened, on an invented bus."""

import threading
from types import SimpleNamespace

from blocking_calls import LIMIT_SEC
from ncs_cluster_detector.sticks import opening_watch
from ncs_cluster_detector.sticks.opening_watch import OpeningWatch
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.stick import WrongStickError
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
import pytest

WANTED = '1.1-ma2450'
ROM = UsbStick('1.1', (1, 5), False)
BACK = UsbStick('1.1', (1, 6), True)         # the same, booted
OTHER = UsbStick('1.2', (1, 8), True)        # booted and in use, or left by somebody
OTHER_ROM = UsbStick('1.3', (1, 11), False)
MOVED = UsbStick('2.1', (2, 3), True)        # BACK on the other half of a USB 3 controller


class Bus:
    """What an UsbBus tells: the sticks that are there, and the addresses that are claimed."""

    def __init__(self, *sticks):
        """Have some sticks, which nobody has claimed."""
        self.now = sticks
        self.claimed = set()
        self.error = None        # of a listing
        self.claim_error = None

    def sticks(self):
        """Return them, or fail."""
        if self.error is not None:
            raise self.error
        return list(self.now)

    def is_claimed(self, stick):
        """Tell whether one is claimed, or fail."""
        if self.claim_error is not None:
            raise self.claim_error
        return stick.address in self.claimed

    def change(self, *sticks, claimed=()):
        """Have other sticks from now on."""
        self.now = sticks
        self.claimed = {stick.address for stick in claimed}


@pytest.fixture
def quick(monkeypatch):
    """Let the bus be looked at every millisecond."""
    monkeypatch.setattr(opening_watch, 'CHECK_SEC', 0.001)


def watch(bus, other_ports=('1.2', '1.3')):
    return OpeningWatch(bus, WANTED, other_ports)


def thread_of(watching, tell):
    """Let a watch tell of the boot; return the thread in which it looks, which may have ended."""
    threads = []

    class Thread(threading.Thread):

        def start(self):
            threads.append(self)
            super().start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening_watch, 'threading', SimpleNamespace(Thread=Thread))
        watching.report_boot(tell)
    (thread,) = threads
    return thread


def ended(thread):
    """Tell whether a thread ends."""
    thread.join(LIMIT_SEC)
    return not thread.is_alive()


def refusal(watching):
    """Return the text of a check that refuses."""
    with pytest.raises(WrongStickError) as caught:
        watching.check()
    assert isinstance(caught.value, StickOpenError)   # another attempt may succeed
    assert not caught.value.permanent
    return str(caught.value)


@pytest.mark.parametrize('there', [
    [ROM], [ROM, OTHER, OTHER_ROM], [OTHER, UsbStick('1.1.1', (1, 9), True), ROM]])
def test_the_right_stick_is_not_objected_to(there):
    bus = Bus(*there)
    watching = watch(bus)
    bus.change(BACK, *(stick for stick in there if stick is not ROM), claimed=[BACK])
    watching.check()


def test_one_that_was_booted_before_is_not_taken_for_it():
    bus = Bus(ROM, OTHER)   # of another program, which nobody here knows
    watching = watch(bus, other_ports=())
    bus.change(OTHER, claimed=[OTHER])
    assert 'booted are 1.2' in refusal(watching)


def test_one_that_comes_beside_the_right_one_changes_nothing():
    bus = Bus(ROM, OTHER_ROM)
    watching = watch(bus)
    bus.change(UsbStick('1.3', (1, 12), True), UsbStick('7', (1, 20), True), BACK, claimed=[BACK])
    watching.check()


@pytest.mark.parametrize('other_claimed', [True, False])
def test_another_one_opened_in_its_place_is_refused(other_claimed):
    bus = Bus(ROM, OTHER, OTHER_ROM)
    watching = watch(bus)
    bus.change(OTHER, OTHER_ROM, claimed=[OTHER] if other_claimed else [])
    text = refusal(watching)
    assert text.startswith(f'opening stick {WANTED}: ')
    assert '(booted are 1.2), expected port 1.1;' in text
    assert text.endswith('plug the stick into a hub with a power supply of its own')
    assert '\n' not in text


def test_the_one_that_was_asked_for_comes_late_and_nobody_has_it():
    bus = Bus(ROM, OTHER)
    watching = watch(bus)
    bus.change(OTHER, BACK, claimed=[OTHER])
    assert '(booted are 1.1, 1.2), expected port 1.1' in refusal(watching)


def test_no_stick_at_all_is_named_too():
    bus = Bus(ROM)
    watching = watch(bus)
    bus.change()
    assert '(booted are none), expected port 1.1' in refusal(watching)


def test_one_that_has_not_left_its_rom_state_is_not_the_one():
    bus = Bus(ROM, OTHER)
    watching = watch(bus)
    bus.change(ROM, OTHER, claimed=[ROM, OTHER])
    assert 'booted are 1.2' in refusal(watching)


def test_another_one_that_has_booted_meanwhile_at_its_own_port_is_refused():
    bus = Bus(ROM, OTHER_ROM)
    watching = watch(bus)
    booted = UsbStick('1.3', (1, 12), True)
    bus.change(booted, claimed=[booted])
    assert 'booted are 1.3' in refusal(watching)


def test_a_stick_at_another_port_path_after_its_boot_is_it():
    bus = Bus(ROM, OTHER)
    watching = watch(bus)
    bus.change(OTHER, MOVED, claimed=[MOVED])
    watching.check()


def test_but_not_at_the_port_of_another_stick():
    bus = Bus(ROM, OTHER)
    watching = watch(bus, other_ports=('1.2', '2.1'))
    bus.change(OTHER, MOVED, claimed=[MOVED])
    assert 'booted are 1.2, 2.1' in refusal(watching)


def test_nor_when_nobody_has_it_or_there_are_two_of_them():
    bus = Bus(ROM)
    watching = watch(bus)
    bus.change(MOVED)
    refusal(watching)
    second = UsbStick('2.2', (2, 4), True)
    bus.change(MOVED, second, claimed=[MOVED, second])
    refusal(watching)


@pytest.mark.parametrize('there', [[], [OTHER], [BACK], [UsbStick('1.1.1', (1, 9), False)]])
def test_a_bus_that_does_not_show_the_stick_in_rom_state_cannot_be_watched(there):
    with pytest.raises(UsbError, match='at port 1.1$'):
        watch(Bus(*there))


def test_nor_can_one_that_cannot_be_listed():
    bus = Bus(ROM)
    bus.error = UsbAccessError('forbidden')
    with pytest.raises(UsbAccessError):
        watch(bus)


@pytest.mark.parametrize('attribute, error', [
    ('error', UsbError('no')), ('claim_error', UsbAccessError('no')),
    ('claim_error', UsbGoneError('no'))])
def test_what_cannot_be_seen_is_not_objected_to(attribute, error):
    bus = Bus(ROM, OTHER)
    watching = watch(bus)
    bus.change(OTHER, BACK, claimed=[OTHER])
    setattr(bus, attribute, error)
    watching.check()
    setattr(bus, attribute, None)
    refusal(watching)


@pytest.mark.parametrize('back', [BACK, MOVED])
def test_the_boot_is_told_once_when_the_stick_is_back(quick, back):
    bus = Bus(ROM, OTHER)
    watching = watch(bus)
    told = []
    thread = thread_of(watching, lambda: told.append(bus.now))
    bus.change(OTHER)
    bus.change(OTHER, back, claimed=[back])
    assert ended(thread)
    assert told == [(OTHER, back)]
    watching.check()
    assert len(told) == 1


def test_it_is_told_while_the_library_has_not_returned(quick):
    bus = Bus(ROM)
    watching = watch(bus)
    told = threading.Event()
    thread_of(watching, told.set)
    bus.change(BACK)   # the library has not claimed it yet
    assert told.wait(LIMIT_SEC)


class SeenBus(Bus):
    """A bus that lets a test wait until it was looked at."""

    def __init__(self, *sticks):
        """Have some sticks."""
        super().__init__(*sticks)
        self.seen = threading.Semaphore(0)

    def sticks(self):
        """Return them, and let the test know."""
        found = super().sticks()
        self.seen.release()
        return found

    def wait_for_looks(self, count):
        """Wait until a look that is begun from now on has ended, and more."""
        while self.seen.acquire(blocking=False):
            pass
        for _ in range(count + 1):   # one may have been under way
            assert self.seen.acquire(timeout=LIMIT_SEC)


@pytest.mark.parametrize('there', [
    [ROM, OTHER], [OTHER], [OTHER, UsbStick('1.3', (1, 12), True)]])
def test_another_stick_is_not_told_of_nor_one_that_comes_after_the_check(quick, there):
    bus = SeenBus(ROM, OTHER, OTHER_ROM)
    watching = watch(bus)
    told = []
    thread = thread_of(watching, lambda: told.append(1))
    bus.change(*there)
    bus.wait_for_looks(3)
    assert told == []
    refusal(watching)
    bus.change(BACK, claimed=[BACK])
    assert ended(thread)
    assert told == []


def test_the_watch_ends_without_a_word_when_the_bus_cannot_be_listed(quick):
    bus = Bus(ROM)
    watching = watch(bus)
    bus.error = UsbError('no')
    told = []
    assert ended(thread_of(watching, lambda: told.append(1)))
    bus.error = None
    bus.change(BACK)
    assert told == []


def test_it_does_not_look_for_longer_than_the_library_looks_for_this_stick(quick, monkeypatch):
    monkeypatch.setattr(opening_watch, 'WATCH_SEC', 0.0)
    bus = Bus(ROM)
    watching = watch(bus)
    told = []
    bus.change(BACK)
    assert ended(thread_of(watching, lambda: told.append(1)))
    assert told == []


class SlowBus(Bus):
    """A bus whose listing for another thread than the test's takes until the test lets it end."""

    def __init__(self, *sticks):
        """Have some sticks."""
        super().__init__(*sticks)
        self.owner = threading.current_thread()
        self.is_looked_at, self.may_end = threading.Event(), threading.Event()

    def sticks(self):
        """Return the sticks."""
        if threading.current_thread() is not self.owner:
            self.is_looked_at.set()
            assert self.may_end.wait(LIMIT_SEC)
        return super().sticks()


# Else a look that is under way when the library returns lets the worker send BOOTED after OPENED.
def test_the_boot_is_never_told_after_the_check(quick):
    bus = SlowBus(ROM)
    watching = watch(bus)
    told = []
    thread = thread_of(watching, lambda: told.append(1))
    assert bus.is_looked_at.wait(LIMIT_SEC)
    bus.change(BACK, claimed=[BACK])
    # A check that waits for the look would be right too.
    timer = threading.Timer(0.5, bus.may_end.set)
    timer.start()
    watching.check()
    told_before = len(told)
    bus.may_end.set()
    assert ended(thread)
    timer.cancel()
    assert len(told) == told_before
