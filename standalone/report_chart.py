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

"""The report as a picture, report.png: temperatures, who was active when, and rates."""

import os
from pathlib import Path
import sys

WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 16.0, 10.0, 100
# Ten that are told apart well, also by most colour-blind people; then they repeat, dashed.
STICK_COLOURS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7a5195',
                 '#8c6d31', '#525252', '#9acd32')
THRESHOLD_COLOUR = '#c62828'
INK, GRID = '#263238', '#d9dee2'
# One diagnostics message to the next; a longer silence ends a bar.
LONGEST_STEP_SEC = 2.5
LAST_STEP_SEC = 1.0
LEAST_SPAN_CELSIUS = 30.0
MOST_LEGEND_ROWS = 16


def draw_chart(report, path):
    """
    Draw a report and write it as a PNG file of 1600 x 1000 pixels.

    When a stick was active is known from diagnostics once a second, so the ends of the bars are
    right to a second.

    :param report: dictionary as made by report.make_report.
    :param path: pathlib.Path of the file.
    """
    # Matplotlib would keep its font list in the user's home folder.
    os.environ.setdefault('MPLCONFIGDIR', str(Path(sys.prefix) / '.matplotlib'))
    # Late, because it takes half a second and a run without a report needs none.
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    style = {'font.size': 12, 'text.color': INK, 'axes.labelcolor': INK, 'axes.edgecolor': INK,
             'xtick.color': INK, 'ytick.color': INK, 'axes.spines.top': False,
             'axes.spines.right': False, 'axes.grid': True, 'grid.color': GRID,
             'axes.axisbelow': True, 'legend.frameon': False}
    with matplotlib.rc_context(style):
        figure = Figure((WIDTH_INCHES, HEIGHT_INCHES), DOTS_PER_INCH, layout='constrained')
        FigureCanvasAgg(figure)
        bars_height = 0.5 + 0.2 * len(report['sticks'])
        temperatures, bars, rates = figure.subplots(
            3, sharex=True, height_ratios=(3.2, min(bars_height, 3.2), 1.6))
        figure.suptitle(_title(report), fontsize=16, fontweight='bold', x=0.01, ha='left',
                        parse_math=False)
        _draw_temperatures(temperatures, report)
        _draw_bars(bars, report)
        _draw_rates(rates, report)
        figure.align_ylabels()
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
        figure.savefig(path)


def _title(report):
    run = report['run']
    return (f"{len(report['sticks'])} {run['sticks']} sticks on {run['source']}: "
            f"{run['duration_sec']:.0f} s, {report['switches']} switches, "
            f"{report['detections']['mean_detection_fps'] or 0:.1f} detections a second")


def _look(stick):
    number = stick['stick']
    return {'color': STICK_COLOURS[number % len(STICK_COLOURS)],
            'linestyle': '-' if number < len(STICK_COLOURS) else '--'}


def _draw_temperatures(axes, report):
    for stick in report['sticks']:
        celsius = [float('nan') if value is None else value
                   for value in stick['temperature_celsius']]
        axes.plot(stick['time_sec'], celsius, linewidth=2.2, label=f"stick {stick['stick']}",
                  solid_capstyle='round', **_look(stick))
    threshold = report['threshold_celsius']
    if threshold is not None:
        axes.axhline(threshold, color=THRESHOLD_COLOUR, linewidth=1.6, linestyle=(0, (6, 3)))
        axes.annotate(f'switch temperature {threshold:g} °C', (0.004, threshold),
                      xycoords=('axes fraction', 'data'), xytext=(0, 5),
                      textcoords='offset points', color=THRESHOLD_COLOUR)
    low, high = axes.get_ylim()
    axes.set_ylim(low - 1, max(high + 3, low + LEAST_SPAN_CELSIUS))
    axes.set_ylabel('temperature [°C]')
    columns = 1 + (len(report['sticks']) - 1) // MOST_LEGEND_ROWS
    if report['sticks']:
        axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0), ncols=columns)


def _draw_bars(axes, report):
    for row, stick in enumerate(report['sticks']):
        spans = active_spans(stick['time_sec'], stick['active'])
        axes.broken_barh([(begin, end - begin) for begin, end in spans], (row - 0.36, 0.72),
                         facecolors=_look(stick)['color'], linewidth=0)
    count = len(report['sticks'])
    axes.set_yticks(range(count), [f"stick {stick['stick']}" for stick in report['sticks']],
                    fontsize=12 if count <= 10 else 9)
    axes.set_ylim(max(count, 1) - 0.4, -0.6)
    axes.set_ylabel('active')
    axes.grid(axis='y', visible=False)


def active_spans(times, active):
    """
    Return when a stick was active, as a list of (begin, end) in seconds.

    :param times: seconds, ascending.
    :param active: one bool for each time; it holds until the next one.
    """
    spans = []
    for index, begin in enumerate(times):
        following = times[index + 1] if index + 1 < len(times) else begin + LAST_STEP_SEC
        if not active[index]:
            continue
        end = min(following, begin + LONGEST_STEP_SEC)
        if spans and begin <= spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans


def _draw_rates(axes, report):
    cluster = report['cluster']
    for key, label, colour, width in (
            ('input_fps', 'input', '#90a4ae', 4.5), ('detection_fps', 'detection', '#00695c', 2)):
        rates = [float('nan') if value is None else value for value in cluster[key]]
        axes.plot(cluster['time_sec'], rates, color=colour, linewidth=width, label=label)
    axes.set_ylim(bottom=0, top=max(axes.get_ylim()[1] * 1.12, 1))
    axes.set_ylabel('rate [frames/s]')
    axes.set_xlabel('time since the start [s]')
    axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0))
    if cluster['time_sec']:
        axes.set_xlim(0, cluster['time_sec'][-1] + LAST_STEP_SEC)
