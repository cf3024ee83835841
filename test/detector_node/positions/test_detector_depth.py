# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector with depth from any camera, as a process, over DDS."""

import re
import time

import cv2
from ncs_cluster_detector.drawing.colours import DARK
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.drawing.text import text_height
from ncs_cluster_detector.drawing.text import text_tile
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import DEADLINE_SEC
import numpy as np
import pytest
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray

WIDTH, HEIGHT = 320, 240
K = [200.0, 0.0, 160.0, 0.0, 200.0, 120.0, 0.0, 0.0, 1.0]
RECTANGLE = np.s_[64:160, 192:288]
METRES, WALL_METRES = 1.5, 3.0
# The middle of the rectangle through the pinhole.
PLACE = [(240 - 160) / 200 * METRES, (112 - 120) / 200 * METRES, METRES]


def picture():
    """Return a grey image with a blue rectangle, which is a car."""
    image = np.full((HEIGHT, WIDTH, 3), 80, np.uint8)
    image[RECTANGLE] = (255, 0, 0)
    return image


def depth_of(encoding):
    """Return the depth of the picture, by encoding."""
    metres = np.full((HEIGHT, WIDTH), WALL_METRES, np.float32)
    metres[RECTANGLE] = METRES
    return metres if encoding == '32FC1' else (metres * 1000).astype(np.uint16)


class DepthCamera:
    """Publishes images, depth and camera_info for a detector, and hears the positions."""

    def __init__(self, probe):
        """Make publishers and subscriptions."""
        self._probe = probe
        self._depths = probe.node.create_publisher(
            Image, 'aligned_depth_to_color/image_raw', QoSProfile(depth=1))
        self._infos = probe.node.create_publisher(CameraInfo, 'camera_info', QoSProfile(depth=1))
        self.positions, self.foregrounds = [], []
        probe.listen(Detection3DArray, 'detections_3d', self.positions)
        probe.listen(Image, 'foreground_image', self.foregrounds)

    def show(self, depth, encoding, depth_first=True, late_ns=0, info=True, depth_frame='camera'):
        """
        Publish one picture and return the message that was sent.

        :param info: whether with a camera_info, or what is different in it.
        """
        message = self._probe.image_message(picture())
        header = self._probe.image_message(picture()[:1, :1], depth_frame).header
        header.stamp.sec = message.header.stamp.sec
        header.stamp.nanosec = message.header.stamp.nanosec + late_ns
        if info:
            fields = {'header': message.header, 'width': WIDTH, 'height': HEIGHT, 'k': K,
                      'distortion_model': 'plumb_bob', 'd': [0.0] * 5}
            self._infos.publish(CameraInfo(**fields | (info if isinstance(info, dict) else {})))
        parts = [lambda: self._probe.publish(message)]
        if depth is not None:
            parts.insert(0 if depth_first else 1, lambda: self._depths.publish(
                image_message(header, depth, encoding)))
        for publish in parts:
            publish()
        return message

    def see(self, *what, **how):
        """Show a picture until its positions come, and return them and the cut-out."""
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            message = self.show(*what, **how)
            answers = self._answers(message)
            if answers is not None:
                return answers
        raise AssertionError(f'no positions within {DEADLINE_SEC} s')

    def _answers(self, message):
        def both():
            found = [next((heard for heard in reversed(list_) if heard.header == message.header),
                          None) for list_ in (self.positions, self.foregrounds)]
            return found if all(found) else None

        # A single picture or depth may be lost on the way, and no stick may be ready yet.
        try:
            return self._probe.wait_for(both, 1.0)
        except AssertionError:
            return None


@pytest.fixture
def camera(probe, start_detector):
    """Return a DepthCamera before a detector whose sticks run."""
    process = start_detector(graph_paths='["shapes"]', use_depth='true',
                             **{'simulated.sticks': 1, 'simulated.inference_ms': 5.0})
    eye = DepthCamera(probe)
    eye.process = process
    probe.wait_for_running(1)
    return eye


def seen(camera, *what, **how):
    """Return the newest positions that hold a detection; single depths may be lost."""
    for _ in range(10):
        positions, cut = camera.see(*what, **how)
        if positions.detections:
            return positions, cut
    raise AssertionError('never a position')


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
    seen(camera, depth_of('32FC1'), '32FC1')   # from here on all is connected
    unknown = depth_of('32FC1')
    unknown[RECTANGLE] = np.nan
    for depth, how in ((unknown, {}), (depth_of('32FC1'), {'late_ns': 1}), (None, {})):
        positions, cut = camera.see(depth, '32FC1', **how)
        assert not positions.detections
        assert not bgr_image_of(cut).any()


def test_without_intrinsics_there_is_no_position_but_a_cut_out(camera, probe):
    for _ in range(10):
        positions, cut = camera.see(depth_of('16UC1'), '16UC1', info=False)
        assert not positions.detections
        if bgr_image_of(cut).any():
            break
    assert bgr_image_of(cut)[RECTANGLE].any()


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
    seen(camera, depth_of('32FC1'), '32FC1')   # from here on all is connected
    answers = told(camera, f'positions are unknown: {line}', depth_of('32FC1'), '32FC1', **how)
    assert not any(positions.detections for positions, _ in answers[1:])
    assert any(bgr_image_of(cut).any() for _, cut in answers) == cut_out
    seen(camera, depth_of('32FC1'), '32FC1')
    camera.process.wait_for_line('positions are known again')


def test_what_does_not_belong_is_named_with_depth_at_half_the_rate_of_the_images(camera):
    seen(camera, depth_of('16UC1'), '16UC1')   # from here on all is connected
    deadline = time.monotonic() + DEADLINE_SEC
    while 'positions are unknown' not in camera.process.output:
        assert time.monotonic() < deadline, camera.process.output
        for depth in (depth_of('16UC1'), None):
            camera.see(depth, '16UC1', info={'header': OTHER_FRAME})
    assert "camera_info has the frame_id 'other'" in camera.process.output
    assert 'no depth image came' not in camera.process.output


def test_depth_of_another_size_is_not_used_but_named(camera, probe):
    seen(camera, depth_of('16UC1'), '16UC1')
    half = depth_of('16UC1')[::2, ::2].copy()
    answers = told(camera, 'positions are unknown: the depth images are 160x120, the images are '
                   '320x240', half, '16UC1')
    assert not any(positions.detections for positions, _ in answers)
    assert not any(bgr_image_of(cut).any() for _, cut in answers)


class LateDepth:
    """Publishes depth so long after its image, as a slow registration does."""

    def __init__(self, camera, late_sec):
        """Start to publish."""
        self._camera, self._late_sec = camera, late_sec
        self._depth = depth_of('16UC1')
        self._waiting = []
        self.images = []

    def show(self, pictures):
        """Show so many pictures, 20 a second, and the depth that is due."""
        for _ in range(pictures):
            due = time.monotonic() + 0.05
            message = self._camera.show(None, '16UC1')
            self.images.append(message.header)
            self._waiting.append((time.monotonic() + self._late_sec, message.header))
            while self._waiting and self._waiting[0][0] <= due:
                time.sleep(max(0.0, self._waiting[0][0] - time.monotonic()))
                self._camera._depths.publish(
                    image_message(self._waiting.pop(0)[1], self._depth, '16UC1'))
            time.sleep(max(0.0, due - time.monotonic()))

    def positions(self):
        """Return how many images got a position, and how many an answer."""
        answers = [heard for heard in self._camera.positions if heard.header in self.images]
        return sum(bool(heard.detections) for heard in answers), len(answers)


@pytest.mark.parametrize('timeout_ms', [0, 200])
def test_depth_that_comes_too_late_is_told_by_how_much(camera, probe, timeout_ms):
    assert probe.set_parameter('depth_timeout_ms', timeout_ms)[0]
    seen(camera, depth_of('16UC1'), '16UC1', depth_first=timeout_ms == 0)
    late = LateDepth(camera, 0.45)
    deadline = time.monotonic() + DEADLINE_SEC
    while 'positions are unknown' not in camera.process.output:
        assert time.monotonic() < deadline
        late.show(10)
    (line,) = [line for line in camera.process.output.split('\n')
               if 'positions are unknown' in line]
    by_ms, timeout = re.search(
        r'the depth came (\d+) ms after its image, depth_timeout_ms is (\d+); raise it',
        line).groups()
    assert 430 <= int(by_ms) < 1000
    assert int(timeout) == timeout_ms
    assert late.positions()[0] == 0
    # Raised as it advises, the same depth is used, of all frames, although each waits so long.
    assert probe.set_parameter('depth_timeout_ms', 2000)[0]
    late.images.clear()
    late.show(60)
    probe.wait_for(lambda: late.positions()[0] >= 40)
    camera.process.wait_for_line('positions are known again')


def test_depth_seconds_late_is_waited_for_by_all_frames_at_once(camera, probe):
    assert probe.set_parameter('depth_timeout_ms', 5000)[0]
    camera.process.wait_for_line('depth_timeout_ms 200 -> 5000 (an image waits up to 5 s for its')
    late = LateDepth(camera, 3.0)
    late.show(140)
    assert late.positions()[0] >= 60, 'of the first 80 images the depth has come'
    assert 'positions come slower' not in camera.process.output
    assert 'wait for their depth' not in camera.process.output


def test_bad_depth_is_dropped_counted_and_named_once(camera, probe):
    seen(camera, depth_of('16UC1'), '16UC1')
    for count in range(1, 4):
        camera.show(depth_of('16UC1'), 'mono16')
        probe.wait_for(lambda count=count: f'{count} unusable depth images dropped'
                       in probe.status('detector: cluster')[0].message)
    assert camera.process.output.count('dropped depth image') == 1
    seen(camera, depth_of('16UC1'), '16UC1')


def test_positions_keep_up_without_any_depth(camera, probe):
    camera.see(None, '32FC1')
    first = len(camera.positions)
    messages = []
    for _ in range(30):
        messages.append(camera.show(None, '32FC1'))
        answered = len(probe.detections)
        probe.wait_for(lambda count=answered: len(probe.detections) > count)
    # Each waits for its depth until 0.2 s after it came, not one after the other.
    last = messages[-1].header
    probe.wait_for(lambda: camera.positions[-1].header == last, timeout=2.0)
    stamps = [(item.header.stamp.sec, item.header.stamp.nanosec)
              for item in camera.positions[first:]]
    assert stamps == sorted(stamps)
    assert len(stamps) >= 28   # the newest image may take the place of one that waits


def test_a_stamp_before_all_times_does_no_harm(camera):
    message = camera.show(depth_of('16UC1'), '16UC1')
    message.header.stamp.sec = -5
    camera._probe.publish(message)
    depth = image_message(message.header, depth_of('16UC1'), '16UC1')
    camera._depths.publish(depth)
    seen(camera, depth_of('16UC1'), '16UC1')
    assert 'Traceback' not in camera.process.output


def test_the_annotated_picture_tells_the_distance(camera, probe):
    pictures = []
    probe.listen(Image, 'annotated_image', pictures)
    seen(camera, depth_of('32FC1'), '32FC1')
    size, colour = text_height(WIDTH, HEIGHT), label_colour('car')
    for depth, text in ((depth_of('32FC1'), f'car 90%  {METRES:.2f} m'), (None, 'car 90%')):
        tile = text_tile(text, size, DARK, colour)
        camera.see(depth, '32FC1')   # pictures of before may still be on their way
        header = camera.see(depth, '32FC1')[0].header
        picture_message = probe.wait_for(lambda header=header: next(
            (heard for heard in pictures if heard.header == header), None))
        difference = cv2.matchTemplate(bgr_image_of(picture_message), tile, cv2.TM_SQDIFF)
        assert difference.min() < 1.0, text


def test_without_use_depth_there_is_nothing_of_it(start_detector, probe):
    start_detector(graph_paths='["shapes"]')
    probe.wait_for_running(1)
    topics = dict(probe.node.get_topic_names_and_types())
    assert not {'/detections_3d', '/markers', '/foreground_image', '/camera_info'} & set(topics)
