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

"""Image messages in, detection messages out."""

import array

import cv2
from ncs_cluster_detector.detection.detection import Detection
from ncs_cluster_detector.nodes.conversions import BadImageError
from ncs_cluster_detector.nodes.conversions import bgr_image_of
from ncs_cluster_detector.nodes.conversions import detection_array_of
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

PICTURE = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def message_of(pixels, encoding, step=None):
    """Return an Image message for an array; a step longer than a row is padded."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1).view(np.uint8)
    step = step or rows.shape[1]
    padded = np.zeros((height, step), dtype=np.uint8)
    padded[:, :rows.shape[1]] = rows
    return Image(height=height, width=width, encoding=encoding, step=step,
                 data=array.array('B', padded.tobytes()))


def test_bgr8_is_used_in_place():
    message = message_of(PICTURE, 'bgr8')
    image = bgr_image_of(message)
    np.testing.assert_array_equal(image, PICTURE)
    assert np.shares_memory(image, np.frombuffer(message.data, dtype=np.uint8))


def test_padded_rows_are_left_out():
    np.testing.assert_array_equal(bgr_image_of(message_of(PICTURE, 'bgr8', step=128)), PICTURE)


@pytest.mark.parametrize('encoding, pixels', [
    ('rgb8', PICTURE[:, :, ::-1]), ('bgra8', cv2.cvtColor(PICTURE, cv2.COLOR_BGR2BGRA)),
    ('rgba8', cv2.cvtColor(PICTURE, cv2.COLOR_BGR2RGBA))])
def test_other_encodings_become_bgr(encoding, pixels):
    image = bgr_image_of(message_of(np.ascontiguousarray(pixels), encoding))
    np.testing.assert_array_equal(image, PICTURE)


def test_grey_becomes_bgr():
    grey = PICTURE[:, :, 0].copy()
    np.testing.assert_array_equal(bgr_image_of(message_of(grey, 'mono8')), np.dstack([grey] * 3))


@pytest.mark.parametrize('change', [
    {'height': 0}, {'width': 0}, {'height': 25}, {'width': 33}, {'step': 0}, {'step': 95},
    {'step': 2**31}, {'encoding': ''}, {'encoding': 'nonsense'},
    {'data': array.array('B')}, {'height': 2**32 - 1}, {'width': 2**32 - 1},
    {'encoding': 'bgra8'}, {'encoding': '64FC4'}])
def test_what_does_not_fit_together_is_named_in_one_line(change):
    message = message_of(PICTURE, 'bgr8')
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(BadImageError, match='^image ') as caught:
        bgr_image_of(message)
    assert '\n' not in str(caught.value)


def test_boxes_are_in_pixels_of_the_image():
    header = Header(frame_id='camera')
    message = detection_array_of(header, (480, 640), [
        Detection('person', 0.75, 0.25, 0.5, 0.5, 1.0)])
    assert message.header == header
    (found,) = message.detections
    assert found.header == header
    assert (found.bbox.center.position.x, found.bbox.center.position.y) == (240.0, 360.0)
    assert (found.bbox.size_x, found.bbox.size_y) == (160.0, 240.0)
    (result,) = found.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('person', 0.75)


def test_no_detection_is_an_empty_array():
    assert detection_array_of(Header(), (480, 640), []).detections == []
