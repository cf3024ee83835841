# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node with ``driver:=openvino``: real networks on the processor, by OpenVINO."""

import os
import signal

import cv2
from diagnostic_msgs.msg import DiagnosticStatus
from node_harness import complaints
from node_harness import DEADLINE_SEC
import numpy as np
import onnx_networks
from openvino_bench import skip_without_openvino
import pytest

skip_without_openvino()
NAMES = {0: 'dog', 1: 'red thing'}
MEMBERS = "['CPU','CPU','CPU']"


@pytest.fixture
def yolo(tmp_path):
    """Return the path of a YOLO that finds a red rectangle."""
    path = tmp_path / 'red.onnx'
    path.write_bytes(onnx_networks.red_yolo((96, 64), 8, NAMES))
    return path


@pytest.fixture
def start(start_detector):
    """Return a function that starts the node with the path of a network."""
    def start_node(path, **parameters):
        return start_detector(driver='openvino', graph_paths=f"['{path}']", **{
            name.replace('openvino_', 'openvino.'): value for name, value in parameters.items()})
    return start_node


def picture():
    """Return a picture of 192 x 128 pixels with a red rectangle, 40,30 to 120,90."""
    image = np.full((128, 192, 3), 90, np.uint8)
    cv2.rectangle(image, (40, 30), (119, 89), (0, 0, 255), cv2.FILLED)
    return image


def test_a_yolo_finds_things_by_the_names_in_its_file(probe, start, yolo):
    node = start(yolo)
    probe.wait_for_running(1)
    _, answer = probe.detect(picture())
    (found,) = answer.detections
    assert found.results[0].hypothesis.class_id == 'red thing'
    assert found.bbox.center.position.x == pytest.approx(80, abs=2)
    assert found.bbox.center.position.y == pytest.approx(60, abs=2)
    assert found.bbox.size_x == pytest.approx(80, abs=3)
    status, values = probe.status('detector: stick 0')
    assert status.hardware_id == 'CPU-openvino'
    assert status.level == DiagnosticStatus.OK
    assert status.message == 'active, no thermometer'
    assert values['temperature_celsius'] == 'unknown'
    status, values = probe.status('detector: cluster')
    assert values['driver'] == 'openvino'
    assert not complaints(node.output)


def test_several_members_take_turns(probe, start, yolo):
    start(yolo, openvino_devices=MEMBERS, cluster_size=1, cluster_switch_cycle_ms=400,
          min_dwell_ms=100)
    probe.wait_for_running(3)
    worked = set()

    def all_have_worked():
        """Return whether each member was the active one, and no other with it."""
        values = probe.next_status('detector: cluster')
        assert len(values['active_sticks'].split(',')) == 1
        worked.add(values['active_sticks'])
        return worked == {'0', '1', '2'}

    probe.wait_for(all_have_worked)
    _, values = probe.status('detector: cluster')
    assert int(values['switches']) >= 2
    assert values['last_switch_reason'] == 'switch cycle'


def test_a_label_file_of_a_yolo_has_no_background(probe, start, yolo, tmp_path):
    labels = tmp_path / 'labels.txt'
    labels.write_text('cow\nhorse\n')
    start(yolo, label_files=f"['{labels}']")
    probe.wait_for_running(1)
    _, answer = probe.detect(picture())
    assert [found.results[0].hypothesis.class_id for found in answer.detections] == ['horse']


def test_a_label_file_of_a_yolo_must_fit(start, yolo, tmp_path):
    labels = tmp_path / 'labels.txt'
    labels.write_text('cow\nhorse\ncat\n')
    node = start(yolo, label_files=f"['{labels}']")
    assert node.wait(DEADLINE_SEC) == 2
    line, = [line for line in node.output.splitlines() if '[FATAL]' in line]
    assert '3 labels do not fit the graph' in line
    assert 'which needs 2 (line 1 is its class 0, as it has no background)' in line


@pytest.mark.parametrize('devices, why', [
    ("['cpu']", "openvino.devices=['cpu']: 'cpu' is none of MYRIAD, CPU"),
    ("['']", 'openvino.devices=[]: must name a device'),
    ("['GPU.77']", "openvino.devices=['GPU.77']: OpenVINO sees CPU")])
def test_a_device_that_is_none_ends_the_node(start, yolo, devices, why):
    node = start(yolo, openvino_devices=devices)
    assert node.wait(DEADLINE_SEC) == 2
    line, = [line for line in node.output.splitlines() if '[FATAL]' in line]
    assert why in line
    assert 'Traceback' not in node.output


def test_a_worker_that_is_killed_is_replaced(probe, start, yolo):
    start(yolo)
    probe.wait_for_running(1)
    _, values = probe.status('detector: stick 0')
    os.kill(int(values['pid']), signal.SIGKILL)
    probe.wait_for(lambda: probe.next_status('detector: stick 0')['restarts'] == '1')
    probe.wait_for_running(1)
    _, answer = probe.detect(picture())
    assert len(answer.detections) == 1
