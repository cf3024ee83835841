# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is said of heat after a live change comes from what was measured since, and only that."""

from copy import deepcopy
from dataclasses import replace

from ncs_cluster_detector.detector_node.heat_explanation import explain_heat
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest

STEP_SEC = 0.25
# Two of five at work end at 48 C when they take turns, as in `make run`.
FIVE = ThermalModel(30.0, 45.0, 20.0)
HOT, COOL = Settings(2, 5000, 40.0), Settings(2, 5000, 65.0)


class Cluster:
    """Sticks that heat as their ThermalModel say, under a ClusterControl, in invented time."""

    def __init__(self, settings, sticks=5, constants=FIVE):
        self.control, self.settings = ClusterControl(), settings
        self.now, self.constants = 0.0, constants
        self.celsius, self.work_sec = [constants.idle_celsius] * sticks, [0.0] * sticks
        self.told, self.sizes = [], []    # (time, advice), (time, sustainable size)
        self.full_speed_at = []
        self.go(STEP_SEC)

    def go(self, seconds):
        """Let time pass, and take note of what is said at each step."""
        end = self.now + seconds
        while self.now < end:
            sticks = [StickStatus(
                number, StickState.RUNNING, celsius, int(self.now), inference_sec=0.065,
                work_sec=work_sec)
                for number, (celsius, work_sec) in enumerate(zip(self.celsius, self.work_sec))]
            self.control.update(self.now, sticks, self.settings)
            found = self.control.heat_advice(self.settings)
            advice = explain_heat(found) if found else ''
            size = self.control.sustainable_size(self.settings)
            assert not advice or size is None or size < (self.settings.cluster_size or 5)
            self.told.append((self.now, advice))
            self.sizes.append((self.now, size))
            if self.control.at_full_speed:
                self.full_speed_at.append(self.now)
            for number in range(len(self.celsius)):
                share = self.control.share_of(number) if number in self.control.active else 0.0
                self.work_sec[number] += share * STEP_SEC
                self.celsius[number] = self.constants.after(
                    self.celsius[number], share, STEP_SEC)
            self.now += STEP_SEC

    def change(self, **values):
        """Change settings live; return the time of the change."""
        self.settings = replace(self.settings, **values)
        return self.now

    def advice_since(self, begin):
        """Return what was said from then on, without what was said before."""
        return [text for at, text in self.told if at >= begin]


@pytest.fixture(scope='module')
def slowed_once():
    """Return a Cluster that has been too hot for its limit for minutes, and knows it."""
    cluster = Cluster(HOT)
    cluster.go(200.0)
    assert 'is too much heat for switch_temperature 40.0 C: they sustain ' in cluster.told[-1][1]
    assert 0.8 < cluster.sizes[-1][1] < 1.4
    return cluster


@pytest.fixture
def slowed(slowed_once):
    """Return a copy of that Cluster."""
    return deepcopy(slowed_once)


def test_a_higher_limit_ends_the_warning_at_once_and_soon_it_is_full_speed_again(slowed):
    at = slowed.change(switch_temperature=65.0)
    assert not [told for told in slowed.full_speed_at if told > at - 100.0]
    slowed.go(120.0)
    assert set(slowed.advice_since(at)) == {''}
    assert {size for now, size in slowed.sizes if now >= at} == {None}
    assert at + 2.0 < min(told for told in slowed.full_speed_at if told > at) < at + 6.0


def test_a_lower_limit_that_can_be_held_gives_no_warning_of_the_heat_of_before():
    cluster = Cluster(replace(COOL, cluster_size=3))
    cluster.go(200.0)
    # Three of five end at 57 C; two at 48 C.
    at = cluster.change(switch_temperature=51.0, cluster_size=2)
    cluster.go(200.0)
    assert set(cluster.advice_since(at)) == {''}
    assert cluster.control.at_full_speed


def test_a_lower_limit_that_cannot_be_held_warns_of_itself_when_the_sticks_have_cooled():
    cluster = Cluster(COOL)
    cluster.go(200.0)
    at = cluster.change(switch_temperature=40.0)
    cluster.go(5.0)
    assert set(cluster.advice_since(at)) == {''}
    cluster.go(55.0)
    assert cluster.told[-1][1].startswith(
        '2 of 5 sticks active is too much heat for switch_temperature 40.0 C')
    assert not [told for told in cluster.full_speed_at if told > at]


def test_a_limit_below_what_an_idle_stick_has_is_named_after_a_time_constant():
    cluster = Cluster(COOL)
    cluster.go(200.0)
    at = cluster.change(switch_temperature=25.0)
    cluster.go(20.0 + 15.0)
    first = next(now for now, text in cluster.told if now > at and text)
    assert at + 10.0 < first < at + 35.0


@pytest.mark.parametrize('name, value', [
    ('cluster_size', 1), ('cluster_size', 0), ('cluster_switch_cycle_ms', 2000),
    ('rotation_policy', ROUND_ROBIN), ('resume_margin', 2.0), ('critical_margin', 5.0),
    ('min_dwell_ms', 500), ('switch_temperature', 41.0)])
def test_whatever_changes_the_balance_of_heat_is_measured_anew(slowed, name, value):
    at = slowed.change(**{name: value})
    slowed.go(2.0)
    assert set(slowed.advice_since(at)) == {''}
    assert {size for now, size in slowed.sizes if now >= at} == {None}
    slowed.go(120.0)   # and what is measured then is told as ever, of the new setting
    size = slowed.settings.cluster_size or 5
    assert slowed.told[-1][1].startswith(
        f'{size} of 5 sticks active is too much heat for switch_temperature '
        f'{slowed.settings.switch_temperature:.1f} C')


@pytest.mark.parametrize('values', [
    {}, {'switch_temperature': 40.0}, {'score_threshold': 0.3, 'class_filter': ('cat',)},
    {'max_frame_age_ms': 0, 'depth_timeout_ms': 10}])
def test_what_changes_nothing_in_the_heat_leaves_what_is_said(slowed, values):
    at = slowed.change(**values)
    slowed.go(20.0)
    assert '' not in slowed.advice_since(at)
    assert None not in {size for now, size in slowed.sizes if now >= at}


def test_a_lost_stick_never_makes_the_sustainable_size_contradict_the_warning():
    cluster = Cluster(Settings(0, 5000, 60.0), sticks=3)
    cluster.go(200.0)
    assert cluster.sizes[-1][1] == pytest.approx(2.0, rel=0.1)
    assert 'is too much heat' in cluster.told[-1][1]
    cluster.celsius.pop(), cluster.work_sec.pop()
    cluster.go(STEP_SEC)
    assert 'is too much heat' in cluster.told[-1][1]
    assert cluster.sizes[-1][1] is None or cluster.sizes[-1][1] < 2
