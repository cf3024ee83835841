# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command line of ``thermal_plan``."""

import argparse
from pathlib import Path
import textwrap

from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.planning.air import IDLE_RISE_CELSIUS
from ncs_cluster_detector.planning.bodies import parse_body
from ncs_cluster_detector.planning.bodies import WORDS
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import MOST_STICKS
from ncs_cluster_detector.policy.settings import Settings

PROGRAM = 'thermal_plan'
DEFAULT_STICKS = 5
INFERENCE_SEC = 0.065   # MobileNet-SSD
# Simulating bodies in small steps takes longer, and so does choosing.
HOURS, FEWER_HOURS = 24.0, 2.0
DEFAULT_CLUSTER_SIZE = 2   # with all sticks active there would be no rotation to plan
# The parameters of the detector that a plan depends on, and their units.
_SETTINGS = {'cluster_size': 'NUMBER', 'switch_temperature': 'C', 'cluster_switch_cycle_ms': 'MS',
             'min_dwell_ms': 'MS', 'resume_margin': 'C', 'critical_margin': 'C'}
_PARAMETERS = by_name(PARAMETERS)
# The description of a parameter where that of the node names other parameters of it.
_DESCRIPTIONS = {'cluster_size': 'Sticks active at a time, the others rest; 0 = all, no rotation. '
                                 'At most --sticks.'}
_STICK = ThermalModel()
_WIDTH = max(map(len, WORDS)) + 2


class _Parser(argparse.ArgumentParser):

    def error(self, message):
        """End with one line; the usage is a long way to say what was wrong."""
        self.exit(2, f'{PROGRAM}: {message}; see --help\n')


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    words = '\n'.join(textwrap.fill(
        meaning, 96, initial_indent=f'  {usage:<{_WIDTH}}', subsequent_indent=' ' * (_WIDTH + 2))
        for usage, meaning in WORDS.items())
    parser = _Parser(
        prog=PROGRAM, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f'words of --body:\n{words}\n\nexit code: 0 whatever the verdict (plan.json has '
        'it for programs), 2 when there is no plan',
        description='Simulate sticks for hours with the rotation of the detector node, and print '
        'peak temperature,\nswitches and frames a second without rotation, with round_robin and '
        'with coolest, and how many\nsticks a wanted rate needs.')
    add = parser.add_argument_group(
        'the sticks', 'C,... and SEC,... are one value for all sticks, or one for each with '
        'commas').add_argument
    add('--sticks', type=_number(1, MOST_STICKS, int), metavar='NUMBER', help='how many there '
        f'are; by default as many as were recorded, or {DEFAULT_STICKS}')
    add('--ambient', type=_numbers(-40, 150), metavar='C,...', help='temperature of the air, in a '
        'car for instance; by default as recorded, or '
        f'{_STICK.idle_celsius - IDLE_RISE_CELSIUS:g}')
    add('--idle-rise', type=_numbers(0, 100), metavar='C,...', help='how much warmer than the air '
        f'a resting stick is; by default {IDLE_RISE_CELSIUS:g}, which is an assumption: read a '
        'stick after ten minutes of rest')
    add('--rise', type=_numbers(0.1, 200), metavar='C,...', help='how far above an idle stick '
        f'full load brings it in the end; by default as fitted, or {_STICK.rise_celsius:g}')
    add('--time-constant', type=_numbers(0.1, 36000), metavar='SEC,...', help='in which it gets '
        f'63 %% of the way there; by default as fitted, or {_STICK.time_constant_sec:g}')
    add('--inference-ms', type=_number(0.1, 60000), metavar='MS', help='time of an inference at '
        f'full speed; by default as recorded, or {1000 * INFERENCE_SEC:g}')
    add('--fit', type=Path, metavar='RECORDING', help='take temperatures and time constants from '
        'a recorded run: report.json of make run, or a bag with the Temperature topics (better '
        'with /diagnostics too)')
    add('--body', type=_body, metavar='WORDS', help='more about sticks and surroundings, with '
        'commas between, such as "die 20 5, hub 8"; see below')
    add = parser.add_argument_group('the parameters of the detector node').add_argument
    for name, unit in _SETTINGS.items():
        spec = _PARAMETERS[name]
        default = DEFAULT_CLUSTER_SIZE if name == 'cluster_size' else spec.default
        add(f'--{name.replace("_", "-")}', default=default, metavar=unit,
            type=_number(spec.low, spec.high, type(spec.default)),
            help=_DESCRIPTIONS.get(name, spec.description).replace('%', '%%') + ' (%(default)s)')
    add = parser.add_argument_group('the plan').add_argument
    add('--fps', type=_numbers(0.1, 10000), metavar='RATE,...', help='images a second, all of '
        'which are to be inferred, of the camera or of each of several; by default as many as the '
        'active sticks can')
    weights = _PARAMETERS['camera_weights']
    add('--camera-weights', type=_numbers(weights.low, weights.high), metavar='WEIGHT,...',
        help='by which several cameras share the sticks, one for each rate of --fps: twice the '
        'weight, twice the images; 0 = only what the others leave; by default 1 each')
    add('--choose', action='store_true', help='recommend cluster_size, cluster_switch_cycle_ms, '
        'switch_temperature (--switch-temperature or lower) and resume_margin for the rate of '
        '--fps, and plan with these')
    add('--hours', type=_number(0.1, 1000), metavar='HOURS', help=f'to simulate ({HOURS:g}, or '
        f'{FEWER_HOURS:g} with --body, --choose, or a die in a case in the recording)')
    add('--out', type=Path, default=Path('thermal_plan'), metavar='FOLDER',
        help='for plan.png and plan.json (%(default)s)')
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the Settings that were asked for."""
    return Settings(**{name: getattr(options, name) for name in _SETTINGS})


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
    """Return the type of an option: a number within limits, or several with commas."""
    def numbers(text):
        return [_number(low, high)(word) for word in text.split(',')]
    numbers.__name__ = 'number, or list with commas'
    return numbers


def _body(text):
    """Return the BodyWords of an option."""
    try:
        return parse_body(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
