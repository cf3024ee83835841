# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The arguments of a soak, checked before anything is started."""

from collections.abc import Sequence
import math
from pathlib import Path
import random
import re
from typing import NamedTuple

from runner import values
from runner.one_line_parser import OneLineParser
from runner.one_line_parser import refuse

PROGRAM = 'soak'
DESCRIPTION = """
Run a detector node on simulated sticks under everything at once: images of all kinds, settings
that change, faults of sticks, killed workers, cameras and subscribers that come and go, restarts.
Every image that is sent is accounted for. Exit code: 0 = all is well, 1 = something is not.
"""
DEFAULT_MINUTES, LEAST_MINUTES, MOST_MINUTES = 20.0, 0.3, 10000.0
DEFAULT_OUT = 'soak'
MOST_SEED = 10 ** 9


class Options(NamedTuple):
    """For how long to soak, which seed chooses the events, and the folder of the report."""

    minutes: float
    seed: int
    out: Path


def parse(arguments: Sequence[str]) -> Options:
    """
    Return the Options in a list of command line arguments; OUT exists afterwards.

    A wrong argument ends the program with status 2 and one line on stderr.
    """
    parser = OneLineParser(prog=PROGRAM, description=DESCRIPTION)
    add = parser.add_argument
    add('--minutes', metavar='N', default=str(DEFAULT_MINUTES),
        help=f'minutes of traffic, {LEAST_MINUTES:g} or more (without it: {DEFAULT_MINUTES:g}); '
        'restarts come on top')
    add('--seed', metavar='N', help='repeats the events of an earlier soak, which printed its '
        'seed (without it: another one each time)')
    add('--out', metavar='DIR', default=DEFAULT_OUT, help='write ledger.json, timeline.png and '
        f'soak.log there (without it: {DEFAULT_OUT}; the folder is made; older ones are replaced)')
    given = parser.parse_args(arguments)
    try:
        # The folder comes last, because it is created.
        return Options(_minutes(given.minutes), _seed(given.seed), values.folder(given.out))
    except ValueError as error:
        refuse(str(error), PROGRAM)


def _minutes(text):
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise ValueError(f'MINUTES={text}: must be a number of minutes, {LEAST_MINUTES:g} to '
                         f'{MOST_MINUTES:g}; use for example MINUTES=20')
    return minutes


def _seed(text):
    if text is None:
        return random.SystemRandom().randrange(MOST_SEED)
    if not re.fullmatch('[0-9]{1,9}', text.strip()):
        raise ValueError(f'SEED={text}: must be a whole number, 0 to {MOST_SEED - 1}; take the '
                         'one that a soak printed')
    return int(text)
