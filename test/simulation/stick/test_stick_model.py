# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Throttling and the thermal readings of a simulated stick."""

import math
import statistics

from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.port_memory import PORT_BYTES
from ncs_cluster_detector.simulation.bus.shared_hub import SharedHub
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.stick.stick_model import SimulatedStick
import pytest


def make_stick(**properties):
    """Return a bus with one stick, and the stick."""
    bus = SimulatedBus(BusSpec(sticks=1, **properties))
    return bus, SimulatedStick(bus, bus.port('1.1'))


@pytest.mark.parametrize('ambient, level, pause_sec', [
    (84.99, 0, 0.0), (85.0, 1, 0.1), (94.99, 1, 0.1), (95.0, 2, 10.0)])
def test_the_guard_temperatures_throttle(ambient, level, pause_sec):
    _, stick = make_stick(ambient_celsius=ambient)
    assert stick.throttle_level() == level
    assert stick.throttle_pause_sec() == pause_sec


def test_a_temperature_that_is_set_throttles():
    bus, stick = make_stick()
    bus.inject('1.1', 'heat', '95')
    assert stick.throttle_level() == 2


def test_the_readings_are_25_and_newest_first():
    bus, stick = make_stick()
    assert stick.thermal_readings() == [30.0] + [0.0] * 24
    bus.inject('1.1', 'heat', '50')
    assert stick.thermal_readings() == [50.0, 30.0] + [0.0] * 23
    for _ in range(30):
        readings = stick.thermal_readings()
    assert readings == [50.0] * 25


def test_a_reading_that_is_not_a_number_does_not_throttle():
    bus, stick = make_stick(ambient_celsius=90.0)
    bus.inject('1.1', 'nan-temperature')
    assert math.isnan(stick.thermal_readings()[0])
    assert stick.throttle_level() == 1
    bus.inject('1.1', 'clear')
    assert stick.thermal_readings()[0] == 90.0


def test_a_sensor_that_tells_something_else_does_not_cool_the_stick():
    bus, stick = make_stick(ambient_celsius=90.0)
    bus.inject('1.1', 'tells-temperature', '-87.9')
    assert stick.thermal_readings() == [-87.9] * 25
    assert stick.throttle_level() == 1
    bus.inject('1.1', 'clear')
    assert stick.thermal_readings()[0] == 90.0


def test_a_sensor_gets_stuck_at_what_it_told():
    bus, stick = make_stick()
    bus.inject('1.1', 'heat', '50.4')
    bus.inject('1.1', 'coarse-temperature', '1')
    bus.inject('1.1', 'nan-temperature')
    bus.inject('1.1', 'stuck-temperature')
    bus.inject('1.1', 'heat', '80')
    assert all(map(math.isnan, stick.thermal_readings()))
    faults = bus.port('1.1').state().faults
    assert (faults.told_celsius, bus.port('1.1').celsius()) == (50.0, 80.0)
    bus.inject('1.1', 'clear')
    bus.inject('1.1', 'stuck-temperature')
    bus.inject('1.1', 'heat', '40')
    readings = stick.thermal_readings()
    assert readings == pytest.approx([80.0] * 25, abs=0.1)
    # Another process that opens the stick later is told the same.
    assert SimulatedStick(bus, bus.port('1.1')).thermal_readings() == readings


def test_a_sensor_gets_stuck_without_more_words():
    bus, _ = make_stick()
    with pytest.raises(ValueError, match="'stuck-temperature 5': expected the word alone"):
        bus.inject('1.1', 'stuck-temperature', '5')


def test_a_coarse_sensor_tells_steps():
    bus, stick = make_stick(ambient_celsius=43.3)
    bus.inject('1.1', 'coarse-temperature', '0.5')
    assert stick.thermal_readings()[0] == 43.5


class Measured:
    """A stick in a port with an invented clock, whose sensor is read as time goes on."""

    def __init__(self, *faults, **properties):
        """Make a stick with faults."""
        self.now = 1200.0
        bus = BusSpec(sticks=1, **properties)
        memory = BusMemory.create(2 * PORT_BYTES)
        clock = (lambda: self.now)
        self.port = StickPort(
            memory, 0, '1.1', bus, SharedHub(memory, PORT_BYTES, bus, clock), clock)
        self.port.set_up(plugged=True)
        self.stick = SimulatedStick(SimulatedBus(bus), self.port)
        for fault in faults:
            self.port.inject(*fault.split())

    def at(self, now):
        """Return what the sensor reports ``now`` seconds after the first time."""
        self.now = 1200.0 + now
        return self.stick.thermal_readings()[0]


def test_a_sensor_that_lags_follows():
    measured = Measured('lagging-temperature 10')
    assert measured.at(0.0) == 30.0
    measured.port.inject('heat', '40')
    assert measured.at(10.0) == pytest.approx(36.3212, abs=1e-4)
    assert measured.port.celsius() == 40.0


def test_a_sensor_tells_the_highest_of_the_last_seconds():
    measured = Measured('highest-temperature 4', 'heat 60')
    assert measured.at(0.0) == 60.0
    measured.port.inject('heat', '40')
    assert [measured.at(now) for now in (1.0, 4.0, 4.1)] == [60.0, 60.0, 40.0]


def test_a_sensor_with_noise_and_steps():
    measured = Measured('noisy-temperature 2', 'coarse-temperature 0.5', 'heat 50')
    told = [measured.at(float(second)) for second in range(1000)]
    assert statistics.mean(told) == pytest.approx(50.0, abs=0.25)
    assert statistics.stdev(told) == pytest.approx(2.0, rel=0.1)
    assert all(celsius % 0.5 == 0.0 for celsius in told)
    # The 25 of one call are those that were told before.
    assert measured.stick.thermal_readings()[1:] == told[:-25:-1]


def test_noise_is_another_after_every_opening_and_does_not_throttle():
    measured = Measured('noisy-temperature 10', 'heat 84.9')
    first = [measured.at(float(second)) for second in range(20)]
    assert max(first) > 90.0
    assert measured.stick.throttle_level() == 0
    measured.port.boot(1)
    measured.stick = SimulatedStick(SimulatedBus(BusSpec(sticks=1)), measured.port)
    assert [measured.at(20.0 + second) for second in range(20)] != first


def test_a_sensor_that_is_lost_tells_no_number_and_keeps_what_it_told():
    measured = Measured('lost-temperature 2 10', 'heat 50')
    told = [measured.at(float(second)) for second in range(12)]
    assert [second for second, celsius in enumerate(told) if math.isnan(celsius)] == [0, 1, 10, 11]
    readings = measured.stick.thermal_readings()
    assert all(map(math.isnan, readings[:3]))
    assert readings[3:11] == [50.0] * 8


@pytest.mark.parametrize('celsius, level', [
    ('69.9', 0), ('70', 1), ('79.9', 1), ('80', 2)])
def test_the_guard_temperatures_are_an_option_and_a_fault(celsius, level):
    optional = Measured(f'heat {celsius}', throttle_celsius=70.0)
    assert optional.stick.throttle_level() == level
    faulty = Measured(f'heat {celsius}', 'throttle 70')
    assert faulty.stick.throttle_level() == level
    faulty.port.inject('clear')
    assert faulty.stick.throttle_level() == 0


def test_a_die_throttles_though_its_case_is_cool():
    measured = Measured(ambient_celsius=80.0, rise_celsius=0.0, die_rise_celsius=8.0)
    measured.port.work(1200.0, 1300.0)
    measured.now += 3.0
    assert measured.stick.throttle_level() == 0
    measured.now += 3.0
    assert measured.stick.throttle_level() == 1
    assert measured.stick.throttle_pause_sec() == 0.1
