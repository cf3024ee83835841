# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which sticks the cluster can depend on, in invented time."""

from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.reliability.promptness import Promptness
from ncs_cluster_detector.policy.reliability.standing import BLIND_TURN_SEC
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.reliability.standing import Standings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


class World:
    """Sticks that are asked about again and again."""

    def __init__(self):
        self.now = 100.0
        self.heat, self.promptness, self.standings = ClusterHeat(), Promptness(), Standings()

    def ask(self, *sticks, active=(), later_sec=0.0):
        """Return the Standing of each stick."""
        self.now += later_sec
        self.heat.observe(self.now, sticks)
        self.promptness.update(self.now, sticks)
        self.standings.update(self.now, sticks, self.heat, self.promptness, active)
        return list(self.standings.of.values())


@pytest.fixture
def world():
    """Return a World at the time 100."""
    return World()


def stick(number=0, celsius=40.0, **values):
    """Return a stick that runs, with a reading of the time 100."""
    return StickStatus(**{'number': number, 'state': StickState.RUNNING, 'celsius': celsius,
                          'measured_at': None if celsius is None else 100.0, **values})


@pytest.mark.parametrize('values, standing', [
    ({}, Standing.TRUSTED), ({'doubt_sec': 0.1}, Standing.DOUBTED),
    ({'recent_sec': 0.2}, Standing.SLOW), ({'recent_sec': 0.4}, Standing.USELESS),
    ({'celsius': None}, Standing.BLIND), ({'trials_left': 1}, Standing.UNPROVEN),
    ({'busy_since': 90.0}, Standing.LATE),
    ({'busy_since': 90.0, 'trials_left': 1, 'doubt_sec': 9.0}, Standing.LATE),
    ({'celsius': None, 'recent_sec': 0.2, 'doubt_sec': 9.0}, Standing.BLIND),
    ({'celsius': None, 'recent_sec': 0.4}, Standing.USELESS),
    ({'recent_sec': 0.2, 'doubt_sec': 9.0}, Standing.SLOW)])
def test_what_is_known_of_a_stick_makes_its_standing(world, values, standing):
    others = [stick(number, recent_sec=0.1) for number in (1, 2)]
    assert world.ask(stick(**values), *others) == [standing, Standing.TRUSTED, Standing.TRUSTED]


def test_what_does_not_run_has_no_standing(world):
    assert world.ask(stick(state=StickState.BACKOFF), stick(1)) == [Standing.TRUSTED]
    assert list(world.standings.of) == [1]


def blind_beside_one_that_sees(world, **asked):
    """Ask about a blind stick 0 beside another one; return the blind one's Standing."""
    now = world.now + asked.get('later_sec', 0.0)
    return world.ask(StickStatus(0, StickState.RUNNING), stick(1, measured_at=now), **asked)[0]


def test_a_blind_stick_works_a_fifth_of_the_time(world):
    standing = blind_beside_one_that_sees(world)
    active_sec, step_sec = 0.0, 0.125
    for _ in range(round(240.0 / step_sec)):
        assert standing in (Standing.BLIND, Standing.SPENT)
        active = (0,) if standing is Standing.BLIND else ()
        active_sec += len(active) * step_sec
        standing = blind_beside_one_that_sees(world, active=active, later_sec=step_sec)
    assert active_sec == pytest.approx(48.0, abs=BLIND_TURN_SEC)


def test_it_works_no_longer_than_a_turn_at_a_time(world):
    blind_beside_one_that_sees(world)
    for active, later_sec, standing in (
            ((0,), BLIND_TURN_SEC - 0.01, Standing.BLIND), ((0,), 0.01, Standing.SPENT),
            ((), 4 * BLIND_TURN_SEC - 0.02, Standing.SPENT), ((), 0.03, Standing.BLIND)):
        assert blind_beside_one_that_sees(
            world, active=active, later_sec=later_sec) is standing


def test_where_none_sees_none_has_worked_its_share(world):
    blind = [StickStatus(number, StickState.RUNNING) for number in (0, 1)]
    for _ in range(100):
        assert world.ask(*blind, active=(0,), later_sec=1.0) == [Standing.BLIND] * 2


def test_a_stick_that_sees_again_is_trusted_at_once(world):
    blind_beside_one_that_sees(world)
    blind_beside_one_that_sees(world, active=(0,), later_sec=BLIND_TURN_SEC)
    assert world.ask(stick(measured_at=world.now)) == [Standing.TRUSTED]
    for _ in range(100):
        world.now += 1.0
        assert world.ask(stick(measured_at=world.now), active=(0,)) == [Standing.TRUSTED]


def test_what_it_worked_because_no_other_could_is_not_held_against_it(world):
    blind_beside_one_that_sees(world)
    for _ in range(3600):
        blind_beside_one_that_sees(world, active=(0,), later_sec=1.0)
    for later_sec, standing in ((4 * BLIND_TURN_SEC - 0.01, Standing.SPENT),
                                (0.02, Standing.BLIND)):
        assert blind_beside_one_that_sees(world, later_sec=later_sec) is standing
