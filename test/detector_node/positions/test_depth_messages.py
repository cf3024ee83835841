# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of depth messages in and positions out."""

import array

from ncs_cluster_detector.detector_node.positions.messages import depth_picture_of
from ncs_cluster_detector.detector_node.positions.messages import DepthPicture
from ncs_cluster_detector.detector_node.positions.messages import detection_3d_array_of
from ncs_cluster_detector.detector_node.positions.messages import why_unfit
from ncs_cluster_detector.geometry.distance import ObjectDepth
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.ros.image_messages import BadImageError
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

MILLIMETRES = np.random.default_rng(1).integers(0, 2**16, (12, 17), dtype=np.uint16)
METRES = MILLIMETRES.astype(np.float32) / 1000


def depth_message(depth, encoding, padding=0, big_endian=False):
    """Return an Image message with the values of an array."""
    stored = depth.astype(depth.dtype.newbyteorder('>' if big_endian else '<'))
    rows = stored.view(np.uint8).reshape(len(depth), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    return Image(height=depth.shape[0], width=depth.shape[1], encoding=encoding,
                 step=rows.shape[1], is_bigendian=big_endian,
                 data=array.array('B', rows.tobytes()))


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('depth, encoding', [(MILLIMETRES, '16UC1'), (METRES, '32FC1')])
def test_depth_arrives_as_it_was_sent(depth, encoding, padding, big_endian):
    found = depth_picture_of(depth_message(depth, encoding, padding, big_endian)).pixels
    assert found.dtype == depth.dtype
    np.testing.assert_array_equal(found, depth)


def test_depth_is_used_in_place():
    message = depth_message(MILLIMETRES, '16UC1')
    assert np.shares_memory(
        depth_picture_of(message).pixels, np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize('change', [
    {'height': 0}, {'width': 0}, {'height': 13}, {'width': 18}, {'step': 33}, {'step': 35},
    {'encoding': ''}, {'encoding': 'bgr8'}, {'encoding': '32FC1'}, {'data': array.array('B')},
    {'height': 2**32 - 1}, {'width': 2**32 - 1}])
def test_what_does_not_fit_together_is_named_in_one_line(change):
    message = depth_message(MILLIMETRES, '16UC1')
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(BadImageError, match='^depth image ') as caught:
        depth_picture_of(message)
    assert '\n' not in str(caught.value)


def calibrated(model='plumb_bob', d=(0.0,) * 5):
    """Return a CameraInfo."""
    return CameraInfo(width=640, height=480, distortion_model=model, d=d,
                      k=[500.0, 0.0, 320.0, 0.0, 400.0, 240.0, 0.0, 0.0, 1.0])


def test_positions_are_those_of_the_pinhole_model():
    header = Header(frame_id='eye')
    message = detection_3d_array_of(header, (640, 480), calibrated(), [
        (Detection('car', 0.75, 0.5, 0.25, 0.75, 0.75), ObjectDepth(2.0, 1.5, 2.75))])
    assert message.header == header
    (found,) = message.detections
    assert found.header == header
    place, size = found.bbox.center.position, found.bbox.size
    assert (place.x, place.y, place.z) == pytest.approx((80 / 500 * 2, 0.0, 2.0))
    assert (size.x, size.y, size.z) == pytest.approx((160 / 500 * 2, 240 / 400 * 2, 1.25))
    assert found.bbox.center.orientation.w == 1.0
    (result,) = found.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('car', 0.75)
    assert result.pose.pose.position == place


EVERYWHERE = Detection('car', 0.9, 0.0, 0.0, 1.0, 1.0)
MIDDLE = Detection('car', 0.9, 0.45, 0.45, 0.55, 0.55)
AT_THE_EDGE = Detection('car', 0.9, 0.8, 0.4, 1.0, 0.6)


@pytest.mark.parametrize('model, d', [
    ('plumb_bob', (-0.9, 0.0, 0.0, 0.0, 0.0)), ('equidistant', (-0.6, 0.0, 0.0, 0.0))])
def test_an_object_that_goes_beyond_what_the_lens_can_show_has_a_position_but_no_size(model, d):
    objects = [(each, ObjectDepth(2.0, 1.5, 2.5)) for each in (EVERYWHERE, MIDDLE, AT_THE_EDGE)]
    message = detection_3d_array_of(Header(), (640, 480), calibrated(model=model, d=d), objects)
    everywhere, middle = message.detections
    for found in (everywhere, middle):
        assert found.bbox.center.position.x == pytest.approx(0.0)
        assert found.bbox.size.z == 1.0
    assert (everywhere.bbox.size.x, everywhere.bbox.size.y) == (0.0, 0.0)
    assert 0.2 < middle.bbox.size.x < 0.3


def test_what_lies_101_degrees_off_the_axis_of_a_fisheye_has_no_position():
    degrees = np.radians(101)
    info = calibrated(model='equidistant', d=())
    info.k[0] = info.k[4] = 300 / degrees   # a box around the pixel 300 to the right
    box = Detection('car', 0.9, 610 / 640, 0.49, 630 / 640, 0.51)
    assert not detection_3d_array_of(
        Header(), (640, 480), info, [(box, ObjectDepth(2.0, 1.5, 2.5))]).detections


@pytest.mark.parametrize('size, frame_id, text', [
    ((17, 12), 'eye', ''), ((17, 12), '/eye', ''), ((17, 12), '', ''),
    ((17, 12), 'other', "the depth images have the frame_id 'eye', the images have 'other'"),
    ((34, 24), 'eye', 'the depth images are 17x12, the images are 34x24'),
    ((12, 17), 'eye', 'the depth images are 17x12, the images are 12x17')])
def test_depth_that_is_not_that_of_the_image_is_named(size, frame_id, text):
    found = why_unfit(DepthPicture(MILLIMETRES, 'eye'), size, frame_id)
    assert text in found
    assert bool(text) == bool(found)
    assert not text or 'connect the depth that is aligned to the image' in found
