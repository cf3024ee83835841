# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Runs that were kept, as JSON files, and what has become worse since the last of them."""

from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime
import json
import os
from pathlib import Path
import platform
import re
import subprocess
from typing import Any

from comparison import figures
from comparison.figures import Figure
from comparison.figures import Row

# What a median moves by itself from one run to the next on a machine that does other work, too:
# where two nodes of the same run are compared, where there is only one figure, and for memory.
PAIRED_NOISE, ALONE_NOISE, MEMORY_NOISE = 0.05, 0.15, 0.05
CPU_MODEL = re.compile(r'^model name\s*:\s*(.*)$', re.MULTILINE)


def report_of(rows: Sequence[Row], root: Path, now: datetime,
              busy_percent: float) -> dict[str, Any]:
    """
    Return a run as what goes into a JSON file.

    :param root: of the checkout.
    :param busy_percent: how busy the machine was with other work.
    """
    return {
        'date': now.isoformat(timespec='seconds'),
        'commit': _commit(root),
        'machine': machine(),
        'busy_percent': round(busy_percent),
        'rows': {row.name: {
            'group': row.group, 'unit': row.unit,
            'ours': _samples(row.ours), 'original': _samples(row.original),
            'bare': _samples(row.bare), 'ratio': _samples(row.ratio),
            'ratio_to': row.compared_with, 'beside_bare': _samples(row.beside_bare),
            'limit': None if row.limit is None else {
                'value': row.limit.value, 'of': row.limit.of, 'is_least': row.limit.is_least},
            'beyond_limit': row.beyond_limit()} for row in rows}}


def machine() -> str:
    """Return what the run was on, in one line: cores, processor, system, Python; no host name."""
    try:
        found = CPU_MODEL.search(Path('/proc/cpuinfo').read_text())
    except OSError:
        found = None
    model = found[1] if found else platform.machine()
    return (f'{len(os.sched_getaffinity(0))} cores of {model}, {platform.system()} '
            f'{platform.release()}, Python {platform.python_version()}')


def keep(report: Mapping[str, Any], folder: Path) -> Path:
    """Write a run to the history; return the path of its file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{re.sub('[^0-9T]', '', report['date'][:19])}.json"
    write(report, path)
    return path


def write(report: Mapping[str, Any], path: Path) -> None:
    """Write a run as a JSON file, one row of the table a line."""
    head = {name: value for name, value in report.items() if name != 'rows'}
    lines = [f'  {json.dumps(name)}: {json.dumps(value)}' for name, value in head.items()]
    rows = ',\n'.join(f'    {json.dumps(name)}: {json.dumps(value)}'
                      for name, value in report['rows'].items())
    lines.append(f'  "rows": {{\n{rows}\n  }}')
    path.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


def last_kept(folder: Path) -> dict[str, Any] | None:
    """
    Return the newest run of the history, or None without any.

    :raises ValueError: its file is not what ``keep`` writes; the text names it.
    """
    paths = sorted(folder.glob('*.json'))
    if not paths:
        return None
    try:
        report = json.loads(paths[-1].read_text())
        if not isinstance(report['rows'], dict):
            raise KeyError('rows')
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'reading {paths[-1]}: {error!r}, expected a kept run of the bench; '
                         'restore or remove the file') from None
    return report


def change_of(row: Row, kept: Mapping[str, Any] | None) -> float | None:
    """Return how much larger a row's figure is than in a kept run, as a share, or None."""
    pair = _compared(row, kept)
    return pair[0].median / pair[1].median - 1.0 if pair and pair[1].median else None


def loss_of(row: Row, kept: Mapping[str, Any] | None) -> str:
    """
    Return in words that a row has become worse by more than its noise, or an empty text.

    The noise is the spread of the samples of both runs, or a share of the figure if that is more.
    """
    pair = _compared(row, kept)
    if pair is None:
        return ''
    new, old = pair
    worse_by = (old.median - new.median) * (1 if row.is_more_better else -1)
    share = (PAIRED_NOISE if row.beside_bare else
             MEMORY_NOISE if row.unit == 'MB' else ALONE_NOISE)
    noise = max(new.spread + old.spread, share * abs(old.median))
    if worse_by <= max(noise, 0.0 if row.beside_bare else row.least_change):
        return ''
    word = figures.WORSE.get(row.unit, figures.SLOWER)
    unit = f'times the {figures.BARE}' if row.beside_bare else row.unit
    return (f'{word}: {figures.shown(new.median)} {unit}, it was {figures.shown(old.median)} '
            f'(noise {figures.shown(noise)})')


def _compared(row, kept):
    """
    Return the figure of this run and of the kept one that are compared, or None.

    A multiple of what a bare node uses at the same time is much the same on any machine, our
    figure alone is not.
    """
    old = (kept or {}).get('rows', {}).get(row.name)
    if not old:
        return None
    if row.beside_bare:
        return (row.beside_bare, Figure(tuple(old['beside_bare']))) if old.get(
            'beside_bare') else None
    is_here = kept['machine'].partition(',')[0] == machine().partition(',')[0]
    return (row.ours, Figure(tuple(old['ours']))) if is_here else None


def _samples(figure):
    return None if figure is None else [float(f'{sample:.5g}') for sample in figure.samples]


def _commit(root):
    """Return the commit of the checkout, with a + if files have changed since, or None."""
    try:
        asked = [subprocess.run(['git', *words], cwd=root, capture_output=True, text=True,
                                check=True).stdout.strip()
                 for words in (['rev-parse', '--short=12', 'HEAD'],
                               ['status', '--porcelain', '--untracked-files=no'])]
    except (OSError, subprocess.CalledProcessError):
        return None
    return asked[0] + ('+' if asked[1] else '')
