# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Parameters of any type and value, set on running nodes as other programs set them."""

from fuzz_door import ANY_FLOAT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import st
from ncs_cluster_detector.camera_node.node import CameraNode
from ncs_cluster_detector.detector_node.node import DetectorNode
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.parameters import camera_parameters
from ncs_cluster_detector.parameters import detector_parameters
import pytest
import rclpy
from rclpy.exceptions import InvalidParameterException
from rclpy.exceptions import ParameterAlreadyDeclaredException
from rclpy.parameter import Parameter

LONGEST = 40_000   # characters of a refusal, which quotes both values
ENCODABLE = st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=30)
INT64 = st.integers(-2**63, 2**63 - 1) | st.sampled_from([0, 1, 2, 3, 64, 65, -1, 100, 2000])
TEXTS = ENCODABLE | st.sampled_from(
    ['coolest', 'round_robin', 'car', 'person', '', 'background', 'true', '12', 'a: b', '[', '&a',
     'car:0.7', 'person:1e999', 'car:nan', ':0.5', 'car:', 'a:b:0.5', '0,0,1,1', '0.5,0,0.5,1',
     '0.5,0,0.6,1', '0,0,nan,1', '1e-300,0,1,1', '0,0,5e-324,1', ',,,', '1,1,1',
     'rtsp://me:secret@host/', '[' * 2000, '*a', '!!python/object:x', '2026-11-29', '1e999'])
VALUES = st.one_of(
    st.booleans(), INT64, ANY_FLOAT | st.floats(0.0, 100.0), TEXTS,
    st.lists(st.booleans(), max_size=3), st.lists(INT64, max_size=3),
    st.lists(ANY_FLOAT, max_size=3), st.lists(st.floats(0.0, 1001.0), min_size=2, max_size=2),
    st.lists(TEXTS, max_size=4),
    st.lists(st.integers(0, 255).map(lambda byte: bytes([byte])), max_size=3), st.none())


def names(table):
    """Return a strategy of a node's parameters, of those of ROS, and of others."""
    return st.sampled_from([*(spec.name for spec in table), *(
        spec.name for spec in table if spec.live), 'use_sim_time',
        'start_type_description_service', 'nonsense', '', 'clustersize',
        'qos_overrides./x.y']) | ENCODABLE


def set_all(node, changes, together):
    """Set parameters as the service of a node does; return the values afterwards."""
    before = node._declared.values()
    requested = []
    for name, value in changes:
        try:
            requested.append(Parameter(name, value=value))
        except (TypeError, ValueError):
            continue   # rclpy itself makes no parameter of it
    try:
        results = ([node.set_parameters_atomically(requested)] if together
                   else node.set_parameters(requested))
    except (InvalidParameterException, ParameterAlreadyDeclaredException):
        return node._declared.values()   # rclpy answers these itself
    for result in results:
        assert result.successful == (not result.reason)
        if result.reason:
            assert_one_line(result.reason, LONGEST)
            assert 'secret' not in result.reason
    after = node._declared.values()
    if together and not results[0].successful:
        assert after == before
    return after


def override(**values):
    return [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]


NODES = {}


@pytest.fixture(autouse=True, scope='module')
def nodes():
    """Run a real node of each kind; the detector has no stick, the camera a made-up picture."""
    rclpy.init(args=['fuzz'])
    NODES['detector'] = DetectorNode([], parameter_overrides=override(
        driver='simulated', graph_paths=['shapes'], simulated__sticks=0))
    NODES['cameras'] = DetectorNode([], namespace='two', parameter_overrides=override(
        driver='simulated', graph_paths=['shapes'], simulated__sticks=0, use_depth=True,
        cameras=['front', 'arm/wrist'], image_transport='compressed'))
    NODES['camera'] = CameraNode([], parameter_overrides=override(
        source='test_pattern', fps=1.0, device='[' * 1000))   # which YAML cannot read
    for node in NODES.values():
        node.get_logger().set_level(rclpy.logging.LoggingSeverity.FATAL)
    yield
    for node in NODES.values():
        node.stop()
        node.destroy_node()
    NODES.clear()
    rclpy.shutdown()


def check_changes(name, parameters, changes, together):
    """Set parameters of a node; check that it goes on with values that it takes."""
    node = NODES[name]
    after = set_all(node, changes, together)
    for spec in parameters:
        assert spec.accept(after[spec.name]) == after[spec.name]
    node._report()   # raises what has ended a thread of the node


@door(100, changes=st.lists(st.tuples(names(detector_parameters.PARAMETERS), VALUES), max_size=4),
      together=st.booleans())
def test_any_change_of_the_detector_is_taken_or_refused(changes, together):
    check_changes('detector', detector_parameters.PARAMETERS, changes, together)


REGION = st.lists(st.floats(0.0, 1.0) | ANY_FLOAT, min_size=3, max_size=5).map(
    lambda edges: ','.join(map(repr, edges)))
THRESHOLD = st.tuples(st.sampled_from(['car', 'cat', 'cart', '']), ANY_FLOAT | st.floats(0.0, 1.0)
                      ).map(lambda pair: f'{pair[0]}:{pair[1]}')
NUMBERS = st.lists(st.floats(0.0, 1001.0) | ANY_FLOAT, max_size=3)


@door(150, changes=st.lists(st.one_of(
    st.tuples(st.sampled_from(['camera_weights', 'camera_max_fps']), NUMBERS | VALUES),
    st.tuples(st.just('camera_regions'), st.lists(REGION | TEXTS, max_size=3) | VALUES),
    st.tuples(st.just('class_thresholds'), st.lists(THRESHOLD | TEXTS, max_size=3) | VALUES),
    st.tuples(st.just('enabled'), st.booleans() | VALUES),
    st.tuples(st.sampled_from(['cameras', 'image_transport']), VALUES)), max_size=4),
    together=st.booleans())
def test_any_change_of_several_cameras_is_taken_or_refused(changes, together):
    check_changes('cameras', detector_parameters.PARAMETERS, changes, together)
    settings = NODES['cameras']._supervisor._wanted
    for camera in range(2):   # what the node took can be worked with
        assert 0.0 <= settings.weight(camera) <= 1000.0
        assert 0.0 <= settings.max_fps(camera) <= 1000.0
        top, bottom, left, right = Region(*settings.region(camera)).pixels(7, 5)
        assert 0 <= top < bottom <= 7 and 0 <= left < right <= 5
    assert settings.wants('car', 1.0) in (True, False)


@door(100, also=[{'changes': [('device', 'x')], 'together': True}],
      changes=st.lists(st.tuples(names(camera_parameters.PARAMETERS), VALUES), max_size=4),
      together=st.booleans())
def test_any_change_of_the_camera_is_taken_or_refused(changes, together):
    check_changes('camera', camera_parameters.PARAMETERS, changes, together)
