# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The output vector of an SSD network, and all that can be wrong with it."""

import math

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
import numpy as np
import pytest

GOOD = (15, 0.75, 0.25, 0.25, 0.5, 0.75)


def test_a_vector_holds_what_was_written():
    output = ssd.encode([GOOD, (7, 0.9, 0.0, 0.0, 1.0, 1.0)])
    assert output.shape == (707,)
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert dropped == 0
    assert [detection.label for detection in detections] == ['car', 'person']
    assert detections[1][1:] == GOOD[1:]


def test_no_box_is_no_detection():
    assert ssd.decode(ssd.encode([]), PASCAL_VOC) == ([], 0)


@pytest.mark.parametrize('column', range(7))
@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_a_box_with_a_value_that_is_not_finite_is_dropped(column, value):
    output = ssd.encode([GOOD, GOOD])
    output[7 + column] = value
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert len(detections) == 1
    assert dropped == 1


@pytest.mark.parametrize('class_index', [-1, -0.5, 0, 0.5, 15.5, 21, 1e6, 3e38])
def test_a_class_without_label_is_dropped(class_index):
    assert ssd.decode(ssd.encode([(class_index, *GOOD[1:])]), PASCAL_VOC) == ([], 1)


@pytest.mark.parametrize('class_index', [1, 20])
def test_the_outermost_classes_have_their_labels(class_index):
    (detection,), _ = ssd.decode(ssd.encode([(class_index, *GOOD[1:])]), PASCAL_VOC)
    assert detection.label == PASCAL_VOC[class_index]


@pytest.mark.parametrize('image_number', [-1, 1, 0.5])
def test_the_image_number_says_nothing(image_number):
    output = ssd.encode([GOOD])
    output[7] = image_number
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert (len(detections), dropped) == (1, 0)


@pytest.mark.parametrize('score', [-0.001, 1.02, 1.5, 60000.0])
def test_a_score_that_is_none_is_dropped(score):
    assert ssd.decode(ssd.encode([(15, score, *GOOD[2:])]), PASCAL_VOC) == ([], 1)


@pytest.mark.parametrize('steps', [0, 1, 5])
def test_a_score_that_was_rounded_above_one_is_one(steps):
    output = ssd.encode([(15, 1 + steps / 1024, *GOOD[2:])]).astype(np.float16)
    (detection,), dropped = ssd.decode(output, PASCAL_VOC)
    assert (detection.score, dropped) == (1.0, 0)


@pytest.mark.parametrize('box', [
    (0.5, 0.2, 0.4, 0.3), (0.2, 0.5, 0.3, 0.4), (0.2, 0.2, 0.2, 0.3), (1.1, 0.1, 1.2, 0.2),
    (-0.2, 0.1, 0.0, 0.2), (0.1, -2.0, 0.2, -1.0)])
def test_an_inverted_empty_or_outside_box_is_dropped(box):
    assert ssd.decode(ssd.encode([(15, 0.9, *box)]), PASCAL_VOC) == ([], 1)


def test_a_box_over_the_border_is_clipped():
    (detection,), dropped = ssd.decode(
        ssd.encode([(15, 0.5, -0.1, -0.1, 0.5, 60000.0)]), PASCAL_VOC)
    assert detection == ('person', 0.5, 0.0, 0.0, 0.5, 1.0)
    assert dropped == 0


@pytest.mark.parametrize('announced', [
    math.nan, math.inf, -math.inf, -1.0, 0.5, 1.5])
def test_a_senseless_number_of_boxes_gives_none(announced):
    output = ssd.encode([GOOD])
    output[0] = announced
    assert ssd.decode(output, PASCAL_VOC) == ([], 1)


@pytest.mark.parametrize('announced', [101, 1000, 65504, 1e6])
def test_more_boxes_than_there_is_room_for_are_counted_as_dropped(announced):
    output = ssd.encode([GOOD] * 100)
    output[0] = announced
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert len(detections) == 100
    assert dropped == announced - 100


def test_what_is_behind_the_announced_boxes_is_not_looked_at():
    output = ssd.encode([GOOD, GOOD])
    output[0] = 1
    output[14:] = math.nan
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert (len(detections), dropped) == (1, 0)


@pytest.mark.parametrize('length', range(7))
def test_without_a_whole_header_there_is_nothing(length):
    assert ssd.decode(ssd.encode([GOOD])[:length], PASCAL_VOC) == ([], 1)


@pytest.mark.parametrize('length, found', [(7, 0), (8, 0), (13, 0), (14, 1), (20, 1), (21, 2)])
def test_of_a_vector_that_is_cut_off_the_whole_boxes_count(length, found):
    detections, dropped = ssd.decode(ssd.encode([GOOD, GOOD])[:length], PASCAL_VOC)
    assert (len(detections), dropped) == (found, 2 - found)


@pytest.mark.parametrize('dtype', [np.float16, np.float32])
def test_both_precisions_are_read(dtype):
    output = ssd.encode([GOOD]).astype(dtype)
    (detection,), _ = ssd.decode(output, PASCAL_VOC)
    assert detection == ('person', *GOOD[1:])
    assert all(type(value) is float for value in detection[1:])


def test_only_the_best_hundred_boxes_are_written():
    boxes = [(15, index / 200, 0.1, 0.1, 0.2, 0.2) for index in range(150)]
    detections, _ = ssd.decode(ssd.encode(boxes), PASCAL_VOC)
    assert len(detections) == 100
    assert min(detection.score for detection in detections) == np.float32(50 / 200)


@pytest.mark.parametrize('shape', [
    (101, 7, 1), (1, 1, 707), (1, 707, 1), (707, 1, 1), (1, 101, 7), (2, 7, 1), (1, 1, 14),
    (201, 7, 1), (1, 1, 1407)])
def test_rows_of_seven_may_be_boxes(shape):
    assert ssd.may_be_output(*shape)


@pytest.mark.parametrize('shape', [
    (1, 1, 1000), (1, 1, 1001), (1, 1, 7), (1, 7, 1), (7, 1, 1), (1, 1, 1), (1, 1, 708),
    (84, 8400, 1), (8400, 84, 1), (1, 8400, 84), (7, 8400, 1), (21, 500, 500), (300, 300, 21),
    (7, 7, 1024), (13, 13, 125), (25200, 85, 1)])
def test_what_is_not_rows_of_seven_is_no_detector(shape):
    assert not ssd.may_be_output(*shape)


def test_the_highest_class_without_a_label_is_known():
    output = ssd.encode([(3, 0.9, 0.1, 0.1, 0.2, 0.2), (25, 0.8, 0.1, 0.1, 0.2, 0.2),
                         (21, 0.7, 0.1, 0.1, 0.2, 0.2), (20, 0.6, 0.1, 0.1, 0.2, 0.2)])
    assert ssd.class_without_label(output, PASCAL_VOC) == 25
    assert ssd.class_without_label(output, [str(number) for number in range(26)]) == 0
    output[8 + 7] = math.nan
    assert ssd.class_without_label(output, PASCAL_VOC) == 21
    assert ssd.class_without_label(output[:3], PASCAL_VOC) == 0
