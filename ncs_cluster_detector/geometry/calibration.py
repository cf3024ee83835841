# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The calibration of a camera: how it projects the world."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """The part of the sensor that the pictures show, in pixels; all 0 = the whole sensor."""

    x_offset: int = 0
    y_offset: int = 0
    height: int = 0
    width: int = 0
    do_rectify: bool = False


@dataclass(frozen=True)
class Calibration:
    """
    What a sensor_msgs/CameraInfo holds of a calibrated camera, with the names it has there.

    ``width`` and ``height`` in pixels; ``k`` (3 x 3), ``r`` (3 x 3) and ``p`` (3 x 4) row by row,
    lengths in pixels; ``d`` are the coefficients of ``distortion_model``. ``binning_x`` and
    ``binning_y`` pixels of the sensor make one of the pictures (0 means 1), which show ``roi``.
    """

    width: int
    height: int
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    r: tuple[float, ...]
    p: tuple[float, ...]
    binning_x: int = 0
    binning_y: int = 0
    roi: Region = Region()

    @property
    def picture_size(self) -> tuple[int, int]:
        """Return width and height in pixels of the pictures to which it applies."""
        return ((self.roi.width or self.width) // max(self.binning_x, 1),
                (self.roi.height or self.height) // max(self.binning_y, 1))


def pinhole(width: int, height: int, focal: tuple[float, float], centre: tuple[float, float],
            distortion_model: str, coefficients: Iterable[float]) -> Calibration:
    """
    Return the Calibration of a single camera whose image is not rectified.

    ``focal`` is ``(fx, fy)`` and ``centre`` is ``(cx, cy)``, in pixels.
    """
    (fx, fy), (cx, cy) = focal, centre
    return Calibration(
        width, height, distortion_model, tuple(coefficients),
        k=(fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0),
        r=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        p=(fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0))
