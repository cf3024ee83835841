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

"""The plan as text, for people and for programs."""

import math

from ncs_cluster_detector.planning.plan import holds

_FULL_SPEED = 0.99


def table_of(plan):
    """Return the plan as a table and a few sentences, in lines of text."""
    question = plan.question
    settings = question.settings
    rows = [('policy', 'peak', 'switches an hour', 'frames a second', 'verdict')]
    rows += [(outcome.policy, f'{outcome.peak_celsius:.1f} °C',
              f'{outcome.switches_per_hour:.0f}', f'{outcome.frames_per_sec:.1f}',
              verdict(plan, outcome)) for outcome in plan.outcomes]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [f'{question.size} of {len(question.constants)} sticks active, '
             f'{_sticks_in_words(question.constants)}; limit '
             f'{settings.switch_temperature:g} °C', *_bodies_in_words(question.bodies), '']
    for row in rows:
        policy, *figures, last = row
        cells = [policy.ljust(widths[0])] + [
            figure.rjust(width) for figure, width in zip(figures, widths[1:-1])]
        lines.append('  '.join([*cells, last]))
    return lines + ['', *_sentences(plan)]


def verdict(plan, outcome):
    """Return in words whether an outcome keeps to the limit, and at what speed."""
    settings = plan.question.settings
    if not holds(outcome, settings):
        return 'too hot'
    best = min(plan.wanted_frames_per_sec, plan.question.size / plan.question.inference_sec)
    share = outcome.frames_per_sec / best
    if share < _FULL_SPEED:
        return f'keeps the limit, slowed down to {share:.0%}'
    return 'keeps the limit'


def _sentences(plan):
    question = plan.question
    settings = question.settings
    sustainable = plan.sustainable_size
    lines = [
        'At that rate no rotation of these sticks can be cooler than '
        f'{plan.floor_celsius:.1f} °C.',
        f'Below {settings.switch_temperature:g} °C they sustain {sustainable:.2f} sticks at full '
        f'speed, that is {sustainable / question.inference_sec:.1f} frames a second.']
    wanted = f'{plan.wanted_frames_per_sec:.1f} frames a second need'
    if plan.needed_sticks is None:
        lines.append(f'{wanted} a higher limit or better cooling, or else more such sticks than '
                     'were tried.')
    else:
        lines.append(f'{wanted} {plan.needed_sticks} such sticks with cluster_size '
                     f'{plan.needed_size}.')
    return lines


def _bodies_in_words(bodies):
    if bodies is None:
        return []
    dies = [stick.body for stick in bodies.sticks if stick.body.die_rise_celsius]
    words = []
    if dies:
        rises, seconds = zip(*((die.die_rise_celsius, die.die_time_constant_sec) for die in dies))
        words.append(f'of that rise {_span(rises)} °C are those of a die in a case, with a time '
                     f'constant of {_span(seconds)} s')
    if bodies.words.text:
        words.append(f'bodies: {bodies.words.text}')
    return words


def _span(values):
    texts = [f'{value:.1f}' for value in (min(values), max(values))]
    return ' to '.join(dict.fromkeys(texts))


def _sticks_in_words(constants):
    kinds = list(dict.fromkeys(constants))
    if len(kinds) > 3:
        return f'of {len(kinds)} kinds'
    return ', '.join(
        f'{constants.count(kind)} with {kind.idle_celsius:.1f} °C idle, '
        f'{kind.rise_celsius:.1f} °C more at full load, {kind.time_constant_sec:.0f} s time '
        'constant'
        for kind in kinds)


def report_of(plan):
    """
    Return the plan as a dictionary for JSON; keys end in their units.

    A figure without a limit is null.
    """
    question = plan.question
    return {
        'format': 'ncs_cluster_detector thermal plan, version 1',
        'sticks': [vars(stick) for stick in question.constants],
        'bodies': question.bodies and {
            'words': question.bodies.words.text,
            'sticks': [{**vars(stick.body), 'cooling': stick.cooling}
                       for stick in question.bodies.sticks]},
        'cluster_size': question.size,
        'settings': vars(question.settings),
        'inference_sec': question.inference_sec,
        'input_frames_per_sec': _finite(question.frames_per_sec),
        'hours': question.hours,
        'outcomes': [{
            'policy': outcome.policy,
            'peak_celsius': round(outcome.peak_celsius, 2),
            'peaks_celsius': [round(celsius, 2) for celsius in outcome.peaks_celsius],
            'switches_per_hour': round(outcome.switches_per_hour, 2),
            'frames_per_sec': round(outcome.frames_per_sec, 3),
            'keeps_the_limit': holds(outcome, question.settings),
        } for outcome in plan.outcomes],
        'floor_celsius': round(plan.floor_celsius, 3),
        'sustainable_cluster_size': round(plan.sustainable_size, 4),
        'wanted_frames_per_sec': round(plan.wanted_frames_per_sec, 3),
        'needed_cluster_size': plan.needed_size,
        'needed_sticks': plan.needed_sticks}


def _finite(value):
    return value if math.isfinite(value) else None
