# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Warming and cooling, with invented times."""

import math

from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import Hub
from ncs_cluster_detector.simulation.heat.work_heat import Ambient
from ncs_cluster_detector.simulation.heat.work_heat import Heat
from ncs_cluster_detector.simulation.heat.work_heat import HubHeat
import pytest

BODY = Body(45.0, 120.0)
DIE = Body(45.0, 120.0, 8.0, 5.0)
COLD = Heat(30.0, 100.0, 100.0, ambient=Ambient(30.0))


def celsius(heat, now):
    return heat.at(now, BODY).celsius


def test_a_resting_body_stays_at_ambient():
    assert celsius(COLD, 100.0) == 30.0
    assert celsius(COLD, 1e6) == 30.0


def test_after_one_time_constant_63_percent_of_the_way_is_done():
    busy = COLD.busy(100.0, 1e6, BODY)
    assert celsius(busy, 220.0) == pytest.approx(30.0 + 45.0 * (1 - math.exp(-1)))
    assert celsius(busy, 1e5) == pytest.approx(75.0)


def test_the_load_ends_although_nobody_says_so():
    busy = COLD.busy(100.0, 220.0, BODY)
    warm = 30.0 + 45.0 * (1 - math.exp(-1))
    assert celsius(busy, 340.0) == pytest.approx(30.0 + (warm - 30.0) * math.exp(-1))
    assert celsius(busy, 1e6) == pytest.approx(30.0)


def test_the_number_of_questions_does_not_change_the_answer():
    often = once = COLD.busy(100.0, 250.5, BODY)
    for second in range(101, 401):
        often = often.at(float(second), BODY)
    assert often.celsius == pytest.approx(celsius(once, 400.0))


def test_an_earlier_time_changes_nothing():
    warm = COLD.busy(100.0, 160.0, BODY).at(160.0, BODY)
    assert warm.at(150.0, BODY) == warm
    assert celsius(warm, 161.0) < warm.celsius


def test_a_ring_of_two_settles_at_the_peak_of_the_closed_formula():
    # Peak of a stick that computes d seconds of every D: Ta + R (1 - e^(-d/T)) / (1 - e^(-D/T)).
    body = Heat(30.0, 0.0, 0.0, ambient=Ambient(30.0))
    for period in range(200):
        body = body.busy(period * 20.0, period * 20.0 + 10.0, BODY)
    expected = 30.0 + 45.0 * (1 - math.exp(-10 / 120)) / (1 - math.exp(-20 / 120))
    assert celsius(body, 199 * 20.0 + 10.0) == pytest.approx(expected)


def test_the_die_cools_within_seconds_of_the_end_of_the_load():
    warm = COLD.busy(100.0, 1300.0, DIE).at(1300.0, DIE)
    assert (warm.case_celsius, warm.die_celsius) == pytest.approx((75.0, 8.0), abs=0.01)
    later = COLD.busy(100.0, 1300.0, DIE).at(1305.0, DIE)
    assert later.die_celsius == pytest.approx(8.0 * math.exp(-1))
    assert later.case_celsius == pytest.approx(30.0 + 45.0 * math.exp(-5 / 120), abs=0.01)
    assert later.celsius == later.case_celsius + later.die_celsius


def test_the_sun_comes_out_and_stays():
    sun = Ambient(30.0).on_its_way(100.0, 45.0, 600.0)
    assert [sun.at(now) for now in (100.0, 400.0, 700.0, 1e6)] == [30.0, 37.5, 45.0, 45.0]
    heat = Heat(30.0, 100.0, 100.0, ambient=sun)
    # It follows 3 degrees behind, of which 1 - e^-5 are there at the end of the way.
    assert celsius(heat, 700.0) == pytest.approx(42.0202, abs=1e-4)
    assert celsius(heat, 820.0) == pytest.approx(45.0 - 2.9798 * math.exp(-1), abs=1e-4)
    half_way = sun.on_its_way(400.0, 30.0, 0.0)
    assert (half_way.at(400.0), half_way.warming_celsius_per_sec(400.0)) == (30.0, 0.0)


@pytest.mark.parametrize('busy_until', [300.25, 900.5])
def test_with_sun_and_die_the_number_of_questions_does_not_change_the_answer(busy_until):
    often = once = Heat(30.0, 100.0, 100.0, ambient=Ambient(30.0).on_its_way(
        100.0, 45.0, 500.7)).busy(100.0, busy_until, DIE, 0.6)
    for second in range(101, 1001):
        often = often.at(float(second), DIE, 0.6)
    once = once.at(1000.0, DIE, 0.6)
    assert often.case_celsius == pytest.approx(once.case_celsius, abs=1e-9)
    assert often.die_celsius == pytest.approx(once.die_celsius, abs=1e-9)


HUB = Hub(10.0, 600.0)


def worked_for(seconds, sticks, piece=0.065):
    """Return the heat of a hub of 3 sticks of which some work without a pause."""
    heat = HubHeat()
    for number in range(round(seconds / piece)):
        for _ in range(sticks):
            heat = heat.worked(number * piece, (number + 1) * piece, 1 / 3, HUB, 120.0)
    return heat.at(seconds, HUB, 120.0)


def test_a_hub_ends_at_its_rise_when_all_sticks_work():
    heat = worked_for(6000.0, 3)
    assert (heat.hub_celsius, heat.case_celsius) == pytest.approx((10.0, 10.0), abs=0.01)
    assert worked_for(6000.0, 1).hub_celsius == pytest.approx(10.0 / 3, abs=0.01)


def test_cases_follow_the_hub():
    heat = worked_for(300.0, 3)
    # Of two bodies in a row, 120 s after 600 s: 1 - (600 e^(-t/600) - 120 e^(-t/120)) / 480.
    assert heat.hub_celsius == pytest.approx(3.9347, abs=0.002)
    assert heat.case_celsius == pytest.approx(2.6236, abs=0.002)


def test_a_hub_is_never_warmer_than_its_rise_however_long_an_inference_takes():
    heat = HubHeat()
    for number in range(50):
        heat = heat.worked(number * 300.0, (number + 1) * 300.0, 1.0, HUB, 120.0)
        assert heat.hub_celsius <= 10.0 + 1e-9
    assert heat.hub_celsius == pytest.approx(10.0)


def test_work_that_is_told_late_is_not_lost():
    heat = HubHeat().worked(100.0, 101.0, 1.0, HUB, 120.0)
    both = heat.worked(99.9, 100.9, 1.0, HUB, 120.0)
    assert both.hub_celsius == pytest.approx(2 * heat.hub_celsius)
    assert both.updated_at == 100.0
