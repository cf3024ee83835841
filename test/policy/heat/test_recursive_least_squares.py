# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Least squares that learn from one equation after the other."""

from ncs_cluster_detector.policy.heat.recursive_least_squares import RecursiveLeastSquares
import numpy as np
import pytest

TRUE = np.array([0.5, -1.0, 2.0, 3.0])
ASSUMED = tuple(map(tuple, 0.01 * np.eye(4)))


def learned(count, noise=0.0, forgotten=0.0, true=TRUE, start=None, seed=1):
    """Return what is learned from random equations with the true coefficients."""
    chance = np.random.default_rng(seed)
    fit = start or RecursiveLeastSquares((0.0,) * 4, ASSUMED)
    for _ in range(count):
        known = chance.normal(size=4)
        value = float(known @ true + chance.normal() * noise)
        weight = 1.0 / noise ** 2 if noise else 1.0
        fit = fit.after(tuple(known.tolist()), value, weight, forgotten)
    return fit


def test_it_is_the_weighted_least_squares_of_all_equations():
    chance, fit = np.random.default_rng(2), RecursiveLeastSquares((1.0, 0.0, 0.0, 0.0), ASSUMED)
    matrix, right = 0.01 * np.eye(4), 0.01 * np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(30):
        known, value, weight = chance.normal(size=4), chance.normal(), chance.uniform(0.1, 3.0)
        fit = fit.after(tuple(known), value, weight, 0.0)
        matrix, right = matrix + weight * np.outer(known, known), right + weight * value * known
    assert fit.coefficients == pytest.approx(np.linalg.solve(matrix, right), rel=1e-6)
    slope = (0.0, 0.0, 1.0, 2.0)
    assert fit.variance(slope) == pytest.approx(slope @ np.linalg.inv(matrix) @ slope, rel=1e-6)
    assert fit.variance(slope, more=(0.0, 0.0, 1e9, 1e9)) < 1e-6


def test_what_changes_is_followed_by_forgetting():
    before = learned(200, forgotten=0.05)
    assert before.coefficients == pytest.approx(TRUE, rel=0.01)
    after = learned(1000, forgotten=0.05, true=-TRUE, start=before, seed=3)
    assert after.coefficients == pytest.approx(-TRUE, rel=0.1)
    assert learned(200, true=-TRUE, start=learned(200), seed=3).coefficients != pytest.approx(
        -TRUE, rel=0.5)


def test_what_no_equation_shows_any_more_is_not_forgotten():
    fit = learned(200, noise=0.1, forgotten=0.02)
    surer = fit.variance((0.0, 0.0, 0.0, 1.0))
    for _ in range(2000):   # the last coefficient is in none of them
        fit = fit.after((1.0, 0.5, 0.2, 0.0), float(TRUE[:3] @ (1.0, 0.5, 0.2)), 100.0, 0.02)
    assert fit.variance((0.0, 0.0, 0.0, 1.0)) < 3 * surer
    assert fit.coefficients[3] == pytest.approx(TRUE[3], rel=0.05)


def test_what_it_was_before_does_not_change():
    fit = learned(3)
    before = fit.coefficients, fit.variance((1.0, 0.0, 0.0, 0.0))
    learned(10, start=fit)
    assert (fit.coefficients, fit.variance((1.0, 0.0, 0.0, 0.0))) == before
