# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Pacing of hot sticks: what is learned predicts, and readings decide."""

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.heat.pacing import HOLD_ABOVE_CELSIUS
from ncs_cluster_detector.policy.heat.pacing import LEAST_SHARE
from ncs_cluster_detector.policy.heat.pacing import LEAST_SHARE_UNTIL_RELIEF
from ncs_cluster_detector.policy.heat.pacing import Pacing
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest

TYPICAL = ThermalModel()
SETTINGS = Settings()   # 65 C, where a typical stick (30 + 45 C) sustains 35/45


class Hot:
    """A stick with this model and readings, in place of a ClusterHeat, and its Pacing."""

    def __init__(self, settings=SETTINGS, model=TYPICAL):
        self.pacing, self.settings, self.model = Pacing(), settings, model
        self.sticks, self.at, self.celsius, self.is_known = {0: self}, 0.0, None, True

    def tell(self, celsius, seconds=1, is_known=True):
        """Tell a reading every second; return the share at which the stick may work then."""
        self.celsius, self.is_known = celsius, is_known
        for _ in range(seconds):
            self.at += 1.0
            self.pacing.update((0,), self, self.settings)
        return self.pacing.shares.get(0, 1.0)

    def estimate(self, number):
        return self.celsius

    def now(self, number):
        return self.celsius if self.is_known else None

    reading = now

    def told(self, number):
        return None

    def told_at(self, number):
        return self.at

    def sustainable_share(self, number, celsius):
        return self.model.sustainable_share(celsius)

    def share_towards(self, number, celsius, target, horizon_sec):
        return self.model.share_towards(celsius, target, horizon_sec, 0.0)


def heat_of(*readings):
    """Return the ClusterHeat of running sticks with these temperatures at the time 0."""
    heat = ClusterHeat()
    heat.observe(0.0, [StickStatus(number, StickState.RUNNING, celsius,
                                   None if celsius is None else 0.0)
                       for number, celsius in enumerate(readings)])
    return heat


@pytest.mark.parametrize('celsius', [20.0, 64.99])
def test_a_stick_below_the_limit_works_at_full_speed(celsius):
    assert Hot().tell(celsius) == 1.0
    assert Hot().tell(celsius, is_known=False) == 1.0


def test_a_hot_stick_is_held_just_above_the_limit():
    held = SETTINGS.switch_temperature + HOLD_ABOVE_CELSIUS
    assert Hot().tell(held) == pytest.approx(35.5 / 45)
    assert Hot().tell(65.4) > 35.5 / 45


def test_a_stick_above_that_cools_the_more_the_hotter_it_is():
    shares = [Hot().tell(celsius) for celsius in (65.5, 66.0, 66.5, 66.9)]
    assert shares == sorted(shares, reverse=True)
    assert LEAST_SHARE < shares[-1] < 0.3


@pytest.mark.parametrize('celsius', [67.0, 70.0, 90.0])
def test_two_degrees_above_the_limit_a_stick_pauses_whatever_was_learned(celsius):
    # A stick that idles at -10 C and rises by 150 C sustains half of full speed at 65 C.
    assert Hot(model=ThermalModel(-10.0, 150.0, 500.0)).tell(66.9) > 0.3
    assert Hot(model=ThermalModel(-10.0, 150.0, 500.0)).tell(celsius) == LEAST_SHARE


@pytest.mark.parametrize('relief_sec, share', [
    (0.1, LEAST_SHARE_UNTIL_RELIEF), (5.0, LEAST_SHARE_UNTIL_RELIEF), (5.1, LEAST_SHARE),
    (0.0, LEAST_SHARE)])
def test_a_hot_stick_does_not_pause_just_before_it_is_relieved(relief_sec, share):
    hot = Hot()
    hot.celsius = 70.0
    hot.pacing.update((0,), hot, SETTINGS, relief_sec)
    assert hot.pacing.shares == {0: share}


def test_a_lower_limit_stops_no_detection_while_a_rested_stick_waits_for_its_turn():
    control = ClusterControl()
    sticks = [StickStatus(number, StickState.RUNNING, celsius, 1.0, inference_sec=0.1)
              for number, celsius in enumerate((54.5, 54.5, 34.0))]
    control.update(1.0, sticks, Settings(cluster_size=2, rotation_policy='round_robin'))
    assert control.active == (0, 1)
    lower = Settings(cluster_size=2, rotation_policy='round_robin', switch_temperature=50.0)
    control.update(1.5, sticks, lower)
    assert control.active == (0, 1)   # the changes are two seconds apart
    assert [control.share_of(number) for number in (0, 1)] == [LEAST_SHARE_UNTIL_RELIEF] * 2
    control.update(3.0, sticks, lower)
    assert 2 in control.active


def test_what_is_predicted_wrongly_is_corrected_by_readings_and_forgotten_by_them():
    hot = Hot()
    first = hot.tell(66.0)
    assert first - hot.tell(66.0, seconds=20) == pytest.approx(20 * 0.01 * 0.5)
    assert hot.tell(66.0, seconds=600) == LEAST_SHARE
    wound_up = hot.tell(65.0)
    assert wound_up < 0.5
    assert hot.tell(65.0, seconds=120) > wound_up + 0.4


def test_a_pause_winds_nothing_up():
    hot = Hot()
    before = hot.tell(65.5)
    hot.tell(70.0, seconds=600)
    assert hot.tell(65.5) == pytest.approx(before, abs=0.05)


def test_a_hot_stick_that_becomes_unknown_does_not_run_at_full_speed():
    hot = Hot()
    share = hot.tell(65.8)
    assert hot.tell(50.0, is_known=False) == pytest.approx(35.5 / 45)   # what it can sustain
    assert hot.tell(66.4, is_known=False) < share
    assert hot.tell(60.0) == 1.0


def test_a_reading_that_is_not_believed_paces_when_it_is_high(monkeypatch):
    hot = Hot()
    monkeypatch.setattr(hot, 'told', lambda number: 66.0)
    assert hot.tell(50.0, is_known=False) == Hot().tell(66.0)
    assert hot.tell(50.0) == 1.0


def paced(share_sec=0.1):
    """Return the Pacing of one hot stick, and its status with a time of inference."""
    pacing = Pacing()
    pacing.update((0,), heat_of(65.5), SETTINGS)
    return pacing, StickStatus(0, StickState.RUNNING, 65.5, 0.0, inference_sec=share_sec)


def test_frames_are_spaced_evenly_and_none_is_made_up_for_twice():
    pacing, stick = paced()
    step = 0.1 / pacing.shares[0]
    pacing.on_frame_sent(stick, 10.0)
    first = pacing.due_at(stick)
    assert first == pytest.approx(9.9 + step)   # the frame before made up for one
    pacing.on_frame_sent(stick, first + 0.03)           # a camera out of step
    assert pacing.due_at(stick) == pytest.approx(first + step)
    pacing.on_frame_sent(stick, first + 100.0)
    assert pacing.due_at(stick) == pytest.approx(first + 99.9 + step)


def test_a_stick_that_cools_is_not_paced_any_more():
    pacing, stick = paced()
    pacing.on_frame_sent(stick, 10.0)
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
    by_number = dict(enumerate(sticks))
    assert control.next_stick(1.0, by_number, 2) == 0
    control.on_frame_sent(1.0, sticks[0])
    assert control.next_stick(1.0, by_number, 2) == 1
    control.on_frame_sent(1.0, sticks[1])
    assert control.next_stick(1.0, by_number, 2) == 1
    due_at = control.next_frame_due(1.0, by_number, 2)
    assert 1.0 < due_at < 1.2
    assert control.next_frame_due(due_at, by_number, 2) is None


def test_with_a_small_critical_margin_a_stick_is_held_below_it():
    settings = Settings(critical_margin=0.0)
    assert Hot(settings).tell(64.4) == 1.0
    assert Hot(settings).tell(64.5) == pytest.approx(34.5 / 45)
