# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Small pictures with soft edges, drawn part by part and laid over a large one."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

# Drawn larger by this factor and then scaled down, to smooth the edges.
OVERSAMPLING = 2
SHADOW_OPACITY = 0.45
# Size of the picture around a figure, in figure heights, and the ground within it.
CELL_WIDTH = 0.76
CELL_HEIGHT = 1.06
GROUND = 0.04


class Sprite(NamedTuple):
    """A scale for the picture below (``under``, 1 channel) and what is added (``over``, 3)."""

    over: npt.NDArray[np.uint8]
    under: npt.NDArray[np.uint8]

    def mirrored(self) -> 'Sprite':
        """Return the same sprite looking the other way."""
        return Sprite(*(np.ascontiguousarray(part[:, ::-1]) for part in self))

    def scaled(self, size: Sequence[int]) -> 'Sprite':
        """Return the same sprite in another size, ``(width, height)`` in pixels."""
        return Sprite(*(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in self))

    def lay_over(self, picture: npt.NDArray[np.uint8], left: int, top: int) -> None:
        """Lay the part of the sprite that lies within the picture over it, in place."""
        height, width = self.under.shape
        first_x, first_y = max(0, -left), max(0, -top)
        last_x, last_y = min(width, picture.shape[1] - left), min(height, picture.shape[0] - top)
        if last_x <= first_x or last_y <= first_y:
            return
        part = (slice(first_y, last_y), slice(first_x, last_x))
        below = picture[top + first_y:top + last_y, left + first_x:left + last_x]
        cv2.multiply(below, cv2.merge([self.under[part]] * 3), below, 1 / 255)
        cv2.add(below, self.over[part], below)


class SpriteCanvas:
    """Draws in figure heights: x from the middle to the right, y from the feet up."""

    def __init__(self, height: int, broadness: float) -> None:
        """
        Start with an empty picture.

        :param height: height of the figure in pixels.
        :param broadness: factor for everything horizontal.
        """
        self._size = (max(1, round(CELL_WIDTH * broadness * height)),
                      max(1, round(CELL_HEIGHT * height)))
        self._scale_y = OVERSAMPLING * height
        self._scale_x = self._scale_y * broadness
        shape = (OVERSAMPLING * self._size[1], OVERSAMPLING * self._size[0])
        self._origin = (shape[1] / 2, shape[0] - GROUND * self._scale_y)
        self._colour = np.zeros((*shape, 3), np.uint8)
        self._opacity = np.zeros(shape, np.uint8)
        self._mask = np.zeros(shape, np.uint8)

    def limb(self, joints: Sequence[tuple[float, float]], radii: Sequence[float],
             colour: Sequence[float], light: float) -> None:
        """Draw a limb through its joints, with a radius at each."""
        for joint, radius in zip(joints, radii):
            self._ellipse(*joint, radius, radius)
        for start, end, *ends in zip(joints, joints[1:], radii, radii[1:]):
            along = np.subtract(end, start)
            across = np.array([-along[1], along[0]]) / max(np.hypot(*along), 1e-6)
            corners = [start + across * ends[0], end + across * ends[1],
                       end - across * ends[1], start - across * ends[0]]
            cv2.fillConvexPoly(self._mask, self._pixels(corners), 255)
        self._paint(joints, max(radii), colour, light)

    def disc(self, x: float, y: float, radius_x: float, radius_y: float, colour: Sequence[float],
             light: float) -> None:
        """Draw an ellipse."""
        self._ellipse(x, y, radius_x, radius_y)
        self._paint([(x, y)], max(radius_x, radius_y), colour, light)

    def shape(self, outline: Sequence[tuple[float, float]], colour: Sequence[float]) -> None:
        """Draw a filled outline."""
        cv2.fillPoly(self._mask, [self._pixels(outline)], 255)
        self._paint(outline, 0.0, colour, 1.0)

    def shadow(self, x: float, y: float, radius_x: float, radius_y: float) -> None:
        """Draw a soft shadow on the ground, before everything else."""
        axes = (round(radius_x * self._scale_x), round(radius_y * self._scale_y))
        middle = tuple(self._pixels([(x, y)])[0].tolist())
        cv2.ellipse(self._opacity, middle, axes, 0, 0, 360, 255 * SHADOW_OPACITY, -1)
        self._opacity = cv2.blur(self._opacity, (axes[0] // 3 + 1, axes[1] // 2 + 1))

    def sprite(self) -> Sprite:
        """Return what was drawn, without the empty columns at both sides."""
        over = cv2.resize(self._colour, self._size, interpolation=cv2.INTER_AREA)
        opacity = cv2.resize(self._opacity, self._size, interpolation=cv2.INTER_AREA)
        used = np.flatnonzero(opacity.any(axis=0))
        if len(used):   # as much on the left as on the right, so that the middle stays
            margin = min(used[0], self._size[0] - 1 - used[-1])
            kept = slice(margin, self._size[0] - margin)
            over, opacity = over[:, kept].copy(), opacity[:, kept].copy()
        return Sprite(over, 255 - opacity)

    def _pixels(self, places):
        """Return places as an int32 array of pixels, n x 2."""
        scale = (self._scale_x, -self._scale_y)
        return np.rint(np.array(places) * scale + self._origin).astype(np.int32)

    def _ellipse(self, x, y, radius_x, radius_y):
        axes = (round(radius_x * self._scale_x), round(radius_y * self._scale_y))
        middle = tuple(self._pixels([(x, y)])[0].tolist())
        cv2.ellipse(self._mask, middle, axes, 0, 0, 360, 255, -1)

    def _paint(self, places, radius, colour, light):
        """
        Colour what the mask marks, lighter in its middle and on the left, towards the sun.

        :param places: points; all that is marked lies within ``radius`` of them.
        """
        pixels = self._pixels(places)
        reach = round(radius * max(self._scale_x, self._scale_y)) + 2
        first = np.maximum(pixels.min(axis=0) - reach, 0)
        last = np.maximum(pixels.max(axis=0) + reach + 1, 0)
        part = (slice(first[1], last[1]), slice(first[0], last[0]))
        mask = self._mask[part]
        if mask.size == 0:
            return
        depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
        across = np.arange(mask.shape[1], dtype=np.float32) + first[0]
        sun = light * (1.08 - 0.18 * across / self._mask.shape[1])
        shade = (0.66 + 0.34 * cv2.sqrt(depth / max(depth.max(), 1.0))) * sun
        colours = cv2.convertScaleAbs(cv2.merge([shade * value for value in colour]))
        cv2.copyTo(colours, mask, self._colour[part])
        cv2.copyTo(mask, mask, self._opacity[part])
        mask[:] = 0
