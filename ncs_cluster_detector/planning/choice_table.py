# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A choice of settings as text, for people and for programs."""

from typing import Any

from ncs_cluster_detector.planning.choose import Choice
from ncs_cluster_detector.planning.choose import RESERVE
from ncs_cluster_detector.planning.plan import Plan
from ncs_cluster_detector.planning.table import needs
from ncs_cluster_detector.policy.settings import Settings

_TITLES = {
    'cluster_switch_cycle_ms': 'cluster_switch_cycle_ms at the highest limit',
    'resume_margin': 'resume_margin, each with the coolest limit that gives the rate'}
_SETTINGS = 'cluster_size', 'cluster_switch_cycle_ms', 'switch_temperature', 'resume_margin'


def lines_of_choice(choice: Choice, plan: Plan) -> list[str]:
    """Return a Choice as lines of text; ``plan`` is the Plan with the recommended settings."""
    lines = ['', f'Choosing for {choice.wanted_frames_per_sec:.1f} frames a second, simulated '
             f'with {RESERVE - 1:.0%} more heat than the sticks have, to have that to spare:']
    for name, candidates in choice.tables:
        lines += ['', f'{_TITLES[name]}:', *_table(name, candidates, choice.recommended)]
    lines += [
        '', 'A change of sticks costs no frame, but two temperature swings: one stick warms, the '
        'other cools.', 'Solder joints age with each swing, and more with a higher one. Short '
        'cycles: many small swings; long ones: few, high and hot.', '', *_verdict(choice, plan),
        f'recommended: {arguments_of(choice.recommended.settings)}']
    return lines


def _verdict(choice, plan):
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
            f'about {what}.', f'It takes {needs(plan)}{cooling}.']


def _table(name, candidates, recommended):
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


def arguments_of(settings: Settings) -> str:
    """Return the chosen settings as arguments of the detector node."""
    return '--ros-args ' + ' '.join(
        f'-p {name}:={getattr(settings, name)}' for name in _SETTINGS)


def report_of_choice(choice: Choice) -> dict[str, Any]:
    """Return a Choice as a dictionary for JSON; keys end in their units."""
    return {
        'wanted_frames_per_sec': choice.wanted_frames_per_sec,
        'heat_reserve': round(RESERVE - 1.0, 3),
        'is_enough_with_reserve': choice.is_enough,
        'is_enough': choice.gives_rate,
        'recommended': {name: getattr(choice.recommended.settings, name) for name in _SETTINGS},
        'arguments': arguments_of(choice.recommended.settings),
        'as_they_are': _figures(choice.as_they_are),
        'candidates': [_figures(each) for _, candidates in choice.tables for each in candidates]}


def _figures(candidate):
    return {**{name: getattr(candidate.settings, name) for name in _SETTINGS},
            'peak_celsius': round(candidate.peak_celsius, 2),
            'swing_celsius': round(candidate.swing_celsius, 2),
            'switches_per_hour': round(candidate.switches_per_hour, 1),
            'frames_per_sec': round(candidate.frames_per_sec, 2)}
