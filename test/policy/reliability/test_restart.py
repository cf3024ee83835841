# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The delays between the starts of a failing worker."""

from ncs_cluster_detector.policy.reliability import restart
import pytest


def test_the_delay_doubles_up_to_its_limit():
    delays = [restart.after_failure(failures).delay_sec for failures in range(1, restart.BUDGET)]
    assert delays == [0.5, 1.0] + [1.5] * (restart.BUDGET - 3)


def test_after_the_budget_the_stick_is_fatal_and_rests():
    assert not restart.after_failure(restart.BUDGET - 1).fatal
    plan = restart.after_failure(restart.BUDGET)
    assert plan.fatal
    assert plan.delay_sec == restart.REST_SEC


@pytest.mark.parametrize('failures, longest_start_sec, expected', [
    (0, None, 20.0), (3, None, 20.0), (0, 0.2, 4.0), (0, 1.5, 4.5), (4, 1.5, 4.5),
    (5, 1.5, 9.0), (10, 1.5, 18.0), (15, 1.5, 20.0), (0, 30.0, 20.0)])
def test_a_start_may_take_a_few_times_as_long_as_one_that_succeeded(
        failures, longest_start_sec, expected):
    assert restart.start_deadline_sec(failures, longest_start_sec, 20.0) == expected


@pytest.mark.parametrize('hold_ups, delay_sec', [
    (1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0), (5, 80.0), (6, 160.0)])
def test_one_whose_starts_held_up_the_others_rests_twice_as_long_each_time(hold_ups, delay_sec):
    for failures in (1, 3, restart.BUDGET - 1):
        assert restart.after_failure(failures, hold_ups) == restart.RestartPlan(delay_sec, False)


@pytest.mark.parametrize('hold_ups', [7, 8, 20])
def test_and_is_fatal_when_that_is_as_long_as_the_long_rest(hold_ups):
    assert restart.after_failure(1, hold_ups) == restart.RestartPlan(restart.REST_SEC, True)


def test_the_budget_ends_it_whether_others_were_held_up_or_not():
    for hold_ups in (0, 1, 6):
        assert restart.after_failure(restart.BUDGET, hold_ups) == restart.RestartPlan(
            restart.REST_SEC, True)


@pytest.mark.parametrize('call, expected', [
    (lambda: restart.after_failure(1025), restart.RestartPlan(restart.REST_SEC, True)),
    (lambda: restart.after_failure(1, 1025), restart.RestartPlan(restart.REST_SEC, True)),
    (lambda: restart.start_deadline_sec(5120, 1.5, 20.0), 20.0)])
def test_a_stick_may_fail_for_days(call, expected):
    assert call() == expected
