# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Texts about the effect of a new setting, where a line of the table is too short."""

from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.settings import Settings


def of_cluster_size(settings: Settings, sticks: int) -> str:
    """Return how many of the sticks are active at a time."""
    if not 0 < settings.cluster_size < sticks:
        return f'all {sticks} sticks active, no rotation'
    return f'{settings.cluster_size} of {sticks} sticks active, the others rest'


def of_cycle(settings: Settings, sticks: int) -> str:
    """Return which sticks change, and how often."""
    if settings.cluster_switch_cycle_ms == 0:
        return f'changes by temperature only, at {settings.switch_temperature:.1f} C'
    cycle_sec, dwell_sec = settings.cluster_switch_cycle_ms / 1000, settings.min_dwell_ms / 1000
    what = 'the whole cluster changes'
    if settings.rotation_policy != ROUND_ROBIN:
        what = 'one stick changes'
        cycle_sec /= max(min(settings.cluster_size or sticks, sticks), 1)
    if cycle_sec < dwell_sec:
        return f'{what} every {dwell_sec:g} s, which is min_dwell_ms'
    return f'{what} every {cycle_sec:g} s'


def of_policy(settings: Settings, sticks: int) -> str:
    """Return in which order the sticks change, and how often."""
    if settings.rotation_policy == ROUND_ROBIN:
        return f'in the order of the stick numbers; {of_cycle(settings, sticks)}'
    return f'the hottest for the coolest; {of_cycle(settings, sticks)}'
