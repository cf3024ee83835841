# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is told of the reserve and of missing sticks: every level, message and line of the log."""

from dataclasses import replace

from ncs_cluster_detector.detector_node.stick_shortage import ReserveLog
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.supervision.reserve_pool import NO_WORKER
from ncs_cluster_detector.supervision.snapshot import ReserveSnapshot
import pytest
from supervisor_bench import Log
from test_diagnostics import cluster
from test_diagnostics import ERROR
from test_diagnostics import level_and_message
from test_diagnostics import NOW
from test_diagnostics import OK
from test_diagnostics import SETTINGS
from test_diagnostics import stick
from test_diagnostics import told
from test_diagnostics import WARN

AWAY = stick(active=False, state=StickState.ABSENT)


def reserve(state=StickState.RUNNING, works_sec=None, usable=1, has_begun=True, failure='',
            **changed):
    """Return the ReserveSnapshot of a made-up reserve; without a state it has no worker."""
    worker = NO_WORKER if state is None else replace(
        stick(number=-1, state=state, active=works_sec is not None), device_name='CPU-host',
        **changed)
    return ReserveSnapshot(worker, None if works_sec is None else NOW - works_sec,
                           int(works_sec is not None), usable, has_begun, failure)


def at_work(*sticks, below=1, **of_reserve):
    """Return a Snapshot of a cluster in which the reserve works."""
    return cluster(*sticks, settings=replace(SETTINGS, reserve_below=below),
                   reserve=reserve(**{'works_sec': 12.3, 'usable': 0, **of_reserve}))


def test_a_resting_reserve_changes_nothing_about_the_cluster():
    assert level_and_message(cluster(stick(), reserve=reserve())) == (
        OK, '1 of 1 sticks active, 23.5 of 24.0 images a second')
    assert level_and_message(cluster(AWAY, reserve=reserve())) == (
        ERROR, 'no stick is usable: stick 0 not plugged in')


@pytest.mark.parametrize('snapshot, level, message', [
    (at_work(AWAY), WARN, 'the reserve works, 0 of 1 stick usable: stick 0 not plugged in'),
    (at_work(), WARN, 'the reserve works, 0 of 0 sticks usable: no stick found: is one plugged in '
     '(lsusb shows 03e7) and not used by another program, its udev rule installed, the hub '
     'powered?'),
    (at_work(AWAY, state=StickState.STARTING), ERROR,
     'the reserve is not ready, 0 of 1 stick usable: stick 0 not plugged in'),
    (at_work(AWAY, stick(1), below=2, usable=1, state=StickState.STARTING), WARN,
     'the reserve is not ready, 1 of 2 sticks usable: stick 0 not plugged in'),
    (at_work(stick(celsius=75.0, active=False)), WARN,
     'the reserve works, 0 of 1 stick usable: stick 0 too hot (75.0 C)'),
    (at_work(*(replace(AWAY, status=replace(AWAY.status, number=number)) for number in range(6))),
     WARN, 'the reserve works, 0 of 6 sticks usable: stick 0 not plugged in, stick 1 not plugged '
     'in, stick 2 not plugged in, stick 3 not plugged in, 2 more'),
    (at_work(stick(), below=3, usable=1), WARN,
     'the reserve works, 1 of 1 stick usable: only 1 stick found')])
def test_a_reserve_at_work_is_told_with_what_is_missing(snapshot, level, message):
    assert level_and_message(snapshot) == (level, message)


@pytest.mark.parametrize('given, level, message', [
    (reserve(None, has_begun=False), OK, 'not loaded, starts when no stick is usable'),
    (reserve(None), OK, 'is being loaded'),
    (reserve(None, works_sec=1.0), WARN, 'needed, and is being loaded'),
    (reserve(StickState.STARTING), OK, 'is being loaded'),
    (reserve(StickState.QUEUED, works_sec=1.0), WARN, 'needed, and is being loaded'),
    (reserve(), OK, 'loaded, works when no stick is usable'),
    (reserve(works_sec=12.3), OK, 'works for 12 s, 0 of 1 stick usable'),
    (reserve(StickState.BACKOFF, works_sec=1.0, last_error='it fell'), ERROR,
     'waits for its next attempt, a matter of seconds; last error: it fell'),
    (reserve(None, failure='no such module; install it'), ERROR,
     'given up until the node is started again: no such module; install it')])
def test_the_status_of_the_reserve(given, level, message):
    status = told(cluster(AWAY, reserve=given))[1]
    assert status.name == 'detector: reserve'
    assert (status.level, status.message) == (level, message)


def test_its_values_are_those_of_a_stick_and_how_often_and_how_long_it_works():
    status = told(at_work(AWAY, below=3, works_sec=12.34, usable=1, inferences=99, frames_lost=2,
                          restarts=1))[1]
    stick_keys = [item.key for item in told(cluster(stick()))[1].values]
    values = {item.key: item.value for item in status.values}
    assert list(values)[:len(stick_keys)] == stick_keys
    assert status.hardware_id == 'CPU-host'
    assert values == {
        'active': 'true', 'state': 'RUNNING', 'temperature_celsius': 'unknown',
        'throttle_level': '0', 'duty_60s': '0.50', 'inferences': '99',
        'inference_ms_p50': '80.0', 'restarts': '1', 'last_error': '', 'pid': '4711',
        'frames_lost': '2', 'times_worked': '1', 'works_for_sec': '12.3', 'reserve_below': '3',
        'usable_sticks': '1'}


@pytest.mark.parametrize('given, state', [
    (reserve(None, has_begun=False), 'NOT_LOADED'), (reserve(None), 'STARTING'),
    (reserve(None, failure='x'), 'NOT_LOADED')])
def test_the_state_of_one_without_a_worker(given, state):
    status = told(cluster(stick(), reserve=given))[1]
    assert {item.key: item.value for item in status.values}['state'] == state
    assert status.hardware_id == 'reserve'


def test_without_a_reserve_there_is_no_status():
    assert [status.name for status in told(cluster(stick()))] == [
        'detector: cluster', 'detector: stick 0']


def test_the_log_tells_each_use_once_with_the_remedy_and_its_end():
    log = Log()
    reserve_log = ReserveLog(log, 'mvnc')
    reserve_log.note(cluster(stick()), NOW)
    rest = cluster(stick(), reserve=reserve(inferences=100))
    reserve_log.note(rest, NOW)
    assert log.lines == []
    for later in range(3):
        reserve_log.note(at_work(AWAY, works_sec=0.4 - later, inferences=110), NOW + later)
    assert log.lines == [('warning', (
        'the reserve works, 0 of 1 stick usable: stick 0 not plugged in, starts by itself when it '
        'is'))]
    back = replace(rest, reserve=replace(rest.reserve, uses=1, worker=replace(
        rest.reserve.worker, inferences=145)))
    for later in (4, 5):
        reserve_log.note(back, NOW + later)
    assert log.lines[1:] == [('info', (
        'the reserve rests again, 1 of 1 stick usable; it was needed for 4 s, and inferred 45 '
        'images'))]
    again = at_work(AWAY)
    reserve_log.note(replace(again, reserve=replace(again.reserve, uses=2)), NOW + 9)
    assert len(log.lines) == 3


def test_a_use_that_nobody_saw_is_not_logged():
    log = Log()
    reserve_log = ReserveLog(log, 'mvnc')
    reserve_log.note(cluster(stick(), reserve=replace(reserve(), uses=3)), NOW)
    reserve_log.note(cluster(stick(), reserve=replace(reserve(), uses=3)), NOW)
    assert log.lines == []


def test_the_default_is_that_it_works_when_no_stick_is_usable():
    assert Settings().reserve_below == 1
