# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Turns the state of a run into lines of text: a picture for a terminal, or one plain line."""

from typing import NamedTuple
from typing import Optional

from runner.statuses import ERROR
from runner.statuses import OK
from runner.view.coloured_text import BOLD
from runner.view.coloured_text import CYAN
from runner.view.coloured_text import DIM
from runner.view.coloured_text import fitted
from runner.view.coloured_text import PLAIN
from runner.view.coloured_text import printable
from runner.view.coloured_text import width_of
from runner.view.coloured_text import wrapped
from runner.view.stick_table import level_colour
from runner.view.stick_table import stick_lines


class Facts(NamedTuple):
    """What is shown beside the state: source, seconds run, their limit, the monotonic clock."""

    source: str
    run_sec: float
    limit_sec: Optional[float]
    now: float


def render(state, facts, columns, rows, style):
    """
    Return the picture as lines.

    What has no room is left out: sticks first, then figures; complaints come before both.

    :param state: the RunState.
    :param facts: the Facts.
    :param columns: width of the terminal; no line is wider (escape sequences not counted).
    :param rows: height of the terminal; there is always one line less.
    :param style: the Style.
    """
    room = rows - 1
    title = _title(state, facts, columns)
    complaints = _wrap(_complaints(state), columns)
    figures = _wrap(_figures(state, facts), columns)[:max(room - len(title) - len(complaints), 0)]
    foot = [_seen(state, columns)]
    room -= len(title) + len(figures) + len(complaints) + len(foot)
    table = stick_lines(state, columns, room, style)
    gaps = room - len(table)
    lines = title + [[]] * (gaps > 0) + figures + complaints + [[]] * (gaps > 1) + table
    lines += [[]] * (gaps > 2) + foot
    return [fitted(line, columns, style) for line in lines[:rows - 1]]


def _wrap(lines, columns):
    return [part for line in lines for part in wrapped(line, columns)]


def _title(state, facts, columns):
    sticks = len(state.sticks)
    what = f' {sticks} simulated stick{"s" * (sticks != 1)} on ' if sticks else ' starting on '
    time_run = f'{facts.run_sec:.0f} s'
    if facts.limit_sec is not None:
        time_run = f'{facts.run_sec:.0f} of {facts.limit_sec:g} s'
    begin, end = [(what + facts.source, BOLD)], [(f'   {time_run}   Ctrl-C stops', DIM)]
    room = columns - width_of(begin) - width_of(end)
    return wrapped(begin + [(' ' * max(room, 0), PLAIN)] + end, columns)


def _figures(state, facts):
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
    return lines


def _complaints(state):
    return [[(f' {who}: {status.message}', level_colour(status.level))]
            for who, status in (('detector', state.cluster), ('camera', state.camera))
            if status is not None and status.level != OK]


def _seen(state, columns):
    """Return the newest detections in one line; of many the best, and how many more there are."""
    if state.first_detection_at is None:
        return [(' seen ', DIM), ('no detections yet', DIM)]
    for hidden in range(len(state.newest) + 1):
        shown = state.newest[:len(state.newest) - hidden]
        text = words(shown) or ('nothing' if not hidden else f'{hidden} objects')
        if shown and hidden:
            text += f' and {hidden} more'
        if len(' seen ' + text) <= columns:
            break
    return [(' seen ', DIM), (text, CYAN if state.newest else DIM)]


def words(detections):
    """Return detections in words, such as ``person 87 %, person 64 %``."""
    return printable(', '.join(
        f'{found.label} {found.score * 100:.0f} %' for found in detections))


def ports_line(state):
    """Return the USB port of each stick in one line, or an empty text."""
    ports = ' '.join(f'{stick.number}={stick.port}' for stick in state.sticks)
    return ports and f'sticks and their USB ports: {ports}'


def plain_line(state, facts):
    """Return the same in one line, for a log or a terminal that cannot redraw."""
    cluster = state.cluster
    if cluster is None:
        return f'starting for {facts.run_sec:.1f} s'
    sticks = ' '.join(f'{stick.number}{"*" if stick.active else ""}:{_one(stick.celsius)}'
                      + _remark(stick) for stick in state.sticks)
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


def _remark(stick):
    """Return what a plain line says of a stick that does not just take its turn."""
    if stick.state != 'RUNNING':
        return f'({stick.state})'
    return '' if stick.rests in ('', 'turn') else f'({stick.rests.partition(",")[0]})'
