# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How a detector node ends: by a signal, a bug, or a start-up error."""

import os
import signal
import subprocess
import sys

from ncs_cluster_detector.drivers.registry import DRIVERS
from node_harness import complaints
from node_harness import DEADLINE_SEC
import numpy as np
import psutil
import pytest
from shared_memory import shared_memory_names

SHAPES = {'graph_paths': "['shapes']", 'simulated.inference_ms': '20.0'}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_node_and_all_its_processes(probe, start_detector, number):
    before = shared_memory_names()
    node = start_detector(**SHAPES, **{'simulated.sticks': '3'})
    probe.wait_for_running(3)
    probe.detect(np.zeros((480, 640, 3), dtype=np.uint8))
    family = node.family()
    assert len(family) >= 4
    node.signal(number)
    assert node.wait(5.0) == 0
    assert psutil.wait_procs(family, timeout=2.0)[1] == []
    assert 'Traceback' not in node.output
    assert shared_memory_names() <= before


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_lets_the_workers_close_their_sticks(
        probe, start_detector, number):
    node = start_detector(**SHAPES, **{'simulated.sticks': '3'})
    probe.wait_for_running(3)
    os.killpg(node.pid, number)
    assert node.wait(5.0) == 0
    assert complaints(node.output) == []


def test_workers_end_with_a_node_that_is_killed(probe, start_detector):
    before = shared_memory_names()
    node = start_detector(**SHAPES, **{'simulated.sticks': '3'})
    probe.wait_for_running(3)
    family = node.family()
    node.signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=3.0)[1] == []
    assert shared_memory_names() <= before


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_start_up_ends_the_node_quietly(start_detector, number):
    node = start_detector(**SHAPES, **{'simulated.sticks': '3', 'simulated.boot_ms': '3000'})
    node.wait_for_line('is ready')
    node.signal(number)
    assert node.wait(5.0) == 0
    assert 'Traceback' not in node.output


def test_a_bug_in_the_supervisor_ends_the_node_loudly():
    faulty = ('from ncs_cluster_detector.supervision.supervisor import Supervisor\n'
              'def step(*_): raise RuntimeError("a bug")\n'
              'Supervisor.step = step\n'
              'from ncs_cluster_detector.detector_node.node import main\n'
              'raise SystemExit(main())')
    process = subprocess.run(
        [sys.executable, '-c', faulty, '--ros-args', '-p', 'driver:=simulated'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_SEC)
    assert process.returncode == 1
    assert process.stdout.rstrip().endswith('RuntimeError: a bug')


@pytest.mark.parametrize('parameters, expected', [
    ({'driver': 'mvnc'}, "driver=mvnc: the Python module 'mvnc' of NCSDK 2 is not installed"),
    ({'driver': 'gpu'}, f'driver=gpu: must be one of {", ".join(DRIVERS)} ('),
    ({'cluster_size': '65'}, 'cluster_size=65: must be a whole number, 0 to 64'),
    ({'cluster_size': '6'}, 'cluster_size=6: more than there can ever be (simulated.sticks=5)'),
    ({'switch_temperature': 'warm'}, 'switch_temperature=warm: must be a number, 20.0 to 95.0'),
    ({'switch_temperature': '.nan'}, 'switch_temperature=nan: must be a number, 20.0 to 95.0'),
    ({'graph_paths': "['peeple']"}, "graph_paths=['peeple']: "),
    ({'label_files': "['/nowhere']"}, "label_files=['/nowhere']: No such file"),
    ({'label_files': "['/a', '/b']"}, "label_files=['/a', '/b']: must be one per graph"),
    ({'class_filter': "['persn']"}, "did you mean 'person'?"),
])
def test_a_start_up_error_is_one_line_and_exit_code_2(refusal, parameters, expected):
    assert expected in refusal('detector_node', **{'driver': 'simulated', **parameters})


def test_a_start_up_error_ends_the_process(start_detector):
    node = start_detector(class_filter="['persn']")
    assert node.wait(DEADLINE_SEC) == 2
    (line,) = node.output.splitlines()
    assert line.startswith('[FATAL]') and "did you mean 'person'?" in line
