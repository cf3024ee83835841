# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The restarts of a stick that does not tell its temperature, in invented time."""

from ncs_cluster_detector.policy.sensor.blind_restart import BlindRestart
from ncs_cluster_detector.policy.sensor.blind_restart import LONGEST_INTERVAL_SEC
import pytest


def restarts(blindness, until, away_sec=2):
    """Return the seconds at which a stick is restarted that is blind when blindness(second)."""
    policy, times, back_at = BlindRestart(), [], 0
    for second in range(until):
        if second < back_at:
            policy.away()
        elif policy.is_due(float(second), blindness(second)):
            times.append(second)
            back_at = second + 1 + away_sec
    return times


def test_a_stick_that_stays_blind_is_restarted_ever_less_often_but_at_least_hourly():
    times = restarts(lambda second: True, 40000)
    assert times[0] == 30
    intervals = [late - early - 3 for early, late in zip(times, times[1:])]
    assert intervals == [60, 120, 240, 480, 960, 1920] + [3600] * (len(intervals) - 6)
    assert len(intervals) > 10


def test_a_moment_of_blindness_is_none():
    assert restarts(lambda second: second % 30 != 0, 7200) == []


@pytest.mark.parametrize('sighted_sec, second_after', [(550, 60), (650, 30)])
def test_a_stick_that_was_sighted_for_ten_minutes_starts_anew(sighted_sec, second_after):
    times = restarts(lambda second: not 33 <= second < 33 + sighted_sec, 2000)
    assert times[:2] == [30, 33 + sighted_sec + second_after]


def test_the_restart_counts_from_the_moment_at_which_the_stick_became_blind():
    policy = BlindRestart()
    assert not policy.is_due(10.0, True)
    assert not policy.is_due(39.9, True) and policy.is_due(40.0, True)
    assert policy.restarts == 1


def test_a_stick_may_be_blind_for_years():
    policy, now = BlindRestart(), 0.0
    for _ in range(3000):
        policy.is_due(now, True)
        now += LONGEST_INTERVAL_SEC
        assert policy.is_due(now, True)
    assert policy.restarts == 3000
