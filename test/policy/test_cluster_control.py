# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the policies make of sticks together, in invented time."""

from dataclasses import replace
from types import SimpleNamespace

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.reliability.promptness import Slowness
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.sensor.blind_restart import FIRST_AFTER_SEC
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


def sticks_at(now, *temperatures, **values):
    """Return running sticks that told these temperatures just now; None is no number."""
    return [StickStatus(number, StickState.RUNNING, celsius, now, **values)
            for number, celsius in enumerate(temperatures)]


def restarts(control, temperatures, seconds, settings):
    """Ask once a second for so long; return (second, numbers) of all restarts."""
    asked = []
    for now in range(seconds):
        control.update(float(now), sticks_at(float(now), *temperatures), settings)
        if control.to_restart:
            assert not any(temperatures) or not set(control.to_restart) & set(control.active)
            asked.append((now, control.to_restart))
    return asked


def test_a_blind_stick_that_rests_is_restarted_and_one_at_work_is_not():
    control = ClusterControl()
    asked = restarts(control, (40.0, None), 100, Settings(cluster_size=1))
    assert asked[0] == (FIRST_AFTER_SEC, (1,))
    assert len(asked) == 2   # the second after twice as long
    # Where it is needed it is restarted when it rests, for it works a fifth of the time.
    assert restarts(ClusterControl(), (40.0, None), 100, Settings())[0][0] >= FIRST_AFTER_SEC


def test_the_only_stick_is_restarted_at_work():
    assert restarts(ClusterControl(), (None,), 40, Settings()) == [(FIRST_AFTER_SEC, (0,))]


def test_one_that_sees_or_does_not_run_is_not_restarted():
    assert restarts(ClusterControl(), (40.0, 41.0), 100, Settings(cluster_size=1)) == []
    control = ClusterControl()
    for now in range(100):
        away = StickStatus(1, StickState.STARTING)
        control.update(float(now), [*sticks_at(float(now), 40.0), away], Settings(cluster_size=1))
        assert control.to_restart == ()


def test_what_is_found_out_about_a_stick():
    control = ClusterControl()
    one, two = sticks_at(1.0, 40.0, None)
    slow = StickStatus(2, StickState.RUNNING, 41.0, 1.0, recent_sec=0.4)
    quick = [StickStatus(number, StickState.RUNNING, 41.0, 1.0, recent_sec=0.1)
             for number in (3, 4)]
    control.update(1.0, [one, two, slow, *quick], Settings(cluster_size=1))
    assert control.condition(one) == Condition(
        Reason.NONE, celsius=40.0, likely_celsius=40.0, standing=Standing.TRUSTED)
    blind = control.condition(two)
    assert blind.reason is Reason.UNKNOWN_TEMPERATURE
    assert (blind.standing, blind.sensor_fault) == (Standing.BLIND, SensorFault.NONE_TOLD)
    assert 30.0 < blind.likely_celsius < 60.0 and blind.celsius is None
    assert control.condition(slow).slowness == Slowness(0.4, 0.1)
    assert control.condition(StickStatus(9, StickState.ABSENT)) == Condition(Reason.NOT_RUNNING)
    assert control.condition(replace(one, state=StickState.STOPPING)) == Condition(
        Reason.NOT_RUNNING, celsius=40.0, likely_celsius=40.0, standing=Standing.TRUSTED)


def test_a_stick_that_was_hot_must_cool_to_the_resume_temperature():
    control = ClusterControl()
    settings = Settings(cluster_size=1, switch_temperature=65.0, resume_margin=5.0)

    def must_cool(now, celsius):
        sticks = sticks_at(now, 40.0, celsius)
        control.update(now, sticks, settings)
        return control.condition(sticks[1]).reason in (Reason.HOT, Reason.COOLING)

    assert [must_cool(float(now), celsius) for now, celsius in enumerate(
        (62.0, 65.0, 62.0, 60.0, 59.9, 62.0))] == [False, True, True, True, False, False]


@pytest.mark.parametrize('celsius, on_trial', [(40.0, 1), (65.0, None)])
def test_a_hot_stick_is_not_tried(celsius, on_trial):
    control = ClusterControl()
    sticks = sticks_at(1.0, 40.0, celsius, doubt_sec=9.0)
    control.update(1.0, sticks, Settings(cluster_size=1))
    assert control.give_on_trial(
        2.0, dict(enumerate(sticks)), Settings(cluster_size=1)) == on_trial


def test_time_alone_makes_a_temperature_unknown():
    control, sticks = ClusterControl(), sticks_at(1.0, 40.0)
    control.update(1.0, sticks, Settings())
    due = control.next_due(3.5, sticks, Settings())
    assert 4.0 < due < 4.1
    control.update(due, sticks, Settings())
    condition = control.condition(sticks[0])
    assert (condition.reason, condition.celsius) == (Reason.UNKNOWN_TEMPERATURE, None)
    assert control.next_due(due, sticks, Settings()) > due + 1.0   # told once


def test_time_alone_makes_a_stick_late():
    control = ClusterControl()
    (stick,) = sticks_at(1.0, 40.0, inference_sec=0.1, busy_since=1.0)
    settings = Settings(cluster_switch_cycle_ms=0, min_dwell_ms=0)
    control.update(1.0, [stick], settings)
    assert control.promptness.late_at(stick) == pytest.approx(1.3)


def test_sticks_may_be_left_out_of_the_numbers():
    control = ClusterControl()
    sticks = sticks_at(1.0, 40.0, 41.0, 42.0)[1:]
    control.update(1.0, sticks, Settings())
    assert control.next_stick(1.0, dict(enumerate(sticks, start=1)), 2) == 1


def test_where_none_sees_one_after_the_other_is_restarted_at_work():
    control, asked, away = ClusterControl(), [], {}
    for now in range(40):
        sticks = [StickStatus(number, StickState.STARTING if away.get(number, -1) > now
                              else StickState.RUNNING) for number in range(3)]
        control.update(float(now), sticks, Settings())
        for number in control.to_restart:
            asked.append((now, number))
            away[number] = now + 3
    assert asked == [(30, 0), (33, 1), (36, 2)]


def test_one_that_holds_frames_is_not_restarted_where_others_see():
    control, settings = ClusterControl(), Settings(cluster_size=1)
    for now in range(60):
        seeing, blind = sticks_at(float(now), 40.0, None)
        busy = StickStatus(1, StickState.RUNNING, None, float(now), outstanding=1)
        control.update(float(now), [seeing, busy], settings)
        assert control.to_restart == ()
    control.update(60.0, [seeing, blind], settings)
    assert control.to_restart == (1,)


def test_the_heat_of_a_stick_of_unknown_temperature_costs_work_too():
    control, settings, work_sec = ClusterControl(), Settings(cluster_switch_cycle_ms=0), [0.0, 0.0]
    clock = SimpleNamespace(now=0.0)

    def lost_share(seconds, second_state=StickState.RUNNING):
        """Let both sticks work as they may, hot by their work alone; return what heat costs."""
        for _ in range(seconds * 4):
            clock.now += 0.25
            for number in control.active:
                work_sec[number] += 0.25 * control.share_of(number)
            control.update(clock.now, [
                StickStatus(number, state, work_sec=work_sec[number], inference_sec=0.1)
                for number, state in enumerate((StickState.RUNNING, second_state))], settings)
        return control.heat_advice(settings).lost_share

    paced = lost_share(240)
    assert control.active == (0, 1)
    lost_share(1, StickState.STARTING)
    # It is back, and rests until it is below the resume temperature.
    assert lost_share(20) > paced + 0.05
    assert control.active == (0,)
