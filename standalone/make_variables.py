# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Refuses variables on make's command line that none of its goals takes: make ignores them.

Runs before there is an environment: standard library only.
"""

import difflib
from pathlib import Path
import sys

DEFAULT_GOAL = 'help'
WITHOUT_PYTHON = {DEFAULT_GOAL, 'clean'}   # goals that need no Python
# Variables of make itself and of the compilers that the set-up calls, and its Python.
STANDARD = ('AR', 'CC', 'CFLAGS', 'CPPFLAGS', 'CXX', 'CXXFLAGS', 'LDFLAGS', 'MAKE', 'MAKEFLAGS',
            'PYTHON', 'SHELL', 'V', 'VERBOSE')


def complaint(takes: 'dict[str, list[str]]', goals: 'list[str]', given: 'list[str]') -> str:
    """
    Return what is wrong with the variables on a command line, in one line, or an empty text.

    Unknown goals, and variables without any known goal, are left to make.

    :param takes: names of the variables that a goal takes, by goal.
    :param goals: none is the default goal.
    :param given: names of the variables.
    """
    goals = goals or [DEFAULT_GOAL]
    if takes.keys().isdisjoint(goals):
        return ''
    known = list(dict.fromkeys(name for goal in goals for name in takes.get(goal, ())))
    wrong = [name for name in given if name not in (*known, *STANDARD)]
    if not wrong:
        return ''
    hints = '; '.join(f'{name}: {_hint(name, takes, known)}' for name in wrong)
    called = f'`make {" ".join(goals)}`'
    return f'{hints} ({called} takes {", ".join(known) or "no variables"})'


def _hint(name, takes, known):
    """Return what a variable may have been meant for, or which goals take it."""
    meant = _likely(name, known)
    if meant:
        return f'did you mean {meant}?'
    others = {other: goal for goal, names in takes.items() for other in names}
    takers = [f'`make {goal}`' for goal, names in takes.items() if name in names]
    if takers:
        return f'{", ".join(takers)} would take it'
    meant = _likely(name, [*others, 'PYTHON'])
    return 'not known' if not meant else f'did you mean {meant}?' if meant == 'PYTHON' else (
        f'did you mean {meant}, which `make {others[meant]}` takes?')


def _likely(name, known):
    """Return the known name that another one is likely meant for, or None."""
    upper = name.upper().replace('-', '_')
    close = difflib.get_close_matches(upper, known, n=1) or [
        one for one in known
        if one.startswith(upper) or upper.startswith(one) or one.endswith(f'_{upper}')]
    return close[0] if close else None


def other_python(venv: Path, goals: 'list[str]') -> str:
    """Return a complaint if an environment, if there is one, is of another Python, or ''."""
    marker = venv / 'pyvenv.cfg'
    if not WITHOUT_PYTHON.isdisjoint(goals or [DEFAULT_GOAL]) or not marker.is_file():
        return ''
    settings = (line.partition('=') for line in marker.read_text().splitlines())
    there = {name.strip(): value.strip() for name, _, value in settings}.get('version', '')
    this = '{}.{}'.format(*sys.version_info)
    if there.split('.')[:2] == this.split('.'):
        return ''
    return (f'PYTHON is {this}, and {venv} is of {there or "another one"}, which stays: leave '
            'PYTHON out, or `make clean` first')


def main(arguments: 'list[str]') -> None:
    """
    Print what is wrong, if anything is.

    :param arguments: ``goal: VARIABLE VARIABLE`` for each goal, ``--``, the goals of this call,
        ``--``, the names of the variables on its command line.
    """
    tables, rest = _split(arguments)
    goals, given = _split(rest)
    takes = {goal: names.split() for goal, _, names in (row.partition(':') for row in tables)}
    text = complaint(takes, goals, given)
    if not text and 'PYTHON' in given:
        text = other_python(Path('.venv'), goals)
    if text:
        print(text)


def _split(words):
    at = words.index('--')
    return words[:at], words[at + 1:]


if __name__ == '__main__':
    main(sys.argv[1:])
