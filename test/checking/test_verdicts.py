# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The verdicts on figures that were made up, and the thresholds."""

from ncs_cluster_detector.checking.history import Report
from ncs_cluster_detector.checking.statuses import ReportedStick
from ncs_cluster_detector.checking.verdicts import exit_code
from ncs_cluster_detector.checking.verdicts import gap_limit
from ncs_cluster_detector.checking.verdicts import judge
from ncs_cluster_detector.checking.verdicts import judge_failures
from ncs_cluster_detector.checking.verdicts import judge_replug_needed
from ncs_cluster_detector.checking.verdicts import judge_states
from ncs_cluster_detector.checking.verdicts import LIMITS
from ncs_cluster_detector.checking.verdicts import NOT_OK
from ncs_cluster_detector.checking.verdicts import OK
from ncs_cluster_detector.checking.verdicts import skipped
from ncs_cluster_detector.checking.verdicts import slow_sticks
import pytest


def stick(number, state='RUNNING', restarts=0, last_error=''):
    """Return a ReportedStick."""
    return ReportedStick(number, f'1.{number + 1}-ma2450', state, True, 40.0, 0, 10, 100.0,
                         restarts, last_error, 1234)


def report(*sticks, time_sec=0.0):
    """Return a Report with sticks."""
    return Report(time_sec, 'heat', '', sticks)


@pytest.mark.parametrize('name', LIMITS)
def test_a_figure_at_its_limit_is_ok_and_one_beyond_is_not(name):
    limit = LIMITS[name]
    beyond = limit.bound + (-0.01 if limit.at_least else 0.01)
    assert judge('step', 'what', limit.bound, name).text() == OK
    assert judge('step', 'what', beyond, name).outcome == NOT_OK
    assert limit.reason


def test_the_text_of_a_verdict():
    assert judge('end', 'time to stop', 4.2, 'stop_sec').text() == 'ok'
    assert judge('end', 'time to stop', 6.25, 'stop_sec').text() == (
        'not ok: 6.25 s, expected at most 5 s')
    assert judge('end', 'time to stop', None, 'stop_sec', 'look at it').text() == (
        'not ok: it did not happen, expected at most 5 s; look at it')
    assert skipped('unplug', 'replug', 'no hands').text() == 'skipped: no hands'


def test_what_sticks_are_not_well_is_named():
    assert [found.outcome for found in judge_states('start', (stick(0), stick(1)))] == [OK]
    found, = judge_states('start', (stick(0), stick(1, 'FATAL', last_error='no power')))
    assert found.what == 'stick 1 at port 1.2 runs'
    assert found.text() == ('not ok: FATAL (no power), expected RUNNING; unplug it and plug it '
                            'in again')


def test_a_dead_stick_is_named_once_with_the_remedy():
    reports = [report(stick(0), stick(1, 'DEAD'))] * 3 + [report(stick(0), stick(1))]
    found, = judge_replug_needed(reports)
    assert 'stick 1 at port 1.2' in found.what
    assert found.outcome == NOT_OK
    assert 'unplug it and plug it in again' in found.text()
    assert judge_states('start', reports[0].sticks) == []   # or else it would be named twice


def test_sticks_that_fail_by_themselves_are_named():
    steady = [report(stick(0, restarts=3)), report(stick(0, restarts=3))]
    assert [found.outcome for found in judge_failures('heat', steady)] == [OK]
    failing = [report(stick(0, restarts=3)), report(stick(0, restarts=5, last_error='gone'))]
    found, = judge_failures('heat', failing)
    assert found.text().startswith('not ok: it failed 2 times (gone)')


@pytest.mark.parametrize('inference_ms, slow', [
    ({0: 100.0, 1: 104.0, 2: 131.0}, [2]),
    ({0: 100.0, 1: 104.0, 2: None}, []),
    ({0: 100.0, 1: 200.0}, [1]),
    ({0: 100.0}, []),
    ({}, [])])
def test_slow_sticks(inference_ms, slow):
    assert slow_sticks(inference_ms) == slow


def test_with_one_stick_a_gap_may_be_as_long_as_its_restart():
    assert LIMITS[gap_limit(2)].bound == 1.0
    assert LIMITS[gap_limit(1)].bound > LIMITS['back_after_kill_sec'].bound


def test_the_exit_code():
    good, bad = judge('end', '', 1.0, 'stop_sec'), judge('end', '', 9.0, 'stop_sec')
    left_out = skipped('unplug', '', 'no hands')
    assert exit_code([good, left_out], was_interrupted=False) == 0
    assert exit_code([good, bad], was_interrupted=False) == 1
    assert exit_code([good], was_interrupted=True) == 1
