# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads and writes the output vector of an SSD network on a Movidius stick."""

from collections.abc import Iterable
from collections.abc import Sequence
import math
from typing import TypeAlias

from ncs_cluster_detector.networks.detection import Detection
import numpy as np
import numpy.typing as npt

# A header of seven values, of which the first is the number of boxes, then seven values a box:
# image number, class, score, left, top, right, bottom (fractions of the image). keep_top_k of
# the networks is 100, so the vector has (100 + 1) * 7 values. Source: the vendor's SSD sample; its
# compiler gives the output a height of keep_top_k + 1, a width of 7 and one channel
# (DetectionOutput.py of the toolkit's Caffe parser).
VALUES_PER_BOX = 7
MOST_BOXES = 100
BACKGROUND = 0
# A multiple of seven that is not for boxes: the classes of ImageNet and a background.
_CLASSES_WITH_BACKGROUND = 1001
# Half precision has steps of 1/1024 above 1, and rounding may carry a score by a few of them.
HIGHEST_SCORE = 1.01
# Class index, score, x_min, y_min, x_max and y_max; the box in fractions of the picture.
Box: TypeAlias = tuple[int, float, float, float, float, float]


def encode(boxes: Iterable[Box]) -> npt.NDArray[np.float32]:
    """
    Return the output vector for boxes, best score first: a float32 array of 707 values.

    Boxes over the first 100 by score are left out, as the network does.
    """
    rows = sorted(boxes, key=lambda row: -row[1])[:MOST_BOXES]
    output = np.zeros((MOST_BOXES + 1, VALUES_PER_BOX), dtype=np.float32)
    output[0, 0] = len(rows)
    for index, row in enumerate(rows, start=1):
        output[index, 1:] = row
    return output.reshape(-1)


def may_be_output(height: int, width: int, channels: int) -> bool:
    """
    Return whether a tensor can be the output of an SSD network.

    That is a header and at least one box, in rows of seven or all in one row. Scores of a
    classification, maps of a segmentation, and boxes of other networks have other shapes.

    :param height: the dimensions of the tensor, whose values lie row by row, in a row pixel by
        pixel, and in a pixel channel by channel.
    """
    sides = [side for side in (height, width, channels) if side != 1]
    if len(sides) == 2:
        return sides[1] == VALUES_PER_BOX
    return (len(sides) == 1 and sides[0] % VALUES_PER_BOX == 0
            and sides[0] not in (VALUES_PER_BOX, _CLASSES_WITH_BACKGROUND))


def decode(output: npt.ArrayLike, labels: Sequence[str]) -> tuple[list[Detection], int]:
    """
    Return the detections in an output vector, and how many announced boxes are invalid.

    The header is usable when it is whole and its first value, the announced number of boxes, is a
    whole number from 0 on. Otherwise there are no detections, which counts as 1. With a usable
    header, detections and count add up to the announced number: a box is counted

    - when the vector is too short for all of its seven values;
    - when one of the seven is not finite;
    - when its class is not a whole number, is the background (class 0) or has no label;
    - when its score is below 0 or above 1.01;
    - when no part of it lies inside the image, or it is empty or inverted.

    A score from 1 to 1.01 becomes 1, and a box that extends beyond the image is clipped to it;
    neither is counted. Values after the last announced box are ignored.

    :param output: float16 or float32 array: a header of seven values, then seven values a box.
    :param labels: of the classes, from class 0 on.
    :return: ``(list of Detection in the order of the vector, number of invalid boxes)``.
    """
    announced, rows = _boxes(output)
    if announced is None:
        return [], 1
    found = [_detection(row, labels) for row in rows]
    detections = [detection for detection in found if detection is not None]
    return detections, announced - len(detections)


def class_without_label(output: npt.ArrayLike, labels: Sequence[str]) -> int:
    """Return the highest class without a label among the boxes in an output vector, or 0."""
    _, rows = _boxes(output)
    classes = [row[1] for row in rows if all(map(math.isfinite, row)) and row[1].is_integer()]
    return int(max((number for number in classes if number >= len(labels)), default=0))


def _boxes(output: npt.ArrayLike) -> tuple[int | None, list[list[float]]]:
    """Return the announced number of boxes and their rows; None and no rows without a header."""
    values = np.asarray(output).reshape(-1)
    if len(values) < VALUES_PER_BOX:
        return None, []
    announced = float(values[0])
    if not announced.is_integer() or announced < 0:   # neither NaN nor inf is whole
        return None, []
    whole_rows = values[:len(values) // VALUES_PER_BOX * VALUES_PER_BOX]
    rows = whole_rows.reshape(-1, VALUES_PER_BOX)[1:int(announced) + 1]
    return int(announced), rows.tolist()


def _detection(row: Sequence[float], labels: Sequence[str]) -> Detection | None:
    if not all(map(math.isfinite, row)):
        return None
    _, class_index, score, x_min, y_min, x_max, y_max = row
    if not 0 <= score <= HIGHEST_SCORE:
        return None
    if not class_index.is_integer() or not BACKGROUND < class_index < len(labels):
        return None
    x_min, y_min = max(x_min, 0.0), max(y_min, 0.0)
    x_max, y_max = min(x_max, 1.0), min(y_max, 1.0)
    if x_min >= x_max or y_min >= y_max:
        return None
    return Detection(labels[int(class_index)], min(score, 1.0), x_min, y_min, x_max, y_max)
