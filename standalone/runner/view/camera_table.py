# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table of the live view: the rates of each camera, and what was seen with it last."""

from itertools import compress

from ncs_cluster_detector.checking import statuses
from rich.table import Column
from rich.table import Table
from rich.text import Text
from runner.state import RunState
from runner.view.detections_text import seen_text
from runner.view.limited_table import limited_table
from runner.view.stick_table import for_terminal
from runner.view.stick_table import level_colour
from runner.view.stick_table import rounded

# Widths of columns, each with a space before it.
INPUT, DETECTION, LATENCY, DROPPED = 8, 12, 15, 10
# Less than this is not worth a column.
LEAST_SEEN = 16


def camera_table(state: RunState, columns: int, room: int) -> list[Table | Text]:
    """
    Return what a rich Console prints: a headline and a line for each named camera.

    :param columns: width of the table.
    :param room: how many lines there may be.
    """
    return limited_table(
        state.camera_names, lambda names: _table(names, state, columns), columns, room, ' cameras')


def _table(names, state, columns):
    name_width = min(max(map(len, ('camera', *names))), columns)
    left, used = columns - name_width, {}
    # What comes last is left out first.
    for width in (INPUT, DETECTION, DROPPED, LATENCY):
        used[width] = all(used.values()) and width <= left
        left -= width * used[width]
    shown = (True, used[INPUT], used[DETECTION], used[LATENCY], used[DROPPED],
             all(used.values()) and left > LEAST_SEEN)
    table = Table(
        *compress((
            Column('camera', width=name_width, no_wrap=True),
            Column('input', width=INPUT, justify='right'),
            Column('detection', width=DETECTION, justify='right'),
            Column('latency [ms]', width=LATENCY, justify='right'),
            Column('dropped', width=DROPPED, justify='right'),
            Column('  seen', width=left, no_wrap=True)), shown),
        box=None, padding=0, header_style='dim')
    for name in names:
        told = state.cameras.get(name)
        colour = level_colour(told.level) if told and told.level != statuses.OK else ''
        seen = seen_text(state.tallies[name], left - 2)
        table.add_row(*compress((
            Text(for_terminal(name), colour or 'bold'), *(
                Text(figure, colour) for figure in _figures(told)),
            Text(f'  {seen.plain}', seen.style)), shown))
    return table


def _figures(told):
    if told is None:
        return ['?'] * 4
    return [rounded(told.input_fps), rounded(told.detection_fps),
            f'{rounded(told.latency_p50_ms, 0)} / {rounded(told.latency_p95_ms, 0)}',
            str(told.dropped)]
