# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Write the machine-readable files of a check: report.json and temperatures.csv."""

from collections.abc import Iterable
from collections.abc import Mapping
import csv
import json
from pathlib import Path
from typing import Any

from ncs_cluster_detector.checking.history import Report
from ncs_cluster_detector.checking.reporting.privacy import scrubbed
from ncs_cluster_detector.checking.verdicts import LIMITS
from ncs_cluster_detector.checking.verdicts import Verdict

FORMAT = 'ncs_cluster_detector check of sticks, version 1'
SCHEMA_VERSION = 1
COLUMNS = ('time_sec', 'step', 'stick', 'port', 'state', 'active', 'temperature_celsius',
           'throttle_level', 'inferences', 'inference_ms_p50')


def make_report(
        run: Mapping[str, Any], facts: Mapping[str, Any], verdicts: Iterable[Verdict],
        figures: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the report as a dictionary for JSON, without the names of people.

    Keys end in their units; an unknown value is null. Times count from the start of the check.
    ``thermal_plan --fit report.json`` reads ``sticks``.

    :param run: when, how long, with which options, how it ended.
    :param facts: about machine, SDK and USB.
    :param figures: those of each step.
    """
    return scrubbed({
        'format': FORMAT,
        'schema_version': SCHEMA_VERSION,
        'run': run,
        'verdicts': [{'step': verdict.step, 'what': verdict.what, 'outcome': verdict.outcome,
                      'verdict': verdict.text(), 'seen': verdict.seen,
                      'expected': verdict.expected} for verdict in verdicts],
        'facts': facts,
        'steps': {name: value for name, value in figures.items() if name != 'sticks'},
        'sticks': figures.get('sticks', []),
        'limits': {name: {'expected': limit.text(), 'reason': limit.reason}
                   for name, limit in LIMITS.items()}})


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Write the report as JSON."""
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False, default=float) + '\n',
                    encoding='utf-8')


def write_temperatures(reports: Iterable[Report], path: Path) -> None:
    """Write a line for each stick and second of the check as CSV."""
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for report in reports:
            for stick in report.sticks:
                writer.writerow((
                    round(report.time_sec, 3), report.step, stick.number, stick.port, stick.state,
                    int(stick.active), stick.celsius, stick.throttle_level, stick.inferences,
                    stick.inference_ms))
