# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of how the camera node starts and ends."""

import signal
import subprocess
import sys
import time

from camera_ear import STOP_SEC
from ncs_cluster_detector.cameras.registry import SOURCES
from node_harness import DEADLINE_SEC
import pytest


def test_start_up_errors_are_one_fatal_line(refusal, tmp_path):
    (tmp_path / 'empty').mkdir()
    for source, device, text in (
            ('video', '/none.mp4', 'device=/none.mp4: opening'),
            ('images', tmp_path / 'empty', 'holds no pictures; put some'),
            ('webcam', '0', f'source=webcam: must be one of {", ".join(SOURCES)} ('),
            ('usb', "''", 'device=: must not be empty')):
        assert text in refusal('camera_node', source=source, device=device)


def test_a_start_up_error_ends_the_process(start_camera, tmp_path):
    (tmp_path / 'notes.mp4').write_text('no video\n' * 100)
    process = start_camera(source='video', device=tmp_path / 'notes.mp4')
    assert process.wait() == 2
    (line,) = process.output.splitlines()
    assert '[FATAL]' in line and 'it is not a video' in line


def test_wrong_ros_arguments_are_a_start_up_error(start_camera):
    process = start_camera(**{'fps:=1.0 -p bad=': 1})
    assert process.wait() == 2
    assert process.output.count('[FATAL]') == 1
    assert 'Traceback' not in process.output


STARTING = """
from ncs_cluster_detector.ros import run_node
from ncs_cluster_detector.camera_node.node import main
init_ros = run_node.init_ros
def announce(*args):
    print('main has begun', flush=True)
    init_ros(*args)
run_node.init_ros = announce
raise SystemExit(main())
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_start_ends_the_node_too(number):
    processes = [subprocess.Popen(
        [sys.executable, '-c', STARTING, '--ros-args', '-p', 'source:=test_pattern', '-p',
         f'width:={width}'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for width in (64, 640, 4096)]
    for process, delay_sec in zip(processes, (0.0, 0.1, 0.3)):
        assert process.stdout.readline() == 'main has begun\n'
        time.sleep(delay_sec)
        process.send_signal(number)
    start = time.monotonic()
    for process in processes:
        output, _ = process.communicate(timeout=DEADLINE_SEC)
        assert process.returncode == 0, output
        assert time.monotonic() - start < STOP_SEC
        assert 'Traceback' not in output


FAULTY = """
from ncs_cluster_detector.cameras.test_pattern import SyntheticStreet
from ncs_cluster_detector.camera_node.node import main
def fail(self):
    raise RuntimeError('a bug')
SyntheticStreet.grab = fail
raise SystemExit(main())
"""


def test_a_bug_in_a_thread_ends_the_node_loudly(ear):
    process = subprocess.run(
        [sys.executable, '-c', FAULTY, '--ros-args', '-p', 'source:=test_pattern'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_SEC)
    assert process.returncode == 1
    assert process.stdout.rstrip().endswith('RuntimeError: a bug')
