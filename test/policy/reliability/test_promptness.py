# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which sticks are late and which are slow, in invented time."""

from ncs_cluster_detector.policy.reliability.promptness import Promptness
from ncs_cluster_detector.policy.reliability.promptness import TYPICAL_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


def stick(number, recent_sec=0.1, usual_sec=None, busy_since=None, state=StickState.RUNNING):
    """Return a stick that took so long lately, and usually."""
    return StickStatus(number, state, inference_sec=usual_sec or recent_sec,
                       recent_sec=recent_sec, busy_since=busy_since)


def after(now, *sticks):
    """Return a Promptness that has seen these sticks at a time."""
    promptness = Promptness()
    promptness.update(now, list(sticks))
    return promptness


@pytest.mark.parametrize('usual_sec, late_after_sec', [
    (0.02, 0.25), (0.1, 0.3), (1.0, 3.0), (None, 3 * TYPICAL_SEC)])
def test_a_stick_is_late_after_several_times_its_own_usual_time(usual_sec, late_after_sec):
    one = stick(0, usual_sec, busy_since=10.0)
    promptness = after(10.0 + late_after_sec - 0.001, one)
    assert promptness.late == set()
    assert promptness.next_due(10.0, [one]) == pytest.approx(10.0 + late_after_sec)
    promptness.update(10.0 + late_after_sec, [one])
    assert promptness.late == promptness.newly_late == {0}
    promptness.update(11.0 + late_after_sec, [one])
    assert (promptness.late, promptness.newly_late) == ({0}, set())
    promptness.update(12.0 + late_after_sec, [stick(0, usual_sec)])
    assert promptness.late == set()


def test_what_owes_nothing_or_does_not_run_is_not_late():
    broken = stick(1, busy_since=0.0, state=StickState.STOPPING)
    promptness = after(100.0, stick(0), broken)
    assert promptness.late == set()
    assert promptness.next_due(100.0, [stick(0)]) is None


def test_one_of_which_nothing_is_known_is_measured_by_the_others():
    new = StickStatus(2, StickState.RUNNING, busy_since=0.0)
    others = [stick(0, 0.5), stick(1, 0.5)]
    assert after(1.4, *others, new).late == set()
    assert after(1.5, *others, new).late == {2}


def test_results_wait_until_another_stick_could_have_answered():
    assert after(0.0, stick(0, 0.1), stick(1, 0.1)).order_patience_sec == pytest.approx(0.45)


def test_a_slow_stick_is_named_with_figures_until_it_is_quick_again():
    promptness = after(0.0, stick(0), stick(1), stick(2, 0.199))
    assert promptness.slowness == {}
    promptness.update(1.0, [stick(0), stick(1), stick(2, 0.2)])
    (slowness,) = promptness.slowness.values()
    assert (slowness.recent_sec, slowness.typical_sec, slowness.factor) == (0.2, 0.1, 2.0)
    promptness.update(2.0, [stick(0), stick(1), stick(2, 0.171)])
    assert list(promptness.slowness) == [2]
    promptness.update(3.0, [stick(0), stick(1), stick(2, 0.169)])
    assert promptness.slowness == {}


@pytest.mark.parametrize('recent, slow', [
    ((0.1, 1.0), {1}), ((1.0, 0.1), {0}), ((1.0,), set()), ((1.0, 1.0), set()),
    ((0.1, 0.1, 1.0, 1.0), {2, 3}), ((0.1, 1.0, 1.0, 1.0), set())])
def test_slow_is_what_the_median_is_not(recent, slow):
    sticks = [stick(number, seconds) for number, seconds in enumerate(recent)]
    assert set(after(0.0, *sticks).slowness) == slow


def test_sticks_without_results_are_not_compared():
    assert after(0.0, StickStatus(0, StickState.RUNNING), stick(1)).slowness == {}
    stopped = stick(1, 9.0, state=StickState.BACKOFF)
    assert after(0.0, stick(0), stopped).slowness == {}


def test_times_that_no_stick_can_take_are_not_compared():
    assert after(0.0, stick(0, 0.0), stick(1)).slowness == {}
    assert after(0.0, stick(0, 0.0)).slowness == {}
