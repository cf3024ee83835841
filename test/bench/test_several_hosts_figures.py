# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The figures of several hosts, each mode for a moment, with real processes."""

import re
import sys

from network_hosts import UnavailableError
import pytest
import several_hosts

IN_ORDER = '0 twice, 0 back, 0 wrong'


@pytest.fixture
def figures(monkeypatch, tmp_path, capsys):
    """Return a function that runs the program with words; it returns all lines."""
    monkeypatch.setattr(several_hosts, 'WARM_SEC', 0.2)
    monkeypatch.setattr(several_hosts, 'SHOWN_SEC', 0.2)
    # Long enough for a host to be missed.
    monkeypatch.setattr(several_hosts, 'DOWN_SEC', 2.0)

    def run(*words):
        monkeypatch.setattr(sys, 'argv', [
            'several_hosts.py', '--sticks', '1', '--rate', '40', '--inference-ms', '20', '--times',
            '1', '--seconds', '1.5', *words])
        try:
            line = several_hosts.run(several_hosts.read_arguments(), tmp_path)
        except UnavailableError as error:
            pytest.skip(str(error))
        printed = capsys.readouterr()
        assert printed.err == ''   # all ended well
        return [*printed.out.splitlines(), line]

    return run


def test_a_pool_is_measured_in_one_line(figures):
    (line,) = figures('--hosts', '1')
    rate, share, gap, p50, p95, *cpu = map(float, re.fullmatch(
        r'\w+, free, 1 x 1 sticks: +(\S+) a second \(\d+ to \d+\), (\S+) of 50.0, '
        rf'{IN_ORDER}, gap (\S+) s, latency p50 (\S+) ms, p95 (\S+) ms, '
        r'CPU a frame: detector (\S+), servers (\S+), workers (\S+) ms', line).groups())
    assert 0.0 < rate <= 45.0 and share == pytest.approx(rate / 50.0, abs=0.001)
    assert 0.0 < gap < 1.5 and 20.0 < p50 <= p95
    assert min(cpu) > 0.0


def test_a_cut_is_measured(figures):
    cut, line = figures('--hosts', '2', '--cut')
    gap, absent, results, running, _ = map(float, re.fullmatch(
        r' +cut  1: gap (\S+) s, ABSENT after (\S+) s, results (\S+) s and RUNNING (\S+) s after '
        r'the return, the others (\S+) of their rate', cut).groups())
    assert min(gap, absent, results, running) > 0.0
    assert line == (f'NetworkHosts, free, 2 x 1 sticks: 1 cuts: largest gap {gap:.3f} s, '
                    f'{IN_ORDER}')


def test_a_reboot_of_the_detectors_host_is_measured(figures):
    start, line = figures('--hosts', '1', '--reboot')
    first, running = map(float, re.fullmatch(
        r' +start  1: first detections (\S+) s after the start, all sticks RUNNING (\S+) s',
        start).groups())
    assert min(first, running) > 0.0
    assert line == f'NetworkHosts, free, 1 x 1 sticks: 1 starts: slowest {first:.2f} s, {IN_ORDER}'


def test_sticks_of_the_detector_have_no_link_to_cut(figures, capsys):
    with pytest.raises(SystemExit):
        figures('--local', '--cut')
    assert '--cut needs a host with sticks' in capsys.readouterr().err
