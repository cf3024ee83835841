# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A command whose reader goes away (``| head``) ends as other programs do, without a word."""

import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest

LIMIT_SEC = 60.0
STANDALONE = Path(__file__).resolve().parents[1] / 'standalone'
MODULE = [sys.executable, '-m']
PACKAGE = 'ncs_cluster_detector'
# Buffered, as output that goes to a pipe is as a rule.
ENVIRONMENT = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path)),
               'PYTHONUNBUFFERED': ''}


def run_without_reader(command, folder, **streams):
    """Run a command with streams that nobody reads; return its exit code and what it said."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, 'wb') as nobody:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, timeout=LIMIT_SEC, text=True,
            **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE,
               **dict.fromkeys(streams, nobody)},
            env=ENVIRONMENT)
    return done.returncode, (done.stdout or '') + (done.stderr or '')


@pytest.mark.parametrize('command', [
    [*MODULE, f'{PACKAGE}.planning.thermal_plan', '--help'],
    [*MODULE, f'{PACKAGE}.planning.thermal_plan', '--hours', '0.1'],
    [*MODULE, f'{PACKAGE}.checking.check_sticks', '--help'],
    [*MODULE, f'{PACKAGE}.simulation', '--help'],
    [*MODULE, f'{PACKAGE}.simulation.faults', '--help'],
    [sys.executable, str(STANDALONE / 'run.py'), '--help'],
    [sys.executable, str(STANDALONE / 'param.py'), '--help']])
def test_a_reader_of_the_output_that_goes_away(tmp_path, command):
    assert run_without_reader(command, tmp_path, stdout=True) == (-signal.SIGPIPE, '')


@pytest.mark.parametrize('command', [
    [*MODULE, f'{PACKAGE}.planning.thermal_plan', '--nothing'],
    [*MODULE, f'{PACKAGE}.checking.check_sticks', '--nothing'],
    [*MODULE, f'{PACKAGE}.simulation'],
    [*MODULE, f'{PACKAGE}.simulation', 'missing.py'],
    [*MODULE, f'{PACKAGE}.simulation.faults', '--pid', '1'],
    [sys.executable, str(STANDALONE / 'run.py'), '--nothing'],
    [sys.executable, str(STANDALONE / 'param.py'), '--pid', '1', 'list']])
def test_a_reader_of_both_that_goes_away(tmp_path, command):
    code, said = run_without_reader(command, tmp_path, stdout=True, stderr=True)
    # argparse ends with its own code, whether or not it can say why.
    assert code in (-signal.SIGPIPE, 2) and said == ''


def test_the_planner_has_written_its_files_by_then(tmp_path):
    run_without_reader(
        [*MODULE, f'{PACKAGE}.planning.thermal_plan', '--hours', '0.1'], tmp_path, stdout=True)
    assert {path.name for path in (tmp_path / 'thermal_plan').iterdir()} == {
        'plan.json', 'plan.png'}


def test_streams_that_are_closed_are_no_error(tmp_path):
    done = subprocess.run(
        ['bash', '-c', 'exec "$@" <&- >&- 2>&-', '-', *MODULE, f'{PACKAGE}.planning.thermal_plan',
         '--hours', '0.1'], cwd=tmp_path, timeout=LIMIT_SEC, env=ENVIRONMENT)
    assert done.returncode == 0
    assert (tmp_path / 'thermal_plan' / 'plan.json').is_file()
