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

"""Tests of how frames and depth pictures of one moment find each other."""

import gc
import threading
import weakref

from ncs_cluster_detector.nodes.depth_match import DepthMatch
from ncs_cluster_detector.nodes.depth_match import EARLY
from ncs_cluster_detector.workers.frame import Frame

DEADLINE_SEC = 10.0


class Depth:
    """A depth picture whose end can be seen."""


def frame():
    """Return a frame."""
    return Frame(1, None, None, 0.0)


def test_depth_that_came_before_its_frame():
    match, image, depth = DepthMatch(), frame(), Depth()
    match.add_depth(depth, 5)
    match.add_frame(image, 5)
    assert match.depth_of(image, 5, DEADLINE_SEC) is depth


def test_depth_that_came_after_its_frame():
    match, image, depth = DepthMatch(), frame(), Depth()
    match.add_frame(image, 5)
    match.add_depth(depth, 5)
    assert match.depth_of(image, 5, DEADLINE_SEC) is depth


def test_depth_that_comes_while_it_is_waited_for():
    match, image, depth, found = DepthMatch(), frame(), Depth(), []
    match.add_frame(image, 5)
    waiting = threading.Thread(
        target=lambda: found.append(match.depth_of(image, 5, DEADLINE_SEC)))
    waiting.start()
    match.add_depth(depth, 5)
    waiting.join(DEADLINE_SEC)
    assert found == [depth]


def test_after_stamps_jumped_back_depth_is_waited_for_as_before():
    match, image, depth = DepthMatch(), frame(), Depth()
    old = frame()
    match.add_frame(old, 900)
    match.add_depth(Depth(), 950)
    match.add_frame(image, 5)
    waiting = threading.Timer(0.05, match.add_depth, (depth, 5))
    waiting.start()
    assert match.depth_of(image, 5, DEADLINE_SEC) is depth
    assert match.depth_of(old, 900, DEADLINE_SEC) is None


def test_only_the_very_stamp_counts_and_a_later_one_ends_the_wait():
    match, image = DepthMatch(), frame()
    match.add_frame(image, 5)
    match.add_depth(Depth(), 4)
    match.add_depth(Depth(), 6)
    assert match.depth_of(image, 5, DEADLINE_SEC) is None


def test_without_any_depth_the_wait_has_an_end():
    match, image = DepthMatch(), frame()
    match.add_frame(image, 5)
    assert match.depth_of(image, 5, 0.001) is None


def test_closing_ends_the_wait():
    match, image = DepthMatch(), frame()
    match.add_frame(image, 5)
    match.close()
    assert match.depth_of(image, 5, DEADLINE_SEC) is None


def test_depth_goes_with_its_frame_and_early_ones_are_few():
    match, image, depth = DepthMatch(), frame(), Depth()
    match.add_frame(image, 5)
    match.add_depth(depth, 5)
    seen = weakref.ref(depth)
    del depth
    assert seen() is not None
    del image
    gc.collect()
    assert seen() is None
    early = [Depth() for _ in range(EARLY + 3)]
    for stamp, depth in enumerate(early):
        match.add_depth(depth, stamp)
    seen = [weakref.ref(depth) for depth in early]
    del early, depth
    gc.collect()
    assert sum(ref() is not None for ref in seen) == EARLY
