# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.


"""Least squares that learn from one equation after the other, and forget."""

from copy import copy
import math
from operator import mul


class RecursiveLeastSquares:
    """
    The coefficients of linear equations with errors; it does not change.

    What is assumed at first counts for ever, like so many equations. Others are forgotten only in
    the direction in which a new one informs, so that what steady states do not show stays known
    (Kulhavy, Restricted exponential forgetting in real-time identification, Automatica 23, 1987).
    """

    def __init__(self, coefficients, information):
        """
        Start with what is assumed.

        :param coefficients: tuple of numbers.
        :param information: tuple of rows of the inverse of their covariance.
        """
        self.coefficients = coefficients
        self._assumed = information
        self._learned = [[0.0] * len(coefficients) for _ in coefficients]

    def error(self, known, value):
        """Return what the equation ``product(known, coefficients) = value`` is missed by."""
        return value - product(known, self.coefficients)

    def after(self, known, value, weight, forgotten):
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
        later._learned = [[part + weight * known[row] * known[column]
                           - forgotten * seen[row] * seen[column]
                           for column, part in enumerate(parts)]
                          for row, parts in enumerate(self._learned)]
        gain = solved(_sum(self._assumed, later._learned), known)
        error = self.error(known, value)
        later.coefficients = tuple(coefficient + weight * error * part
                                   for coefficient, part in zip(self.coefficients, gain))
        return later

    def variance(self, slope, assumed=1.0, more=()):
        """
        Return the variance of a sum of coefficients.

        :param slope: what they are multiplied with.
        :param assumed: how much what was assumed at first counts.
        :param more: information on each coefficient from elsewhere.
        """
        matrix = _sum(self._assumed, self._learned, assumed)
        for index, information in enumerate(more):
            matrix[index][index] += information
        return product(slope, solved(matrix, slope))


def product(row, column):
    """Return the sum of the products of two lists, number by number."""
    return sum(map(mul, row, column))


def solved(matrix, right):
    """
    Return the solution of linear equations with a symmetric positive matrix, a list.

    Cholesky: the matrix is a triangle times itself, and triangles are solved line by line.
    """
    rows, found = [], []
    for line, value in zip(matrix, right):
        row = []
        for column, other in enumerate(rows):
            row.append((line[column] - sum(map(mul, row, other))) / other[column])
        # What is assumed keeps this away from zero, but for rounding.
        row.append(math.sqrt(max(line[len(rows)] - product(row, row), 1e-12)))
        rows.append(row)
        found.append((value - sum(map(mul, row, found))) / row[-1])
    for index in reversed(range(len(rows))):
        rest = sum(rows[below][index] * found[below] for below in range(index + 1, len(rows)))
        found[index] = (found[index] - rest) / rows[index][index]
    return found


def _sum(assumed, learned, worth=1.0):
    return [[worth * first + second for first, second in zip(*rows)]
            for rows in zip(assumed, learned)]
