# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The plan, and the choice of settings, as text for people and for programs."""

import math
from typing import Any

from ncs_cluster_detector.planning.air import span
from ncs_cluster_detector.planning.cameras import lines_of_cameras
from ncs_cluster_detector.planning.cameras import report_of_cameras
from ncs_cluster_detector.planning.cameras import report_of_shares
from ncs_cluster_detector.planning.choose import Choice
from ncs_cluster_detector.planning.choose import RESERVE
from ncs_cluster_detector.planning.plan import holds
from ncs_cluster_detector.planning.plan import Outcome
from ncs_cluster_detector.planning.plan import Plan
from ncs_cluster_detector.planning.plan import reaches
from ncs_cluster_detector.policy.settings import MOST_STICKS

_TITLES = {
    'cluster_switch_cycle_ms': 'cluster_switch_cycle_ms at the highest limit',
    'resume_margin': 'resume_margin, each with the coolest limit that gives the rate'}
_SETTINGS = 'cluster_size', 'cluster_switch_cycle_ms', 'switch_temperature', 'resume_margin'


def table_of(plan: Plan) -> list[str]:
    """Return the plan as a table and a few sentences, in lines of text."""
    question = plan.question
    rows = [('policy', 'peak', 'switches an hour', 'frames a second', 'verdict')]
    rows += [(outcome.policy, f'{outcome.peak_celsius:.1f} °C',
              f'{outcome.switches_per_hour:.0f}', f'{outcome.frames_per_sec:.1f}',
              verdict(plan, outcome)) for outcome in plan.outcomes]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [f'{question.size} of {len(question.constants)} sticks active, '
             f'{_sticks_in_words(question.constants)}; limit '
             f'{question.settings.switch_temperature:g} °C',
             *([question.air.in_words()] if question.air else []),
             *_bodies_in_words(question.bodies), '']
    for row in rows:
        policy, *figures, last = row
        cells = [policy.ljust(widths[0])] + [
            figure.rjust(width) for figure, width in zip(figures, widths[1:-1])]
        lines.append('  '.join([*cells, last]))
    best = plan.outcomes[-1]
    return lines + ['', *_sentences(plan), *lines_of_cameras(
        question.cameras, best.policy, best.frames_per_sec)]


def verdict(plan: Plan, outcome: Outcome) -> str:
    """Return in words whether an outcome keeps to the limit, and gives the wanted rate."""
    is_cool = holds(outcome, plan.question.settings)
    if reaches(outcome, plan.wanted_frames_per_sec):
        return 'cool enough and fast enough' if is_cool else 'too hot'
    return (f'{"cool enough, but" if is_cool else "too hot, and"} {outcome.frames_per_sec:.1f} of '
            f'{plan.wanted_frames_per_sec:.1f} frames/s')


def _sentences(plan):
    question = plan.question
    sustainable = plan.sustainable_size
    most = min(plan.wanted_frames_per_sec, question.size / question.inference_sec)
    return [
        f'At {most:.1f} frames a second no rotation of these sticks can be cooler than '
        f'{plan.floor_celsius:.1f} °C.',
        f'Below {question.settings.switch_temperature:g} °C they sustain {sustainable:.2f} sticks '
        f'at full speed, that is {sustainable / question.inference_sec:.1f} frames a second.',
        f'{plan.wanted_frames_per_sec:.1f} frames a second need {_needs(plan)}.{_to_do(plan)}']


def _needs(plan):
    """Return in words what the wanted rate needs."""
    if plan.needed_size > MOST_STICKS:
        return (f'{plan.needed_size} sticks at full speed, and a cluster has {MOST_STICKS} at '
                'most: a lower rate, or a faster network')
    if plan.sustainable_size <= 0:
        return 'a limit that is above what idle sticks have, or cooler air'
    if plan.needed_sticks is None:
        return (f'cluster_size {plan.needed_size}, and a higher limit or better cooling, or else '
                'more such sticks than were tried')
    return (f'{plan.needed_sticks} such {"stick" if plan.needed_sticks == 1 else "sticks"} with '
            f'cluster_size {plan.needed_size}')


def _to_do(plan):
    """Return a sentence on what to change for that, or on what is more than needed."""
    question, needed, size = plan.question, plan.needed_sticks, plan.needed_size
    have, best = len(question.constants), plan.outcomes[-1]
    if needed is None:
        return ''
    is_enough = holds(best, question.settings) and reaches(best, plan.wanted_frames_per_sec)
    resize = f'set cluster_size to {size}' if size != question.size else ''
    if is_enough and needed > have:   # when all work, no turns raise the peaks
        return f' The {have} that there are do with cluster_size {question.size}.'
    if is_enough:
        return f' There are {have}, and cluster_size {size} is enough.' if resize else ''
    if needed > have:
        add = f'add {needed - have}' + (f' and {resize}' if resize else '')
        return f' There are {have}: {add}.'
    return f' There are {have}: {resize or "cool better those that get hotter than the mean"}.'


def _bodies_in_words(bodies):
    if bodies is None:
        return []
    dies = [stick.body for stick in bodies.sticks if stick.body.die_rise_celsius]
    words = []
    if dies:
        rises, seconds = zip(*((die.die_rise_celsius, die.die_time_constant_sec) for die in dies))
        words.append(f'of that rise {span(rises)} °C are those of a die in a case, with a time '
                     f'constant of {span(seconds)} s')
    if bodies.words.text:
        words.append(f'bodies: {bodies.words.text}')
    return words


def _sticks_in_words(constants):
    kinds = list(dict.fromkeys(constants))
    if len(kinds) > 3:
        return f'of {len(kinds)} kinds'
    return ', '.join(
        f'{constants.count(kind)} with {kind.idle_celsius:.1f} °C idle, '
        f'{kind.rise_celsius:.1f} °C more at full load, {kind.time_constant_sec:.0f} s time '
        'constant'
        for kind in kinds)


def report_of(plan: Plan) -> dict[str, Any]:
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
        'air': question.air and vars(question.air),
        'cluster_size': question.size,
        'settings': vars(question.settings),
        'inference_sec': question.inference_sec,
        'input_frames_per_sec': (
            question.frames_per_sec if math.isfinite(question.frames_per_sec) else None),
        **report_of_cameras(question.cameras),
        'hours': question.hours,
        'outcomes': [{
            'policy': outcome.policy,
            'peak_celsius': round(outcome.peak_celsius, 2),
            'peaks_celsius': [round(celsius, 2) for celsius in outcome.peaks_celsius],
            'switches_per_hour': round(outcome.switches_per_hour, 2),
            'frames_per_sec': round(outcome.frames_per_sec, 3),
            **report_of_shares(question.cameras, outcome.frames_per_sec),
            'keeps_the_limit': holds(outcome, question.settings),
            'reaches_the_rate': reaches(outcome, plan.wanted_frames_per_sec),
            'verdict': verdict(plan, outcome),
        } for outcome in plan.outcomes],
        'floor_celsius': round(plan.floor_celsius, 3),
        'sustainable_cluster_size': round(plan.sustainable_size, 4),
        'wanted_frames_per_sec': round(plan.wanted_frames_per_sec, 3),
        'needed_cluster_size': plan.needed_size,
        'needed_sticks': plan.needed_sticks}


def lines_of_choice(choice: Choice, plan: Plan) -> list[str]:
    """Return a Choice as lines of text; ``plan`` is the Plan with the recommended settings."""
    lines = ['', f'Choosing for {choice.wanted_frames_per_sec:.1f} frames a second, simulated '
             f'with {RESERVE - 1:.0%} more heat than the sticks have, to have that to spare:']
    for name, candidates in choice.tables:
        lines += ['', f'{_TITLES[name]}:', *_candidates(name, candidates, choice.recommended)]
    lines += [
        '', 'A change of sticks costs no frame, but two temperature swings: one stick warms, the '
        'other cools.', 'Solder joints age with each swing, and more with a higher one. Short '
        'cycles: many small swings; long ones: few, high and hot.', '',
        *_choice_in_words(choice, plan),
        f'recommended: {_arguments(choice.recommended.settings)}']
    return lines


def _choice_in_words(choice, plan):
    found, wanted = choice.as_they_are, choice.wanted_frames_per_sec
    what = (f'{found.frames_per_sec:.1f} frames a second, peak {found.peak_celsius:.1f} °C, '
            f'{found.switches_per_hour:.0f} switches an hour')
    if choice.is_enough:
        return [f'With the settings below, and the heat that the sticks have: {what}.']
    if choice.gives_rate:
        return [f'The rate is reached with nothing to spare: {what}; on a warm day it is less.']
    limit = found.settings.switch_temperature
    cooling = ', or better cooling' if plan.needed_sticks else ''
    return [f'{wanted:.1f} frames a second cannot be had within {limit:g} °C. The most is '
            f'about {what}.', f'It takes {_needs(plan)}{cooling}.']


def _candidates(name, candidates, recommended):
    rows = [(name, 'limit', 'peak', 'swing', 'switches an hour', 'frames a second')]
    rows += [(f'{getattr(each.settings, name):g}', f'{each.settings.switch_temperature:g} °C',
              f'{each.peak_celsius:.1f} °C', f'{each.swing_celsius:.1f} °C',
              f'{each.switches_per_hour:.0f}', f'{each.frames_per_sec:.1f}')
             for each in candidates]
    widths = [max(map(len, column)) for column in zip(*rows)]
    chosen = [''] + ['  <' if getattr(each.settings, name) == getattr(recommended.settings, name)
                     else '' for each in candidates]
    return ['  '.join(cell.rjust(width) for cell, width in zip(row, widths)) + mark
            for row, mark in zip(rows, chosen)]


def _arguments(settings):
    """Return the chosen settings as arguments of the detector node."""
    return '--ros-args ' + ' '.join(
        f'-p {name}:={value}' for name, value in _chosen(settings).items())


def _chosen(settings):
    return {name: getattr(settings, name) for name in _SETTINGS}


def report_of_choice(choice: Choice) -> dict[str, Any]:
    """Return a Choice as a dictionary for JSON; keys end in their units."""
    return {
        'wanted_frames_per_sec': choice.wanted_frames_per_sec,
        'heat_reserve': round(RESERVE - 1.0, 3),
        'is_enough_with_reserve': choice.is_enough,
        'is_enough': choice.gives_rate,
        'recommended': _chosen(choice.recommended.settings),
        'arguments': _arguments(choice.recommended.settings),
        'as_they_are': _figures(choice.as_they_are),
        'candidates': [_figures(each) for _, candidates in choice.tables for each in candidates]}


def _figures(candidate):
    return {**_chosen(candidate.settings),
            'peak_celsius': round(candidate.peak_celsius, 2),
            'swing_celsius': round(candidate.swing_celsius, 2),
            'switches_per_hour': round(candidate.switches_per_hour, 1),
            'frames_per_sec': round(candidate.frames_per_sec, 2)}
