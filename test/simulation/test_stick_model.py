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
