# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fit the heating constants of a stick to its temperatures under load and at rest."""

from collections.abc import Mapping
from typing import Any

from ncs_cluster_detector.planning.fitting.fit import fit_constants
from ncs_cluster_detector.planning.fitting.recording import StickSeries
import numpy as np

# Full speed is a high percentile, not the maximum: one frame more or less in a second matters.
_FULL_SPEED_PERCENT = 75
_LATE_SEC = 1.0   # a reading is taken once a second and published once a second


def fit_heat(series: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return how a stick heats, as a dictionary for the report.

    :param series: one dictionary of History.series().
    """
    known = [(time_sec, celsius, count) for time_sec, celsius, count in zip(
        series['time_sec'], series['temperature_celsius'], series['inferences'])
        if celsius is not None]
    if len(known) < 2:
        return {'note': 'no temperatures'}
    times, celsius, counts = (np.array(column, float) for column in zip(*known))
    figures = {'first_celsius': celsius[0], 'last_celsius': celsius[-1],
               'hottest_celsius': float(celsius.max())}
    rates = np.maximum(np.diff(counts), 0) / np.diff(times)
    full = np.percentile(rates[rates > 0], _FULL_SPEED_PERCENT) if rates.any() else 1.0
    try:
        fit = fit_constants(StickSeries(
            series['stick'], times.tolist(), celsius.tolist(), (rates / full).tolist(),
            _LATE_SEC))
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
