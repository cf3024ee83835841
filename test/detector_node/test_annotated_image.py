# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The annotated picture of the detector node, over DDS: on the right frame, and only on demand."""

import cv2
from made_up_figures import one_camera
from ncs_cluster_detector.detector_node.annotated_image import PictureOutputs
from ncs_cluster_detector.detector_node.annotated_image import strip_content_of
from ncs_cluster_detector.drawing import annotation
from ncs_cluster_detector.drawing.colours import DARK
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.drawing.text import text_height
from ncs_cluster_detector.drawing.text import text_tile
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import condition_of
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.ros.image_messages import publish_compressed
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
import numpy as np
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

WIDTH, HEIGHT = 640, 480
RECTANGLE = np.s_[150:300, 200:400]
TILE = text_tile('car 90%', text_height(WIDTH, HEIGHT), DARK, label_colour('car'))


def picture(grey=80):
    """Return a grey image with a blue rectangle, which is a car."""
    image = np.full((HEIGHT, WIDTH, 3), grey, np.uint8)
    image[RECTANGLE] = (255, 0, 0)
    return image


def answer_of(heard, message):
    """Return the newest message with the header of another one, or None."""
    return next((each for each in reversed(heard) if each.header == message.header), None)


def stick(number, state=StickState.RUNNING, celsius=40.0, active=False, now=101.0):
    """Return the StickSnapshot of a stick that was read at second 100."""
    status = StickStatus(number, state, celsius, None if celsius is None else 100.0)
    reading = status.reading(now)
    return StickSnapshot(
        status, '1.1-ma2450', active, 0.25, 10, 0, 0.08, 0, '', 4711, condition=condition_of(
            status, Settings(), celsius=reading, likely_celsius=reading, must_cool=False))


def snapshot(*sticks):
    """Return a Snapshot of the cluster."""
    return Snapshot(
        settings=Settings(), sticks=sticks, active=(1,), asked_size=2,
        all_hot=False, heat_advice=None, at_full_speed=False, sustainable_size=None, switches=0,
        last_switch_reason=None, **one_camera(100.0, input_fps=29.97, detection_fps=24.3))


def test_every_picture_is_the_frame_that_was_inferred(probe, start_detector):
    start_detector(graph_paths='["shapes"]',
                   **{'simulated.sticks': 2, 'simulated.inference_ms': 5.0})
    pictures, compressed = [], []
    probe.listen(Image, 'annotated_image', pictures)
    probe.listen(CompressedImage, 'annotated_image/compressed', compressed)
    probe.detect(picture())
    for grey in (40, 120, 200):
        message, _ = probe.detect(picture(grey))
        annotated = probe.wait_for(lambda message=message: answer_of(pictures, message))
        assert (annotated.encoding, annotated.step, annotated.is_bigendian) == (
            'bgr8', 3 * WIDTH, 0)
        pixels = bgr_image_of(annotated)
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        assert (pixels[:100] == grey).all(), 'another frame, or drawn where nothing is'
        assert (pixels[160:290, 210:390] == (255, 0, 0)).all()
        label = pixels[120:160, 190:420]
        assert cv2.matchTemplate(label, TILE, cv2.TM_SQDIFF).min() < 1.0
        assert (pixels[-10:] != grey).any(axis=2).all(), 'no strip'
        jpeg = probe.wait_for(lambda message=message: answer_of(compressed, message))
        assert jpeg.format == 'bgr8; jpeg compressed bgr8'
        decoded = cv2.imdecode(np.frombuffer(jpeg.data, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(decoded.astype(int) - pixels).mean() < 3.0


def test_nothing_is_drawn_for_nobody(probe, monkeypatch):
    drawn = []
    monkeypatch.setattr(annotation, 'annotate', lambda *what: drawn.append(what))
    outputs = PictureOutputs(probe.node, '', 0, lambda: snapshot(stick(0)))
    frame = Frame(1, picture(), Header(frame_id='eye'), 100.0)
    found = [Detection('car', 0.9, 0.3, 0.3, 0.6, 0.6)]
    try:
        outputs.take(frame, found, [1.5])
        heard = []
        probe.listen(Image, 'annotated_image', heard)
        probe.wait_for(outputs.wanted)
        outputs.take(frame, found, [2.5])
        probe.wait_for(lambda: heard)
        assert [what[1:3] for what in drawn] == [(found, [2.5])]
    finally:
        assert outputs.stop(10.0)
    assert outputs.failure is None
    assert frame.image[0, 0, 0] == 80


def test_a_picture_that_is_too_large_for_a_jpeg_is_left_out_and_told_once(probe):
    told, heard = [], []

    class Logger:
        """Takes what is told."""

        def warning(self, text, **how):
            """Take a warning."""
            told.append((text, how))

    publisher = probe.node.create_publisher(CompressedImage, 'some/compressed', 1)
    wide = np.zeros((2, 70000, 3), np.uint8)
    publish_compressed(publisher, Header(), wide, Logger())
    assert not told, 'nobody has asked for it'
    probe.listen(CompressedImage, 'some/compressed', heard)
    probe.wait_for(publisher.get_subscription_count)
    publish_compressed(publisher, Header(frame_id='wide'), wide, Logger())
    publish_compressed(publisher, Header(frame_id='fitting'), wide[:, :65500], Logger())
    probe.wait_for(lambda: heard)
    assert [message.header.frame_id for message in heard] == ['fitting']
    ((text, how),) = told
    assert '70000x2' in text and 'some/compressed' in text and how == {'once': True}


def test_the_strip_tells_what_diagnostics_tell():
    status = strip_content_of(snapshot(
        stick(0), stick(1, active=True), stick(2, celsius=66.0), stick(3, celsius=None),
        stick(4, StickState.ABSENT, celsius=70.0)))
    assert [mark.number for mark in status.marks] == [0, 1, 2, 3, 4]
    assert [mark.celsius for mark in status.marks] == [40.0, 40.0, 66.0, None, 70.0]
    assert [mark.active for mark in status.marks] == [False, True, False, False, False]
    assert [mark.hot for mark in status.marks] == [False, False, True, False, True]
    assert [mark.works for mark in status.marks] == [True, True, True, True, False]
    assert {mark.duty for mark in status.marks} == {0.25}
    assert (status.playback_fps, status.detection_fps) == (29.97, 24.3)
    old = strip_content_of(snapshot(stick(0, celsius=66.0, now=104.0)))
    assert (old.marks[0].celsius, old.marks[0].hot) == (None, False)
