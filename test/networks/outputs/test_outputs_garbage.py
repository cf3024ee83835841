# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Outputs with any values: never an exception, all is counted, and good boxes stay."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs import box_rows
from network_outputs import detection_output
from network_outputs import end_to_end
from network_outputs import head
from network_outputs import kind_for
from network_outputs import LABELS
from network_outputs import tensorflow
import numpy as np
import pytest

SIZE = 128, 128
ANY = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 0.5, 0.9, 1.0, 1.02, 2.0, 80.0, 1e-45,
                1e9, 3.4e38, -3.4e38, -1e-30, 7.0], dtype=np.float32)
GOOD = 5, 1.0, 0.25, 0.25, 0.75, 0.75
MAKERS = {
    'SSD': lambda: {'#0': detection_output([GOOD] * 100)},
    'TensorFlow': lambda: tensorflow([GOOD] * 100),
    'v5': lambda: {'#0': head(SIZE, [GOOD], anchors=3)},
    'v8': lambda: {'#0': head(SIZE, [GOOD])},
    'end to end': lambda: {'#0': end_to_end(SIZE, [GOOD] * 300)},
}
EVERY_KIND = pytest.mark.parametrize('maker', MAKERS.values(), ids=MAKERS)


def decoded(outputs):
    """Return the detections in outputs; all that is announced must be one or invalid."""
    vector = kind_for(outputs, SIZE).vector(list(outputs.values()))
    assert (vector.dtype, vector.shape) == (np.float32, (707,))
    detections, invalid = ssd.decode(vector, LABELS)
    if vector[0] >= 0 and float(vector[0]).is_integer():
        assert len(detections) + invalid == vector[0]
    scores = [found.score for found in detections]
    assert scores == sorted(scores, reverse=True)
    return detections


@EVERY_KIND
@pytest.mark.parametrize('seed', range(40))
def test_only_garbage_is_taken(maker, seed):
    rng = np.random.default_rng(seed)
    outputs = {name: rng.choice(ANY, array.shape) for name, array in maker().items()}
    for detection in decoded(outputs):
        assert 0 <= detection.x_min < detection.x_max <= 1
        assert 0 <= detection.y_min < detection.y_max <= 1


@EVERY_KIND
@pytest.mark.parametrize('value', ANY)
def test_the_same_value_everywhere_is_taken(maker, value):
    decoded({name: np.full_like(array, value) for name, array in maker().items()})


@EVERY_KIND
@pytest.mark.parametrize('number', [np.float16, np.float64])
def test_garbage_of_other_precisions_is_taken(maker, number):
    rng = np.random.default_rng(1)
    values = np.array([1e300, -1e300, np.nan, 0.5, 2.0]) if number is np.float64 else ANY[:12]
    decoded({name: rng.choice(values, array.shape).astype(number)
             for name, array in maker().items()})


@EVERY_KIND
@pytest.mark.parametrize('seed', range(40))
def test_a_good_box_among_garbage_is_found(maker, seed):
    rng = np.random.default_rng(seed)
    outputs = maker()
    for name, array in outputs.items():
        if array.ndim == 1:
            continue   # the number of boxes
        by_box = array[0].T if array.shape[1] < array.shape[-1] and array.ndim == 3 else (
            array.reshape(-1, array.shape[-1]) if array.ndim > 2 else array[0])
        # Less than half, so that it remains a network's output in pixels; not the first one.
        spoilt = 1 + rng.permutation(len(by_box) - 1)[:len(by_box) * 2 // 5]
        by_box[spoilt] = rng.choice(ANY, by_box[spoilt].shape)
        if array.ndim == 4:   # no end of the rows, which is no garbage
            by_box[:, 0] = 0
            by_box[:, 2][by_box[:, 2] == 0] = -1
    found = [(found.label, *(round(value, 3) for value in found[1:]))
             for found in decoded(outputs)]
    number = GOOD[0] + (kind_for(outputs, SIZE).input_format.scale < 0.005)   # YOLO's class + 1
    assert (str(number), *GOOD[1:]) in found


@pytest.mark.parametrize('anchors', [1, 3])
def test_a_network_that_gives_nan_only_is_no_network_that_finds_nothing(anchors):
    output = np.full_like(head(SIZE, [], anchors=anchors), np.nan)
    detections, invalid = ssd.decode(kind_for([output], SIZE).vector([output]), LABELS)
    assert (detections, invalid) == ([], 100)


@pytest.mark.parametrize('seed', range(40))
def test_what_is_usable_is_what_decode_takes(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([ANY, np.array([0.25, 0.3, 0.7, 3, 15, 1.01], dtype=np.float32)])
    rows = rng.choice(values, (200, 7))
    rows[::2, 1], rows[::2, 3:5], rows[::2, 5:] = 3, 0.25, 0.75   # some that nearly are
    rows[::4, 2] = 0.5
    usable = box_rows.usable(rows)
    labels = ['x'] * 100
    for row, is_usable in zip(rows, usable):
        vector = np.concatenate([[1, 0, 0, 0, 0, 0, 0], row])
        detections, invalid = ssd.decode(vector, labels)
        # Beyond its labels decode takes no class.
        assert bool(detections) == (is_usable and row[1] < len(labels))
    assert 0 < usable.sum() < len(rows)
