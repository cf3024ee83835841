# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What heat costs: when it is an alarm, and what the sticks deliver at the limit."""

from ncs_cluster_detector.detector_node.heat_explanation import explain_heat
from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.heat.heat_advice import advice
from ncs_cluster_detector.policy.heat.heat_loss import HeatLoss
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


class Sticks:
    """Sticks of which two are active, and a HeatLoss that sees what they do second by second."""

    def __init__(self, count=3):
        self.loss, self.now, self.level = HeatLoss(), 0.0, 0
        self.inference_sec = 0.065
        self.work_sec = [0.0] * count
        self.alarms = []

    def go(self, seconds, *shares, work=None, held=0):
        """Let the first sticks be paced to these shares, and do that or less work."""
        shares = shares or (1.0, 1.0)
        for _ in range(seconds):
            self.loss.update(self.now, [StickStatus(
                number, StickState.RUNNING, 72.0, self.now, throttle_level=self.level,
                work_sec=work_sec, inference_sec=self.inference_sec)
                for number, work_sec in enumerate(self.work_sec)], range(len(shares)), {
                    number: share for number, share in enumerate(shares) if share < 1.0}, held)
            self.alarms.append(self.loss.in_trouble)
            self.now += 1.0
            for number, share in enumerate(work or shares):
                self.work_sec[number] += share
        return self.loss.in_trouble


def test_a_loss_of_one_in_twenty_over_a_minute_is_an_alarm_and_less_is_none():
    assert not Sticks().go(600)
    assert not Sticks().go(600, 1.0, 0.92)
    assert Sticks().go(120, 1.0, 0.88)
    sticks = Sticks()
    assert not sticks.go(600, 0.5, 0.5) or sticks.alarms.index(True) == pytest.approx(7, abs=1)


def test_a_moment_now_and_then_is_no_alarm():
    sticks = Sticks()
    for _ in range(20):
        sticks.go(5, 0.6, 1.0)
        sticks.go(55)
    assert not any(sticks.alarms)


def test_an_alarm_ends_once_and_only_when_the_loss_has():
    sticks = Sticks()
    sticks.go(300, 0.5, 0.5)
    sticks.go(100, 1.0, 0.92)    # too little for an alarm to begin, too much for it to end
    assert all(sticks.alarms[100:])
    sticks.go(100)
    told = sticks.alarms[400:]
    assert told == sorted(told, reverse=True)
    assert not told[-1]
    assert sticks.loss.next_due() is None


def test_while_there_is_an_alarm_its_end_is_looked_for():
    sticks = Sticks()
    sticks.go(100, 0.5, 0.5)
    assert sticks.now < sticks.loss.next_due() <= sticks.now + 60.0


def test_sticks_that_rest_because_they_are_too_hot_are_a_loss():
    assert Sticks().go(100, 1.0, held=1)


def test_a_camera_that_is_slower_loses_nothing_to_heat():
    sticks = Sticks()
    sticks.go(600, 0.5, 0.5, work=(0.3, 0.3))
    assert not any(sticks.alarms)
    sticks = Sticks()
    sticks.go(10, 1.0, 1.0, work=(0.5, 0.5))   # it gives 1.0
    for _ in range(20):
        sticks.go(20, 0.48, 0.5)               # of which 2 % are lost
        sticks.go(10, 1.0, 1.0, work=(0.5, 0.5))
    assert not any(sticks.alarms)


def test_what_is_delivered_at_the_limit_is_measured():
    sticks = Sticks()
    sticks.go(600)
    assert sticks.loss.sustained(120.0) is None
    sticks.go(100, 0.6, 0.6)
    assert sticks.loss.sustained(120.0) is None
    sticks.go(100, 0.6, 0.6)
    assert sticks.loss.sustained(120.0) == pytest.approx(1.2)
    for _ in range(40):    # turns: one comes rested, and is hot again
        sticks.go(12, 0.5, 0.5)
        sticks.go(6, 1.0, 0.5)
    assert sticks.loss.sustained(120.0) == pytest.approx(7 / 6, rel=0.03)


def test_a_pause_of_the_whole_process_is_no_measurement():
    sticks = Sticks()
    sticks.go(20, 0.5, 0.5)
    sticks.now += 60.0   # nothing was counted meanwhile
    sticks.work_sec = [work_sec + 30.0 for work_sec in sticks.work_sec]
    sticks.go(2, 0.5, 0.5)
    assert sticks.loss.sustained(10.0) is None
    sticks.go(600, 0.5, 0.5)
    assert sticks.loss.sustained(10.0) == pytest.approx(1.0, abs=0.02)


def test_what_changes_or_is_not_the_heat_is_not_told():
    sticks = Sticks()
    sticks.go(60, 0.8, 0.8)
    sticks.go(60, 0.6, 0.6)
    sticks.go(60, 0.4, 0.4)
    assert sticks.loss.sustained(120.0) is None    # it still warms
    sticks.go(700, 0.4, 0.4)
    assert sticks.loss.sustained(120.0) == pytest.approx(0.8)
    sticks.go(20)
    assert sticks.loss.sustained(120.0) is None    # heat is not the limit any more
    sticks.go(300, 0.5, 0.5)
    sticks.go(20, 0.5, 0.5, work=(0.1, 0.1))
    assert sticks.loss.sustained(120.0) is None    # nor is it while images are few
    sticks.go(600, 1.0, 0.98)
    # The sticks could do more than they are asked for.
    assert sticks.loss.sustained(120.0) is None


def test_a_restarted_stick_that_counts_anew_has_done_nothing_less():
    sticks = Sticks()
    sticks.go(100, 0.6, 0.6)
    sticks.work_sec[0] = 0.0
    sticks.go(100, 0.6, 0.6)
    assert sticks.loss.sustained(120.0) == pytest.approx(1.2, rel=0.02)


@pytest.mark.parametrize('slower', [True, False])
def test_throttling_is_named_where_it_is_the_limit(slower):
    sticks = Sticks()
    sticks.go(60)
    sticks.level = 1
    if slower:   # each inference takes longer
        sticks.inference_sec = 0.085
        sticks.go(120)
    else:        # or there are fewer
        sticks.go(120, 1.0, 1.0, work=(0.75, 0.75))
    assert sticks.loss.in_trouble and sticks.loss.throttled
    heat = ClusterHeat()
    heat.running = (0, 1, 2)
    text = said(heat, sticks.loss, Settings(cluster_size=2, switch_temperature=75.0))
    assert 'throttling level 1' in text
    assert 'from 72.0 C on' in text
    assert '\n' not in text


def said(*what):
    """Return what is said of the advice for a ClusterHeat, a HeatLoss and Settings."""
    return explain_heat(advice(*what))


class Known(ClusterHeat):
    """The heat of sticks whose sustainable size is known."""

    def __init__(self, *sizes):
        super().__init__()
        self.running = tuple(range(len(sizes)))
        self._sizes = sizes

    def sustainable_size(self, limit_celsius):
        return sum(max(0.0, min((limit_celsius - 45) / rise, 1.0)) for rise in self._sizes)


def test_the_advice_names_what_would_help():
    text = said(Known(45, 45, 45), HeatLoss(), Settings(cluster_size=2))
    assert text.startswith('2 of 3 sticks active is too much heat for switch_temperature 65.0 C')
    assert 'sustain 1.3 at full speed' in text
    assert '67%' in text
    assert 'add 2 more sticks' in text
    assert 'switch_temperature to 77.0' in text
    assert 'cluster_size 1 ' in text
    assert '\n' not in text


def test_the_advice_names_no_setting_that_does_not_help():
    text = said(Known(90, 90), HeatLoss(), Settings(cluster_size=2))
    assert 'set switch_temperature' not in text   # 95 C is not enough
    assert 'cluster_size 1' not in text           # nor can one stick work at full speed
    assert 'add 8 more sticks' in text


def test_the_advice_is_no_more_sticks_than_there_can_be_nor_a_limit_at_which_they_throttle():
    loss = HeatLoss()
    loss.throttles_at = 70.0
    text = said(Known(2000, 2000, 2000), loss, Settings(cluster_size=3))
    assert 'more sticks' not in text and text.endswith('for full speed cool them better')
    text = said(Known(45, 45, 45), loss, Settings(cluster_size=2))
    assert 'set switch_temperature' not in text


@pytest.mark.parametrize('size, celsius, advised', [
    (2, 70.0, 'below 70.0'), (0, 70.0, 'add sticks'), (2, float('inf'), 'add sticks')])
def test_a_lower_limit_is_advised_against_throttling_only_where_others_rest(
        size, celsius, advised):
    heat, loss = ClusterHeat(), HeatLoss()
    heat.running, loss.throttled, loss.throttles_at = (0, 1, 2), True, celsius
    text = said(heat, loss, Settings(cluster_size=size, switch_temperature=75.0))
    assert advised in text and 'inf' not in text


def test_the_advice_is_careful_while_little_is_known():
    heat = ClusterHeat()
    heat.running = (0, 1)
    sticks = Sticks()
    sticks.go(60, 0.5, 0.5)
    text = said(heat, sticks.loss, Settings())
    assert '2 of 2 sticks active' in text
    assert '50% of the work was lost' in text or '49% of the work was lost' in text
    assert 'add sticks' in text
