# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The processor as the reserve of sticks: a real network by OpenVINO while all sticks are gone."""

import subprocess
import sys

import cv2
from node_harness import DEADLINE_SEC
import numpy as np
import onnx_networks
from openvino_bench import skip_without_openvino
import pytest

skip_without_openvino()
PORTS = '1.1', '1.2'
OF_STICKS, OF_RESERVE = 'cat', 'red thing'   # what each calls a red rectangle


@pytest.fixture
def node(start_detector, tmp_path):
    """Return a function that starts a node with two simulated sticks and the reserve."""
    path = tmp_path / 'red.onnx'
    path.write_bytes(onnx_networks.red_yolo((96, 64), 8, {0: 'dog', 1: OF_RESERVE}))

    def start(**parameters):
        return start_detector(**{
            'graph_paths': "['shapes']", 'simulated.sticks': 2, 'simulated.boot_ms': 50.0,
            'simulated.inference_ms': 10.0, 'reserve': 'openvino:CPU',
            'reserve_graph_paths': f"['{path}']", **parameters})
    return start


def inject(node, port, word):
    """Do something to a simulated stick of the node."""
    subprocess.run([sys.executable, '-m', 'ncs_cluster_detector.simulation.faults', port, word,
                    '--pid', str(node.pid)], check=True, timeout=DEADLINE_SEC)


def picture():
    """Return a picture with a red rectangle."""
    image = np.full((128, 192, 3), 90, np.uint8)
    cv2.rectangle(image, (40, 30), (119, 89), (0, 0, 255), cv2.FILLED)
    return image


def label_in(answer):
    """Return the label of the only detection in a message."""
    (found,) = answer.detections
    return found.results[0].hypothesis.class_id


@pytest.mark.parametrize('warm', ['true', 'false'])
def test_the_processor_detects_while_all_sticks_are_gone(probe, node, warm):
    running = node(reserve_warm=warm)
    probe.wait_for_running(3 if warm == 'true' else 2)
    assert label_in(probe.detect(picture())[1]) == OF_STICKS
    for port in PORTS:
        inject(running, port, 'unplug')
    probe.wait_for(lambda: label_in(probe.detect(picture())[1]) == OF_RESERVE)
    running.wait_for_line('the reserve ')   # a cold one is not ready at first
    values = probe.next_status('detector: reserve')
    assert values['active'] == 'true'
    inject(running, PORTS[1], 'plug')
    probe.wait_for(lambda: label_in(probe.detect(picture())[1]) == OF_STICKS)
    probe.wait_for(lambda: probe.next_status('detector: reserve')['active'] == 'false')
    stamps = [(answer.header.stamp.sec, answer.header.stamp.nanosec)
              for answer in probe.detections]
    assert stamps == sorted(stamps)
