# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command ``thermal_plan``: how hot sticks get, and how many are needed."""

from collections.abc import Sequence
from dataclasses import replace
import json
import math
import sys

from ncs_cluster_detector.planning import table
from ncs_cluster_detector.planning.air import put_into_air
from ncs_cluster_detector.planning.bodies import bodies_of
from ncs_cluster_detector.planning.bodies import BodyWords
from ncs_cluster_detector.planning.cameras import CameraRate
from ncs_cluster_detector.planning.choose import choose
from ncs_cluster_detector.planning.fitting.fit import Fit
from ncs_cluster_detector.planning.fitting.fit import fit_constants
from ncs_cluster_detector.planning.fitting.fit import mean_constants
from ncs_cluster_detector.planning.fitting.fit import mean_die
from ncs_cluster_detector.planning.fitting.recording import read_recording
from ncs_cluster_detector.planning.options import DEFAULT_STICKS
from ncs_cluster_detector.planning.options import FEWER_HOURS
from ncs_cluster_detector.planning.options import HOURS
from ncs_cluster_detector.planning.options import INFERENCE_SEC
from ncs_cluster_detector.planning.options import make_parser
from ncs_cluster_detector.planning.options import PROGRAM
from ncs_cluster_detector.planning.options import settings_of
from ncs_cluster_detector.planning.picture import draw_plan
from ncs_cluster_detector.planning.plan import make_plan
from ncs_cluster_detector.planning.plan import Question
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.processes.process_start import as_command


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :param arguments: by default those of the process.
    :return: the exit code: 0, or 2 with one line of text on what is wrong and what to do.
    """
    options = make_parser().parse_args(arguments)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        fits, inference_sec = _fits(options)
        question = _question(options, fits, inference_sec)
        choice = choose(question) if options.choose else None
        if choice:
            question = replace(question, settings=choice.recommended.settings)
        plan = make_plan(question)
        # The files come first: nobody has to read all of the table.
        written = _write(plan, choice, options.out)
        lines = [*_fit_lines(fits, inference_sec), *table.table_of(plan),
                 *(table.lines_of_choice(choice, plan) if choice else ()), written]
    except OSError as error:
        print(f'{PROGRAM}: {error.strerror or error}'
              f'{f" ({error.filename})" if error.filename else ""}; name a recording that exists '
              'with --fit, and with --out a folder that can be written', file=sys.stderr)
        return 2
    except (ImportError, ValueError) as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 2
    print('\n'.join(lines))
    return 0


def _write(plan, choice, folder):
    report = table.report_of(plan)
    if choice:
        report['choice'] = table.report_of_choice(choice)
    (folder / 'plan.json').write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
    draw_plan(plan, folder / 'plan.png')
    return f'written: {folder / "plan.png"}, {folder / "plan.json"}'


def _fits(options):
    """Return the Fit of each recorded stick by number, and the time of an inference in seconds."""
    known_sec = options.inference_ms and options.inference_ms / 1000
    if options.fit is None:
        return {}, known_sec or INFERENCE_SEC
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
    mean = Fit(mean_constants(fits.values()), 0.0, False, ('taken from the others',))
    return ({series.number: fits.get(series.number, mean) for series in recording.series},
            recording.inference_sec or INFERENCE_SEC)


def _fit_lines(fits, inference_sec):
    lines = []
    for number, fit in fits.items():
        stick = fit.constants
        lines += [f'stick {number}: {stick.idle_celsius:.1f} °C idle, {stick.rise_celsius:.1f} '
                  f'°C more at full load, time constant {stick.time_constant_sec:.0f} s, fitted '
                  f'to {fit.deviation_celsius:.2f} °C', *(f'  {note}' for note in fit.notes)]
    if not lines:
        return []
    return [*lines, f'full speed: {1 / inference_sec:.1f} inferences a second; if the camera was '
            'slower than the sticks, give --inference-ms', '']


def _question(options, fits, inference_sec):
    """Return the Question: the command line goes before the fit."""
    if options.choose and not options.fps:
        raise ValueError('--choose: settings are chosen for a wanted rate; give --fps')
    cameras = _cameras(options.fps or [], options.camera_weights)
    mean = mean_constants(fits.values()) if fits else ThermalModel()
    constants = [fit.constants if fit.is_sure else mean for fit in fits.values()]
    dies = [fit.die and (fit.die.rise_celsius, fit.die.time_constant_sec)
            for fit in fits.values()]
    sticks = options.sticks or len(constants) or DEFAULT_STICKS
    if sticks != len(constants):
        constants, dies = [mean] * sticks, [mean_die(fits.values())] * sticks
    for name, option, given in (
            ('rise_celsius', '--rise', options.rise),
            ('time_constant_sec', '--time-constant', options.time_constant)):
        if given is not None:
            constants = [replace(stick, **{name: value}) for stick, value in zip(
                constants, _for_each(option, given, sticks))]
    constants, air = put_into_air(
        constants, _for_each('--ambient', options.ambient, sticks),
        _for_each('--idle-rise', options.idle_rise, sticks), bool(fits))
    bodies = None
    if options.body or any(dies):
        bodies = bodies_of(constants, dies, options.body or BodyWords(),
                           sum(air.idle_rises) / sticks)
        constants = [stick.constants() for stick in bodies.sticks]
    hours = options.hours or (FEWER_HOURS if bodies or options.choose else HOURS)
    settings = replace(settings_of(options), camera_weights=tuple(
        camera.weight for camera in cameras))
    return Question(tuple(constants), settings, inference_sec,
                    sum(options.fps or [math.inf]), hours, bodies, air, cameras)


def _cameras(rates, weights):
    """Return the CameraRate of each of several cameras; with one there is nothing to share."""
    weights = weights or [1.0] * len(rates)
    if weights and not rates:
        raise ValueError('--camera-weights without the rates of the cameras; give also --fps with '
                         'one rate for each weight, such as --fps 30,30')
    if len(weights) != len(rates):
        raise ValueError(f'--camera-weights: {len(weights)} values for {len(rates)} rates of '
                         '--fps; give one weight for each rate')
    return tuple(map(CameraRate, rates, weights)) if len(rates) > 1 else ()


def _for_each(option, given, sticks):
    """Return the values of an option, one for each stick, or None when it was not given."""
    if given is None or len(given) == sticks:
        return given
    if len(given) != 1:
        raise ValueError(f'{option}: {len(given)} values for {sticks} sticks; give one for all, '
                         'or one for each')
    return given * sticks


if __name__ == '__main__':
    sys.exit(main())
