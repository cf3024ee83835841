# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The plan as a picture: temperatures from a cold start under each policy, and the figures."""

from contextlib import contextmanager
import os
from pathlib import Path
import sys
from typing import Any

from ncs_cluster_detector.planning.air import span
from ncs_cluster_detector.planning.cameras import fair_shares
from ncs_cluster_detector.planning.plan import Plan
from ncs_cluster_detector.planning.table import verdict

# Well distinguishable, also for most colour-blind people; then they repeat.
COLOURS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7a5195', '#8c6d31')
LIMIT_COLOUR, FLOOR_COLOUR, INK, GRID = '#c62828', '#607d8b', '#263238', '#d9dee2'
MOST_NAMED = 12
MOST_CAMERAS = 5


def draw_plan(plan: Plan, path: Path) -> None:
    """
    Draw a plan as a PNG file of 1400 x 900 pixels; ``path`` is a pathlib.Path.

    :raises ImportError: Matplotlib is not installed.
    :raises OSError: the file cannot be written.
    """
    with new_figure(14.0, 9.0) as figure:
        figure.suptitle(_title(plan), fontsize=15, fontweight='bold', x=0.01, ha='left')
        panels = figure.subplots(1, len(plan.outcomes), sharey=True)
        for axes, outcome in zip(panels, plan.outcomes):
            _draw_outcome(axes, plan, outcome)
        _name_lines(panels[0], plan)
        panels[0].set_ylabel('temperature [°C]')
        figure.savefig(path)


@contextmanager
def new_figure(width_inches: float, height_inches: float) -> Any:
    """
    Give a Matplotlib figure of 100 pixels an inch in the style of the project, to draw and save.

    :raises ImportError: Matplotlib is not installed.
    """
    # In a virtual environment its font list goes there, not into the home folder of the user.
    if sys.prefix != sys.base_prefix:
        os.environ.setdefault('MPLCONFIGDIR', str(Path(sys.prefix) / '.matplotlib'))
    # Late, because it takes half a second, and not every run draws something.
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    style = {'font.size': 12, 'text.color': INK, 'axes.labelcolor': INK, 'axes.edgecolor': INK,
             'xtick.color': INK, 'ytick.color': INK, 'axes.spines.top': False,
             'axes.spines.right': False, 'axes.grid': True, 'grid.color': GRID,
             'axes.axisbelow': True, 'legend.frameon': False}
    with matplotlib.rc_context(style):
        figure = Figure((width_inches, height_inches), 100, layout='constrained')
        FigureCanvasAgg(figure)
        yield figure


def _title(plan):
    question = plan.question
    words = question.bodies.words.text if question.bodies else ''
    air = f', air {span(question.air.celsius)} °C' if question.air else ''
    return (f'{question.size} of {len(question.constants)} sticks active, limit '
            f'{question.settings.switch_temperature:g} °C{air}: they sustain '
            f'{plan.sustainable_size:.2f} sticks at full speed'
            + (f'\n{words}' if words else ''))


def _draw_outcome(axes, plan, outcome):
    minutes = [time_sec / 60 for time_sec, _ in outcome.history]
    for number, celsius in enumerate(zip(*(values for _, values in outcome.history))):
        axes.plot(minutes, celsius, linewidth=1.6, color=COLOURS[number % len(COLOURS)],
                  label=f'stick {number}')
    axes.axhline(plan.question.settings.switch_temperature, color=LIMIT_COLOUR, linewidth=1.6,
                 linestyle=(0, (6, 3)))
    axes.axhline(plan.floor_celsius, color=FLOOR_COLOUR, linewidth=1.2, linestyle=':')
    axes.set_title(f'{outcome.policy}\n{verdict(plan, outcome)}\n'
                   f'peak {outcome.peak_celsius:.1f} °C, {outcome.frames_per_sec:.1f} frames/s, '
                   f'{outcome.switches_per_hour:.0f} switches/h'
                   + _cameras_in_words(plan.question.cameras, outcome.frames_per_sec),
                   fontsize=12, loc='left')
    axes.set_xlabel('time since a cold start [min]')
    if len(outcome.peaks_celsius) <= MOST_NAMED:
        axes.legend(loc='lower right', fontsize=10)


def _cameras_in_words(cameras, frames_per_sec):
    """Return a line on what each of several cameras has, if it fits above a third of the width."""
    if not 0 < len(cameras) <= MOST_CAMERAS:
        return ''
    shares = ', '.join(f'{share:.1f}' for share in fair_shares(cameras, frames_per_sec))
    return f'\nof the cameras {shares} frames/s'


def _name_lines(axes, plan):
    limit = plan.question.settings.switch_temperature
    for celsius, text, colour in (
            (limit, f'limit {limit:g} °C', LIMIT_COLOUR),
            (plan.floor_celsius, f'least at that rate: {plan.floor_celsius:.1f} °C',
             FLOOR_COLOUR)):
        axes.annotate(text, (0.01, celsius), xycoords=('axes fraction', 'data'), xytext=(0, 4),
                      textcoords='offset points', color=colour, fontsize=10)
