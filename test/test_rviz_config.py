# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rviz configuration shows what the nodes really publish, in a way that rviz receives it."""

import math
from pathlib import Path
import time

from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS
from node_harness import DEADLINE_SEC
from node_harness import NodeProcess
import pytest
from rclpy.qos import qos_check_compatible
from rclpy.qos import QoSCompatibility
from rclpy.qos import QoSDurabilityPolicy
from rclpy.qos import QoSHistoryPolicy
from rclpy.qos import QoSLivelinessPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
import yaml

FILE = Path(__file__).resolve().parents[1] / 'config' / 'cluster_detector.rviz'
MANAGER = yaml.safe_load(FILE.read_text())['Visualization Manager']
# Displays of rviz_default_plugins, and what they subscribe to; those in use here.
SHOWS = {
    'rviz_default_plugins/Grid': None,
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
}
# These publish where somebody clicks.
PUBLISHING_TOOLS = {'rviz_default_plugins/' + name
                    for name in ('SetGoal', 'SetInitialPose', 'PublishPoint')}


def displays_in(group):
    """Return all displays of a group and of the groups in it."""
    found = []
    for display in group.get('Displays', []):
        found += [display, *displays_in(display)]
    return found


DISPLAYS = displays_in(MANAGER)
SUBSCRIBERS = [display for display in DISPLAYS if 'Topic' in display]


def qos_of(topic):
    """Return the QoSProfile that rviz makes of a display's topic."""
    def policy(policies, what):
        return policies[topic[f'{what} Policy'].upper().replace(' ', '_')]
    return QoSProfile(
        depth=topic['Depth'], history=policy(QoSHistoryPolicy, 'History'),
        reliability=policy(QoSReliabilityPolicy, 'Reliability'),
        durability=policy(QoSDurabilityPolicy, 'Durability'),
        liveliness=QoSLivelinessPolicy.AUTOMATIC)


@pytest.fixture
def camera():
    """Run a camera node where the launch files run it."""
    process = NodeProcess('camera_node', {'source': 'test_pattern', 'fps': '1'},
                          remappings={'__ns': '/camera'})
    yield process
    process.end()


def publishers_of(node, topic):
    """Return what the graph tells of a topic's publishers, as soon as there are some."""
    deadline = time.monotonic() + DEADLINE_SEC
    while not (found := node.get_publishers_info_by_topic(topic)):
        known = sorted(name for name, _ in node.get_topic_names_and_types())
        assert time.monotonic() < deadline, f'nobody publishes {topic}, but {known}'
        time.sleep(0.1)
    return found


def test_every_topic_is_published_so_that_rviz_receives_it(probe, camera, start_detector):
    start_detector(use_depth='true', **{'simulated.sticks': 0})
    for display in SUBSCRIBERS:
        topic = display['Topic']
        (publisher,) = publishers_of(probe.node, topic['Value'])
        assert publisher.topic_type == SHOWS[display['Class']], display
        compatibility, reason = qos_check_compatible(publisher.qos_profile, qos_of(topic))
        assert compatibility == QoSCompatibility.OK, (display, reason)


def test_the_displays_are_those_of_rviz():
    assert {display['Class'] for display in DISPLAYS} <= set(SHOWS)
    assert len({display['Name'] for display in DISPLAYS}) == len(DISPLAYS)
    for display in DISPLAYS:
        assert (SHOWS[display['Class']] is not None) == (display in SUBSCRIBERS), display
        assert display['Enabled'] == display['Value'], display


def test_the_raw_picture_is_off_and_the_rest_is_on():
    off = [display['Topic']['Value'] for display in DISPLAYS if not display['Enabled']]
    assert off == ['/camera/image_raw']


def test_the_fixed_frame_is_that_of_the_camera():
    defaults = {spec.name: spec.default for spec in PARAMETERS}
    assert MANAGER['Global Options']['Fixed Frame'] == defaults['frame_id']


def test_no_tool_publishes():
    assert not PUBLISHING_TOOLS & {tool['Class'] for tool in MANAGER['Tools']}


def test_the_view_looks_ahead_from_behind_and_above():
    view = MANAGER['Views']['Current']
    assert view['Class'] == 'rviz_default_plugins/Orbit' and not view['Invert Z Axis']
    yaw, pitch, distance = view['Yaw'], view['Pitch'], view['Distance']
    assert abs(pitch) < math.pi / 2 - 0.001   # rviz's own limit
    # Where rviz puts its eye, in the optical frame: x right, y down, z ahead.
    x = view['Focal Point']['X'] + distance * math.cos(yaw) * math.cos(pitch)
    y = view['Focal Point']['Y'] + distance * math.sin(yaw) * math.cos(pitch)
    z = view['Focal Point']['Z'] + distance * math.sin(pitch)
    assert x == pytest.approx(0.0, abs=1e-3)
    assert y < -1.0 and z < -1.0
    assert view['Focal Point']['Z'] > 1.0
