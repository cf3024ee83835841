# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Until when a worker must answer, at each step and in invented time."""

from types import SimpleNamespace

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.records import deadlines
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
import pytest

OPENING, BOOTED, OPENED = OpeningStep.OPENING, OpeningStep.BOOTED, OpeningStep.OPENED
STARTED_AT, STEP_AT = 100.0, 101.0
OPTIONS = SupervisorOptions(None, startup_timeout_sec=20.0, inference_timeout_sec=2.0)


def other(failures=0, slow=0):
    """Return what counts of the record of another stick."""
    return SimpleNamespace(setbacks=SimpleNamespace(failures=failures, slow=slow))


FRESH, FAILED, SLOW = other(), other(failures=1), other(failures=1, slow=1)


def record(step=None, failures=0, mute=0, slow=0):
    """Return the record of a stick that is being opened, at a step."""
    record = StickRecord(3, '1.2-ma2450', 0.0)
    record.setbacks.failures, record.setbacks.mute, record.setbacks.slow = failures, mute, slow
    record.on_start(SimpleNamespace(started_at=STARTED_AT, step=step, step_at=STEP_AT))
    return record


def of_start(longest_start_sec=None, others=(), options=OPTIONS, **about):
    """Return the deadline of a start."""
    return deadlines.of_start(record(**about), options, longest_start_sec, others,
                              any(one.setbacks.slow for one in others))


@pytest.mark.parametrize('others', [(), (FRESH,), (FRESH, FAILED)])
def test_before_the_first_step_only_the_whole_start_counts(others):
    assert of_start(None, others) == (120.0, 'not ready within 20 s (startup_timeout_ms)')
    assert of_start(1.5, others) == (
        104.5, 'not ready within 4.5 s (the longest start so far took 1.5 s)')


@pytest.mark.parametrize('others', [(), (FRESH,), (FRESH, FAILED)])
def test_networks_may_take_as_long_as_a_whole_start_to_load(others):
    assert of_start(None, others, step=OPENED)[0] == 120.0
    assert of_start(1.5, others, step=OPENED) == (
        STEP_AT + 3.0, 'its networks are not loaded within 3 s')
    assert of_start(4.0, others, step=OPENED)[0] == STEP_AT + 4.0
    assert of_start(4.0, others, step=OPENED, failures=5)[0] == STEP_AT + 8.0


@pytest.mark.parametrize('failures, longest_start_sec, at', [
    (0, 0.2, 104.0), (4, 3.0, 109.0), (5, 3.0, 118.0), (10, 3.0, 120.0)])
def test_patience_grows_with_the_longest_start_and_with_failures(failures, longest_start_sec, at):
    assert of_start(longest_start_sec, failures=failures)[0] == at


def test_what_the_user_sets_limits_it():
    options = SupervisorOptions(None, startup_timeout_sec=4.0)
    assert of_start(3.0, options=options) == (104.0, 'not ready within 4 s (startup_timeout_ms)')


@pytest.mark.parametrize('others', [(), (FRESH,)])
def test_a_boot_has_the_time_of_the_start_while_nobody_or_one_that_is_fresh_waits(others):
    assert of_start(None, others, step=OPENING)[0] == 120.0


@pytest.mark.parametrize('others', [(FAILED,), (FRESH, FRESH), (FRESH, FAILED)])
def test_a_boot_has_five_seconds_while_others_wait(others):
    assert of_start(None, others, step=OPENING) == (
        STEP_AT + 5.0, 'not back from its boot within 5 s, and others wait')
    assert restart.BOOT_SEC == 5.0


@pytest.mark.parametrize('longest_start_sec, others', [
    (None, (SLOW, FRESH)), (None, (SLOW, SLOW)), (1.5, (SLOW, SLOW)), (6.0, (FAILED, FRESH))])
def test_none_is_given_up_for_others_that_seem_as_slow(longest_start_sec, others):
    deadline, why = of_start(longest_start_sec, others, step=OPENING, slow=1, failures=1)
    assert deadline == 120.0, why


@pytest.mark.parametrize('others', [(), (FRESH,), (FRESH, FAILED)])
def test_after_its_boot_a_stick_has_three_seconds_to_answer_whoever_waits(others):
    assert of_start(None, others, step=BOOTED) == (
        STEP_AT + 3.0, 'it has booted, and has not answered for 3 s')
    assert restart.ANSWER_SEC == 3.0


@pytest.mark.parametrize('step', [OPENING, BOOTED])
def test_the_deadline_of_a_step_does_not_extend_that_of_the_start(step):
    options = SupervisorOptions(None, startup_timeout_sec=2.0)
    assert of_start(None, (FAILED,), options, step=step) == (
        102.0, 'not ready within 2 s (startup_timeout_ms)')


def test_one_that_was_slow_once_has_all_the_time_that_the_user_sets():
    assert of_start(1.5, slow=1, failures=1) == (
        120.0, 'not ready within 20 s (startup_timeout_ms)')
    assert of_start(1.5, (FRESH,), step=OPENING, slow=1, failures=1)[0] == 120.0
    # But not while others wait, nor again.
    assert of_start(1.5, (FRESH, FRESH), step=OPENING, slow=1, failures=1)[0] == STEP_AT + 5.0
    assert of_start(1.5, (FAILED,), slow=2, failures=2)[0] == 101.5
    # Unless nobody waits whom that would help.
    assert of_start(1.5, slow=2, failures=2)[0] == 120.0


@pytest.mark.parametrize('about', [{'mute': 1}, {'slow': 2}, {'mute': 1, 'slow': 1}])
@pytest.mark.parametrize('step', [None, OPENING, OPENED])
def test_one_that_holds_up_others_has_no_longer_than_the_longest_start(about, step):
    assert record(**about).setbacks.holds_up() == 1
    assert of_start(1.5, (FAILED,), step=step, failures=2, **about) == (
        101.5, 'not ready within 1.5 s, and others wait')
    # Alone, or before any was started, it has its time.
    assert of_start(1.5, step=step, failures=2, **about)[0] in (104.0, 104.5, 120.0)
    assert of_start(None, (FAILED,), step=step, failures=2, **about)[0] in (106.0, 120.0)


def test_one_that_failed_for_another_reason_holds_up_nobody():
    assert of_start(1.5, (FAILED,), failures=3)[0] == 104.5


def of_work(level=0, options=OPTIONS, heard_at=100.0, busy_since=None):
    """Return the deadline of a worker at work."""
    return deadlines.of_work(
        SimpleNamespace(heard_at=heard_at, busy_since=busy_since), options, level)


def test_a_worker_without_a_frame_must_give_temperatures():
    assert of_work() == (103.0, 'no temperature reading for 3 s')


@pytest.mark.parametrize('level, at', [(0, 92.0), (1, 92.1)])
def test_one_with_a_frame_must_give_a_result_pauses_apart(level, at):
    assert of_work(level, busy_since=90.0) == (
        pytest.approx(at), f'no result within {at - 90.0:g} s (inference_timeout_ms)')


def test_of_both_the_earlier_one_counts():
    assert of_work(2, busy_since=90.0) == (
        102.0, 'no result within 12 s (inference_timeout_ms)')
    assert of_work(2, busy_since=99.0) == (103.0, 'no temperature reading for 3 s')


def test_an_inference_that_may_take_longer_keeps_temperatures_waiting_as_well():
    options = SupervisorOptions(None, inference_timeout_sec=7.5)
    assert of_work(options=options) == (107.5, 'no temperature reading for 7.5 s')
    assert of_work(options=options, busy_since=99.0) == (
        106.5, 'no result within 7.5 s (inference_timeout_ms)')
