# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Run a program that was written for the vendor's SDK on simulated sticks, unchanged.

The program replaces this process, so its exit code, signals and child processes work as usual.
All of its processes see the same sticks.
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields
import os
from pathlib import Path
import sys

from ncs_cluster_detector.mvnc.script import check_script
from ncs_cluster_detector.mvnc.script import run_script
from ncs_cluster_detector.processes.process_start import ends_with_its_reader
from ncs_cluster_detector.simulation.api.process_state import ENVIRONMENT_VARIABLE as BUS_VARIABLE
from ncs_cluster_detector.simulation.api.process_state import STAND_IN_VARIABLE
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.bus_spec import CHIPS
from ncs_cluster_detector.simulation.bus.bus_spec import LEFTOVERS
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks.graphs import LABEL_COUNTS

PROGRAM = 'python -m ncs_cluster_detector.simulation'
MODULES = Path(__file__).resolve().parent / 'in_place_of_sdk'

_MEANING = {
    'sticks': 'number of sticks',
    'inference_ms': 'time of an inference on the stick',
    'transfer_ms': "least time that an inference's input takes on the bus",
    'boot_ms': 'time of opening a stick; about 1400 for a real one',
    'ambient_celsius': 'temperature of a stick at rest',
    'rise_celsius': 'how much warmer a stick gets in the end under full load',
    'time_constant_sec': 'time to reach 63 percent of that',
    'die_rise_celsius': 'how much warmer the die, where the sensor is, gets than the case',
    'die_time_constant_sec': 'time to reach 63 percent of that',
    'hub_rise_celsius': 'how much warmer the hub of all sticks, and with it every stick, gets '
                        'when all work',
    'hub_time_constant_sec': 'time to reach 63 percent of that',
    'throttle_celsius': 'temperature from which a stick pauses for 0.1 s after every inference; '
                        'ten degrees above, for 10 s',
    'usb_mb_per_sec': 'capacity of the USB bus that all sticks share; 0 = no limit',
    'library_faults': "simulate two faults of the vendor's library: the 17th opening aborts a "
                      'process, and a failed boot blocks it',
    'leftovers': 'what happens to a process whose first listing finds results for a killed '
                 f'process in a stick: {", ".join(LEFTOVERS)}',
    'chip': f'chip of the sticks: {", ".join(CHIPS)}',
    'watchdog_sec': 'time after which a stick that OpenVINO has booted resets itself without a '
                    'sign of life of its process; of no effect with mvnc',
}


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line; return only if it is wrong.

    :return: exit code 2, after the usage or one line about the error on stderr.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    environment = dict(os.environ)   # before OpenCV, when it is loaded, changes it
    if options.script is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        bus = BusSpec(**{field.name: getattr(options, field.name)
                         for field in fields(BusSpec)})
        _check_stand_in(options.stand_in)
        check_script(options.script)
    except ValueError as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 2
    shared_bus = SimulatedBus(bus)
    # The program inherits the file, and keeps the process id, which is part of the path.
    os.set_inheritable(int(shared_bus.path.rpartition('/')[2]), True)
    environment[BUS_VARIABLE] = shared_bus.path
    environment[STAND_IN_VARIABLE] = options.stand_in or ''
    run_script(options.script, options.arguments, MODULES, environment)


def _check_stand_in(name):
    if name is not None and name not in LABEL_COUNTS:
        raise ValueError(f'--stand-in {name}: expected one of {", ".join(LABEL_COUNTS)}')


def _parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM, usage=f'{PROGRAM} [OPTIONS] SCRIPT [ARGUMENTS]', allow_abbrev=False,
        description='Run a Python program that was written for mvnc, the Python module of the '
                    "Neural Compute Stick's SDK, on simulated sticks.",
        epilog='A graph file for a simulated stick is an ONNX network, both files of a Caffe '
               'network in one (see docs/try.md), or a text; this makes one '
               "in the current directory: printf 'detector: people\\n' > graph")
    parser.add_argument('script', nargs='?', metavar='SCRIPT', help='the program, unchanged')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='ARGUMENTS',
                        help="the program's own")
    parser.add_argument('--stand-in', metavar='NAME',
                        help='detector (people, faces or shapes) that runs in place of graph '
                             "files compiled for the stick's chip")
    for field in fields(BusSpec):
        option = '--' + field.name.replace('_', '-')
        if field.type is bool:
            parser.add_argument(option, action='store_true', help=_MEANING[field.name])
        elif field.type is str:
            parser.add_argument(option, default=field.default, metavar='WORD',
                                help=f'{_MEANING[field.name]} (default {field.default})')
        else:
            parser.add_argument(
                option, type=field.type, default=field.default, metavar='N',
                help=f'{_MEANING[field.name]} (default {field.default:g})')
    return parser


if __name__ == '__main__':
    sys.exit(main())
