# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rviz views show what the nodes really publish, in a way that rviz receives it."""

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

CONFIG = Path(__file__).resolve().parents[1] / 'config'
# The names of the cameras in each view.
CAMERAS = {'cluster_detector.rviz': [''], 'two_cameras.rviz': ['front', 'rear']}
EVERY_VIEW = pytest.mark.parametrize('view', CAMERAS)
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


def content_of(view):
    """Return the parsed view."""
    return yaml.safe_load((CONFIG / view).read_text())


def manager_of(view):
    """Return what is shown, and how."""
    return content_of(view)['Visualization Manager']


def subscribers_of(view):
    """Return the displays that take a topic."""
    return [display for display in displays_in(manager_of(view)) if 'Topic' in display]


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
def start_cameras():
    """Return a function that runs camera nodes where the launch files run them."""
    started = []

    def start(names):
        started.extend(NodeProcess('camera_node', {'source': 'test_pattern', 'fps': '1'},
                                   remappings={'__ns': f'/{name or "camera"}'}) for name in names)

    yield start
    for process in started:
        process.end()


def publishers_of(node, topic):
    """Return what the graph tells of a topic's publishers, as soon as there are some."""
    deadline = time.monotonic() + DEADLINE_SEC
    while not (found := node.get_publishers_info_by_topic(topic)):
        known = sorted(name for name, _ in node.get_topic_names_and_types())
        assert time.monotonic() < deadline, f'nobody publishes {topic}, but {known}'
        time.sleep(0.1)
    return found


@EVERY_VIEW
def test_every_topic_is_published_so_that_rviz_receives_it(
        probe, start_cameras, start_detector, view):
    start_cameras(CAMERAS[view])
    start_detector(use_depth='true', cameras=str(CAMERAS[view]), **{'simulated.sticks': 0})
    for display in subscribers_of(view):
        topic = display['Topic']
        (publisher,) = publishers_of(probe.node, topic['Value'])
        assert publisher.topic_type == SHOWS[display['Class']], display
        compatibility, reason = qos_check_compatible(publisher.qos_profile, qos_of(topic))
        assert compatibility == QoSCompatibility.OK, (display, reason)


@EVERY_VIEW
def test_the_displays_are_those_of_rviz(view):
    displays, subscribers = displays_in(manager_of(view)), subscribers_of(view)
    assert {display['Class'] for display in displays} <= set(SHOWS)
    assert len({display['Name'] for display in displays}) == len(displays)
    for display in displays:
        assert (SHOWS[display['Class']] is not None) == (display in subscribers), display
        assert display['Enabled'] == display['Value'], display


# The objects of the second camera need a transform to the frame of the first one.
@pytest.mark.parametrize(('view', 'expected'), [
    ('cluster_detector.rviz', ['/camera/image_raw']),
    ('two_cameras.rviz', ['/front/image_raw', '/rear/image_raw', '/rear/markers'])])
def test_the_raw_picture_is_off_and_the_rest_is_on(view, expected):
    off = [display['Topic']['Value'] for display in displays_in(manager_of(view))
           if not display['Enabled']]
    assert off == expected


def test_the_second_view_shows_of_each_camera_what_the_first_one_shows():
    def settings(view, prefix):
        """Return the class and the topic of each display, the topic relative to a camera."""
        found = [(display['Class'], {**display['Topic'], 'Value': (
            display['Topic']['Value'].removeprefix('/camera').removeprefix(prefix))})
            for display in subscribers_of(view) if display['Topic']['Value'].startswith(prefix)]
        return sorted(found, key=str)

    one = settings('cluster_detector.rviz', '')
    assert len(one) == 3
    for name in CAMERAS['two_cameras.rviz']:
        assert settings('two_cameras.rviz', f'/{name}') == one
    assert len(subscribers_of('two_cameras.rviz')) == 2 * len(one)


def docks_in(state):
    """Return the docks in the saved state of a Qt main window, and whether each is shown."""
    content, found = bytes.fromhex(state), {}
    for part in content.split(b'\xfb')[1:]:   # WidgetMarker of Qt's QDockAreaLayoutInfo
        size = int.from_bytes(part[:4], 'big')
        found[part[4:4 + size].decode('utf-16-be')] = bool(part[4 + size])
    return found


@EVERY_VIEW
def test_the_window_has_a_place_for_every_picture_and_panel(view):
    content = content_of(view)
    pictures = {display['Name']: display['Enabled'] for display in subscribers_of(view)
                if SHOWS[display['Class']] == 'sensor_msgs/msg/Image'}
    panels = dict.fromkeys((panel['Name'] for panel in content['Panels']), True)
    assert docks_in(content['Window Geometry']['QMainWindow State']) == pictures | panels
    assert set(pictures | panels) <= set(content['Window Geometry'])


@EVERY_VIEW
def test_the_fixed_frame_is_that_of_the_first_camera(view):
    defaults = {spec.name: spec.default for spec in PARAMETERS}
    frame = manager_of(view)['Global Options']['Fixed Frame']
    name = CAMERAS[view][0]
    assert frame == (f'{name}_color_optical_frame' if name else defaults['frame_id'])


@EVERY_VIEW
def test_no_tool_publishes(view):
    assert not PUBLISHING_TOOLS & {tool['Class'] for tool in manager_of(view)['Tools']}


@EVERY_VIEW
def test_the_view_looks_ahead_from_behind_and_above(view):
    view = manager_of(view)['Views']['Current']
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
