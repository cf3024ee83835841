# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sensors that lie are noticed, and those that do not are believed, in invented time."""

import math
import random

from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.sensor.sensor_fault import AGREES_SEC
from ncs_cluster_detector.policy.sensor.sensor_fault import FORGIVEN_SEC
from ncs_cluster_detector.policy.sensor.sensor_fault import Known
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.sensor.sensor_watch import SensorWatch
import pytest

SLOW, FAST = ThermalModel(30.0, 45.0, 120.0), ThermalModel(30.0, 45.0, 20.0)
ALWAYS, SHORT_TURNS, TURNS, LONG_TURNS = (1, 0), (2, 3), (10, 15), (30, 45)


class Stick:
    """A die in a case, with a sensor in the die, and the watch over it."""

    def __init__(self, constants=SLOW, known=Known.OWN, die_share=0.0, celsius=None):
        self.constants, self.known = constants, known
        self.ambient = constants.idle_celsius
        self.case = self.ambient if celsius is None else celsius
        self.die, self.die_share = 0.0, die_share
        self.now, self.work_sec, self.faults = 100.0, 0.0, []
        self.watch = SensorWatch()

    @property
    def celsius(self):
        return self.case + self.die

    def read(self, celsius):
        fault = self.watch.observe(celsius, self.now, self.work_sec, self.constants, self.known)
        self.faults.append(fault)
        return fault

    def work(self, share, seconds=1.0):
        rise = share * self.constants.rise_celsius
        case, die = self.ambient + rise * (1.0 - self.die_share), rise * self.die_share
        self.case = case + (self.case - case) * math.exp(
            -seconds / self.constants.time_constant_sec)
        self.die = die + (self.die - die) * math.exp(-seconds / 4.0)
        self.now += seconds
        self.work_sec += share * seconds

    def go(self, seconds, turns=ALWAYS, tell=None, speed=1.0):
        """Work in turns and read every second, until a reading is not believed."""
        on_sec, off_sec = turns
        for second in range(int(seconds)):
            if self.read(tell(self) if tell else self.celsius):
                break
            self.work(speed if second % (on_sec + off_sec) < on_sec else 0.0)
        return self.faults[-1] if self.faults else None


def stuck_at(celsius, noise=0.0):
    chance = random.Random(1)
    return lambda stick: celsius + chance.uniform(-noise, noise)


@pytest.mark.parametrize('known', [Known.OWN, Known.OTHERS])
@pytest.mark.parametrize('noise', [0.0, 0.1])
@pytest.mark.parametrize('constants, turns', [
    (SLOW, ALWAYS), (SLOW, TURNS), (SLOW, LONG_TURNS), (FAST, ALWAYS), (FAST, SHORT_TURNS),
    (FAST, TURNS)])
@pytest.mark.parametrize('healthy_sec', [0, 61, 1000, 1007])
def test_a_stuck_reading_is_noticed_within_30_seconds_of_work(
        constants, turns, noise, known, healthy_sec):
    if turns == ALWAYS:
        healthy_sec //= 40   # later the stick hardly warms, and has what the sensor tells
    stick = Stick(constants, known)
    assert stick.go(healthy_sec, turns) is None
    before = stick.work_sec
    assert stick.go(300, turns, stuck_at(stick.celsius, noise)) is SensorFault.STANDS_STILL
    assert stick.work_sec - before <= 30.0


@pytest.mark.parametrize('known', [Known.OWN, Known.OTHERS])
@pytest.mark.parametrize('told', [20.0, 40.0, 50.0])
@pytest.mark.parametrize('celsius', [30.0, 70.0])
def test_a_sensor_that_is_stuck_from_the_start_is_noticed(celsius, told, known):
    stick = Stick(SLOW, known, celsius=celsius)
    assert stick.go(30, tell=stuck_at(told)) is SensorFault.STANDS_STILL


def test_a_sensor_that_stands_still_only_while_its_stick_works_is_noticed():
    stick, held = Stick(FAST), [30.0]

    def tell(stick):
        if stick.now % 25 >= 12:
            held[0] = stick.celsius
        return held[0]
    assert stick.go(300, (12, 13), tell) is SensorFault.STANDS_STILL


def test_a_fall_at_work_is_noticed_at_once():
    stick = Stick()
    stick.go(200)
    assert stick.celsius > 65.0
    assert stick.read(50.0) is SensorFault.FELL_AT_WORK


@pytest.mark.parametrize('known', [Known.OWN, Known.OTHERS])
def test_a_noisy_sensor_that_tells_20_whatever_the_stick_does_is_noticed_within_minutes(known):
    chance = random.Random(1)
    stick = Stick(known=known)
    assert stick.go(180, tell=lambda _: chance.gauss(20.0, 1.0)) is SensorFault.TOO_COLD


@pytest.mark.parametrize('known', list(Known))
@pytest.mark.parametrize('rate', [-0.05, -0.2])
def test_readings_that_fall_from_cold_at_full_speed_are_noticed(rate, known):
    stick = Stick(known=known)
    assert stick.go(900, tell=lambda stick: 30.0 + rate * (stick.now - 100.0)) in (
        SensorFault.TOO_COLD, SensorFault.STANDS_STILL)


def test_no_number_is_a_fault_of_that_reading_alone():
    stick = Stick()
    assert stick.read(30.0) is None
    assert stick.read(None) is SensorFault.NONE_TOLD
    stick.work(1.0)
    assert stick.read(stick.celsius) is None


def test_a_suspicion_is_withdrawn_when_readings_agree_again_for_twenty_seconds():
    stick = Stick()
    stick.go(60, tell=stuck_at(30.0))
    found_at = len(stick.faults)
    for _ in range(int(AGREES_SEC)):
        assert stick.read(stick.celsius) is SensorFault.STANDS_STILL
        stick.work(0.0)
    assert len(stick.faults) == found_at + AGREES_SEC
    stick.work(0.0)
    assert stick.read(stick.celsius) is None


def test_a_stuck_sensor_is_not_believed_again_for_a_quarter_of_an_hour_of_rest():
    stick = Stick()
    stick.go(60, tell=stuck_at(30.0))
    for _ in range(int(FORGIVEN_SEC)):
        stick.work(0.0)
        assert stick.read(30.0) is SensorFault.STANDS_STILL
    stick.work(0.0)
    stick.work(0.0)
    assert stick.read(30.0) is None
    assert stick.go(30, tell=stuck_at(30.0)) is SensorFault.STANDS_STILL


def test_the_temperature_that_a_stuck_sensor_should_tell_is_reckoned():
    stick = Stick()
    stick.go(100, TURNS)
    stick.go(60, TURNS, stuck_at(stick.celsius))
    assert stick.watch.expected == pytest.approx(stick.celsius, abs=1.0)


def highest_of(seconds):
    past = []

    def tell(celsius):
        past.append(celsius)
        del past[:-seconds]
        return max(past)
    return tell


SENSORS = {
    'fine': lambda chance: lambda celsius: celsius,
    'half degrees': lambda chance: lambda celsius: round(2 * celsius) / 2,
    'degrees': lambda chance: lambda celsius: float(round(celsius)),
    'noisy': lambda chance: lambda celsius: celsius + chance.gauss(0.0, 0.5),
    'noisy degrees': lambda chance: lambda celsius: float(round(celsius + chance.gauss(0, 0.5))),
    'highest': lambda chance: highest_of(25)}


@pytest.mark.parametrize('sensor', SENSORS)
@pytest.mark.parametrize('load', ['always', 'never', 'turns', 'chance', 'slow turns'])
@pytest.mark.parametrize('seed', range(4))
def test_a_healthy_sensor_is_believed(sensor, load, seed):
    """Two hours of a stick whose constants are known by half, with events every ten minutes."""
    chance = random.Random(f'{sensor} {load} {seed}')
    stick = Stick(ThermalModel(
        chance.uniform(10.0, 45.0), chance.uniform(5.0, 60.0),
        math.exp(chance.uniform(math.log(10.0), math.log(600.0)))),
        die_share=chance.choice((0.0, 0.0, 0.2)))
    true = stick.constants
    known = chance.choice(list(Known))
    off = {Known.OWN: 1.2, Known.OTHERS: 1.5, Known.TYPICAL: 1.0}[known]
    expected = ThermalModel() if known is Known.TYPICAL else ThermalModel(
        true.idle_celsius + chance.uniform(-3.0, 3.0), true.rise_celsius * off ** (
            chance.uniform(-1.0, 1.0)), true.time_constant_sec * off ** chance.uniform(-1.0, 1.0))
    if chance.random() < 0.5:   # opened hot, after hours of full load
        stick.case += true.rise_celsius * (1.0 - stick.die_share)
        stick.die = true.rise_celsius * stick.die_share
    tell = SENSORS[sensor](chance)
    wanted, on_until, works, next_read_at = stick.ambient, 0, True, 0
    on_sec, off_sec = chance.choice(((2, 3), (10, 15), (5, 7), (20, 10)))
    speed = chance.choice((1.0, 1.0, chance.uniform(0.05, 1.0)))
    for second in range(7200):
        if second % 600 == 599:
            event = chance.choice(('ambient', 'gap', 'paced', 'elsewhere'))
            if event == 'ambient':
                wanted = true.idle_celsius + chance.choice((-15.0, 0.0, 15.0))
            elif event == 'paced':
                speed = chance.choice((1.0, chance.uniform(0.05, 1.0)))
            else:
                next_read_at = second + chance.choice((2, 5, 8, 20))
                if event == 'elsewhere':
                    stick.case += chance.uniform(0.0, 20.0)
        stick.ambient += max(-0.25, min(wanted - stick.ambient, 0.25))
        if load == 'chance' and second >= on_until:
            works, on_until = not works, second + chance.expovariate(1 / 60)
        share = {'always': 1.0, 'never': 0.0, 'chance': float(works),
                 'turns': float(second % (on_sec + off_sec) < on_sec),
                 'slow turns': float(second % 1800 < 900)}[load]
        stick.work(speed * share)
        told = tell(stick.celsius)
        if second >= next_read_at and chance.random() < 0.98:
            fault = stick.watch.observe(told, stick.now, stick.work_sec, expected, known)
            assert fault is None, (second, known, stick.constants, expected)
