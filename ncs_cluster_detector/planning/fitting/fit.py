# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How a stick heats, fitted to a recorded run."""

from collections.abc import Collection
from dataclasses import dataclass
from dataclasses import replace
import math

from ncs_cluster_detector.planning.fitting.die_fit import Die
from ncs_cluster_detector.planning.fitting.die_fit import find_die
from ncs_cluster_detector.planning.fitting.heating_curve import delayed
from ncs_cluster_detector.planning.fitting.heating_curve import HeatingCurve
from ncs_cluster_detector.planning.fitting.heating_curve import standard_errors
from ncs_cluster_detector.planning.fitting.recording import StickSeries
from ncs_cluster_detector.policy.heat.thermal_model import mean_of
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
import numpy as np

LEAST_READINGS = 20
LEAST_CHANGE_CELSIUS = 2.0
TIME_CONSTANTS_SEC = (0.5, 10000.0)
_GRID = 40
# A constant is known when its standard error is no more than this share of it; for the idle
# temperature, of the rise.
_SURE_TO = 0.1
# Readings that may be late are tried with so many delays.
_DELAYS = 11
# Without recorded work, a stick's work is guessed, and guessed again with what was fitted.
_ROUNDS = 20
# A rate of change is taken over so many readings before and after, for sensors are noisy.
_RATE_READINGS = 3
# Work and rest differ when their rates are so many standard errors from half-way.
_TOLD_APART = 3.0


@dataclass(frozen=True)
class Fit:
    """
    The ThermalModel of a stick, and how well it fits.

    ``deviation_celsius`` is the root mean square of the residuals, ``is_sure`` tells whether the
    recording determines all three constants, and ``notes`` are short texts on what it does not
    determine, or what was assumed. ``die`` is None unless the readings show a die in a case; then
    the rise is that of both, and the time constant that of the case.
    """

    constants: ThermalModel
    deviation_celsius: float
    is_sure: bool
    notes: tuple[str, ...] = ()
    die: Die | None = None


def fit_constants(series: StickSeries) -> Fit:
    """
    Return the Fit to a StickSeries.

    Output error least squares: for a given time constant the whole curve is linear in the
    temperatures at the start and at rest and in the rise by load; the time constant is searched
    for. Noise of the sensor does not bias it, as it would with one-step differences.

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
    one = min((_fit(times, celsius, delayed(times, share, delay)) for delay in delays),
              key=lambda fit: fit.deviation_celsius)
    if np.ptp(share) < _SURE_TO:
        return one
    found = find_die(times, celsius, share, series.late_sec)
    if found is None:
        return one
    die, idle, deviation = found
    if die is None:
        return replace(one, is_sure=False, notes=(
            'one body does not explain the readings, and they do not show a die in a case: '
            'record a minute at work and a minute at rest by turns; or else the sensor lags, or '
            'reports maxima', *one.notes))
    return _with_die(die, idle, deviation)


def mean_constants(fits: Collection[Fit]) -> ThermalModel:
    """Return the mean ThermalModel of the fits that are sure, or of all when none is."""
    fits = [fit for fit in fits if fit.is_sure] or fits
    return mean_of([fit.constants for fit in fits])


def mean_die(fits: Collection[Fit]) -> tuple[float, float] | None:
    """Return rise in C and time constant in seconds of the dies, or None when few have one."""
    dies = [fit.die for fit in fits if fit.die]
    if 2 * len(dies) < len(fits) or not dies:
        return None
    return (sum(die.rise_celsius for die in dies) / len(dies),
            sum(die.time_constant_sec for die in dies) / len(dies))


def _with_die(die, idle, deviation):
    """Return the Fit of a die in a case."""
    rise_error, die_sec_error, case_error, case_sec_error = die.errors
    rise, tau = die.rise_celsius + die.case_rise_celsius, die.case_time_constant_sec
    notes = [
        f'a die in a case is to be seen: {die.rise_celsius:.1f} C (+- {rise_error:.1f}) of the '
        f'rise come within seconds, time constant {die.time_constant_sec:.1f} s '
        f'(+- {die_sec_error:.1f}), the other {die.case_rise_celsius:.1f} C '
        f'(+- {case_error:.1f}) with that of the case, {tau:.0f} s (+- {case_sec_error:.0f})']
    if not die.explains:
        notes.append('neither one body nor two explain the readings: the sensor seems to lag, or '
                     'to report maxima; the die is rough')
    elif not die.is_sure:
        notes.append('the die is rough: it works too evenly, for too short, or too noisily')
    is_sure = math.hypot(rise_error, case_error) <= _SURE_TO * rise and (
        case_sec_error <= _SURE_TO * tau)
    if not is_sure:
        notes.append('the case is rough: record for longer, at work and at rest for minutes each')
    return Fit(ThermalModel(idle, rise, tau), deviation, is_sure, tuple(notes), die)


def _fit(times, celsius, share, notes=()):
    low, high = np.log(TIME_CONSTANTS_SEC)
    grid = np.linspace(low, high, _GRID)
    curves = HeatingCurve(times, celsius, share)
    costs = [curves.solve([np.exp(value)])[2] for value in grid]
    best = int(np.argmin(costs))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if curves.solve([np.exp(left)])[2] < curves.solve([np.exp(right)])[2]:
            high = right
        else:
            low = left
    tau = float(np.exp((low + high) / 2))
    (idle, rise, *_), curve, _, columns = curves.solve([tau])
    deviation = float(np.sqrt(np.mean((celsius - curve) ** 2)))
    troubles = []
    if rise <= 0:
        troubles.append('it cooled at work: the recorded work is not its own')
    elif np.ptp(share) < _SURE_TO:
        troubles.append('it always worked alike: idle temperature and rise are one sum, shown as '
                        'if the rise were about the typical one')
    else:
        steeper = curves.solve([tau * 1.001], (idle, rise))[1]
        errors = standard_errors(np.column_stack([columns, (steeper - curve) / 0.001]), deviation)
        if max(errors[0], errors[1]) > _SURE_TO * rise:
            troubles.append('it hardly worked, or hardly rested: the constants are rough')
        if errors[-1] > _SURE_TO:
            troubles.append('the recording is too short for the time constant')
    if best in (0, _GRID - 1):
        troubles.append('the time constant is too long to be known')
    constants = ThermalModel(float(idle), max(float(rise), 0.1), tau)
    return Fit(constants, deviation, not troubles, (*troubles, *notes))


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
