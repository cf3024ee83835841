# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Settings that are chosen are not worse than others that were tried."""

from dataclasses import replace

from ncs_cluster_detector.planning import choose as choosing
from ncs_cluster_detector.planning.choose import best_of
from ncs_cluster_detector.planning.choose import Candidate
from ncs_cluster_detector.planning.choose import choose
from ncs_cluster_detector.planning.plan import make_plan
from ncs_cluster_detector.planning.plan import Question
from ncs_cluster_detector.planning.table import lines_of_choice
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import Settings
import pytest


def asked(sticks, idle, rate):
    """Return a Question of sticks with a short time constant."""
    return Question((ThermalModel(idle, 45.0, 60.0),) * sticks, Settings(cluster_size=2),
                    frames_per_sec=rate, hours=0.2)


@pytest.fixture(scope='module', params=[(2, 30.0, 14.0), (2, 45.0, 20.0), (2, 42.0, 14.5)],
                ids=['plenty', 'too hot', 'just enough'])
def case(request):
    """Return a Question and its Choice, from half of the usual times, which leads to the same."""
    question = asked(*request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, '_SETTLING', (1.5, 150.0, 900.0))
        patch.setattr(choosing, '_COUNTING', (1.5, 300.0, 1200.0))
        return question, choose(question)


def test_no_candidate_is_better_in_all_respects(case):
    question, choice = case
    best = choice.recommended
    for other in [each for _, candidates in choice.tables for each in candidates]:
        assert not (other.frames_per_sec >= best.frames_per_sec * 1.001 + 0.01 and
                    other.peak_celsius <= best.peak_celsius - 0.1 and
                    other.switches_per_hour < best.switches_per_hour), other


def test_the_verdict_is_that_of_the_simulation(case):
    question, choice = case
    rate = question.frames_per_sec
    assert choice.is_enough == (choice.recommended.frames_per_sec >= 0.99 * rate)
    assert choice.gives_rate == (choice.as_they_are.frames_per_sec >= 0.99 * rate)
    if choice.is_enough:
        assert choice.gives_rate
        # Some degrees below what was permitted, and above what the sticks then have.
        limit = choice.recommended.settings.switch_temperature
        assert choice.as_they_are.peak_celsius < limit < 60.0
    plan = make_plan(replace(question, settings=choice.recommended.settings))
    text = '\n'.join(lines_of_choice(choice, plan))
    assert ('cannot be had' in text) == (not choice.gives_rate)
    if not choice.gives_rate:
        assert plan.needed_sticks in (3, 4)
        assert f'It takes {plan.needed_sticks} such sticks' in text
        assert choice.as_they_are.frames_per_sec == pytest.approx(2 * 20 / 45 / 0.065, rel=0.05)
    assert ('nothing to spare' in text) == (choice.gives_rate and not choice.is_enough)


def candidate(limit=60.0, peak=58.0, switches=100.0, rate=20.0, margin=5.0):
    return Candidate(Settings(switch_temperature=limit, resume_margin=margin), peak, 2.0,
                     switches, rate)


def test_of_those_that_give_the_rate_the_calmest_of_the_coolest_is_taken():
    cool, calm = candidate(peak=57.2, switches=900.0), candidate(peak=58.0, switches=300.0)
    hot, slow = candidate(peak=59.5, switches=10.0), candidate(peak=50.0, rate=19.0, switches=0.0)
    assert best_of([cool, calm, hot, slow], 20.0, cool) is calm


def test_where_none_gives_it_the_calmest_of_the_fastest_is_taken():
    fast, calm = candidate(rate=18.0, switches=900.0), candidate(rate=17.6, switches=200.0)
    slow = candidate(rate=17.0, switches=10.0)
    assert best_of([fast, calm, slow], 20.0, slow) is calm
    assert best_of([candidate(peak=63.0, rate=19.0), slow], 20.0, slow) is slow


def test_what_is_usual_stays_unless_another_is_clearly_calmer():
    usual, calm = candidate(switches=105.0), candidate(switches=100.0)
    assert best_of([calm, usual], 20.0, usual) is usual
    assert best_of([candidate(switches=90.0), usual], 20.0, usual) is not usual
