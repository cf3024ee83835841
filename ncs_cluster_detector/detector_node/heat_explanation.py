# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Texts about heat that costs speed: on /diagnostics, and in the log when it begins and ends."""

import math

from ncs_cluster_detector.policy.heat.heat_advice import HeatAdvice
from ncs_cluster_detector.policy.heat.heat_advice import HeatCost
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.supervisor_options import Logger


def explain_heat(advice: HeatAdvice) -> str:
    """Return one sentence: what the heat costs, and what would help."""
    if advice.cost is HeatCost.THROTTLING:
        return _explain_throttling(advice)
    start = (f'{advice.size} of {advice.sticks} sticks active is too much heat for '
             f'switch_temperature {advice.limit_celsius:.1f} C')
    if advice.cost is HeatCost.NONE_RESTED:
        return (f'{start}: {advice.lost_share:.0%} of the work was lost in the last minute, for '
                'none is rested in time to relieve a hot one; add sticks, lower cluster_size, '
                'min_dwell_ms or resume_margin, or cool the sticks better')
    helps = []
    if advice.more_sticks is not None:
        helps.append(f'add {advice.more_sticks} more '
                     f'{"stick" if advice.more_sticks == 1 else "sticks"}')
    if advice.warmer_celsius is not None:
        helps.append(f'set switch_temperature to {advice.warmer_celsius}.0')
    helps.append('cool them better')
    in_words = ' or '.join(filter(None, (', '.join(helps[:-1]), helps[-1])))
    text = (f'{start}: they sustain {advice.sustainable:.1f} at full speed, so frames are spaced '
            f'out to {advice.sustainable / advice.size:.0%}; for full speed {in_words}')
    if advice.sustainable >= 1:
        text += f'; cluster_size {math.floor(advice.sustainable)} would keep them cooler'
    return text


def _explain_throttling(advice: HeatAdvice) -> str:
    found, relieve = '', 'add sticks'
    if math.isfinite(advice.throttles_at):
        found = f' from {advice.throttles_at:.1f} C on'
        if advice.size < advice.sticks:
            relieve = (f'set switch_temperature below {advice.throttles_at:.1f}, so that rested '
                       'ones relieve them before')
    return (f'sticks slow themselves down for heat (throttling level 1{found}), below '
            f'switch_temperature {advice.limit_celsius:.1f} C: {advice.lost_share:.0%} of the '
            f'work of {advice.size} of {advice.sticks} sticks is lost; {relieve}, or cool the '
            'sticks better')


class HeatLog:
    """Logs when heat begins to cost speed, again after new settings, and when it ends."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._was_slow = self._is_logged = False

    def note(self, snapshot: Snapshot) -> None:
        """Take the newest Snapshot, about once a second."""
        advice = snapshot.heat_advice
        if advice is not None and not self._was_slow:
            self._is_logged = True
            self._logger.warning(explain_heat(advice))
        elif self._is_logged and snapshot.at_full_speed:
            self._is_logged = False
            self._logger.info('the sticks keep below switch_temperature at full speed again')
        self._was_slow = advice is not None
