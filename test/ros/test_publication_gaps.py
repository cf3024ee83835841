# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The count of messages that were published and never taken."""

from ncs_cluster_detector.ros.publication_gaps import PublicationGaps
import pytest


def missing(*events):
    """Return the count after message numbers, and numbers of publishers as texts."""
    gaps = PublicationGaps()
    for event in events:
        if isinstance(event, tuple):
            gaps.note_match(*event)
        elif isinstance(event, str):
            gaps.note_match(int(event))
        else:
            gaps.note({'publication_sequence_number': event})
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
