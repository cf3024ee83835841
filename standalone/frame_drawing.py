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

"""Draws detections and the sticks' marks on a picture."""

from typing import NamedTuple
from typing import Optional
import zlib

import cv2

FONT = cv2.FONT_HERSHEY_SIMPLEX
# Blue, green, red; bright enough for dark text on them.
COLOURS = ((94, 214, 78), (60, 190, 255), (255, 178, 84), (160, 140, 255), (214, 214, 60),
           (234, 130, 230), (120, 230, 240), (180, 200, 130))
DARK = (24, 22, 20)
PALE = (222, 222, 222)
RESTING = (128, 124, 120)
ACTIVE = (94, 214, 78)
HOT = (40, 90, 255)
STRIP_OPACITY = 0.72


class StickMark(NamedTuple):
    """What the strip shows of a stick."""

    active: bool
    hot: bool
    celsius: Optional[float]


class _Label(NamedTuple):
    """Where a detection is drawn: corners of its box and of its label, start of the text."""

    box: tuple
    area: tuple
    text: str
    baseline: tuple
    colour: tuple


def strip_of(state):
    """Return what the strip shows of a RunState: (StickMarks, note)."""
    threshold = state.threshold_celsius()
    marks = tuple(
        StickMark(stick.active, None not in (stick.celsius, threshold)
                  and stick.celsius >= threshold, stick.celsius)
        for stick in state.sticks)
    fps = state.cluster and state.cluster.detection_fps
    return marks, '' if fps is None else f'{fps:.0f} fps'


def draw(image, detections, marks, note):
    """
    Draw on the image itself.

    :param image: uint8, height x width x 3, blue-green-red.
    :param detections: Detections with boxes in pixels of the image.
    :param marks: StickMarks, left to right at the bottom edge.
    :param note: short text at the bottom edge on the right.
    """
    size = text_size(image)
    labels = []
    for detection in sorted(detections, key=lambda found: -found.score):
        labels.append(_place_label(image, detection, labels, size))
    # The surest last, so that it lies on top.
    for label in reversed(labels):
        _draw_box(image, label, size)
    for label in reversed(labels):
        _draw_label(image, label, size)
    _draw_strip(image, marks, note, size)


def text_size(image):
    """Return the size of text that is legible in the image, as a scale of OpenCV's font."""
    return min(max(image.shape[0] / 1000, 0.38), 2.0)


def label_colour(label):
    """Return the colour of a label, the same in every run."""
    return COLOURS[zlib.crc32(label.encode()) % len(COLOURS)]


def _place_label(image, detection, placed, size):
    """Return a _Label that covers none of those that are placed already, if there is room."""
    height, width = image.shape[:2]
    left, top = max(round(detection.left), 0), max(round(detection.top), 0)
    right = min(round(detection.left + detection.width), width) - 1
    bottom = min(round(detection.top + detection.height), height) - 1
    text = f'{detection.label} {detection.score * 100:.0f} %'
    (text_width, text_height), below = cv2.getTextSize(text, FONT, size, _weight(size))
    pad = max(round(6 * size), 2)
    label_width, label_height = text_width + 2 * pad, text_height + below + pad
    x = max(min(left, width - label_width), 0)
    candidates = [
        (x, y, x + label_width, y + label_height) for y in (top - label_height, bottom + 1, top)
        if 0 <= y <= height - label_height]
    free = [area for area in candidates
            if not any(_overlap(area, other.area) for other in placed)]
    area = (free or candidates or [(x, top, x + label_width, top + label_height)])[0]
    baseline = (area[0] + pad, area[3] - below - pad // 2)
    return _Label((left, top, right, bottom), area, text, baseline, label_colour(detection.label))


def _overlap(one, other):
    return (one[0] < other[2] and other[0] < one[2]
            and one[1] < other[3] and other[1] < one[3])


def _draw_box(image, label, size):
    line = max(round(3.5 * size), 1)
    left, top, right, bottom = label.box
    # A dark edge on both sides keeps the outline readable on any background.
    for colour, thickness in ((DARK, line + 2), (label.colour, line)):
        cv2.rectangle(image, (left, top), (right, bottom), colour, thickness, cv2.LINE_AA)


def _draw_label(image, label, size):
    left, top, right, bottom = label.area
    cv2.rectangle(image, (left, top), (right, bottom), DARK, -1)
    cv2.rectangle(image, (left + 1, top + 1), (right - 1, bottom - 1), label.colour, -1)
    cv2.putText(image, label.text, label.baseline, FONT, size, DARK, _weight(size), cv2.LINE_AA)


def _weight(size):
    return max(round(1.6 * size), 1)


def _draw_strip(image, marks, note, size):
    height, width = image.shape[:2]
    size *= 0.9
    weight = _weight(size)
    (note_width, text_height), below = cv2.getTextSize(note, FONT, size, weight)
    pad = max(round(8 * size), 3)
    strip = text_height + below + 2 * pad
    top = height - strip
    part = image[max(top, 0):]
    cv2.addWeighted(part, 1 - STRIP_OPACITY, part, 0, 0, part)
    baseline = height - pad - below + 1
    left, limit = pad, width
    if note_width + 2 * pad < width / 2:
        limit = width - note_width - 2 * pad
        cv2.putText(image, note, (width - note_width - pad, baseline), FONT, size, PALE, weight,
                    cv2.LINE_AA)
    for mark in marks:
        text = '?' if mark.celsius is None else f'{mark.celsius:.0f} C'
        text_width = cv2.getTextSize(text, FONT, size, weight)[0][0]
        after = left + text_height + pad + text_width + 2 * pad
        if after > limit:
            break   # a narrow picture has no room for more
        colour = HOT if mark.hot else ACTIVE if mark.active else RESTING
        corner = (left + text_height, baseline)
        cv2.rectangle(image, (left, baseline - text_height), corner, colour,
                      -1 if mark.active else 1)
        cv2.putText(image, text, (left + text_height + pad, baseline), FONT, size,
                    PALE if mark.active else RESTING, weight, cv2.LINE_AA)
        left = after
