# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When the reserve works: in invented time, on both sides of each boundary."""

from dataclasses import replace

from ncs_cluster_detector.policy.reliability.trust import TRIAL_PERIOD_SEC
from ncs_cluster_detector.policy.reserve import LOOK_SEC
from ncs_cluster_detector.policy.reserve import ReservePolicy
from ncs_cluster_detector.policy.reserve import RETURN_SEC
from ncs_cluster_detector.policy.reserve import START_SEC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest

RUNNING, STARTING, QUEUED = StickState.RUNNING, StickState.STARTING, StickState.QUEUED
AWAY = StickState.ABSENT
START = 1000.0
ALMOST = 1e-6
SETTINGS = Settings()


class Node:
    """A policy, and what the node tells it."""

    def __init__(self, settings=SETTINGS, usable=None):
        self.policy = ReservePolicy()
        self.settings = settings
        if usable is not None:   # a node whose sticks have all started
            self.at(0.0, *[RUNNING] * usable)

    def at(self, sec, *states, usable=None):
        """Return whether the reserve works so long after the start, with these sticks."""
        self.policy.update(START + sec, states,
                           states.count(RUNNING) if usable is None else usable, self.settings)
        return self.policy.works

    @property
    def due_sec(self):
        """Return when it must be asked next, after the start."""
        return self.policy.next_due() - START


def test_it_works_from_the_moment_at_which_too_few_sticks_are_usable():
    node = Node(usable=1)
    assert not node.policy.works
    assert node.due_sec == float('inf')
    assert node.at(60.0, AWAY)
    assert (node.policy.works_since, node.policy.uses, node.policy.usable) == (START + 60.0, 1, 0)
    assert node.at(61.0, StickState.BACKOFF)
    assert node.policy.works_since == START + 60.0


@pytest.mark.parametrize('below, usable, works', [
    (1, 1, False), (1, 0, True), (2, 2, False), (2, 1, True), (3, 3, False), (3, 2, True),
    (64, 63, True)])
def test_the_setting_is_the_least_number_that_is_enough(below, usable, works):
    node = Node(replace(SETTINGS, reserve_below=below), usable=64)
    assert node.at(60.0, *[RUNNING] * usable, AWAY) == works


def test_a_stick_that_runs_and_may_get_no_frames_does_not_count():
    node = Node(usable=1)
    assert node.at(60.0, RUNNING, usable=0)


def test_it_leaves_a_moment_after_enough_are_usable_again_and_says_when():
    node = Node(usable=1)
    node.at(60.0, AWAY)
    assert node.at(70.0, RUNNING)
    assert node.due_sec == 70.0 + RETURN_SEC
    assert RETURN_SEC < 1.0
    assert node.at(node.due_sec - ALMOST, RUNNING)
    assert node.due_sec == 70.0 + RETURN_SEC
    assert not node.at(node.due_sec, RUNNING)
    assert node.policy.works_since is None
    assert node.due_sec == float('inf')


def test_a_stick_that_comes_and_goes_is_one_use():
    node = Node(usable=1)
    pause = RETURN_SEC - 0.1
    for second in range(60, 90):
        assert node.at(second, AWAY)
        assert node.at(second + 0.1, RUNNING)
        assert node.at(second + 0.1 + pause, RUNNING)
    assert node.policy.uses == 1
    assert not node.at(90.0, RUNNING)
    assert node.at(91.0, AWAY)
    assert node.policy.uses == 2


def test_a_return_counts_from_the_latest_loss():
    node = Node(usable=1)
    node.at(60.0, AWAY)
    node.at(61.0, RUNNING)
    node.at(61.4, AWAY)
    assert node.at(61.0 + RETURN_SEC, RUNNING)
    assert node.at(61.0 + 2 * RETURN_SEC - ALMOST, RUNNING)
    assert not node.at(61.0 + 2 * RETURN_SEC, RUNNING)


def test_the_setting_can_change_at_any_time():
    node = Node(usable=2)
    assert not node.at(10.0, RUNNING, RUNNING)
    node.settings = replace(SETTINGS, reserve_below=3)
    assert node.at(11.0, RUNNING, RUNNING)
    node.settings = SETTINGS
    assert node.at(12.0, RUNNING, RUNNING)
    assert not node.at(12.0 + RETURN_SEC, RUNNING, RUNNING)


def test_it_does_not_work_while_detection_is_disabled():
    node = Node(usable=1)
    node.at(60.0, AWAY)
    node.settings = replace(SETTINGS, enabled=False)
    assert not node.at(61.0, AWAY)
    assert not node.at(99.0, AWAY)
    assert node.due_sec == float('inf')
    node.settings = SETTINGS
    assert node.at(100.0, AWAY)
    assert node.policy.works_since == START + 100.0


def test_what_was_leaving_when_detection_was_disabled_begins_anew():
    node = Node(usable=1)
    node.at(60.0, AWAY)
    node.at(61.0, RUNNING)
    node.settings = replace(SETTINGS, enabled=False)
    node.at(61.1, RUNNING)
    node.settings = SETTINGS
    assert node.at(70.0, AWAY)
    assert node.at(71.0, RUNNING)
    assert node.due_sec == 71.0 + RETURN_SEC


def test_sticks_that_start_for_the_first_time_get_their_time():
    node = Node()
    for second, states in enumerate([(), (QUEUED,), (STARTING,), (STARTING,)]):
        assert not node.at(second, *states)
    assert not node.at(3.5, RUNNING)
    assert node.at(3.6, AWAY)   # from now on there is no first start
    assert node.policy.uses == 1


def test_a_normal_start_one_after_another_does_not_call_it():
    node = Node(replace(SETTINGS, reserve_below=4))
    for number in range(4):   # far longer in all than a single start may take
        second = number * (START_SEC - 1.0)
        assert not node.at(second, *[RUNNING] * number, STARTING, *[QUEUED] * (3 - number))
    assert not node.at(4 * (START_SEC - 1.0), *[RUNNING] * 4)
    assert node.policy.uses == 0


def test_a_start_that_takes_too_long_calls_it_and_says_when():
    node = Node()
    assert not node.at(0.0, STARTING)
    assert node.due_sec == START_SEC
    assert not node.at(START_SEC - ALMOST, STARTING)
    assert node.at(START_SEC, STARTING)
    assert node.at(START_SEC + 1.0, STARTING)


def test_no_stick_at_the_start_calls_it_after_a_look_and_says_when():
    node = Node()
    assert not node.at(0.0)
    assert node.due_sec == LOOK_SEC
    assert not node.at(LOOK_SEC - ALMOST)
    assert node.at(LOOK_SEC)


def test_a_failed_first_start_calls_it_and_the_next_try_does_not_send_it_away():
    node = Node()
    assert not node.at(0.0, STARTING)
    assert node.at(LOOK_SEC + 1.0, StickState.BACKOFF)
    assert node.at(LOOK_SEC + 2.0, STARTING)
    assert node.policy.uses == 1


def test_sticks_that_do_not_exist_are_not_waited_for():
    node = Node(replace(SETTINGS, reserve_below=3))
    assert not node.at(0.0, STARTING, STARTING)
    assert not node.at(2.0, RUNNING, STARTING)
    assert not node.at(3.0, RUNNING, RUNNING)
    assert node.due_sec == 3.0 + LOOK_SEC
    assert node.at(3.0 + LOOK_SEC, RUNNING, RUNNING)


def test_a_first_start_while_disabled_ends_like_any_other():
    node = Node(replace(SETTINGS, enabled=False))
    assert not node.at(0.0, STARTING)
    assert not node.at(START_SEC, STARTING)
    node.settings = SETTINGS
    assert node.at(START_SEC + 0.1, STARTING)


def worker(recent_sec=None, outstanding=0, given_at=0.0, state=RUNNING):
    """Return the worker of the reserve as if it was a stick."""
    return StickStatus(-1, state, recent_sec=recent_sec, outstanding=outstanding,
                       last_given_at=START + given_at)


def beside(usable):
    """Return the policy of a reserve that works beside so many sticks."""
    node = Node(replace(SETTINGS, reserve_below=2), usable=2)
    assert node.at(60.0, *[RUNNING] * usable, AWAY)
    return node.policy


@pytest.mark.parametrize('usable, recent_sec, takes', [
    (0, None, True), (0, 9.0, True), (1, None, True), (1, 0.299, True), (1, 0.301, False),
    (1, 9.0, False)])
def test_beside_sticks_a_much_slower_one_takes_nothing(usable, recent_sec, takes):
    assert beside(usable).may_take(worker(recent_sec), 0.1) == takes


def test_a_much_slower_one_is_tried_once_a_second_beside_a_stick():
    policy, slow = beside(1), worker(9.0, given_at=100.0)
    assert not policy.may_try(START + 100.0 + TRIAL_PERIOD_SEC - ALMOST, slow, 0.1)
    assert policy.may_try(START + 100.0 + TRIAL_PERIOD_SEC, slow, 0.1)
    assert not policy.may_try(START + 200.0, replace(slow, outstanding=1), 0.1)
    assert not policy.may_try(START + 200.0, replace(slow, state=STARTING), 0.1)
    assert not policy.may_try(START + 200.0, worker(0.2, given_at=100.0), 0.1)
    assert not beside(0).may_try(START + 200.0, slow, 0.1)   # it takes frames as they come


def test_only_one_that_works_runs_and_has_no_frame_takes_one():
    policy = beside(0)
    assert policy.may_take(worker(), 0.1)
    assert not policy.may_take(worker(outstanding=1), 0.1)
    assert not policy.may_take(worker(state=STARTING), 0.1)
    resting = Node(usable=1).policy
    assert not resting.may_take(worker(), 0.1)
    assert not resting.may_try(START + 99.0, worker(9.0), 0.1)
