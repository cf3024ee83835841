# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Diagnostics, picture, log and service tell alike why a stick rests, in invented time."""

from dataclasses import replace
import random

from diagnostic_msgs.msg import DiagnosticStatus
from made_up_figures import one_camera
from ncs_cluster_detector.detector_node.annotated_image import strip_content_of
from ncs_cluster_detector.detector_node.diagnostics import statuses
from ncs_cluster_detector.detector_node.explanations import explain_switch
from ncs_cluster_detector.detector_node.explanations import short_reason
from ncs_cluster_detector.detector_node.explanations import switch_answer
from ncs_cluster_detector.detector_node.heat_explanation import HeatLog
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
import pytest

SETTINGS = Settings(cluster_size=1, cluster_switch_cycle_ms=0, switch_temperature=65.0,
                    resume_margin=5.0, critical_margin=10.0)
RUNNING = StickState.RUNNING


class Cluster:
    """A ClusterControl, and what it makes of sticks, as the supervisor writes it down."""

    def __init__(self, settings=SETTINGS):
        self.control, self.settings, self.now = ClusterControl(), settings, 0.0

    def update(self, now, *sticks, requested=False):
        """Ask for the decision; return it."""
        self.now, self.sticks = now, sticks
        return self.control.update(now, sticks, self.settings, requested)

    def snapshot(self):
        """Return the Snapshot after the latest decision."""
        control = self.control
        sticks = tuple(StickSnapshot(
            stick, f'1.{stick.number + 1}-ma2450', stick.number in control.active, 0.5, 7, 0,
            0.08, 0, 'hung', 4711, condition=control.condition(stick)) for stick in self.sticks)
        return Snapshot(
            self.settings, sticks, control.active, len(control.active),
            control.all_hot, control.heat_advice(self.settings), control.at_full_speed,
            control.sustainable_size(self.settings), control.switches,
            control.last_switch_reason, **one_camera(self.now))

    def told(self):
        """Return the statuses of cluster and sticks, and the marks of the sticks."""
        snapshot = self.snapshot()
        return (statuses(snapshot, 'mvnc', self.now, [Intake('/image_raw')]),
                strip_content_of(snapshot).marks)


def stick(number=1, celsius=40.0, measured_at=9.5, state=RUNNING, **figures):
    return StickStatus(number, state, celsius, measured_at, **figures)


def resting(target, *before):
    """Return a Cluster in which a cool stick works, and another one rests after all this."""
    cluster = Cluster()
    for moment, one in enumerate((*before, target)):
        now = 10.0 - len(before) + moment
        others = [stick(number, 30.0 + number, now - 0.5, recent_sec=0.1)
                  for number in (0, 2, 3)]
        parked = [replace(other, state=StickState.ABSENT) for other in others[1:]]
        # Two more to compare its speed with, which do not run otherwise.
        with_all = one.recent_sec is not None
        cluster.update(now, others[0], one, *(others[1:] if with_all else parked))
    assert 1 not in cluster.control.active
    return cluster


HOT = stick(celsius=66.0, measured_at=8.5)
# What it is called: by itself, by the cluster, by the service; and whether it is marked as hot.
SITUATIONS = [
    (Reason.CRITICAL, resting(stick(celsius=75.0)), 'too hot, until 60.0', 'too hot (75.0 C)',
     'is too hot (75.0 C, returns below 60.0 C)', True),
    (Reason.THROTTLES, resting(stick(throttle_level=2)), 'throttles itself', 'throttles itself',
     'throttles itself (level 2)', False),
    (Reason.LATE, resting(stick(busy_since=2.0)), 'no answer', 'no answer',
     'has not answered in time',
     False),
    (Reason.UNPROVEN, resting(stick(trials_left=3, doubt_sec=30.0)), 'on trial',
     'on trial after a failure', 'has failed, and given no results since', False),
    (Reason.UNKNOWN_TEMPERATURE, resting(stick(celsius=None)), 'no temperature',
     'no temperature', 'gives no temperature', False),
    # Too old, and it was hot.
    (Reason.UNKNOWN_TEMPERATURE, resting(stick(celsius=66.0, measured_at=6.5)), 'no temperature',
     'no temperature', 'gives no temperature', False),
    # One that is slow as well is too hot first of all, for the service too.
    (Reason.HOT, resting(stick(celsius=66.0, recent_sec=0.25, measured_at=9.9)),
     'hot, until 60.0', 'hot (66.0 C)', 'is too hot (66.0 C, returns below 60.0 C)', True),
    (Reason.COOLING, resting(stick(celsius=62.0), HOT), 'hot, until 60.0', 'cooling (62.0 C)',
     'is too hot (62.0 C, returns below 60.0 C)', False),
    (Reason.USELESS, resting(stick(recent_sec=0.4)), 'slow', 'much slower than the others',
     'is too slow', False),
    (Reason.SLOW, resting(stick(recent_sec=0.25)), 'slow', 'slower than the others',
     'is slower than the others', False),
    (Reason.DOUBTED, resting(stick(doubt_sec=30.0)), 'in doubt', 'in doubt',
     'is in doubt: it failed or was late just now', False),
]


@pytest.mark.parametrize('reason, cluster, rests, missing, refused, is_hot', SITUATIONS,
                         ids=[f'{row[0].name}-{row[3]}' for row in SITUATIONS])
def test_all_tell_the_same_of_a_stick_that_rests(
        reason, cluster, rests, missing, refused, is_hot):
    (_, _, status, *_), (_, mark, *_) = cluster.told()
    shown = cluster.snapshot().sticks[1]
    assert shown.condition.reason is reason
    assert status.message.startswith(f'resting ({rests})')
    assert short_reason(shown, SETTINGS) == missing
    assert mark.hot == is_hot
    assert mark.works and not mark.active
    values = {item.key: item.value for item in status.values}
    assert values['temperature_celsius'] == (
        'unknown' if mark.celsius is None else f'{mark.celsius:.1f}')
    if is_hot:
        assert status.level != DiagnosticStatus.OK
    decision = cluster.update(
        cluster.now, *(replace(one, state=StickState.ABSENT) if one.number > 1 else one
                       for one in cluster.sticks), requested=True)
    if reason not in (Reason.USELESS, Reason.SLOW):   # compared with sticks that have just left
        assert switch_answer(decision, cluster.snapshot())[1].startswith(
            f'no other stick is fit: stick 1 {refused}; ')


@pytest.mark.parametrize('cluster', [row[1] for row in SITUATIONS],
                         ids=[f'{row[0].name}-{row[3]}' for row in SITUATIONS])
def test_a_reading_gets_too_old_also_when_the_supervisor_hangs(cluster):
    hangs, now, later = cluster.snapshot(), cluster.now, cluster.now + 5.0
    cluster.update(later, *cluster.sticks)
    for was, becomes in zip(hangs.at(later).sticks, cluster.snapshot().sticks):
        assert was.condition.reason is becomes.condition.reason
        assert was.condition.celsius is becomes.condition.celsius is None
        assert was.condition.is_hot == becomes.condition.is_hot
    (_, _, status, *_) = statuses(hangs, 'mvnc', later, [Intake('/image_raw')])
    assert status.level != DiagnosticStatus.OK
    assert {item.key: item.value for item in status.values}['temperature_celsius'] == 'unknown'
    assert hangs.at(now) == hangs


@pytest.mark.parametrize('state', [state for state in StickState if state is not RUNNING])
def test_all_tell_the_same_of_a_stick_that_does_not_run(state):
    cluster = Cluster()
    cluster.update(10.0, stick(0), stick(1, 66.0, state=state))
    (_, _, status), (_, mark) = cluster.told()
    assert cluster.snapshot().sticks[1].condition.reason is Reason.NOT_RUNNING
    assert status.level == DiagnosticStatus.ERROR and not mark.works
    decision = cluster.update(10.0, *cluster.sticks, requested=True)
    assert switch_answer(decision, cluster.snapshot()) == (
        False, f'no other stick is fit: stick 1 is {state.value}')


def test_a_stick_that_waits_for_its_turn_is_taken_when_somebody_asks():
    cluster = resting(stick())
    (_, _, status, *_), (_, mark, *_) = cluster.told()
    assert status.message == 'resting (turn), 40.0 C' and not mark.hot
    decision = cluster.update(cluster.now, *cluster.sticks, requested=True)
    assert switch_answer(decision, cluster.snapshot()) == (
        True, 'stick 0 relieved by stick 1; active: stick 1')
    (cluster_status, *_), _ = cluster.told()
    values = {item.key: item.value for item in cluster_status.values}
    assert values['last_switch_reason'] == explain_switch(SwitchReason.REQUEST)


def test_a_reading_and_an_estimate_on_both_sides_of_the_limit_are_told_alike():
    # A resting stick has cooled since it was read, before anybody asked.
    cluster = Cluster()
    cluster.update(10.0, stick(0), stick(celsius=65.2, measured_at=8.0))
    (_, _, status), (_, mark) = cluster.told()
    condition = cluster.snapshot().sticks[1].condition
    assert condition.likely_celsius < 65.0 < condition.celsius
    assert condition.reason is Reason.NONE and mark.hot
    assert (status.level, status.message) == (
        DiagnosticStatus.WARN, 'resting (turn); hot: 65.2 C, relieved at 65.0 C')
    # One at work has warmed since then.
    cluster = Cluster()
    for now in (8.0, 10.0):
        cluster.update(now, stick(celsius=64.9, measured_at=8.0, work_sec=now))
    (_, status), (mark,) = cluster.told()
    condition = cluster.snapshot().sticks[0].condition
    assert condition.celsius < 65.0 < condition.likely_celsius
    assert condition.reason is Reason.COOLING and not mark.hot and cluster.control.all_hot
    assert (status.level, status.message) == (DiagnosticStatus.OK, 'active, 64.9 C')


def test_log_and_diagnostics_say_the_same_of_heat_that_costs_speed():
    lines = []

    class Log:
        """Takes lines."""

        info = warning = lines.append

    cluster, log, work_sec = Cluster(replace(SETTINGS, cluster_size=0)), HeatLog(Log), 0.0
    for second in range(60):
        work_sec += cluster.control.share_of(0)
        cluster.update(float(second), stick(0, 66.0, second, work_sec=work_sec,
                                            inference_sec=0.065))
        log.note(cluster.snapshot())
    (status, _), _ = cluster.told()
    (line,) = lines
    assert line.partition(':')[0] == status.message.partition(':')[0]
    assert line.startswith('1 of 1 sticks active is too much heat')


@pytest.mark.parametrize('policy', POLICIES)
@pytest.mark.parametrize('seed', range(5))
def test_no_teller_contradicts_what_the_rotation_does(policy, seed):
    chance = random.Random(seed)
    cluster = Cluster(replace(SETTINGS, cluster_size=2, rotation_policy=policy,
                              cluster_switch_cycle_ms=3000, min_dwell_ms=500,
                              critical_margin=2.0))
    celsius, seen = [chance.uniform(55.0, 70.0) for _ in range(5)], set()
    for step in range(300):
        now = step * 0.5
        for number in range(5):
            celsius[number] += chance.uniform(-1.0, 1.1) if (
                number in cluster.control.active) else chance.uniform(-1.1, 1.0)
        sticks = [stick(
            number, chance.choices([celsius[number], None], [30, 1])[0],
            now - chance.choices([0.2, 4.0], [30, 1])[0],
            chance.choices([RUNNING, StickState.BACKOFF], [30, 1])[0],
            throttle_level=chance.choices([0, 1, 2], [30, 1, 1])[0],
            doubt_sec=chance.choices([0.0, 9.0], [9, 1])[0],
            trials_left=chance.choices([0, 2], [30, 1])[0]) for number in range(5)]
        decision = cluster.update(now, *sticks, requested=not step % 7)
        (_, *told), marks = cluster.told()
        shown = cluster.snapshot().sticks
        for one, status, mark in zip(shown, told, marks):
            reason, number = one.condition.reason, one.status.number
            seen.add(reason)
            values = {item.key: item.value for item in status.values}
            assert mark.active == one.active == (number in decision.active)
            assert mark.works == (values['state'] == 'RUNNING')
            assert status.message.startswith('resting (') == (mark.works and not mark.active)
            if mark.works and mark.celsius is not None and mark.celsius >= 65.0:
                assert mark.hot and status.level != DiagnosticStatus.OK
            if one.active:
                assert reason not in (Reason.NOT_RUNNING, Reason.CRITICAL, Reason.THROTTLES)
            if mark.hot and reason is Reason.HOT and mark.active:
                assert status.message.startswith('hot: ')
        is_met, text = switch_answer(decision, cluster.snapshot())
        assert is_met == bool(decision.joined)
        if not is_met:
            assert 'no other stick' in text
            # What waits for its turn could have been taken.
            if not step % 7 and decision.reason is None:
                assert 'waits for its turn' not in text
    assert {Reason.HOT, Reason.COOLING, Reason.NONE, Reason.CRITICAL} <= seen
