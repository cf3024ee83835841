# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The direction from the camera of what a pixel shows: the inverse of the distortion models."""

from collections.abc import Sequence
import functools

from ncs_cluster_detector.geometry.radial_model import ACCURACY
from ncs_cluster_detector.geometry.radial_model import ENOUGH
from ncs_cluster_detector.geometry.radial_model import FARTHEST
from ncs_cluster_detector.geometry.radial_model import MOST_STEPS
from ncs_cluster_detector.geometry.radial_model import RadialModel
import numpy as np
import numpy.typing as npt

# If the first guess for Newton's method is not good enough, the place is approached from the
# centre in this number of steps.
APPROACHES = 8
STEPS_OF_APPROACH = 8
# Places on the way from the centre where it is checked that the model does not turn.
PLACES_ON_THE_WAY = 64


class BrownConrady:
    """
    The lenses of ``plumb_bob`` and ``rational_polynomial``, with thin prism and tilt.

    As cv2.projectPoints defines them ("Detailed Description" of OpenCV's module calib3d). Places
    are x/z and y/z in front of the lens, and (u - cx)/fx and (v - cy)/fy behind it.
    """

    # One vector serves all of these models: k1, k2, p1, p2, then k3, then k4 to k6, then the thin
    # prism s1 to s4, then the tilt tau_x, tau_y.
    LENGTHS = 4, 5, 8, 12, 14

    def __init__(self, coefficients: Sequence[float]) -> None:
        """Take as many finite coefficients as one of LENGTHS, or none."""
        k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4, tau_x, tau_y = np.concatenate(
            [np.asarray(coefficients, float), np.zeros(14 - len(coefficients))])
        self._radial = RadialModel((1.0, k1, k2, k3), (1.0, k4, k5, k6))
        self._tangential = p1, p2
        self._prism = s1, s2, s3, s4
        self._untilt = np.linalg.inv(_tilt(tau_x, tau_y)) if tau_x or tau_y else None
        self._only_radial = not any(self._tangential + self._prism)

    def undistort(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """
        Return the places in front of the lens, NaN where the model has no inverse.

        The model is inverted as far as it is one to one, going from the centre outwards.

        :param places: array N x 2, behind the lens.
        :return: array N x 2, in front of the lens.
        """
        targets = places if self._untilt is None else _through(self._untilt, places)
        # By the radial part alone, then by the whole model, which may turn sooner or later.
        distances = np.hypot(*targets.T)
        radii = self._radial.inverse(distances)
        found = targets * (radii / np.where(distances > 0, distances, 1.0))[:, np.newaxis]
        if not self._only_radial:
            found = self._newton(found, targets, MOST_STEPS)
            lost = np.isfinite(targets).all(axis=1) & ~self._is_inverse(found, targets)
            if lost.any():
                found[lost] = self._approach(targets[lost])
        return found

    def _approach(self, targets):
        """Follow each way from the centre to its target, since no guess was good enough."""
        found = np.zeros_like(targets)
        for part in np.linspace(0.0, 1.0, APPROACHES + 1)[1:]:
            found = self._newton(found, part * targets, STEPS_OF_APPROACH)
            found[~self._is_inverse(found, part * targets)] = np.nan
            if np.isnan(found).all():
                break
        return found

    def _newton(self, found, targets, most_steps):
        accuracy = ACCURACY * np.maximum(np.abs(targets).max(axis=1), 1.0)
        for _ in range(most_steps):
            images, jacobian = self._distort(found)
            missing = targets - images
            if not (np.abs(missing).max(axis=1) > accuracy).any():   # none that is NaN, too
                break
            (a, b), (c, d) = jacobian
            step = np.stack([d * missing[:, 0] - b * missing[:, 1],
                             a * missing[:, 1] - c * missing[:, 0]], axis=1)
            found = found + step / (a * d - b * c)[:, np.newaxis]
        return found

    def _is_inverse(self, found, targets):
        """Return a mask of the exact inverses on the branch that is connected with the centre."""
        parts = np.arange(1, PLACES_ON_THE_WAY + 1) / PLACES_ON_THE_WAY
        way = (parts[:, np.newaxis, np.newaxis] * found).reshape(-1, 2)
        images, ((a, b), (c, d)) = self._distort(way)
        grows = (a * d - b * c > 0).reshape(len(parts), -1).all(axis=0)
        missing = np.abs(images[-len(found):] - targets).max(axis=1)
        exact = missing <= ENOUGH * ACCURACY * np.maximum(np.abs(targets).max(axis=1), 1.0)
        return exact & grows

    def _distort(self, places):
        """Return the places behind the lens, before its tilt, and the derivatives by x and y."""
        x, y = places.T
        p1, p2 = self._tangential
        s1, s2, s3, s4 = self._prism
        square = x * x + y * y
        factor, slope = self._radial.factor(square)   # slope: by the square of the radius
        images = np.stack([
            x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x) + (s1 + s2 * square) * square,
            y * factor + p1 * (square + 2 * y * y) + 2 * p2 * x * y + (s3 + s4 * square) * square],
            axis=1)
        mixed = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
        prism_x, prism_y = 2 * (s1 + 2 * s2 * square), 2 * (s3 + 2 * s4 * square)
        jacobian = (
            (factor + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x + prism_x * x,
             mixed + prism_x * y),
            (mixed + prism_y * x,
             factor + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x + prism_y * y))
        return images, jacobian


class KannalaBrandt:
    """
    The lens of ``equidistant``, by the angle off the axis, as OpenCV's module fisheye defines it.

    Places are as for BrownConrady. A place 90 degrees off the axis or more has no place in front
    of the lens: no distance along the axis leads there.
    """

    LENGTHS = 4,

    def __init__(self, coefficients: Sequence[float]) -> None:
        """Take k1 to k4, or none, which are zeros."""
        k1, k2, k3, k4 = coefficients if len(coefficients) else np.zeros(4)
        self._radial = RadialModel((1.0, k1, k2, k3, k4), (1.0,), np.pi / 2)

    def undistort(self, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the places in front of the lens, as BrownConrady does."""
        distances = np.hypot(*places.T)
        angles = self._radial.inverse(distances)
        nonzero = np.where(distances > 0, distances, 1.0)
        return places * (np.tan(angles) / nonzero)[:, np.newaxis]


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


def _tilt(tau_x, tau_y):
    """Return the homography of a tilted sensor; by "Detailed Description" of calib3d."""
    (cos_x, sin_x), (cos_y, sin_y) = ((np.cos(tau), np.sin(tau)) for tau in (tau_x, tau_y))
    rotation = (np.array([[cos_y, 0, -sin_y], [0, 1, 0], [sin_y, 0, cos_y]])
                @ np.array([[1, 0, 0], [0, cos_x, sin_x], [0, -sin_x, cos_x]]))
    shear = np.array([[rotation[2, 2], 0, -rotation[0, 2]], [0, rotation[2, 2], -rotation[1, 2]],
                      [0, 0, 1]])
    return shear @ rotation


def _through(homography, places):
    """Return the places by a homography, NaN where they lie beyond its horizon."""
    x, y, w = homography @ np.column_stack([places, np.ones(len(places))]).T
    return np.where(w > 0, np.stack([x, y]) / w, np.nan).T
