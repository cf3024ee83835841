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
from dataclasses import replace

from ncs_cluster_detector.policy.heat_constants import Constants
from ncs_cluster_detector.policy.heat_constants import mean_of
import numpy as np

LEAST_READINGS = 20
LEAST_CHANGE_CELSIUS = 2.0
TIME_CONSTANTS_SEC = (0.5, 10000.0)
_GRID = 80
# A constant is told when its standard error is no more than this share of it, for idle
# temperature of the rise.
_SURE_TO = 0.1
# The least error of a reading: reports and diagnostics are rounded to a tenth of a degree.
_LEAST_ERROR_CELSIUS = 0.03
# What a recording does not tell stays at what is typical: idle temperature and rise with their
# standard deviations, for readings with an error as that of a noisy sensor.
_TYPICAL = np.array([Constants().idle_celsius, Constants().rise_celsius])
_TYPICAL_WEIGHTS = 0.3 / np.array([60.0, 20.0])
# After a silence as long as so many times the usual one, and of so many seconds, nobody knows how
# the stick has worked meanwhile: its temperature starts anew.
_SILENCE_TIMES, _SILENCE_SEC = 5.0, 10.0
# Readings that may be late are tried with so many delays.
_DELAYS = 11
# From the temperatures alone, a stick's work is guessed, and guessed anew with what was fitted.
_ROUNDS = 20
# A rate of change is taken over so many readings before and after, for sensors are noisy.
_RATE_READINGS = 3
# Work is told from rest where their rates lie so many standard errors from half-way.
_TOLD_APART = 3.0


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
    if series.share is None:
        return _fit_with_guessed_work(times, celsius)
    share = np.asarray(series.share, float)
    delays = np.linspace(0.0, series.late_sec, _DELAYS if series.late_sec else 1)
    return min((_fit(times, celsius, _delayed(times, share, delay)) for delay in delays),
               key=lambda fit: fit.deviation_celsius)


def mean_constants(fits):
    """Return the mean Constants of the fits that are sure, or of all when none is."""
    fits = [fit for fit in fits if fit.is_sure] or fits
    return mean_of([fit.constants for fit in fits])


def _fit(times, celsius, share, notes=()):
    low, high = np.log(TIME_CONSTANTS_SEC)
    grid = np.linspace(low, high, _GRID)
    costs = [_solve(times, celsius, share, np.exp(value))[2] for value in grid]
    best = int(np.argmin(costs))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _solve(times, celsius, share, np.exp(left))[2] < (
                _solve(times, celsius, share, np.exp(right))[2]):
            high = right
        else:
            low = left
    tau = float(np.exp((low + high) / 2))
    (idle, rise), curve, _, columns = _solve(times, celsius, share, tau)
    deviation = float(np.sqrt(np.mean((celsius - curve) ** 2)))
    troubles = []
    if rise <= 0:
        troubles.append('it cooled at work: the recorded work is not its own')
    elif np.ptp(share) < _SURE_TO:
        troubles.append('it always worked alike: idle temperature and rise are one sum, shown as '
                        'if the rise were about the typical one')
    else:
        steeper = _solve(times, celsius, share, tau * 1.001, (idle, rise))[1]
        errors = _errors(np.column_stack([columns, (steeper - curve) / 0.001]), deviation)
        if max(errors[0], errors[1]) > _SURE_TO * rise:
            troubles.append('it hardly worked, or hardly rested: the constants are rough')
        if errors[-1] > _SURE_TO:
            troubles.append('the recording is too short for the time constant')
    if best in (0, _GRID - 1):
        troubles.append('the time constant is beyond what can be told')
    constants = Constants(float(idle), max(float(rise), 0.1), tau)
    return Fit(constants, deviation, not troubles, (*troubles, *notes))


def _errors(columns, deviation):
    """Return the standard errors of the coefficients; huge where they cannot be told."""
    error = max(deviation, _LEAST_ERROR_CELSIUS)
    information = columns.T @ columns / error ** 2 + 1e-9 * np.eye(columns.shape[1])
    return np.sqrt(np.diag(np.linalg.inv(information)))


def _solve(times, celsius, share, tau, given=None):
    """
    Return the best (idle, rise), the curve, what it costs, and the columns that it is made of.

    The temperature at the start of every stretch without a long silence is free.

    :param given: (idle, rise), of which then the curve is made.
    """
    gaps = np.diff(times)
    silent = gaps > max(_SILENCE_SEC, _SILENCE_TIMES * np.median(gaps))
    begins = np.concatenate([[0], np.flatnonzero(silent) + 1])
    stretch = np.searchsorted(begins, np.arange(len(times)), side='right') - 1
    kept = np.exp(-gaps / tau)
    response = np.zeros(len(times))
    value = 0.0
    for index, (part, work, anew) in enumerate(zip(kept.tolist(), share.tolist(),
                                                   silent.tolist())):
        value = 0.0 if anew else value * part + work * (1.0 - part)
        response[index + 1] = value
    start = np.exp(-(times - times[begins[stretch]]) / tau)
    columns = np.zeros((len(times), 2 + len(begins)))
    columns[:, 0], columns[:, 1] = 1.0 - start, response
    columns[np.arange(len(times)), 2 + stretch] = start
    # Two more lines of equations hold what the readings leave open, or what is given.
    weights = _TYPICAL_WEIGHTS if given is None else np.full(2, 1e6)
    wanted = weights * (_TYPICAL if given is None else given)
    held = np.eye(2, columns.shape[1]) * weights[:, np.newaxis]
    best = np.linalg.lstsq(np.vstack([columns, held]), np.concatenate([celsius, wanted]),
                           rcond=None)[0]
    curve = columns @ best
    cost = float(np.sum((curve - celsius) ** 2) + np.sum((held @ best - wanted) ** 2))
    return best[:2], curve, cost, columns


def _delayed(times, share, delay_sec):
    """Return the shares between the times at which late readings were really taken."""
    done = np.concatenate([[0.0], np.cumsum(share * np.diff(times))])
    taken = times - delay_sec
    first = share[0] * np.minimum(taken - times[0], 0.0)   # before the first reading
    return np.diff(np.interp(taken, times, done) + first) / np.diff(times)


def _fit_with_guessed_work(times, celsius):
    """Return the Fit to temperatures alone: a stick either rests or is at full load."""
    middles = np.arange(len(times) - 1)
    before = np.maximum(middles - _RATE_READINGS + 1, 0)
    after = np.minimum(middles + _RATE_READINGS, len(times) - 1)
    spans = times[after] - times[before]
    rates = (celsius[after] - celsius[before]) / spans
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
    error = fit.deviation_celsius * np.sqrt(2.0) / np.median(spans)
    if stick.rise_celsius / stick.time_constant_sec / 2 < _TOLD_APART * error:
        trouble = 'too noisy to tell work from rest; record /diagnostics as well'
        fit = replace(fit, is_sure=False, notes=(trouble, *fit.notes))
    return fit
