# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Says what a new value of a live parameter means, from the settings and the number of sticks."""

from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.settings import Settings


def effect_of_cluster_size(settings: Settings, sticks: int) -> str:
    """Return how many sticks are active."""
    if not 0 < settings.cluster_size < sticks:
        return f'all {sticks} sticks active, no rotation'
    return f'{settings.cluster_size} of {sticks} sticks active, the others rest'


def effect_of_cycle(settings: Settings, sticks: int) -> str:
    """Return how often sticks change."""
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


def effect_of_policy(settings: Settings, sticks: int) -> str:
    """Return how sticks change."""
    if settings.rotation_policy == ROUND_ROBIN:
        return f'in the order of the stick numbers; {effect_of_cycle(settings, sticks)}'
    return f'the hottest for the coolest; {effect_of_cycle(settings, sticks)}'


def effect_of_weights(settings: Settings, _: int) -> str:
    """Return the shares of the cameras."""
    if not settings.camera_weights:
        return 'the same share for each camera'
    total = sum(settings.camera_weights) or 1.0
    shares = ', '.join(f'{weight / total:.0%}' for weight in settings.camera_weights)
    return f'shares of the cameras while all send more than can be inferred: {shares}'


def effect_of_max_fps(settings: Settings, _: int) -> str:
    """Return the limits of the cameras."""
    if not any(settings.camera_max_fps):
        return 'no limit'
    limits = (f'{fps:g}' if fps else 'no limit' for fps in settings.camera_max_fps)
    return f'images a second to infer at most: {", ".join(limits)}'


def too_few_of(settings: Settings) -> str:
    """Return how many sticks are too few for the work, so that the reserve helps."""
    least = settings.reserve_below
    return 'no stick is' if least == 1 else f'fewer than {least} sticks are'


def effect_of_regions(settings: Settings, _: int) -> str:
    """Return how much the networks see."""
    parts = [width * height for *_, width, height in settings.camera_regions]
    if not parts:
        return 'the networks see the whole pictures'
    shares = ', '.join(f'{100 * part:.3g} %' for part in parts)
    return f'the networks see {shares} of the area of the pictures'
