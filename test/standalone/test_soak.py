# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A short soak, from the command line to the verdict."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import cv2
from made_up_run import ROOT
import pytest
from soaking import plan

SOAK = [sys.executable, str(ROOT / 'standalone' / 'soak.py')]
pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.skipif(not Path(sys.prefix, 'bin', 'detector_node').exists(),
                       reason='no standalone environment'),
]


def test_a_short_soak_accounts_for_every_image(tmp_path):
    ended = subprocess.run(
        [*SOAK, '--minutes', '0.4', '--seed', '20', '--out', str(tmp_path)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT)
    report = json.loads((tmp_path / 'ledger.json').read_text())
    assert ended.returncode == 0, ended.stdout
    assert 'SEED=20' in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith('soak PASSED: ')
    assert ', 0 in no count' in ended.stdout.splitlines()[-1]
    lives, totals = report['ledger']['lives'], report['ledger']['totals']
    assert [life['in_no_count'] for life in lives] == [0, 0]
    assert totals['sent'] > 0.4 * 60 * 20
    assert totals['malformed'] > 0
    assert totals['detected'] > totals['sent'] / 3
    # What the plan wanted was done.
    done = {event['kind'] for event in report['events'] if event['done']}
    assert {plan.FAULT, plan.SET, plan.SHOW, plan.LISTEN, plan.LEAVE} <= done
    assert len(report['restarts']) == 1
    assert report['heard']['annotated_image'] > 0
    assert report['answers'] > 0
    assert cv2.imread(str(tmp_path / 'timeline.png')).shape == (1200, 1800, 3)


def test_a_soak_that_is_stopped_early_has_failed_and_leaves_nothing(tmp_path):
    process = subprocess.Popen(
        [*SOAK, '--minutes', '5', '--out', str(tmp_path)], text=True, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, 'TMPDIR': str(
            tmp_path)})
    log = tmp_path / 'soak.log'
    deadline = time.monotonic() + 60.0
    while not (log.exists() and 'is ready' in log.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    printed = process.communicate(timeout=60.0)[0]
    assert process.returncode == 1
    assert 'stopped by SIGINT' in printed
    assert 'FAILED' in printed.splitlines()[-1]
    assert 'Traceback' not in printed
    assert not list(tmp_path.glob('soak-*'))
    assert {path.name for path in tmp_path.iterdir()} == {
        'ledger.json', 'timeline.png', 'soak.log'}
