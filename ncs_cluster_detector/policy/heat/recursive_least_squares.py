# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Recursive least squares: learns from one equation after the other, and forgets old ones."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from operator import mul
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = Sequence[float]


class RecursiveLeastSquares:
    """
    The coefficients of linear equations with errors; immutable.

    What is assumed at first counts for ever, like so many equations. Others are forgotten only in
    the direction in which a new one informs, so that what steady states do not show stays known
    (Kulhavy, Restricted exponential forgetting in real-time identification, Automatica 23, 1987).
    """

    def __init__(self, coefficients: Vector, information: npt.ArrayLike,
                 learned: npt.ArrayLike | None = None) -> None:
        """
        Start with coefficients.

        :param information: on them as assumed, the rows of the inverse of their covariance.
        :param learned: the same from equations, none by default.
        """
        self.coefficients = coefficients
        self._assumed = np.asarray(information)
        self._learned = np.zeros_like(self._assumed) if learned is None else np.asarray(learned)

    def error(self, known: Vector, value: float) -> float:
        """Return by how much the equation ``known @ coefficients = value`` is missed."""
        return value - float(sum(map(mul, known, self.coefficients)))

    def after(self, known: Vector, value: float, weight: float,
              forgotten: float) -> RecursiveLeastSquares:
        """
        Return what is known after one more equation.

        :param known: what the coefficients are multiplied with.
        :param value: the sum of that.
        :param weight: inverse of the variance of its error.
        :param forgotten: the share of similar older equations that is forgotten.
        """
        # On every reading of every stick, so with few calls: numpy takes a microsecond for each.
        one = np.array(known)
        seen = self._learned.dot(one)
        both = np.array((one, seen))
        weights = weight, -forgotten / max(seen.dot(one), weight)
        learned = self._learned + (both.T * weights).dot(both)
        change = weight * self.error(known, value) * np.linalg.solve(self._assumed + learned, one)
        return RecursiveLeastSquares(
            tuple(map(add, self.coefficients, change.tolist())), self._assumed, learned)

    def variance(self, slope: Vector, assumed: float = 1.0, more: Vector = ()) -> float:
        """
        Return the variance of a sum of coefficients.

        :param slope: what they are multiplied with.
        :param assumed: how much what was assumed at first counts.
        :param more: information on each coefficient from elsewhere.
        """
        matrix = assumed * self._assumed + self._learned
        matrix[np.diag_indices(len(more))] += more
        return float(slope @ np.linalg.solve(matrix, slope))
