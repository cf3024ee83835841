# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bringing a booted stick back to its ROM state: in invented time, and on simulated sticks."""

import struct

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
from ncs_cluster_detector.sticks import usb_reset
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.usb_reset import ask_to_reset
from ncs_cluster_detector.sticks.usb_reset import GRAPH_FILL_BYTES
from ncs_cluster_detector.sticks.usb_reset import RESET_REQUEST
from ncs_cluster_detector.sticks.usb_reset import TENSOR_FILL_BYTES
import pytest

BUDGET_SEC = 0.5
LONG_SEC = 10.0   # where it comes true: a busy machine needs longer than a stick
READ_SEC = 0.001   # what a transfer takes
# xLinkEventHeader_t: id, type, name of the stream, its number, size, flags.
EVENT = struct.Struct('<ii16sIII')
RESET_TYPE, ACKNOWLEDGED = 6, 1
INPUT_BYTES = 540000
LARGE_INPUT_BYTES = 800 * 800 * 3 * 2
PACKET_BYTES = 512


class Clock:
    """Invented time, in the place of the module ``time``."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0.0
        self.now += seconds


class Claim:
    """
    A claim of a stick that follows a script, in invented time; healthy if not told otherwise.

    It notes what is done: ``('read', what came of it)`` and ``('write', bytes)``.
    """

    def __init__(self, clock, events=0, swallow=0, is_mute=False, read_error=None,
                 write_sec=0.0, write_error=None, leaves_after_sec=0.05):
        """Have a number of events to tell, and take as many bytes for something else."""
        self.clock = clock
        self.done = []
        self._events = events
        self._swallow = swallow
        self._is_mute = is_mute
        self._read_error = read_error
        self._write_sec = write_sec
        self._write_error = write_error
        self._leaves_after_sec = leaves_after_sec
        self._gone_at = float('inf')
        self._received = b''

    def read(self, timeout_sec):
        """Return the size of an event, or fail."""
        assert timeout_sec > 0.0
        if self._read_error is not None:
            self._fail('read', self._read_error)
        if self._events:
            self._events -= 1
            self.clock.now += READ_SEC
            self._note('read', 36)
            return 36
        self.clock.now = min(self.clock.now + timeout_sec, max(self._gone_at, self.clock.now))
        self._fail('read', UsbGoneError if self.clock.now >= self._gone_at else UsbTimeoutError)

    def write(self, data, timeout_sec):
        """Take bytes, or fail."""
        assert timeout_sec > 0.0
        if self._write_error is not None:
            self.clock.now += timeout_sec if self._write_error is UsbTimeoutError else 0.0
            self._fail('write', self._write_error)
        if self.clock.now >= self._gone_at:
            self._fail('write', UsbGoneError)
        self.clock.now += self._write_sec
        self._note('write', bytes(data))
        taken = min(self._swallow, len(data))
        self._swallow -= taken
        self._received = (self._received + data[taken:])[:EVENT.size]   # the first is enough
        if not self._is_mute and len(self._received) >= EVENT.size:
            assert EVENT.unpack_from(self._received)[1] == RESET_TYPE
            self._gone_at = min(self._gone_at, self.clock.now + self._leaves_after_sec)

    def written(self):
        """Return what was written, call by call."""
        return [what for call, what in self.done if call == 'write' and type(what) is bytes]

    def _note(self, call, what):
        self.done.append((call, what))

    def _fail(self, call, kind):
        self._note(call, kind)
        raise kind('so the script')


@pytest.fixture
def clock(monkeypatch):
    """Return the Clock that the module goes by."""
    clock = Clock()
    monkeypatch.setattr(usb_reset, 'time', clock)
    return clock


def seconds_of(clock, claim, budget_sec=BUDGET_SEC, **arguments):
    """Return what asking a stick gives, and how long it took."""
    before = clock.now
    return ask_to_reset(claim, budget_sec, **arguments), clock.now - before


def test_the_request_is_what_the_vendor_s_library_sends():
    number, kind, stream_name, stream, size, flags = EVENT.unpack(RESET_REQUEST)
    assert len(RESET_REQUEST) == 36
    assert (kind, flags) == (RESET_TYPE, ACKNOWLEDGED)
    assert number > 0
    assert (stream_name, stream, size) == (bytes(16), 0, 0)


def test_a_stick_that_leaves_at_once_takes_a_fraction_of_the_budget(clock):
    claim = Claim(clock)
    has_left, seconds = seconds_of(clock, claim)
    assert has_left
    assert seconds == pytest.approx(usb_reset.SILENCE_SEC + 0.05)
    assert claim.done == [('read', UsbTimeoutError), ('write', RESET_REQUEST),
                          ('read', UsbGoneError)]


@pytest.mark.parametrize('events', [1, 6, 40])
def test_what_it_has_to_say_is_read_before_it_is_asked(clock, events):
    claim = Claim(clock, events=events)
    has_left, seconds = seconds_of(clock, claim)
    assert has_left
    assert claim.done[:events + 2] == [('read', 36)] * events + [
        ('read', UsbTimeoutError), ('write', RESET_REQUEST)]
    assert seconds < BUDGET_SEC / 2


def test_one_that_never_stops_talking_is_asked_all_the_same(clock):
    claim = Claim(clock, events=10 ** 9, is_mute=True)
    has_left, seconds = seconds_of(clock, claim)
    assert not has_left
    assert claim.written()[0] == RESET_REQUEST
    assert seconds == pytest.approx(BUDGET_SEC, abs=2 * READ_SEC)


@pytest.mark.parametrize('call', ['reads', 'writes'])
def test_one_that_leaves_by_itself_before_it_was_asked_has_left(clock, call):
    claim = Claim(clock, read_error=UsbGoneError if call == 'reads' else None,
                  write_error=UsbGoneError if call == 'writes' else None)
    assert ask_to_reset(claim, BUDGET_SEC)
    assert claim.written() == []


@pytest.mark.parametrize('budget_sec', [0.4, BUDGET_SEC, 0.8, 2.0])
def test_a_mute_one_is_given_up_when_the_budget_is_used_up(clock, budget_sec):
    claim = Claim(clock, is_mute=True)
    has_left, seconds = seconds_of(clock, claim, budget_sec)
    assert not has_left
    assert seconds == pytest.approx(budget_sec)
    assert sum(map(len, claim.written())) == len(RESET_REQUEST) + TENSOR_FILL_BYTES


@pytest.mark.parametrize('error', [UsbTimeoutError, UsbError])
def test_one_that_takes_nothing_is_given_up_at_once(clock, error):
    claim = Claim(clock, write_error=error)
    has_left, seconds = seconds_of(clock, claim)
    assert not has_left
    assert seconds <= usb_reset.SILENCE_SEC + usb_reset.WRITE_SEC + 1e-6
    assert claim.done == [('read', UsbTimeoutError), ('write', error)]


@pytest.mark.parametrize('budget_sec', [0.4, BUDGET_SEC, 0.8, 2.0])
def test_one_whose_reads_fail_for_ever_is_given_up_without_a_busy_loop(clock, budget_sec):
    claim = Claim(clock, is_mute=True, read_error=UsbError)
    has_left, seconds = seconds_of(clock, claim, budget_sec)
    assert not has_left
    # A pause between two attempts may begin within the budget and end after it.
    assert seconds == pytest.approx(budget_sec, abs=0.025)
    assert [call for call, _ in claim.done].count('read') <= budget_sec / 0.01
    assert claim.written()[0] == RESET_REQUEST


def test_reads_that_fail_while_a_stick_leaves_do_not_hide_that_it_has_left(clock):
    class Leaving(Claim):

        def read(self, timeout_sec):
            # Linux tells of an input or output error before it sees that the device is gone.
            if self.clock.now < self._gone_at < self.clock.now + 0.05:
                self._fail('read', UsbError)
            return super().read(timeout_sec)

    claim = Leaving(clock, leaves_after_sec=0.049)
    has_left, seconds = seconds_of(clock, claim)
    assert has_left
    assert ('read', UsbError) in claim.done
    assert seconds < BUDGET_SEC / 3


def test_reads_that_end_early_do_not_shorten_the_wait_for_its_leaving(clock):
    class Early(Claim):

        def read(self, timeout_sec):
            # libusb counts whole milliseconds, and from before.
            return super().read(min(timeout_sec, 0.04))

    claim = Early(clock, leaves_after_sec=0.25)
    has_left, seconds = seconds_of(clock, claim)
    assert has_left
    assert claim.written() == [RESET_REQUEST]   # no filler, for there was no need
    assert seconds == pytest.approx(0.25 + 0.04)


@pytest.mark.parametrize('budget_sec', [0.4, BUDGET_SEC, 0.8])
def test_one_that_takes_all_slowly_exceeds_the_budget_by_no_more_than_one_write(
        clock, budget_sec):
    claim = Claim(clock, is_mute=True, write_sec=0.09)
    has_left, seconds = seconds_of(clock, claim, budget_sec)
    assert not has_left
    assert seconds <= budget_sec + usb_reset.WRITE_SEC


@pytest.mark.parametrize('rest', [LARGE_INPUT_BYTES - PACKET_BYTES, INPUT_BYTES - PACKET_BYTES,
                                  200000, 65540, INPUT_BYTES % 512])
def test_one_that_waits_for_the_rest_of_a_tensor_leaves(clock, rest):
    claim = Claim(clock, swallow=rest, leaves_after_sec=0.0)
    has_left, seconds = seconds_of(clock, claim)
    assert has_left
    assert seconds < BUDGET_SEC
    # No more was written than it took to fill the rest.
    assert sum(map(len, claim.written()[1:-1])) < rest


def test_whatever_words_are_cut_off_in_front_of_the_filler_a_reset_request_follows(clock):
    claim = Claim(clock, is_mute=True)
    ask_to_reset(claim, BUDGET_SEC, 1 << 18)
    filler = b''.join(claim.written()[1:])
    assert len(filler) == 1 << 18
    kinds = {EVENT.unpack_from(filler, cut)[1]
             for cut in range(0, len(filler) - EVENT.size + 1, 4)}
    assert kinds == {RESET_TYPE}


@pytest.mark.parametrize('fill_bytes', [0, 1, 65535, 65536, 100000, TENSOR_FILL_BYTES,
                                        GRAPH_FILL_BYTES])
def test_no_more_is_written_than_was_said_and_nearly_as_much(clock, fill_bytes):
    claim = Claim(clock, is_mute=True)
    ask_to_reset(claim, BUDGET_SEC, fill_bytes)
    written = sum(map(len, claim.written()[1:]))
    assert fill_bytes - 65536 < written <= fill_bytes


def test_the_filler_is_enough_for_the_rest_of_a_tensor():
    assert TENSOR_FILL_BYTES >= LARGE_INPUT_BYTES + EVENT.size
    assert INPUT_BYTES % 4 == PACKET_BYTES % 4 == 0


class Simulated:
    """A simulated bus with a booted stick that nobody has."""

    def __init__(self, boot_ms=0.0):
        """Make it."""
        self.shared = SimulatedBus(BusSpec(sticks=2, boot_ms=boot_ms, leftovers='abort'))
        self.usb = UsbBus(SimulatedUsbBackend(self.shared))
        self.port = self.shared.port('1.1')
        self.port.boot(1)
        wait_until(self.look)
        assert self.look().booted

    def look(self):
        """Return the UsbStick as it is now, or None."""
        return {stick.port: stick for stick in self.usb.sticks()}.get('1.1')

    def ask(self, budget_sec=LONG_SEC, **arguments):
        """Claim the stick and ask it to reset itself."""
        claim = self.usb.claim(self.look())
        try:
            return ask_to_reset(claim, budget_sec, **arguments)
        finally:
            claim.close()


@pytest.mark.parametrize('unread', [0, 1, 2, 3, 6])
def test_a_stick_with_what_a_killed_process_left_is_in_rom_state_afterwards(unread):
    simulated = Simulated()
    simulated.port.note_unread(simulated.port.look()[1].enumeration, unread)
    assert simulated.port.unread() == unread
    assert simulated.ask()
    assert not simulated.look().booted
    assert simulated.port.unread() == 0


def test_it_has_left_the_bus_before_it_is_back_in_rom_state():
    simulated = Simulated(boot_ms=140.0)
    address = simulated.look().address
    assert simulated.ask()
    wait_until(simulated.look)
    assert not simulated.look().booted
    assert simulated.look().address != address


@pytest.mark.parametrize('rest', [28, 36, 352, 200000, INPUT_BYTES - PACKET_BYTES,
                                  LARGE_INPUT_BYTES - PACKET_BYTES])
def test_one_in_the_middle_of_a_tensor_is_in_rom_state_afterwards(rest):
    simulated = Simulated()
    simulated.shared.inject('1.1', 'swallow', str(rest))
    assert simulated.ask()
    assert not simulated.look().booted
    assert str(simulated.port.state().faults) == ''


# Such a stick takes the end of the request for another event, and what follows for one of unknown
# type, which ends its firmware. A tensor leaves no such rest, only a graph of an odd size may; the
# stick is dead then, and is reset by its USB port. The first request stays the vendor's own.
@pytest.mark.parametrize('rest', [4, 24])
def test_one_that_waits_for_less_than_a_request_is_dead_afterwards(rest):
    simulated = Simulated()
    simulated.shared.inject('1.1', 'swallow', str(rest))
    assert not simulated.ask(BUDGET_SEC)
    assert simulated.look().booted


def test_one_in_the_middle_of_a_graph_needs_more_to_fill():
    simulated = Simulated()
    simulated.shared.inject('1.1', 'swallow', str(20 << 20))
    assert not simulated.ask(BUDGET_SEC)
    assert simulated.look().booted
    assert simulated.ask(fill_bytes=GRAPH_FILL_BYTES)
    assert not simulated.look().booted


@pytest.mark.parametrize('word', ['mute', 'nak'])
def test_one_that_does_not_answer_stays_booted(word):
    simulated = Simulated()
    simulated.shared.inject('1.1', word)
    address = simulated.look().address
    assert not simulated.ask(BUDGET_SEC)
    assert simulated.look().booted
    assert simulated.look().address == address


def test_one_that_is_unplugged_meanwhile_has_left():
    simulated = Simulated()
    claim = simulated.usb.claim(simulated.look())
    simulated.shared.inject('1.1', 'unplug')
    assert ask_to_reset(claim, BUDGET_SEC)
    claim.close()
