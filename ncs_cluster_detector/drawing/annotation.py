# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The whole annotation of a picture: boxes, labels that cover no surer one, and the strip."""

from collections.abc import Sequence
from typing import Any

import cv2
from ncs_cluster_detector.drawing import status_strip
from ncs_cluster_detector.drawing.colours import DARK
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.drawing.text import text_height
from ncs_cluster_detector.drawing.text import text_tile
import numpy as np
import numpy.typing as npt

LONGEST_LABEL = 40   # characters


def annotate(image: npt.NDArray[np.uint8], detections: Sequence[Any],
             distances: Sequence[float | None], content: status_strip.StripContent) -> None:
    """
    Draw detections and the state of the sticks on the picture itself.

    :param image: uint8 array, height x width x 3, blue-green-red; drawn on.
    :param distances: of each detection in metres, None where it is not known.
    """
    height, width = image.shape[:2]
    strip = status_strip.strip_for(content, width, height)
    draw_detections(image, detections, distances, height - len(strip.colour))
    status_strip.lay_on(image, strip)


def draw_detections(image: npt.NDArray[np.uint8], detections: Sequence[Any],
                    distances: Sequence[float | None], rows_for_labels: int) -> None:
    """Draw boxes and labels as annotate does; labels only in the upper ``rows_for_labels``."""
    height, width = image.shape[:2]
    size = text_height(width, height)
    # The surest is drawn last, on top of the others, and its label gets the best place.
    shown = sorted(zip(detections, distances), key=lambda found: found[0].score)
    boxes = [corners_of(detection, width, height) for detection, _ in shown]
    line = max(round(size / 8), 2)
    for box, (detection, _) in zip(boxes, shown):
        # A dark edge on both sides keeps the outline readable on any background.
        for colour, thickness in ((DARK, line + 2), (label_colour(detection.label), line)):
            cv2.rectangle(image, box[:2], box[2:], colour, thickness)
    placed = []
    for box, (detection, distance) in reversed(list(zip(boxes, shown))):
        tile = text_tile(label_text(detection, distance), size, DARK,
                         label_colour(detection.label))
        area = place_of_label(box, tile.shape, (rows_for_labels, width),
                              [area for area, _ in placed])
        placed.append((area, tile))
    for (left, top, right, bottom), tile in reversed(placed):
        image[top:bottom, left:right] = tile[:bottom - top, :right - left]


def label_text(detection: Any, distance: float | None) -> str:
    """Return the text at a box: label, percent and, if it is known, the distance."""
    text = f'{detection.label[:LONGEST_LABEL]} {detection.score * 100:.0f}%'
    if distance is None:
        return text
    # Depth is not more exact, and figures that change with every frame cannot be read.
    return f'{text}  {distance:.{2 if distance < 2.0 else 1}f} m'


def corners_of(detection: Any, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the pixels ``(left, top, right, bottom)`` of the outline."""
    left, top = round(detection.x_min * width), round(detection.y_min * height)
    right, bottom = round(detection.x_max * width) - 1, round(detection.y_max * height) - 1
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left), max(bottom, top)


def place_of_label(box: tuple[int, int, int, int], tile_shape: tuple[int, ...],
                   room: tuple[int, int],
                   taken: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """
    Return the area ``(left, top, right, bottom)`` of a label.

    Above the box, below it or in it: the first place without another label, or else the first one
    that lies in the room, or else the nearest to the box.

    :param box: corners of the detection.
    :param room: ``(height, width)`` of the part of the picture that may have labels.
    """
    left, top, _, bottom = box
    tile_height, tile_width = tile_shape[:2]
    height, width = room
    x = max(min(left, width - tile_width), 0)
    places = [(x, y, min(x + tile_width, width), y + tile_height)
              for y in (top - tile_height, bottom + 1, top, bottom + 1 - tile_height)
              if 0 <= y <= height - tile_height]
    free = [place for place in places if not any(_overlap(place, other) for other in taken)]
    if free or places:
        return (free or places)[0]
    y = max(min(top, height) - tile_height, 0)
    return x, y, min(x + tile_width, width), min(y + tile_height, height)


def _overlap(one, other):
    return (one[0] < other[2] and other[0] < one[2]
            and one[1] < other[3] and other[1] < one[3])
