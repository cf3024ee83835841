# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which stick gets the next frame."""

from ncs_cluster_detector.policy.dispatch import choose_for_trial
from ncs_cluster_detector.policy.dispatch import choose_stick
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


def stick(number, outstanding=0, given_at=0.0, state=StickState.RUNNING):
    """Return a stick that holds some frames."""
    return StickStatus(number, state, outstanding=outstanding, last_given_at=given_at)


def test_the_emptiest_stick_is_taken():
    assert choose_stick([stick(0, 1), stick(1, 0), stick(2, 1)], 2) == 1


def test_among_equals_the_one_that_waited_longest_is_taken():
    assert choose_stick([stick(0, 1, 3.0), stick(1, 1, 2.0)], 2) == 1


def test_a_full_stick_is_not_taken():
    assert choose_stick([stick(0, 1)], 1) is None
    assert choose_stick([stick(0, 1)], 2) == 0
    assert choose_stick([stick(0, 2)], 2) is None


def test_only_running_sticks_are_taken():
    assert choose_stick([stick(0, state=StickState.STARTING)], 2) is None
    assert choose_stick([], 2) is None


def test_a_late_stick_takes_no_frame():
    assert choose_stick([stick(0, 1), stick(1, 1)], 2, late={0}) == 1
    assert choose_stick([stick(0, 1)], 2, late={0}) is None


def test_a_slow_stick_takes_one_frame_when_the_others_are_full():
    assert choose_stick([stick(0), stick(1, 1)], 2, slow={0}) == 1
    assert choose_stick([stick(0), stick(1, 2)], 2, slow={0}) == 0
    assert choose_stick([stick(0, 1), stick(1, 2)], 2, slow={0}) is None


def resting(number=0, **values):
    """Return a stick that rests, and was given its last frame at the time 10."""
    return StickStatus(number, StickState.RUNNING, **{'last_given_at': 10.0, **values})


@pytest.mark.parametrize('values, due_at', [
    ({}, None), ({'doubt_sec': 5.0}, 11.0), ({'trials_left': 1}, 10.0),
    ({'doubt_sec': 5.0, 'outstanding': 1}, None),
    ({'doubt_sec': 5.0, 'state': StickState.BACKOFF}, None)])
def test_a_resting_stick_in_doubt_is_tried(values, due_at):
    one = StickStatus(**{'number': 0, 'state': StickState.RUNNING, 'last_given_at': 10.0,
                         **values})
    for now in (10.0, 10.999, 11.0, 99.0):
        expected = 0 if due_at is not None and now >= due_at else None
        assert choose_for_trial(now, [one], (), (), ()) == expected


def test_who_works_is_late_or_not_in_doubt_is_not_tried():
    one = resting(doubt_sec=5.0)
    assert choose_for_trial(20.0, [one], (0,), (), ()) is None
    assert choose_for_trial(20.0, [one], (), (), {0}) is None
    assert choose_for_trial(20.0, [resting()], (), (), ()) is None
    assert choose_for_trial(20.0, [resting()], (), {0}, ()) == 0


def test_a_slow_one_is_tried_also_when_it_is_active_and_gets_nothing():
    assert choose_for_trial(20.0, [resting()], (0,), {0}, ()) == 0
    assert choose_for_trial(10.9, [resting()], (0,), {0}, ()) is None
    assert choose_for_trial(20.0, [resting(outstanding=1)], (0,), {0}, ()) is None


def test_those_that_have_yet_to_show_that_they_work_come_first_then_who_waited_longest():
    sticks = [resting(0, last_given_at=5.0), resting(1, last_given_at=4.0),
              resting(2, trials_left=1)]
    assert choose_for_trial(20.0, sticks, (), {0, 1}, ()) == 2
    assert choose_for_trial(20.0, sticks[:2], (), {0, 1}, ()) == 1
