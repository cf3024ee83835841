# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How several cameras share the sticks in a plan, by worked examples and as the node does."""

import math
import random

from ncs_cluster_detector.planning.cameras import CameraRate
from ncs_cluster_detector.planning.cameras import fair_shares
from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.settings import Settings
import pytest


def shares(rates, weights, frames_per_sec):
    """Return the shares of cameras with these rates and weights."""
    return fair_shares([CameraRate(*camera) for camera in zip(rates, weights)], frames_per_sec)


@pytest.mark.parametrize('rates, weights, frames_per_sec, expected', [
    ([], [], 30.0, []),
    ([30.0], [1.0], 20.0, [20.0]),
    ([30.0] * 3, [1.0] * 3, 30.0, [10.0] * 3),
    ([30.0] * 3, [2.0, 1.0, 1.0], 30.0, [15.0, 7.5, 7.5]),
    ([30.0] * 3, [1000.0, 500.0, 500.0], 30.0, [15.0, 7.5, 7.5]),
    # What one does not need goes to the others, by their weights.
    ([30.0, 2.0, 30.0], [1.0] * 3, 30.0, [14.0, 2.0, 14.0]),
    ([30.0, 30.0, 3.0], [2.0, 1.0, 1.0], 30.0, [18.0, 9.0, 3.0]),
    # A heavy one can leave something, too, and then the next may have enough.
    ([10.0, 12.0, 30.0], [8.0, 1.0, 1.0], 40.0, [10.0, 12.0, 18.0]),
    # There is enough for all.
    ([10.0, 5.0, 1.0], [0.0, 9.0, 1.0], 16.0, [10.0, 5.0, 1.0]),
    ([10.0, 5.0, 1.0], [1.0, 9.0, 0.0], 100.0, [10.0, 5.0, 1.0]),
    # Weight 0 has what is left, and several of them the same of it.
    ([30.0, 30.0], [1.0, 0.0], 20.0, [20.0, 0.0]),
    ([12.0, 30.0, 30.0], [5.0, 0.0, 0.0], 20.0, [12.0, 4.0, 4.0]),
    ([12.0, 1.0, 30.0], [5.0, 0.0, 0.0], 20.0, [12.0, 1.0, 7.0]),
    ([30.0, 30.0], [0.0, 0.0], 20.0, [10.0, 10.0]),
    ([30.0, 30.0], [1.0, 2.0], 0.0, [0.0, 0.0])])
def test_shares_are_those_of_the_example(rates, weights, frames_per_sec, expected):
    assert shares(rates, weights, frames_per_sec) == pytest.approx(expected)


def test_no_other_shares_are_fairer():
    """Whoever has less than it brings has no less for its weight than any other."""
    chance = random.Random(4)
    for _ in range(2000):
        number = chance.randint(1, 8)
        rates = [chance.uniform(0.1, 60.0) for _ in range(number)]
        weights = [chance.choice((0.0, 0.001, 1.0, 1.0, chance.uniform(0.0, 9.0), 1000.0))
                   for _ in range(number)]
        most = chance.uniform(0.0, 200.0)
        found = shares(rates, weights, most)
        assert sum(found) == pytest.approx(min(most, sum(rates)))
        for share, rate, weight in zip(found, rates, weights):
            assert 0.0 <= share <= rate
            if share > rate - 1e-9:
                continue
            for other, its_weight in zip(found, weights):
                if weight and its_weight:
                    assert share / weight >= other / its_weight * (1.0 - 1e-9)
                elif weight == its_weight:
                    assert share >= other * (1.0 - 1e-9)
                elif weight:   # the other has none, and so nothing, as this one lacks some
                    assert other < 1e-9


@pytest.mark.parametrize('rates, weights', [
    ((30.0, 30.0, 30.0), (1.0, 1.0, 1.0)), ((30.0, 30.0, 30.0), (2.0, 1.0, 1.0)),
    ((30.0, 2.0, 30.0), (1.0, 1.0, 1.0)), ((30.0, 30.0, 5.0), (2.0, 1.0, 1.0)),
    ((15.0, 30.0), (1.0, 0.0)), ((15.0, 30.0, 30.0), (1.0, 0.0, 0.0)),
    ((10.0, 12.0, 5.0), (3.0, 1.0, 0.0))])
def test_the_plan_is_what_the_policy_of_the_node_does(rates, weights):
    frames_per_sec, seconds = 30.8, 200.0
    policy, settings = FairShare(), Settings(camera_weights=weights)
    chance = random.Random(5)
    newest_at = [chance.random() / rate for rate in rates]   # when the next image comes
    inferred, now = [0] * len(rates), 0.0
    waiting = set()
    while now < seconds:
        for camera, rate in enumerate(rates):
            while newest_at[camera] <= now:   # the newest takes the place of an older one
                waiting.add(camera)
                newest_at[camera] += 1.0 / rate
        camera = policy.choose(now, waiting, settings)
        if camera is None:
            now = math.nextafter(min(newest_at), math.inf)
            continue
        policy.on_frame_sent(camera, now, settings)
        waiting.remove(camera)
        inferred[camera] += 1
        now += 1.0 / frames_per_sec
    assert [count / seconds for count in inferred] == pytest.approx(
        shares(rates, weights, frames_per_sec), rel=0.03, abs=0.05)
