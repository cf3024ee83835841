# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table of the live view: what each stick does and why, and its temperature as a bar."""

from runner.statuses import ERROR
from runner.statuses import OK
from runner.view.coloured_text import AMBER
from runner.view.coloured_text import BOLD
from runner.view.coloured_text import DIM
from runner.view.coloured_text import GREEN
from runner.view.coloured_text import PLAIN
from runner.view.coloured_text import RED

COLDEST_CELSIUS = 20.0
DEGREES_ABOVE_THRESHOLD = 10.0
ASSUMED_THRESHOLD_CELSIUS = 65.0
EIGHTHS = ' ▏▎▍▌▋▊▉█'
LEAST_BAR = 8
# What is to be done about a stick, beside its state.
REMEDIES = {'DEAD': 'unplug it, plug it in', 'ABSENT': 'plug it in', 'FATAL': 'replug it'}
ON_THEIR_WAY = ('QUEUED', 'STARTING')   # not running, and nothing is wrong
# From this width on there are duty and number of inferences, and room for the longest of the
# usual reasons, so that the bars keep their width when a stick gets hot.
WIDE = 72
LONGEST_USUAL = len('resting (hot, until 37.0)')


def stick_lines(state, columns, room, style):
    """
    Return a headline and a line for each stick, active ones first when there is no room.

    :param state: the RunState.
    :param columns: width of the terminal.
    :param room: how many lines there may be.
    :param style: the Style.
    :return: list of lines, lists of pairs of text and colour.
    """
    sticks = state.sticks
    if not sticks or room < 2:
        return []
    hidden = len(sticks) - (room - 1)
    if hidden > 0:
        hidden += 1   # the line that says so takes one more
        shown = sorted(sticks, key=lambda stick: not stick.active)[:len(sticks) - hidden]
        sticks = sorted(shown, key=lambda stick: stick.number)
    layout = _Layout(sticks, state.threshold_celsius(), columns)
    lines = [[(layout.head, DIM)]]
    lines += [_line(stick, layout, _colour_of(stick, state), style) for stick in sticks]
    if hidden > 0:
        lines.append([(f' and {hidden} more: make the terminal higher', DIM)])
    return lines


class _Layout:
    """The columns of the table; ``bar`` is 0 where there is no room for one."""

    def __init__(self, sticks, threshold, columns):
        """Lay out these sticks; ``threshold`` in degrees Celsius, or None."""
        self.is_wide = columns >= WIDE
        self.number = max(len(str(stick.number)) for stick in sticks)
        self.port = max(len(stick.port) for stick in sticks)
        name = max(1 + self.number + 1 + self.port, len(' stick'))
        self.port = name - 2 - self.number
        self.celsius, self.duty, self.inferences = 7, 6 * self.is_wide, 12 * self.is_wide
        room = columns - name - 1 - self.celsius - self.duty - self.inferences
        self.words = max(len(words_for(stick)) for stick in sticks)
        if self.is_wide:
            self.words = max(self.words, LONGEST_USUAL)
        self.bar = room - self.words - len(' []')
        if self.bar < LEAST_BAR:
            self.bar, self.words = 0, min(self.words, room)
        self.top = (threshold or ASSUMED_THRESHOLD_CELSIUS) + DEGREES_ABOVE_THRESHOLD
        self.mark = None if threshold is None or not self.bar else _mark(
            threshold, self.top, self.bar)
        self.head = (f'{" stick":<{name}} {"state":<{self.words}}' + self._scale(threshold)
                     + f'{"°C":>{self.celsius}}')
        if self.is_wide:
            self.head += f'{"duty":>{self.duty}}{"inferences":>{self.inferences}}'

    def _scale(self, threshold):
        """Return the ends of the bar in words: the coldest, and the limit above its mark."""
        if not self.bar:
            return ''
        label = '' if threshold is None else f'{threshold:g} °C'
        room = max((self.bar if self.mark is None else self.mark) - len(label) + 1, 0)
        scale = f'{COLDEST_CELSIUS:g}'.ljust(room)[:room] + label
        return f' {scale:<{self.bar + 2}}'


def _line(stick, layout, colour, style):
    words = _shortened(words_for(stick), layout.words)
    name = f' {stick.number:>{layout.number}} {stick.port:<{layout.port}} '
    line = [(name, BOLD if stick.active else DIM), (f'{words:<{layout.words}}', colour)]
    if layout.bar:
        line += [(' ', PLAIN)] + _bar(
            stick.celsius, layout.top, layout.bar, layout.mark, colour or DIM, style)
    celsius = '?' if stick.celsius is None else f'{stick.celsius:.1f}'
    line.append((f'{celsius:>{layout.celsius}}', colour))
    if layout.is_wide:
        duty = '?' if stick.duty is None else f'{stick.duty * 100:.0f} %'
        line.append((f'{duty:>{layout.duty}}{stick.inferences:>{layout.inferences}}',
                     PLAIN if stick.active else DIM))
    return line


def words_for(stick):
    """Return what a stick does, and why or what is to be done about it."""
    if stick.state != 'RUNNING':
        remedy = REMEDIES.get(stick.state)
        return f'{stick.state}: {remedy}' if remedy else stick.state
    if stick.active:
        return 'active'
    return f'resting ({stick.rests})' if stick.rests else 'resting'


def _shortened(words, room):
    """Return words without their end, or without what is in brackets, where there is no room."""
    first = words.partition(',')[0]
    for shorter in (words, f'{first})' if '(' in first else first):
        if len(shorter) <= room:
            return shorter
    return words.partition(' (')[0]


def _colour_of(stick, state):
    critical = state.critical_celsius()
    if stick.state in ON_THEIR_WAY:
        return DIM
    if stick.state != 'RUNNING' or (
            stick.celsius is not None and critical is not None and stick.celsius >= critical):
        return RED
    if stick.level != OK:
        return level_colour(stick.level)
    return GREEN if stick.active else PLAIN


def level_colour(level):
    """Return the colour of a status that is not OK."""
    return RED if level >= ERROR else AMBER


def _mark(threshold, top, bar):
    """Return the cell, 0 to bar - 1, in which the threshold lies."""
    share = (threshold - COLDEST_CELSIUS) / (top - COLDEST_CELSIUS)
    return min(max(int(share * bar), 0), bar - 1)


def _bar(celsius, top, bar, mark, colour, style):
    """Return a temperature as a bar of so many cells, with the mark in it."""
    share = 0.0 if celsius is None else (celsius - COLDEST_CELSIUS) / (top - COLDEST_CELSIUS)
    eighths = round(min(max(share, 0.0), 1.0) * bar * 8)
    if style.unicode:
        cells = '█' * (eighths // 8) + EIGHTHS[eighths % 8].strip()
        left, right, line = '▕', '▏', '│'
    else:
        cells = '#' * (eighths // 8)
        left, right, line = '[', ']', '|'
    cells = cells.ljust(bar)
    if mark is None:
        return [(left, DIM), (cells, colour), (right, DIM)]
    return [(left, DIM), (cells[:mark], colour), (line, AMBER), (cells[mark + 1:], colour),
            (right, DIM)]
