# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Tests of depth messages in and positions out."""

import array

from ncs_cluster_detector.detection.detection import Detection
from ncs_cluster_detector.detection.distance import ObjectDepth
from ncs_cluster_detector.nodes.conversions import BadImageError
from ncs_cluster_detector.nodes.depth_messages import depth_picture_of
from ncs_cluster_detector.nodes.depth_messages import detection_3d_array_of
from ncs_cluster_detector.nodes.depth_messages import why_unusable
from ncs_cluster_detector.nodes.depth_outputs import Trouble
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
    found = depth_picture_of(depth_message(depth, encoding, padding, big_endian))
    assert found.dtype == depth.dtype
    np.testing.assert_array_equal(found, depth)


def test_depth_is_used_in_place():
    message = depth_message(MILLIMETRES, '16UC1')
    assert np.shares_memory(depth_picture_of(message), np.frombuffer(message.data, np.uint8))


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


def calibrated(width=640, height=480, model='plumb_bob', d=(0.0,) * 5):
    """Return a CameraInfo."""
    return CameraInfo(width=width, height=height, distortion_model=model, d=d,
                      k=[500.0, 0.0, 320.0, 0.0, 400.0, 240.0, 0.0, 0.0, 1.0])


def test_positions_are_those_of_the_pinhole_model():
    header = Header(frame_id='eye')
    message = detection_3d_array_of(header, (480, 640), calibrated(), [
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


@pytest.mark.parametrize('info, text', [
    (calibrated(), ''), (calibrated(0, 0), ''), (None, 'no camera_info came'),
    (CameraInfo(width=640, height=480), 'not calibrated'),
    (calibrated(320, 240), 'camera_info is for 320x240, the images are 640x480'),
    (calibrated(d=(0.1, 0.2, 0.3)), "has 3 coefficients of the model 'plumb_bob', expected 4, 5"),
    (calibrated(d=(0.1,) * 5, model='equidistant'), 'has 5 coefficients'),
    (calibrated(d=(0.1,) * 4, model='equidistant'), ''), (calibrated(d=()), ''),
    (calibrated(d=(float('nan'),) * 5), 'not finite')])
def test_a_camera_info_that_tells_nothing_is_named(info, text):
    assert text in why_unusable(info, 640, 480)
    assert bool(text) == bool(why_unusable(info, 640, 480))


class Log:
    """Takes the lines."""

    def __init__(self):
        """Start empty."""
        self.lines = []
        self.info = self.warning = self.lines.append


def test_trouble_is_told_once_when_it_lasts_and_when_it_is_over():
    log = Log()
    trouble = Trouble(log)
    for now, text in enumerate(['a', 'a', '', *['a'] * 9, *['b'] * 9, '', '', *['b'] * 4, '']):
        trouble.note(text, float(now))
    assert log.lines == ['positions are unknown: a', 'positions are unknown: b',
                         'positions are known again']
