# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of how far away an object is, and what belongs to it."""

from ncs_cluster_detector.geometry.distance import box_slices
from ncs_cluster_detector.geometry.distance import cut_out
from ncs_cluster_detector.geometry.distance import object_depth
from ncs_cluster_detector.geometry.distance import ObjectDepth
from ncs_cluster_detector.networks.detection import Detection
import numpy as np
import pytest

WALL = 4000
BOX = (200, 100)
OBJECT = np.s_[10:190, 15:85]


def before_a_wall(millimetres, place=OBJECT):
    """Return a box of depth, in millimetres, with something in front of a wall."""
    depth = np.full(BOX, WALL, np.uint16)
    depth[place] = millimetres
    return depth


def noisy(seed=1):
    """Return a box with an object at 3 m whose depth is off by some centimetres."""
    noise = np.random.default_rng(seed).normal(3000, 50, (180, 70))
    return before_a_wall(noise.astype(np.uint16))


def changed(depth, place, millimetres):
    """Return a box of depth with another value in one place."""
    depth = depth.copy()
    depth[place] = millimetres
    return depth


def test_a_signalling_nan_is_unknown_like_any_other():
    depth = np.full((9, 9), 2.0, np.float32)
    depth[0] = np.array([0x7f800001], np.uint32).view(np.float32)   # some drivers write it
    assert object_depth(depth).distance == pytest.approx(2.0)   # and no warning, which fails here


MISSING = np.random.default_rng(2).random(BOX)


@pytest.mark.parametrize('depth, metres', [
    (before_a_wall(1500), 1.5),
    (before_a_wall(1500, np.s_[:, :]), 1.5),
    (before_a_wall(3600), 3.6),                                        # 10 % before the wall
    (changed(before_a_wall(1500), np.s_[99:101, 49:51], 0), 1.5),      # nothing in the very middle
    (changed(before_a_wall(1500), np.s_[80:120, 35:65], 0), 1.5),      # a hole in the middle
    (changed(before_a_wall(1500, np.s_[:, :]), np.s_[50:150, 25:75], 0), 1.5),   # a large one
    (changed(before_a_wall(1500), np.s_[60:140, 35:65], WALL), 1.5),   # one looks through it
    (changed(before_a_wall(1500), np.s_[:, 20:28], 700), 1.5),         # a pole before it
    (changed(before_a_wall(1500), MISSING < 0.6, 0), 1.5),
    (changed(before_a_wall(1500), MISSING < 0.8, 0), 1.5),             # little, but evenly
    (changed(before_a_wall(1500), MISSING < 0.1, 65535), 1.5),
    (changed(before_a_wall(1500), MISSING < 0.1, 300), 1.5),
    (noisy(), 3.0)])
def test_the_distance_is_that_of_the_object(depth, metres):
    found = object_depth(depth)
    assert found.distance == pytest.approx(metres, rel=0.005)
    assert found.nearest <= found.distance <= found.farthest < WALL / 1000
    in_metres = np.where(depth == 0, np.nan, depth / 1000).astype(np.float32)
    assert object_depth(in_metres).distance == pytest.approx(metres, rel=0.005)


def narrow(millimetres):
    """Return a box of which the object fills less than half the width."""
    return before_a_wall(millimetres, np.s_[:, 30:70])


@pytest.mark.parametrize('power', range(-200, 200, 7))
def test_a_flat_surface_at_the_edge_of_a_step(power):
    metres = np.float32(1.02 ** power)
    for limit in (0.0, metres, np.inf):
        value = np.nextafter(metres, np.float32(limit))
        assert object_depth(np.full(BOX, value)).distance == pytest.approx(value)


@pytest.mark.parametrize('depth', [
    before_a_wall(0), narrow(0), before_a_wall(0, np.s_[:, :]),
    before_a_wall(0, np.s_[1:-1, 1:-1]),
    np.full(BOX, np.nan, np.float32), np.full(BOX, np.inf, np.float32),
    np.full(BOX, -1.0, np.float32), np.zeros(BOX, np.float32), np.full(BOX, 1e30, np.float32)])
def test_what_is_not_known_stays_unknown(depth):
    assert object_depth(depth) is None


def test_a_floor_has_the_distance_of_its_middle():
    rows = np.linspace(1000, 4000, BOX[0]).astype(np.uint16)
    assert object_depth(np.repeat(rows[:, np.newaxis], BOX[1], 1)).distance == pytest.approx(
        2.5, rel=0.05)


@pytest.mark.parametrize('size', [(1, 1), (2, 3), (1, 200), (65, 129), (480, 640)])
def test_boxes_of_any_size(size):
    assert object_depth(np.full(size, 1234, np.uint16)).distance == pytest.approx(1.234)


def test_whatever_the_depth_the_answer_makes_sense():
    random = np.random.default_rng(3)
    for _ in range(500):
        size = random.integers(1, 90, 2)
        depth = np.exp(random.normal(0, random.uniform(0.01, 5), size)).astype(np.float32)
        depth[random.random(size) < random.random()] = np.nan
        found = object_depth(depth)
        assert found is None or 0 < found.distance
        assert found is None or found.nearest <= found.distance <= found.farthest


def test_an_object_ends_where_there_is_a_gap_and_not_within_it():
    depth = before_a_wall(2000)
    depth[60:140, 15:85] = np.linspace(1900, 2150, 70).astype(np.uint16)   # an arm, and a back
    found = object_depth(depth)
    assert found.nearest <= 1.9 and 2.15 <= found.farthest < 2.5


def test_a_box_covers_at_least_one_pixel_and_none_beyond_the_edge():
    assert box_slices(Detection('a', 1.0, 0.25, 0.5, 0.75, 1.0), 480, 640) == np.s_[
        240:480, 160:480]
    assert box_slices(Detection('a', 1.0, 0.9999, 0.9999, 1.0, 1.0), 10, 10) == np.s_[9:10, 9:10]
    assert box_slices(Detection('a', 1.0, 0.0, 0.0, 0.0001, 0.0001), 10, 10) == np.s_[0:1, 0:1]


def two_objects():
    """Return image, depth in millimetres and objects: two boxes that overlap."""
    image = np.random.default_rng(4).integers(1, 256, (100, 200, 3), dtype=np.uint8)
    depth = np.full((100, 200), WALL, np.uint16)
    depth[20:80, 20:100] = 1500
    depth[40:60, 80:180] = 2500
    depth[30:36, 30:40] = 0
    objects = [
        (Detection('a', 1.0, 0.05, 0.1, 0.55, 0.9), ObjectDepth(1.5, 1.45, 1.55)),
        (Detection('b', 1.0, 0.4, 0.3, 0.95, 0.7), ObjectDepth(2.5, 2.45, 2.55))]
    return image, depth, objects


@pytest.mark.parametrize('scale', [1, 2])
def test_all_objects_are_cut_out_and_what_is_unknown_is_black(scale):
    image, depth, objects = two_objects()
    own = (depth == 1500) | (depth == 2500)
    before = image.copy()
    cut = cut_out(image, depth[::scale, ::scale], objects)
    np.testing.assert_array_equal(cut, np.where(own[:, :, np.newaxis], image, 0))
    np.testing.assert_array_equal(image, before)


def test_the_depth_may_be_in_metres():
    image, depth, objects = two_objects()
    in_metres = np.where(depth == 0, np.nan, depth / 1000).astype(np.float32)
    np.testing.assert_array_equal(
        cut_out(image, in_metres, objects), cut_out(image, depth, objects))


def test_unknown_depth_is_black_also_next_to_the_camera():
    image, _, _ = two_objects()
    depth = np.zeros((100, 200), np.uint16)
    depth[:, 100:] = 200
    near = [(Detection('a', 1.0, 0.0, 0.0, 1.0, 1.0), ObjectDepth(0.2, -0.1, 0.5))]
    cut = cut_out(image, depth, near)
    assert not cut[:, :100].any()
    np.testing.assert_array_equal(cut[:, 100:], image[:, 100:])


def test_without_objects_all_is_black():
    image, depth, _ = two_objects()
    assert not cut_out(image, depth, []).any()
    assert not cut_out(image, None, []).any()
