# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Pacing of hot sticks, and what is said of it."""

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.heat_watch import advice
from ncs_cluster_detector.policy.heat_watch import HeatWatch
from ncs_cluster_detector.policy.pacing import HOLD_ABOVE_CELSIUS
from ncs_cluster_detector.policy.pacing import Pacing
from ncs_cluster_detector.policy.pacing import share_of_full_speed
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest

SETTINGS = Settings()   # 65 C, where a typical stick (30 + 45 C) sustains 35/45


def heat_of(*readings):
    """Return the ClusterHeat of running sticks with these temperatures at the time 0."""
    heat = ClusterHeat()
    heat.observe(0.0, [StickStatus(number, StickState.RUNNING, celsius,
                                   None if celsius is None else 0.0)
                       for number, celsius in enumerate(readings)])
    return heat


@pytest.mark.parametrize('celsius', [None, 20.0, 64.99])
def test_a_stick_below_the_limit_or_unknown_works_at_full_speed(celsius):
    assert share_of_full_speed(0, heat_of(celsius), SETTINGS) == 1.0


def test_a_hot_stick_is_held_just_above_the_limit():
    held = SETTINGS.switch_temperature + HOLD_ABOVE_CELSIUS
    assert share_of_full_speed(0, heat_of(held), SETTINGS) == pytest.approx(35.5 / 45)
    assert share_of_full_speed(0, heat_of(65.4), SETTINGS) > 35.5 / 45


def test_a_stick_far_above_the_limit_cools_and_works_on():
    assert share_of_full_speed(0, heat_of(74.0), SETTINGS) == pytest.approx(0.5 * 35.5 / 45)
    assert share_of_full_speed(0, heat_of(28.0), Settings(switch_temperature=20.0)) == 0.05


def paced(share_sec=0.1):
    """Return the Pacing of one hot stick, and its status with a time of inference."""
    pacing = Pacing()
    pacing.update((0,), heat_of(65.5), SETTINGS)
    return pacing, StickStatus(0, StickState.RUNNING, 65.5, 0.0, inference_sec=share_sec)


def test_frames_are_spaced_evenly_and_none_is_made_up_for_twice():
    pacing, stick = paced()
    step = 0.1 / pacing.shares[0]
    pacing.given(stick, 10.0)
    first = pacing.due_at(stick)
    assert first == pytest.approx(9.9 + step)   # the frame before made up for one
    pacing.given(stick, first + 0.03)           # a camera out of step
    assert pacing.due_at(stick) == pytest.approx(first + step)
    pacing.given(stick, first + 100.0)
    assert pacing.due_at(stick) == pytest.approx(first + 99.9 + step)


def test_a_stick_that_cools_is_not_paced_any_more():
    pacing, stick = paced()
    pacing.given(stick, 10.0)
    assert pacing.due_at(stick) > 10.0
    pacing.update((0,), heat_of(64.0), SETTINGS)
    assert pacing.shares == {}
    assert pacing.due_at(stick) == float('-inf')


def test_the_next_frame_goes_to_a_stick_that_is_due():
    control = ClusterControl()
    settings = Settings(cluster_size=2)
    sticks = [StickStatus(0, StickState.RUNNING, 65.5, 1.0, inference_sec=0.1),
              StickStatus(1, StickState.RUNNING, 50.0, 1.0, inference_sec=0.1)]
    control.update(0.0, [StickStatus(number, StickState.RUNNING) for number in range(2)], settings)
    control.update(1.0, sticks, settings)
    assert (control.share_of(0), control.share_of(1)) == (pytest.approx(35.5 / 45), 1.0)
    given = [control.give_next(1.0, sticks, 2) for _ in range(2)]
    assert given == [0, 1]   # both hold no frame, as far as their status goes
    assert control.give_next(1.0, sticks, 2) == 1
    due_at = control.next_frame_due(1.0, sticks, 2)
    assert 1.0 < due_at < 1.2
    assert control.next_frame_due(due_at, sticks, 2) is None


def test_trouble_is_more_than_a_moment_and_over_after_a_minute():
    watch = HeatWatch()
    watch.update(0.0, True, True)
    watch.update(1.9, False, True)
    assert not watch.in_trouble
    assert watch.over_at() is None
    watch.update(10.0, True, True)
    watch.update(10.5, False, True)
    assert watch.in_trouble
    assert watch.over_at() == pytest.approx(70.5)
    watch.update(70.4, False, True)
    assert watch.in_trouble
    watch.update(70.5, False, True)
    assert not watch.in_trouble
    watch.update(200.0, True, True)
    watch.update(201.9, True, True)
    assert not watch.in_trouble


def test_long_trouble_is_over_once():
    watch = HeatWatch()
    for second in range(600):
        watch.update(float(second), True, True)
    told = []
    for second in range(600, 1000):
        watch.update(float(second), False, False)
        told.append(watch.in_trouble)
        assert watch.over_at() is None or watch.over_at() > second
    assert told == [True] * 60 + [False] * 340


def test_a_moment_now_and_then_is_no_trouble():
    watch = HeatWatch()
    for second in range(1000):
        watch.update(float(second), second % 50 == 0, True)
        assert not watch.in_trouble


def test_with_a_small_critical_margin_a_stick_is_held_below_it():
    settings = Settings(critical_margin=0.0)
    assert share_of_full_speed(0, heat_of(64.4), settings) == 1.0
    assert share_of_full_speed(0, heat_of(64.5), settings) == pytest.approx(34.5 / 45)


def test_trouble_is_noted_later_while_there_is_little_to_advise():
    watch = HeatWatch()
    watch.update(0.0, True, False)
    watch.update(9.9, True, False)
    assert not watch.in_trouble
    watch.update(10.2, True, False)
    assert watch.in_trouble
    other = HeatWatch()
    other.update(0.0, True, False)
    other.update(3.0, True, True)
    assert other.in_trouble
    other.update(4.0, True, False)   # what is noted stays so
    assert other.in_trouble


class Known(ClusterHeat):
    """The heat of sticks whose sustainable size is known."""

    def __init__(self, *sizes):
        super().__init__()
        self.running = tuple(range(len(sizes)))
        self._sizes = sizes

    def sustainable_size(self, limit_celsius):
        return sum(max(0.0, min((limit_celsius - 45) / rise, 1.0)) for rise in self._sizes)


def test_the_advice_names_what_would_help():
    text = advice(Known(45, 45, 45), Settings(cluster_size=2))
    assert text.startswith('2 of 3 sticks active is too much heat for switch_temperature 65.0 C')
    assert 'sustain 1.3 at full speed' in text
    assert '67%' in text
    assert 'add 2 more sticks' in text
    assert 'switch_temperature to 77.0' in text
    assert 'cluster_size 1 ' in text
    assert '\n' not in text


def test_the_advice_names_no_setting_that_does_not_help():
    text = advice(Known(90, 90), Settings(cluster_size=2))
    assert 'set switch_temperature' not in text   # 95 C is not enough
    assert 'cluster_size 1' not in text           # nor can one stick work at full speed
    assert 'add 8 more sticks' in text


def test_the_advice_is_careful_while_little_is_known():
    text = advice(heat_of(66.0, 66.0), Settings())
    assert '2 of 2 sticks active' in text
    assert 'add sticks' in text
