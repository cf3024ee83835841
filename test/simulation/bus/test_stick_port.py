# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A port in shared memory, with an invented clock: heat, boot, reset and another stick in it."""

import math

from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.port_memory import PORT_BYTES
from ncs_cluster_detector.simulation.bus.shared_hub import SharedHub
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.faults.fault_words import CALLS
from ncs_cluster_detector.simulation.faults.fault_words import FAULTS
from ncs_cluster_detector.simulation.faults.fault_words import MOST_SWALLOWED
import pytest

BUS = BusSpec(sticks=1, boot_ms=200.0)


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
    return make_port(clock, BUS)


def make_port(clock, bus):
    """Return a port with a stick on a bus with these properties, and a hub."""
    memory = BusMemory.create(2 * PORT_BYTES)
    hub = SharedHub(memory, PORT_BYTES, bus, clock)
    port = StickPort(memory, 0, '1.1', bus, hub, clock)
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
            'noisy-temperature': [('1.234567891e-99',)],
            'highest-temperature': [('1.234567891e-99',)],
            'lagging-temperature': [('1.234567891e-99',)],
            'lost-temperature': [('1.234567891e-99', '1.234567891e-98')],
            'die': [('1.234567891e-99', '1.234567891e-99')],
            'ambient': [('-12.34567891', '1.234567891e-99')], 'throttle': [('-12.34567891',)],
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


REAL = BusSpec(sticks=2, die_rise_celsius=8.0, hub_rise_celsius=10.0)


@pytest.fixture
def real_port(clock):
    """Return a port with a stick with a die on a hub, warm after 300 s of work that goes on."""
    port = make_port(clock, REAL)
    for _ in range(300):
        port.work(clock.now, clock.now + 1.0)
        clock.now += 1.0
    port.work(clock.now, clock.now + 3000.0)
    return port


def test_a_stick_on_a_hub_is_as_warm_as_case_die_and_hub_make_it(real_port):
    # 45 (1 - e^-2.5) + 8, and what half of a hub with rise 10 gives on after 300 s.
    assert real_port.celsius() == pytest.approx(30.0 + 41.3062 + 8.0 + 1.3118, abs=0.01)


@pytest.mark.parametrize('words', [
    'die 20 3', 'die 20', 'die 0', 'ambient 60', 'ambient 60 600', 'cooling 0.5', 'cooling 3',
    'throttle 70', 'noisy-temperature 3', 'highest-temperature 5', 'lagging-temperature 20',
    'lost-temperature 5 30', 'coarse-temperature 1', 'slow 3', 'stuck-temperature'])
def test_a_fault_changes_what_comes_and_not_what_is(real_port, clock, words):
    before = real_port.celsius()
    real_port.inject(*words.split())
    assert real_port.celsius() == pytest.approx(before, abs=1e-9)
    clock.now += 47.0
    before = real_port.celsius()
    real_port.inject('clear')
    assert real_port.celsius() == pytest.approx(before, abs=1e-9)


def test_after_a_temperature_that_was_set_a_stick_goes_on_from_there(real_port, clock):
    real_port.inject('heat', '70')
    clock.now += 10.0
    real_port.inject('clear')
    assert real_port.celsius() == pytest.approx(70.0, abs=1e-9)
    # The die stays as warm as its work makes it.
    real_port.rest()
    clock.now += 25.0
    assert real_port.celsius() < 63.0


def test_a_die_is_warm_within_seconds(port, clock):
    port.inject('die', '8', '2')
    port.work(clock.now, clock.now + 100.0)
    clock.now += 2.0
    # 63 % of the die's rise, and of the case the first sixtieth of its time.
    assert port.celsius() == pytest.approx(30.0 + 5.0570 + 45.0 * (1.0 - math.exp(-1 / 60)),
                                           abs=1e-4)
    port.rest()
    port.inject('die', '8')
    clock.now += REAL.die_time_constant_sec
    assert port.celsius() == pytest.approx(
        30.0 + 5.0570 * math.exp(-1) + 45.0 * (1.0 - math.exp(-1 / 60)) * math.exp(-5 / 120),
        abs=1e-4)


def test_the_sun_comes_out_and_goes(port, clock):
    port.inject('ambient', '45', '600')
    clock.now += 300.0
    # Other faults are nothing to it, nor is another stick.
    port.inject('throttle', '70')
    port.inject('unplug')
    port.inject('plug')
    clock.now += 300.0
    assert port.celsius() == pytest.approx(42.0202, abs=1e-4)
    clock.now += 1200.0
    assert port.celsius() == pytest.approx(45.0, abs=1e-3)
    port.inject('clear')
    clock.now += 120.0
    assert port.celsius() == pytest.approx(30.0 + 15.0 * math.exp(-1), abs=1e-3)


def test_the_sun_goes_on_from_where_it_is(port, clock):
    port.inject('ambient', '50', '600')
    clock.now += 300.0
    # It is at 40 now, and stays there.
    port.inject('ambient', '40', '0')
    clock.now += 1e5
    assert port.celsius() == pytest.approx(40.0)
    port.inject('ambient', '50', '1200')
    clock.now += 600.0
    port.inject('ambient', '50', '600')
    clock.now += 600.0
    # All the time as steep: one degree behind.
    assert port.celsius() == pytest.approx(49.0, abs=0.01)
    clock.now += 600.0
    assert port.celsius() == pytest.approx(50.0, abs=0.01)


def test_what_is_asked_and_done_meanwhile_does_not_change_a_temperature(clock):
    asked, alone = make_port(clock, REAL), make_port(clock, REAL)
    for port in (asked, alone):
        port.inject('ambient', '50', '200')
        port.work(clock.now, clock.now + 150.0)
    for second in range(300):
        clock.now += 1.0
        asked.celsius()
        asked.inject('throttle', str(70 + second % 2))
    assert asked.celsius() == pytest.approx(alone.celsius(), abs=1e-9)
