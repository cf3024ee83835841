# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector with depth from any camera, as a process, over DDS."""

import time

import cv2
from depth_camera import depth_of
from depth_camera import HEIGHT
from depth_camera import METRES
from depth_camera import picture
from depth_camera import PLACE
from depth_camera import RECTANGLE
from depth_camera import seen
from depth_camera import WIDTH
from ncs_cluster_detector.drawing.colours import DARK
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.drawing.text import text_height
from ncs_cluster_detector.drawing.text import text_tile
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import DEADLINE_SEC
import numpy as np
import pytest
from sensor_msgs.msg import Image
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header


@pytest.mark.parametrize('depth_first', [True, False])
@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_the_position_of_an_object(camera, encoding, depth_first):
    positions, cut = seen(camera, depth_of(encoding), encoding, depth_first)
    (found,) = positions.detections
    place = found.bbox.center.position
    assert found.results[0].hypothesis.class_id == 'car'
    np.testing.assert_allclose([place.x, place.y, place.z], PLACE, rtol=0.01, atol=0.01)
    expected = np.zeros_like(picture())
    expected[RECTANGLE] = (255, 0, 0)
    np.testing.assert_array_equal(bgr_image_of(cut), expected)


def test_what_is_not_known_is_not_told(camera):
    unknown = depth_of('32FC1')
    unknown[RECTANGLE] = np.nan
    for depth, how in ((unknown, {}), (depth_of('32FC1'), {'late_ns': 1}), (None, {})):
        positions, cut = camera.see(depth, '32FC1', **how)
        assert not positions.detections
        assert not bgr_image_of(cut).any()


# What a binned part of a larger sensor sees as the pinhole K does.
PART_OF_A_SENSOR = {
    'width': 1280, 'height': 960, 'binning_x': 2, 'binning_y': 2,
    'roi': RegionOfInterest(x_offset=400, y_offset=200, width=2 * WIDTH, height=2 * HEIGHT),
    'k': [400.0, 0.0, 2 * 160.0 + 400, 0.0, 400.0, 2 * 120.0 + 200, 0.0, 0.0, 1.0]}


def test_the_position_in_a_binned_region_of_interest(camera):
    positions, _ = seen(camera, depth_of('32FC1'), '32FC1', info=PART_OF_A_SENSOR)
    place = positions.detections[0].bbox.center.position
    np.testing.assert_allclose([place.x, place.y, place.z], PLACE, rtol=0.01, atol=0.01)
    assert 'positions are unknown' not in camera.process.output


def told(camera, line, *what, **how):
    """Show pictures until a line is in the log; return what was published meanwhile."""
    deadline = time.monotonic() + DEADLINE_SEC
    answers = []
    while line not in camera.process.output:
        assert time.monotonic() < deadline, camera.process.output
        answers.append(camera.see(*what, **how))
    return answers


OTHER_FRAME = Header(frame_id='other')


@pytest.mark.parametrize('how, line, cut_out', [
    ({'info': {'header': OTHER_FRAME}}, "camera_info has the frame_id 'other', the images have "
     "'camera'", True),
    ({'info': {'distortion_model': 'fisheye', 'd': [0.1] * 4}},
     "camera_info has the distortion model 'fisheye', which ROS does not know", True),
    ({'info': {'width': 2 * WIDTH}}, 'camera_info is for 640x240, the images are 320x240', True),
    ({'depth_frame': 'other'}, "the depth images have the frame_id 'other', the images have "
     "'camera'", False)])
def test_what_does_not_belong_to_the_image_is_not_used_but_named(camera, how, line, cut_out):
    answers = told(camera, f'positions are unknown: {line}', depth_of('32FC1'), '32FC1', **how)
    assert not any(positions.detections for positions, _ in answers[1:])
    assert any(bgr_image_of(cut).any() for _, cut in answers) == cut_out
    seen(camera, depth_of('32FC1'), '32FC1')
    camera.process.wait_for_line('positions are known again')


def test_what_does_not_belong_is_named_with_depth_at_half_the_rate_of_the_images(camera):
    deadline = time.monotonic() + DEADLINE_SEC
    while 'positions are unknown' not in camera.process.output:
        assert time.monotonic() < deadline, camera.process.output
        for depth in (depth_of('16UC1'), None):
            camera.see(depth, '16UC1', info={'header': OTHER_FRAME})
    assert "camera_info has the frame_id 'other'" in camera.process.output
    assert 'no depth image came' not in camera.process.output


def test_depth_of_another_size_is_not_used_but_named(camera):
    half = depth_of('16UC1')[::2, ::2].copy()
    answers = told(camera, 'positions are unknown: the depth images are 160x120, the images are '
                   '320x240', half, '16UC1')
    assert not any(positions.detections for positions, _ in answers)
    assert not any(bgr_image_of(cut).any() for _, cut in answers)


def test_bad_depth_is_dropped_counted_and_named_once(camera):
    probe = camera.probe
    for count in range(1, 4):
        camera.show(depth_of('16UC1'), 'mono16')
        probe.wait_for(lambda count=count: f'{count} unusable depth images dropped'
                       in probe.status('detector: cluster')[0].message)
    assert camera.process.output.count('dropped depth image') == 1
    seen(camera, depth_of('16UC1'), '16UC1')


def test_a_stamp_before_all_times_does_no_harm(camera):
    message = camera.show(depth_of('16UC1'), '16UC1')
    message.header.stamp.sec = -5
    camera.probe.publish(message)
    depth = image_message(message.header, depth_of('16UC1'), '16UC1')
    camera.depths.publish(depth)
    seen(camera, depth_of('16UC1'), '16UC1')
    assert 'Traceback' not in camera.process.output


def test_the_annotated_picture_tells_the_distance(camera):
    pictures, probe = [], camera.probe
    probe.listen(Image, 'annotated_image', pictures)
    size, colour = text_height(WIDTH, HEIGHT), label_colour('car')
    for depth, text in ((depth_of('32FC1'), f'car 90%  {METRES:.2f} m'), (None, 'car 90%')):
        tile = text_tile(text, size, DARK, colour)
        camera.see(depth, '32FC1')   # pictures of before may still be on their way
        header = camera.see(depth, '32FC1')[0].header
        picture_message = probe.wait_for(lambda header=header: next(
            (heard for heard in pictures if heard.header == header), None))
        difference = cv2.matchTemplate(bgr_image_of(picture_message), tile, cv2.TM_SQDIFF)
        assert difference.min() < 1.0, text
