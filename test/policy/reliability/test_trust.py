# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How far a stick is trusted, in invented time."""

from ncs_cluster_detector.policy.reliability.trust import FIRST_REST_SEC
from ncs_cluster_detector.policy.reliability.trust import FORGETS_LAPSE_SEC
from ncs_cluster_detector.policy.reliability.trust import LAPSE_SEC
from ncs_cluster_detector.policy.reliability.trust import LATE_SEC
from ncs_cluster_detector.policy.reliability.trust import MOST_DOUBT_SEC
from ncs_cluster_detector.policy.reliability.trust import TRIALS
from ncs_cluster_detector.policy.reliability.trust import Trust
import pytest


def serve(trust, since, seconds, period_sec):
    """Let a stick give results for so long; return the time of the last one."""
    results = round(seconds / period_sec)
    for result in range(1, results + 1):
        trust.served(since + result * period_sec)
    return since + results * period_sec


def test_a_new_stick_is_trusted():
    assert (Trust().doubt_sec, Trust().trials_left) == (0.0, 0)


@pytest.mark.parametrize('period_sec', [0.05, 1.0])
def test_doubt_fades_with_the_time_of_good_work_not_with_one_result(period_sec):
    trust = Trust()
    trust.served(100.0)
    trust.lapsed()
    now = serve(trust, 100.0, LAPSE_SEC - 1.0, period_sec)
    assert trust.doubt_sec == pytest.approx(1.0)
    serve(trust, now, 1.0, period_sec)
    assert trust.doubt_sec == pytest.approx(0.0, abs=1e-6)


def test_rare_results_count_a_second_each():
    trust = Trust()
    trust.lapsed()
    for minute in range(3):
        trust.served(60.0 * minute)
    assert trust.doubt_sec == LAPSE_SEC - 3.0


def test_a_stick_that_hangs_again_and_again_rests_longer_each_time_and_is_given_up():
    trust, rests = Trust(), []
    for _ in range(9):
        trust.lapsed()
        rests.append(trust.rest_sec)
    assert rests == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, float('inf'), float('inf')]
    for _ in range(50):
        trust.lapsed()
    assert trust.doubt_sec == MOST_DOUBT_SEC
    serve(trust, 0.0, 8 * FORGETS_LAPSE_SEC, 0.1)
    trust.lapsed()
    assert trust.rest_sec == FIRST_REST_SEC   # a row is no longer than it counts


def test_three_results_do_not_end_the_row_but_some_seconds_of_work_do():
    trust, now = Trust(), 0.0
    for _ in range(7):
        trust.lapsed()
        now = serve(trust, now, 0.3, 0.1)
    assert trust.rest_sec > 16.0
    now = serve(trust, now, 7 * FORGETS_LAPSE_SEC, 0.1)
    trust.lapsed()
    assert trust.rest_sec == FIRST_REST_SEC


def test_one_that_works_well_between_its_troubles_is_back_soon_each_time():
    trust, now, rests = Trust(), 0.0, []
    for _ in range(200):
        trust.lapsed()
        rests.append(trust.rest_sec)
        now = serve(trust, now, FORGETS_LAPSE_SEC + 1.0, 1.0)
    assert max(rests) <= 1.0
    assert trust.doubt_sec > 100.0   # others come first all the same


def test_after_a_lapse_it_must_show_that_it_works():
    trust = Trust()
    trust.lapsed()
    for left in reversed(range(TRIALS)):
        trust.served(1.0)
        assert trust.trials_left == left
    trust.served(2.0)
    assert trust.trials_left == 0


def test_a_killed_process_is_no_reason_to_rest_longer():
    trust = Trust()
    for _ in range(20):
        trust.interrupted()
    assert trust.doubt_sec == LAPSE_SEC
    assert trust.trials_left == TRIALS


def test_a_late_result_is_a_small_doubt_and_no_good_work():
    trust = Trust()
    trust.served(10.0)
    trust.late()
    trust.served(11.0)
    assert trust.doubt_sec == LATE_SEC
    assert trust.trials_left == 0
    trust.served(12.0)
    assert trust.doubt_sec == LATE_SEC - 1.0
    trust.lapsed()
    trust.late()
    assert trust.doubt_sec > LAPSE_SEC


def test_a_replugged_stick_begins_anew():
    trust = Trust()
    trust.lapsed()
    trust.forget()
    assert (trust.doubt_sec, trust.trials_left) == (0.0, 0)
