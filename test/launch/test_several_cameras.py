# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Several cameras: what the launch files make of their names, and what they refuse."""

from launch_runs import CLUSTER
from launch_runs import FILES
from launch_runs import included
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import run_to_the_end
from launch_runs import SHARED_TOPICS
from launch_runs import SIMULATED
from launch_runs import Twin
from ncs_cluster_detector.cameras.registry import SOURCES
import pytest

pytestmark = NEEDS_LAUNCH_ROS

FQN = 'diagnostic_updater.use_fqn'
USB = {'device': '[/dev/video0,/dev/video2]'}


def launched(*contents):
    """Return the twins of all nodes that launch actions would start, by name."""
    code, started, _ = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'), *contents)
    assert code == 0
    found = [Twin(event.cmd[2:]) for event in started]
    assert len({twin.name for twin in found}) == len(found)
    return {twin.name: twin for twin in found}


def nodes_of(file, **arguments):
    """Return the twins of the nodes that a launch file would start."""
    return launched(included(file, respawn='false', **arguments))


def remarks(said):
    """Return what our files have said, but for what the environment of the tests brings about."""
    return [line for line in said() if not line.startswith('transport settings')]


@pytest.fixture
def refused(said):
    """Return a function that gives the one line with which a launch file refuses arguments."""
    def refuse(file=CLUSTER, **arguments):
        code, started, _ = run_to_the_end(
            launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
            included(file, respawn='false', **arguments))
        assert code == 1
        assert started == []
        (line,) = (line.partition('Caught exception in launch (see debug for traceback): ')[2]
                   for line in said('launch') if 'Caught exception' in line)
        assert '\n' not in line
        return line

    return refuse


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
@pytest.mark.parametrize(('namespace', 'prefix'), [('', ''), ('fleet/robot1', '/fleet/robot1')])
@pytest.mark.parametrize(('text', 'names'), [
    ('[front,rear]', ['front', 'rear']), ("['rear', \"front\"]", ['rear', 'front']),
    ('front', ['front']), ('[arm/wrist]', ['arm/wrist']), ('[yes,on]', ['yes', 'on']),
    ('[null,no]', ['null', 'no'])])
def test_each_name_is_a_camera_node_in_its_namespace(file, namespace, prefix, text, names):
    found = nodes_of(file, cameras=text, namespace=namespace, source='test_pattern')
    detector = found.pop(f'{prefix}/detector')
    assert list(found) == [f'{prefix}/{name}/camera' for name in names]
    assert detector.parameters['cameras'] == names
    assert detector.topics == {topic: f'{prefix}/{topic}' for topic in SHARED_TOPICS}
    for name, camera in zip(names, found.values()):
        assert camera.topics['image_raw'] == f'{prefix}/{name}/image_raw'
        frame = name.replace('/', '_') + '_color_optical_frame'
        assert camera.parameters['frame_id'] == frame
        assert camera.parameters[FQN] is True
    assert detector.parameters[FQN] is False


@pytest.mark.parametrize('text', ['', "['']", '[]'])
@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_without_names_all_is_as_without_the_argument(file, text):
    plain, other = nodes_of(file), nodes_of(file, cameras=text)
    assert set(plain) == {'/camera/camera', '/detector'}
    for name, twin in plain.items():
        assert vars(other[name]) == vars(twin)


def test_each_camera_is_given_its_own_values():
    found = nodes_of(
        CLUSTER, cameras='[a,b,c]', source='[usb, realsense, test_pattern]',
        device='[2, "0141", rtsp://me:pw@[::1]:554/live?a=1&b=2]',
        camera_info_url="['', 'file:///a b/c, d.yaml', file:///e.yaml]")
    assert [[found[f'/{name}/camera'].parameters[key]
             for key in ('source', 'device', 'camera_info_url')] for name in 'abc'] == [
        ['usb', '2', ''], ['realsense', '0141', 'file:///a b/c, d.yaml'],
        ['test_pattern', 'rtsp://me:pw@[::1]:554/live?a=1&b=2', 'file:///e.yaml']]


def test_one_value_is_for_all_cameras():
    found = nodes_of(CLUSTER, cameras='[a,b]', source='video', device='/a b.mp4',
                     camera_info_url='file:///c.yaml')
    for name in 'ab':
        assert found[f'/{name}/camera'].parameters.items() >= {
            'source': 'video', 'device': '/a b.mp4', 'camera_info_url': 'file:///c.yaml'}.items()


def test_the_detector_alone_takes_the_names(said):
    found = nodes_of(CLUSTER, cameras='[front,rear]', camera='false', device='[a]')
    assert list(found) == ['/detector']
    assert found['/detector'].parameters['cameras'] == ['front', 'rear']
    assert found['/detector'].topics['image_raw'] == '/image_raw'
    assert [line for line in said() if line.startswith('launch argument')] == [
        'launch argument device: ignored, because camera:=false starts no camera; leave it out']


def in_file(tmp_path, text):
    """Return the argument that names a file with a text."""
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    return {'params_file': str(path)}


@pytest.mark.parametrize('prefix', ['', '/robot1'])
def test_a_file_gives_each_node_what_is_below_its_name(tmp_path, said, prefix):
    file = in_file(tmp_path, f"""
{prefix}/front/camera: {{ros__parameters: {{fps: 5.0, device: /dev/video4, frame_id: mast}}}}
{prefix}/rear/camera: {{ros__parameters: {{fps: 6.0, {FQN}: false}}}}
{prefix}/detector: {{ros__parameters: {{cluster_size: 3}}}}
""")
    found = nodes_of(CLUSTER, cameras='[front,rear]', namespace=prefix, **file)
    front, rear, detector = found.values()
    assert front.parameters.items() >= {
        'fps': 5.0, 'device': '/dev/video4', 'frame_id': 'mast', FQN: True}.items()
    assert rear.parameters.items() >= {
        'fps': 6.0, 'frame_id': 'rear_color_optical_frame', FQN: False}.items()
    assert detector.parameters.items() >= {
        'cluster_size': 3, 'cameras': ['front', 'rear']}.items()
    assert remarks(said) == []


def test_a_file_for_some_of_the_nodes_is_given_to_those_alone(tmp_path, said):
    file = in_file(tmp_path, '/front/camera: {ros__parameters: {fps: 5.0}}')
    code, started, _ = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
        included(SIMULATED, cameras='[front,rear]', respawn='false', **file))
    assert code == 0
    front, rear, detector = (event.cmd for event in started)
    assert file['params_file'] in front
    assert file['params_file'] not in rear + detector
    assert remarks(said) == []


def test_a_file_for_none_of_the_nodes_is_named(tmp_path, said):
    nodes_of(SIMULATED, cameras='[front,rear]',
             **in_file(tmp_path, '/slam: {ros__parameters: {fps: 5.0}}'))
    (line,) = remarks(said)
    assert 'has nothing for /front/camera or /rear/camera or /detector (it is for /slam)' in line


@pytest.mark.parametrize('is_around', [False, True])
def test_the_names_may_come_from_where_the_detector_has_them(tmp_path, is_around):
    from launch_ros.actions import SetParametersFromFile
    file = in_file(tmp_path, '/detector: {ros__parameters: {cameras: ["front", "rear"]}}')
    around = [SetParametersFromFile(file.pop('params_file'))] if is_around else []

    def names_of(**arguments):
        *cameras, detector = launched(launch.actions.GroupAction(
            [*around, included(SIMULATED, respawn='false', **file, **arguments)])).values()
        return [camera.name for camera in cameras], detector.parameters['cameras']

    assert names_of() == (['/front/camera', '/rear/camera'], ['front', 'rear'])
    assert names_of(cameras='left') == (['/left/camera'], ['left'])
    assert names_of(cameras="['']") == (['/camera/camera'], [''])


def test_arguments_win_over_the_names(tmp_path):
    file = in_file(tmp_path, '/**/camera: {ros__parameters: {source: video, device: x}}')
    found = nodes_of(SIMULATED, cameras='[a,b]', **file, device='[one,two]',
                     diagnostics_with_namespace='false')
    assert [(twin.parameters['source'], twin.parameters['device'], twin.parameters[FQN])
            for name, twin in found.items() if name != '/detector'] == [
        ('video', 'one', False), ('video', 'two', False)]


@pytest.mark.parametrize(('names', 'words'), [
    ('[front,front]', 'cameras=[front, front]: front is there twice; give each'),
    ('[front,]x', 'cameras:=[front,]x: must be a name, or a list of names such as [front,rear]'),
    ('front,rear', 'cameras:=front,rear: must be a name, or a list of names such as [front,rear]'),
    ('[front,[rear]]', '[rear] cannot begin the names of topics:'),
    ("[front,'rear]", "cameras:=[front,'rear]: must be a name, or a list of names"),
    ('[', 'cameras:=[: must be a name, or a list of names'),
    ('[front,', 'cameras:=[front,: must be a name, or a list of names'),
    ("[front,'']", "cameras=[front, '']: an empty name beside others;"),
    ('[yes,NaN]', 'NaN is no text in the parameter files'), ('[y,n]', 'use for example camera_y'),
    ('[2]', 'use for example camera_2'), ('/front', 'use for example front'),
    ('[a,a/aligned_depth_to_color]', 'would be a topic of both a and a/aligned_depth_to_color;')])
@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_wrong_names_start_nothing(refused, file, names, words):
    assert words in refused(file, cameras=names)


@pytest.mark.parametrize(('arguments', 'words'), [
    ({'device': '[/dev/video0]'},
     'device:=[/dev/video0]: a list of 1 for 2 cameras (front, rear); give one for each, or a '
     'single one for all'),
    ({'device': '[1,2,rtsp://me:hunter2@cam/live]'},
     'rtsp://cam/live]: a list of 3 for 2 cameras'),
    ({'device': '[]'}, 'device:=[]: a list of 0 for 2 cameras'),
    ({'device': '[1,rtsp://me:hunter2@cam/live'},
     'rtsp://cam/live: must be a text, or a list with one for each camera'),
    ({'camera_info_url': '[a,b,c]'}, 'camera_info_url:=[a,b,c]: a list of 3 for 2 cameras'),
    ({'source': '[usb,lidar]', **USB}, 'source:=lidar: must be one of usb, realsense, video'),
    ({'source': 'lidar'}, 'Argument "source" provided value "lidar" is not valid')])
def test_wrong_values_for_several_cameras_start_nothing(refused, arguments, words):
    line = refused(cameras='[front,rear]', **arguments)
    assert words in line
    assert 'hunter2' not in line


def test_a_list_of_sources_needs_names(refused):
    assert refused(source='[usb]') == 'source:=[usb]: must be one of ' + ', '.join(SOURCES)


@pytest.mark.parametrize(('arguments', 'device'), [
    ({}, '/dev/video0'), ({'device': '[0,/dev/video0]'}, '/dev/video0'),
    ({'source': '[usb,usb]', 'device': '/dev/video2'}, '/dev/video2'),
    ({'source': 'realsense'}, 'the first RealSense camera'),
    ({'source': 'realsense', 'device': "['0141',' 0141']"}, 'RealSense 0141')])
def test_two_cameras_on_one_device_start_nothing(refused, arguments, device):
    line = refused(cameras='[front,rear]', **arguments)
    assert line.startswith(f'cameras front and rear: each would open {device}, which only one '
                           'can; give device a list with one for each (')


def test_a_link_to_a_device_is_that_device(refused, tmp_path):
    link = tmp_path / 'front_camera'
    link.symlink_to('/dev/video7')
    line = refused(cameras='[front,mid,rear]', device=f'[{link},/dev/video6,7]')
    assert line.startswith('cameras front and rear: each would open /dev/video7,')


@pytest.mark.parametrize('arguments', [
    {'source': 'test_pattern'}, {'source': 'video', 'device': '/a.mp4'},
    {'source': 'usb', 'device': 'rtsp://cam/live'}, {'source': 'realsense', 'device': '/a.bag'},
    {'source': '[usb,realsense]'}, USB])
def test_what_several_can_read_starts(said, arguments):
    assert len(nodes_of(CLUSTER, cameras='[front,rear]', **arguments)) == 3
    assert remarks(said) == []


def test_a_file_that_gives_two_cameras_one_name_is_warned_of(tmp_path, said):
    file = in_file(tmp_path, f'/**: {{ros__parameters: {{frame_id: mast, {FQN}: false}}}}')
    nodes_of(SIMULATED, cameras='[front,mid,rear]', **file)
    assert [line for line in said() if line.startswith('cameras')] == [
        'cameras front and mid and rear: each has the frame_id mast, so what they see is taken '
        'for one place; give each its own in a params_file',
        'cameras front and mid and rear: each has the status camera: test_pattern on '
        '/diagnostics; say diagnostics_with_namespace:=true']


def test_two_names_that_make_one_frame_are_warned_of(said):
    nodes_of(SIMULATED, cameras='[arm/wrist,arm_wrist]')
    (line,) = remarks(said)
    assert line.startswith('cameras arm/wrist and arm_wrist: each has the frame_id '
                           'arm_wrist_color_optical_frame,')


def test_a_start_up_error_of_one_stops_all(tmp_path, said):
    script = tmp_path / 'node'
    script.write_text('#!/bin/sh\ncase "$*" in *__ns:=/rear*) exit 2;; esac\nexec sleep 60\n')
    script.chmod(0o755)
    code, started, ended = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', str(script)),
        included(SIMULATED, cameras='[front,rear]'))
    assert code == 0
    assert len(started) == len(ended) == 3
    assert [line for line in said('launch.user') if 'cannot start' in line] == [
        f'{next(e.process_name for e in ended if e.returncode == 2)} cannot start, so the other '
        'nodes are stopped']
