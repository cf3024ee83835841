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

"""The command ``thermal_plan``: how hot sticks get, and how many are needed."""

import argparse
from dataclasses import replace
import json
import math
from pathlib import Path
import sys

from ncs_cluster_detector.planning.fit import Fit
from ncs_cluster_detector.planning.fit import fit_constants
from ncs_cluster_detector.planning.fit import mean_constants
from ncs_cluster_detector.planning.picture import draw_plan
from ncs_cluster_detector.planning.plan import make_plan
from ncs_cluster_detector.planning.plan import MOST_STICKS
from ncs_cluster_detector.planning.plan import Question
from ncs_cluster_detector.planning.recording import read_recording
from ncs_cluster_detector.planning.table import report_of
from ncs_cluster_detector.planning.table import table_of
from ncs_cluster_detector.policy.heat_constants import Constants
from ncs_cluster_detector.policy.settings import LIMITS
from ncs_cluster_detector.policy.settings import Settings

PROGRAM = 'thermal_plan'
_STICK, _SETTINGS = Constants(), Settings()
_DEFAULT_STICKS = 5
_INFERENCE_SEC = 0.065   # MobileNet-SSD


class _Parser(argparse.ArgumentParser):

    def error(self, message):
        """End with one line; the usage is a long way to say what was wrong."""
        self.exit(2, f'{PROGRAM}: {message}; see --help\n')


def main(arguments=None):
    """
    Run the command line.

    :param arguments: list of words, by default those of the process.
    :return: the exit code: 0, or 2 with one line of text on what is wrong and what to do.
    """
    options = _parser().parse_args(arguments)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        fits, inference_sec = _fits(options)
        plan = make_plan(_question(options, fits, inference_sec))
        print('\n'.join([*_fit_lines(fits, inference_sec), *table_of(plan)]))
        _write(plan, options.out)
    except OSError as error:
        print(f'{PROGRAM}: {error.strerror or error}'
              f'{f" ({error.filename})" if error.filename else ""}; name a recording that exists '
              'with --fit, and with --out a folder that can be written', file=sys.stderr)
        return 2
    except (ImportError, ValueError) as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 2
    return 0


def _write(plan, folder):
    (folder / 'plan.json').write_text(json.dumps(report_of(plan), indent=2) + '\n',
                                      encoding='utf-8')
    draw_plan(plan, folder / 'plan.png')
    print(f'written: {folder / "plan.png"}, {folder / "plan.json"}')


def _fits(options):
    """Return the Fit of each recorded stick by number, and the time of an inference in seconds."""
    known_sec = options.inference_ms and options.inference_ms / 1000
    if options.fit is None:
        return {}, known_sec or _INFERENCE_SEC
    recording = read_recording(options.fit, known_sec)
    fits, refusals = {}, []
    for series in recording.series:
        try:
            fits[series.number] = fit_constants(series)
        except ValueError as refusal:   # of a spare that only rested, say
            refusals.append(str(refusal))
    if not fits:
        raise ValueError('; '.join(refusals))
    for refusal in refusals:
        print(f'{PROGRAM}: {refusal}; the mean of the others is taken', file=sys.stderr)
    mean = mean_constants(list(fits.values()))
    for series in recording.series:
        fits.setdefault(series.number, Fit(mean, 0.0, False, ('taken from the others',)))
    return fits, recording.inference_sec or _INFERENCE_SEC


def _fit_lines(fits, inference_sec):
    lines = []
    for number, fit in sorted(fits.items()):
        stick = fit.constants
        lines += [f'stick {number}: {stick.idle_celsius:.1f} °C idle, {stick.rise_celsius:.1f} '
                  f'°C more at full load, time constant {stick.time_constant_sec:.0f} s, fitted '
                  f'to {fit.deviation_celsius:.2f} °C', *(f'  {note}' for note in fit.notes)]
    if not lines:
        return []
    return [*lines, f'full speed: {1 / inference_sec:.1f} inferences a second; if the camera was '
            'slower than the sticks, give --inference-ms', '']


def _question(options, fits, inference_sec):
    """Return the Question: what was asked for on the command line goes before what was fitted."""
    mean = mean_constants(list(fits.values())) if fits else Constants()
    constants = [fit.constants if fit.is_sure else mean for _, fit in sorted(fits.items())]
    sticks = options.sticks or len(constants) or _DEFAULT_STICKS
    if sticks != len(constants):
        constants = [mean] * sticks
    for name, option, given in (
            ('idle_celsius', '--ambient', options.ambient),
            ('rise_celsius', '--rise', options.rise),
            ('time_constant_sec', '--time-constant', options.time_constant)):
        if given is not None:
            if len(given) not in (1, sticks):
                raise ValueError(f'{option}: {len(given)} values for {sticks} sticks; give one '
                                 'for all, or one for each')
            constants = [replace(stick, **{name: value}) for stick, value in zip(
                constants, given * sticks if len(given) == 1 else given)]
    return Question(tuple(constants), _settings(options), inference_sec,
                    options.fps or math.inf, options.hours)


def _settings(options):
    return Settings(
        cluster_size=options.cluster_size, switch_temperature=options.switch_temperature,
        cluster_switch_cycle_ms=options.cluster_switch_cycle_ms,
        resume_margin=options.resume_margin, critical_margin=options.critical_margin,
        min_dwell_ms=options.min_dwell_ms)


def _number(low, high, kind=float):
    """Return the type of an option: a number within limits."""
    def number(text):
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f'{text}: expected {low:g} to {high:g}')
        return value
    number.__name__ = 'whole number' if kind is int else 'number'
    return number


def _numbers(low, high):
    """Return the type of an option: a number within limits, or one for each stick."""
    def numbers(text):
        return [_number(low, high)(word) for word in text.split(',')]
    numbers.__name__ = 'number, or list with commas'
    return numbers


def _parser():
    parser = _Parser(
        prog=PROGRAM, description='Simulate sticks for hours with the rotation of the detector '
        'node, and tell peak temperature, switches and frames a second without rotation, with '
        'round_robin and with coolest, and how many sticks a wanted rate needs.')
    add = parser.add_argument_group(
        'the sticks', 'C,... and SEC,... are one value for all sticks, or one for each with '
        'commas').add_argument
    add('--sticks', type=_number(1, MOST_STICKS, int), metavar='NUMBER', help='how many there '
        f'are; by default as many as were recorded, or {_DEFAULT_STICKS}')
    add('--ambient', type=_numbers(-40, 150), metavar='C,...', help='temperature of an idle '
        f'stick; by default as fitted, or {_STICK.idle_celsius:g}')
    add('--rise', type=_numbers(0.1, 200), metavar='C,...', help='how far above that full load '
        f'brings it in the end; by default as fitted, or {_STICK.rise_celsius:g}')
    add('--time-constant', type=_numbers(0.1, 36000), metavar='SEC,...', help='in which it gets '
        f'63 %% of the way there; by default as fitted, or {_STICK.time_constant_sec:g}')
    add('--inference-ms', type=_number(0.1, 60000), metavar='MS', help='time of an inference at '
        f'full speed; by default as recorded, or {1000 * _INFERENCE_SEC:g}')
    add('--fit', type=Path, metavar='RECORDING', help='take temperatures and time constants from '
        'a recorded run: report.json of make run, or a bag with the Temperature topics (better '
        'with /diagnostics too)')
    add = parser.add_argument_group('the parameters of the detector node').add_argument
    add('--cluster-size', type=_number(*LIMITS['cluster_size'], int), default=2, metavar='NUMBER',
        help='sticks active at a time (%(default)s); 0 = all')
    for name, unit, meaning in (
            ('switch_temperature', 'C', 'the limit'),
            ('cluster_switch_cycle_ms', 'MS', 'time in which the whole cluster changes once; 0 = '
             'by temperature only'),
            ('min_dwell_ms', 'MS', 'least time between two changes'),
            ('resume_margin', 'C', 'a relieved stick returns so far below the limit'),
            ('critical_margin', 'C', 'so far above it a stick rests in any case')):
        default = getattr(_SETTINGS, name)
        add(f'--{name.replace("_", "-")}', type=_number(*LIMITS[name], type(default)),
            default=default, metavar=unit, help=f'{meaning} (%(default)s)')
    add = parser.add_argument_group('the plan').add_argument
    add('--fps', type=_number(0.1, 10000), metavar='RATE', help='images a second, all of which '
        'are to be inferred; by default as many as the active sticks can')
    add('--hours', type=_number(0.1, 1000), default=24.0, metavar='HOURS',
        help='to simulate (%(default)s)')
    add('--out', type=Path, default=Path('thermal_plan'), metavar='FOLDER',
        help='for plan.png and plan.json (%(default)s)')
    return parser


if __name__ == '__main__':
    sys.exit(main())
