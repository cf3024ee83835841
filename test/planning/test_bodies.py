# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bodies that are not one first-order body, in words and in the planner's simulation."""

import math

from ncs_cluster_detector.planning.bodies import bodies_of
from ncs_cluster_detector.planning.bodies import BodyWords
from ncs_cluster_detector.planning.bodies import parse_body
from ncs_cluster_detector.planning.plan import needed_sticks
from ncs_cluster_detector.planning.plan import NO_ROTATION
from ncs_cluster_detector.planning.plan import outcome_of
from ncs_cluster_detector.planning.plan import Question
from ncs_cluster_detector.planning.real_cluster import RealCluster
from ncs_cluster_detector.planning.theory import floor_celsius
from ncs_cluster_detector.planning.theory import sustainable_size
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import COOLEST
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import Hub
from ncs_cluster_detector.simulation.heat.sensor import Sensor
import pytest

STICK = ThermalModel(30.0, 30.0, 30.0)


def question(words, sticks=2, **arguments):
    """Return a Question of short time constants."""
    constants = (STICK,) * sticks
    bodies = bodies_of(constants, [None] * sticks, parse_body(words))
    return Question(tuple(stick.constants() for stick in bodies.sticks),
                    Settings(cluster_size=1), hours=0.2, bodies=bodies, **arguments)


def test_all_words_are_read():
    assert parse_body(
        'die 20, hub 8, ambient 45, fan 2, cooling 0.6 1 2, throttle 72, coarse-temperature 1, '
        'noisy-temperature 0.5, highest-temperature 25, lagging-temperature 4, '
        'lost-temperature 5, camera 30 60') == BodyWords(
            (20.0, 5.0), Hub(8.0, 600.0), (45.0, 600.0), (2.0, 0.0), ((0.6, (1, 2)),),
            (72.0, 0.8), Sensor(4.0, 25.0, 0.5, 1.0, 5.0, 60.0), (30.0, 60.0),
            'die 20, hub 8, ambient 45, fan 2, cooling 0.6 1 2, throttle 72, '
            'coarse-temperature 1, noisy-temperature 0.5, highest-temperature 25, '
            'lagging-temperature 4, lost-temperature 5, camera 30 60')
    assert parse_body('die 20 3, hub 8 60').hub == Hub(8.0, 60.0)


def test_the_die_is_a_part_of_the_rise():
    first, second = bodies_of([STICK] * 2, [(10.0, 2.0), None], BodyWords()).sticks
    assert first.body == Body(20.0, 30.0, 10.0, 2.0)
    assert second.body.die_rise_celsius == 0.0
    said, = bodies_of([STICK], [(10.0, 2.0)], parse_body('die 4 1')).sticks
    assert said.body == Body(26.0, 30.0, 4.0, 1.0)
    none, = bodies_of([STICK], [(10.0, 2.0)], parse_body('die 0')).sticks
    assert none.body.rise_celsius == 30.0


@pytest.mark.parametrize('words, hottest', [
    ('die 10 2', 60.0), ('hub 8 20', 64.0), ('ambient 40 10', 70.0), ('cooling 0.5', 90.0),
    ('cooling 0.5 1', 60.0), ('fan 2', 60.0), ('camera 600 600', 60.0),
    ('throttle 50 0.5', 50.0)])
def test_each_word_does_what_it_says(words, hottest):
    """Without rotation one of two sticks works all the time: half of the hub's rise is its."""
    found = outcome_of(question(words), NO_ROTATION)
    assert found.peak_celsius == pytest.approx(hottest, abs=0.7)
    at_the_end = 45.0 if words == 'fan 2' else hottest   # the peak was before
    if not words.startswith('camera'):
        assert max(found.history[-1][1]) == pytest.approx(at_the_end, abs=0.7)


def test_frames_count_while_images_come():
    found = outcome_of(question('camera 10 20', frames_per_sec=10.0), COOLEST)
    assert found.frames_per_sec == pytest.approx(10.0, rel=0.01)


def test_the_theory_knows_the_hub():
    assert sustainable_size([STICK] * 4, 48.0, 8.0) == pytest.approx(4 * 18 / 38, abs=1e-4)
    assert floor_celsius([STICK] * 4, 2.0, 8.0) == pytest.approx(30.0 + 15.0 + 4.0, abs=1e-4)
    assert sustainable_size([STICK] * 4, 200.0, 8.0) == pytest.approx(4.0, abs=1e-4)


def test_sticks_for_a_rate_are_counted_on_bodies():
    asked = question('hub 8 20, die 4 2')
    asked = Question(asked.constants, Settings(cluster_size=1, switch_temperature=48.0),
                     hours=0.2, bodies=asked.bodies)
    # 38 C at most for one that always works, of which 18 are below the limit: three sticks.
    assert needed_sticks(asked, 1 / 0.065, 1) == 3
    hot = question('ambient 70 10')
    assert needed_sticks(hot, 1 / 0.065, 1) is None


def test_in_the_end_nothing_changes_any_more():
    bodies = question('ambient 40 10, fan 2, hub 8, die 10 2').bodies
    ended = bodies.in_the_end(1.5)
    assert ended.words.ambient is None and ended.words.fan is None
    assert ended.words.hub.rise_celsius == 12.0
    assert ended.sticks[0].constants() == ThermalModel(40.0, 30.0 / 2 + 15.0, 15.0)


def test_a_cluster_can_start_warm():
    bodies = question('hub 8 20, die 10 2').bodies
    cold = RealCluster(bodies.sticks, Settings(switch_temperature=95.0),
                       bodies.surroundings(0.0, 2), frames_per_sec=15.0)
    warm = RealCluster(bodies.sticks, Settings(switch_temperature=95.0),
                       bodies.surroundings(0.0, 2), frames_per_sec=15.0)
    share = 15.0 * 0.065 / 2
    warm.warm_up(share)
    assert warm.celsius == pytest.approx([30.0 + share * 38.0] * 2)
    cold.run_until(400.0)
    assert cold.celsius == pytest.approx(warm.celsius, abs=0.5)
    assert math.isclose(cold.hub_celsius, warm.hub_celsius, abs_tol=0.2)
