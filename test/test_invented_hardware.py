# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A driver and a depth camera are added by one module and one entry in a table each.

The package is copied, the invented modules and their entries are added to the copy, and its nodes
run in processes of their own, the detector's workers among them.
"""

import re

from camera_ear import Ear
from camera_ear import stamps_of
import invented_camera
import invented_driver
from invented_package import make_copy
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.detector_node.positions.messages import depth_picture_of
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from node_harness import NodeProcess
import numpy as np
import pytest
from rclpy.qos import QoSDurabilityPolicy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray
from vision_msgs.msg import VisionInfo

LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
MILLIMETRES = 1500
WIDTH, HEIGHT = 160, 120


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    """Return the module path that leads to the copy."""
    return make_copy(tmp_path_factory.mktemp('copy'))


@pytest.fixture
def sticks(tmp_path):
    """Return the folder of the sticks, with none in it."""
    folder = tmp_path / 'sticks'
    folder.mkdir()
    return folder


@pytest.fixture
def start(path, sticks, tmp_path):
    """Return a function that starts a node of the copy."""
    started = []
    graph = tmp_path / 'toy.graph'
    graph.write_bytes(invented_driver.GRAPH)

    def start_node(executable, **parameters):
        if executable == 'detector_node':
            parameters = {'driver': 'invented', 'graph_paths': f"['{graph}']", **parameters}
        started.append(NodeProcess(executable, parameters, {
            'PYTHONPATH': path, 'INVENTED_STICKS': str(sticks)}))
        return started[-1]

    yield start_node
    for process in started:
        process.end()


def test_sticks_of_an_invented_driver_are_found_named_and_used(probe, start, sticks):
    information = []
    probe.listen(VisionInfo, 'vision_info', information, LATCHED)
    node = start('detector_node')
    probe.wait_for(lambda: probe.status('detector: cluster'))
    assert 'put a file into the folder' in probe.status('detector: cluster')[0].message
    for name in ('1-toy', '2-toy'):
        (sticks / name).touch()
    probe.wait_for_running(2)
    status, values = probe.status('detector: stick 1')
    assert (status.hardware_id, values['temperature_celsius']) == ('2-toy', '31.5')
    assert probe.status('detector: cluster')[1]['driver'] == 'invented'
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[30:60, 40:80] = (255, 0, 0)
    _, answer = probe.detect(image)
    (found,) = answer.detections
    assert found.results[0].hypothesis.class_id == 'person'
    assert found.results[0].hypothesis.score == pytest.approx(invented_driver.SCORE)
    assert found.bbox.center.position.x == pytest.approx(60, abs=2.5)
    assert found.bbox.center.position.y == pytest.approx(45, abs=2.5)
    assert information[0].method == 'toy.graph on invented sticks'
    # It has no USB bus, so there is nothing to clean and nothing to complain of.
    assert 'cannot be cleaned' not in node.output
    assert not re.search(r'\[(?:ERROR|FATAL)\]', node.output), node.output


@pytest.mark.parametrize('executable, parameters, refusal', [
    ('detector_node', {'graph_paths': "['']"}, 'with driver invented a graph must be named'),
    ('detector_node', {'graph_paths': f"['{__file__}']"}, 'not an invented graph; name one'),
    ('detector_node', {'driver': 'nothing'},
     f'driver=nothing: must be one of invented, {", ".join(DRIVERS)} ('),
    ('camera_node', {'source': 'nothing'},
     f'source=nothing: must be one of invented, {", ".join(SOURCES)} ('),
    ('camera_node', {'source': 'invented', 'device': 'rtsp://h/x'},
     'which source=invented cannot open; use source:=usb')])
def test_what_an_invented_one_cannot_take_is_refused(start, executable, parameters, refusal):
    node = start(executable, **parameters)
    assert node.wait() == 2
    assert refusal in node.output


def test_an_invented_camera_gives_depth_to_an_invented_driver(probe, start, sticks):
    depths, depth_infos, positions = [], [], []
    ear = Ear(probe)
    ear.listen()
    probe.listen(Image, 'aligned_depth_to_color/image_raw', depths)
    probe.listen(CameraInfo, 'aligned_depth_to_color/camera_info', depth_infos)
    probe.listen(Detection3DArray, 'detections_3d', positions)
    (sticks / '1-toy').touch()
    start('camera_node', source='invented', device=str(MILLIMETRES), width=WIDTH, height=HEIGHT)
    start('detector_node', use_depth='true')
    probe.wait_for(lambda: len(ear.infos) >= 5 and len(depth_infos) >= 5 and any(
        message.detections for message in positions))
    assert bgr_image_of(ear.images[0]).shape == (HEIGHT, WIDTH, 3)
    assert (depth_picture_of(depths[0]).pixels == MILLIMETRES).all()
    assert set(stamps_of(depths)) & set(stamps_of(ear.images))
    for info in (ear.infos[0], depth_infos[0]):
        assert (info.width, info.height, info.k[0]) == (WIDTH, HEIGHT, invented_camera.FOCAL)
    (found,) = next(message.detections for message in positions if message.detections)
    assert found.bbox.center.position.z == pytest.approx(MILLIMETRES / 1000)
    assert found.bbox.center.position.x == pytest.approx(0.0, abs=0.03)
    probe.wait_for(lambda: ear.status() and ear.status()[2]['granted'] == '160x120 at 30 fps')
    assert probe.status('camera: invented')[0].hardware_id == str(MILLIMETRES)
