# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A detector node loads OpenCV only when it needs it, however many of its workers do."""

from pathlib import Path
import subprocess

from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.processes.module_path import python_command
import numpy as np
import onnx_networks
import psutil
import pytest
from sensor_msgs.msg import Image

QUICK = {'simulated.sticks': '2', 'simulated.inference_ms': '10.0', 'simulated.transfer_ms': '1.0',
         'simulated.boot_ms': '0.0'}
PICTURE = np.zeros((240, 320, 3), dtype=np.uint8)


def has_loaded_opencv(pid):
    """Return whether a process has mapped a library of OpenCV, as Debian or a wheel name them."""
    return any(word in line for line in Path(f'/proc/{pid}/maps').read_text().splitlines()
               for word in ('/cv2', 'libopencv'))


@pytest.mark.parametrize('module', [
    'detector_node.node', 'detector_node.positions.outputs', 'drivers.registry',
    'simulation.networks.graphs'])
def test_a_module_of_the_node_is_imported_without_opencv(module):
    subprocess.run(python_command(
        f'import ncs_cluster_detector.{module}\nassert "cv2" not in sys.modules'), check=True)


@pytest.mark.parametrize('graph', ['shapes', 'people', 'faces', 'onnx'])
def test_a_node_that_needs_no_opencv_never_loads_it(probe, start_detector, tmp_path, graph):
    if graph == 'onnx':
        graph = tmp_path / 'red.onnx'
        graph.write_bytes(onnx_networks.red_finder((64, 64), InputFormat()))
    node = start_detector(graph_paths=f"['{graph}']", **QUICK)
    probe.detect(PICTURE)
    probe.next_status('detector: cluster')
    assert not has_loaded_opencv(node.pid)
    workers = psutil.Process(node.pid).children(recursive=True)
    assert any(has_loaded_opencv(worker.pid) for worker in workers)


@pytest.mark.parametrize('need', ['encoding', 'subscriber'])
def test_a_node_loads_opencv_when_it_needs_it(probe, start_detector, need):
    node = start_detector(graph_paths="['shapes']", **QUICK)
    probe.detect(PICTURE)
    assert not has_loaded_opencv(node.pid)
    if need == 'encoding':
        message = probe.image_message(PICTURE)
        message.encoding = 'rgb8'
        probe.publish(message)
        probe.wait_for(lambda: any(found.header == message.header for found in probe.detections))
    else:
        heard = []
        probe.listen(Image, 'annotated_image', heard)
        # One more image for each answer, until the node has found the subscriber.
        probe.wait_for(lambda: heard or probe.publish(probe.image_message(PICTURE)))
    assert has_loaded_opencv(node.pid)
