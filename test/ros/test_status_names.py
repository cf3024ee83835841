# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The names of real nodes' statuses, what sorts them, and what is told when nothing can come."""

from pathlib import Path
import re

from node_harness import NodeProcess
import pytest
import rclpy
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from vision_msgs.msg import Detection2DArray

AGGREGATOR_FILE = (Path(__file__).resolve().parents[2] / 'config' / 'diagnostics_aggregator.yaml')
FQN = 'diagnostic_updater.use_fqn'
PLAIN = {'camera: test_pattern', 'detector: cluster', 'detector: stick 0', 'detector: stick 1'}
NAMED = PLAIN - {'camera: test_pattern'} | {'front/camera: test_pattern', 'detector: camera front'}
QUALIFIED = {'front/camera: test_pattern', 'front/detector: cluster', 'front/detector: stick 0',
             'front/detector: stick 1'}


@pytest.fixture
def start_pair():
    """Return a function that starts a camera and a detector; all are ended after the test."""
    started = []

    def start(use_fqn, camera_namespace, detector_namespace, camera='', fqn_of_camera=None):
        started.append(NodeProcess(
            'camera_node',
            {'source': 'test_pattern', 'width': 64, 'height': 48, 'fps': 5.0,
             FQN: fqn_of_camera or use_fqn},
            remappings={'__ns': camera_namespace}))
        started.append(NodeProcess(
            'detector_node', {'driver': 'simulated', 'simulated.sticks': 2, FQN: use_fqn,
                              'cameras': f"['{camera}']"},
            remappings={'__ns': detector_namespace, 'image_raw': '/front/camera/image_raw'}))
        return started[-1]

    yield start
    for process in started:
        process.end()


def names(probe):
    return {status.name for array in list(probe.diagnostics) for status in array.status}


def read_by_ros(file):
    """Return the parameters that a node called analyzers finds in a file, by their names."""
    context = rclpy.Context()
    rclpy.init(context=context, args=['--ros-args', '--params-file', str(file)])
    node = rclpy.create_node('analyzers', context=context,
                             automatically_declare_parameters_from_overrides=True)
    try:
        return {name: node.get_parameter(name) for name in node._parameter_overrides}
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


@pytest.fixture(scope='module')
def analyzers():
    """Return the parameters of each analyzer in the aggregator's file, by its name."""
    found = {}
    for name, parameter in read_by_ros(AGGREGATOR_FILE).items():
        analyzer, _, own = name.rpartition('.')
        found.setdefault(analyzer, {})[own] = parameter
    return found


def matches(analyzer, name):
    """Tell whether the aggregator's GenericAnalyzer would take a status with a name."""
    def texts(own):
        return analyzer[own].value if own in analyzer else []
    return (any(re.fullmatch(expression, name) for expression in texts('regex'))
            or any(name.startswith(text) for text in texts('startswith'))
            or any(text in name for text in texts('contains')))


def test_the_aggregators_file_has_the_types_that_it_wants(analyzers):
    groups = dict(analyzers)
    root = groups.pop('')
    assert root['path'].type_ == Parameter.Type.STRING
    assert root['pub_rate'].type_ == Parameter.Type.DOUBLE
    assert list(groups) == ['cluster', 'sticks', 'camera', 'hosts']
    for analyzer in groups.values():
        assert {own: parameter.type_ for own, parameter in analyzer.items()} == {
            'type': Parameter.Type.STRING, 'path': Parameter.Type.STRING,
            'regex': Parameter.Type.STRING_ARRAY, 'remove_prefix': Parameter.Type.STRING_ARRAY,
            'timeout': Parameter.Type.DOUBLE}
        assert analyzer['type'].value == 'diagnostic_aggregator/GenericAnalyzer'


@pytest.mark.parametrize('arguments, expected', [
    (('false', '/front/camera', '/front'), PLAIN),
    (('true', '/front/camera', '/front'), QUALIFIED),
    # As the launch files start a camera with a name.
    (('false', '/front', '/', 'front', 'true'), NAMED)])
def test_every_status_of_running_nodes_is_sorted_into_one_group(
        arguments, expected, start_pair, probe, analyzers):
    start_pair(*arguments)
    probe.wait_for(lambda: expected <= names(probe))
    assert names(probe) == expected
    for name in expected:
        taken_by = [group for group, analyzer in analyzers.items()
                    if group and matches(analyzer, name)]
        kind = name.split(': ')[1].split()[0]
        assert taken_by == [{'cluster': 'cluster', 'stick': 'sticks'}.get(kind, 'camera')], name


@pytest.mark.parametrize('name', [
    'detector: camera front', 'detector: camera arm/wrist_2', 'robot1/detector: camera arm/wrist',
    'front/camera: usb', 'robot1/arm/wrist/camera: realsense'])
def test_the_statuses_of_named_cameras_are_sorted_with_the_cameras(name, analyzers):
    taken_by = [group for group, analyzer in analyzers.items()
                if group and matches(analyzer, name)]
    assert taken_by == ['camera']
    prefix = next(text for text in analyzers['camera']['remove_prefix'].value if text in name)
    assert name.rpartition(prefix)[2]   # something is left to tell them apart


@pytest.mark.parametrize('name', ['detector: reserve', 'robot1/detector: reserve'])
def test_the_reserve_is_sorted_with_the_cluster(name, analyzers):
    assert [group for group, analyzer in analyzers.items()
            if group and matches(analyzer, name)] == ['cluster']


@pytest.mark.parametrize('name', [
    'detector: host pi1', 'detector: host pi-2.local', 'robot1/detector: host /rack/pi9',
    'stick_server: host pi1', 'pi1/stick_server: host pi1',
    'robot1/pi1/stick_server: pi-1 stick 12'])
def test_the_statuses_of_hosts_and_of_their_servers_are_in_a_group_of_their_own(name, analyzers):
    taken_by = [group for group, analyzer in analyzers.items()
                if group and matches(analyzer, name)]
    assert taken_by == ['hosts']


@pytest.mark.parametrize('name', [
    'detector: host', 'my_stick_server: host pi1', 'stick_server: pi1 stick',
    'detector: camera', 'detector: camera ', 'my_detector: camera front', 'camera: front',
    'detector: cluster head', 'detector: reserve head', 'my_detector: cluster',
    'camera: lidar', 'eyecamera: usb',
    'detector: stick', 'detector: stick 1 of 2'])
def test_the_statuses_of_other_nodes_are_left_alone(name, analyzers):
    assert not any(matches(analyzer, name) for group, analyzer in analyzers.items() if group)


def test_no_image_names_the_topic_that_is_listened_to(start_pair, probe):
    start_pair('false', '/elsewhere', '/front')
    probe.wait_for(lambda: probe.status('detector: cluster')
                   and 'no image for' in probe.status('detector: cluster')[0].message)
    message = probe.status('detector: cluster')[0].message
    assert re.search(r'no image for \d+ s on /front/camera/image_raw: nobody publishes there; '
                     'start the camera, or remap image_raw to its topic', message)


def test_a_subscriber_whose_qos_never_fits_is_told_in_one_line(start_detector, probe):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    probe.listen(Detection2DArray, 'detections', [], latched)
    node = start_detector(**{'simulated.sticks': '1'})
    node.wait_for_line('incompatible QoS')
    (line,) = [line for line in node.output.splitlines() if 'incompatible QoS' in line]
    assert '[WARN]' in line
    assert "topic 'detections'" in line
    assert line.endswith('Last incompatible policy: DURABILITY')
