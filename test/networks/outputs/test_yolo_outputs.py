# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The boxes of YOLO networks, from heads of their real sizes."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs.kinds import kind_of
from ncs_cluster_detector.networks.outputs.yolo.suppression import MOST_CANDIDATES
from ncs_cluster_detector.networks.outputs.yolo.suppression import without_overlaps
from network_outputs import boxes_in
from network_outputs import end_to_end
from network_outputs import form
from network_outputs import head
from network_outputs import kind_for
from network_outputs import LABELS
from network_outputs import SIZE
import numpy as np
import pytest

CAR = 2, 0.75, 0.25, 0.5, 0.75, 0.875
PERSON = 0, 0.5, 0.1, 0.2, 0.3, 0.4
LAST = 79, 0.25, 0.0, 0.0, 1.0, 1.0
OBJECTS = [PERSON, CAR, LAST]
EXPECTED = [(number + 1, *rest) for number, *rest in (CAR, PERSON, LAST)]
ANCHORS = pytest.mark.parametrize('anchors', [1, 3])
UNITS = pytest.mark.parametrize('in_fractions', [False, True])


def vector_of(output, size=SIZE):
    """Return the vector for an output."""
    return kind_for([output], size).vector([output])


@ANCHORS
@UNITS
@pytest.mark.parametrize('size', [SIZE, (320, 320), (640, 384), (64, 64)])
def test_heads_give_their_boxes_in_pixels_or_fractions(size, anchors, in_fractions):
    output = head(size, OBJECTS, anchors=anchors, in_fractions=in_fractions)
    vector = vector_of(output, size)
    assert (vector.dtype, vector.shape) == (np.float32, (707,))
    assert boxes_in(vector) == EXPECTED


@UNITS
@pytest.mark.parametrize('size', [SIZE, (320, 320), (640, 384)])
def test_end_to_end_rows_are_corners_in_pixels_or_fractions(size, in_fractions):
    output = end_to_end(size, OBJECTS, in_fractions=in_fractions)
    assert boxes_in(vector_of(output, size)) == EXPECTED
    assert boxes_in(vector_of(end_to_end(size, [CAR], in_fractions), size)) == EXPECTED[:1]


@ANCHORS
@UNITS
def test_one_object_and_else_zeros_is_enough_to_tell_the_unit(anchors, in_fractions):
    output = head(SIZE, [CAR], anchors=anchors, in_fractions=in_fractions)
    boxes = output[0].T if anchors == 1 else output[0]
    boxes[3] = boxes[0]
    boxes[:3] = boxes[4:] = 0
    assert boxes_in(vector_of(output)) == EXPECTED[:1]


@ANCHORS
@UNITS
def test_infinite_boxes_tell_no_unit(anchors, in_fractions):
    output = head(SIZE, [CAR], anchors=anchors, in_fractions=in_fractions)
    boxes = output[0].T if anchors == 1 else output[0]
    boxes[1:len(boxes) * 2 // 3, 2] = np.inf
    assert boxes_in(vector_of(output)) == EXPECTED[:1]


def test_nothing_found_is_an_empty_vector():
    for output in (head(SIZE, []), head(SIZE, [], anchors=3), end_to_end(SIZE, [])):
        vector = vector_of(output)
        assert vector.shape == (707,)
        assert not vector.any()


def test_the_output_with_the_boxes_may_stand_anywhere():
    output = head(SIZE, OBJECTS, anchors=3)
    grids = [np.ones((1, 3, side, side, 85), dtype=np.float32) for side in (80, 40, 20)]
    outputs = [*grids[:2], output, grids[2]]
    kind = kind_of([form(*array.shape) for array in outputs], SIZE)
    assert boxes_in(kind.vector(outputs)) == EXPECTED


def test_the_score_of_yolov5_is_the_product_with_the_objectness():
    output = head(SIZE, [CAR], anchors=3)
    output[0, 0, 4], output[0, 0, 5 + CAR[0]] = 0.5, 0.25
    assert [score for _, score, *_ in boxes_in(vector_of(output))] == [0.125]


@pytest.mark.parametrize('make', [
    lambda score: head(SIZE, [(2, score, *CAR[2:])]),
    lambda score: head(SIZE, [(2, score, *CAR[2:])], anchors=3),
    lambda score: end_to_end(SIZE, [(2, score, *CAR[2:])])], ids=['v8', 'v5', 'end to end'])
def test_what_is_below_a_hundredth_is_left_out(make):
    assert len(boxes_in(vector_of(make(0.0101)))) == 1
    assert boxes_in(vector_of(make(0.0099))) == []


def test_only_the_best_class_of_a_box_counts():
    output = head(SIZE, [CAR])
    output[0, 4 + 5, 0] = 0.7
    assert boxes_in(vector_of(output)) == EXPECTED[:1]


def shifted(overlap, number=CAR[0], score=0.7):
    """Return a box that has this overlap with that of the car."""
    width = CAR[4] - CAR[2]
    shift = width * (1 - overlap) / (1 + overlap)
    return number, score, CAR[2] + shift, CAR[3], CAR[4] + shift, CAR[5]


@pytest.mark.parametrize('anchors, limit', [(3, 0.45), (1, 0.7)])
def test_a_box_hides_those_of_its_class_that_overlap_it_more_than_the_limit(anchors, limit):
    def count(other):
        return len(boxes_in(vector_of(head(SIZE, [CAR, other], anchors=anchors))))
    assert count(shifted(limit + 0.005)) == 1
    assert count(shifted(limit - 0.005)) == 2
    assert count(shifted(0.999, number=3)) == 2


def test_a_hidden_box_hides_no_other():
    best, hidden, far = CAR, shifted(0.8, score=0.6), shifted(0.65, score=0.5)
    scores = [score for _, score, *_ in boxes_in(vector_of(head(SIZE, [best, hidden, far])))]
    assert scores == [0.75, 0.5]


def test_end_to_end_boxes_are_not_suppressed_again():
    assert len(boxes_in(vector_of(end_to_end(SIZE, [CAR, shifted(0.99)])))) == 2


def test_parts_beyond_the_picture_are_clipped_and_what_is_outside_is_invalid():
    objects = [(2, 0.75, -0.25, 0.5, 0.5, 1.5), (3, 0.5, 1.25, 0.5, 1.5, 0.75)]
    detections, invalid = ssd.decode(vector_of(head(SIZE, objects)), LABELS)
    assert [tuple(found[2:]) for found in detections] == [(0.0, 0.5, 0.5, 1.0)]
    assert invalid == 1


@ANCHORS
def test_a_crowd_gives_the_best_hundred(anchors):
    places = [(column / 20, row / 20) for row in range(20) for column in range(20)]
    objects = [(1, 0.1 + index / 500, x, y, x + 0.05, y + 0.05)
               for index, (x, y) in enumerate(places)]
    found = boxes_in(vector_of(head(SIZE, objects, anchors=anchors)))
    assert [score for _, score, *_ in found] == [
        round(score, 4) for _, score, *_ in objects[:299:-1]]


def rows(objects):
    """Return rows of the vector for boxes."""
    made = np.zeros((len(objects), 7), dtype=np.float32)
    made[:, 1:] = objects
    return made


def test_others_are_considered_where_the_first_hide_each_other():
    # The first 200 are one object, beyond what is looked at first.
    same = [(1, 0.9, 0.1, 0.1, 0.5, 0.5)] * 300
    other = (1, 0.5, 0.6, 0.6, 0.9, 0.9)
    kept = without_overlaps(rows([other, *same]), 0.5)
    assert kept[:, 2].tolist() == pytest.approx([0.9, 0.5])


def test_the_work_has_a_bound():
    same = [(1, 0.9, 0.1, 0.1, 0.5, 0.5)] * MOST_CANDIDATES
    other = (1, 0.5, 0.6, 0.6, 0.9, 0.9)
    assert len(without_overlaps(rows([*same[1:], other]), 0.5)) == 2
    assert len(without_overlaps(rows([*same, other]), 0.5)) == 1


def test_boxes_that_reach_far_beyond_the_picture_hide_nothing_of_other_classes():
    huge = (150, 0.9, -1e30, -1e30, 1e30, 1e30)
    others = [(number, 0.5, 0.4, 0.4, 0.6, 0.6) for number in (1, 149, 151)]
    assert len(without_overlaps(rows([huge, *others]), 0.45)) == 4
    assert len(without_overlaps(rows([huge, (149, *huge[1:])]), 0.45)) == 2


def test_nothing_to_suppress():
    assert without_overlaps(np.zeros((0, 7), dtype=np.float32), 0.5).shape == (0, 7)
