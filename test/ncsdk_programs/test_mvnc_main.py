# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The runner of programs for NCSDK 2 on real sticks, and what they find there."""

import os
from pathlib import Path
import subprocess
import sys

import ncs_cluster_detector.mvnc
from program_bench import LIMIT_SEC
from program_bench import RUNNER
import pytest

MODULES = Path(ncs_cluster_detector.mvnc.__file__).parent / 'in_place_of_sdk'


def test_the_program_is_started_as_always(start_bench, tmp_path):
    bench = start_bench('--ports', '1.1')
    (line, names), errors = bench.run("""
import os
say(__name__, sys.argv[1:], os.path.isabs(os.environ['NCS_FIRMWARE']))
from mvnc.mvncapi import *
say(len(enumerate_devices()), c_void_p.__name__, FifoType.HOST_WO.value)
sys.exit(7)
""", '-mod', '1', '--firmware', '9', '--', code=7, options=['--firmware', 'firmware.mvcmd'])
    assert line == "__main__ ['-mod', '1', '--firmware', '9', '--'] True"
    assert names == '1 c_void_p 1'
    assert errors == []


def test_without_a_program_the_usage_is_printed():
    finished = subprocess.run(RUNNER, capture_output=True, text=True, timeout=LIMIT_SEC)
    assert finished.returncode == 2
    for part in ('usage: python -m ncs_cluster_detector.mvnc [--firmware FILE] SCRIPT',
                 'MvNCAPI-ma2450.mvcmd', '/usr/local/lib/mvnc'):
        assert part in finished.stderr


@pytest.mark.parametrize('words, parts', [
    (['missing.py'], ['missing.py', 'no such file']),
    (['--firmware', 'missing.mvcmd', __file__], ['missing.mvcmd', 'MvNCAPI-ma2450.mvcmd'])])
def test_a_wrong_command_line_is_refused_in_one_line(words, parts):
    finished = subprocess.run([*RUNNER, *words], capture_output=True, text=True, timeout=LIMIT_SEC)
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert all(part in line for part in parts), line


def test_without_firmware_an_opening_says_where_an_owner_finds_it(start_bench):
    bench = start_bench('--ports', '1.1')
    (status,), (reason,) = bench.run(
        "say(status_of(devices()['1.1-ma2450'].open))", options=['--firmware', '.'])
    assert status == 'ERROR'
    assert 'MvNCAPI-ma2450.mvcmd' in reason and '--firmware' in reason and 'NCSDK 2' in reason


def test_the_module_finds_a_package_that_is_not_installed(tmp_path):
    # A folder of the package's name beside the program, such as a checkout of it, is another.
    (tmp_path / 'ncs_cluster_detector').mkdir()
    program = (f'import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(MODULES)!r}]; import mvnc; '
               'import ncs_cluster_detector; print(ncs_cluster_detector.__path__[0])')
    finished = subprocess.run([sys.executable, '-I', '-S', '-c', program], capture_output=True,
                              text=True, timeout=LIMIT_SEC)
    assert finished.stdout.strip() == str(MODULES.parents[1]), finished.stderr


def test_importing_it_touches_no_usb():
    program = ('import sys, threading; from ncs_cluster_detector.mvnc.xlink import mvncapi; '
               'assert "usb" not in sys.modules and "rclpy" not in sys.modules; '
               'assert threading.active_count() == 1')
    subprocess.run([sys.executable, '-c', program], check=True, timeout=LIMIT_SEC,
                   env={**os.environ, 'PYTHONPATH': str(MODULES.parents[2])})
