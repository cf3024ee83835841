# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what is told of positions that are not known, and when; in invented time."""

from ncs_cluster_detector.detector_node.positions.match import Lateness
from ncs_cluster_detector.detector_node.positions.trouble import FORGET_SEC
from ncs_cluster_detector.detector_node.positions.trouble import LATE_BESIDE_SEC
from ncs_cluster_detector.detector_node.positions.trouble import LATE_MEMORY_SEC
from ncs_cluster_detector.detector_node.positions.trouble import NO_DEPTH
from ncs_cluster_detector.detector_node.positions.trouble import Trouble
from ncs_cluster_detector.detector_node.positions.trouble import why_no_depth
from ncs_cluster_detector.detector_node.positions.trouble import why_others_have_none


class Log:
    """Takes the lines."""

    def __init__(self):
        """Start empty."""
        self.lines = []
        self.info = self.warning = self.lines.append


def test_trouble_is_told_once_when_it_lasts_and_when_it_is_over():
    log = Log()
    trouble = Trouble(log)
    for now, text in enumerate(['a', 'a', '', *['a'] * 9, *['b'] * 9, '', '', *['b'] * 4, '']):
        trouble.note(text, text, float(now))
    assert log.lines == ['positions are unknown: a', 'positions are unknown: b',
                         'positions are known again']


def test_figures_that_change_make_no_new_trouble():
    log = Log()
    trouble = Trouble(log)
    for now in range(20):
        trouble.note(f'late by {now}', 'late', float(now))
    assert log.lines == ['positions are unknown: late by 5']


def test_kinds_that_take_turns_are_told_once_each():
    log = Log()
    trouble = Trouble(log)
    for number in range(600):
        kind = 'ab'[number % 2]
        trouble.note(kind, kind, number / 30)
    assert sorted(log.lines) == ['positions are unknown: a', 'positions are unknown: b']


def test_what_is_wrong_in_ever_other_ways_is_told_once_and_takes_no_memory():
    log = Log()
    trouble = Trouble(log)
    for number in range(3000):
        trouble.note(f'model {number}', f'model {number}', number / 30)
    assert log.lines == ['positions are unknown: model 150']
    assert len(trouble._kinds) <= FORGET_SEC * 30 + 1


def test_what_is_seen_for_a_moment_now_and_then_is_not_told_besides():
    log = Log()
    trouble = Trouble(log)
    for number in range(3000):
        kind = 'b' if number % 330 == 329 else 'a'   # every 11 s
        trouble.note(kind, kind, number / 30)
    assert log.lines == ['positions are unknown: a']


def test_depth_that_comes_too_late_is_told_by_how_much():
    log = Log()
    trouble = Trouble(log)
    for number in range(300):
        now = number / 30
        lateness = Lateness(0.25 + 0.001 * (number % 10), now - 0.01)
        trouble.note(*why_no_depth(lateness, 200, now), now)
    (line,) = log.lines
    assert line == ('positions are unknown: the depth came 250 ms after its image, '
                    'depth_timeout_ms is 200; raise it, or make the depth come sooner')


def test_depth_that_is_too_late_for_some_images_is_told_too():
    log = Log()
    trouble = Trouble(log)
    for number in range(300):
        now = number / 30
        lateness = Lateness(0.3, now - number % 7 / 30)
        why = why_no_depth if number % 7 == 0 else why_others_have_none
        trouble.note(*why(lateness, 0, now), now)
    (line,) = log.lines
    assert 'the depth came 300 ms after its image, depth_timeout_ms is 0' in line


def test_depth_that_was_late_is_no_reason_for_ever():
    lateness = Lateness(0.3, 100.0)
    assert why_no_depth(lateness, 200, 100.0 + LATE_MEMORY_SEC)[1] == 'late'
    assert why_no_depth(lateness, 200, 100.1 + LATE_MEMORY_SEC) == (NO_DEPTH, NO_DEPTH)
    assert why_others_have_none(lateness, 200, 100.0 + LATE_BESIDE_SEC)[1] == 'late'
    assert why_others_have_none(lateness, 200, 100.1 + LATE_BESIDE_SEC) == ('', '')
    assert why_no_depth(None, 200, 100.0) == (NO_DEPTH, NO_DEPTH)


def test_depth_that_came_too_long_before_its_image_is_told_by_how_much():
    text, kind = why_no_depth(Lateness(-1.2, 100.0), 200, 100.1)
    assert text.startswith('the depth came 1200 ms before its image, and was not kept so long; ')
    assert kind != why_no_depth(Lateness(1.2, 100.0), 200, 100.1)[1]
