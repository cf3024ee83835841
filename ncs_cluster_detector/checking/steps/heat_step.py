# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The heat step: load all sticks, let them rest, and fit how each one heats."""

from collections.abc import Mapping
from typing import Any

from ncs_cluster_detector.checking.bench import Bench
from ncs_cluster_detector.checking.verdicts import judge_failures
from ncs_cluster_detector.planning.fitting.fit import fit_constants
from ncs_cluster_detector.planning.fitting.recording import StickSeries
import numpy as np

# Rates are compared over a quarter of the load, at most over this time.
LONGEST_COMPARED_SEC = 20.0
SHOW_EVERY_SEC = 30.0
LEAST_SEC = 5.0
# Full speed is a high percentile, not the maximum: one frame more or less in a second matters.
FULL_SPEED_PERCENT = 75
LATE_SEC = 1.0   # a reading is taken once a second and published once a second


def heat_step(bench: Bench) -> None:
    """Load all sticks, let them rest, and fit how they heat."""
    figures = bench.begin('heat')
    if bench.times.heat_sec < LEAST_SEC:
        bench.skip('temperatures', f'less than {LEAST_SEC:g} s were asked for')
        return
    history = bench.history
    bench.publish_for(len(bench.running()))
    began = bench.clock()
    _watch(bench, began, bench.times.heat_sec, 'at full load')
    loaded_until = bench.clock()
    bench.publish_for(0)
    _watch(bench, loaded_until, bench.times.rest_sec, 'at rest')
    ended = bench.clock()
    compared = min(LONGEST_COMPARED_SEC, (loaded_until - began) / 4)
    figures.update(
        load_sec=round(loaded_until - began, 1), rest_sec=round(ended - loaded_until, 1),
        detections_per_sec_at_begin=round(history.rate(began, began + compared), 2),
        detections_per_sec_at_end=round(history.rate(loaded_until - compared, loaded_until), 2))
    series = history.series(began, ended)
    figures['sticks'] = {one['stick']: {
        'highest_throttle_level': max(one['throttle_level']), **fit_heat(one)} for one in series}
    bench.figures['sticks'] = series   # for ``thermal_plan --fit report.json``
    _judge(bench, figures, series, ended - began)
    for verdict in judge_failures('heat', history.reports_between(began, ended)):
        bench.add(verdict)


def _watch(bench, began, seconds, what):
    """Wait for a time and show the temperatures now and then."""
    while (left := began + seconds - bench.clock()) > 0:
        bench.pause(min(left, SHOW_EVERY_SEC))
        sticks = ', '.join('?' if stick.celsius is None else f'{stick.celsius:.1f}'
                           for stick in bench.history.newest_sticks())
        passed = bench.clock() - began
        bench.terminal.say(f'   {passed:.0f} of {seconds:.0f} s {what}: {sticks} °C')


def _judge(bench, figures, series, seconds):
    known = {one['stick']: sum(value is not None for value in one['temperature_celsius'])
             for one in series}
    worst = min(known, key=known.get, default=None)
    share = None if worst is None else min(100 * known[worst] / (seconds - 1.0), 100.0)
    bench.judge('temperatures were reported', share, 'temperature_readings_percent',
                f'stick {worst} reported the fewest')
    levels = {number: one['highest_throttle_level'] for number, one in figures['sticks'].items()}
    hottest = max(levels, key=levels.get, default=None)
    if hottest is not None:
        bench.judge(f'throttle level, stick {hottest}' if levels[hottest] else 'throttle level',
                    levels[hottest], 'throttle_level')
    begin, end = (figures[f'detections_per_sec_at_{when}'] for when in ('begin', 'end'))
    figures['rate_when_hot_percent'] = round(100 * end / begin, 1) if begin else None
    bench.judge(f'rate in the end, {end:.1f} a second, of {begin:.1f}',
                figures['rate_when_hot_percent'], 'rate_when_hot_percent',
                'do sticks rest, or throttle themselves, because they are hot?')


def fit_heat(series: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a stick heats, for the report; ``series`` is one of History.series()."""
    known = [(time_sec, celsius, count) for time_sec, celsius, count in zip(
        series['time_sec'], series['temperature_celsius'], series['inferences'])
        if celsius is not None]
    if len(known) < 2:
        return {'note': 'no temperatures'}
    times, celsius, counts = (np.array(column, float) for column in zip(*known))
    figures = {'first_celsius': celsius[0], 'last_celsius': celsius[-1],
               'hottest_celsius': float(celsius.max())}
    rates = np.maximum(np.diff(counts), 0) / np.diff(times)
    full = np.percentile(rates[rates > 0], FULL_SPEED_PERCENT) if rates.any() else 1.0
    try:
        fit = fit_constants(StickSeries(
            series['stick'], times.tolist(), celsius.tolist(), (rates / full).tolist(),
            LATE_SEC))
    except ValueError as error:
        return {**figures, 'note': str(error).partition(': ')[2]}   # after the stick's number
    if fit.die:
        figures.update(die_rise_celsius=round(fit.die.rise_celsius, 1),
                       die_time_constant_sec=round(fit.die.time_constant_sec, 1))
    return {
        **figures,
        'idle_celsius': round(fit.constants.idle_celsius, 1),
        'rise_celsius': round(fit.constants.rise_celsius, 1),
        'time_constant_sec': round(fit.constants.time_constant_sec, 1),
        'deviation_celsius': round(fit.deviation_celsius, 2),
        'is_sure': fit.is_sure,
        'note': '; '.join(fit.notes)}
