# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which camera's frame is next, in invented time."""

from dataclasses import replace
import math
import random

from ncs_cluster_detector.planning.cameras import CameraRate
from ncs_cluster_detector.planning.cameras import fair_shares
from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.fair_share import MOST_BEHIND
from ncs_cluster_detector.policy.settings import Settings
import pytest
from shared_pool import INFERENCE_SEC
from shared_pool import least_and_most
from shared_pool import LIMIT
from shared_pool import SharedPool
from shared_pool import TWO_STICKS

hypothesis = pytest.importorskip('hypothesis')
given, st = hypothesis.given, hypothesis.strategies
# The same examples in every run, and no time limit: machines differ.
thorough = hypothesis.settings(max_examples=150, derandomize=True, deadline=None, database=None)

IN_PHASE = (0.0, 0.0)
BOTH_PHASES = pytest.mark.parametrize('sticks', [TWO_STICKS, IN_PHASE], ids=['apart', 'in phase'])
SEEDS = pytest.mark.parametrize('seed', range(4))


def pool_of(rates, weights=(), seed=0, **values):
    """Return a pool of cameras with these rates and weights, whose phases are made up."""
    chance = random.Random(seed)
    return SharedPool(rates, [chance.random() for _ in rates], camera_weights=weights, **values)


def shares_hold(pool, shares, begin, end):
    """Assert the shares of the cameras within 3 % over any 10 s."""
    for camera, share in enumerate(shares):
        least, most = least_and_most(10.0, pool, camera, begin, end)
        # A whole frame is no unfairness: a share is none of whole frames.
        assert 0.97 * 10.0 * share - 1 <= least and most <= 1.03 * 10.0 * share + 1


def test_nobody_is_chosen_when_nobody_waits():
    assert FairShare().choose(0.0, (), Settings()) is None


def test_among_equals_the_first_is_next_and_then_the_other():
    policy, settings = FairShare(), Settings()
    assert policy.choose(0.0, (1, 0), settings) == 0
    policy.on_frame_sent(0, 0.0, settings)
    assert policy.choose(0.0, (1, 0), settings) == 1
    assert policy.choose(0.0, (0,), settings) == 0


@BOTH_PHASES
@SEEDS
@pytest.mark.parametrize('weights, parts', [
    ((), (1 / 3, 1 / 3, 1 / 3)), ((2.0, 1.0, 1.0), (0.5, 0.25, 0.25)),
    ((1000.0, 500.0, 500.0), (0.5, 0.25, 0.25)), ((0.02, 0.01, 0.01), (0.5, 0.25, 0.25))])
def test_three_cameras_have_their_shares_over_any_ten_seconds(weights, parts, sticks, seed):
    pool = pool_of([30.0] * 3, weights, seed, sticks=sticks).go(60.0)
    shares_hold(pool, [LIMIT * part for part in parts], 0.0, 60.0)
    assert sum(pool.counts(0.0, 60.0)) >= 0.99 * LIMIT * 60.0


@BOTH_PHASES
@SEEDS
def test_of_two_cameras_one_has_twice_as_much(sticks, seed):
    pool = pool_of([30.0] * 2, (2.0, 1.0), seed, sticks=sticks).go(60.0)
    total = sum(pool.counts(0.0, 60.0)) / 60.0
    assert total >= 0.98 * LIMIT
    shares_hold(pool, [total * 2 / 3, total / 3], 5.0, 60.0)


@SEEDS
@pytest.mark.parametrize('silent_sec', [0.2, 1.0, 30.0])
def test_a_silent_camera_costs_nobody_anything_and_has_its_share_again_at_once(seed, silent_sec):
    pool = pool_of([30.0] * 3, (), seed).go(20.0)
    pool.silent = {1}
    pool.go(20.5)
    back_at = 20.5 + silent_sec
    pool.go(back_at)
    # From half a second on the others share everything.
    share = LIMIT / 2 * silent_sec
    assert pool.counts(20.5, back_at) == pytest.approx([share, 0, share], rel=0.03, abs=1.5)
    pool.silent = set()
    pool.go(back_at + 20.0)
    (first, second, third), part = pool.counts(back_at, back_at + 0.5), LIMIT / 3 * 0.5
    assert part - 1.5 <= second <= part + MOST_BEHIND + 1.5
    assert first + third >= 2 * part - MOST_BEHIND - 2
    shares_hold(pool, [LIMIT / 3] * 3, back_at + 0.5, back_at + 20.0)


@BOTH_PHASES
@SEEDS
def test_a_camera_that_sends_seldom_has_each_of_its_frames_inferred_next(sticks, seed):
    pool = pool_of([30.0, 2.0, 30.0], (), seed, sticks=sticks).go(60.0)
    waits = [moment - came for moment, camera, came in pool.served if camera == 1]
    assert len(waits) in (120, 119)
    assert max(waits) <= INFERENCE_SEC / 2 + 0.02   # the next place, and those apart a little
    assert sum(pool.counts(0.0, 60.0)) >= 0.99 * LIMIT * 60.0


@pytest.mark.parametrize('rates, weights', [
    ((15.0, 30.0), (1.0, 0.0)), ((15.0, 30.0, 30.0), (1.0, 0.0, 0.0)),
    ((30.0, 30.0, 30.0), (1.0, 1.0, 0.0)), ((9.0, 5.0, 30.0), (1000.0, 0.0, 0.0)),
    ((30.0, 30.0, 30.0), (0.0, 0.0, 0.0))])
def test_cameras_of_weight_0_have_what_the_others_leave_in_equal_parts(rates, weights):
    pool = pool_of(rates, weights).go(60.0)
    expected = fair_shares([CameraRate(*each) for each in zip(rates, weights)], LIMIT)
    for camera, count in enumerate(pool.counts(0.0, 60.0)):
        assert count == pytest.approx(60.0 * expected[camera], rel=0.03, abs=2)


def test_a_camera_of_weight_0_waits_whenever_another_one_waits():
    policy, settings = FairShare(), Settings(camera_weights=(0.0, 1e-300))
    for _ in range(1000):
        assert policy.choose(0.0, (0, 1), settings) == 1
        policy.on_frame_sent(1, 0.0, settings)
    assert policy.choose(0.0, (0,), settings) == 0


@pytest.mark.parametrize('max_fps', [0.5, 5.0, 7.3, 29.0])
@SEEDS
def test_max_fps_is_kept_for_minutes_and_at_most_one_frame_is_ahead(max_fps, seed):
    pool = pool_of([30.0, 30.0], seed=seed, camera_max_fps=(max_fps, 0.0)).go(180.0)
    moments = [moment for moment, camera, _ in pool.served if camera == 0]
    if max_fps < LIMIT / 2:
        assert len(moments) == pytest.approx(180.0 * max_fps, rel=0.01, abs=2)
    for number, begin in enumerate(moments):
        # In whatever time from one frame on: those that are due, and one.
        for ahead in (1, 2, 3, 10, 100):
            if number + ahead < len(moments):
                due = (moments[number + ahead] - begin) * max_fps
                assert ahead <= due + 1 + 1e-6
    other = pool.counts(0.0, 180.0)[1]
    assert other >= min(30.0, LIMIT - min(max_fps, LIMIT / 2)) * 180.0 * 0.97


def test_a_frame_is_due_exactly_a_period_after_the_last_one_was():
    policy, settings = FairShare(), Settings(camera_max_fps=(4.0,))
    for now in (0.0, 0.0, 0.25):   # the second makes up for one that was due before
        assert policy.choose(now, (0,), settings) == 0
        policy.on_frame_sent(0, now, settings)
    assert policy.due_at(0, settings) == 0.5
    assert policy.choose(math.nextafter(0.5, 0.0), (0,), settings) is None
    assert policy.choose(0.5, (0,), settings) == 0
    # No more than one is made up for after a silence.
    policy.on_frame_sent(0, 100.0, settings)
    policy.on_frame_sent(0, 100.0, settings)
    assert policy.due_at(0, settings) == 100.25


def test_max_fps_changes_at_once():
    policy, slow = FairShare(), Settings(camera_max_fps=(0.001,))
    for _ in range(2):
        policy.on_frame_sent(0, 10.0, slow)
    assert policy.due_at(0, slow) == pytest.approx(1010.0)
    assert policy.due_at(0, Settings(camera_max_fps=(10.0,))) == pytest.approx(10.1)
    assert policy.choose(10.0, (0,), Settings()) == 0
    policy.on_frame_sent(0, 10.5, Settings())
    assert policy.due_at(0, slow) == pytest.approx(1010.5)


@pytest.mark.parametrize('before, after, parts', [
    ((1e-300, 1000.0, 1000.0), (1000.0, 1.0, 1.0), None),
    ((1e-9, 1.0, 1.0), (2.0, 1.0, 1.0), (0.5, 0.25, 0.25)),
    ((0.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1 / 3, 1 / 3, 1 / 3)),
    ((), (1.0, 1.0, 2.0), (0.25, 0.25, 0.5)), ((2.0, 1.0, 1.0), (), (1 / 3, 1 / 3, 1 / 3))])
def test_new_weights_count_at_once(before, after, parts):
    pool = pool_of([30.0] * 3, before).go(20.0)
    assert pool.counts(0.0, 20.0)[0] <= 2 or before in ((), (2.0, 1.0, 1.0))
    pool.settings = replace(pool.settings, camera_weights=after)
    pool.go(60.0)
    if parts is None:   # it has nearly all that it sends, and has not to make good for anything
        assert pool.counts(20.0, 21.0)[0] >= 24
    else:
        shares_hold(pool, [LIMIT * part for part in parts], 20.0, 60.0)


@pytest.mark.parametrize('heavy', range(3))
def test_weights_that_change_with_every_frame_starve_nobody(heavy):
    pool, chance = pool_of([30.0] * 3), random.Random(heavy)

    def change():
        weights = [1.0 + 0.001 * chance.random() for _ in range(3)]
        weights[heavy] *= 2.0
        pool.settings = replace(pool.settings, camera_weights=tuple(weights))

    change()
    pool.go(60.0, on_sent=change)
    shares_hold(pool, [LIMIT * (0.5 if camera == heavy else 0.25) for camera in range(3)],
                1.0, 60.0)


def test_a_camera_is_never_more_than_a_frame_ahead_nor_three_behind_for_a_million_frames():
    policy, chance = FairShare(), random.Random(1)
    settings = Settings()
    for number in range(1_000_000):
        if not number % 1000:
            settings = Settings(camera_weights=tuple(
                chance.choice((0.0, 1e-300, 0.001, 1.0, 7.0, 1000.0)) for _ in range(4)))
            waiting = chance.choice(((0, 1, 2, 3), (0, 1), (3,), (1, 2, 3)))
        policy.on_frame_sent(policy.choose(number, waiting, settings), number, settings)
        if not number % 100:
            ahead = policy._ahead.values()
            assert min(ahead) >= -MOST_BEHIND and max(ahead) <= 1.0 + 1e-6
    assert len(policy._ahead) == len(policy._due_from) == 4


CAMERAS = st.lists(st.tuples(
    st.sampled_from((30.0, 2.0, 5.0)) | st.floats(0.5, 60.0),
    st.sampled_from((1.0, 2.0, 0.0)) | st.floats(0.1, 10.0), st.floats(0.0, 1.0)),
    min_size=1, max_size=6)


@thorough
@given(cameras=CAMERAS, phase=st.floats(0.0, 1.0))
def test_no_place_is_left_empty_and_no_camera_of_weight_starves(cameras, phase):
    """The pool checks each place; here it is how long a camera waits."""
    rates, weights, phases = zip(*cameras)
    pool = SharedPool(rates, list(phases), (0.0, phase * INFERENCE_SEC), camera_weights=weights)
    pool.go(20.0)
    # A place every two inferences at worst, where the sticks come to finish together.
    place_sec = INFERENCE_SEC
    for camera, (rate, weight, _) in enumerate(cameras):
        if weight == 0.0:
            continue
        moments = [0.0, *(moment for moment, number, _ in pool.served if number == camera), 20.0]
        gap = max(later - before for before, later in zip(moments, moments[1:]))
        turns = sum(math.ceil(other / weight) + MOST_BEHIND + 1 for other in weights)
        assert gap <= 1.0 / rate + turns * place_sec


@hypothesis.settings(thorough, max_examples=80, suppress_health_check=[
    hypothesis.HealthCheck.filter_too_much])
@given(cameras=st.lists(st.tuples(
    st.sampled_from((30.0, 2.0)) | st.floats(0.5, 60.0), st.sampled_from((1.0, 2.0, 3.0)),
    st.floats(0.0, 1.0)), min_size=1, max_size=6))
def test_shares_are_the_weighted_max_min_shares(cameras):
    rates, weights, phases = zip(*cameras)
    shares = fair_shares([CameraRate(rate, weight) for rate, weight in zip(rates, weights)], LIMIT)
    # Of a camera that is to have most of its frames, some come just after a place was given to
    # another one, or are replaced while several have their turn: what is next to come nobody
    # knows. So each has less than half of its frames inferred, or its frame waits until all the
    # others have had their turn.
    hypothesis.assume(all(
        share < 0.5 * rate or rate * sum(math.ceil(other / weight) for other in weights) < LIMIT
        for share, rate, weight in zip(shares, rates, weights)))
    pool = SharedPool(rates, list(phases), camera_weights=weights).go(25.0)
    for share, count in zip(shares, pool.counts(5.0, 25.0)):
        assert count == pytest.approx(20.0 * share, rel=0.03, abs=2)
