# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Parse and check the arguments of ``check_sticks``, before anything is started."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ncs_cluster_detector.checking.environment import CannotRunError
from ncs_cluster_detector.drivers.registry import DEFAULT
from ncs_cluster_detector.drivers.registry import driver_descriptions
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.registry import WITHOUT_HARDWARE

PROGRAM = 'check_sticks'
DESCRIPTION = """
Check the sticks that are plugged in: starts, rates, killed workers, heat, unplugging. It takes
about ten minutes and writes a folder with a report to send in. Exit code: 0 = all ok, 1 =
something was not ok, or the check was stopped, 2 = it could not run.
"""
MOST_MINUTES = 240.0


class Options(NamedTuple):
    """
    What to check.

    ``graph`` is the graph file (None: the driver's built-in network), ``out`` the folder of the
    report, ``parameters`` are passed on to the node, each as ``name:=value``, and ``sdk`` is a
    folder that contains the package ``mvnc``.
    """

    driver: str
    graph: Path | None
    out: Path
    minutes_of_heat: float
    with_hands: bool
    quick: bool
    parameters: tuple[str, ...] = ()
    sdk: Path | None = None


class _Parser(argparse.ArgumentParser):

    def error(self, message):
        """Complain in one line, without the long usage."""
        raise CannotRunError(f'{message}; --help lists the options')


def parse(arguments: Sequence[str] | None) -> Options:
    """
    Return the Options in a list of command line arguments.

    :raises CannotRunError: an argument is wrong.
    """
    parser = _Parser(prog=PROGRAM, description=DESCRIPTION)
    add = parser.add_argument
    add('--graph', type=Path, metavar='FILE', help='the network as mvNCCompile of NCSDK 2 wrote '
        'it; the one that the robot uses')
    add('--out', type=Path, metavar='DIR', help='folder of the report (check-sticks-<date>)')
    add('--driver', choices=tuple(DRIVERS), default=DEFAULT,
        help=f'what drives the sticks: {driver_descriptions()}; {WITHOUT_HARDWARE} = a dry run '
        'without sticks (default: %(default)s)')
    add('--minutes-of-heat', type=float, metavar='N', help='minutes at full load, a third of '
        'which is added for rest (default: 3; with --quick 0.3)')
    add('--no-hands', action='store_true', help='leave out the steps that need hands: '
        'unplug and replug')
    add('--quick', action='store_true', help='a short variant, about a minute')
    add('--mvnc', type=Path, metavar='DIR', help='with driver mvnc: folder with the '
        "Python package 'mvnc' of NCSDK 2, if it is not found by itself")
    add('-p', '--param', action='append', default=[], metavar='NAME:=VALUE',
        help='a parameter of the detector node, as in ros2 run, such as firmware:=FILE')
    given = parser.parse_args(arguments)
    minutes = given.minutes_of_heat
    if minutes is None:
        minutes = 0.3 if given.quick else 3.0
    if not 0 <= minutes <= MOST_MINUTES:
        parser.error(f'--minutes-of-heat {minutes:g}: expected 0 to {MOST_MINUTES:g}')
    for parameter in given.param:
        if ':=' not in parameter:
            parser.error(f'-p {parameter}: expected name:=value')
    if given.mvnc is not None and not (given.mvnc / 'mvnc').is_dir():
        parser.error(f"--mvnc {given.mvnc}: there is no folder 'mvnc' in it")
    out = given.out or Path(f'check-sticks-{datetime.now():%Y-%m-%d-%H%M}')
    _check_graph(given.driver, given.graph)
    return Options(given.driver, given.graph, out, minutes, not given.no_hands, given.quick,
                   tuple(given.param), given.mvnc)


def _check_graph(driver, graph):
    if graph is None:
        if not DRIVERS[driver].default_graph:
            raise CannotRunError(
                'no graph; name the network that mvNCCompile wrote, with --graph FILE (with make: '
                f'GRAPH=FILE), or try --driver {WITHOUT_HARDWARE}')
        return
    built_in = DRIVERS[driver].built_in_graphs
    if str(graph) in built_in:
        return
    try:
        is_empty = not graph.read_bytes()[:1]
    except OSError as error:
        names = f', or one of {", ".join(built_in)}' if built_in else ''
        raise CannotRunError(f'--graph {graph}: {error.strerror}; name a file that can be '
                             f'read{names}') from None
    if is_empty:
        raise CannotRunError(f'--graph {graph}: the file is empty; expected what mvNCCompile of '
                             'NCSDK 2 writes')
