# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The report as a picture, report.png: temperatures, which stick did what when, and rates."""

from collections.abc import Iterable
from collections.abc import Sequence
import math
from pathlib import Path
import textwrap
from typing import Any

from ncs_cluster_detector.planning import picture
from ncs_cluster_detector.shown_text import shown
from runner.names import hosts_text
from runner.names import sticks_text

# Ten that are well distinguishable, also for most colour-blind people; then they repeat, dashed.
STICK_COLOURS = (*picture.COLOURS, '#525252', '#9acd32')
RUNNING = 'RUNNING'
ACTIVE, RESTING = 'active', 'resting'
RESTING_ALPHA = 0.2
OFF_LOOK = {'facecolor': 'white', 'edgecolor': '#90a4ae', 'hatch': '////'}
# One diagnostics message to the next; a longer silence ends a bar.
LONGEST_STEP_SEC = 2.5
LAST_STEP_SEC = 1.0
LEAST_SPAN_CELSIUS = 30.0
MOST_LEGEND_ROWS = 16
# A text is left out in a narrower part of the time than this share; a longer one is shortened.
NARROW, LONGEST_MARK = 0.045, 48
MOST_CAMERA_ROWS = 4
MOST_NAMED_ROWS = 24   # more names would overlap


def draw_chart(report: dict[str, Any], path: Path) -> None:
    """
    Draw a report and write it as a PNG file of 1600 x 1000 pixels.

    What a stick did is known from diagnostics once a second, so the ends of the bars are right
    to a second. A stick that does not run has no temperature.

    :param report: as made by report.make_report.
    """
    with picture.new_figure(16.0, 10.0) as figure:
        bars_height = 0.5 + 0.2 * len(report['sticks'])
        temperatures, bars, rates = figure.subplots(
            3, sharex=True, height_ratios=(3.2, min(bars_height, 3.2), 1.6))
        figure.suptitle(_title(report), fontsize=16, fontweight='bold', x=0.01, ha='left',
                        parse_math=False)
        _draw_temperatures(temperatures, report)
        _draw_bars(bars, report)
        _draw_rates(rates, report)
        _mark_changes((temperatures, bars, rates), report)
        figure.align_ylabels()
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
        figure.savefig(path)


def _title(report):
    run = report['run']
    hosts = hosts_text(len(report.get('hosts', ())))
    return (f"{sticks_text(len(report['sticks']), run['sticks'])} {hosts}on {run['source']}: "
            f"{run['duration_sec']:.0f} s, {report['switches']} switches, "
            f"{report['detections']['mean_detection_fps'] or 0:.1f} detections a second")


def _name(stick):
    """Return the name of a stick, with the host that has it if it is another one."""
    host = stick['device_name'].rpartition('/')[0]
    return f"{host} stick {stick['stick']}".lstrip()


def _look(stick):
    number = stick['stick']
    return {'color': STICK_COLOURS[number % len(STICK_COLOURS)],
            'linestyle': '-' if number < len(STICK_COLOURS) else '--'}


def _draw_temperatures(axes, report):
    for stick in report['sticks']:
        celsius = [value if state == RUNNING else None
                   for value, state in zip(stick['temperature_celsius'], stick['state'])]
        axes.plot(*with_gaps(stick['time_sec'], celsius), linewidth=2.2,
                  label=_name(stick), solid_capstyle='round', **_look(stick))
    _draw_limit(axes, report)
    low, high = axes.get_ylim()
    axes.set_ylim(low - 1, max(high + 3, low + LEAST_SPAN_CELSIUS))
    axes.set_ylabel('temperature [°C]')
    columns = 1 + (len(report['sticks']) - 1) // MOST_LEGEND_ROWS
    if report['sticks']:
        axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0), ncols=columns)


def with_gaps(
        times: Iterable[float], values: Iterable[float | None],
        ) -> tuple[Sequence[float], Sequence[float]]:
    """Return times and values with gaps in the line for unknown values and long silence."""
    points = []
    for now, value in zip(times, values):
        if points and now - points[-1][0] > LONGEST_STEP_SEC:
            points.append((now, math.nan))
        points.append((now, math.nan if value is None else value))
    return tuple(zip(*points)) if points else ((), ())


def _draw_limit(axes, report):
    steps = limit_steps(report)
    ends = [begin for begin, _ in steps[1:]] + [_end_sec(report)]
    # The line gets its name where there is the most room beside the marks of changes.
    longest = max(range(len(steps)), key=lambda number: ends[number] - steps[number][0],
                  default=None)
    for number, ((begin, celsius), end) in enumerate(zip(steps, ends)):
        axes.plot([begin, max(begin, end)], [celsius] * 2, color=picture.LIMIT_COLOUR,
                  linewidth=1.6, linestyle=(0, (6, 3)))
        if number == longest or end - begin > NARROW * _end_sec(report):
            name = 'switch temperature ' if number == longest else ''
            axes.annotate(f'{name}{celsius:g} °C', (begin, celsius),
                          xytext=(18 if begin else 5, 5), textcoords='offset points',
                          color=picture.LIMIT_COLOUR)


def limit_steps(report: dict[str, Any]) -> list[tuple[float, float]]:
    """Return the switch temperatures of a run as a list of (start in seconds, C)."""
    if report['threshold_celsius'] is None:
        return []
    changes = [change for change in report['changes']
               if (change['node'], change['name']) == ('detector', 'switch_temperature')]
    # If the value before the first change is not known, nothing is drawn there.
    first = changes[0]['before'] if changes else report['threshold_celsius']
    steps = [] if first is None else [(0.0, first)]
    return steps + [(change['time_sec'], change['after']) for change in changes]


def _mark_changes(axes_of_all, report):
    """Draw a line through all axes for each live change, with its name and value at the top."""
    marks = []   # [seconds, texts]; changes close together share a mark
    for change in report['changes']:
        text = shown(textwrap.shorten(
            f"{'' if change['node'] == 'detector' else change['node'] + ' '}{change['name']}="
            f"{change['after']}", LONGEST_MARK, placeholder='...'))
        if marks and change['time_sec'] - marks[-1][0] < NARROW / 3 * _end_sec(report):
            marks[-1][1].append(text)
        else:
            marks.append([change['time_sec'], [text]])
    for time_sec, texts in marks:
        for axes in axes_of_all:
            axes.axvline(time_sec, color=picture.INK, linewidth=1.0, linestyle=':')
        axes_of_all[0].annotate(
            '\n'.join(texts), (time_sec, 1.0), xycoords=('data', 'axes fraction'),
            xytext=(3, -3), textcoords='offset points', rotation=90, ha='left', va='top',
            fontsize=10, parse_math=False,
            bbox={'facecolor': 'white', 'alpha': 0.75, 'linewidth': 0, 'pad': 1.5})


def _end_sec(report):
    times = report['cluster']['time_sec']
    return times[-1] + LAST_STEP_SEC if times else LAST_STEP_SEC


def _draw_bars(axes, report):
    end_sec = _end_sec(report)
    count = len(report['sticks'])
    for row, stick in enumerate(report['sticks']):
        colour = _look(stick)['color']
        kinds = [state if state != RUNNING else ACTIVE if active else RESTING
                 for state, active in zip(stick['state'], stick['active'])]
        for kind, begin, end in spans(stick['time_sec'], kinds):
            look = {ACTIVE: {'facecolor': colour},
                    RESTING: {'facecolor': colour, 'alpha': RESTING_ALPHA}}.get(kind, OFF_LOOK)
            axes.broken_barh([(begin, end - begin)], (row - 0.36, 0.72), linewidth=0, **look)
            if (kind not in (ACTIVE, RESTING) and end - begin > NARROW * end_sec
                    and count <= MOST_NAMED_ROWS):
                axes.text((begin + end) / 2, row, kind, ha='center', va='center', fontsize=9,
                          clip_on=True, bbox={'facecolor': 'white', 'linewidth': 0, 'pad': 1})
    named = range(0, count, 1 + (count - 1) // MOST_NAMED_ROWS) if count else ()
    axes.set_yticks(named, [_name(report['sticks'][row]) for row in named],
                    fontsize=12 if count <= 10 else 9)
    axes.set_ylim(max(count, 1) - 0.4, -0.6)
    axes.set_ylabel('state')
    axes.grid(axis='y', visible=False)
    from matplotlib.patches import Patch
    axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0), handles=[
        Patch(facecolor=picture.INK, label=ACTIVE),
        Patch(facecolor=picture.INK, alpha=RESTING_ALPHA, label=RESTING),
        Patch(linewidth=0, label='not running', **OFF_LOOK)])


def spans(times: Sequence[float], kinds: Sequence[str]) -> list[tuple[str, float, float]]:
    """
    Return what happened when, as a list of (kind, begin, end) in seconds.

    :param times: seconds, ascending.
    :param kinds: one for each time; it holds until the next one, but not through a long silence.
    """
    found = []
    for index, (begin, kind) in enumerate(zip(times, kinds)):
        following = times[index + 1] if index + 1 < len(times) else begin + LAST_STEP_SEC
        end = min(following, begin + LONGEST_STEP_SEC)
        if found and found[-1][0] == kind and begin <= found[-1][2]:
            found[-1] = (kind, found[-1][1], end)
        else:
            found.append((kind, begin, end))
    return found


def _draw_rates(axes, report):
    cluster = report['cluster']
    for key, label, colour, width in (
            ('input_fps', 'input', '#90a4ae', 4.5), ('detection_fps', 'detection', '#00695c', 2)):
        axes.plot(*with_gaps(cluster['time_sec'], cluster[key]), color=colour, linewidth=width,
                  label=label)
    cameras = report.get('cameras', ())
    for number, camera in enumerate(cameras):
        axes.plot(*with_gaps(camera['time_sec'], camera['detection_fps']), linewidth=1.4,
                  color=STICK_COLOURS[number % len(STICK_COLOURS)], label=camera['name'])
    axes.set_ylim(bottom=0, top=max(axes.get_ylim()[1] * 1.12, 1))
    axes.set_ylabel('rate [frames/s]')
    axes.set_xlabel('time since the start [s]')
    # Ten lines are higher than the axes.
    axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0),
                ncols=1 + (len(cameras) > MOST_CAMERA_ROWS))
    if cluster['time_sec']:
        axes.set_xlim(0, _end_sec(report))
