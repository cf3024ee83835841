# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The built-in detector ``people``: pedestrians by OpenCV's histograms of oriented gradients."""

import math

import cv2
from ncs_cluster_detector.networks.ssd import Box
from ncs_cluster_detector.simulation.networks.cascade import find_cascade_or_warn
from ncs_cluster_detector.simulation.networks.faces import FaceDetector
import numpy as np
import numpy.typing as npt

PERSON_CLASS = 15

# The detector's window, and where a person stands in it: 96 of 128 pixels in height, and the width
# of a walking person. Source: the INRIA person data set, with which it was trained; the vertical
# margins are two pixels smaller because the default detector's boxes cut feet off.
_WINDOW = (64, 128)
_PERSON_IN_WINDOW = (0.2, 0.11, 0.8, 0.89)
_STRIDE = (8, 8)

# Sizes (width, height) to which the picture is scaled, for people from 0.27 to 0.67 of its height,
# in steps of 1.2. The shape of the camera's picture is not known here, so these undo the stretch
# of a shape between 4:3 and 16:9. The six sizes take 16 ms on one core of a desktop PC.
_SIZES = ((504, 352), (480, 312), (376, 264), (344, 224), (256, 184), (224, 144))

# People who are too near to be seen in full are found by their faces, of at least about a seventh
# of the picture's width. The body is in proportion to the width and height of the face's box.
_NEAR_FACE_SIZE = (150, 112)
_BODY_WIDTHS = 3.0
_HAIR_HEIGHTS = 0.35
_BODY_HEIGHTS = 8.0

# Boxes that overlap more than this are of one person: only the better one is kept.
_SAME_PERSON_OVERLAP = 0.4
_SAME_PERSON_INSIDE = 0.7


class PeopleDetector:
    """Finds upright people in full, and near ones by their faces."""

    def __init__(self) -> None:
        """Load the detectors; without OpenCV's cascade files do not find near people."""
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
        self._faces = FaceDetector(*_NEAR_FACE_SIZE) if find_cascade_or_warn() else None

    def __call__(self, image: npt.NDArray[np.uint8]) -> list[Box]:
        """Return the boxes of the people in an image (height x width x 3, blue-green-red)."""
        near = [] if self._faces is None else [_body(face) for face in self._faces(image)]
        rows = near + sorted(self._in_full(image), key=lambda row: -row[1])
        kept = []
        for row in rows:
            if not any(_same_person(row, better) for better in kept):
                kept.append(row)
        return kept

    def _in_full(self, image):
        x_low, y_low, x_high, y_high = _PERSON_IN_WINDOW
        for width, height in _SIZES:
            scaled = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
            corners, margins = self._hog.detect(scaled, hitThreshold=0.0, winStride=_STRIDE)
            # The shapes of the two arrays differ between versions of OpenCV.
            for (x, y), margin in zip(np.reshape(corners, (-1, 2)), np.ravel(margins)):
                yield (PERSON_CLASS, score_of_margin(float(margin)),
                       (x + x_low * _WINDOW[0]) / width, (y + y_low * _WINDOW[1]) / height,
                       (x + x_high * _WINDOW[0]) / width, (y + y_high * _WINDOW[1]) / height)


def score_of_margin(margin: float) -> float:
    """
    Return a score of 0 to 1 for a margin of the support vector machine.

    A logistic curve with 0.4 at margin 0 and 0.6, the usual threshold, at margin 0.4. Source: the
    boxes in 48 pictures of a busy street, judged by eye: from a margin of 0.4 on more than four
    of five are people, below it fewer than half; two pictures without people stay below it.
    """
    return 1.0 / (1.0 + math.exp(-2.0 * (margin - 0.2)))


def _body(face):
    _, score, x_min, y_min, x_max, y_max = face
    middle, width, height = (x_min + x_max) / 2, x_max - x_min, y_max - y_min
    top = y_min - _HAIR_HEIGHTS * height
    return (PERSON_CLASS, score,
            max(middle - _BODY_WIDTHS / 2 * width, 0.0), max(top, 0.0),
            min(middle + _BODY_WIDTHS / 2 * width, 1.0), min(top + _BODY_HEIGHTS * height, 1.0))


def _same_person(one, other):
    width = min(one[4], other[4]) - max(one[2], other[2])
    height = min(one[5], other[5]) - max(one[3], other[3])
    if width <= 0 or height <= 0:
        return False
    common = width * height
    areas = [(row[4] - row[2]) * (row[5] - row[3]) for row in (one, other)]
    return (common > _SAME_PERSON_OVERLAP * (sum(areas) - common)
            or common > _SAME_PERSON_INSIDE * min(areas))
