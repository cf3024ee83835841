# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick that is not back in time after its boot: another one in its place, or none."""

import signal
import time

from blocking_calls import in_less_than
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from other_process import OtherProcess
import pytest

A_WHILE_SEC = 0.2
# Times of a lost boot, 5 s of a real stick: scaled to 0.1 s.
BOOT_MS = 28.0
LOST_SEC = 0.1
WHERE = 'one.opened_stick().unit._stick.path'


def make_bus(**properties):
    return SimulatedBus(BusSpec(**{'sticks': 3, 'boot_ms': BOOT_MS, **properties}))


def leave_booted(bus, path):
    """Let a stick be booted and claimed by nobody after this process's first listing."""
    port = bus.port(path)
    port.boot(port.state().plugs)
    wait_until(port.has_booted)
    return port


def timed(process, line):
    before = time.monotonic()
    return process.do(line), time.monotonic() - before


def test_a_slow_boot_within_the_time_is_waited_for():
    bus = make_bus(boot_ms=280.0)   # lost after 1 s
    bus.inject('1.1', 'slow-boot', '0.5')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        answer, seconds = timed(other, 'one.open()')
        assert answer is None
        assert seconds >= 0.5
        assert other.do(WHERE) == '1.1'


def test_a_boot_is_never_quicker_than_that_of_the_bus():
    bus = make_bus(boot_ms=280.0)
    bus.inject('1.1', 'slow-boot', '0.01')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        answer, seconds = timed(other, 'one.open()')
        assert answer is None
        assert seconds >= 0.28


def test_another_stick_that_nobody_has_is_opened_under_the_name():
    bus = make_bus()
    bus.inject('1.1', 'slow-boot', '1')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        leave_booted(bus, '1.2')
        answer, seconds = timed(other, 'one.open()')
        assert answer is None
        assert seconds >= LOST_SEC
        assert other.do('one.get_option(NAME)') == '1.1-ma2450'
        assert other.do(WHERE) == '1.2'
        assert bus.port('1.2').holder() == other.pid
        assert bus.port('1.1').holder() is None
        # It reads the other one's temperature, and closes that one.
        bus.inject('1.2', 'heat', '77')
        assert other.do('one.get_option(THERMAL)[0].item()') == 77.0
        # The one that was meant comes late, and nobody has it.
        wait_until(bus.port('1.1').has_booted)
        assert other.do('one.close()') is None
        assert bus.port('1.2').name() == '1.2-ma2450'
        assert bus.port('1.1').name() == '1.1-'


def test_one_that_comes_after_sticks_in_rom_takes_longer():
    bus = make_bus()
    bus.inject('1.1', 'slow-boot', '2')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        leave_booted(bus, '1.3')
        answer, seconds = timed(other, 'one.open()')
        assert answer is None
        assert seconds >= 2 * LOST_SEC   # for its own name and for that of 1.2
        assert other.do(WHERE) == '1.3'


@pytest.mark.parametrize('sticks', [1, 2, 4])
def test_each_other_stick_in_rom_adds_as_much_to_a_lost_boot(sticks):
    bus = make_bus(sticks=sticks)
    bus.inject('1.1', 'fail-open')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        answer, seconds = timed(other, 'one.open()')
        assert answer == 'ERROR'
        assert seconds >= sticks * LOST_SEC
        most_sec = (sticks + 0.9) * LOST_SEC
        assert in_less_than(most_sec, other.do, 'one.open()') == 'ERROR'
        bus.inject('1.1', 'clear')
        assert other.do('one.open()') is None


def test_sticks_that_others_have_add_nothing_and_are_left_alone():
    bus = make_bus(sticks=2, boot_ms=140.0)   # lost after 0.5 s
    with OtherProcess(bus) as user, OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        assert user.do('devices()["1.2-ma2450"].open()') is None
        bus.inject('1.1', 'fail-open')
        answer, seconds = timed(other, 'one.open()')
        assert answer == 'ERROR'
        assert seconds >= 0.5
        assert in_less_than(0.95, other.do, 'one.open()') == 'ERROR'
        assert bus.port('1.2').holder() == user.pid


def test_a_lost_boot_locks_the_library_only_when_no_other_stick_is_taken():
    bus = make_bus(library_faults=True)
    bus.inject('1.1', 'fail-open')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        leave_booted(bus, '1.2')
        assert other.do('one.open()') is None
        assert other.do('names()') == ['1.1-ma2450', '1.2-', '1.3-ma2450']
    bus = make_bus(library_faults=True)
    bus.inject('1.1', 'slow-boot', '60')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        assert other.do('one.open()') == 'ERROR'
        other.begin('names()')
        assert not other.has_answered(A_WHILE_SEC)


def test_one_that_may_not_be_opened_after_its_boot_is_lost_too():
    bus = make_bus(sticks=1, boot_ms=140.0)
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        other.begin('one.open()')
        wait_until(lambda: not bus.port('1.1').is_visible())
        bus.inject('1.1', 'no-access')
        assert other.answer() == 'ERROR'
        assert other.do('names()') == ['1.1-']


@pytest.mark.parametrize('leftovers', ['abort', 'hang', 'mute'])
def test_what_the_other_stick_has_or_lacks_does_as_in_a_listing(leftovers):
    bus = make_bus(leftovers='none' if leftovers == 'mute' else leftovers)
    bus.inject('1.1', 'slow-boot', '60')
    with OtherProcess(bus) as other:
        other.do('one = devices()["1.1-ma2450"]')
        port = leave_booted(bus, '1.2')
        if leftovers == 'mute':
            bus.inject('1.2', 'mute')
        else:
            port.note_unread(port.look()[1].enumeration, 1)
        other.begin('one.open()')
        if leftovers == 'abort':
            assert other.wait() == -signal.SIGABRT
        else:
            assert not other.has_answered(LOST_SEC + 2 * A_WHILE_SEC)
