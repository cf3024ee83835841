# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Least squares that learn from one equation after the other, and forget."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
import math
from operator import add
from typing import TypeAlias

Vector: TypeAlias = Sequence[float]
Matrix: TypeAlias = Sequence[Vector]

_LEAST = 1e-12


class RecursiveLeastSquares:
    """
    The four coefficients of linear equations with errors; it does not change.

    What is assumed at first counts for ever, like so many equations. Others are forgotten only in
    the direction in which a new one informs, so that what steady states do not show stays known
    (Kulhavy, Restricted exponential forgetting in real-time identification, Automatica 23, 1987).
    """

    def __init__(self, coefficients: Vector, information: Matrix) -> None:
        """
        Start with what is assumed.

        :param coefficients: tuple of numbers.
        :param information: tuple of rows of the inverse of their covariance.
        """
        self.coefficients = coefficients
        self._assumed = self._total = information
        self._learned: Matrix = [[0.0] * len(coefficients) for _ in coefficients]

    def error(self, known: Vector, value: float) -> float:
        """Return what the equation ``product(known, coefficients) = value`` is missed by."""
        return value - product(known, self.coefficients)

    def after(self, known: Vector, value: float, weight: float,
              forgotten: float) -> RecursiveLeastSquares:
        """
        Return what is known after one more equation.

        :param known: what the coefficients are multiplied with.
        :param value: the sum of that.
        :param weight: inverse of the variance of its error.
        :param forgotten: the share of former equations of the same kind that is forgotten.
        """
        seen = [product(row, known) for row in self._learned]
        forgotten /= max(product(seen, known), weight)
        later = copy(self)
        all_learned, all_total = [], []
        for learned, total, one, other in zip(self._learned, self._total, known, seen):
            one, other = weight * one, forgotten * other
            change = [one * first - other * second for first, second in zip(known, seen)]
            all_learned.append(list(map(add, learned, change)))
            all_total.append(list(map(add, total, change)))
        later._learned, later._total = all_learned, all_total
        gain = solved(later._total, known)
        error = self.error(known, value)
        later.coefficients = tuple(coefficient + weight * error * part
                                   for coefficient, part in zip(self.coefficients, gain))
        return later

    def variance(self, slope: Vector, assumed: float = 1.0, more: Vector = ()) -> float:
        """
        Return the variance of a sum of coefficients.

        :param slope: what they are multiplied with.
        :param assumed: how much what was assumed at first counts.
        :param more: information on each coefficient from elsewhere.
        """
        matrix = [[assumed * one + other for one, other in zip(*rows)]
                  for rows in zip(self._assumed, self._learned)]
        for index, information in enumerate(more):
            matrix[index][index] += information
        return product(slope, solved(matrix, slope))


def product(row: Vector, column: Vector) -> float:
    """Return the sum of the products of two lists of four numbers, number by number."""
    a, b, c, d = row
    e, f, g, h = column
    return a * e + b * f + c * g + d * h


def solved(matrix: Matrix, right: Vector) -> list[float]:
    """
    Return the solution of four linear equations with a symmetric positive matrix, a list.

    Cholesky, line by line: the matrix is a triangle times itself, and triangles are solved from
    one end to the other.
    """
    (a, *_), (b, c, *_), (d, e, f, _), (g, h, i, j) = matrix
    # What is assumed keeps the roots away from zero, but for rounding.
    a = math.sqrt(max(a, _LEAST))
    b, d, g = b / a, d / a, g / a
    c = math.sqrt(max(c - b * b, _LEAST))
    e, h = (e - d * b) / c, (h - g * b) / c
    f = math.sqrt(max(f - d * d - e * e, _LEAST))
    i = (i - g * d - h * e) / f
    j = math.sqrt(max(j - g * g - h * h - i * i, _LEAST))
    p, q, r, s = right
    p = p / a
    q = (q - b * p) / c
    r = (r - d * p - e * q) / f
    s = (s - g * p - h * q - i * r) / j / j
    r = (r - i * s) / f
    q = (q - e * r - h * s) / c
    return [(p - b * q - d * r - g * s) / a, q, r, s]
