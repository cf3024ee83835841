# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a change of a live parameter means, in words."""

from ncs_cluster_detector.policy.settings import ROUND_ROBIN


def describe_setting(name, settings, sticks):
    """
    Return what the present value of a live parameter means, as a few words.

    :param name: the parameter's name.
    :param settings: the Settings in force.
    :param sticks: how many sticks there are now.
    """
    return _EFFECTS[name](settings, sticks)


def _cluster_size(settings, sticks):
    if not 0 < settings.cluster_size < sticks:
        return f'all {sticks} sticks active, no rotation'
    return f'{settings.cluster_size} of {sticks} sticks active, the others rest'


def _cycle(settings, sticks):
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


def _policy(settings, sticks):
    if settings.rotation_policy == ROUND_ROBIN:
        return f'in the order of the stick numbers; {_cycle(settings, sticks)}'
    return f'the hottest for the coolest; {_cycle(settings, sticks)}'


_EFFECTS = {
    'cluster_size': _cluster_size,
    'cluster_switch_cycle_ms': _cycle,
    'switch_temperature': lambda settings, _: (
        f'a relieved stick returns below {settings.resume_temperature:.1f} C, rests in any case '
        f'from {settings.critical_temperature:.1f} C'),
    'resume_margin': lambda settings, _: (
        f'a relieved stick returns below {settings.resume_temperature:.1f} C'),
    'critical_margin': lambda settings, _: (
        f'a stick rests in any case from {settings.critical_temperature:.1f} C'),
    'min_dwell_ms': lambda settings, _: (
        f'changes at least {settings.min_dwell_ms / 1000:g} s apart'),
    'rotation_policy': _policy,
    'score_threshold': lambda settings, _: (
        f'detections from {settings.score_threshold:.0%} on are published'),
    'class_filter': lambda settings, _: (
        'only these labels are published' if settings.class_filter else
        'all labels are published'),
    'max_frame_age_ms': lambda settings, _: (
        'older frames are not sent to a stick' if settings.max_frame_age_ms else 'no limit'),
    'depth_timeout_ms': lambda settings, _: (
        f'an image waits up to {settings.depth_timeout_ms / 1000:g} s for its depth'
        if settings.depth_timeout_ms else
        'an image takes the depth that is there when its detections are'),
}
