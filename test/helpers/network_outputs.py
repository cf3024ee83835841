# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes what networks give, and reads what comes of it."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs.kinds import kind_of
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
import numpy as np

SIZE = 640, 640
STRIDES = 8, 16, 32
LABELS = ('background', *(str(number) for number in range(1, 200)))


def form(*shape, name=''):
    """Return the form of an output, which has no name if none is given."""
    return TensorForm(frozenset([name] if name else []), shape)


def kind_for(outputs, size=SIZE):
    """Return the kind for arrays without names, or with them in a dictionary."""
    named = outputs if isinstance(outputs, dict) else {
        f'#{index}': output for index, output in enumerate(outputs)}
    return kind_of([form(*array.shape, name='' if name[0] == '#' else name)
                    for name, array in named.items()], size)


def boxes_in(vector):
    """Return (class, score, left, top, right, bottom) of each detection, rounded; none is bad."""
    detections, invalid = ssd.decode(vector, LABELS)
    assert invalid == 0
    return [(int(found.label), *(round(value, 4) for value in found[1:])) for found in detections]


def head(size, objects, class_count=80, anchors=1, in_fractions=False):
    """
    Return the output of a head of YOLO, with a small box of no class in every cell.

    :param size: (width, height) of the input.
    :param objects: (class, score, left, top, right, bottom) in fractions; they take the first
        cells, or the cell with a number in front of the seven.
    :param anchors: boxes a cell; three come with an objectness, as of YOLOv5.
    :return: float32 array, 1 x N x (5 + C), or 1 x (4 + C) x N for one a cell.
    """
    width, height = size
    cells = [((column + 0.5) * stride, (row + 0.5) * stride, stride, stride)
             for stride in STRIDES for row in range(height // stride)
             for column in range(width // stride) for _ in range(anchors)]
    has_objectness = anchors == 3
    output = np.zeros((len(cells), 4 + has_objectness + class_count), dtype=np.float32)
    output[:, :4] = cells
    for index, (number, score, left, top, right, bottom) in enumerate(objects):
        centre = (left + right) / 2 * width, (top + bottom) / 2 * height
        output[index, :4] = *centre, (right - left) * width, (bottom - top) * height
        if has_objectness:
            output[index, 4], output[index, 5 + number] = 0.8, score / 0.8
        else:
            output[index, 4 + number] = score
    if in_fractions:
        output[:, :4] /= (width, height, width, height)
    return output[np.newaxis] if has_objectness else np.ascontiguousarray(output.T)[np.newaxis]


def end_to_end(size, objects, in_fractions=False, rows=300):
    """Return an output of rows of six, with the objects as of :func:`head`, filled with zeros."""
    output = np.zeros((1, rows, 6), dtype=np.float32)
    for index, (number, score, *corners) in enumerate(objects):
        output[0, index] = *corners, score, number
    if not in_fractions:
        output[..., :4] *= (*size, *size)
    return output


def tensorflow(objects, rows=100):
    """Return the four outputs of TensorFlow's detection API by name."""
    boxes = np.zeros((1, rows, 4), dtype=np.float32)
    classes = np.ones((1, rows), dtype=np.float32)
    scores = np.zeros((1, rows), dtype=np.float32)
    for index, (number, score, left, top, right, bottom) in enumerate(objects):
        boxes[0, index] = top, left, bottom, right
        classes[0, index], scores[0, index] = number, score
    return {'detection_boxes:0': boxes, 'detection_classes:0': classes,
            'detection_scores:0': scores,
            'num_detections:0': np.array([len(objects)], dtype=np.float32)}


def detection_output(objects, rows=100):
    """Return the output of an SSD network, whose rows end with an image number of -1."""
    output = np.zeros((1, 1, rows, 7), dtype=np.float32)
    for index, row in enumerate(objects):
        output[0, 0, index, 1:] = row
    if len(objects) < rows:
        output[0, 0, len(objects), 0] = -1
    return output
