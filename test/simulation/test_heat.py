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

from ncs_cluster_detector.simulation.heat import Heat
import pytest


def heat(now=100.0):
    return Heat(ambient_celsius=30.0, rise_celsius=45.0, time_constant_sec=120.0, now=now)


def test_it_starts_at_ambient_and_stays_there_at_rest():
    body = heat()
    assert body.advance(100.0, False) == 30.0
    assert body.advance(1e6, False) == 30.0


def test_after_one_time_constant_63_percent_of_the_way_is_done():
    assert heat().advance(220.0, True) == pytest.approx(30.0 + 45.0 * (1 - math.exp(-1)))


def test_it_settles_at_the_load():
    assert heat().advance(1e5, 1.0) == pytest.approx(75.0)
    assert heat().advance(1e5, 0.4) == pytest.approx(48.0)


def test_it_cools_back_to_ambient():
    body = heat(now=0.0)
    body.advance(1200.0, True)
    assert body.advance(1320.0, False) == pytest.approx(30.0 + 45.0 * math.exp(-1), abs=0.01)
    assert body.advance(1e6, False) == pytest.approx(30.0)


def test_the_number_of_questions_does_not_change_the_answer():
    often, once = heat(now=0.0), heat(now=0.0)
    for second in range(1, 301):
        celsius = often.advance(float(second), True)
    assert celsius == pytest.approx(once.advance(300.0, True))


def test_an_earlier_time_changes_nothing():
    body = heat(now=0.0)
    warm = body.advance(60.0, True)
    assert body.advance(50.0, False) == warm
    assert body.advance(60.0, False) == warm
    assert body.advance(61.0, False) < warm


def test_a_ring_of_two_settles_at_the_peak_of_the_closed_formula():
    # Peak of a stick that computes d seconds of every D: Ta + R (1 - e^(-d/T)) / (1 - e^(-D/T)).
    body = heat(now=0.0)
    for period in range(200):
        body.advance(period * 20.0, False)
        peak = body.advance(period * 20.0 + 10.0, True)
    expected = 30.0 + 45.0 * (1 - math.exp(-10 / 120)) / (1 - math.exp(-20 / 120))
    assert peak == pytest.approx(expected)
