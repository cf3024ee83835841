# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A synthetic street scene: people who walk past, and coloured panels, for tests and demos."""

import math
from typing import Callable
from typing import NamedTuple

from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.street.backdrop import draw_backdrop
from ncs_cluster_detector.cameras.street.sprite import CELL_WIDTH
from ncs_cluster_detector.cameras.street.sprite import GROUND
from ncs_cluster_detector.cameras.street.walker import Clothes
from ncs_cluster_detector.cameras.street.walker import draw_walker
import numpy as np
import numpy.typing as npt

POSES = 20
# Poses are not drawn larger than this: taller walkers are scaled up.
TALLEST_DRAWN = 720
# A cycle of two steps carries a walker this many of its heights forward.
STRIDE_HEIGHTS = 0.75
# How much a wide picture broadens walkers: 0 not at all, 1 as much as it is wide.
BROADNESS_EXPONENT = 0.25


class Walker(NamedTuple):
    """One pedestrian; places are fractions of the picture's width or height."""

    height: float
    feet: float
    start: float
    laps_per_sec: float
    clothes: Clothes


class Panel(NamedTuple):
    """A rectangle of one pure colour that sways within its own part of the sky."""

    colour: tuple[int, int, int]
    middle: float
    width: float
    sway: float
    period_sec: float


# From far to near, in the order in which they are drawn.
WALKERS = (
    Walker(0.46, 0.800, 0.20, 0.085, Clothes(
        (70, 82, 60), (58, 62, 70), (34, 32, 30), (60, 104, 140), (138, 168, 214))),
    Walker(0.50, 0.835, 0.45, -0.075, Clothes(
        (52, 50, 118), (78, 58, 44), (36, 32, 30), (38, 50, 66), (128, 158, 208))),
    Walker(0.55, 0.880, 0.70, 0.085, Clothes(
        (96, 66, 38), (52, 50, 50), (28, 28, 30), (24, 26, 30), (104, 132, 184))),
    Walker(0.60, 0.925, 0.95, -0.075, Clothes(
        (46, 44, 42), (104, 84, 66), (34, 40, 52), (34, 44, 58), (118, 146, 196))),
)
PANELS = (
    Panel((255, 0, 0), 0.17, 0.12, 0.08, 7.0),
    Panel((0, 255, 0), 0.50, 0.10, 0.09, 5.0),
    Panel((0, 0, 255), 0.83, 0.11, 0.08, 6.0),
)
PANEL_TOP = 0.04
PANEL_HEIGHT = 0.11


class SyntheticStreet(Camera):
    """A moving scene in which detectors find something; it depends on the frame number alone."""

    description = 'a synthetic street scene'

    @classmethod
    def open_camera(cls, device: str, width: int, height: int, fps: float,
                    warn: Callable[[str], None]) -> Camera:
        return cls(width, height, fps)

    def __init__(self, width: int, height: int, fps: float) -> None:
        """Draw what can be drawn beforehand; ``fps`` gives the time of a frame."""
        self.width, self.height, self.fps = width, height, fps
        self._number = -1
        self._backdrop = draw_backdrop(width, height)
        # Networks see the picture squeezed into a square. So people in a wide one are drawn
        # somewhat broader, to stay recognisable.
        self._broadness = (width / height) ** BROADNESS_EXPONENT
        self._poses = [self._draw_poses(walker) for walker in WALKERS]

    def grab(self) -> bool:
        self._number += 1
        return True

    def retrieve(self) -> npt.NDArray[np.uint8]:
        return self.picture(self._number)

    def picture(self, number: int) -> npt.NDArray[np.uint8]:
        """Draw a frame, 0 is the first one: uint8, height x width x 3, blue-green-red."""
        time_sec = number / self.fps
        picture = self._backdrop.copy()
        for panel in PANELS:
            self._draw_panel(picture, panel, time_sec)
        for walker, poses in zip(WALKERS, self._poses):
            self._draw_walker(picture, walker, poses, time_sec)
        return picture

    def _draw_poses(self, walker):
        height = max(2, round(walker.height * self.height))
        drawn = min(height, TALLEST_DRAWN)
        poses = [draw_walker(drawn, self._broadness, number / POSES, walker.clothes)
                 for number in range(POSES)]
        return [pose.mirrored() for pose in poses] if walker.laps_per_sec < 0 else poses

    def _draw_panel(self, picture, panel, time_sec):
        width = math.ceil(panel.width * self.width)
        middle = panel.middle + panel.sway * math.sin(2 * math.pi * time_sec / panel.period_sec)
        left = round(middle * self.width - width / 2)
        top = round(PANEL_TOP * self.height)
        bottom = top + math.ceil(PANEL_HEIGHT * self.height)
        picture[top:bottom, left:left + width] = panel.colour

    def _draw_walker(self, picture, walker, poses, time_sec):
        height = walker.height * self.height
        # From just outside on one side to just outside on the other.
        lap = self.width + CELL_WIDTH * height * self._broadness
        laps = walker.start + walker.laps_per_sec * time_sec
        pose = poses[int(abs(laps) * lap / (STRIDE_HEIGHTS * height) * POSES) % POSES]
        if height > TALLEST_DRAWN:
            scale = height / TALLEST_DRAWN
            pose = pose.scaled(tuple(round(scale * side) for side in pose.under.shape[::-1]))
        sprite_height, sprite_width = pose.under.shape
        middle = laps % 1.0 * lap + (self.width - lap) / 2
        bottom = walker.feet * self.height + GROUND * height
        pose.lay_over(picture, round(middle - sprite_width / 2), round(bottom - sprite_height))
