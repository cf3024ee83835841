# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Least squares: the curves of one body, or of a die in a case, through a stick's readings."""

from collections.abc import Sequence

from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
import numpy as np
import numpy.typing as npt

# The least error of a reading: reports and diagnostics are rounded to a tenth of a degree.
LEAST_ERROR_CELSIUS = 0.03
# What a recording does not show stays at typical values: idle temperature and rise with their
# standard deviations, against readings with the error of a noisy sensor.
_TYPICAL = np.array([ThermalModel().idle_celsius, ThermalModel().rise_celsius])
_TYPICAL_WEIGHTS = 0.3 / np.array([60.0, 20.0])
# After a silence of so many times the usual interval and of so many seconds the work of the stick
# is unknown: its temperature starts anew.
_SILENCE_TIMES, _SILENCE_SEC = 5.0, 10.0


class HeatingCurve:
    """
    The linear part of how a stick heats, for given time constants.

    The temperature is the idle temperature, plus the rise of each body times its response to the
    work, plus what is left of each body's temperature at the start of every stretch without a long
    silence, which is free.
    """

    def __init__(self, times: npt.NDArray[np.float64], celsius: npt.NDArray[np.float64],
                 share: npt.NDArray[np.float64]) -> None:
        """
        Take the readings, and the shares of full speed between them.

        :param times: seconds, an array of n.
        :param celsius: degrees Celsius, an array of n.
        :param share: shares of full speed, an array of n - 1.
        """
        self.times, self.celsius, self.share = times, celsius, share
        self._gaps = np.diff(times)
        self._silent = self._gaps > max(_SILENCE_SEC, _SILENCE_TIMES * np.median(self._gaps))
        begins = np.concatenate([[0], np.flatnonzero(self._silent) + 1])
        self._stretch = np.searchsorted(begins, np.arange(len(times)), side='right') - 1
        self.stretches = len(begins)
        self._since = times - times[begins[self._stretch]]

    def solve(self, taus: Sequence[float], given: npt.ArrayLike | None = None) -> tuple[
            npt.NDArray[np.float64], npt.NDArray[np.float64], float, npt.NDArray[np.float64]]:
        """
        Return the best coefficients, the curve, its cost, and the columns it is made of.

        The coefficients are the idle temperature, the rise of each body, and then all temperatures
        at starts.

        :param taus: time constants in seconds, the slowest first.
        :param given: idle temperature and rises to hold, instead of the best ones.
        """
        count = len(taus)
        starts = [np.exp(-self._since / tau) for tau in taus]
        columns = np.zeros((len(self.times), 1 + count + count * self.stretches))
        columns[:, 0] = 1.0 - starts[0]
        rows = np.arange(len(self.times))
        for body, (tau, start) in enumerate(zip(taus, starts)):
            columns[:, 1 + body] = self._response(tau)
            columns[rows, 1 + count + body * self.stretches + self._stretch] = start
        # Two more equations hold what the readings leave open: idle temperature and the whole
        # rise. Or as many as needed to hold what is given.
        if given is None:
            held, wanted = np.zeros((2, columns.shape[1])), _TYPICAL_WEIGHTS * _TYPICAL
            held[0, 0] = _TYPICAL_WEIGHTS[0]
            held[1, 1:1 + count] = _TYPICAL_WEIGHTS[1]
        else:
            held = 1e6 * np.eye(1 + count, columns.shape[1])
            wanted = 1e6 * np.asarray(given)
        best = np.linalg.lstsq(np.vstack([columns, held]),
                               np.concatenate([self.celsius, wanted]), rcond=None)[0]
        curve = columns @ best
        cost = float(np.sum((curve - self.celsius) ** 2) + np.sum((held @ best - wanted) ** 2))
        return best, curve, cost, columns

    def _response(self, tau):
        """Return the response to the work alone, as a share of the rise."""
        kept = np.exp(-self._gaps / tau)
        gained = self.share * (1.0 - kept)
        kept[self._silent] = gained[self._silent] = 0.0
        value = 0.0
        response = [value]
        for part, more in zip(kept.tolist(), gained.tolist()):
            value = value * part + more
            response.append(value)
        return response


def standard_errors(columns: npt.NDArray[np.float64], deviation: float) -> npt.NDArray[np.float64]:
    """Return the standard errors of the coefficients; huge where they are unknown."""
    error = max(deviation, LEAST_ERROR_CELSIUS)
    information = columns.T @ columns / error ** 2 + 1e-9 * np.eye(columns.shape[1])
    return np.sqrt(np.diag(np.linalg.inv(information)))


def delayed(times: npt.NDArray[np.float64], share: npt.NDArray[np.float64],
            delay_sec: float) -> npt.NDArray[np.float64]:
    """Return the shares of full speed between the times at which late readings were taken."""
    done = np.concatenate([[0.0], np.cumsum(share * np.diff(times))])
    taken = times - delay_sec
    first = share[0] * np.minimum(taken - times[0], 0.0)   # before the first reading
    return np.diff(np.interp(taken, times, done) + first) / np.diff(times)
