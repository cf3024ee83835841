# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The boxes of networks that suppress overlaps themselves: SSD and TensorFlow's detection API."""

import itertools

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs.kinds import kind_of
from network_outputs import boxes_in
from network_outputs import detection_output
from network_outputs import form
from network_outputs import kind_for
from network_outputs import LABELS
from network_outputs import tensorflow
import numpy as np
import pytest

PERSON = 1, 0.5, 0.1, 0.2, 0.3, 0.4
CAR = 3, 0.75, 0.25, 0.5, 0.75, 0.875
LITE_NAMES = ['TFLite_Detection_PostProcess', *(
    f'TFLite_Detection_PostProcess:{port}' for port in (1, 2, 3))]


def test_rows_of_ssd_are_sorted_by_score():
    output = detection_output([PERSON, CAR])
    vector = kind_for([output]).vector([output])
    assert (vector.dtype, vector.shape) == (np.float32, (707,))
    assert boxes_in(vector) == [CAR, PERSON]


@pytest.mark.parametrize('end', [(-1, 0, 0, 0, 0, 0, 0), (0, 2, 0, 0, 0, 0.5, 0.5)])
def test_rows_of_ssd_end(end):
    output = detection_output([PERSON, CAR, PERSON], rows=4)
    output[0, 0, 1] = end
    assert boxes_in(kind_for([output]).vector([output])) == [PERSON]


def test_the_best_hundred_of_more_rows_remain():
    objects = [(7, 0.001 + index / 250, 0.1, 0.1, 0.5, 0.5) for index in range(200)]
    output = detection_output(objects, rows=200)
    found = boxes_in(kind_for([output]).vector([output]))
    assert [score for _, score, *_ in found] == [
        round(score, 4) for _, score, *_ in objects[:99:-1]]


@pytest.mark.parametrize('row', [
    (0, 0, 0.9, 0.1, 0.1, 0.5, 0.5), (0, 1.5, 0.9, 0.1, 0.1, 0.5, 0.5),
    (0, 1, 1.02, 0.1, 0.1, 0.5, 0.5), (0, 1, -0.1, 0.1, 0.1, 0.5, 0.5),
    (0, 1, np.nan, 0.1, 0.1, 0.5, 0.5), (0, 1, 0.9, 0.5, 0.1, 0.1, 0.5),
    (0, 1, 0.9, 1.0, 0.1, 1.5, 0.5), (0, np.inf, 0.9, 0.1, 0.1, 0.5, 0.5),
    (np.nan, 1, 0.9, 0.1, 0.1, 0.5, 0.5), (0, 1, 0.9, 0.1, -np.inf, 0.5, 0.5)])
def test_invalid_rows_are_counted_and_hide_no_good_one(row):
    output = detection_output([PERSON] * 200, rows=200)
    output[0, 0, :199] = row
    detections, invalid = ssd.decode(kind_for([output]).vector([output]), LABELS)
    assert [found.label for found in detections] == ['1']
    assert invalid == 99


def test_a_vector_may_come_from_an_output_of_any_precision():
    output = detection_output([CAR])
    for kind in (np.float16, np.float64):
        assert boxes_in(kind_for([output]).vector([output.astype(kind)])) == [CAR]


@pytest.mark.parametrize('order', list(itertools.permutations(range(4))))
def test_the_outputs_of_tensorflow_are_found_by_their_names_in_any_order(order):
    outputs = list(tensorflow([CAR, PERSON]).items())
    permuted = dict(outputs[index] for index in order)
    kind = kind_for(permuted)
    assert boxes_in(kind.vector(list(permuted.values()))) == [CAR, PERSON]


@pytest.mark.parametrize('order', list(itertools.permutations(range(4))))
def test_without_names_their_shapes_and_values_tell(order):
    outputs = list(tensorflow([CAR, PERSON]).values())
    permuted = [outputs[index] for index in order]
    kind = kind_for(permuted)
    assert kind.title == 'TensorFlow detection API'
    assert boxes_in(kind.vector(permuted)) == [CAR, PERSON]


def test_without_names_classes_above_one_tell_where_all_scores_are_whole():
    boxes, classes, scores, count = tensorflow([(3, 1.0, *CAR[2:])]).values()
    for outputs in ([boxes, classes, scores, count], [boxes, scores, classes, count]):
        assert boxes_in(kind_for(outputs).vector(outputs)) == [(3, 1.0, *CAR[2:])]


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (2, 0, 3, 1)])
def test_where_values_tell_nothing_the_usual_orders_do(order):
    # A class and a score of 1 are the same; only what is filled up tells them apart, or not.
    outputs = list(tensorflow([(1, 0.5, *CAR[2:])], rows=1).values())
    outputs[1] = np.array([[0.5]], dtype=np.float32)   # no class is
    outputs = [outputs[index] for index in order]
    outputs[order.index(2)] = np.array([[0.25]], dtype=np.float32)
    vector = kind_for(outputs).vector(outputs)
    assert vector[8:10].tolist() == [0.5, 0.25]


def test_classes_of_tensorflow_lite_begin_with_the_first_object():
    outputs = dict(zip(LITE_NAMES, tensorflow([CAR, (0, *PERSON[1:])]).values()))
    kind = kind_for(outputs)
    assert boxes_in(kind.vector(list(outputs.values()))) == [(4, *CAR[1:]), PERSON]


def test_files_converted_by_tensorflow_2_are_of_tensorflow_lite():
    boxes, classes, scores, count = tensorflow([CAR, (0, *PERSON[1:])]).values()
    outputs = {f'StatefulPartitionedCall:{port}': array for port, array in (
        (1, scores), (3, boxes), (0, count), (2, classes))}
    assert boxes_in(kind_for(outputs).vector(list(outputs.values()))) == [
        (4, *CAR[1:]), PERSON]


def test_only_as_many_as_announced_count():
    outputs = tensorflow([CAR, PERSON, PERSON])
    outputs['num_detections:0'][0] = 1
    assert boxes_in(kind_for(outputs).vector(list(outputs.values()))) == [CAR]


@pytest.mark.parametrize('announced, invalid', [
    (101, 1), (100, 0), (250, 150), (1e9, 10**9 - 100), (-1, 1), (0.5, 1), (np.nan, 1),
    (np.inf, 1), (-np.inf, 1)])
def test_more_than_there_are_and_no_number_are_counted_as_invalid(announced, invalid):
    outputs = tensorflow([CAR] * 100)
    outputs['num_detections:0'][0] = announced
    detections, counted = ssd.decode(
        kind_for(outputs).vector(list(outputs.values())), LABELS)
    assert counted == pytest.approx(invalid)
    assert len(detections) == (100 if announced >= 100 and np.isfinite(announced) else 0)


def test_what_is_missing_adds_to_few_rows():
    outputs = tensorflow([CAR, PERSON], rows=2)
    outputs['num_detections:0'][0] = 7
    detections, invalid = ssd.decode(kind_for(outputs).vector(list(outputs.values())), LABELS)
    assert (len(detections), invalid) == (2, 5)


def test_whole_numbers_may_be_integers():
    outputs = tensorflow([CAR])
    for name in ('detection_classes:0', 'num_detections:0'):
        outputs[name] = outputs[name].astype(np.int64)
    kind = kind_of([form(*array.shape, name=name) for name, array in outputs.items()], (300, 300))
    assert boxes_in(kind.vector(list(outputs.values()))) == [CAR]
