# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The life of a stick's record, one transition after the other, in invented time."""

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.reliability.presence import AWAY_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.records import deadlines
from ncs_cluster_detector.supervision.records.setbacks import Cause
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import DeadStick
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import Result
import pytest

OPENING, BOOTED, OPENED = OpeningStep.OPENING, OpeningStep.BOOTED, OpeningStep.OPENED
NAME = '1.2-ma2450'
PLUGGED = {'1.2': NAME}
BOOTED_NOW = {'1.2': '1.2-'}
RESULT = Result(1, (), 0, 0.1, 0.0)
DEAD = {'1.2': DeadStick('1.2', 300.0)}


class Handle:
    """A worker of which only the figures matter."""

    pid = 4711
    started_at = 0.0
    heard_at = 0.0
    busy_since = None
    step, step_at = None, 0.0
    outstanding = ()


@pytest.fixture
def record():
    """Return the record of stick 3, known since second 100."""
    return StickRecord(3, NAME, 100.0)


def fail_and_end(record, now, text='hung'):
    record.on_start(Handle())
    record.on_failure(text, now)
    record.on_end()


def test_it_waits_for_its_first_worker_which_is_due_at_once(record):
    assert record.state is StickState.BACKOFF
    assert record.waits_until() == 100.0
    assert record.status(100.0).state is StickState.QUEUED


@pytest.mark.parametrize('fatal', [False, True])
def test_after_a_failure_it_is_queued_from_when_a_worker_is_due_until_it_has_one(record, fatal):
    for _ in range(restart.BUDGET if fatal else 1):
        fail_and_end(record, 200.0)
    waits, due_at = record.state, record.waits_until()
    assert waits is (StickState.FATAL if fatal else StickState.BACKOFF)
    assert record.status(due_at - 0.01).state is waits
    assert record.status(due_at).state is StickState.QUEUED
    assert record.snapshot(due_at + 9.0, active=False).status.state is StickState.QUEUED
    record.on_start(Handle())
    assert record.status(due_at + 9.0).state is StickState.STARTING


def test_one_that_another_program_has_waits_for_that_and_for_no_turn(record):
    record.in_use = True
    assert record.status(900.0).state is StickState.BACKOFF


def test_backoff_to_starting_to_running(record):
    record.on_start(Handle())
    assert record.state is StickState.STARTING
    assert record.waits_until() is None
    record.on_ready(101.0)
    assert record.state is StickState.RUNNING
    assert record.snapshot(101.0, active=True).pid == 4711


@pytest.mark.parametrize('runs', [False, True])
def test_a_failure_is_stopping_until_the_process_is_gone_then_backoff(record, runs):
    record.on_start(Handle())
    if runs:
        record.on_ready(101.0)
    plan = record.on_failure('lost', 200.0)
    assert (record.state, record.handle) == (StickState.STOPPING, None)
    assert record.waits_until() is None
    record.on_end()
    assert record.state is StickState.BACKOFF
    assert record.waits_until() == 200.0 + plan.delay_sec
    assert (record.restarts, record.last_error) == (1, 'lost')


def test_the_delay_grows_until_the_budget_is_used_up_and_the_reason_is_kept(record):
    waits = []
    for failure in range(restart.BUDGET):
        fail_and_end(record, 1000.0 * failure, f'failure {failure}')
        waits.append(record.waits_until() - 1000.0 * failure)
    assert waits[:4] == [0.5, 1.0, 1.5, 1.5]
    assert waits[-1] == restart.REST_SEC
    assert record.state is StickState.FATAL
    assert record.snapshot(0.0, active=False).last_error == f'failure {restart.BUDGET - 1}'


def test_a_fatal_stick_is_tried_again_after_its_rest_and_rests_again_if_that_fails(record):
    for _ in range(restart.BUDGET):
        fail_and_end(record, 500.0)
    record.on_start(Handle())
    assert record.state is StickState.STARTING
    record.on_failure('again', 900.0)
    record.on_end()
    assert (record.state, record.waits_until()) == (StickState.FATAL, 900.0 + restart.REST_SEC)


def refuse_and_end(record, now, status='OUT_OF_MEMORY'):
    record.on_start(Handle())
    record.on_failure(f'loading graph 0 on stick {record.name_now}: {status}', now, Cause.REFUSAL)
    record.on_end()


def test_one_that_refuses_the_networks_is_tried_again_for_ever_and_counts_no_failure(record):
    waits = []
    for second in range(200, 200 + 3 * restart.BUDGET):
        refuse_and_end(record, second)
        waits.append(record.waits_until() - second)
    assert waits[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert set(waits[6:]) == {10.0}
    assert (record.state, record.setbacks.failures) == (StickState.BACKOFF, 0)
    assert (record.restarts, record.setbacks.tries()) == (60, 60)


def test_refusals_are_counted_by_reason_without_the_name_of_the_stick(record):
    other = StickRecord(4, '1.3-ma2480', 100.0)
    for stick in (record, other):
        refuse_and_end(stick, 200.0)
    assert record.setbacks.refusals == other.setbacks.refusals
    refuse_and_end(record, 201.0, 'UNSUPPORTED_GRAPH_FILE')
    refuse_and_end(record, 202.0)
    assert list(record.setbacks.refusals.values()) == [2, 1]
    assert record.waits_until() == 204.0   # the third of them


def test_one_that_loads_the_networks_has_refused_nothing(record):
    refuse_and_end(record, 200.0)
    record.on_start(Handle())
    record.on_ready(210.0)
    assert record.setbacks.tries() == 0


def test_one_that_another_program_took_first_has_not_failed(record):
    record.on_start(Handle())
    record.on_taken(200.0)
    assert (record.state, record.handle) == (StickState.STOPPING, None)
    record.on_end()
    assert (record.state, record.waits_until()) == (StickState.BACKOFF, None)
    assert (record.setbacks.tries(), record.restarts, record.last_error) == (0, 0, '')
    assert record.snapshot(200.0, active=False).in_use
    record.on_listing(BOOTED_NOW, 201.0, {})
    assert record.waits_until() is None
    record.on_listing(PLUGGED, 202.0, {})
    assert record.waits_until() == 202.0
    assert not record.snapshot(202.0, active=False).in_use


@pytest.mark.parametrize('is_first, waits_until', [(True, None), (False, 300.5)])
def test_only_a_first_list_tells_what_another_program_has(record, is_first, waits_until):
    fail_and_end(record, 300.0)   # killed, it is left booted until the bus is cleaned
    record.on_listing(BOOTED_NOW, 300.1, {}, is_first)
    assert record.waits_until() == waits_until


def test_one_that_was_given_up_and_works_for_another_program_has_its_first_chances(record):
    for _ in range(restart.BUDGET):
        fail_and_end(record, 200.0)
    record.on_listing(BOOTED_NOW, 201.0, {}, is_first=True)
    assert record.state is StickState.BACKOFF
    record.on_listing(PLUGGED, 210.0, {})
    fail_and_end(record, 211.0)
    assert record.waits_until() == 211.5


def test_a_result_wipes_the_failures_out(record):
    for _ in range(5):
        fail_and_end(record, 200.0)
    record.on_start(Handle())
    record.on_ready(101.0)
    record.figures.on_frame_sent(209.9)
    record.on_result(Result(1, (), 2, 0.065, 210.0), 210.0)
    record.on_failure('later', 220.0)
    record.on_end()
    assert record.waits_until() == 220.5
    snapshot = record.snapshot(221.0, active=False)
    assert (snapshot.restarts, snapshot.inferences, snapshot.unusable_boxes) == (6, 1, 2)


@pytest.mark.parametrize('failures', [1, restart.BUDGET])
def test_unplugged_it_is_absent_and_due_at_once_when_it_is_back(record, failures):
    for _ in range(failures):
        fail_and_end(record, 200.0)
    record.on_listing({}, 201.0, {})
    assert record.state is StickState.ABSENT
    assert record.state is StickState.ABSENT
    assert record.waits_until() is None
    record.on_listing(PLUGGED, 250.0, {})
    assert (record.state, record.waits_until()) == (StickState.BACKOFF, 250.0)


def give_up(record):
    for _ in range(restart.BUDGET):
        fail_and_end(record, 200.0)


def rest_long(record):
    for _ in range(5):
        handle = Handle()
        handle.step, handle.step_at = BOOTED, 190.0
        record.on_start(handle)
        record.on_failure('mute', 200.0)
        record.on_end()


def refuse_often(record):
    for _ in range(10):
        refuse_and_end(record, 200.0)


@pytest.mark.parametrize('trouble', [give_up, rest_long, refuse_often])
@pytest.mark.parametrize('is_calm, away_sec, by_a_hand', [
    (True, 1.0, True),
    (False, AWAY_SEC, True),
    (False, AWAY_SEC - 0.1, False)])
def test_a_hand_gives_it_its_first_chances_again(record, trouble, is_calm, away_sec, by_a_hand):
    trouble(record)
    record.on_listing({}, 201.0, {}, is_calm=is_calm)
    record.on_listing({}, 201.5, {})   # that it is still away says nothing
    record.on_listing(PLUGGED, 201.0 + away_sec, {})
    assert record.waits_until() == 201.0 + away_sec
    fail_and_end(record, 210.0)
    assert (record.waits_until() == 210.5) is by_a_hand or trouble is refuse_often
    assert (record.setbacks.tries() == 1) is by_a_hand


def test_one_that_falls_off_the_bus_at_work_is_not_touched_by_a_hand(record):
    for _ in range(3):
        fail_and_end(record, 200.0)
    record.on_start(Handle())
    record.on_ready(210.0)
    record.on_listing({}, 210.5, {})   # before its worker has noticed
    record.on_failure('lost', 210.6)
    record.on_end()
    record.on_listing(PLUGGED, 212.0, {})
    assert record.setbacks.failures == 4


def test_a_stick_in_its_place_starts_afresh_and_its_figures_go_on(record):
    give_up(record)
    record.on_listing({}, 201.0, {})
    record.on_move('1.7-ma2480', 210.0)
    assert (record.port, record.name_now) == ('1.7', '1.7-ma2480')
    assert (record.state, record.waits_until()) == (StickState.BACKOFF, 210.0)
    assert (record.setbacks.failures, record.last_error) == (0, '')
    assert not record.presence.is_away(300.0)
    assert record.restarts == restart.BUDGET


@pytest.mark.parametrize('state', [StickState.STARTING, StickState.RUNNING, StickState.STOPPING])
def test_a_list_without_it_says_nothing_about_a_stick_with_a_worker(record, state):
    record.on_start(Handle())
    if state is StickState.RUNNING:
        record.on_ready(101.0)
    if state is StickState.STOPPING:
        record.on_failure('lost', 200.0)
    record.on_listing({}, 201.0, {})
    assert record.state is state


def test_it_keeps_its_full_name_while_it_is_listed_without_its_chip(record):
    record.on_listing({'1.2': '1.2-'}, 101.0, {})
    assert (record.device_name, record.name_now) == (NAME, '1.2-')
    record.on_listing({'1.2': '1.2-ma2480'}, 102.0, {})   # another stick in the same port
    assert (record.device_name, record.name_now) == ('1.2-ma2480', '1.2-ma2480')


def test_stopping_ends_every_state(record):
    record.on_stop()
    assert record.state is StickState.STOPPING
    assert record.waits_until() is None


def test_a_worker_in_start_up_has_a_deadline_of_its_own(record):
    record.on_start(Handle())
    at, text = deadlines.of_start(
        record, SupervisorOptions(None, startup_timeout_sec=7.0), None, ())
    assert at == 7.0
    assert 'startup_timeout_ms' in text


def test_a_running_worker_owes_a_result_or_at_least_a_temperature(record):
    handle = Handle()
    handle.heard_at = 10.0
    record.on_start(handle)
    record.on_ready(101.0)
    options = SupervisorOptions(None, inference_timeout_sec=1.5)
    assert deadlines.of_work(handle, options, 0) == (13.0, 'no temperature reading for 3 s')
    handle.busy_since = 10.5
    at, text = deadlines.of_work(handle, options, 0)
    assert at == 12.0
    assert 'inference_timeout_ms' in text


@pytest.mark.parametrize('level, pause_sec', [(0, 0.0), (1, 0.1), (2, 10.0)])
def test_the_pauses_of_a_throttled_stick_are_granted(record, level, pause_sec):
    handle = Handle()
    handle.heard_at, handle.busy_since = 100.0, 90.0
    record.on_start(handle)
    record.on_ready(101.0)
    record.on_reading(Reading(96.0, level, 100.0))
    handle.outstanding = (1,)
    record.on_reading(Reading(60.0, 0, 101.0))   # it has begun, and ends as it was
    at, _ = deadlines.of_work(
        handle, SupervisorOptions(None, inference_timeout_sec=2.0), record.figures.pause_level)
    assert at == 92.0 + pause_sec


def test_a_start_that_takes_far_longer_than_others_is_given_up_early(record):
    record.on_start(Handle())
    assert deadlines.of_start(record, SupervisorOptions(None), 1.5, ()) == (
        4.5, 'not ready within 4.5 s (the longest start so far took 1.5 s)')


def test_a_resting_stick_is_well_when_it_has_given_temperatures_for_a_while(record):
    for _ in range(5):
        fail_and_end(record, 200.0)
    record.on_start(Handle())
    record.on_ready(300.0)
    record.on_reading(Reading(30.0, 0, 301.9))
    assert record.setbacks.failures == 5
    record.on_reading(Reading(30.0, 0, 302.0))
    assert record.setbacks.failures == 0


def test_temperatures_do_not_make_well_what_fails_at_work(record):
    for failure in range(1, 4):
        handle = Handle()
        record.on_start(handle)
        record.on_ready(300.0)
        record.on_reading(Reading(30.0, 0, 309.0))
        handle.outstanding = (1, 2)
        record.on_failure('no result', 310.0)
        record.on_end()
        assert record.setbacks.failures == failure


def test_the_temperature_goes_with_the_worker(record):
    record.on_start(Handle())
    record.on_ready(101.0)
    record.on_reading(Reading(55.0, 1, 200.0))
    assert (record.status(0.0).celsius, record.status(0.0).throttle_level) == (55.0, 1)
    record.on_failure('lost', 201.0)
    assert (record.status(0.0).celsius, record.status(0.0).throttle_level) == (None, 0)


@pytest.mark.parametrize('before', [StickState.BACKOFF, StickState.FATAL, StickState.ABSENT])
def test_a_waiting_one_that_does_not_answer_is_dead_until_it_is_reset(record, before):
    if before is StickState.FATAL:
        for _ in range(restart.BUDGET):
            fail_and_end(record, 200.0)
    if before is StickState.ABSENT:
        record.on_listing({}, 250.0, {})
    assert record.state is before
    assert record.on_listing(BOOTED_NOW, 301.0, DEAD)
    assert record.state is StickState.DEAD
    assert record.waits()
    assert record.state is not StickState.ABSENT
    assert record.waits_until() is None
    snapshot = record.snapshot(302.0, active=False)
    assert (snapshot.dead_since, snapshot.start_at) == (300.0, None)
    # It has to wait, for no hand was on it.
    assert not record.on_listing(PLUGGED, 303.0, {})
    due_at = 301.0 + restart.FIRST_HOLD_UP_DELAY_SEC
    assert (record.state, record.waits_until()) == (StickState.BACKOFF, due_at)
    snapshot = record.snapshot(303.0, active=False)
    assert (snapshot.dead_since, snapshot.start_at) == (None, due_at)


@pytest.mark.parametrize('state', [StickState.STARTING, StickState.RUNNING, StickState.STOPPING])
def test_one_with_a_worker_is_not_dead(record, state):
    record.on_start(Handle())
    if state is StickState.RUNNING:
        record.on_ready(101.0)
    if state is StickState.STOPPING:
        record.on_failure('lost', 200.0)
    assert not record.on_listing(BOOTED_NOW, 301.0, DEAD)
    assert record.state is state


def test_a_dead_one_that_is_gone_is_absent(record):
    record.on_listing(BOOTED_NOW, 301.0, DEAD)
    record.on_listing({}, 320.0, {})
    assert record.state is StickState.ABSENT
    record.on_listing(PLUGGED, 330.0, {})
    assert (record.state, record.waits_until()) == (StickState.BACKOFF, 330.0)


def test_that_it_is_dead_is_news_once_until_it_has_run(record):
    assert record.on_listing(BOOTED_NOW, 301.0, DEAD)
    assert not record.on_listing(BOOTED_NOW, 302.0, DEAD)
    record.on_listing(PLUGGED, 303.0, {})
    again = {'1.2': DeadStick('1.2', 310.0)}
    assert not record.on_listing(BOOTED_NOW, 311.0, again)
    record.on_listing(PLUGGED, 320.0, {})
    record.on_start(Handle())
    record.on_ready(321.0)
    record.on_failure('lost', 322.0)
    record.on_end()
    assert record.on_listing(BOOTED_NOW, 325.0, {'1.2': DeadStick('1.2', 324.0)})


def test_each_death_makes_it_wait_longer_until_it_is_well(record):
    waits = []
    for death in range(3):
        dead = {'1.2': DeadStick('1.2', 300.0 + 100.0 * death)}
        for after_sec in (1.0, 2.0, 3.0):   # listed again and again
            record.on_listing(BOOTED_NOW, 300.0 + 100.0 * death + after_sec, dead)
        record.on_listing(PLUGGED, 300.0 + 100.0 * death + 10.0, {})
        waits.append(record.waits_until() - (301.0 + 100.0 * death))
    assert (waits, record.setbacks.holds_up()) == ([5.0, 10.0, 20.0], 3)
    record.on_start(Handle())
    record.on_ready(600.0)
    record.figures.on_frame_sent(600.9)
    record.on_result(Result(1, (), 0, 0.065, 601.0), 601.0)
    assert record.setbacks.holds_up() == 0


def test_a_dead_one_that_leaves_the_bus_by_a_reset_was_not_replugged(record):
    record.on_listing(BOOTED_NOW, 301.0, DEAD)
    record.on_listing({}, 302.0, DEAD)   # it is on its way back
    record.on_listing(PLUGGED, 303.0, {})
    assert record.setbacks.holds_up() == 1


def test_a_dead_one_that_was_replugged_is_due_at_once_and_holds_up_nobody(record):
    record.on_listing(BOOTED_NOW, 301.0, DEAD)
    assert record.setbacks.holds_up() == 1
    record.on_replug(303.0)
    record.on_listing(PLUGGED, 303.5, {})
    assert (record.state, record.waits_until(), record.setbacks.holds_up()) == (
        StickState.BACKOFF, 303.0, 0)


@pytest.mark.parametrize('step, held_up_sec, mute, slow', [
    (BOOTED, restart.HELD_UP_SEC, 1, 0),
    (BOOTED, restart.HELD_UP_SEC - 0.1, 0, 0),
    (OPENING, restart.HELD_UP_SEC, 0, 1),
    (OPENING, restart.HELD_UP_SEC - 0.1, 0, 0),
    (OPENED, 60.0, 0, 0),
    (None, 60.0, 0, 0)])
def test_a_start_has_held_up_the_others_when_it_stood_still(record, step, held_up_sec, mute, slow):
    handle = Handle()
    handle.step, handle.step_at = step, 200.0
    record.on_start(handle)
    plan = record.on_failure('not ready', 200.0 + held_up_sec)
    assert (record.setbacks.mute, record.setbacks.slow) == (mute, slow)
    assert plan.delay_sec == (restart.FIRST_HOLD_UP_DELAY_SEC if mute else restart.FIRST_DELAY_SEC)


def test_one_that_was_slow_to_boot_once_may_be_in_time_the_next_time(record):
    holds_up = []
    for _ in range(3):
        handle = Handle()
        handle.step, handle.step_at = OPENING, 200.0
        record.on_start(handle)
        record.on_failure('not ready', 205.0)
        record.on_end()
        holds_up.append(record.setbacks.holds_up())
    assert holds_up == [0, 1, 2]


def fail_at_work(record, now, **named):
    """Let a stick run, give one good result and fail; return how long it rests."""
    record.on_start(Handle())
    record.on_ready(now)
    record.figures.on_frame_sent(now)
    record.on_result(RESULT, now)
    return record.on_failure('hung', now, **named).delay_sec


def test_one_that_hangs_at_work_again_and_again_rests_longer_whatever_it_did_in_between(record):
    rests = []
    for failure in range(10):
        rests.append(fail_at_work(record, 1000.0 * failure))
        record.on_end()
    assert rests[0] == 0.5
    assert all(later > 1.5 * rest for rest, later in zip(rests, rests[1:7]))
    assert record.state is StickState.FATAL
    assert rests[-1] == restart.REST_SEC


def test_one_whose_process_is_killed_is_back_soon_each_time(record):
    for failure in range(30):
        rest_sec = fail_at_work(record, 1000.0 * failure, cause=Cause.KILLED)
        assert rest_sec == restart.FIRST_DELAY_SEC
        record.on_end()
    assert record.setbacks.trust.doubt_sec > 0.0
    assert record.setbacks.trust.trials_left


def test_a_failed_start_says_nothing_about_its_work(record):
    fail_and_end(record, 200.0)
    assert record.setbacks.trust.doubt_sec == 0.0


def test_the_policies_are_told_how_far_it_is_trusted_and_since_when_it_owes_a_result(record):
    assert fail_at_work(record, 200.0) > 0
    record.on_end()
    status = record.status(300.0)
    assert (status.doubt_sec, status.trials_left) == (
        record.setbacks.trust.doubt_sec, record.setbacks.trust.trials_left)
    assert status.busy_since is None
    record.on_start(Handle())
    record.handle.busy_since = 250.0
    assert record.status(300.0).busy_since == 250.0


def test_a_hand_makes_it_trusted_again(record):
    fail_at_work(record, 200.0)
    record.on_end()
    record.on_listing({}, 201.0, {})
    record.on_listing(PLUGGED, 300.0, {})
    assert (record.setbacks.trust.doubt_sec, record.setbacks.trust.trials_left) == (0.0, 0)


def test_a_restart_that_is_wanted_costs_no_trust(record):
    assert fail_at_work(record, 200.0, cause=Cause.WANTED) == restart.FIRST_DELAY_SEC
    assert (record.setbacks.trust.doubt_sec, record.setbacks.trust.trials_left) == (0.0, 0)


def test_results_that_are_heard_at_once_took_the_time_that_the_worker_tells(record):
    record.on_start(Handle())
    record.on_ready(100.0)
    for given_at in (100.0, 100.1, 100.2):
        record.figures.on_frame_sent(given_at)
    for sequence, finished_at in enumerate((100.1, 100.2, 100.3)):
        record.on_result(Result(sequence, (), 0, 0.1, finished_at), 100.9)
    assert record.status(100.9).recent_sec == pytest.approx(0.1)
