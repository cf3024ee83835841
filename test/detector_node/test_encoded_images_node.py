# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Images that come as JPEG or PNG, over real DDS: they are decoded only if a stick takes them."""

import array
from pathlib import Path
import time

import cv2
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from node_harness import NodeProcess
from node_harness import Probe
import numpy as np
import psutil
import pytest
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from several_cameras import encoded
from several_cameras import HEARD
from several_cameras import key_of
from several_cameras import NamedCamera

QUICK = {'driver': 'simulated', 'graph_paths': "['shapes']", 'simulated.sticks': '2',
         'simulated.inference_ms': '5.0', 'simulated.transfer_ms': '1.0',
         'simulated.boot_ms': '0.0', 'image_transport': 'compressed'}
# The head of a JPEG that says it has 65535x65535 pixels, and of such a PNG.
HUGE_JPEG = bytes.fromhex('ffd8 ffc0 0011 08 ffff ffff 03 012200 021101 031101 ffd9')
HUGE_PNG = bytes.fromhex('89504e470d0a1a0a0000000d494844520000ffff0000ffff0802000000')


@pytest.fixture(scope='module')
def shared():
    """Return a probe, two cameras and a detector that the tests of this module share."""
    node = NodeProcess('detector_node', {**QUICK, 'cameras': "['front', 'rear']"})
    with Probe() as probe:
        probe.wait_for_running(2)
        cameras = (NamedCamera(probe, 'front', (480, 640), transport='.jpg'),
                   NamedCamera(probe, 'rear', (240, 426), transport='.png', start_sec=5000))
        for camera in cameras:
            camera.see()
        yield probe, cameras, node
    node.end()


def show_data(camera, data):
    """Publish a message with any data."""
    message = CompressedImage(header=camera.header(), format='jpeg', data=array.array('B', data))
    camera.images.publish(message)


def malformed(probe):
    """Return the newest counts of unusable images of the cameras front and rear."""
    return [int(probe.status(f'detector: camera {name}')[1]['dropped_malformed'])
            for name in ('front', 'rear')]


def test_boxes_are_found_in_jpeg_and_png_as_in_raw_images(shared):
    _, cameras, _ = shared
    for _ in range(20):
        for camera in cameras:
            camera.see()
    for camera in cameras:
        camera.check()


def test_what_is_no_picture_is_dropped_and_counted_and_named_once(shared):
    probe, (front, rear), node = shared
    picture, _, _ = front.picture()
    whole = bytes(encoded(picture).data)
    before = malformed(probe)
    bad = (b'', b'nothing that could be seen', whole[:len(whole) // 2], HUGE_JPEG, HUGE_PNG)
    for number, data in enumerate(bad, start=1):
        show_data(front, data)   # nothing else is on its way, so a stick takes it
        probe.wait_for(lambda number=number: malformed(probe)[0] == before[0] + number)
        front.see()
        rear.see()
    assert malformed(probe)[1] == before[1]
    front.check()
    (line,) = [line for line in node.output.splitlines() if 'further bad images' in line]
    assert 'front: dropped ' in line
    status, _ = probe.status('detector: camera front')
    assert f'; {before[0] + len(bad)} unusable images dropped' in status.message
    for stick in range(2):
        _, values = probe.status(f'detector: stick {stick}')
        assert (values['restarts'], values['last_error']) == ('0', '')


def test_images_that_no_stick_takes_are_not_decoded(shared):
    probe, (front, rear), node = shared
    assert 'cv2' not in Path(f'/proc/{node.pid}/maps').read_text()
    assert probe.set_parameter('camera_max_fps', [1.0, 0.0]) == (True, '')
    try:
        # Of images that hold no picture, those that were decoded are counted as such.
        deadline = time.monotonic() + 30.0
        while True:
            assert time.monotonic() < deadline
            front.see()
            seen_at = time.monotonic()
            before = malformed(probe)
            for _ in range(40):
                show_data(front, b'\xff\xd8\xff no picture')
                time.sleep(0.002)
            front.show()
            if time.monotonic() < seen_at + 0.5:   # else its turn may have come among the bad ones
                break
        front.see()
        written = front.status()
        assert malformed(probe) == before
        assert int(written['dropped_replaced']) + int(written['dropped_before_node']) >= 40
    finally:
        assert probe.set_parameter('camera_max_fps', []) == (True, '')
    workers = psutil.Process(node.pid).children(recursive=True)
    assert any('cv2' in Path(f'/proc/{worker.pid}/maps').read_text() for worker in workers)


def test_a_region_is_cut_out_of_the_decoded_picture(shared):
    probe, (front, rear), _ = shared
    for camera in (front, rear):
        camera.detections.clear()
    region = (0.1, 0.2, 0.8, 0.7)
    assert probe.set_parameter(
        'camera_regions', ['', ','.join(map(str, region))]) == (True, '')
    try:
        for _ in range(14):   # the car is in the region wherever it is
            rear.see()
            front.see()
        rear.check(region)
        front.check()
    finally:
        assert probe.set_parameter('camera_regions', []) == (True, '')


def test_the_annotated_picture_is_the_decoded_frame(shared):
    probe, cameras, node = shared
    for camera in cameras:
        heard = []
        probe.listen(Image, f'{camera.name}/annotated_image', heard, HEARD)
        probe.wait_for(lambda camera=camera, heard=heard: camera.show() and len(heard) > 5)
        for message in heard:
            pixels = bgr_image_of(message)
            assert pixels.shape == (*camera.size, 3)
            assert np.abs(pixels[:4, :4].astype(int)
                          - camera.sent[key_of(message.header)][1]).max() < 10
    assert 'Traceback' not in node.output


def test_an_exif_orientation_turns_nothing(shared):
    probe, (front, _), _ = shared
    picture, box, _ = front.picture()
    content = bytes(encoded(picture).data)
    # An APP1 segment with a big-endian TIFF of one entry: orientation 6, a quarter turn.
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0'
    turned = content[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + content[2:]
    shape = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape
    assert shape == (640, 480, 3)   # who looks at it would turn it

    def found():
        message = CompressedImage(header=front.header(), data=array.array('B', turned))
        front.sent[key_of(message.header)] = box, 0
        front.images.publish(message)
        try:
            return probe.wait_for(lambda: front.answer_to(message.header), 1.0)
        except AssertionError:
            return None

    answer = next(filter(None, (found() for _ in range(20))))
    front.check_box(answer.detections[0], box)


def test_a_publisher_of_another_type_is_named_when_no_image_comes(probe, start_detector):
    start_detector(**QUICK, cameras='["lone"]')
    publisher = probe.node.create_publisher(Image, 'lone/image_raw/compressed', 1)
    status, _ = probe.wait_for(lambda: (
        found := probe.status('detector: camera lone')) and 'expected' in found[0].message
        and found)
    assert ('/lone/image_raw/compressed: sensor_msgs/msg/Image is published there, expected '
            'sensor_msgs/msg/CompressedImage') in status.message
    probe.destroy_publisher(publisher)
    # Without any, it says which name to remap: that of the raw images, as image_transport does.
    probe.wait_for(lambda: 'remap lone/image_raw to its topic' in probe.status(
        'detector: camera lone')[0].message)


def test_one_camera_without_a_name_takes_compressed_images_where_its_images_are(probe):
    node = NodeProcess('detector_node', QUICK, remappings={'image_raw': '/any/picture'})
    try:
        camera = NamedCamera(probe, '', (480, 640), '/any/picture', '.jpg')
        for _ in range(5):
            camera.see()
        camera.check()
        assert probe.node.count_subscribers('/any/picture') == 0
        assert probe.node.count_subscribers('/any/picture/compressed') == 1
    finally:
        node.end()
