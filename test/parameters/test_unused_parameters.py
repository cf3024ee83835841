# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Nothing that is given to a node is ignored in silence; what is used is no complaint."""

from ncs_cluster_detector.parameters import camera_parameters
from ncs_cluster_detector.parameters import detector_parameters
from ncs_cluster_detector.parameters.unused_parameters import UnusedParameters
from node_harness import NodeProcess
from node_harness import overrides
import pytest

OF_ROS = {'use_sim_time', 'start_type_description_service'}
NAMES = {'camera': OF_ROS | {spec.name for spec in camera_parameters.PARAMETERS},
         'detector': OF_ROS | {spec.name for spec in detector_parameters.PARAMETERS}}


@pytest.fixture
def told(tmp_path):
    """Return a function that returns what a detector says of files and further arguments."""
    def tell(*texts, words=(), node='/detector', default='detector', given=None):
        line = ['--ros-args', *words]
        for number, text in enumerate(texts):
            path = tmp_path / f'{number}.yaml'
            path.write_text(text)
            line += ['--params-file', str(path)]
        if given is None:
            given = overrides(line, node.rpartition('/')[0] or '/')
        unused = UnusedParameters(node, default, NAMES[default], line)
        return ([text.replace(f'{tmp_path}/', '') for text in unused.warnings(given)],
                unused.notes(given))
    return tell


def block(key, parameters='{cluster_size: 2}'):
    """Return a block of a parameter file."""
    return f'{key}:\n  ros__parameters: {parameters}\n'


@pytest.mark.parametrize('name, value, line', [
    ('swich_temperature', 50.0, 'swich_temperature=50.0: no such parameter, ignored; did you mean '
     'switch_temperature?'),
    ('simulated.stiks', 3, 'simulated.stiks=3: no such parameter, ignored; did you mean '
     'simulated.sticks?'),
    ('diagnostic_updater.use_fqnn', True, 'diagnostic_updater.use_fqnn=True: no such parameter, '
     'ignored; did you mean diagnostic_updater.use_fqn?'),
    ('SWITCH_TEMPERATURE', 50.0, 'SWITCH_TEMPERATURE=50.0: no such parameter, ignored; did you '
     'mean switch_temperature?'),
    ('zzz', 1, 'zzz=1: no such parameter, ignored; see ros2 param list'),
    ('fps', 5.0, 'fps=5.0: a parameter of the camera node, ignored; give it to that one'),
    ('devise', 'rtsp://me:secret@host/x', 'devise=rtsp://host/x: no such parameter, ignored; did '
     'you mean device of the camera node?'),
    ('addresses', ['rtsp://me:secret@host/x', 'a\nb'], "addresses=['rtsp://host/x', 'a\\nb']: no "
     'such parameter, ignored; see ros2 param list'),
    ('qos_overrides./image_raw.subscription.depth', 5, 'qos_overrides./image_raw.subscription.'
     'depth=5: the QoS of this topic cannot be overridden, ignored; leave it out')])
def test_a_parameter_that_is_none_is_named(told, name, value, line):
    assert told(given={name: value}) == ([line], [])


def test_a_long_value_is_cut(told):
    ((line,), _) = told(given={'zzz': 'x' * 1000})
    assert len(line) < 200


def test_the_camera_knows_what_is_the_detectors(told):
    assert told(given={'cluster_size': 1}, node='/camera', default='camera') == (
        ['cluster_size=1: a parameter of the detector node, ignored; give it to that one'], [])


def test_what_ros_gives_every_node_is_not_named(told):
    assert told(given=dict.fromkeys((
        'use_sim_time', 'start_type_description_service',
        'qos_overrides./clock.subscription.depth',
        'qos_overrides./parameter_events.publisher.depth'), 1)) == ([], [])


@pytest.mark.parametrize('key, node', [
    ('/detector', '/front/detector'), ('detector', '/front/detector'),
    ('/x/detector', '/detector'), ('*/detector', '/detector'), ('detector_node', '/detector'),
    ('/front/detector_node', '/front/detector'), ('detektor', '/detector'),
    ('Detector', '/detector'), ('my_detector', '/detector'), ('ncs_cluster_detector', '/detector'),
    ('front:\n  detector', '/detector')])
@pytest.mark.parametrize('more', ['', block('/**'), block('/camera', '{fps: 5.0}')])
def test_a_key_that_just_misses_the_node_is_named_with_the_right_one(told, key, node, more):
    text = block(key).replace('\n  ros', '\n      ros') if ':' in key else block(f'"{key}"')
    (lines, notes) = told(text + more, node=node)
    shown = '/front/detector' if ':' in key else '/' + key.strip('/')
    assert lines == [f'0.yaml: its parameters for {shown} do not reach {node}, ignored '
                     f'(cluster_size); use the key {node}, or /**/detector for any namespace']
    assert notes == []


def test_a_renamed_node_is_known_by_its_name_and_its_old_one(told):
    for key, right in (('det2', True), ('/**', True), ('detector', False), ('det3', False)):
        given = {'cluster_size': 2} if right else {}
        (lines, _) = told(block(f'"{key}"'), node='/det2', given=given)
        assert len(lines) == (not right)
        assert right or 'do not reach /det2' in lines[0]


def test_the_camera_in_its_namespace_misses_a_block_for_a_camera_without(told):
    text = block('camera', '{fps: 5.0, width: 64, height: 48, loop: true, frame_id: x}')
    (lines, _) = told(text + block('detector'), node='/camera/camera', default='camera', given={})
    assert lines == ['0.yaml: its parameters for /camera do not reach /camera/camera, ignored '
                     '(fps, width, height, loop and 1 more); use the key /camera/camera, or '
                     '/**/camera for any namespace']


@pytest.mark.parametrize('text, node', [
    (block('camera', '{fps: 5.0}') + block('detector'), '/detector'),
    (block('/detector') + block('/front/detector') + block('detector_node'), '/detector'),
    (block('/detector', '{}') + block('detektor'), '/detector'),
    (block('"/**"') + block('camera', '{fps: 5.0}') + block('/lidar', '{x: 1}'), '/detector'),
    (block('"/**/detector"'), '/front/detector'), (block('"/front/*"'), '/front/detector'),
    # Whoever gives all such nodes something knows that there are several.
    (block('"/**/detector"') + block('/rear/detector'), '/front/detector')])
def test_what_is_meant_for_other_nodes_is_not_complained_of(told, text, node):
    assert told(text, node=node) == ([], [])


@pytest.mark.parametrize('name', ['camera', 'camera_node'])
def test_the_other_node_of_the_package_is_no_misspelt_one(told, name):
    text = block('"/**"') + block(name, '{fps: 5.0}')
    assert told(text, node='/camera_det', given={'cluster_size': 2}) == ([], [])
    assert told(text, given={'cluster_size': 2}) == ([], [])


def test_a_file_for_other_nodes_alone_is_named(told):
    names = ['lidar', 'camera', 'imu', 'gps', 'arm', 'base']
    (lines, _) = told(''.join(block(name) for name in names))
    assert lines == ['0.yaml: has nothing for /detector (it is for /lidar, /camera, /imu, /gps '
                     'and 2 more), ignored; use the key /detector, or another file']
    (lines, _) = told(block('"/*"'), node='/front/detector')
    assert lines[0].startswith('0.yaml: has nothing for /front/detector (it is for /*), ignored;')


@pytest.mark.parametrize('text', ['', 'text\n', 'detector: {}\n', '# cluster_size: 2\n'])
def test_a_file_without_parameters_is_named(told, text):
    assert told(text)[0] == ['0.yaml: holds no parameters, ignored; expected the key /detector '
                             'with ros__parameters below it']


def test_each_file_is_judged_by_itself(told):
    (lines, _) = told(block('detector'), block('detector_node'), block('detector'))
    assert len(lines) == 1 and lines[0].startswith('1.yaml: its parameters for /detector_node ')


def test_a_second_document_is_named(told):
    assert told(block('detector') + '---\n' + block('detector'))[0] == [
        '0.yaml: holds several documents, all but the first ignored; leave out the line "---" '
        'between them']


def test_a_contradiction_is_named_and_a_repetition_is_not(told):
    assert told('detector:\n  ros__parameters:\n    cluster_size: 1\n    simulated: {sticks: 3}\n'
                '    cluster_size: 1\n    simulated.sticks: 4\n' + block('camera', '{fps: 5.0}')
                + block('camera', '{fps: 6.0}'))[0] == [
        '0.yaml: simulated.sticks stands 2 times below /detector (lines 4, 6), and the last one '
        'is used; keep one']


def test_what_a_block_for_all_gives_another_node_is_a_note(told):
    text = block('"/**"', '{cluster_size: 2, fps: 5.0, device: x, zzz: 1}')
    assert told(text) == (
        ['zzz=1: no such parameter, ignored; see ros2 param list'],
        ['parameters of the camera node, given to all nodes by a parameter file and not used '
         'here: fps, device'])
    # What somebody gave this very node is not meant for another.
    fps = 'fps=5.0: a parameter of the camera node, ignored; give it to that one'
    for more in ({'words': ('-p', 'fps:=5.0')}, {'words': ('-p', 'detector:fps:=5.0')}):
        assert fps in told(text, **more)[0]
    assert fps in told(text + block('detector', '{fps: 5.0}'))[0]


@pytest.mark.parametrize('rule, remedy', [
    ('camera:cluster_size:=1', 'leave out "camera:"'), ('camera:fps:=1', 'give it to that one'),
    ('detector_node:cluster_size:=1', 'leave out "detector_node:"')])
def test_a_rule_for_another_node_is_named(told, rule, remedy):
    name = rule.partition(':')[0]
    assert told(words=('-p', rule))[0] == [
        f'-p {rule}: for the node /{name} and not /detector, ignored; {remedy}']


def test_a_rule_for_this_node_is_used_only_without_a_namespace(told):
    words = ('-p', 'detector:cluster_size:=1')
    assert told(words=words) == ([], [])
    assert told(words=words, node='/front/detector')[0] == [
        '-p detector:cluster_size:=1: for the node /detector and not /front/detector, ignored; '
        'leave out "detector:"']


def test_a_secret_in_a_rule_is_not_shown(told):
    (line,) = told(words=('-p', 'camera:device:=rtsp://me:secret@host/x'))[0]
    assert 'rtsp://host/x' in line and 'secret' not in line


def test_a_misspelt_parameter_is_named_before_the_refusal_that_it_explains():
    node = NodeProcess('detector_node', {'graph_path': '/none', 'driver': 'simulated',
                                         'label_files': '["/none"]'})
    assert node.wait() == 2
    warning, fatal = node.output.splitlines()
    assert '[WARN]' in warning and warning.endswith(
        'graph_path=/none: no such parameter, ignored; did you mean graph_paths?')
    assert '[FATAL]' in fatal


def test_a_node_that_is_started_with_a_file_names_what_is_ignored(tmp_path):
    path = tmp_path / 'given.yaml'
    path.write_text(block('/camera', '{fps: 5.0}') + block('"/**"', '{cluster_size: 2}'))
    node = NodeProcess('camera_node', {'source': 'test_pattern', 'fsp': '5.0'},
                       remappings={'__ns': '/camera'}, more_arguments=('--params-file', str(path)))
    try:
        node.wait_for_line('is open')
    finally:
        node.end()
    assert node.output.count('[WARN]') == 2
    assert 'fsp=5.0: no such parameter, ignored; did you mean fps?' in node.output
    assert f'{path}: its parameters for /camera do not reach /camera/camera' in node.output
    assert node.output.count('and not used here: cluster_size') == 1
