# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How a lens moves places towards its centre or away from it, and back."""

from collections.abc import Sequence

import numpy as np
from numpy.polynomial.polynomial import polyadd
from numpy.polynomial.polynomial import polyder
from numpy.polynomial.polynomial import polymul
from numpy.polynomial.polynomial import polymulx
from numpy.polynomial.polynomial import polyroots
from numpy.polynomial.polynomial import polysub
from numpy.polynomial.polyutils import trimcoef
import numpy.typing as npt

# Residual of an inverse, relative to the distance from the centre.
ACCURACY = 1e-12
# Rounding leaves this many times as much: still 1e-6 pixels of thousands.
ENOUGH = 1e3
# Newton's method doubles the digits in each step. Near a turning point it only halves the error;
# this number of steps is exact there, too.
MOST_STEPS = 64
# A place this far off the axis, as x/z, is at the horizon: 0.2 arc seconds from 90 degrees.
FARTHEST = 1e6
# The relative accuracy of roots; the two halves of a double root differ by it.
ROUNDING = 1e-9


class RadialModel:
    """
    The radius (or angle) behind the lens as a function of that before it: r N(r^2) / D(r^2).

    ``limit`` is the end of the part that grows from 0 on: the turning point, the pole, the given
    limit, or infinite.
    """

    def __init__(self, numerator: Sequence[float], denominator: Sequence[float],
                 limit: float = np.inf) -> None:
        slopes = polyder(numerator), polyder(denominator)
        # The numerator of the derivative by r, as a polynomial in r^2.
        turning = polysub(polymul(polyadd(numerator, polymulx(2 * slopes[0])), denominator),
                          polymulx(2 * polymul(numerator, slopes[1])))
        # For speed in every frame: no zeros at the end, and no scalars of numpy.
        self._numerator, self._denominator, *self._slopes = (
            trimcoef(each).tolist() for each in (numerator, denominator, *slopes))
        # A little before the root itself, which rounding puts on either side of a pole.
        self.limit = (1 - ROUNDING) * min(
            limit, *(_first_root(each) ** 0.5 for each in (turning, denominator)))
        self._reached = self._value(self.limit)[0] if np.isfinite(self.limit) else np.inf

    def factor(self, square: npt.NDArray[np.float64] | float) -> tuple[
            npt.NDArray[np.float64] | float, npt.NDArray[np.float64] | float]:
        """Return N/D at the square of a radius, and its derivative by the square."""
        below = _horner(self._denominator, square)
        factor = _horner(self._numerator, square) / below
        slope = _horner(self._slopes[0], square) - factor * _horner(self._slopes[1], square)
        return factor, slope / below

    def inverse(self, images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the radii below the limit that have these images, NaN where there are none."""
        impossible = images > self._reached   # not worth a search
        low, high = np.zeros_like(images), np.full_like(images, self.limit)
        if np.isinf(self.limit):
            high = np.maximum(images, 1.0)
            while (short := (self._value(high)[0] < images) & (high < FARTHEST)).any():
                high[short] *= 2.0
        found = np.minimum(images, (low + high) / 2)
        for _ in range(MOST_STEPS):
            value, slope = self._value(found)
            exact = np.abs(value - images) <= ACCURACY * images
            if (exact | impossible).all():
                break
            above = value > images
            high, low = np.where(above, found, high), np.where(above, low, found)
            newton = found + (images - value) / slope
            better = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
            found = np.where(exact, found, better)
        exact = np.abs(self._value(found)[0] - images) <= ENOUGH * ACCURACY * images
        return np.where(exact, found, np.nan)

    def _value(self, radii):
        factor, slope = self.factor(radii * radii)
        return radii * factor, factor + 2 * radii * radii * slope


def _horner(coefficients, value):
    """Return a polynomial's value, of coefficients from the constant one on."""
    *lower, result = coefficients
    for coefficient in reversed(lower):
        result = result * value + coefficient
    return result


def _first_root(coefficients):
    """Return the least positive root of a polynomial that is 1 at 0, infinite without any."""
    # Reversed coefficients have the reciprocals of the roots, and 1 comes first.
    try:
        reciprocals = polyroots(coefficients[::-1])
    except np.linalg.LinAlgError:
        return 0.0   # coefficients beyond all lenses: nothing can be inverted
    real = reciprocals.real[(np.abs(reciprocals.imag) <= ROUNDING * np.abs(reciprocals))
                            & (reciprocals.real > 0)]
    return 1 / real.max() if real.size else np.inf
