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

"""What a robot builder is told when the sticks cannot keep below the switch temperature."""

import math

from ncs_cluster_detector.policy.settings import LIMITS

# So long in about a minute must sticks be paced before it is more than the wait for a change;
# longer while it is not known what they sustain, for then there is little to advise. So long must
# none be paced until it is over.
NOTED_AFTER_SEC = 2.0
NOTED_UNKNOWN_AFTER_SEC = 10.0
OVER_AFTER_SEC = 60.0
# What is advised has so much to spare, for temperatures go up and down with the turns.
TO_SPARE = 1.05


class HeatWatch:
    """Tells lasting trouble with heat from a moment's."""

    def __init__(self):
        """Start cool."""
        self.in_trouble = False
        self._paced_sec = 0.0
        self._last_paced_at = float('-inf')
        self._updated_at = 0.0
        self._was_paced = False

    def update(self, now, is_paced, is_known):
        """
        Take note whether sticks are paced; ``in_trouble`` then tells of the time up to now.

        :param now: seconds of the monotonic clock.
        :param is_paced: whether a stick works slower than it could from now on.
        :param is_known: whether it is known what the sticks can sustain.
        """
        elapsed_sec = now - self._updated_at
        self._updated_at = now
        self._paced_sec *= math.exp(-elapsed_sec / OVER_AFTER_SEC)
        if self._was_paced:
            self._paced_sec += elapsed_sec
            self._last_paced_at = now
        self._was_paced = is_paced
        if self.in_trouble:
            self.in_trouble = is_paced or now < self._last_paced_at + OVER_AFTER_SEC
            if not self.in_trouble:
                self._paced_sec = 0.0   # what is over is not noted again
        else:
            self.in_trouble = self._paced_sec >= (
                NOTED_AFTER_SEC if is_known else NOTED_UNKNOWN_AFTER_SEC)

    def over_at(self):
        """Return when the trouble is over unless sticks are paced again, or None."""
        if not self.in_trouble or self._was_paced:
            return None
        return self._last_paced_at + OVER_AFTER_SEC


def advice(heat, settings):
    """
    Return one sentence: what the heat costs, and what would help.

    :param heat: the ClusterHeat.
    :param settings: the Settings in force.
    """
    sticks = len(heat.running)
    limit = settings.switch_temperature
    size = min(settings.cluster_size or sticks, sticks)
    sustainable = heat.sustainable_size(limit)
    start = (f'{size} of {sticks} sticks active is too much heat for switch_temperature '
             f'{limit:.1f} C')
    if not sustainable or sustainable >= size:
        return (f'{start}: none is rested in time to relieve a hot one, which works slower '
                'meanwhile; add sticks, lower cluster_size, min_dwell_ms or resume_margin, or '
                'cool the sticks better')
    more = math.ceil(TO_SPARE * size * sticks / sustainable - sticks)
    # Without the stick itself there is no telling what a hub with more of them would do.
    helps = [f'add {more} more {"stick" if more == 1 else "sticks"}', 'cool them better']
    most = int(LIMITS['switch_temperature'][1])
    warmer = next((celsius for celsius in range(math.floor(limit) + 1, most + 1)
                   if (heat.sustainable_size(celsius) or 0.0) >= min(TO_SPARE * size, sticks)),
                  None)
    if warmer is not None:
        helps.insert(1, f'set switch_temperature to {warmer}.0')
    text = (f'{start}: they sustain {sustainable:.1f} at full speed, so frames are spaced out to '
            f'{sustainable / size:.0%}; for full speed {", ".join(helps[:-1])} or {helps[-1]}')
    if sustainable >= 1:
        text += f'; cluster_size {math.floor(sustainable)} would keep them cooler'
    return text
