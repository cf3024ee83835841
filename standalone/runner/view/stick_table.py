# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table of the live view: the state of each stick, why, and its temperature as a bar."""

from collections.abc import Collection
from itertools import compress

from ncs_cluster_detector.checking import statuses
from rich.cells import cell_len
from rich.table import Column
from rich.table import Table
from rich.text import Text
from runner.state import RunState
from runner.view.limited_table import limited_table

COLDEST_CELSIUS = 20.0
DEGREES_ABOVE_THRESHOLD = 10.0
ASSUMED_THRESHOLD_CELSIUS = 65.0
# The filling of a part of a cell, in eighths; one eighth is drawn as two, as it looks like the
# right end.
PARTS_OF_A_CELL = ' ▎▎▍▌▋▊▉'
LEAST_BAR = 8
# What to do about a stick, beside its state.
REMEDIES = {'DEAD': 'unplug it, plug it in', 'ABSENT': 'plug it in', 'FATAL': 'replug it'}
ON_THEIR_WAY = ('QUEUED', 'STARTING')   # not running, and nothing is wrong
CELSIUS, FIGURES = 7, 18   # widths of columns
# From this width on there are duty and number of inferences, and room for the longest of the
# usual reasons, so that the bars keep their width when a stick gets hot.
WIDE = 71
LONGEST_USUAL = len('resting (hot, until 37.0)')


def stick_table(state: RunState, columns: int, room: int) -> list[Table | Text]:
    """
    Return what a rich Console prints: a headline and a line for each stick.

    When there is little room, active sticks come first.

    :param columns: width of the table.
    :param room: how many lines there may be.
    """
    return limited_table(
        state.sticks, lambda sticks: _table(sticks, state, columns), columns, room,
        comes_last=lambda stick: not stick.active)


def _table(sticks, state, columns):
    is_wide = columns >= WIDE
    digits = max(len(str(stick.number)) for stick in sticks)
    names = [f'{stick.number:>{digits}} {for_terminal(stick.place)}' for stick in sticks]
    lost = {name for name, host in state.hosts.items() if not host.serves}
    room = columns - max(map(cell_len, ['stick', *names])) - 1 - CELSIUS - FIGURES * is_wide
    words = max([cell_len(words_for(stick, lost)) for stick in sticks] + [LONGEST_USUAL] * is_wide)
    bar = room - words - len(' []')
    if bar < LEAST_BAR:
        bar, words = 0, max(min(words, room), 1)
    threshold, used = state.threshold_celsius(), (True, True, bar, True, is_wide)
    mark = bar if threshold is None else int(_cells(threshold, threshold, bar))
    limit = '' if threshold is None else f'{threshold:g} °C'   # ends above its mark
    # A space before each column: a table that is told to pad its cells takes half as long again.
    table = Table(
        *compress((
            Column('stick', no_wrap=True), Column(' state', width=1 + words, no_wrap=True),
            Column(f' {COLDEST_CELSIUS:g}{limit:>{mark}}', width=bar + 3, no_wrap=True),
            Column('°C', width=CELSIUS, justify='right'),
            Column(_figures('duty', 'inferences'), width=FIGURES)), used),
        box=None, padding=0, header_style='dim')
    for stick, name in zip(sticks, names):
        colour = _colour_of(stick, state)
        duty = '?' if stick.duty is None else f'{stick.duty * 100:.0f} %'
        table.add_row(*compress((
            Text(name, 'bold' if stick.active else 'dim'),
            Text(f' {_shortened(words_for(stick, lost), words)}', colour),
            _bar(_cells(stick.celsius, threshold, bar), bar, mark, colour or 'dim'),
            Text(rounded(stick.celsius), colour),
            Text(_figures(duty, stick.inferences), '' if stick.active else 'dim')), used))
    return table


def _figures(duty, inferences):
    return f'{duty:>6}{inferences:>12}'


def words_for(stick: statuses.ReportedStick, lost_hosts: Collection[str] = ()) -> str:
    """Return what a stick does, and why or what to do about it."""
    if stick.state == 'ABSENT' and stick.host in lost_hosts:
        return 'ABSENT with its host'
    if stick.state != 'RUNNING':
        remedy = REMEDIES.get(stick.state)
        return f'{stick.state}: {remedy}' if remedy else for_terminal(stick.state)
    if stick.active:
        return 'active'
    return f'resting ({for_terminal(stick.rests)})' if stick.rests else 'resting'


def _shortened(words, room):
    """Return words without their end, or without the brackets, if there is no room."""
    first = words.partition(',')[0]
    for shorter in (words, f'{first})' if '(' in first else first):
        if cell_len(shorter) <= room:
            return shorter
    return words.partition(' (')[0]


def _colour_of(stick, state):
    critical = state.critical_celsius()
    if stick.state in ON_THEIR_WAY:
        return 'dim'
    if stick.state != 'RUNNING' or (
            stick.celsius is not None and critical is not None and stick.celsius >= critical):
        return 'red'
    if stick.level != statuses.OK:
        return level_colour(stick.level)
    return 'green' if stick.active else ''


def level_colour(level: int) -> str:
    """Return the colour of a status that is not OK."""
    return 'red' if level >= statuses.ERROR else 'yellow'


def _cells(celsius, threshold, bar):
    """Return how many cells of a bar, as a fraction, a temperature fills; none for None."""
    top = (threshold or ASSUMED_THRESHOLD_CELSIUS) + DEGREES_ABOVE_THRESHOLD
    share = ((celsius or COLDEST_CELSIUS) - COLDEST_CELSIUS) / (top - COLDEST_CELSIUS)
    return min(max(share, 0.0), 1.0) * bar


def _bar(filled, bar, mark, colour):
    """Return a bar with ``filled`` cells, and the mark in it if it is inside."""
    whole, eighths = divmod(round(filled * 8), 8)
    cells = ('█' * whole + PARTS_OF_A_CELL[eighths]).ljust(bar)
    return Text.assemble((' ▕', 'dim'), (cells[:mark], colour), ('│' * (mark < bar), 'yellow'),
                         (cells[mark + 1:bar], colour), ('▏', 'dim'))


def rounded(value: float | None, digits: int = 1) -> str:
    """Return a number as a text, or a question mark for None."""
    return '?' if value is None else f'{value:.{digits}f}'


def for_terminal(text: str) -> str:
    """Return a text without any letter that a terminal would take for a command."""
    return ''.join(letter if letter.isprintable() else '?' for letter in text)
