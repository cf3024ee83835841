# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The soak as a picture, timeline.png: temperatures, sticks, faults, rates, gaps and memory."""

from pathlib import Path
from typing import Any

from ncs_cluster_detector.planning import picture
from runner.report import chart
from soaking import plan
from soaking.gaps import MOST_SEC

GAP_COLOUR, EXCUSED_COLOUR, FAULT_COLOUR, RESTART_COLOUR = (
    picture.LIMIT_COLOUR, '#ffb74d', '#c62828', '#cfd8dc')
MEGABYTE = 1e6
# The marks on a stick's bar.
MARKS = {plan.FAULT: 'v', plan.KILL: 'x'}


def draw_timeline(report: dict[str, Any], path: Path) -> None:
    """
    Draw a soak's report and write it as a PNG file of 1800 x 1200 pixels.

    :param report: as made by report.make_report.
    """
    with picture.new_figure(18.0, 12.0) as figure:
        panels = figure.subplots(5, sharex=True, height_ratios=(3, 2.2, 2, 1, 1.6))
        figure.suptitle(_title(report), fontsize=16, fontweight='bold', x=0.01, ha='left',
                        parse_math=False)
        for draw, axes in zip(
                (_draw_temperatures, _draw_sticks, _draw_rates, _draw_gaps, _draw_memory), panels):
            draw(axes, report)
            for restart in report['restarts']:
                axes.axvspan(restart['begin'], restart['end'], color=RESTART_COLOUR, alpha=0.6,
                             linewidth=0)
            axes.legend(loc='upper left', bbox_to_anchor=(1.0, 1.0), fontsize=10)
        panels[-1].set_xlabel('time since the start [s]; grey: the node is started again')
        panels[-1].set_xlim(0, report['run']['duration_sec'])
        figure.align_ylabels()
        figure.savefig(path)


def _title(report):
    totals = report['ledger']['totals']
    failed = [each['what'] for each in report['verdicts'] if each['outcome'] == 'not ok']
    return (f"soak of {report['run']['minutes']:g} min, seed {report['run']['seed']}: "
            f"{totals.get('sent', 0)} images, {totals.get('in_no_count', 0)} in no count; "
            + ('failed: ' + ', '.join(failed) if failed else 'passed'))


def _colour(stick):
    return chart.STICK_COLOURS[stick['stick'] % len(chart.STICK_COLOURS)]


def _draw_temperatures(axes, report):
    for stick in report['sticks']:
        known = [(now, celsius if state == chart.RUNNING else None) for now, celsius, state in zip(
            stick['time_sec'], stick['temperature_celsius'], stick['state'])]
        axes.plot(*chart.with_gaps(*zip(*known)), color=_colour(stick), linewidth=1.4,
                  label=f"stick {stick['stick']}")
    axes.set_ylim(15, 95)   # faults tell of more
    axes.set_ylabel('temperature [°C]')


def _draw_sticks(axes, report):
    rows = {stick['device_name'].partition('-')[0]: row
            for row, stick in enumerate(report['sticks'])}
    for row, stick in enumerate(report['sticks']):
        kinds = [state if state != chart.RUNNING else chart.ACTIVE if active else chart.RESTING
                 for state, active in zip(stick['state'], stick['active'])]
        for kind, begin, end in chart.spans(stick['time_sec'], kinds):
            look = {chart.ACTIVE: {'facecolor': _colour(stick)},
                    chart.RESTING: {'facecolor': _colour(stick), 'alpha': chart.RESTING_ALPHA},
                    }.get(kind, chart.OFF_LOOK)
            axes.broken_barh([(begin, end - begin)], (row - 0.3, 0.6), linewidth=0, **look)
    for trouble in report['troubles']:
        if trouble['port'] in rows:
            axes.plot([trouble['begin'], trouble['end']], [rows[trouble['port']] - 0.4] * 2,
                      color=FAULT_COLOUR, linewidth=3, solid_capstyle='butt')
    for kind, mark in MARKS.items():
        points = [(event['time_sec'], rows[event['on']] - 0.4) for event in report['events']
                  if event['kind'] == kind and event['done'] and event['on'] in rows]
        axes.scatter(*zip(*points) if points else ((), ()), marker=mark, s=30,
                     color=picture.INK, zorder=3, label=kind)
    axes.set_yticks(range(len(rows)), [f'stick {row}' for row in range(len(rows))])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.7)
    axes.grid(axis='y', visible=False)


def _draw_rates(axes, report):
    times = [told['time_sec'] for told in report['cluster']]
    for key, colour, width in (('input_fps', '#90a4ae', 3.5), ('detection_fps', '#00695c', 1.6)):
        axes.plot(*chart.with_gaps(times, [told[key] for told in report['cluster']]),
                  color=colour, linewidth=width, label=key.partition('_')[0])
    axes.step(times, [len(told['active']) for told in report['cluster']], where='post',
              color=picture.COLOURS[6], linewidth=1, label='active sticks')
    axes.set_ylim(bottom=0)
    axes.set_ylabel('rate [1/s]')


def _draw_gaps(axes, report):
    for label, colour, chosen in (
            ('gap', GAP_COLOUR, [gap for gap in report['gaps'] if not gap['excuse']]),
            ('excused', EXCUSED_COLOUR, [gap for gap in report['gaps'] if gap['excuse']])):
        axes.vlines([gap['begin_sec'] for gap in chosen], 0, [gap['seconds'] for gap in chosen],
                    color=colour, linewidth=3, label=label)
    samples = report['resources']
    axes.fill_between([sample['time_sec'] for sample in samples],
                      [sample['waited_sec'] for sample in samples], color=RESTART_COLOUR,
                      linewidth=0, step='pre', label='wait for a CPU')
    axes.axhline(MOST_SEC, color=picture.LIMIT_COLOUR, linewidth=1, linestyle=(0, (6, 3)))
    axes.set_ylim(0, max([1.0, *(gap['seconds'] for gap in report['gaps'])]))
    axes.set_ylabel('gap [s]')


def _draw_memory(axes, report):
    samples = report['resources']
    times = [sample['time_sec'] for sample in samples]
    axes.plot(*chart.with_gaps(times, [sample['rss'] / MEGABYTE for sample in samples]),
              color='#0072b2', linewidth=1.6, label='node [MB]')
    axes.plot(*chart.with_gaps(times, [sample['private'] / MEGABYTE for sample in samples]),
              color='#56b4e9', linewidth=1.6, label='private [MB]')
    axes.plot(*chart.with_gaps(times, [sample['descriptors'] for sample in samples]),
              color='#e69f00', linewidth=1.2, label='descriptors')
    axes.plot(*chart.with_gaps(times, [sample['threads'] for sample in samples]),
              color='#009e73', linewidth=1.2, label='threads')
    axes.set_ylim(bottom=0)
    axes.set_ylabel('node')
