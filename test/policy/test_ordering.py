# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Results are released in the order of the frames, and none waits for ever."""

from ncs_cluster_detector.policy.ordering import ResultOrder
import pytest


@pytest.fixture
def order():
    """Return an order with the frames 1, 2 and 3 under way and half a second of patience."""
    order = ResultOrder(0.5)
    for sequence in (1, 2, 3):
        order.sent(sequence, 0)
    return order


def test_a_result_waits_for_the_earlier_frame(order):
    order.finished(2, 0, 'two', 1.0)
    assert order.release(1.0) == []
    order.finished(1, 0, 'one', 1.1)
    assert order.release(1.1) == ['one', 'two']


def test_a_lost_frame_holds_nothing_back(order):
    order.finished(2, 0, 'two', 1.0)
    order.lost(1, 0)
    assert order.release(1.0) == ['two']


def test_patience_ends_on_time_and_what_comes_later_is_late(order):
    order.finished(2, 0, 'two', 1.0)
    assert order.next_release_at() == 1.5
    assert order.release(1.499) == []
    assert order.release(1.5) == ['two']
    order.finished(1, 0, 'one', 1.6)
    order.finished(3, 0, 'three', 1.6)
    assert order.release(1.6) == ['three']
    assert order.lost_frames + order.late_frames == 1
    assert order.next_release_at() is None


def test_patience_counts_for_each_result_anew(order):
    order.finished(2, 0, 'two', 1.0)
    order.sent(4, 0)
    order.finished(4, 0, 'four', 1.4)
    assert order.release(1.5) == ['two']
    assert order.release(1.899) == []
    assert order.release(1.9) == ['four']


def test_of_two_sticks_with_the_same_frame_the_first_result_counts(order):
    order.sent(1, 7)
    order.finished(1, 7, 'first', 1.0)
    order.finished(1, 0, 'second', 1.1)
    assert order.release(1.1) == ['first']
    assert order.lost_frames + order.late_frames == 0


def test_the_second_result_of_a_published_frame_is_not_late(order):
    order.sent(1, 7)
    order.finished(1, 7, 'first', 1.0)
    assert order.release(1.0) == ['first']
    order.finished(1, 0, 'second', 9.0)
    order.lost(2, 0)
    assert order.release(9.0) == []
    assert order.lost_frames + order.late_frames == 1   # that is frame 2


def test_a_frame_is_lost_when_the_last_stick_has_lost_it(order):
    order.sent(1, 7)
    order.finished(2, 0, 'two', 1.0)
    order.lost(1, 0)
    assert order.release(1.0) == []
    order.lost(1, 7)
    assert order.release(1.0) == ['two']
    assert order.lost_frames + order.late_frames == 1


def test_a_frame_that_one_stick_lost_and_another_answered_counts(order):
    order.sent(1, 7)
    order.lost(1, 7)
    order.finished(1, 0, 'one', 1.0)
    assert order.release(1.0) == ['one']
    assert order.lost_frames + order.late_frames == 0


def test_a_late_frame_of_two_sticks_is_dropped_once(order):
    order.sent(1, 7)
    order.finished(2, 0, 'two', 1.0)
    assert order.release(1.5) == ['two']
    order.finished(1, 0, 'late', 1.6)
    order.finished(1, 7, 'later', 1.7)
    assert order.release(9.0) == []
    assert order.lost_frames + order.late_frames == 1


def test_frames_are_owed_by_sticks_that_alone_have_them(order):
    order.sent(2, 7)
    order.sent(4, 7)
    assert order.owed_by({0}) == [1, 3]
    assert order.owed_by({0, 7}) == [1, 2, 3, 4]
    order.finished(1, 0, 'one', 1.0)
    order.lost(3, 0)
    assert order.owed_by({0, 7}) == [2, 4]
    order.finished(4, 7, 'four', 1.0)
    order.release(9.0)   # frame 2 is not waited for any more
    assert order.owed_by({0, 7}) == []


def test_what_is_not_waited_for_holds_nothing_back_and_is_late_when_it_comes(order):
    order.finished(2, 0, 'two', 1.0)
    order.wait_no_longer(1)
    assert order.owed_by({0}) == [3]
    assert order.lost_frames + order.late_frames == 0
    assert order.release(1.0) == ['two']
    order.finished(1, 0, 'one', 1.1)
    assert order.release(1.1) == []
    assert order.lost_frames + order.late_frames == 1


def test_if_it_comes_before_the_others_it_counts(order):
    order.wait_no_longer(2)
    order.finished(2, 0, 'two', 1.0)
    order.finished(1, 0, 'one', 1.1)
    assert order.release(1.1) == ['one', 'two']
    assert order.lost_frames + order.late_frames == 0
    order.lost(3, 0)
    order.wait_no_longer(2)   # which is long over
    assert order.release(1.2) == []


def test_what_waits_for_an_earlier_result_is_owed_by_nobody(order):
    order.finished(2, 0, 'two', 1.0)
    assert order.owed_by({0}) == [1, 3]
