# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The direction from the camera of what a pixel shows."""

from collections.abc import Sequence
import functools

from ncs_cluster_detector.geometry.lens import BrownConrady
from ncs_cluster_detector.geometry.lens import KannalaBrandt
from ncs_cluster_detector.geometry.radial_model import FARTHEST
import numpy as np
import numpy.typing as npt

# The distortion models that ROS knows, by sensor_msgs/distortion_models.hpp. Drivers that know of
# no distortion leave the name empty.
LENSES = {'plumb_bob': BrownConrady, 'rational_polynomial': BrownConrady,
          'equidistant': KannalaBrandt, '': BrownConrady}


def rays_of(pixels: npt.ArrayLike, k: Sequence[float] | npt.NDArray[np.float64],
            d: Sequence[float] | npt.NDArray[np.float64],
            distortion_model: str) -> npt.NDArray[np.float64]:
    """
    Return x/z and y/z in the optical frame (x right, y down, z forward) of what pixels show.

    The distortion of the lens is removed exactly. Where the model cannot be inverted, beyond its
    turning point or 90 degrees off the axis, there is no ray.

    :param pixels: array N x 2 of ``(u, v)``, in pixels of the raw picture at full resolution.
    :param k: intrinsic matrix, 9 values row by row, in pixels. As in sensor_msgs/CameraInfo it has
        no skew: like OpenCV and image_geometry this reads fx, fy, cx and cy.
    :param d: finite coefficients of the model, as many as it has; none, or zeros, for none.
    :param distortion_model: one of LENSES.
    :return: array N x 2, NaN where there is no ray.
    """
    lens = _lens(distortion_model, tuple(d) if np.any(d) else ())
    # Senseless values overflow and end as NaN, like places that no lens shows.
    with np.errstate(all='ignore'):
        places = (np.asarray(pixels, float) - (k[2], k[5])) / (k[0], k[4])
        rays = lens.undistort(places)
        rays[~(np.hypot(*rays.T) < FARTHEST)] = np.nan
    return rays


@functools.lru_cache(maxsize=4)
def _lens(distortion_model, coefficients):
    with np.errstate(all='ignore'):
        return LENSES[distortion_model](coefficients)
