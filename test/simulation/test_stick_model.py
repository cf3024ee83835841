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

"""Temperature and throttling of a simulated stick, with an invented clock."""

import math

from ncs_cluster_detector.simulation.bus import SimulatedBus
from ncs_cluster_detector.simulation.stick_model import SimulatedStick
import pytest


class Clock:
    """A clock that stands until it is set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """Return a clock for a stick."""
    return Clock()


def make_stick(clock, **properties):
    return SimulatedStick('1.1-ma2450', SimulatedBus(**properties), clock)


def test_a_resting_stick_stays_at_ambient(clock):
    stick = make_stick(clock)
    clock.now += 1e5
    assert stick.celsius() == 30.0


def test_a_busy_stick_warms_and_a_resting_one_has_cooled_whenever_it_is_read(clock):
    stick = make_stick(clock)
    stick.set_busy(True)
    clock.now += 120.0
    warm = 30.0 + 45.0 * (1 - math.exp(-1))
    assert stick.celsius() == pytest.approx(warm)
    stick.set_busy(False)
    clock.now += 240.0
    assert stick.celsius() == pytest.approx(30.0 + (warm - 30.0) * math.exp(-2))


@pytest.mark.parametrize('ambient, level, pause_sec', [
    (84.99, 0, 0.0), (85.0, 1, 0.1), (94.99, 1, 0.1), (95.0, 2, 10.0)])
def test_the_guard_temperatures_throttle(clock, ambient, level, pause_sec):
    stick = make_stick(clock, ambient_celsius=ambient)
    assert stick.throttle_level() == level
    assert stick.throttle_pause_sec() == pause_sec


def test_the_readings_are_25_and_newest_first(clock):
    stick = make_stick(clock)
    assert stick.thermal_readings() == [30.0] + [0.0] * 24
    stick.set_busy(True)
    clock.now += 10.0
    readings = stick.thermal_readings()
    assert readings[0] > readings[1] == 30.0
    assert readings[2:] == [0.0] * 23
    for _ in range(30):
        readings = stick.thermal_readings()
    assert len(readings) == 25
    assert min(readings) > 30.0
