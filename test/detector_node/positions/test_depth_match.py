# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of how frames and depth pictures of one moment find each other."""

import gc
import threading
import time
import weakref

from ncs_cluster_detector.detector_node.positions.match import DepthMatch
from ncs_cluster_detector.detector_node.positions.match import EARLY_SEC
from ncs_cluster_detector.detector_node.positions.match import FEWEST_EARLY
from ncs_cluster_detector.detector_node.positions.match import LATEST_SEC
from ncs_cluster_detector.detector_node.positions.match import MOST_EARLY_BYTES
from ncs_cluster_detector.detector_node.positions.messages import DepthPicture
from ncs_cluster_detector.supervision.frame import Frame
import numpy as np
import pytest

DEADLINE_SEC = 10.0
KEEP_SEC = 0.2


def frame(arrived_at=0.0):
    """Return a frame."""
    return Frame(1, None, None, arrived_at)


def picture(size=1):
    """Return a depth picture of ``size`` bytes that takes no memory."""
    return DepthPicture(np.broadcast_to(np.zeros(1, np.uint8), (1, size)), 'eye')


class Match(DepthMatch):
    """With the times that most tests do not care for, and a fixed end of waiting."""

    def depth_of(self, image, stamp, timeout_sec):
        """Return the depth picture of a frame, or None."""
        deadline = time.monotonic() + timeout_sec
        return super().depth_of(image, stamp, lambda: deadline - time.monotonic())

    def add_depth(self, depth, stamp, now=0.0, keep_sec=KEEP_SEC):
        """Take a depth picture."""
        super().add_depth(depth, stamp, now, keep_sec)


def test_depth_that_came_before_its_frame():
    match, image, depth = Match(), frame(), picture()
    match.add_depth(depth, 5)
    match.add_frame(image, 5)
    assert match.depth_of(image, 5, DEADLINE_SEC) is depth


def test_depth_that_came_after_its_frame():
    match, image, depth = Match(), frame(), picture()
    match.add_frame(image, 5)
    match.add_depth(depth, 5)
    assert match.depth_of(image, 5, DEADLINE_SEC) is depth


def test_depth_that_comes_while_it_is_waited_for():
    match, image, depth, found = Match(), frame(), picture(), []
    match.add_frame(image, 5)
    waiting = threading.Thread(
        target=lambda: found.append(match.depth_of(image, 5, DEADLINE_SEC)))
    waiting.start()
    match.add_depth(depth, 5)
    waiting.join(DEADLINE_SEC)
    assert found == [depth]


def test_after_stamps_jumped_back_depth_is_waited_for_as_before():
    match, image, depth = Match(), frame(), picture()
    old = frame()
    match.add_frame(old, 900)
    match.add_depth(picture(), 950)
    match.add_frame(image, 5)
    waiting = threading.Timer(0.05, match.add_depth, (depth, 5))
    waiting.start()
    assert match.depth_of(image, 5, DEADLINE_SEC) is depth
    assert match.depth_of(old, 900, DEADLINE_SEC) is None


def test_only_the_very_stamp_counts_and_a_later_one_ends_the_wait():
    match, image = Match(), frame()
    match.add_frame(image, 5)
    match.add_depth(picture(), 4)
    match.add_depth(picture(), 6)
    assert match.depth_of(image, 5, DEADLINE_SEC) is None


def test_depth_out_of_order_is_still_taken_and_waited_for_from_then_on():
    match, first, second, third = Match(), frame(), frame(), frame()
    match.add_frame(first, 5)
    match.add_depth(picture(), 6)
    depth = picture()
    match.add_depth(depth, 5)   # before the frame was asked for
    assert match.depth_of(first, 5, DEADLINE_SEC) is depth
    match.add_frame(second, 7)
    match.add_depth(picture(), 8)
    assert match.depth_of(second, 7, DEADLINE_SEC) is None
    match.add_depth(picture(), 7, 0.1)   # so a later one shows nothing
    assert match.lateness is None, 'it was not too late but given up'
    match.add_frame(third, 9)
    match.add_depth(picture(), 10)
    waiting = threading.Timer(0.05, match.add_depth, (depth, 9))
    waiting.start()
    assert match.depth_of(third, 9, DEADLINE_SEC) is depth


def test_without_any_depth_the_wait_has_an_end():
    match, image = Match(), frame()
    match.add_frame(image, 5)
    assert match.depth_of(image, 5, 0.001) is None


def test_a_wait_that_is_shortened_meanwhile_ends():
    match, image, left, found = DepthMatch(), frame(), [DEADLINE_SEC * 10], []
    asked = threading.Event()

    def left_sec():
        asked.set()
        return left[-1]

    match.add_frame(image, 5)
    waiting = threading.Thread(target=lambda: found.append(match.depth_of(image, 5, left_sec)))
    waiting.start()
    assert asked.wait(DEADLINE_SEC)
    left.append(0.0)
    match.wake()
    waiting.join(DEADLINE_SEC)
    assert found == [None]


def test_closing_ends_the_wait():
    match, image = Match(), frame()
    match.add_frame(image, 5)
    match.close()
    assert match.depth_of(image, 5, DEADLINE_SEC) is None


@pytest.mark.parametrize('late_sec', [0.25, 3.0, LATEST_SEC - 0.1])
def test_depth_that_comes_too_late_is_measured_from_its_image(late_sec):
    match, image = Match(), frame(100.0)
    match.add_frame(image, 5)
    assert match.depth_of(image, 5, 0.0) is None
    match.add_depth(picture(), 5, 100.0 + late_sec)
    assert match.lateness == (pytest.approx(late_sec), 100.0 + late_sec)


def test_depth_of_a_frame_that_was_not_given_up_is_not_late():
    match, image = Match(), frame(100.0)
    match.add_frame(image, 5)
    match.add_depth(picture(), 5, 103.0)   # the sticks took so long
    assert match.depth_of(image, 5, 0.0) is not None
    match.add_depth(picture(), 4, 103.0)   # of a frame that never came
    assert match.lateness is None


def test_what_comes_long_after_is_of_another_time():
    match, image = Match(), frame(100.0)
    match.add_frame(image, 5)
    match.depth_of(image, 5, 0.0)
    match.add_depth(picture(), 5, 100.1 + LATEST_SEC)   # a bag plays again
    assert match.lateness is None
    again = frame(111.0)
    match.add_frame(again, 5)
    assert match.depth_of(again, 5, 0.0) is not None


@pytest.mark.parametrize('others_before', [False, True])
@pytest.mark.parametrize('overtaken', [False, True])
def test_what_was_lost_is_not_late_when_a_short_recording_plays_again(overtaken, others_before):
    match = Match()
    lost, last, later = frame(100.0), frame(102.0), frame(104.2)
    match.add_frame(lost, 5)
    if overtaken:
        match.add_depth(picture(), 6, 100.0)
    assert match.depth_of(lost, 5, 0.0) is None
    match.add_frame(last, 9)
    # It begins anew, and this time the depth is there.
    if others_before:
        match.add_frame(frame(103.9), 4)
    match.add_depth(picture(), 5, 104.0)
    if others_before:
        assert match.lateness is None
    again = frame(104.0)
    match.add_frame(again, 5)
    assert match.depth_of(again, 5, 0.0) is not None
    assert match.lateness is None
    match.add_frame(later, 7)
    match.add_depth(picture(), 8, 104.2)   # a later one shows again that this one's is lost
    start = time.monotonic()
    assert match.depth_of(later, 7, DEADLINE_SEC) is None
    assert time.monotonic() - start < DEADLINE_SEC / 2


def test_what_was_let_go_is_not_early_when_a_short_recording_plays_again():
    match = Match()
    for number in range(FEWEST_EARLY + 1):
        match.add_depth(picture(), number, 0.5 * number)
    match.add_frame(frame(3.0), 9)
    match.add_frame(frame(4.0), 0)   # of which the depth of the first round was let go
    assert match.lateness is None


def test_depth_waits_for_an_image_that_comes_many_pictures_later():
    match, depth, image = Match(), picture(), frame(EARLY_SEC - 0.01)
    for number in range(89):
        match.add_depth(depth if number == 0 else picture(), number, number / 90)
    match.add_frame(image, 0)
    assert match.depth_of(image, 0, DEADLINE_SEC) is depth
    assert match.lateness is None


@pytest.mark.parametrize('keep_sec, kept', [(KEEP_SEC, False), (5.0, True)])
def test_depth_that_was_let_go_before_its_image_came_is_measured(keep_sec, kept):
    match, depth, image = Match(), picture(), frame(2.0)
    for number in range(FEWEST_EARLY + 1):
        match.add_depth(depth, number, 0.5 * number, keep_sec)
    match.add_frame(image, 0)
    assert (match.depth_of(image, 0, 0.0) is depth) == kept
    assert match.lateness == (None if kept else (-2.0, 2.0))


def test_early_depth_takes_a_bounded_memory():
    match = Match()
    size = MOST_EARLY_BYTES // 10
    for number in range(30):
        match.add_depth(picture(size), number)
    assert len(match._early) == 10
    for number in range(30, 60):
        match.add_depth(picture(MOST_EARLY_BYTES), number)
    assert list(match._early) == list(range(60 - FEWEST_EARLY, 60)), 'some are needed in any case'


def test_depth_goes_with_its_frame():
    match, image, depth = Match(), frame(), picture()
    match.add_frame(image, 5)
    match.add_depth(depth, 5)
    seen = weakref.ref(depth)
    del depth
    assert seen() is not None
    del image
    gc.collect()
    assert seen() is None


def test_what_is_remembered_of_the_past_is_bounded():
    match = Match()
    for number in range(3000):
        now = number / 30
        image = frame(now)
        match.add_frame(image, 10 * number)
        assert match.depth_of(image, 10 * number, 0.0) is None
        match.add_depth(picture(), 10 * number + 1, now)
    most = 30 * (LATEST_SEC + 5 * EARLY_SEC)
    assert max(len(match._given_up), len(match._dropped), len(match._early)) < most
    del image
    assert not match._waiting
