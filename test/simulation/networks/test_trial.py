# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Trying a network in another process: what is told of its end."""

from ncs_cluster_detector.simulation.networks import trial
import pytest


def test_what_opencv_prints_is_no_part_of_a_refusal(monkeypatch):
    monkeypatch.setattr(trial, '_PROGRAM', trial._PROGRAM.replace(
        'try:\n', 'try:\n    os.system("echo printed")\n    print("printed", flush=True)\n'))
    with pytest.raises(ValueError, match='^it is empty; expected an ONNX network'):
        trial.try_apart(b'')


def test_an_error_that_nobody_expects_is_told(monkeypatch):
    monkeypatch.setattr(trial, '_PROGRAM', 'raise MemoryError("of this machine")')
    with pytest.raises(RuntimeError, match='^MemoryError: of this machine$'):
        trial.try_apart(b'')


@pytest.mark.parametrize('number', ['SIGINT', 'SIGTERM', 'SIGHUP'])
def test_a_signal_to_the_whole_group_is_no_refusal(monkeypatch, number):
    monkeypatch.setattr(
        trial, '_PROGRAM', f'import os, signal\nos.kill(os.getpid(), signal.{number})')
    assert trial.try_apart(b'') is None


def test_what_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(trial, '_PROGRAM', 'import time\ntime.sleep(60)')
    monkeypatch.setattr(trial, '_LONGEST_SEC', 0.2)
    with pytest.raises(ValueError, match='computing once takes more than 0.2 s; take a smaller'):
        trial.try_apart(b'')
