# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Draws a walking pedestrian, pose by pose."""

import math
from typing import NamedTuple

from ncs_cluster_detector.cameras.street.sprite import Sprite
from ncs_cluster_detector.cameras.street.sprite import SpriteCanvas

# Lengths and radii in figure heights; angles in radians, forward positive.
HIP = 0.51
THIGH = 0.245
SHIN = 0.225
UPPER_ARM = 0.165
FOREARM = 0.150
SOLE = 0.030   # from the ankle down to the ground
STEP_ANGLE = 0.38
ARM_ANGLE = 0.42


class Clothes(NamedTuple):
    """Colours of one pedestrian, each blue, green, red."""

    coat: tuple[int, int, int]
    trousers: tuple[int, int, int]
    shoes: tuple[int, int, int]
    hair: tuple[int, int, int]
    skin: tuple[int, int, int]


def draw_walker(height: int, broadness: float, phase: float, clothes: Clothes) -> Sprite:
    """
    Draw a pedestrian who walks to the right.

    :param height: height of the figure in pixels.
    :param broadness: factor for everything horizontal.
    :param phase: point in the cycle of two steps, 0.0 to 1.0.
    :return: the feet stand GROUND above its lower border.
    """
    near, far = _leg_joints(phase), _leg_joints(phase + 0.5)
    # The lower foot stands on the ground, which also makes the body go up and down.
    lift = SOLE - min(joints[-1][1] for joints in (near, far))
    swing = math.sin(2 * math.pi * phase)
    canvas = SpriteCanvas(height, broadness)
    canvas.shadow(0.0, 0.004, 0.20 + 0.06 * abs(swing), 0.022)
    _leg(canvas, far, lift, clothes, 0.70)
    _arm(canvas, -0.070, swing, lift, clothes, 0.72)
    _leg(canvas, near, lift, clothes, 1.0)
    _neck(canvas, lift, clothes)
    _torso(canvas, lift, clothes)
    _head(canvas, lift, clothes)
    _arm(canvas, 0.072, -swing, lift, clothes, 0.93)
    return canvas.sprite()


def _leg_joints(phase):
    """Return hip, knee and ankle of a leg."""
    swing = math.sin(2 * math.pi * phase)
    # The knee bends while the leg swings forward, which is while the sine rises.
    forward = max(0.0, math.cos(2 * math.pi * phase))
    thigh = STEP_ANGLE * swing + 0.22 * forward
    shin = thigh - 0.70 * forward - 0.12 * max(0.0, -swing)
    hip = (0.02 * swing, HIP)
    knee = _reach(hip, thigh, THIGH)
    return hip, knee, _reach(knee, shin, SHIN)


def _leg(canvas, joints, lift, clothes, light):
    hip, knee, ankle = ((x, y + lift) for x, y in joints)
    # The foot of a trailing or lifted leg points down.
    pitch = 0.5 * min(0.0, ankle[0] - hip[0]) - 0.4 * (ankle[1] - SOLE)
    toe = (ankle[0] + 0.078, ankle[1] - 0.014 + 0.25 * pitch)
    heel = (ankle[0] - 0.012, ankle[1] - 0.008)
    canvas.limb([heel, toe], [0.022, 0.015], clothes.shoes, light)
    canvas.limb([hip, knee, ankle], [0.068, 0.050, 0.033], clothes.trousers, light)


def _arm(canvas, side, swing, lift, clothes, light):
    shoulder = (side, 0.785 + lift)
    elbow = _reach(shoulder, ARM_ANGLE * swing, UPPER_ARM)
    wrist = _reach(elbow, ARM_ANGLE * swing + 0.30, FOREARM)
    hand = _reach(wrist, ARM_ANGLE * swing + 0.35, 0.028)
    canvas.limb([wrist, hand], [0.021, 0.019], clothes.skin, light)
    canvas.limb([shoulder, elbow, wrist], [0.042, 0.035, 0.025], clothes.coat, light)


def _torso(canvas, lift, clothes):
    outline = [(-0.034, 0.862), (-0.085, 0.832), (-0.112, 0.780), (-0.106, 0.680),
               (-0.098, 0.600), (-0.108, 0.430), (0.108, 0.430), (0.098, 0.600),
               (0.106, 0.680), (0.112, 0.780), (0.085, 0.832), (0.036, 0.860)]
    canvas.shape([(x, y + lift) for x, y in outline], clothes.coat)
    seam = [(0.018, 0.845), (0.024, 0.845), (0.018, 0.435), (0.012, 0.435)]
    canvas.shape([(x, y + lift) for x, y in seam], tuple(0.7 * part for part in clothes.coat))


def _neck(canvas, lift, clothes):
    canvas.limb([(-0.004, 0.82 + lift), (0.002, 0.89 + lift)], [0.033, 0.029],
                clothes.skin, 0.80)


def _head(canvas, lift, clothes):
    canvas.disc(-0.006, 0.936 + lift, 0.055, 0.063, clothes.hair, 1.0)
    canvas.disc(0.012, 0.917 + lift, 0.040, 0.055, clothes.skin, 1.0)
    canvas.disc(-0.022, 0.917 + lift, 0.010, 0.016, clothes.skin, 0.85)


def _reach(start, angle, length):
    """Return the end of a limb that hangs down at an angle."""
    return start[0] + length * math.sin(angle), start[1] - length * math.cos(angle)
