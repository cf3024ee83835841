# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The built-in detector ``shapes``: solid rectangles of one pure colour, exact to the pixel."""

import cv2
from ncs_cluster_detector.networks.ssd import Box
import numpy as np
import numpy.typing as npt

# Class of the rectangle by the index of its colour in a blue-green-red pixel: blue is a car,
# green a person, red a cat (indices of the Pascal VOC classes).
CLASS_OF_CHANNEL = (7, 15, 8)
# In half precision this is still not below 0.9, so 0.9 works as a threshold.
SCORE = 0.9004

# Chroma is how much a channel exceeds the larger of the other two: 255 for a pure colour, 0 for
# grey. Pixels of at least the first value form the core of a rectangle; it leaves room for
# rounding and compression. Within the core's box, pixels of at least the second value count as
# filled, so that an edge with pixels around the first value has no gaps.
_PURE_CHROMA = 230
_FILLED_CHROMA = 200
# A shape may cover only half of the pixels at its edges, 2 of 3 in width.
_LEAST_CORE_PIXELS = 2
_LEAST_PIXELS = 2.4
# Share of the core's box that must be filled: a disc fills 0.79 of its box.
_LEAST_FILLED = 0.9
_FRINGE = 0.15
# A rectangle ends with a drop of the chroma by at least this much in this many pixels. A gradient
# has no such drop; edges are this soft in a picture of less than half the network's size.
_LEAST_DROP = 40
_EDGE_PIXELS = 8


def detect_shapes(image: npt.NDArray[np.uint8]) -> list[Box]:
    """Return the boxes of the rectangles in an image (height x width x 3, blue-green-red)."""
    height, width = image.shape[:2]
    rows = []
    channels = cv2.split(image)
    for index, class_index in enumerate(CLASS_OF_CHANNEL):
        others = cv2.max(channels[index - 1], channels[index - 2])
        chroma = cv2.subtract(channels[index], others)
        for left, top, right, bottom in _boxes(chroma):
            rows.append((class_index, SCORE,
                         left / width, top / height, right / width, bottom / height))
    return rows


def _boxes(chroma):
    """Yield the rectangles of one colour as ``(left, top, right, bottom)`` in pixels."""
    mask = cv2.compare(chroma, _PURE_CHROMA, cv2.CMP_GE)
    x, y, width, height = cv2.boundingRect(mask)
    if not width:   # most pictures lack most colours
        return
    _, _, stats, _ = cv2.connectedComponentsWithStats(
        mask[y:y + height, x:x + width], connectivity=4)
    for left, top, width, height, area in stats[1:].tolist():
        if area < _LEAST_CORE_PIXELS ** 2:
            continue
        left, top = x + left, y + top
        filled = chroma[top:top + height, left:left + width] >= _FILLED_CHROMA
        left, right = _without_fringe(filled.sum(axis=0), height, left)
        top, bottom = _without_fringe(filled.sum(axis=1), width, top)
        if min(right - left, bottom - top) < _LEAST_CORE_PIXELS:
            continue
        if np.mean(chroma[top:bottom, left:right] >= _FILLED_CHROMA) < _LEAST_FILLED:
            continue
        columns = chroma[top:bottom].mean(axis=0)
        lines = chroma[:, left:right].mean(axis=1)
        box = (_low_edge(columns, left), _low_edge(lines, top),
               _high_edge(columns, right), _high_edge(lines, bottom))
        if None in box or min(box[2] - box[0], box[3] - box[1]) < _LEAST_PIXELS:
            continue
        yield box


def _without_fringe(filled, length, start):
    """
    Return where a core begins and ends, without an outermost line that is almost empty.

    Otherwise single pixels of a noisy background would move the box by one. More than a few such
    pixels are the edge of a disc, which is not a rectangle.

    :param filled: number of filled pixels of each line.
    :param length: number of pixels of a line.
    :param start: index of the first line in the picture.
    """
    most = max(1, _FRINGE * length)
    low = 0 if filled[0] > most else 1
    high = len(filled) if filled[-1] > most else len(filled) - 1
    return start + low, start + high


def _low_edge(profile, first_inside):
    edge = _high_edge(profile[::-1], len(profile) - first_inside)
    return None if edge is None else len(profile) - edge


def _high_edge(profile, first_outside):
    """
    Return where a rectangle ends: half-way between its chroma and that of the background.

    :param profile: mean chroma of the pixels across the edge, over the length of the edge.
    :param first_outside: index of the first value behind the core.
    :return: position between two values, or None when nothing ends there.
    """
    levels = profile[first_outside - 1:first_outside + _EDGE_PIXELS]
    rising = np.flatnonzero(np.diff(levels) >= 0)
    if len(rising):
        levels = levels[:rising[0] + 1]
    if levels[0] - levels[-1] < _LEAST_DROP:
        # The pixels between the core and the border of the picture are part of the rectangle.
        at_border = first_outside - 1 + len(levels) == len(profile)
        return len(profile) if at_border else None
    middle = (levels[0] + levels[-1]) / 2
    after = int(np.argmax(levels <= middle))
    before = after - 1
    share = (levels[before] - middle) / (levels[before] - levels[after])
    return first_outside - 0.5 + before + share
