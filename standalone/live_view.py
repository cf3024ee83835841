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

"""Turns the state of a run into lines of text: a picture for a terminal, or one plain line."""

from typing import NamedTuple
from typing import Optional

from run_state import ERROR
from run_state import OK

COLDEST_CELSIUS = 20.0
DEGREES_ABOVE_THRESHOLD = 10.0
ASSUMED_THRESHOLD_CELSIUS = 65.0
EIGHTHS = ' ▏▎▍▌▋▊▉█'
LEAST_BAR = 8
# What is to be done about a stick, in place of a bar of the temperature that it does not tell.
REMEDIES = {'DEAD': 'unplug it, plug it in', 'ABSENT': 'plug it in', 'FATAL': 'replug it'}
NUMBERS_FROM_WIDTH = 64
# Cells of a stick's line beside its bar, and of the part that a narrow terminal lacks.
OTHER_CELLS, NUMBER_CELLS = 36, 19
PLAIN, DIM, BOLD, GREEN, AMBER, RED, CYAN = '', '2', '1', '32', '33', '31', '36'


class Facts(NamedTuple):
    """What is shown beside the state: source, seconds run, their limit, the monotonic clock."""

    source: str
    run_sec: float
    limit_sec: Optional[float]
    now: float


class Style(NamedTuple):
    """What the terminal can show."""

    colour: bool = True
    unicode: bool = True


def render(state, facts, columns, rows, style):
    """
    Return the picture as lines.

    :param state: the RunState.
    :param facts: the Facts.
    :param columns: width of the terminal; no line is wider (escape sequences not counted).
    :param rows: height of the terminal; there is always one line less.
    :param style: the Style.
    """
    head = [_title(state, facts, columns)]
    head += _cluster_lines(state, facts)
    foot = [_seen(state)]
    table = _stick_lines(state, columns, rows - 1 - len(head) - len(foot), style)
    gaps = rows - 1 - len(head) - len(foot) - len(table)
    lines = head[:1] + [[]] * (gaps > 0) + head[1:] + [[]] * (gaps > 1) + table
    lines += [[]] * (gaps > 2) + foot
    return [_fit(line, columns, style) for line in lines[:rows - 1]]


def _title(state, facts, columns):
    what = f' {len(state.sticks)} simulated sticks on ' if state.sticks else ' starting on '
    time_run = f'{facts.run_sec:.0f} s'
    if facts.limit_sec is not None:
        time_run = f'{facts.run_sec:.0f} of {facts.limit_sec:g} s'
    end = f'   {time_run}   Ctrl-C stops'
    room = max(columns - len(what) - len(end), 0)
    source = facts.source
    if len(source) > room:
        source = source[:max(room - 1, 0)] + '…'
    return [(what + source, BOLD), (' ' * (room - len(source)), PLAIN), (end, DIM)]


def _cluster_lines(state, facts):
    cluster = state.cluster
    if cluster is None:
        return [[(' waiting for the nodes', DIM)]]
    lines = [
        [(' input ', DIM), (f'{_one(cluster.input_fps):>4}', BOLD), (' fps   detection ', DIM),
         (f'{_one(cluster.detection_fps):>4}', BOLD), (' fps   latency ', DIM),
         (f'{_whole(cluster.latency_p50_ms)} / {_whole(cluster.latency_p95_ms)}', BOLD),
         (' ms (p50 / p95)', DIM)],
        [(' active ', DIM), (','.join(map(str, cluster.active)) or 'none', BOLD),
         (f' ({len(cluster.active)} of {len(state.sticks)})   frames dropped ', DIM),
         (str(cluster.dropped), BOLD)],
        [(' switches ', DIM), (str(cluster.switches), BOLD)]]
    if state.switched_at is not None:
        lines[-1] += [('   last: ', DIM), (cluster.reason or 'no reason given', PLAIN),
                      (f', {facts.now - state.switched_at:.0f} s ago', DIM)]
    for who, status in (('detector', cluster), ('camera', state.camera)):
        if status is not None and status.level != OK:
            lines.append([(f' {who}: {status.message}', _level_colour(status.level))])
    return lines


def _stick_lines(state, columns, room, style):
    """Return a headline and a line for each stick, active ones first when there is no room."""
    sticks = state.sticks
    if not sticks or room < 2:
        return []
    hidden = len(sticks) - (room - 1)
    if hidden > 0:
        hidden += 1   # the line that says so takes one more
        shown = sorted(sticks, key=lambda stick: not stick.active)[:len(sticks) - hidden]
        sticks = sorted(shown, key=lambda stick: stick.number)
    threshold = state.threshold_celsius()
    top = (threshold or ASSUMED_THRESHOLD_CELSIUS) + DEGREES_ABOVE_THRESHOLD
    with_numbers = columns >= NUMBERS_FROM_WIDTH
    bar = max(columns - OTHER_CELLS - NUMBER_CELLS * with_numbers, LEAST_BAR)
    mark = None if threshold is None else _mark(threshold, top, bar)
    label = '' if threshold is None else f'{threshold:g} °C'
    room = (bar if mark is None else mark) - len(label) + 1
    scale = f'{COLDEST_CELSIUS:g}'.ljust(room)[:room] + label
    head = f'{" stick  state":<26}{scale:<{bar + 2}}{"°C":>8}'
    lines = [[(head + f'{"duty":>7}{"inferences":>12}' * with_numbers, DIM)]]
    for stick in sticks:
        colour = _stick_colour(stick, state)
        number = (f' {stick.number:>4}   ', BOLD if stick.active else DIM)
        line = [number, _words_for(stick, colour)]
        line += _bar(stick.celsius, top, bar, mark, colour or DIM, style,
                     REMEDIES.get(stick.state, ''))
        line.append((f'{_one(stick.celsius):>8}', colour))
        if with_numbers:
            duty = '?' if stick.duty is None else f'{stick.duty * 100:.0f} %'
            line.append((f'{duty:>7}{stick.inferences:>12}', PLAIN if stick.active else DIM))
        lines.append(line)
    if hidden > 0:
        lines.append([(f' and {hidden} more: make the terminal higher', DIM)])
    return lines


def _words_for(stick, colour):
    duty = 'active' if stick.active else 'resting'
    if stick.state != 'RUNNING':
        return f'{stick.state:<9}{"":<9}', RED
    return f'{stick.state:<9}{duty:<9}', colour


def _stick_colour(stick, state):
    critical = state.critical_celsius()
    if stick.celsius is not None and critical is not None and stick.celsius >= critical:
        return RED
    if stick.level != OK:
        return _level_colour(stick.level)
    return GREEN if stick.active else PLAIN


def _level_colour(level):
    return RED if level >= ERROR else AMBER


def _mark(threshold, top, bar):
    """Return the cell, 0 to bar - 1, in which the threshold lies."""
    share = (threshold - COLDEST_CELSIUS) / (top - COLDEST_CELSIUS)
    return min(max(int(share * bar), 0), bar - 1)


def _bar(celsius, top, bar, mark, colour, style, words):
    """Return a temperature as a bar of so many cells, with the mark in it, or words in it."""
    share = 0.0 if celsius is None else (celsius - COLDEST_CELSIUS) / (top - COLDEST_CELSIUS)
    eighths = round(min(max(share, 0.0), 1.0) * bar * 8)
    if style.unicode:
        cells = '█' * (eighths // 8) + EIGHTHS[eighths % 8].strip()
        left, right, line = '▕', '▏', '│'
    else:
        cells = '#' * (eighths // 8)
        left, right, line = '[', ']', '|'
    cells = cells.ljust(bar)
    if words:
        cells, mark = f' {words}'[:bar].ljust(bar), None
    if mark is None:
        return [(left, DIM), (cells, colour), (right, DIM)]
    return [(left, DIM), (cells[:mark], colour), (line, AMBER), (cells[mark + 1:], colour),
            (right, DIM)]


def _seen(state):
    if state.first_detection_at is None:
        return [(' seen ', DIM), ('no detections yet', DIM)]
    return [(' seen ', DIM), (words(state.newest) or 'nothing', CYAN if state.newest else DIM)]


def words(detections):
    """Return detections in words, such as ``person 87 %, person 64 %``."""
    return printable(', '.join(
        f'{found.label} {found.score * 100:.0f} %' for found in detections))


def printable(text):
    """Return a text without anything that a terminal would take for a command."""
    return ''.join(letter if letter.isprintable() else '?' for letter in text)


def plain_line(state, facts):
    """Return the same in one line, for a log or a terminal that cannot redraw."""
    cluster = state.cluster
    if cluster is None:
        return f'starting for {facts.run_sec:.1f} s'
    sticks = ' '.join(f'{stick.number}{"*" if stick.active else ""}:{_one(stick.celsius)}'
                      + ('' if stick.state == 'RUNNING' else f'({stick.state})')
                      for stick in state.sticks)
    line = (f'{facts.run_sec:5.1f} s  in {_one(cluster.input_fps)} fps  '
            f'out {_one(cluster.detection_fps)} fps  '
            f'latency {_whole(cluster.latency_p50_ms)}/{_whole(cluster.latency_p95_ms)} ms  '
            f'dropped {cluster.dropped}  switches {cluster.switches}  °C (* active) {sticks}  '
            f'seen {words(state.newest) or "nothing"}')
    if cluster.level != OK:
        line += f'  {"ERROR" if cluster.level >= ERROR else "WARN"} {cluster.message}'
    return line


def _one(value):
    return '?' if value is None else f'{value:.1f}'


def _whole(value):
    return '?' if value is None else f'{value:.0f}'


def _fit(segments, columns, style):
    """Return segments of (text, colour) as one line, cut at the width."""
    parts, room = [], columns
    for text, colour in segments:
        text = printable(text)[:room]
        room -= len(text)
        if not style.unicode:
            text = text.replace('°C', ' C').replace('…', '.').encode('ascii', 'replace').decode()
        parts.append(f'\033[{colour}m{text}\033[0m' if colour and style.colour and text else text)
    return ''.join(parts).rstrip()
