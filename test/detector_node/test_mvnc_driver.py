# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The detector node with ``driver:=mvnc``, simulated sticks behind the name of the SDK.

It imports ``mvnc.mvncapi`` as on a robot, holds the machine-wide lock and knows nothing of a
simulation; the sticks are those of a bus that the test makes.
"""

import os
from pathlib import Path

from ncs_cluster_detector.simulation import in_place_of_sdk
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from node_harness import DEADLINE_SEC
import numpy as np
import onnx_networks
import pytest

SHAPES = b'detector: shapes\n'


@pytest.fixture
def bus():
    """Return a SimulatedBus with four sticks that boot fast."""
    shared = SimulatedBus(BusSpec(sticks=4, boot_ms=50.0, inference_ms=20.0, transfer_ms=5.0))
    yield shared
    shared.close()


@pytest.fixture
def start(start_detector, bus, tmp_path):
    """Return a function that starts the node with the content of a graph file."""
    def start_node(graph, **parameters):
        path = tmp_path / 'graph'
        path.write_bytes(graph)
        folders = [str(Path(in_place_of_sdk.__file__).parent), os.environ.get('PYTHONPATH', '')]
        return start_detector(
            {'PYTHONPATH': ':'.join(filter(None, folders)), 'NCS_SIMULATED_BUS': bus.path},
            driver='mvnc', graph_paths=f"['{path}']", **parameters)
    return start_node


def test_four_sticks_are_found_and_see_colours_and_places(probe, start):
    start(SHAPES)
    probe.wait_for_running(4)
    assert [probe.status(f'detector: stick {number}')[0].hardware_id for number in range(4)] == [
        '1.1-ma2450', '1.2-ma2450', '1.3-ma2450', '1.4-ma2450']
    image = np.full((240, 320, 3), 90, dtype=np.uint8)
    image[60:120, 160:240] = (0, 0, 255)
    _, answer = probe.detect(image)
    (found,) = answer.detections
    assert found.results[0].hypothesis.class_id == 'cat'
    assert found.bbox.center.position.x == pytest.approx(200, abs=1.5)
    assert found.bbox.center.position.y == pytest.approx(90, abs=1.5)
    assert found.bbox.size_x == pytest.approx(80, abs=2)


def test_a_stick_that_is_plugged_in_later_joins(probe, start, bus):
    for port in ('1.1', '1.2', '1.3', '1.4'):
        bus.inject(port, 'unplug')
    node = start(SHAPES)
    node.wait_for_line('no stick found; waiting for one')
    bus.inject('1.3', 'plug')
    probe.wait_for_running(1)
    assert probe.status('detector: stick 0')[0].hardware_id == '1.3-ma2450'
    bus.inject('1.1', 'plug')
    probe.wait_for_running(2)
    assert probe.status('detector: stick 1')[0].hardware_id == '1.1-ma2450'


def test_a_network_that_is_no_detector_ends_the_node(start, tmp_path):
    node = start(onnx_networks.scores([1, 3, 224, 224], [1, 1000]))
    assert node.wait(DEADLINE_SEC) == 2
    line, = [line for line in node.output.splitlines() if '[FATAL]' in line]
    assert f"graph_paths=['{tmp_path}/graph']: loading graph 0 on stick 1." in line
    assert 'its output is 1x1000x1x1, expected that of an SSD network' in line
    assert 'Traceback' not in node.output


def test_a_graph_that_no_stick_takes_ends_the_node(start, tmp_path):
    node = start(b'\x00\x01 compiled by something else')
    assert node.wait(DEADLINE_SEC) == 2
    line, = [line for line in node.output.splitlines() if not line.startswith('simulated stick')]
    assert line.startswith('[FATAL]')
    assert f"graph_paths=['{tmp_path}/graph']: " in line
    assert 'UNSUPPORTED_GRAPH_FILE' in line
    assert 'mvNCCompile' in line


def test_an_sdk_that_cannot_be_loaded_ends_the_node(start_detector, tmp_path):
    package = tmp_path / 'mvnc'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'mvncapi.py').write_text(
        "from ctypes import CDLL\nCDLL('./libmvnc_is_not_there.so')\n")
    graph = tmp_path / 'graph'
    graph.write_bytes(SHAPES)
    node = start_detector({'PYTHONPATH': f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
                          driver='mvnc', graph_paths=f"['{graph}']")
    assert node.wait(DEADLINE_SEC) == 2
    line, = node.output.splitlines()
    assert line.startswith('[FATAL]')
    assert 'driver=mvnc: ' in line
    assert 'libmvnc_is_not_there.so' in line
