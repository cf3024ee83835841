# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rows as a table for a terminal, and the verdict below it; no ROS."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from comparison import figures
from comparison import history
from comparison.figures import Figure
from comparison.figures import Row

COLUMNS = ('', 'ours', 'original', 'bare node', 'limit', 'ratio', 'last kept', '')


def table_lines(rows: Sequence[Row], kept: Mapping[str, Any] | None,
                no_original: str = '') -> list[str]:
    """
    Return the table in lines.

    :param kept: the run to compare with, or None.
    :param no_original: why the column of the original script is empty, or ''.
    """
    cells = [COLUMNS, *(_cells(row, kept) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = []
    for number, texts in enumerate(cells):
        group = rows[number - 1].group if number else ''
        if number and (number == 1 or rows[number - 2].group != group):
            lines.append(f'-- {group} '.ljust(sum(widths[:-1]) + 2 * len(widths) - 4, '-'))
        lines.append('  '.join(
            text.ljust(width) if at in (0, len(widths) - 1) else text.rjust(width)
            for at, (text, width) in enumerate(zip(texts, widths))).rstrip())
    if no_original:
        lines.append(f'The column of the original script is empty: {no_original}')
    return lines


def verdict_lines(rows: Sequence[Row], kept: Mapping[str, Any] | None) -> list[str]:
    """Return the names of the rows beyond their limit, and of those that have become worse."""
    beyond = [f'{row.name} ({text})' for row in rows if (text := row.beyond_limit())]
    lost = [f'{row.name}: {text}' for row in rows if (text := history.loss_of(row, kept))]
    since = f" since {kept['date']}, commit {kept.get('commit')}" if kept else ''
    lines = [f'Beyond the limit: {text}' for text in beyond]
    lines += [f'Worse{since}: {text}' for text in lost]
    if not lines:
        lines = ['All rows keep their limits' + (f', and none became worse{since}.' if kept else
                                                 '; there is no kept run to compare with.')]
    return lines


def is_good(rows: Sequence[Row], kept: Mapping[str, Any] | None) -> bool:
    """Return whether no row is beyond its limit and none has become worse."""
    return not any(row.beyond_limit() or history.loss_of(row, kept) for row in rows)


def _cells(row, kept):
    change = history.change_of(row, kept)
    remarks = []
    if row.beyond_limit():
        remarks.append('BEYOND THE LIMIT')
    if loss := history.loss_of(row, kept):
        remarks.append(loss)
    return (f'{row.name} [{row.unit}]', with_spread(row.ours), with_spread(row.original),
            with_spread(row.bare), limit_text(row), ratio_text(row),
            '' if change is None else f'{100 * change:+.0f} %', '; '.join(remarks))


def limit_text(row: Row) -> str:
    """Return the limit of a row for people, or an empty text."""
    if row.limit is None:
        return ''
    sign = '>=' if row.limit.is_least else '<='
    return f"{sign} {figures.shown(row.limit.value)}{' x' if row.limit.of else ''}"


def ratio_text(row: Row) -> str:
    """Return the ratio of a row for people, or an empty text."""
    if row.ratio is None:
        return ''
    to = {figures.BARE: 'bare', figures.ORIGINAL: 'original',
          figures.LIMIT: 'limit'}.get(row.compared_with, row.compared_with.partition(':')[0])
    return f'{figures.shown(row.ratio.median)} x {to}'


def with_spread(figure: Figure | None) -> str:
    """Return a figure for people, with its spread if there is more than one sample."""
    if figure is None:
        return ''
    if len(figure.samples) == 1:
        return figures.shown(figure.median)
    return f'{figures.shown(figure.median)} ±{figures.shown(figure.spread)}'
