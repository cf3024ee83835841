# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bodies against values worked out by hand, and against small steps of their equations."""

import math

from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import BodyHeat
from ncs_cluster_detector.simulation.heat.body import followed
from ncs_cluster_detector.simulation.heat.body import Hub
import pytest

COLD = BodyHeat(30.0)
DIE = Body(45.0, 120.0, 8.0, 5.0)


def test_the_die_is_warm_when_the_case_has_hardly_begun():
    heat = DIE.after(COLD, 1.0, 30.0, 5.0)
    # 1 - 1/e of 8 degrees; of the case's 45 the first twenty-fourth of a time constant: 4.08 %.
    assert heat.die_celsius == pytest.approx(5.0570, abs=1e-4)
    assert heat.case_celsius == pytest.approx(31.8365, abs=1e-4)
    assert heat.celsius == pytest.approx(36.8935, abs=1e-4)


def test_in_the_end_case_and_die_have_their_rise_and_their_share_of_it():
    assert DIE.after(COLD, 1.0, 30.0, 1e5).celsius == pytest.approx(83.0)
    half = DIE.after(COLD, 0.5, 30.0, 1e5)
    assert (half.case_celsius, half.die_celsius) == pytest.approx((52.5, 4.0))
    assert DIE.after(half, 0.0, 30.0, 1e5).celsius == pytest.approx(30.0)


def test_a_body_without_a_die_has_the_temperature_of_its_case():
    heat = Body(45.0, 120.0).after(COLD, 1.0, 30.0, 120.0)
    assert heat == BodyHeat(pytest.approx(30.0 + 45.0 * (1.0 - math.exp(-1.0))), 0.0)


def test_a_die_that_has_no_rise_any_more_cools_and_does_not_vanish():
    body = Body(45.0, 120.0, 0.0, 5.0)
    heat = body.after(BodyHeat(60.0, 8.0), 1.0, 30.0, 5.0)
    assert heat.die_celsius == pytest.approx(8.0 * math.exp(-1.0))


def test_worse_cooling_means_a_higher_end_that_takes_longer():
    heat = DIE.after(COLD, 1.0, 30.0, 240.0, cooling=0.5)
    assert heat.case_celsius == pytest.approx(30.0 + 90.0 * (1.0 - math.exp(-1.0)))
    assert heat.die_celsius == pytest.approx(8.0)


def test_a_case_follows_the_sun_at_the_distance_of_its_time_constant():
    # 15 degrees in 600 s are 3 in a time constant of 120 s; after five of these all but 0.67 % of
    # that distance is there.
    heat = DIE.after(COLD, 0.0, 30.0, 600.0, warming_celsius_per_sec=0.025)
    assert heat.celsius == pytest.approx(42.0202, abs=1e-4)


@pytest.mark.parametrize('share, cooling, warming', [
    (1.0, 1.0, 0.0), (0.3, 1.0, 0.0), (0.7, 0.5, 0.05), (0.0, 2.0, -0.05)])
def test_two_halves_are_as_one_whole(share, cooling, warming):
    whole = DIE.after(BodyHeat(50.0, 6.0), share, 30.0, 20.0, cooling, warming)
    half = DIE.after(BodyHeat(50.0, 6.0), share, 30.0, 10.0, cooling, warming)
    both = DIE.after(half, share, 30.0 + 10.0 * warming, 10.0, cooling, warming)
    assert both.case_celsius == pytest.approx(whole.case_celsius, abs=1e-9)
    assert both.die_celsius == pytest.approx(whole.die_celsius, abs=1e-9)


def test_small_steps_of_the_equations_end_at_the_same_temperatures():
    case, die, surroundings, step = 50.0, 6.0, 30.0, 0.001
    for _ in range(20000):
        case += step * (surroundings + 0.7 * 45.0 / 0.5 - case) / (120.0 / 0.5)
        die += step * (0.7 * 8.0 - die) / 5.0
        surroundings += step * 0.05
    heat = DIE.after(BodyHeat(50.0, 6.0), 0.7, 30.0, 20.0, 0.5, 0.05)
    assert heat.case_celsius == pytest.approx(case, abs=1e-3)
    assert heat.die_celsius == pytest.approx(die, abs=1e-3)


def test_a_hub_ends_at_the_mean_of_what_its_sticks_do():
    hub = Hub(10.0, 600.0)
    assert hub.after(0.0, 1.0, 600.0) == pytest.approx(6.3212, abs=1e-4)
    assert hub.after(0.0, 1.0, 1e6) == pytest.approx(10.0)
    assert hub.after(10.0, 0.4, 1e6) == pytest.approx(4.0)
    assert hub.after(10.0, 0.0, 600.0) == pytest.approx(3.6788, abs=1e-4)


@pytest.mark.parametrize('own, leaders, elapsed, expected', [
    # 20 (1/e - 1/e^2); twice as fast as its leader, it settles at twice of what that has left.
    (100.0, 200.0, 200.0, 4.6509),
    # Slower than its leader: 10 (1/e^(1/2) - 1/e).
    (200.0, 100.0, 100.0, 2.3865),
    # With equal ones it is 10 t/T e^(-t/T).
    (100.0, 100.0, 100.0, 3.6788)])
def test_what_follows_a_body_that_fades(own, leaders, elapsed, expected):
    assert followed(0.0, 10.0, elapsed, own, leaders) == pytest.approx(expected, abs=1e-4)
    assert followed(5.0, 0.0, own, own, leaders) == pytest.approx(5.0 * math.exp(-1.0))
    half = followed(0.0, 10.0, elapsed / 2, own, leaders)
    left = 10.0 * math.exp(-elapsed / 2 / leaders)
    assert followed(half, left, elapsed / 2, own, leaders) == pytest.approx(expected, abs=1e-4)
