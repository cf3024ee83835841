# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Whether a stick's readings show a die in a case, and how both heat."""

from dataclasses import dataclass
import math

from ncs_cluster_detector.planning.fitting.heating_curve import delayed
from ncs_cluster_detector.planning.fitting.heating_curve import HeatingCurve
from ncs_cluster_detector.planning.fitting.heating_curve import LEAST_ERROR_CELSIUS
from ncs_cluster_detector.planning.fitting.heating_curve import standard_errors
import numpy as np
import numpy.typing as npt

# Time constants from which the search starts, and the limits of what it may find.
_DIE_SEC, _CASE_SEC = (1.0, 2.5, 6.0, 15.0, 35.0), (30.0, 70.0, 150.0, 350.0, 1000.0)
_ONE_BODY_SEC = (2.5, 15.0, 70.0, 350.0)
_LEAST_SEC, _MOST_SEC = 0.5, 10000.0
# A die cannot be told from one body unless its case is so many times slower.
_LEAST_RATIO = 3.0
_ROUNDS, _STEP = 25, 1e-3
# The second body must lower the Bayesian information criterion by this: very strong evidence
# (R. E. Kass, A. E. Raftery: Bayes Factors, J. Am. Stat. Assoc. 90, 1995).
_EVIDENCE = 10.0
# Each rise and time constant must be so many of its standard errors, and the rise of the die must
# be at least so large.
_SEEN_ERRORS, _LEAST_RISE_CELSIUS = 3.0, 0.5
# Residuals are more than noise when neighbours are alike by this, and when they are large: then
# the sensor adds something of its own, such as a lag.
_ALIKE, _LARGE_CELSIUS = 0.5, 0.2
# A rise and a time constant are sure when their standard errors are no more than this share.
_SURE_TO = 0.1


@dataclass(frozen=True)
class Die:
    """
    The part of a stick's rise that comes within seconds.

    The stick ends ``rise_celsius`` above its case at full load with the time constant
    ``time_constant_sec``; ``case_rise_celsius`` and ``case_time_constant_sec`` are those of the
    case. ``errors`` are the standard errors of the four, in this order. ``explains`` tells whether
    the residuals look like noise.
    """

    rise_celsius: float
    time_constant_sec: float
    case_rise_celsius: float
    case_time_constant_sec: float
    errors: tuple[float, ...]
    explains: bool = True

    @property
    def is_sure(self) -> bool:
        """Tell whether its rise and its time constant are known to a tenth."""
        return (self.explains and self.errors[0] <= _SURE_TO * self.rise_celsius and
                self.errors[1] <= _SURE_TO * self.time_constant_sec)


def find_die(times: npt.NDArray[np.float64], celsius: npt.NDArray[np.float64],
             share: npt.NDArray[np.float64],
             late_sec: float = 0.0) -> tuple[Die | None, float, float] | None:
    """
    Return the Die that the readings show, with idle temperature and deviation, or None.

    The simpler model stays unless the second body lowers the Bayesian information criterion, n
    ln(residual sum of squares / n) + k ln(n) for k free figures, very much. Times, temperatures
    and shares are as in HeatingCurve.

    :param late_sec: all readings may have been taken up to this much earlier.
    :return: (Die, idle temperature in degrees Celsius, root mean square of the residuals), or None
        when one body explains the readings as well. The Die is None when one body does not, but
        two cannot be told apart.
    """
    search = _Search(times, celsius, share, late_sec)
    one = min((search.best((tau,)) for tau in _ONE_BODY_SEC), key=lambda found: found.cost)
    two = min((search.best(start) for start in search.starts()), key=lambda found: found.cost)
    rest = celsius - two.curve
    deviation = float(np.sqrt(np.mean(rest ** 2)))
    count = len(rest)
    least = LEAST_ERROR_CELSIUS ** 2
    gained = count * math.log(max(np.mean((celsius - one.curve) ** 2), least) /
                              max(deviation ** 2, least))
    if gained - (2 + search.stretches) * math.log(count) < _EVIDENCE:
        return None
    (idle, case_rise, rise), (case_sec, die_sec) = two.coefficients[:3], two.taus
    errors = search.errors(two, deviation)
    _, case_error, rise_error, case_sec_error, die_sec_error = errors
    are_apart = _LEAST_SEC * 1.01 < die_sec < case_sec / _LEAST_RATIO
    least_told = min(rise / rise_error, case_rise / case_error, 1.0 / die_sec_error,
                     1.0 / case_sec_error)
    if not are_apart or least_told < _SEEN_ERRORS or rise < _LEAST_RISE_CELSIUS:
        return None, float(idle), deviation
    die = Die(float(rise), float(die_sec), float(case_rise), float(case_sec), tuple(map(float, (
        rise_error, die_sec * die_sec_error, case_error, case_sec * case_sec_error))),
        explains=_likeness(rest) < _ALIKE or deviation < _LARGE_CELSIUS)
    return die, float(idle), deviation


@dataclass(frozen=True)
class _Found:
    taus: tuple
    delay_sec: float
    cost: float
    coefficients: np.ndarray
    curve: np.ndarray
    columns: np.ndarray


class _Search:
    """Looks for time constants and a delay, with the method of Levenberg and Marquardt."""

    def __init__(self, times, celsius, share, late_sec):
        self._times, self._celsius, self._share, self._late_sec = times, celsius, share, late_sec
        self.stretches = HeatingCurve(times, celsius, share).stretches

    def starts(self):
        """Return the most promising pairs of time constants to start from."""
        pairs = [(case, die) for case in _CASE_SEC for die in _DIE_SEC
                 if die < case / _LEAST_RATIO]
        middle = self._late_sec / 2
        return sorted(pairs, key=lambda taus: self._solve(taus, middle).cost)[:2]

    def best(self, taus):
        """
        Return the best that is found from given time constants on.

        The coefficients follow from these by linear least squares at each step (G. Golub, V.
        Pereyra: Differentiation of Pseudo-Inverses and Nonlinear Least Squares, 1973).
        """
        point = np.array([*np.log(taus), self._late_sec / 2])
        free = len(point) if self._late_sec else len(point) - 1
        found, damping = self._at(point), 1e-2
        for _ in range(_ROUNDS):
            left = self._celsius - found.curve
            slopes = np.column_stack([
                (self._at(point + _STEP * np.eye(len(point))[index]).curve - found.curve) / _STEP
                for index in range(free)])
            normal = slopes.T @ slopes
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-12),
                                   slopes.T @ left)
            # A step may change a time constant by a factor of e at most.
            ahead = point + np.concatenate([np.clip(step, -1.0, 1.0), np.zeros(
                len(point) - free)])
            trial = self._at(self._within(ahead))
            if trial.cost < found.cost:
                is_done = found.cost - trial.cost < 1e-6 * found.cost
                point, found, damping = self._within(ahead), trial, damping / 5
                if is_done:
                    break
            elif damping > 1e4:
                break
            else:
                damping *= 5
        return found

    def errors(self, found, deviation):
        """Return standard errors: idle, rises, and those of the time constants' logarithms."""
        count = len(found.taus)
        given = found.coefficients[:1 + count]
        slopes = []
        for body in range(count):
            taus = [tau * (1.0 + _STEP * (index == body)) for index, tau in enumerate(found.taus)]
            slopes.append((self._solve(taus, found.delay_sec, given).curve - found.curve) / _STEP)
        if self._late_sec:
            later = self._solve(found.taus, found.delay_sec + _STEP, given).curve
            slopes.append((later - found.curve) / _STEP)
        errors = standard_errors(np.column_stack([found.columns, *slopes]), deviation)
        first = found.columns.shape[1]
        return np.concatenate([errors[:1 + count], errors[first:first + count]])

    def _within(self, point):
        *logs, delay = point
        return np.array([*np.clip(logs, math.log(_LEAST_SEC), math.log(_MOST_SEC)),
                         min(max(delay, 0.0), self._late_sec)])

    def _at(self, point):
        return self._solve(tuple(np.exp(point[:-1])), point[-1])

    def _solve(self, taus, delay_sec, given=None):
        share = delayed(self._times, self._share, delay_sec) if delay_sec else self._share
        best, curve, cost, columns = HeatingCurve(
            self._times, self._celsius, share).solve(taus, given)
        return _Found(tuple(taus), delay_sec, cost, best, curve, columns)


def _likeness(rest):
    """Return the correlation of neighbouring errors."""
    centred = rest - rest.mean()
    return float(centred[1:] @ centred[:-1] / max(centred @ centred, 1e-12))
