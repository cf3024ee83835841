# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The part of a picture that a network sees."""

from collections.abc import Sequence
import math
from typing import NamedTuple

from ncs_cluster_detector.networks.detection import Detection
import numpy as np
import numpy.typing as npt


class Region(NamedTuple):
    """The left and upper edge, width and height of a part, as fractions of the whole picture."""

    x: float = 0.0
    y: float = 0.0
    width: float = 1.0
    height: float = 1.0

    def is_inside(self) -> bool:
        """Tell whether it is a part of a picture, but for rounding, and not empty."""
        return (self.x >= 0.0 and self.y >= 0.0 and self.width > 0.0 and self.height > 0.0
                and self.x + self.width <= 1.0 + 1e-9 and self.y + self.height <= 1.0 + 1e-9)

    def pixels(self, height: int, width: int) -> tuple[int, int, int, int]:
        """
        Return the part of a picture of this size as ``(top, bottom, left, right)``, ends excluded.

        Pixels that are only partly in the region belong to it, so there is at least one.
        """
        top, bottom = _span(self.y, self.height, height)
        left, right = _span(self.x, self.width, width)
        return top, bottom, left, right

    def cut(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the part of an image (height x width x 3), without a copy."""
        if self == WHOLE:
            return image
        top, bottom, left, right = self.pixels(*image.shape[:2])
        return image[top:bottom, left:right]

    def in_whole(self, detections: Sequence[Detection],
                 size: tuple[int, int]) -> tuple[Detection, ...]:
        """
        Return detections in the part with their boxes in the whole picture.

        Boxes that are too small to be any there, as rounding leaves them empty, are left out.

        :param size: (height, width) of the whole picture in pixels.
        """
        if self == WHOLE:
            return tuple(detections)
        height, width = size
        top, bottom, left, right = self.pixels(height, width)
        # Rounding must not bring an edge beyond that of the picture.
        boxes = (Detection(
            found.label, found.score,
            (left + found.x_min * (right - left)) / width,
            (top + found.y_min * (bottom - top)) / height,
            min((left + found.x_max * (right - left)) / width, 1.0),
            min((top + found.y_max * (bottom - top)) / height, 1.0)) for found in detections)
        return tuple(box for box in boxes if box.x_min < box.x_max and box.y_min < box.y_max)


def _span(start: float, length: float, pixels: int) -> tuple[int, int]:
    """Return the first pixel of a part of a line, and the one behind it."""
    # 0.1 + 0.2 is a little more than 0.3: the end may be so far beyond a whole pixel.
    end = min(math.ceil((start + length) * pixels - 1e-6), pixels)
    first = min(int(start * pixels + 1e-6), pixels - 1)
    return first, max(end, first + 1)


WHOLE = Region()


def parse_region(text: str) -> Region:
    """
    Return the Region in a text ``x,y,w,h``; an empty one means the whole picture.

    :raises ValueError: it is none; the text says what must be.
    """
    if not text.strip():
        return WHOLE
    words = text.split(',')
    try:
        region = Region(*map(float, words))
    except (TypeError, ValueError):
        region = None
    if region is None or len(words) != len(Region._fields) or not all(map(math.isfinite, region)):
        raise ValueError("must be four numbers 'x,y,w,h'; use for example '0.25,0,0.5,1'")
    if not region.is_inside():
        raise ValueError(
            'must lie in the picture: x and y from 0, w and h above 0, x+w and y+h up to 1; '
            "the whole picture is '0,0,1,1'")
    return region
