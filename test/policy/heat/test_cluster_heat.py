# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is learned of a stick's heat, from sticks that follow their constants exactly."""

import math
import random

from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.heat.stick_heat import StickHeat
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


class Body:
    """A stick that heats: idle temperature, rise at full load, time constant."""

    def __init__(self, idle, rise, tau, noise=0.0):
        self.idle, self.rise, self.tau = idle, rise, tau
        self.celsius, self.now, self.work_sec = idle, 0.0, 0.0
        self._noise, self._chance = noise, random.Random(1)

    def work(self, share, elapsed_sec=1.0):
        final = self.idle + share * self.rise
        self.celsius = final + (self.celsius - final) * math.exp(-elapsed_sec / self.tau)
        self.now += elapsed_sec
        self.work_sec += share * elapsed_sec

    @property
    def reading(self):
        return self.celsius + self._chance.uniform(-self._noise, self._noise)


def learn(body, turns, on_sec=4, off_sec=6):
    """Return what is learned of a body that works and rests in turns."""
    heat = StickHeat()
    for second in range(turns * (on_sec + off_sec)):
        heat.observe(body.reading, body.now, body.work_sec)
        body.work(1.0 if second % (on_sec + off_sec) < on_sec else 0.0)
    return heat


@pytest.mark.parametrize('constants', [(30, 45, 120), (45, 45, 8), (45, 90, 16), (20, 30, 400)])
def test_the_constants_are_found(constants):
    idle, rise, tau = constants
    heat = learn(Body(*constants), turns=20 + tau // 10)
    assert heat.model.idle_celsius == pytest.approx(idle, abs=1.0)
    assert heat.model.rise_celsius == pytest.approx(rise, rel=0.05)
    assert heat.model.time_constant_sec == pytest.approx(tau, rel=0.06)
    assert heat.model.sustainable_share(idle + rise / 2) == pytest.approx(0.5, abs=0.02)


def test_noise_is_no_bias():
    heat = learn(Body(30, 45, 120, noise=0.3), turns=200)
    assert heat.model.sustainable_share(65.0) == pytest.approx(35 / 45, rel=0.1)


def test_a_steady_state_forgets_nothing():
    body = Body(30, 45, 120)
    heat = learn(body, turns=20)
    for _ in range(20000):
        body.work(0.4)
        heat.observe(body.reading, body.now, body.work_sec)
    assert heat.model.time_constant_sec == pytest.approx(120, rel=0.05)
    assert heat.model.sustainable_share(65.0) == pytest.approx(35 / 45, rel=0.02)


def test_a_fan_that_stops_is_followed():
    body = Body(30, 45, 120)
    heat = learn(body, turns=60)
    body.idle, body.rise, body.tau = 35, 60, 160
    for second in range(1200):
        body.work(1.0 if second % 10 < 4 else 0.0)
        heat.observe(body.reading, body.now, body.work_sec)
    assert heat.model.sustainable_share(65.0) == pytest.approx(30 / 60, rel=0.1)


def test_the_estimate_between_readings_is_the_temperature():
    body = Body(45, 45, 8)
    heat = learn(body, turns=5)
    heat.observe(body.celsius, body.now, body.work_sec)
    body.work(1.0, 0.9)
    assert heat.celsius(body.now, body.work_sec) == pytest.approx(body.celsius, abs=0.3)


def test_a_stick_that_warms_is_hotter_than_a_slow_sensor_tells():
    """The sensor follows within 6 s, so that it tells up to 1 C too little."""
    body, heat, told, hotter, missed = Body(30, 45, 120), StickHeat(), 30.0, [], []
    for second in range(600):
        heat.observe(told, body.now, body.work_sec)
        if second > 300:
            hotter.append(body.celsius - told)
            missed.append(body.celsius - heat.celsius(body.now, body.work_sec))
        body.work(1.0 if second % 60 < 30 else 0.0)
        told += (body.celsius - told) * -math.expm1(-1.0 / 6.0)
    assert max(hotter) > 1.0
    assert max(missed) < 0.4


def test_work_at_the_share_that_is_told_leads_to_the_target():
    body = Body(45, 45, 8)
    heat = learn(body, turns=10)
    body.celsius = 64.0
    body.work(heat.model.share_towards(64.0, 65.0, 1.0, heat.warmth(body.now, body.work_sec)),
              1.0)
    assert body.celsius == pytest.approx(65.0, abs=0.1)


def test_what_was_never_shown_is_not_called_known():
    heat = StickHeat()
    for second in range(1000):   # always the same load: idle temperature and rise are one sum
        heat.observe(50.0, float(second), 0.4 * second)
    assert not heat.is_known()
    assert heat.model.sustainable_share(50.0) == pytest.approx(0.4, abs=0.05)


def test_without_a_reading_there_is_no_estimate():
    heat = StickHeat()
    assert heat.celsius(1.0, 0.0) is None
    heat.observe(50.0, 1.0, 0.0)
    heat.observe(None, 2.0, 0.0)
    assert heat.celsius(2.0, 0.0) is None


def test_wild_readings_do_not_make_wild_estimates():
    heat = StickHeat()
    for second in range(100):
        heat.observe(200.0 if second % 2 else -40.0, float(second), second / 2)
        assert abs(heat.celsius(second + 3.0, second / 2 + 3) - heat.celsius(second, 0)) <= 10.0


def cluster_after(bodies, seconds, on):
    """Return the ClusterHeat of bodies of which those in on(second) work."""
    heat = ClusterHeat()
    for second in range(seconds):
        sticks = [StickStatus(number, StickState.RUNNING, body.reading, body.now,
                              work_sec=body.work_sec) for number, body in enumerate(bodies)]
        heat.observe(bodies[0].now, sticks)
        for number, body in enumerate(bodies):
            body.work(1.0 if number in on(second) else 0.0)
    return heat


def test_the_sustainable_size_is_measured_at_the_limit_and_reckoned_elsewhere():
    bodies = [Body(45, 45, 8), Body(45, 45, 8), Body(45, 90, 16)]
    heat = cluster_after(bodies, 60, lambda second: {second // 3 % 3, (second // 3 + 1) % 3})
    assert heat.sustainable_size(65.0) is None
    heat.measured = (lambda least_sec: 1.0 if 16.0 < least_sec < 40.0 else None), 65.0
    assert heat.sustainable_size(65.0) == 1.0
    # Each C more is worth 1 / 45 of a stick, or 1 / 90.
    assert heat.sustainable_size(74.0) == pytest.approx(1.0 + 9 / 45 * 2.5, rel=0.05)
    assert heat.sustainable_size(200.0) <= 3.0
    assert heat.sustainable_size(30.0) == pytest.approx(0.0, abs=0.15)
    heat.measured = (lambda least_sec: None), 65.0
    assert heat.sustainable_size(74.0) is None


@pytest.mark.parametrize('die, tau', [(15, 5), (10, 3), (20, 10)])
def test_a_die_in_a_case_is_told_from_the_case(die, tau):
    heat, case, above, work = StickHeat(), 45.0, 0.0, 0.0
    for second in range(1200):
        heat.observe(case + above, float(second), work)
        share = 1.0 if second % 40 < 15 else 0.0
        case += (45.0 + share * 35.0 - case) * (1.0 - math.exp(-1 / 200.0))
        above += (share * die - above) * (1.0 - math.exp(-1 / tau))
        work += share
    expected = heat.model.after(60.0, 1.0, 5.0, 0.0) - 60.0
    true = die * (1.0 - math.exp(-5 / tau)) + (80.0 - 60.0) * (1.0 - math.exp(-5 / 200.0))
    assert expected == pytest.approx(true, abs=2.5)
    assert heat.model.die_rise_celsius > 5.0


def test_without_a_die_none_is_seen():
    assert learn(Body(30, 45, 120), turns=60).model.die_rise_celsius < 0.5


@pytest.mark.parametrize('noise', [1.0, 2.0])
def test_noise_teaches_nothing_wild(noise):
    heat = learn(Body(45, 50, 120, noise), turns=300)
    assert 0.0 < heat.model.idle_celsius < 60.0
    assert 20.0 < heat.model.rise_celsius < 90.0


def test_a_die_goes_on_while_readings_are_lost():
    heat = StickHeat()
    for second in range(30):
        heat.observe(60.0, float(second), 0.0)
    for second in range(30, 40):
        heat.observe(None, float(second), second - 29.0)
    assert heat.warmth(40.0, 11.0) == pytest.approx(1.0 - math.exp(-11 / 5), abs=0.03)


def test_an_old_reading_is_unknown_and_counts_as_the_hottest():
    heat = ClusterHeat()
    heat.observe(10.0, [StickStatus(0, StickState.RUNNING, 60.0, 6.9),
                        StickStatus(1, StickState.RUNNING, 40.0, 10.0)])
    assert (heat.reading(0), heat.now(0), heat.at_full_speed(0, 2.0)) == (None, None, None)
    assert (heat.assumed(0), heat.assumed(1)) == (math.inf, 40.0)


def test_a_reading_that_comes_again_with_the_same_time_is_known_again():
    heat = ClusterHeat()
    for celsius, measured_at in ((50.0, 0.0), (None, None), (51.0, 0.0)):
        heat.observe(0.0, [StickStatus(0, StickState.RUNNING, celsius, measured_at)])
        assert heat.now(0) == heat.reading(0) == celsius


class Cluster:
    """Bodies that work in turns, the first of which has a sensor of its own mind."""

    def __init__(self, *bodies):
        self.bodies, self.heat, self.now, self.faults = bodies, ClusterHeat(), 0.0, set()

    def go(self, seconds, tell=None, share_of=None):
        """Work two in turns, ten seconds each, or the first as ``share_of(heat, second)`` says."""
        count = len(self.bodies)
        for second in range(seconds):
            told = [body.celsius for body in self.bodies]
            told[0] = tell(self.bodies[0]) if tell else told[0]
            self.heat.observe(self.now, [
                StickStatus(number, StickState.RUNNING, celsius, self.now,
                            work_sec=self.bodies[number].work_sec)
                for number, celsius in enumerate(told)])
            self.faults.update((number, self.heat.sensor_fault(number)) for number in range(count)
                               if self.heat.sensor_fault(number))
            turn = int(self.now) // 10
            for number, body in enumerate(self.bodies):
                share = float(number in (turn % count, (turn + 1) % count))
                body.work(share if number or not share_of else share_of(self.heat, second))
            self.now += 1.0


def test_a_stuck_sensor_makes_its_stick_blind_and_teaches_nothing():
    cluster = Cluster(*(Body(30, 45, 120) for _ in range(4)))
    cluster.go(300)
    held = cluster.bodies[0].celsius
    assert not cluster.faults
    cluster.go(100, lambda body: held)
    heat = cluster.heat
    assert cluster.faults == {(0, SensorFault.STANDS_STILL)}
    assert (heat.reading(0), heat.now(0), heat.assumed(0)) == (None, None, math.inf)
    assert heat.sticks[0].model.rise_celsius == pytest.approx(45.0, rel=0.1)
    assert heat.sticks[0].model.idle_celsius == pytest.approx(30.0, abs=2.0)
    assert heat.estimate(0) == pytest.approx(cluster.bodies[0].celsius, abs=1.5)
    assert heat.estimate(1) == heat.now(1)


def test_a_sensor_that_is_stuck_from_the_start_is_noticed_by_what_others_learn():
    cluster = Cluster(*(Body(30, 45, 120) for _ in range(4)))
    cluster.go(60, lambda body: 30.0, lambda heat, second: 1.0)
    assert cluster.faults == {(0, SensorFault.STANDS_STILL)}
    assert 0.0 <= cluster.heat.estimate(0) - cluster.bodies[0].celsius <= 4.0
    cluster.go(120)
    assert cluster.heat.now(0) == pytest.approx(cluster.bodies[0].celsius, abs=1.0)


@pytest.mark.parametrize('limit', [45.0, 65.0])
@pytest.mark.parametrize('body', [(40, 45, 120), (40, 45, 20), (30, 45, 120)])
def test_a_stick_that_is_blind_from_the_start_stays_cool_by_its_estimate(body, limit):
    cluster, worked, hottest = Cluster(*(Body(*body) for _ in range(4))), [0.0], [0.0]

    def share_of(heat, second):
        works = heat.estimate(0) < limit and worked[0] <= second / 4
        worked[0] += works
        hottest[0] = max(hottest[0], cluster.bodies[0].celsius)
        return float(works)
    cluster.go(2000, lambda body: None, share_of)
    assert cluster.heat.sensor_fault(0) is SensorFault.NONE_TOLD
    assert hottest[0] <= limit + 10.0
    assert cluster.heat.estimate(0) == pytest.approx(cluster.bodies[0].celsius, abs=6.0)
    assert worked[0] > 100


def test_the_estimate_of_sticks_of_which_nothing_is_known_is_that_of_a_warm_place():
    heat = ClusterHeat()
    for second in range(120):
        heat.observe(float(second), [StickStatus(0, StickState.RUNNING, None, float(second),
                                                 work_sec=float(second))])
    assert heat.estimate(0) == pytest.approx(40.0 + 45.0 * (1.0 - math.exp(-1.0)), abs=1.0)


def test_silence_is_no_fault_of_the_sensor():
    heat = ClusterHeat()
    assert heat.sensor_fault(0) is None
    heat.observe(0.0, [StickStatus(0, StickState.RUNNING, 40.0, 0.0)])
    heat.observe(4.0, [StickStatus(0, StickState.RUNNING, 40.0, 0.0)])
    assert (heat.now(0), heat.sensor_fault(0)) == (None, None)
    assert heat.estimate(0) == pytest.approx(40.0, abs=0.5)
