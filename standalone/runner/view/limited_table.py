# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A table of the live view in as many lines as there is room for."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text


def limited_table(rows: Sequence[Any], table_of: Callable[[Sequence[Any]], Table], columns: int,
                  room: int, kind: str = '', comes_last: Callable[[Any], bool] = lambda row: False,
                  ) -> list[Table | Text]:
    """
    Return the table of the rows and, if some are left out, a line that says how many.

    :param table_of: makes the table of some rows, which has a line for each and a headline.
    :param columns: width of the table.
    :param room: how many lines there may be.
    :param kind: what a row shows, for that line.
    :param comes_last: which rows are left out first; those that are shown keep their order.
    """
    if not rows or room < 2:
        return []
    if len(rows) < room:
        return [table_of(rows)]
    # One line is for the headline, one says how many are left out.
    places = sorted(range(len(rows)), key=lambda place: comes_last(rows[place]))[:room - 2]
    shown = [rows[place] for place in sorted(places)]
    more = Text(f'and {len(rows) - len(shown)} more{kind}: make the terminal higher', 'dim')
    more.truncate(columns)
    return [table_of(shown), more] if shown else [more]
