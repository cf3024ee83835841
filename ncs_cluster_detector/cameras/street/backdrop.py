# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Draws the street in front of which the pedestrians walk."""

import cv2
import numpy as np
import numpy.typing as npt

# Heights in the picture, as fractions from the top.
ROOFS = (0.24, 0.19, 0.27, 0.21, 0.25)
HOUSES_END = 0.70
KERB = 0.955
FACADES = ((150, 160, 168), (160, 168, 172), (146, 154, 166), (164, 166, 170), (152, 163, 174))


def draw_backdrop(width: int, height: int) -> npt.NDArray[np.uint8]:
    """
    Draw sky, a row of houses, the pavement and the edge of the road.

    :return: uint8 array, height x width x 3, blue-green-red.
    """
    picture = _gradient(width, height, (222, 205, 186), (232, 228, 222))
    _houses(picture)
    _pavement(picture)
    blur = max(height / 400, 0.3)
    picture = cv2.GaussianBlur(picture, (0, 0), blur)
    grain = np.random.default_rng(1).normal(0.0, 2.0, (height, width, 1)).astype(np.float32)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


def _gradient(width, height, top, bottom):
    share = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, np.newaxis, np.newaxis]
    column = (1 - share) * np.array(top, np.float32) + share * np.array(bottom, np.float32)
    return np.repeat(column, width, axis=1)


def _houses(picture):
    height, width = picture.shape[:2]
    bottom = round(HOUSES_END * height)
    borders = np.linspace(0, width, len(ROOFS) + 1).round().astype(int)
    for number, (left, right) in enumerate(zip(borders, borders[1:])):
        top = round(ROOFS[number] * height)
        house = picture[top:bottom, left:right]
        if house.size == 0:
            continue
        house[:] = _gradient(house.shape[1], house.shape[0], FACADES[number],
                             [0.92 * value for value in FACADES[number]])
        house[:max(1, height // 80)] *= 0.85
        house[:, -max(1, width // 250):] *= 0.93
        for row in range(4):
            for column in range(3):
                _window(house, 0.08 + 0.24 * row, 0.10 + 0.30 * column)


def _window(house, top, left):
    height, width = house.shape[:2]
    pane = house[round(top * height):round((top + 0.13) * height),
                 round(left * width):round((left + 0.20) * width)]
    pane *= 0.90
    pane[:, :, 0] *= 1.05


def _pavement(picture):
    height, width = picture.shape[:2]
    top, kerb = round(HOUSES_END * height), round(KERB * height)
    picture[top:kerb] = _gradient(width, kerb - top, (158, 162, 165), (182, 186, 189))
    picture[kerb:] = _gradient(width, height - kerb, (104, 104, 106), (92, 92, 95))
    picture[kerb:kerb + max(1, height // 90)] = (200, 203, 205)
    line = (148, 152, 155)
    thickness = max(1, height // 300)
    for share in (0.12, 0.30, 0.58):   # wider apart the nearer
        y = round(top + share * (kerb - top))
        cv2.line(picture, (0, y), (width, y), line, thickness, cv2.LINE_AA)
    for x in np.linspace(-1.2, 2.2, 24):
        far = (round((0.5 + 0.45 * (x - 0.5)) * width), top)
        cv2.line(picture, far, (round(x * width), kerb - 1), line, thickness, cv2.LINE_AA)
