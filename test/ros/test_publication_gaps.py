# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The count of messages that were published and never taken, and the share of those lost."""

import random

from ncs_cluster_detector.ros.publication_gaps import Loss
from ncs_cluster_detector.ros.publication_gaps import LossWatch
from ncs_cluster_detector.ros.publication_gaps import PublicationGaps
import pytest

MS = 10**6


def missing(*events):
    """Return the count after message numbers, and numbers of publishers as texts."""
    gaps = PublicationGaps()
    for event in events:
        if isinstance(event, tuple):
            gaps.note_match(*event)
        elif isinstance(event, str):
            gaps.note_match(int(event))
        else:
            gaps.note({'publication_sequence_number': event, 'source_timestamp': 0,
                       'received_timestamp': 0}, 0)
    return gaps.missing


@pytest.mark.parametrize('count, events', [
    (0, ('1', 7, 8, 9)),                  # what came before it could be heard is not counted
    (3, ('1', 7, 9, 10, 13)),
    (1, ('1', 7, 9, 1, 2)),               # it goes back: another publisher, or a bag again
    (2, ('1', 7, 9, 1, 3)),
    (0, (3, 9)),                          # nothing is known of the publishers
    (0, ('2', 7, 100, 8, 101)),           # two publishers count for themselves
    (2, ('1', 7, 9, '2', 50, 12, '1', 60, 62)),
    (0, ('1', 7, '0', '1', 20)),          # a camera that starts again
    (0, ('1', None, None)),               # the middleware does not count
    (12, ((1, [5]), 7, (0,), (1, [5]), 20)),   # the same one, after a pause of the subscription
    (0, ((1, [5]), 7, (0,), (1, [6]), 20)),
    (0, ((1, [5]), 7, (1, [6]), 20)),          # one has gone and another one come
    (0, ((1, [5]), 7, (0,), (1,), 20)),
    (1, ((1, [5]), 7, (2,), 8, 12, (1, [5]), 20, 22)),   # two were heard meanwhile
])
def test_gaps_are_counted_while_there_is_one_publisher(count, events):
    assert missing(*events) == count


class Stream:
    """Messages every 100 ms from one publisher, and who takes them, in invented time."""

    def __init__(self):
        """Begin at second 0 with the only publisher."""
        self.gaps, self.watch = PublicationGaps(), LossWatch()
        self.gaps.note_match(1, [5])
        self.number, self.now_ns = 0, 0

    def take(self, late_ms=1, busy_ms=1, lost=0):
        """Let messages be lost and take the next one, late, which keeps its taker busy."""
        self.number += 1 + lost
        sent_ns = self.number * 100 * MS
        now_ns = max(self.now_ns, sent_ns + late_ms * MS)
        self.gaps.note({'publication_sequence_number': self.number, 'source_timestamp': sent_ns,
                        'received_timestamp': sent_ns + MS // 2}, now_ns)
        self.now_ns = now_ns + busy_ms * MS
        self.gaps.ready(self.now_ns)

    def counts(self):
        """Return how many were published, missing and lost."""
        return self.gaps.published, self.gaps.missing, self.gaps.lost

    def second(self, number, lost=0):
        """Return the loss of second ``number``, in which so many of ten are lost."""
        self.take(lost=lost)
        for _ in range(9 - lost):
            self.take()
        return self.watch.note(self.gaps, float(number))


def test_what_an_idle_taker_misses_was_lost():
    stream = Stream()
    for lost in (3, 0, 2, 1):   # before the first one nobody knows
        stream.take(lost=lost)
    assert stream.counts() == (6, 3, 3)


def test_what_newer_ones_replaced_while_the_taker_was_busy_was_not_lost():
    stream = Stream()
    stream.take(busy_ms=310)
    stream.take(lost=2)    # published and received while it was busy
    stream.take()
    assert stream.counts() == (4, 2, 0)
    stream.take(busy_ms=310)
    stream.take(lost=4)    # so many had no time to come
    assert stream.counts() == (10, 6, 4)


@pytest.mark.parametrize('late_ms', [(51, 1), (1, 51)])
def test_a_taker_that_comes_late_may_have_missed_them_itself(late_ms):
    stream = Stream()
    stream.take(late_ms=late_ms[0])
    stream.take(late_ms=late_ms[1], lost=1)
    assert stream.counts() == (2, 1, 0)


def test_what_came_in_a_pause_or_between_two_publishers_was_not_lost():
    stream = Stream()
    stream.take()
    stream.gaps.note_match(0)
    stream.gaps.note_match(1, [5])
    stream.take(lost=7)
    assert stream.counts() == (0, 7, 0)
    stream.gaps.note_match(2)
    stream.take(lost=7)
    stream.take(lost=7)
    assert stream.counts() == (0, 7, 0)


def losses_of(lost_each_second):
    """Return what is told in each second, of a stream of ten a second."""
    stream = Stream()
    stream.take()
    return [stream.second(*each) for each in enumerate(lost_each_second)]


def test_a_considerable_loss_is_told_after_the_window_until_it_is_negligible():
    told = losses_of([0] * 3 + [4] * 20 + [0] * 10)
    assert told.index(next(filter(None, told))) == 5   # with the third second of it
    assert told[22] == Loss(0.4, 6.0, 10.0)
    assert [each.share for each in told[22:27] if each] == [0.4, 0.32, 0.24, 0.16]
    assert told[27:] == [None] * 6


@pytest.mark.parametrize('lost', [[1] * 60, [2] * 60, [0, 0, 0, 0, 0, 0, 9] * 9, [0, 1, 3] * 20])
def test_a_small_loss_or_a_short_one_is_not_told(lost):
    assert not any(losses_of(lost))


def test_a_loss_that_varies_is_told_once():
    draw = random.Random(7)
    told = losses_of([0] * 6 + [draw.choice((1, 2, 3, 4)) for _ in range(500)])
    first = told.index(next(filter(None, told)))
    assert all(told[first:])


def test_a_slow_stream_is_judged_by_enough_messages():
    stream = Stream()
    stream.take()
    told = []
    for second in range(0, 120, 2):   # every second one of one a second
        stream.take(lost=1)
        told += [stream.watch.note(stream.gaps, second + half) for half in (0.0, 1.0)]
    first = told.index(next(filter(None, told)))
    assert 15 < first < 25
    assert all(told[first:])


def test_nothing_is_told_of_a_stream_that_has_ended_or_has_no_numbers():
    stream = Stream()
    stream.take()
    assert [stream.second(number, 5) for number in range(10)][-1]
    assert [stream.watch.note(stream.gaps, 10.0 + more) for more in range(9)][5:] == [None] * 4
    for number in range(20, 30):
        stream.gaps.note({'publication_sequence_number': None, 'source_timestamp': 0,
                          'received_timestamp': 0}, 0)
        assert stream.watch.note(stream.gaps, float(number)) is None
