# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a robot builder is told when the sticks cannot keep below the switch temperature."""

import math

from ncs_cluster_detector.policy.settings import LIMITS

# What is advised has so much to spare, for temperatures go up and down with the turns.
TO_SPARE = 1.05


def advice(heat, loss, settings):
    """
    Return one sentence: what the heat costs, and what would help.

    :param heat: the ClusterHeat.
    :param loss: the HeatLoss.
    :param settings: the Settings in force.
    """
    sticks = len(heat.running)
    limit = settings.switch_temperature
    size = min(settings.cluster_size or sticks, sticks)
    if loss.throttled:
        found = (f' from {loss.throttles_at:.1f} C on' if math.isfinite(loss.throttles_at) else '')
        relieve = ('add sticks, or ' if size == sticks or not found else
                   f'set switch_temperature below {loss.throttles_at:.1f}, so that rested ones '
                   'relieve them before, or ')
        return (f'sticks slow themselves down for heat (throttling level 1{found}), below '
                f'switch_temperature {limit:.1f} C: {loss.share:.0%} of the work of {size} of '
                f'{sticks} sticks is lost; {relieve}cool the sticks better')
    sustainable = heat.sustainable_size(limit)
    start = (f'{size} of {sticks} sticks active is too much heat for switch_temperature '
             f'{limit:.1f} C')
    if not sustainable or sustainable >= size:
        return (f'{start}: {loss.share:.0%} of the work was lost in the last minute, for none is '
                'rested in time to relieve a hot one; add sticks, lower cluster_size, '
                'min_dwell_ms or resume_margin, or cool the sticks better')
    more = math.ceil(TO_SPARE * size * sticks / sustainable - sticks)
    # Without the stick itself there is no telling what a hub with more of them would do.
    helps = ['cool them better']
    if sticks + more <= LIMITS['cluster_size'][1]:
        helps.insert(0, f'add {more} more {"stick" if more == 1 else "sticks"}')
    # From where they throttle on they give no more.
    most = math.floor(min(LIMITS['switch_temperature'][1], loss.throttles_at))
    warmer = next((celsius for celsius in range(math.floor(limit) + 1, most + 1)
                   if (heat.sustainable_size(celsius) or 0.0) >= min(TO_SPARE * size, sticks)),
                  None)
    if warmer is not None:
        helps.insert(-1, f'set switch_temperature to {warmer}.0')
    in_words = ' or '.join(filter(None, (', '.join(helps[:-1]), helps[-1])))
    text = (f'{start}: they sustain {sustainable:.1f} at full speed, so frames are spaced out to '
            f'{sustainable / size:.0%}; for full speed {in_words}')
    if sustainable >= 1:
        text += f'; cluster_size {math.floor(sustainable)} would keep them cooler'
    return text
