# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Gives the doors their time, and reports how many examples each has taken."""

from fuzz_door import SECONDS
import pytest

# Shrinking an example that fails takes as long as it takes, but not for ever.
SPARE_SEC = 600


def pytest_collection_modifyitems(items):
    """Let a long run take longer than the limit of a normal test."""
    if SECONDS:
        for item in items:
            item.add_marker(pytest.mark.timeout(SECONDS + SPARE_SEC))


def pytest_terminal_summary(terminalreporter):
    """Print how many examples each door has taken in a long run."""
    if not SECONDS:
        return
    reports = [report for reports in terminalreporter.stats.values() for report in reports
               if getattr(report, 'when', '') == 'call']
    terminalreporter.section(f'doors, {SECONDS:g} s each')
    for report in sorted(reports, key=lambda one: one.nodeid):
        executions = dict(report.user_properties).get('executions')
        if executions is not None:
            terminalreporter.line(
                f"{report.nodeid.rpartition('/')[2]:<90} {executions:>8} {report.outcome}")
