# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A port in shared memory, with an invented clock: heat, boot, reset and another stick in it."""

import math

from ncs_cluster_detector.simulation.bus import SimulatedBus
from ncs_cluster_detector.simulation.bus_memory import BusMemory
from ncs_cluster_detector.simulation.port_memory import PORT_BYTES
from ncs_cluster_detector.simulation.stick_faults import CALLS
from ncs_cluster_detector.simulation.stick_faults import FAULTS
from ncs_cluster_detector.simulation.stick_faults import MOST_SWALLOWED
from ncs_cluster_detector.simulation.stick_port import StickPort
import pytest

BUS = SimulatedBus(sticks=1, boot_ms=200.0)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """Return the clock of the port."""
    return Clock()


@pytest.fixture
def port(clock):
    """Return a port with a stick."""
    port = StickPort(BusMemory.create(PORT_BYTES), 0, '1.1', BUS, clock)
    port.set_up(plugged=True)
    return port


def test_a_resting_stick_stays_at_ambient(port, clock):
    clock.now += 1e5
    assert port.celsius() == 30.0


def test_a_stick_warms_while_it_works_and_cools_afterwards(port, clock):
    port.work(clock.now, clock.now + 120.0)
    clock.now += 120.0
    warm = 30.0 + 45.0 * (1 - math.exp(-1))
    assert port.celsius() == pytest.approx(warm)
    clock.now += 240.0
    assert port.celsius() == pytest.approx(30.0 + (warm - 30.0) * math.exp(-2))


@pytest.mark.parametrize('end', [
    lambda port: port.rest(), lambda port: port.reset(1, 0.0),
    lambda port: port.inject('unplug')])
def test_work_can_end_early(port, clock, end):
    port.work(clock.now, clock.now + 1e6)
    clock.now += 120.0
    warm = port.celsius()
    end(port)
    clock.now += 120.0
    assert port.celsius() == pytest.approx(30.0 + (warm - 30.0) * math.exp(-1))


def test_an_unplugged_stick_cools(port, clock):
    port.inject('heat', '70')
    port.inject('clear')
    port.inject('unplug')
    clock.now += 120.0
    port.inject('plug')
    assert port.celsius() == pytest.approx(30.0 + 40.0 * math.exp(-1))


def test_a_temperature_that_is_set_stays_until_it_is_cleared(port, clock):
    port.inject('heat', '70')
    port.work(clock.now, clock.now + 60.0)
    clock.now += 120.0
    assert port.celsius() == 70.0
    port.inject('slow', '2')
    assert port.celsius() == 70.0
    port.inject('clear')
    assert port.celsius() == 70.0
    clock.now += 120.0
    assert port.celsius() == pytest.approx(30.0 + 40.0 * math.exp(-1))


def test_a_stick_is_away_while_it_boots_and_while_it_is_reset(port, clock):
    assert port.in_rom()
    port.boot(1)
    assert not port.is_visible()
    clock.now += 0.199
    assert not port.is_visible()
    clock.now += 0.002
    assert port.has_booted()
    assert not port.in_rom()
    assert port.name() == '1.1-'
    port.reset(1, 0.1)
    assert not port.is_visible()
    clock.now += 0.101
    assert port.in_rom()
    assert port.name() == '1.1-ma2450'


def test_what_concerns_the_former_stick_does_not_concern_the_next(port, clock):
    claim = port.claim(1)
    port.boot(1)
    port.inject('unplug')
    assert not port.is_visible()
    port.inject('plug')
    assert port.in_rom()
    assert not port.holds(1)
    assert port.holder() is None
    port.boot(1)
    assert port.in_rom()
    next_claim = port.claim(2)
    port.boot(2)
    port.reset(1, 0.0)
    clock.now += 1.0
    assert port.has_booted()
    claim.close()
    next_claim.close()


def test_a_stick_is_claimed_once(port):
    claim = port.claim(1)
    assert port.claim(1) is None
    claim.close()
    port.claim(1).close()


def test_unplug_and_plug_keep_the_faults_and_clear_keeps_the_port_empty(port):
    port.inject('fail-open')
    port.inject('unplug')
    port.inject('plug')
    assert port.state().faults.fail_open
    port.inject('unplug')
    port.inject('clear')
    state = port.state()
    assert (state.plugged, state.plugs, str(state.faults)) == (False, 2, '')


def test_a_port_has_room_for_the_text_of_all_faults(port):
    for word in FAULTS:
        name = word.split()[0]
        longest = {
            'hang': [('all',)], 'slow': [('1.234567891e-99',)], 'cooling': [('1.234567891e-99',)],
            'error': [(call, 'UNSUPPORTED_CONFIGURATION_FILE') for call in CALLS],
            'garbage': [('random',)], 'heat': [('-12.34567891',)],
            'tells-temperature': [('-123.4567891',)],
            'coarse-temperature': [('1.234567891e-99',)],
            'slow-boot': [('1.234567891e-99',)], 'swallow': [(str(MOST_SWALLOWED),)],
            'unplug': [], 'plug': [], 'clear': []}
        for arguments in longest.get(name, [()]):
            port.inject(name, *arguments)
    said = str(port.state().faults)
    assert all(word.split()[0] in said for word in FAULTS.keys() - {
        'unplug', 'plug', 'clear', 'stuck-temperature'})


def test_a_lost_boot_never_ends_and_a_slow_one_takes_its_time(port, clock):
    port.inject('slow-boot', '2')
    port.boot(1)
    clock.now += 1.9
    assert not port.is_visible()
    clock.now += 0.2
    assert port.has_booted()
    port.reset(1, 0.0)
    port.inject('fail-open')
    port.boot(1)
    clock.now += 1e9
    assert not port.is_visible()
    port.reset(1, 0.0)
    assert port.in_rom()


def test_what_the_stick_has_for_its_host_belongs_to_one_device(port):
    port.boot(1)
    _, link = port.look()
    port.note_unread(link.enumeration, 2)
    assert [port.take_unread() for _ in range(4)] == [2, 1, 0, 0]
    port.note_unread(link.enumeration, 2)
    port.drop_unread()
    assert port.unread() == 0
    port.note_unread(link.enumeration, 2)
    port.reset(1, 0.0)
    port.boot(1)
    assert port.unread() == 0
    # A process that does not know yet that its stick is gone.
    port.note_unread(link.enumeration, 5)
    assert port.unread() == 0


def test_a_usb_reset_is_for_one_booted_device(port, clock):
    _, rom = port.look()
    assert not port.reset_over_usb(rom.enumeration)
    port.boot(1)
    clock.now += 1.0
    assert not port.reset_over_usb(rom.enumeration)
    claim = port.claim(1)
    assert port.reset_over_usb(port.look()[1].enumeration)
    assert not port.is_visible()
    clock.now += BUS.close_sec + 0.01
    assert port.in_rom()
    # It is another device, which whoever had it does not have.
    assert not port.holds(1)
    port.claim(port.state().plugs).close()
    claim.close()


@pytest.mark.parametrize('words', [('plug',), ('unplug', 'now'), ('hang',), ('bend',)])
def test_a_refused_word_changes_nothing(port, words):
    before = port.state()
    with pytest.raises(ValueError):
        port.inject(*words)
    assert port.state() == before
