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

"""How a stick heats, fitted to a recorded run."""

from dataclasses import dataclass

from ncs_cluster_detector.planning.virtual_cluster import Constants
import numpy as np

LEAST_READINGS = 20
LEAST_CHANGE_CELSIUS = 2.0
TIME_CONSTANTS_SEC = (0.5, 10000.0)
_GRID = 80
# A constant is told when its standard error is no more than this share of it.
_SURE_TO = 0.25
# From the temperatures alone, a stick's work is guessed, and guessed anew with what was fitted.
_ROUNDS = 20
# A rate of change is taken over so many readings before and after, for sensors are noisy.
_RATE_READINGS = 3


@dataclass(frozen=True)
class Fit:
    """
    The Constants of a stick, and how well they fit.

    ``deviation_celsius`` is the root mean square of what the model misses the readings by,
    ``is_sure`` tells whether the recording determines all three constants, and ``notes`` are short
    texts on what does not, or was assumed.
    """

    constants: Constants
    deviation_celsius: float
    is_sure: bool
    notes: tuple = ()


def fit_constants(series):
    """
    Return the Fit to a StickSeries.

    Output error least squares: for a given time constant the whole curve is linear in the
    temperatures at the start, at rest, and by how much load raises it; the time constant is
    searched for. Noise of the sensor does not bias it, as it would one-step differences.

    :raises ValueError: too few readings, or they hardly change.
    """
    times, celsius = np.asarray(series.time_sec, float), np.asarray(series.celsius, float)
    if len(times) < LEAST_READINGS:
        raise ValueError(f'stick {series.number}: {len(times)} readings recorded; at least '
                         f'{LEAST_READINGS} are needed, record for longer')
    change = np.ptp(celsius)
    if change < LEAST_CHANGE_CELSIUS:
        raise ValueError(f'stick {series.number}: its temperature changed by {change:.1f} C in '
                         f'the recording; at least {LEAST_CHANGE_CELSIUS:g} C are needed, record '
                         'from a cold start on')
    if series.share is not None:
        return _fit(times, celsius, np.asarray(series.share, float))
    return _fit_with_guessed_work(times, celsius)


def mean_constants(fits):
    """Return the mean Constants of the fits that are sure, or of all when none is."""
    fits = [fit for fit in fits if fit.is_sure] or fits
    return Constants(*(
        float(np.mean([getattr(fit.constants, name) for fit in fits]))
        for name in ('idle_celsius', 'rise_celsius', 'time_constant_sec')))


def _fit(times, celsius, share, notes=()):
    low, high = np.log(TIME_CONSTANTS_SEC)
    grid = np.linspace(low, high, _GRID)
    misses = [_solve(times, celsius, share, np.exp(value))[1] for value in grid]
    best = int(np.argmin(misses))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _solve(times, celsius, share, np.exp(left))[1] < (
                _solve(times, celsius, share, np.exp(right))[1]):
            high = right
        else:
            low = left
    tau = float(np.exp((low + high) / 2))
    (_, idle, rise), miss, errors = _solve(times, celsius, share, tau)
    troubles = []
    if errors is None:
        troubles.append('it always worked alike: idle temperature and rise are one sum')
    elif rise <= 0:
        troubles.append('it cooled at work: the recorded work is not its own')
    elif max(errors[1], errors[2]) > _SURE_TO * rise:
        troubles.append('it hardly worked, or hardly rested: the constants are rough')
    if best in (0, _GRID - 1):
        troubles.append('the time constant is beyond what can be told')
    constants = Constants(float(idle), max(float(rise), 0.1), tau)
    return Fit(constants, float(np.sqrt(miss / len(times))), not troubles, (*troubles, *notes))


def _solve(times, celsius, share, tau):
    """
    Return the best (start, idle, rise), the sum of squares missed, and standard errors.

    The errors are None when the three cannot be told apart.
    """
    kept = np.exp(-np.diff(times) / tau)
    response = np.zeros(len(times))
    for index, (part, work) in enumerate(zip(kept, share)):
        response[index + 1] = response[index] * part + work * (1.0 - part)
    start = np.exp(-(times - times[0]) / tau)
    columns = np.column_stack([start, 1.0 - start, response])
    best, _, rank, _ = np.linalg.lstsq(columns, celsius, rcond=1e-6)
    miss = float(np.sum((columns @ best - celsius) ** 2))
    if rank < 3:
        return best, miss, None
    variance = miss / max(len(times) - 4, 1)
    return best, miss, np.sqrt(variance * np.diag(np.linalg.inv(columns.T @ columns)))


def _fit_with_guessed_work(times, celsius):
    """Return the Fit to temperatures alone: a stick either rests or is at full load."""
    middles = np.arange(len(times) - 1)
    before = np.maximum(middles - _RATE_READINGS + 1, 0)
    after = np.minimum(middles + _RATE_READINGS, len(times) - 1)
    rates = (celsius[after] - celsius[before]) / (times[after] - times[before])
    share = (rates > 0).astype(float)
    note = 'its work was guessed from the temperatures: rest or full load, nothing between'
    for _ in range(_ROUNDS):
        fit = _fit(times, celsius, share, (note,))
        stick = fit.constants
        half_way = stick.idle_celsius + stick.rise_celsius / 2 - celsius[:-1]
        guess = (rates > half_way / stick.time_constant_sec).astype(float)
        if not fit.is_sure or np.array_equal(guess, share):
            break
        share = guess
    return fit
