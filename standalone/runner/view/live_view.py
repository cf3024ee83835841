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

from ncs_cluster_detector.checking.statuses import ERROR
from ncs_cluster_detector.checking.statuses import OK
from rich.console import Console
from rich.text import Text
from runner.names import hosts_text
from runner.names import SIMULATED
from runner.names import sticks_text
from runner.state import RunState
from runner.view.camera_table import camera_table
from runner.view.detections_text import detections_text
from runner.view.detections_text import seen_text
from runner.view.stick_table import for_terminal
from runner.view.stick_table import level_colour
from runner.view.stick_table import rounded
from runner.view.stick_table import stick_table

GAP = '   '
# Of both tables: a headline, two lines, and how many are left out.
LEAST_TABLE = 4
ASCII = str.maketrans('▕│▏█▎▍▌▋▊▉°…', '[|]#       .')


class Facts(NamedTuple):
    """
    Facts beside the state.

    Source, seconds run, their limit, time of the monotonic clock, the driver of the sticks.
    """

    source: str
    run_sec: float
    limit_sec: float | None
    now: float
    driver: str = SIMULATED


def render(state: RunState, facts: Facts, console: Console) -> list[str]:
    """
    Return the picture as lines, each with a space before it.

    Without enough room sticks are left out first, then figures; complaints come before both.

    :param console: a rich Console, as wide and high as the picture may be; a line's space and
        escape sequences do not count.
    """
    room, width = console.height, console.width
    title = _printed(console, _title(state, facts, width))
    complaints = _printed(console, [
        Text(f'{who}: {for_terminal(status.message)}', level_colour(status.level))
        for who, status in _complaints(state)])
    figures = _printed(console, _figures(state, facts, width))
    figures = figures[:max(room - len(title) - len(complaints), 0)]
    # The table of several cameras has a column for it.
    foot = [] if state.camera_names else [_printed(console, [_seen(state, width)])]
    room -= len(title) + len(figures) + len(complaints) + sum(map(len, foot))
    tables = []
    if state.camera_names:
        tables = [_printed(console, camera_table(state, width, _room_for_cameras(state, room)))]
        room -= len(tables[0])
    tables.append(_printed(console, stick_table(state, width, room)))
    gaps = room - len(tables[-1])
    lines = title
    for gap, part in enumerate((figures + complaints, *tables, *foot)):
        lines += [''] * (gaps > gap) + part
    return lines[:console.height]


def _room_for_cameras(state, room):
    """Return how many lines the table of cameras may have, if there are few for both tables."""
    wanted = 1 + len(state.camera_names)
    left = room - min(1 + len(state.sticks), LEAST_TABLE) * bool(state.sticks)
    return left if left >= min(wanted, LEAST_TABLE) else room


def _printed(console, parts):
    """Return the lines that the console prints."""
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    text = capture.get()
    if console.options.ascii_only:
        text = text.translate(ASCII).encode('ascii', 'replace').decode()
    return [f' {line}'.rstrip() for line in text.split('\n')[:-1]]


def _title(state, facts, width):
    sticks = len(state.sticks)
    what = f'{sticks_text(sticks, facts.driver)} ' if sticks else 'starting '
    what += f'{hosts_text(len(state.host_names))}on '
    limit = '' if facts.limit_sec is None else f'of {facts.limit_sec:g} '
    begin = Text(for_terminal(what + facts.source), 'bold')
    end = Text(f'{facts.run_sec:.0f} {limit}s{GAP}Ctrl-C stops', 'dim')
    begin.pad_right(max(width - begin.cell_len - len(GAP) - end.cell_len, 0))
    return _flowing(width, begin, end)


def _figures(state, facts, width):
    cluster = state.cluster
    if cluster is None:
        return [Text('waiting for the nodes', 'dim')]
    latency = f'{rounded(cluster.latency_p50_ms, 0)} / {rounded(cluster.latency_p95_ms, 0)}'
    active = ','.join(map(str, cluster.active)) or 'none'
    switches = [_figure('switches', cluster.switches)]
    if state.switched_at is not None:
        ago = f', {facts.now - state.switched_at:.0f} s ago'
        switches.append(_figure('last:', cluster.reason or 'no reason given', ago, ''))
    groups = [
        [_figure('input', f'{rounded(cluster.input_fps):>4}', ' fps'),
         _figure('detection', f'{rounded(cluster.detection_fps):>4}', ' fps'),
         _figure('latency', latency, ' ms (p50 / p95)')],
        [_figure('active', active, f' ({len(cluster.active)} of {len(state.sticks)})'),
         _figure('frames dropped', cluster.dropped)],
        switches, _hosts(state)]
    return [line for group in groups if group for line in _flowing(width, *group)]


def _hosts(state):
    """Return a figure for each host: how many of its sticks are active."""
    return [_figure(name, *_share_of(name, state)) for name in state.host_names]


def _share_of(name, state):
    """Return how many sticks of a host are active, of how many, and the colour; or its state."""
    host, sticks = state.hosts.get(name), [one for one in state.sticks if one.host == name]
    if host is None or not host.serves:
        return host.state if host else '?', '', level_colour(host.level) if host else 'dim'
    return sum(stick.active for stick in sticks), f' of {len(sticks)} active', 'bold'


def _figure(name, value, unit='', style='bold'):
    return Text.assemble((f'{name} ', 'dim'), (for_terminal(str(value)), style), (unit, 'dim'))


def _flowing(width, *figures):
    """Return figures in lines of this width; no figure is broken."""
    lines = [figures[0]]
    for figure in figures[1:]:
        line = Text(GAP).join([lines[-1], figure])
        lines[-1:] = [line] if line.cell_len <= width else [lines[-1], figure]
    return lines


def _complaints(state):
    """Return whoever is not well, as a list of (name, status)."""
    told = [('detector', state.cluster)]
    told += [(f'camera {name}', camera) for name, camera in state.cameras.items()]
    told += state.camera_nodes.items()
    return [(who, status) for who, status in told if status is not None and status.level != OK]


def _seen(state, width):
    seen = seen_text(state.detections, width - len('seen '))
    return _figure('seen', seen.plain, style=seen.style)


def ports_line(state: RunState) -> str:
    """Return the USB port of each stick in one line, or an empty text."""
    ports = ' '.join(f'{stick.number}={stick.place}' for stick in state.sticks)
    return ports and f'sticks and their USB ports: {ports}'


def plain_line(state: RunState, facts: Facts) -> str:
    """Return the state in one line, for a log or a terminal that cannot redraw."""
    cluster = state.cluster
    if cluster is None:
        return f'starting for {facts.run_sec:.1f} s'
    sticks = ' '.join(f'{stick.number}{"*" if stick.active else ""}:{rounded(stick.celsius)}'
                      + _remark(stick) for stick in state.sticks)
    cameras = ''.join(f'{name} {_camera_figures(camera)}  '
                      for name, camera in state.cameras.items())
    hosts = ''.join(f'{name} {value}{unit}  ' for name, (value, unit, _) in (
        (name, _share_of(name, state)) for name in state.host_names))
    seen = [f'{name}: {detections_text(tally.newest) or "nothing"}'
            for name, tally in state.tallies.items()] or [
                detections_text(state.detections.newest) or 'nothing']
    line = (f'{facts.run_sec:5.1f} s  in {rounded(cluster.input_fps)} fps  '
            f'out {rounded(cluster.detection_fps)} fps  '
            f'latency {rounded(cluster.latency_p50_ms, 0)}/'
            f'{rounded(cluster.latency_p95_ms, 0)} ms  '
            f'dropped {cluster.dropped}  {cameras}{hosts}switches {cluster.switches}  '
            f'°C (* active) {sticks}  seen {"; ".join(seen)}')
    for who, status in _complaints(state):
        if status is cluster or state.camera_names:
            whose = '' if status is cluster else f'{who}: '
            line += f'  {"ERROR" if status.level >= ERROR else "WARN"} {whose}' \
                    f'{for_terminal(status.message)}'
    return line


def _camera_figures(camera):
    return (f'{rounded(camera.input_fps)}>{rounded(camera.detection_fps)} fps '
            f'{rounded(camera.latency_p50_ms, 0)}/{rounded(camera.latency_p95_ms, 0)} ms '
            f'dropped {camera.dropped}')


def _remark(stick):
    """Return the remark on a stick that does not just take its turn, in a plain line."""
    if stick.state != 'RUNNING':
        return f'({stick.state})'
    return '' if stick.rests in ('', 'turn') else f'({stick.rests.partition(",")[0]})'
