# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table as a picture: each row's figure as a share of what it is compared with."""

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comparison import figures
from comparison import history
from comparison import table
from comparison.figures import Row
from ncs_cluster_detector.planning import picture

GOOD, BAD, OLD = '#0072b2', '#c62828', '#607d8b'
ROW_INCHES, EDGE_INCHES = 0.3, 1.6


def draw(rows: Sequence[Row], kept: Mapping[str, Any] | None, path: Path) -> None:
    """
    Draw the ratio of each row that has one, and its limit, as a PNG file 1400 pixels wide.

    Ratios are drawn on a logarithmic axis: half as much is as far from 1 as twice as much.

    :param kept: the run that is compared with, or None; its ratios are drawn as small lines.
    """
    shown = [row for row in rows if row.ratio is not None and row.ratio.median > 0]
    with picture.new_figure(14.0, EDGE_INCHES + ROW_INCHES * max(len(shown), 1)) as figure:
        figure.suptitle('The detector node beside a bare node, the original script and its limits',
                        fontsize=15, fontweight='bold', x=0.01, ha='left')
        axes = figure.subplots()
        axes.set_xscale('log')
        axes.xaxis.set_major_formatter('{x:g}')
        axes.xaxis.set_minor_formatter('{x:g}')
        axes.axvline(1.0, color=picture.INK, linewidth=1.0)
        for place, row in enumerate(shown):
            _draw_row(axes, place, row, kept)
        axes.set_yticks(range(len(shown)), [f'{row.name} [{row.unit}]' for row in shown],
                        fontsize=10)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(False, axis='y')
        axes.set_xlabel('times what it is compared with; | limit, grey: last run kept')
        figure.savefig(path)


def _draw_row(axes, place, row, kept):
    is_bad = bool(row.beyond_limit() or history.loss_of(row, kept))
    ratio = row.ratio
    low, high = min(ratio.samples), max(ratio.samples)
    axes.plot([low, high], [place, place], color=BAD if is_bad else GOOD, linewidth=6, alpha=0.35,
              solid_capstyle='butt')
    axes.plot([ratio.median], [place], 'o', color=BAD if is_bad else GOOD, markersize=8)
    if row.limit is not None:
        limit = row.limit.value if row.limit.of else 1.0
        axes.plot([limit], [place], '|', color=picture.LIMIT_COLOUR, markersize=18,
                  markeredgewidth=2)
    old = (kept or {}).get('rows', {}).get(row.name, {})
    if old.get('ratio') and old.get('ratio_to') == row.compared_with:
        axes.plot([figures.Figure(tuple(old['ratio'])).median], [place], '|', color=OLD,
                  markersize=12, markeredgewidth=2)
    axes.annotate(f'{table.with_spread(row.ours)} {row.unit}, {table.ratio_text(row)}',
                  (1.01, place), xycoords=('axes fraction', 'data'), va='center', fontsize=10,
                  color=BAD if is_bad else picture.INK)
