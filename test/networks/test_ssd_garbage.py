# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The reader of an SSD network's output on thousands of made-up vectors, most of them garbage."""

import math

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
import numpy as np
import pytest

hypothesis = pytest.importorskip('hypothesis')
example, given, st = hypothesis.example, hypothesis.given, hypothesis.strategies
# The same vectors in every run, and no time limit: machines differ.
thorough = hypothesis.settings(
    max_examples=200, derandomize=True, deadline=None, database=None)

ANY = st.floats(width=16) | st.sampled_from([0.0, -0.0, 1.0, 7.0, 100.0, math.nan, math.inf])
FRACTION = st.integers(0, 1024).map(lambda steps: steps / 1024)


@st.composite
def good_boxes(draw):
    """Make a row that is a detection."""
    x_min, x_max = sorted(draw(st.lists(FRACTION, min_size=2, max_size=2, unique=True)))
    y_min, y_max = sorted(draw(st.lists(FRACTION, min_size=2, max_size=2, unique=True)))
    return [0.0, float(draw(st.integers(1, 20))), draw(FRACTION), x_min, y_min, x_max, y_max]


@st.composite
def spoilt_boxes(draw):
    """Make a row that is no detection, by one fault in a good one."""
    row = draw(good_boxes())
    column, value = draw(st.sampled_from([
        *((column, value) for column in range(7) for value in (math.nan, math.inf, -math.inf)),
        (1, 0.0), (1, -3.0), (1, 21.0), (1, 2.5), (2, -0.25), (2, 1.25),
        (3, row[5]), (4, row[6]), (3, 1.0), (4, 2.0), (5, 0.0), (6, -1.0)]))
    row[column] = value
    return row


def is_announcement(value):
    """Tell whether a header's first value is usable as a number of boxes."""
    return math.isfinite(value) and value >= 0 and value == math.floor(value)


def assert_all_are_detections(detections):
    """Hold every value of every detection against what the type promises."""
    for detection in detections:
        assert detection.label in PASCAL_VOC[1:]
        assert 0.0 <= detection.score <= 1.0
        assert 0.0 <= detection.x_min < detection.x_max <= 1.0
        assert 0.0 <= detection.y_min < detection.y_max <= 1.0


@thorough
@given(values=st.lists(ANY, max_size=60), dtype=st.sampled_from([np.float16, np.float32]))
@example(values=[], dtype=np.float16)
@example(values=[math.nan] * 707, dtype=np.float32)
def test_any_values_give_detections_or_are_counted(values, dtype):
    detections, dropped = ssd.decode(np.array(values, dtype=dtype), PASCAL_VOC)
    assert_all_are_detections(detections)
    if len(values) < 7 or not is_announcement(values[0]):
        assert (detections, dropped) == ([], 1)
    else:
        assert len(detections) + dropped == values[0]
        assert len(detections) <= len(values) // 7 - 1


@thorough
@given(data=st.binary(max_size=1414), dtype=st.sampled_from([np.float16, np.float32]))
def test_any_bytes_give_detections_or_are_counted(data, dtype):
    size = np.dtype(dtype).itemsize
    output = np.frombuffer(data[:len(data) // size * size], dtype=dtype)
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert_all_are_detections(detections)
    assert dropped >= 0
    assert detections or dropped or output[0] == 0


@thorough
@given(rows=st.lists(st.tuples(good_boxes(), st.just(True))
                     | st.tuples(spoilt_boxes(), st.just(False)), max_size=12),
       rest=st.lists(ANY, max_size=20), dtype=st.sampled_from([np.float16, np.float32]))
def test_exactly_the_good_boxes_are_found_in_their_order(rows, rest, dtype):
    header = [float(len(rows)), *[math.nan] * 6]
    output = np.array(sum((row for row, _ in rows), header) + rest, dtype=dtype)
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    expected = [(PASCAL_VOC[int(row[1])], *row[2:]) for row, is_good in rows if is_good]
    assert detections == expected
    assert dropped == len(rows) - len(expected)


@thorough
@given(row=good_boxes(), announced=st.integers(0, 2000), held=st.integers(0, 30),
       loose=st.integers(0, 6))
def test_of_more_boxes_than_there_are_values_for_the_rest_is_counted(row, announced, held, loose):
    output = np.array([announced, 0, 0, 0, 0, 0, 0, *row * held, *row[:loose]], dtype=np.float16)
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert len(detections) == min(announced, held)
    assert dropped == announced - len(detections)
