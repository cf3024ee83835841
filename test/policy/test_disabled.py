# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Rest on demand: while the node is not enabled all sticks rest, in invented time."""

from dataclasses import replace

from diagnostic_msgs.msg import DiagnosticStatus
from made_up_figures import one_camera
from ncs_cluster_detector.detector_node.diagnostics import statuses
from ncs_cluster_detector.detector_node.explanations import explain_switch
from ncs_cluster_detector.detector_node.explanations import switch_answer
from ncs_cluster_detector.detector_node.heat_explanation import HeatLog
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
import pytest

RUNNING = StickState.RUNNING
LONG_DWELL = Settings(min_dwell_ms=600000)


class Cluster:
    """Sticks under a ClusterControl, which begins at time 0."""

    def __init__(self, settings, *celsius):
        self.control, self.settings = ClusterControl(), settings
        self.decide(0.0, *celsius)

    def decide(self, now, *celsius, requested=False, **values):
        """
        Let the sticks have these temperatures and settings; return the Decision.

        None instead of a temperature is a stick that does not run, a StickStatus is itself.
        """
        self.now = now
        self.settings = replace(self.settings, **values)
        self.sticks = [one if isinstance(one, StickStatus) else StickStatus(
            number, StickState.BACKOFF if one is None else RUNNING, one, now)
            for number, one in enumerate(celsius)]
        return self.control.update(now, self.sticks, self.settings, requested)

    def reasons(self):
        """Return the Reason of each stick."""
        return [self.control.condition(stick).reason for stick in self.sticks]

    def snapshot(self):
        """Return the Snapshot after the latest decision; images came until then."""
        control = self.control
        return Snapshot(
            self.settings, tuple(StickSnapshot(
                stick, f'1.{stick.number}-ma2450', stick.number in control.active, 0.5, 7, 0,
                0.08, 0, '', 4711, condition=control.condition(stick)) for stick in self.sticks),
            control.active, 0, control.all_hot, control.heat_advice(self.settings),
            control.at_full_speed, control.sustainable_size(self.settings), control.switches,
            control.last_switch_reason, **one_camera(self.now))


@pytest.mark.parametrize('policy', POLICIES)
@pytest.mark.parametrize('size', [0, 1, 2, 64])
def test_all_rest_at_once_and_work_again_at_once_whatever_the_dwell(size, policy):
    cluster = Cluster(replace(LONG_DWELL, cluster_size=size, rotation_policy=policy), 30, 40, 50)
    before = cluster.control.active
    assert len(before) == min(size or 3, 3)
    off = cluster.decide(0.1, 30, 40, 50, enabled=False)
    assert (off.active, off.left, off.joined, off.reason) == (
        (), before, (), SwitchReason.ENABLED)
    assert cluster.reasons() == [Reason.DISABLED] * 3
    # Nothing changes meanwhile, whatever is due or asked for.
    for now, asked in ((0.2, False), (700.0, False), (700.1, True)):
        still = cluster.decide(now, 30, 40, 50, requested=asked)
        assert (still.active, still.reason, still.all_hot) == ((), None, False)
        assert cluster.control.next_stick(now, dict(enumerate(cluster.sticks)), 2) is None
    on = cluster.decide(700.2, 30, 40, 50, enabled=True)
    assert (len(on.active), on.reason) == (len(before), SwitchReason.ENABLED)
    assert explain_switch(on.reason) == 'enabled changed'
    assert Reason.DISABLED not in cluster.reasons()


def test_off_and_on_within_the_dwell():
    cluster = Cluster(LONG_DWELL, 30, 40)
    for step in range(1, 100):
        decision = cluster.decide(step * 0.01, 30, 40, enabled=step % 2 == 0)
        assert decision.active == ((0, 1) if step % 2 == 0 else ())
        assert decision.reason is SwitchReason.ENABLED


def test_a_node_may_begin_disabled():
    cluster = Cluster(replace(LONG_DWELL, enabled=False), None, None)
    ready = cluster.decide(1.0, 30, 40)
    assert (ready.active, ready.reason) == ((), None)
    assert cluster.reasons() == [Reason.DISABLED] * 2
    on = cluster.decide(2.0, 30, 40, enabled=True)
    assert (on.active, on.reason) == ((0, 1), SwitchReason.ENABLED)


def test_a_stick_that_becomes_ready_while_disabled_works_when_enabled():
    cluster = Cluster(LONG_DWELL, 30, None)
    cluster.decide(1.0, 30, None, enabled=False)
    assert cluster.decide(2.0, 30, 40).active == ()
    assert cluster.decide(3.0, 30, 40, enabled=True).active == (0, 1)
    # One that becomes ready after that joins as always.
    later = Cluster(replace(LONG_DWELL, enabled=False), None)
    assert later.decide(1.0, None, enabled=True).active == ()
    joined = later.decide(2.0, 30)
    assert (joined.active, joined.reason) == ((0,), SwitchReason.READY)


@pytest.mark.parametrize('one, reason', [
    (75.0, Reason.CRITICAL), (70.0, Reason.HOT), (None, Reason.NOT_RUNNING),
    (StickStatus(1, RUNNING, 40.0, 2.0, throttle_level=2), Reason.THROTTLES),
    (StickStatus(1, RUNNING, 40.0, 2.0, trials_left=3, doubt_sec=30.0), Reason.UNPROVEN)])
def test_who_has_to_rest_stays_out_when_enabled_and_says_why(one, reason):
    cluster = Cluster(LONG_DWELL, 30, 40)
    cluster.decide(1.0, 30, 40, enabled=False)
    cluster.decide(2.0, 30, one)
    assert cluster.reasons() == [Reason.DISABLED, reason]
    assert cluster.decide(2.1, 30, one, enabled=True).active == (0,)
    assert cluster.reasons() == [Reason.NONE, reason]


def test_a_stick_that_was_forced_to_rest_at_work_comes_back_by_the_dwell():
    cluster = Cluster(Settings(min_dwell_ms=2000), 30, 40)
    assert cluster.decide(1.0, 30, 75.0).active == (0,)
    cluster.decide(2.0, 30, 40.0, enabled=False)
    assert cluster.decide(3.0, 30, 40.0, enabled=True).active == (0,)
    assert cluster.decide(4.999, 30, 40.0).active == (0,)
    assert cluster.decide(5.0, 30, 40.0).active == (0, 1)


def test_where_all_are_hot_the_coolest_works_when_enabled_and_none_before():
    cluster = Cluster(LONG_DWELL, 30, 40)
    off = cluster.decide(1.0, 70, 68, enabled=False)
    assert (off.active, off.all_hot) == ((), False)
    assert cluster.decide(2.0, 70, 68).active == ()
    assert cluster.decide(3.0, 70, 68, enabled=True).active == (1,)


def test_a_request_is_answered_with_the_reason():
    cluster = Cluster(LONG_DWELL, 30, 40, 50)
    cluster.decide(1.0, 30, 76.0, None, enabled=False)
    decision = cluster.decide(1.1, 30, 76.0, None, requested=True)
    assert switch_answer(decision, cluster.snapshot()) == (
        False, 'no other stick is fit: stick 0 rests while enabled is false; stick 1 is too hot '
        '(76.0 C, returns below 60.0 C); stick 2 is BACKOFF')


def test_diagnostics_of_a_disabled_node_are_no_complaint():
    cluster = Cluster(LONG_DWELL, 30, 40)
    cluster.decide(1.0, 30, 40, enabled=False)
    status, *sticks = statuses(cluster.snapshot(), 'mvnc', 100.0, [Intake('/image_raw')])
    assert (status.level, status.message) == (
        DiagnosticStatus.OK, 'disabled: all sticks rest until enabled is true')
    cluster.decide(100.0, 30, 40)
    _, *sticks = statuses(cluster.snapshot(), 'mvnc', 100.0, [Intake('/image_raw')])
    assert [(stick.level, stick.message) for stick in sticks] == [
        (DiagnosticStatus.OK, f'resting (disabled), {celsius}.0 C') for celsius in (30, 40)]
    cluster.decide(101.0, None, None)
    status, *_ = statuses(cluster.snapshot(), 'mvnc', 101.0, [Intake('/image_raw')])
    assert status.level == DiagnosticStatus.ERROR
    assert status.message.startswith(
        'disabled; no stick is usable: stick 0 waits after a failure')


def test_nothing_is_said_of_heat_while_disabled_nor_of_what_was_before():
    """Sticks of which heat costs speed rest for minutes, and work again."""
    model = ThermalModel(30.0, 45.0, 20.0)
    cluster = Cluster(Settings(switch_temperature=50.0), 30.0, 30.0)
    control, celsius, work_sec, lines = cluster.control, [30.0, 30.0], [0.0, 0.0], []

    class Log:
        """Takes lines."""

        info = warning = lines.append

    log = HeatLog(Log)

    def go(seconds):
        for _ in range(seconds * 4):
            now = cluster.now + 0.25
            for number in range(2):
                share = control.share_of(number) if number in control.active else 0.0
                work_sec[number] += 0.25 * share
                celsius[number] = model.after(celsius[number], share, 0.25)
            cluster.decide(now, *(StickStatus(
                number, RUNNING, celsius[number], now, inference_sec=0.065,
                work_sec=work_sec[number]) for number in range(2)))
            log.note(cluster.snapshot())
            yield

    assert any(control.in_trouble for _ in go(180)) and len(lines) == 1
    cluster.settings = replace(cluster.settings, enabled=False)
    for _ in go(300):
        assert control.active == () and not control.all_hot
        assert control.heat_advice(cluster.settings) is None
        assert control.sustainable_size(cluster.settings) is None
        assert not control.at_full_speed
    assert len(lines) == 1, 'sticks that rest are at full speed'
    # They are as cool as if they had never worked.
    assert max(celsius) < 31.0
    cluster.settings = replace(cluster.settings, enabled=True)
    assert not [None for _ in go(5) if control.in_trouble]
    assert control.active == (0, 1)
