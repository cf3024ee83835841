# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""From a recording of librealsense's software device to positions and cut-outs, over DDS."""

from camera_ear import stamps_of
from ncs_cluster_detector.detector_node.positions.messages import depth_picture_of
from ncs_cluster_detector.ros.image_messages import bgr_image_of
import numpy as np
import pytest
from realsense_double import CENTRE
from realsense_double import COLOR_FOCAL
from realsense_double import HEIGHT
from realsense_double import SoftwareCamera
from realsense_double import WIDTH
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray

GREY = (90, 90, 90)
# Rectangles: colour (BGR), label, left, top, right, bottom, and depth in metres (None = unknown).
OBJECTS = (
    ((255, 0, 0), 'car', 64, 96, 192, 240, 1.5),
    ((0, 255, 0), 'person', 320, 48, 416, 384, 2.75),
    ((0, 0, 255), 'cat', 480, 288, 576, 384, None))
WALL_METRES = 4.0


def scene():
    """Return depth in millimetres and colour of three rectangles before a grey wall."""
    depth = np.full((HEIGHT, WIDTH), 1000 * WALL_METRES, np.uint16)
    color = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    for bgr, _, left, top, right, bottom, metres in OBJECTS:
        color[top:bottom, left:right] = bgr
        depth[top:bottom, left:right] = 0 if metres is None else 1000 * metres
    # A hole in the middle of the first one, as shiny things have.
    depth[158:178, 118:138] = 0
    return depth, color


@pytest.fixture
def recording(tmp_path):
    """Return the path of a recording of the scene."""
    return SoftwareCamera(focal=COLOR_FOCAL).record(tmp_path / 'scene.db3', [scene()] * 10)


def truth(left, top, right, bottom, metres):
    """Return the position of a rectangle's middle in the optical frame, by the pinhole model."""
    return [((left + right) / 2 - CENTRE[0]) / COLOR_FOCAL[0] * metres,
            ((top + bottom) / 2 - CENTRE[1]) / COLOR_FOCAL[1] * metres, metres]


def test_the_camera_node_publishes_colour_depth_and_calibration(
        start_camera, ear, probe, recording):
    depths, depth_infos = [], []
    probe.listen(Image, 'aligned_depth_to_color/image_raw', depths)
    probe.listen(CameraInfo, 'aligned_depth_to_color/camera_info', depth_infos)
    start_camera(source='realsense', device=recording, frame_id='eye')
    ear.wait_for(lambda: all(len(heard) >= 10 for heard in (
        ear.images, ear.infos, depths, depth_infos)))
    depth, color = scene()
    stamps = set(stamps_of(ear.images))
    np.testing.assert_array_equal(bgr_image_of(ear.images[0]), color)
    message = depths[-1]
    assert (message.encoding, message.header.frame_id) == ('16UC1', 'eye')
    aligned = depth_picture_of(message).pixels
    # The alignment rounds; where no pixel of the depth lands, there is none.
    assert np.mean(aligned != depth) < 0.05
    assert not aligned[aligned != depth].any()
    assert len(stamps & set(stamps_of(depths))) >= 8
    for info in (ear.infos[-1], depth_infos[-1]):
        assert (info.width, info.height) == (WIDTH, HEIGHT)
        assert (info.k[0], info.k[4], info.k[2], info.k[5]) == (*COLOR_FOCAL, *CENTRE)
        assert info.distortion_model == 'plumb_bob'
    level, text, _ = (ear.wait_for(lambda: ear.status() and ear.status()[1] and ear.status()))
    assert level == b'\x00'
    assert text.startswith('640x480 BGR8 at 30 fps') or text.endswith('waiting for a subscriber')


def test_positions_and_cut_out(start_camera, start_detector, probe, recording):
    found, cut = [], []
    probe.listen(Detection3DArray, 'detections_3d', found)
    probe.listen(Image, 'foreground_image', cut)
    start_camera(source='realsense', device=recording)
    start_detector(graph_paths='["shapes"]', use_depth='true', score_threshold='0.5')
    probe.wait_for(lambda: sum(len(message.detections) == 2 for message in found) >= 10 and cut)
    detections = {item.results[0].hypothesis.class_id: item for item in found[-1].detections}
    assert set(detections) == {'car', 'person'}   # the depth of the cat is unknown
    for _, label, *box, metres in OBJECTS[:2]:
        item = detections[label]
        assert item.header == found[-1].header
        for place in (item.bbox.center.position, item.results[0].pose.pose.position):
            np.testing.assert_allclose(
                [place.x, place.y, place.z], truth(*box, metres), rtol=0.01, atol=0.01 * metres)
        assert item.bbox.size.x == pytest.approx(
            (box[2] - box[0]) / COLOR_FOCAL[0] * metres, rel=0.05)
    stamps = stamps_of(found)
    assert stamps == sorted(stamps)
    depth, color = scene()
    own = (depth > 0) & (depth < 1000 * WALL_METRES)
    expected = np.where(own[:, :, np.newaxis], color, 0)
    different = (bgr_image_of(cut[-1]) != expected).any(axis=2)
    assert np.mean(different) < 0.02   # holes of the alignment
    assert not bgr_image_of(cut[-1])[different].any()
