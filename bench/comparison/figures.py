# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Figures, the rows of the table that they make, and what is said about a row; no ROS."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import statistics

BARE, ORIGINAL = 'bare node', 'original'
LIMIT = 'limit'
# What one says of a figure that has become worse, by its unit.
WORSE = {'MB': 'larger', 'kB/s': 'more'}
SLOWER = 'slower'


@dataclass(frozen=True)
class Figure:
    """What was measured several times: the samples, in the order in which they were taken."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median of the samples."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> float:
        """Return the distance from the median to the sample that is farthest from it."""
        return max(abs(sample - self.median) for sample in self.samples)


@dataclass(frozen=True)
class Limit:
    """
    A limit of a row: of its figure, or of its ratio to something else.

    ``of`` is BARE or ORIGINAL for the other columns of the row, the name of another row for that
    row's figure, or empty for none: then ``value`` is in the unit of the row.
    """

    value: float
    of: str = ''
    is_least: bool = False

    def allows(self, value: float) -> bool:
        """Return whether a figure, or a ratio, keeps the limit."""
        return value >= self.value if self.is_least else value <= self.value


@dataclass
class Row:
    """
    A row of the table.

    ``name`` is unique and tells what was measured, in what comes before a colon on what; ``group``
    is the word that picks it with ROWS. ``is_paired``: each sample of the bare node was taken at
    the same time as ours. ``least_change``, in the unit of the row, is too small to be called a
    loss.
    """

    group: str
    name: str
    unit: str
    ours: Figure
    original: Figure | None = None
    bare: Figure | None = None
    limit: Limit | None = None
    is_more_better: bool = False
    is_paired: bool = False
    least_change: float = 0.0
    reference: Figure | None = field(default=None, init=False)   # of another row, see ``refer``

    @property
    def compared_with(self) -> str:
        """Return what the ratio is to: the name of a column or row, LIMIT, or '' for nothing."""
        if self.limit is not None:
            if not self.limit.of:
                return LIMIT
            return self.limit.of if self._other(self.limit.of) else ''
        if self.bare is not None:
            return BARE
        return ORIGINAL if self.original is not None else ''

    @property
    def ratio(self) -> Figure | None:
        """Return our figure as a multiple of the other, or None without one."""
        if not self.compared_with:
            return None
        if self.compared_with == LIMIT:
            return Figure(tuple(sample / self.limit.value for sample in self.ours.samples)
                          ) if self.limit.value else None
        if self.compared_with == BARE and self.is_paired:
            return self.beside_bare
        other = self._other(self.compared_with).median
        return Figure(tuple(one / other for one in self.ours.samples)) if other else None

    @property
    def beside_bare(self) -> Figure | None:
        """
        Return our figure as a multiple of the bare node's at the same time, or None.

        Samples are compared one by one: what else the machine did meanwhile has changed both.
        """
        if not (self.is_paired and self.bare and all(self.bare.samples)):
            return None
        return Figure(tuple(one / two for one, two in zip(
            self.ours.samples, self.bare.samples, strict=True)))

    def beyond_limit(self) -> str:
        """Return how the row misses its limit, in words, or an empty text."""
        if self.limit is None:
            return ''
        if self.limit.of:
            value, unit = self.ratio and self.ratio.median, f'times {self.limit_is_of}'
        else:
            value, unit = self.ours.median, self.unit
        if value is None or self.limit.allows(value):
            return ''
        word = 'least' if self.limit.is_least else 'most'
        return f'{shown(value)} {unit}, expected at {word} {shown(self.limit.value)}'

    @property
    def limit_is_of(self) -> str:
        """Return what the limit is a multiple of, in words."""
        of = self.limit.of if self.limit else ''
        return f'the {of}' if of in (BARE, ORIGINAL) else f'that of {of.partition(":")[0]}'

    def _other(self, of):
        return {BARE: self.bare, ORIGINAL: self.original}.get(of, self.reference)


def refer(rows: Sequence[Row]) -> None:
    """Give each row whose limit is a multiple of another row that row's figure."""
    by_name = {row.name: row for row in rows}
    for row in rows:
        if row.limit is not None and row.limit.of in by_name:
            row.reference = by_name[row.limit.of].ours


def shown(value: float) -> str:
    """Return a figure for people: three digits that count."""
    if value == 0:
        return '0'
    if abs(value) >= 100:
        return f'{value:.0f}'
    return f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}' if abs(value) >= 0.1 else (
        f'{value:.3f}')
