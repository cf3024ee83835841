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

"""Warming and cooling, with invented times."""

import math

from ncs_cluster_detector.simulation.bus import SimulatedBus
from ncs_cluster_detector.simulation.heat import Heat
import pytest

BUS = SimulatedBus(ambient_celsius=30.0, rise_celsius=45.0, time_constant_sec=120.0)
COLD = Heat(30.0, 100.0, 100.0)


def celsius(heat, now):
    return heat.at(now, BUS).celsius


def test_a_resting_body_stays_at_ambient():
    assert celsius(COLD, 100.0) == 30.0
    assert celsius(COLD, 1e6) == 30.0


def test_after_one_time_constant_63_percent_of_the_way_is_done():
    busy = COLD.busy(100.0, 1e6, BUS)
    assert celsius(busy, 220.0) == pytest.approx(30.0 + 45.0 * (1 - math.exp(-1)))
    assert celsius(busy, 1e5) == pytest.approx(75.0)


def test_the_load_ends_although_nobody_says_so():
    busy = COLD.busy(100.0, 220.0, BUS)
    warm = 30.0 + 45.0 * (1 - math.exp(-1))
    assert celsius(busy, 340.0) == pytest.approx(30.0 + (warm - 30.0) * math.exp(-1))
    assert celsius(busy, 1e6) == pytest.approx(30.0)


def test_the_number_of_questions_does_not_change_the_answer():
    often = once = COLD.busy(100.0, 250.5, BUS)
    for second in range(101, 401):
        often = often.at(float(second), BUS)
    assert often.celsius == pytest.approx(celsius(once, 400.0))


def test_an_earlier_time_changes_nothing():
    warm = COLD.busy(100.0, 160.0, BUS).at(160.0, BUS)
    assert warm.at(150.0, BUS) == warm
    assert celsius(warm, 161.0) < warm.celsius


def test_a_ring_of_two_settles_at_the_peak_of_the_closed_formula():
    # Peak of a stick that computes d seconds of every D: Ta + R (1 - e^(-d/T)) / (1 - e^(-D/T)).
    body = Heat(30.0, 0.0, 0.0)
    for period in range(200):
        body = body.busy(period * 20.0, period * 20.0 + 10.0, BUS)
    expected = 30.0 + 45.0 * (1 - math.exp(-10 / 120)) / (1 - math.exp(-20 / 120))
    assert celsius(body, 199 * 20.0 + 10.0) == pytest.approx(expected)
