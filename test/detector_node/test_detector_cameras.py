# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A detector node with several cameras, as a process, over real DDS."""

import time

import cv2
from ncs_cluster_detector.parameters.parameter_spec import IN_QUOTES
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from node_harness import NodeProcess
from node_harness import Probe
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from several_cameras import COUNTS
from several_cameras import key_of
from several_cameras import NamedCamera

QUICK = {'driver': 'simulated', 'graph_paths': "['shapes']", 'simulated.sticks': '2',
         'simulated.inference_ms': '5.0', 'simulated.transfer_ms': '1.0',
         'simulated.boot_ms': '0.0'}
# Of different sizes, and with stamps of their own: none could be taken for that of another.
SIZES = {'front': (240, 320), 'rear': (96, 180), 'arm/wrist': (480, 640)}
KEYS = ['input_fps', 'detection_fps', 'latency_ms_p50', 'latency_ms_p95', 'frames_dropped',
        *COUNTS, 'weight', 'max_fps', 'region']
OK, WARN = b'\x00', b'\x01'


def named_cameras(probe, **more):
    """Return the three cameras by name."""
    return {name: NamedCamera(probe, name, size, start_sec=1000 * number, **more)
            for number, (name, size) in enumerate(SIZES.items(), start=1)}


def counts_of(probe, name):
    """Return the values of the newest status of a camera; all statuses come together."""
    return probe.status(f'detector: camera {name}')[1]


def show_all(cameras, rounds):
    """Let all cameras show pictures, about as fast as the sticks work."""
    for _ in range(rounds):
        for camera in cameras:
            camera.show()
        time.sleep(0.01)


@pytest.fixture(scope='module')
def shared():
    """Return a probe, three cameras and a detector that the tests of this module share."""
    node = NodeProcess('detector_node', {**QUICK, 'cameras': "['front', 'rear', 'arm/wrist']"})
    with Probe() as probe:
        probe.wait_for_running(2)
        cameras = named_cameras(probe)
        for camera in cameras.values():
            camera.see()
        yield probe, cameras, node
    node.end()


def test_detections_are_of_the_images_of_their_own_camera(shared):
    _, cameras, node = shared
    before = {name: len(camera.detections) for name, camera in cameras.items()}
    show_all(cameras.values(), 60)
    for name, camera in cameras.items():
        camera.see()
        camera.check()
        assert len(camera.detections) > before[name] + 10
    assert 'jumped back' not in node.output


@pytest.mark.parametrize('names', [('front', 'rear'), ('arm/wrist', 'front', 'rear')])
def test_every_image_is_detected_or_in_a_count_of_its_camera_and_of_the_cluster(shared, names):
    probe, cameras, _ = shared
    chosen = [cameras[name] for name in names]
    for camera in cameras.values():
        camera.see()   # so that none is on its way
    dropped = int(probe.next_status('detector: cluster')['frames_dropped'])
    before = {name: (camera.accounted(counts_of(probe, name)), len(camera.sent))
              for name, camera in cameras.items()}
    for _ in range(60):   # much faster than two sticks
        for camera in chosen:
            camera.show()
    for camera in chosen:
        camera.see()

    probe.wait_for(lambda: all(
        cameras[name].accounted(counts_of(probe, name)) - counted
        == len(cameras[name].sent) - sent for name, (counted, sent) in before.items()))
    cluster = probe.next_status('detector: cluster')
    values = {name: counts_of(probe, name) for name in SIZES}
    for count in ('frames_dropped', *COUNTS):
        assert int(cluster[count]) == sum(int(value[count]) for value in values.values())
    assert int(cluster['frames_dropped']) > dropped


def test_the_status_of_a_camera_has_the_keys_of_the_contract_and_its_own_rates(shared):
    probe, cameras, _ = shared
    # Ten a second from one and twenty from another, until the rates of 10 s are known to differ.
    front, wrist = cameras['front'], cameras['arm/wrist']

    def rates():
        show_all([wrist], 2)
        front.show()
        time.sleep(0.08)
        found = {name: [float(probe.status(f'detector: {name}')[1][f'{kind}_fps'])
                        for kind in ('input', 'detection')]
                 for name in ('camera front', 'camera arm/wrist', 'camera rear', 'cluster')}
        both = np.add(found['camera front'], found['camera arm/wrist']) + found['camera rear']
        return (found['camera arm/wrist'][0] > 1.5 * found['camera front'][0] > 6.0
                and found['camera rear'][0] < 2.0 and np.allclose(both, found['cluster'], atol=0.2)
                and found['camera front'][1] > 3.0)

    deadline = time.monotonic() + 20.0
    while not rates():
        assert time.monotonic() < deadline, probe.diagnostics[-1]
    array = probe.diagnostics[-1].status
    assert [status.name for status in array] == [
        'detector: cluster', *(f'detector: camera {name}' for name in SIZES),
        'detector: stick 0', 'detector: stick 1']
    for name in SIZES:
        status, values = probe.status(f'detector: camera {name}')
        assert status.hardware_id == name
        assert list(values) == KEYS
        assert [values[key] for key in KEYS[-3:]] == ['1', '0', '0,0,1,1']
    assert probe.status('detector: camera front')[0].message.endswith(' images a second')


def test_a_camera_that_is_silent_is_told_of_in_its_own_status_only(shared):
    probe, cameras, node = shared
    cameras['rear'].see()
    probe.wait_for(lambda: probe.status('detector: camera rear')[0].level == OK)
    node.forget()

    def is_silent():
        show_all([cameras['front'], cameras['arm/wrist']], 1)
        return probe.status('detector: camera rear')[0].level == WARN

    deadline = time.monotonic() + 20.0
    while not is_silent():
        assert time.monotonic() < deadline
    text = probe.status('detector: camera rear')[0].message
    assert text.startswith('no image for ') and '/rear/image_raw: 1 publisher' in text
    for name in ('cluster', 'camera front', 'camera arm/wrist'):
        status, _ = probe.status(f'detector: {name}')
        assert status.level == OK, status.message
        assert 'no image' not in status.message
    node.wait_for_line('on /rear/image_raw')
    assert 'front/image_raw' not in node.output
    # It is served at once when it comes back.
    cameras['rear'].see()
    probe.wait_for(lambda: probe.status('detector: camera rear')[0].level == OK)
    node.wait_for_line('images come again on /rear/image_raw')


def test_annotated_pictures_are_the_very_frames_of_their_camera(shared):
    probe, cameras, _ = shared
    heard = {name: ([], []) for name in SIZES}
    for name, (pictures, compressed) in heard.items():
        probe.listen(Image, f'{name}/annotated_image', pictures, 50)
        probe.listen(CompressedImage, f'{name}/annotated_image/compressed', compressed, 50)
    for name, camera in cameras.items():
        probe.wait_for(lambda found=heard[name], camera=camera: camera.show() and all(
            len(each) > 2 for each in found), 20.0)
    show_all(cameras.values(), 30)
    for name, camera in cameras.items():
        last, _ = camera.see()
        pictures, compressed = heard[name]
        # The newest one is never left out.
        probe.wait_for(lambda last=last, pictures=pictures, compressed=compressed: all(
            each and each[-1].header == last for each in (pictures, compressed)))
        for message in pictures:
            pixels = bgr_image_of(message)
            box, grey = camera.sent[key_of(message.header)]
            assert pixels.shape == (*camera.size, 3)
            assert (pixels[0, 0] == grey).all()
            middle = pixels[(box[1] + box[3]) // 2, (box[0] + box[2]) // 2]
            assert (middle == (255, 0, 0)).all()
        for message in compressed:
            pixels = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
            assert pixels.shape == (*camera.size, 3)
            assert np.abs(pixels[:4, :4].astype(int)
                          - camera.sent[key_of(message.header)][1]).max() < 10


def test_there_are_the_topics_of_the_contract_and_no_others(shared):
    probe, _, _ = shared
    published, taken = (
        {topic for topic, _ in find('detector', '/')}
        for find in (probe.node.get_publisher_names_and_types_by_node,
                     probe.node.get_subscriber_names_and_types_by_node))
    below = [f'/{name}/{topic}' for name in SIZES
             for topic in ('detections', 'annotated_image', 'annotated_image/compressed')]
    assert published == {
        *below, '/label_info', '/vision_info', '/diagnostics', '/rosout', '/parameter_events',
        '/detector/stick_0/temperature', '/detector/stick_1/temperature'}
    assert {topic for topic in taken if 'parameter_events' not in topic} == {
        f'/{name}/image_raw' for name in SIZES}


@pytest.mark.parametrize('transport', ['raw', '.jpg'])
def test_names_stand_below_the_namespace_and_images_can_be_remapped(probe, transport):
    compressed = transport != 'raw'
    node = NodeProcess('detector_node', {
        **QUICK, 'cameras': "['front', 'arm/wrist']", 'diagnostic_updater.use_fqn': 'true',
        'image_transport': 'compressed' if compressed else 'raw'},
        remappings={'__ns': '/robot1', 'front/image_raw': '/bumper/image',
                    'arm/wrist/annotated_image': '/shown'})
    try:
        front = NamedCamera(probe, '/robot1/front', (480, 640), '/bumper/image', transport)
        wrist = NamedCamera(probe, '/robot1/arm/wrist', (360, 480), '', transport, 5000)
        shown = []
        probe.listen(CompressedImage, '/shown/compressed', shown)
        for camera in (front, wrist):
            camera.see()
            camera.check()
        probe.wait_for(lambda: wrist.show() and shown)
        assert key_of(shown[0].header) in wrist.sent
        ending = '/compressed' if compressed else ''
        taken = {topic for topic, _ in probe.node.get_subscriber_names_and_types_by_node(
            'detector', '/robot1')}
        assert {f'/bumper/image{ending}', f'/robot1/arm/wrist/image_raw{ending}'} == {
            topic for topic in taken if 'parameter_events' not in topic}
        for name in ('front', 'arm/wrist'):
            status, values = probe.wait_for(
                lambda name=name: probe.status(f'robot1/detector: camera {name}'))
            assert status.hardware_id == name
            assert list(values) == KEYS
    finally:
        node.end()


def test_one_name_alone_is_a_named_camera(probe, start_detector):
    start_detector(**QUICK, cameras='["lone"]')
    camera = NamedCamera(probe, 'lone', (96, 128))   # the detector that is shared has no such one
    camera.see()
    camera.check()
    assert not probe.node.get_publishers_info_by_topic('detections')
    assert camera.status()['frames_dropped'].isdigit()


@pytest.mark.parametrize('given, words', [
    ({'cameras': "['front', 'front']"}, 'cameras=[front, front]: front is there twice'),
    ({'cameras': "['front left']"}, 'use for example front_left'),
    ({'cameras': "['front', '']"}, 'an empty name beside others'),
    ({'cameras': 'front'}, 'cameras='),
    ({'cameras': "['front', 'rear']", 'camera_weights': '[1.0]'},
     "camera_weights=[1.0]: must have one value per camera (cameras=['front', 'rear']); give 2"),
    ({'camera_weights': '[1.0, 2.0]'}, 'camera_weights=[1.0, 2.0]: must have one value'),
    ({'cameras': "['front']", 'camera_weights': '[-1.0]'}, 'camera_weights='),
    ({'cameras': "['front']", 'camera_weights': '[.nan]'}, 'camera_weights='),
    ({'cameras': "['front']", 'camera_max_fps': '[1000.5]'}, 'camera_max_fps='),
    ({'cameras': "['front']", 'camera_max_fps': '[1.0, 2.0]'}, 'give 1, or none'),
    ({'camera_regions': "['0.5,0,0.6,1']"}, "'0.5,0,0.6,1' must lie in the picture"),
    ({'camera_regions': "['left']"}, "'left' must be four numbers"),
    ({'cameras': "['front', 'rear']", 'camera_regions': "['0,0,1,1']"}, 'give 2'),
    ({'class_thresholds': "['car']"}, "'car' must be a label, a colon and a score"),
    ({'class_thresholds': "['car:0.5', 'car:0.6']"}, "'car' stands there twice"),
    ({'class_thresholds': "['cart:0.5']"}, "unknown label 'cart'"),
    ({'image_transport': 'theora'}, 'image_transport='),
    ({'enabled': '1'}, 'enabled='),
])
def test_what_is_wrong_about_cameras_is_refused_in_one_line(refusal, given, words):
    line = refusal('detector_node', driver='simulated', **given)
    assert words in line, line
    assert any(f'{name}=' in line for name in given)


NO_TEXTS = "must be a list of texts, such as ['a', 'b'], each in quotes: without them ROS"
MIXED = 'of same type'


@pytest.mark.parametrize('is_in_file', [False, True], ids=['-p', 'file'])
@pytest.mark.parametrize('cameras, words', [
    ('["front", "n"]', ': cameras=[front, n]: n is no text in the parameter files that launch '
     'and ros2 param dump write, which have no quotes around it; use for example camera_n'),
    ('[front, "INF"]', 'use for example camera_INF'),
    ('[y, n]', f': cameras=[True, False]: {NO_TEXTS}'),
    ('[on, Off]', f': cameras=[True, False]: {NO_TEXTS}'),
    ('[nan, inf]', f': cameras=[nan, inf]: {NO_TEXTS}'),
    ('[front, y]', MIXED), ('[no, rear]', MIXED), ('[Nan, rear]', MIXED)])
def test_a_name_that_ros_reads_as_something_else_is_refused(tmp_path, cameras, words, is_in_file):
    node = start_with(tmp_path, cameras, is_in_file)
    assert node.wait() == 2
    (line,) = node.output.splitlines()
    assert line.startswith('[FATAL] ')
    assert words in line
    if words is MIXED:
        assert line.endswith('if it is a list of texts, put ' + IN_QUOTES)


@pytest.mark.parametrize('is_in_file', [False, True], ids=['-p', 'file'])
def test_in_quotes_most_such_names_work(probe, tmp_path, is_in_file):
    node = start_with(tmp_path, '["yes", "Off", "null"]', is_in_file)
    try:
        for name in ('yes', 'Off', 'null'):
            camera = NamedCamera(probe, name, (96, 128))
            camera.see()
            camera.check()
            assert camera.status()['weight'] == '1'
    finally:
        node.end()


def start_with(folder, cameras, is_in_file):
    """Start a detector whose names of cameras come with ``-p`` or in a parameter file."""
    if not is_in_file:
        return NodeProcess('detector_node', {**QUICK, 'cameras': cameras})
    path = folder / 'cameras.yaml'
    path.write_text(f'detector:\n  ros__parameters:\n    cameras: {cameras}\n')
    return NodeProcess('detector_node', QUICK, more_arguments=['--params-file', str(path)])
