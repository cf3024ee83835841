# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Reads and writes the output vector of an SSD network on a Movidius stick."""

import math

from ncs_cluster_detector.detection.detection import Detection
import numpy as np

# A header of seven values, of which the first is the number of boxes, then seven values a box:
# image number, class, score, left, top, right, bottom (fractions of the image). keep_top_k of
# the networks is 100, so the vector has (100 + 1) * 7 values. Source: the vendor's SSD sample.
VALUES_PER_BOX = 7
MOST_BOXES = 100


def encode(boxes):
    """
    Return the output vector for a list of boxes, best score first.

    :param boxes: rows ``(class index, score, x_min, y_min, x_max, y_max)``; those over the first
        100 by score are left out, as the network does.
    :return: float32 array of 707 values.
    """
    rows = sorted(boxes, key=lambda row: -row[1])[:MOST_BOXES]
    output = np.zeros((MOST_BOXES + 1, VALUES_PER_BOX), dtype=np.float32)
    output[0, 0] = len(rows)
    for index, row in enumerate(rows, start=1):
        output[index, 1:] = row
    return output.reshape(-1)


def decode(output, labels):
    """
    Return the detections in an output vector, and how many boxes were unusable.

    A box is dropped, and counted, when one of its values is not finite, when its class has no
    label, is not a whole number or is the background (class 0), or when nothing of it lies inside
    the image. Boxes that reach over the image's border are clipped to it.

    :param output: flat float array: a header of seven values, then seven values a box.
    :param labels: sequence of label texts; index is the class.
    :return: ``(list of Detection, number of dropped boxes)``.
    """
    values = np.asarray(output, dtype=np.float32).reshape(-1)
    room = max(len(values) // VALUES_PER_BOX - 1, 0)
    announced = float(values[0]) if len(values) else 0.0
    if not math.isfinite(announced) or announced < 0:
        return [], 1
    count = min(int(announced), room)
    detections = []
    rows = values[VALUES_PER_BOX:VALUES_PER_BOX * (count + 1)].reshape(count, VALUES_PER_BOX)
    for row in rows.tolist():
        detection = _detection(row, labels)
        if detection is not None:
            detections.append(detection)
    return detections, int(announced) - len(detections)


def _detection(row, labels):
    if not all(map(math.isfinite, row)):
        return None
    _, class_index, score, x_min, y_min, x_max, y_max = row
    if class_index != int(class_index) or not 0 < class_index < len(labels):
        return None
    x_min, y_min = max(x_min, 0.0), max(y_min, 0.0)
    x_max, y_max = min(x_max, 1.0), min(y_max, 1.0)
    if x_min >= x_max or y_min >= y_max:
        return None
    score = min(max(score, 0.0), 1.0)
    return Detection(labels[int(class_index)], score, x_min, y_min, x_max, y_max)
