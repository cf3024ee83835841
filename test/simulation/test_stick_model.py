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

"""Throttling and the thermal readings of a simulated stick."""

import math

from ncs_cluster_detector.simulation.bus import SimulatedBus
from ncs_cluster_detector.simulation.shared_bus import SharedBus
from ncs_cluster_detector.simulation.stick_model import SimulatedStick
import pytest


def make_stick(**properties):
    """Return a bus with one stick, and the stick."""
    bus = SharedBus(SimulatedBus(sticks=1, **properties))
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
