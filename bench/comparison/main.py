# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command line of the bench: which rows, what becomes of them, and the exit code."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from datetime import timezone
import os
from pathlib import Path
import signal
import sys
import tempfile
import time

from comparison import against_original
from comparison import figures
from comparison import history
from comparison import measurements
from comparison import original_script
from comparison import table
from comparison import timing
from comparison import workers
from comparison.processes import BenchError
from comparison.traffic import Traffic
import psutil
from runner.one_line_parser import OneLineParser

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ROOT / 'bench' / 'history'
BUSY_SEC, MOST_BUSY_PERCENT = 2.0, 10.0
# Those with two nodes at once first, while the machine is as cool as it was for the run before.
GROUPS = {
    'cpu': measurements.cpu, 'worker': workers.worker, 'latency': timing.latency,
    'original': against_original.original, 'start': timing.start, 'gap': timing.gap,
    'idle': measurements.idle, 'steps': timing.steps, 'scale': measurements.scale}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, print the table and the verdict, and write bench.json and bench.png.

    :return: 0; 1 when a row is beyond its limit or has become worse; 2 when rows are missing,
        because a node did not start or ended, or all, because a kept run cannot be read.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.keep == '1' and options.rows:
        parser.error('--keep 1: a kept run has all rows, leave --rows out')
    # In the background of a shell SIGINT is ignored, also by all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    busy_percent = psutil.cpu_percent(BUSY_SEC)
    try:
        kept = history.last_kept(HISTORY)
    except ValueError as error:
        print(f'bench: {error}', file=sys.stderr)
        return 2
    rows, failures = measure(options.rows or list(GROUPS))
    report = history.report_of(rows, ROOT, datetime.now(timezone.utc), busy_percent)
    print(f"{report['machine']}; commit {report['commit']}; {busy_text(busy_percent)}")
    print('\n'.join(table.table_lines(rows, kept, original_script.why_missing())))
    options.out.mkdir(parents=True, exist_ok=True)
    history.write(report, options.out / 'bench.json')
    from comparison.picture import draw
    draw(rows, kept, options.out / 'bench.png')
    print(f"written: {options.out / 'bench.json'}, {options.out / 'bench.png'}")
    if options.keep == '1' and not failures:
        print(f'kept: {history.keep(report, HISTORY)}')
    print('\n'.join(table.verdict_lines(rows, kept)))
    if failures:
        print('\n'.join(f'bench: {text}' for text in failures), file=sys.stderr)
        return 2
    return 0 if table.is_good(rows, kept) else 1


def busy_text(busy_percent: float) -> str:
    """Return in words how busy the machine was with other work, before the run."""
    text = f'{busy_percent:.0f} % busy with other work before the run'
    if busy_percent > MOST_BUSY_PERCENT:
        text += (': times by the clock and all figures of the original script, which wants every '
                 'core for itself, are doubtful')
    return text


def measure(groups: Sequence[str]) -> tuple[list[figures.Row], list[str]]:
    """Return the rows of some groups, measured now, and why others are missing, in lines."""
    rows, failures, began = [], [], time.monotonic()

    def say(text: str) -> None:
        print(f'bench: {time.monotonic() - began:4.0f} s  {group}: {text}', file=sys.stderr,
              flush=True)

    with tempfile.TemporaryDirectory(prefix='ncs-bench-') as folder:
        os.environ['ROS_LOG_DIR'] = str(Path(folder) / 'log')
        traffic = Traffic()
        try:
            for group in groups:
                try:
                    rows.extend(GROUPS[group](measurements.Place(traffic, Path(folder), say)))
                except BenchError as error:
                    failures.append(f'{group}: rows are missing: {error}')
        finally:
            traffic.close()
    figures.refer(rows)
    return rows, failures


def _parser():
    parser = OneLineParser(
        prog='bench',
        description='Measure the detector node beside a bare ROS 2 node, the script of 2018 and '
                    'the last run kept.')
    parser.add_argument('--rows', type=_groups, metavar='GROUP,GROUP',
                        help=f'what to measure, of {", ".join(GROUPS)} (default: all)')
    parser.add_argument('--out', type=Path, default=Path('out/bench'), metavar='DIR',
                        help='folder for bench.json and bench.png (default: %(default)s)')
    parser.add_argument('--keep', choices=('0', '1'), default='0',
                        help='1 keeps the run in bench/history; later ones are compared with it')
    return parser


def _groups(text):
    names = [name.strip() for name in text.split(',')]
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f'{unknown[0]}: expected one or more of {", ".join(GROUPS)}')
    return [name for name in GROUPS if name in names]
