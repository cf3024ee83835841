# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What rviz shows of objects with positions: the messages, and the node that publishes them."""

from itertools import count
import time
from weakref import WeakSet

from ncs_cluster_detector.detector_node.annotated_image import PictureOutputs
from ncs_cluster_detector.detector_node.positions import outputs
from ncs_cluster_detector.detector_node.positions.markers import marker_array_of
from ncs_cluster_detector.detector_node.positions.messages import detection_3d_array_of
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.geometry.distance import ObjectDepth
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.ros.image_messages import image_message
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.supervision.frame import Frame
from node_harness import DEADLINE_SEC
import numpy as np
import pytest
import rclpy
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

WIDTH, HEIGHT = 320, 240
K = [200.0, 0.0, 160.0, 0.0, 200.0, 120.0, 0.0, 0.0, 1.0]
RECTANGLE = np.s_[64:160, 192:288]
NEWEST = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)


def camera_info(**changed):
    """Return a calibrated CameraInfo."""
    return CameraInfo(**{'width': WIDTH, 'height': HEIGHT, 'k': K, 'd': [0.0] * 5,
                         'distortion_model': 'plumb_bob', **changed})


def objects():
    """Return a near person, a far car and a person who is nearly at the camera."""
    return [(Detection('person', 0.874, 0.5, 0.25, 0.75, 0.75), ObjectDepth(1.239, 1.0, 1.5)),
            (Detection('car', 1.0, 0.0, 0.0, 1.0, 0.5), ObjectDepth(20.0, 19.0, 22.0)),
            (Detection('person', 0.6, 0.0, 0.5, 0.1, 1.0), ObjectDepth(0.1, 0.09, 0.11))]


def test_every_object_has_a_box_and_a_text_above_it():
    header = Header(frame_id='eye')
    header.stamp.sec = 7
    positions = detection_3d_array_of(header, (WIDTH, HEIGHT), camera_info(), objects())
    first, *markers = marker_array_of(positions).markers
    assert (first.action, first.ns, first.header) == (Marker.DELETEALL, '', header)
    assert all(marker.action == Marker.ADD and marker.header == header for marker in markers)
    assert all(marker.lifetime.sec == marker.lifetime.nanosec == 0 for marker in markers)
    boxes, labels = markers[::2], markers[1::2]
    for ns, type_, group in (
            ('box', Marker.CUBE, boxes), ('label', Marker.TEXT_VIEW_FACING, labels)):
        assert [(marker.ns, marker.type) for marker in group] == [(ns, type_)] * 3
        assert [marker.id for marker in group] == [0, 1, 2]
    for box, label, detection in zip(boxes, labels, positions.detections):
        assert (box.pose, box.scale) == (detection.bbox.center, detection.bbox.size)
        place, size = box.pose.position, box.scale
        assert (label.pose.position.x, label.pose.position.z) == (place.x, place.z)
        # Up is -y; rviz centres the text on its place.
        assert label.pose.position.y + label.scale.z / 2 < place.y - size.y / 2
    assert [label.text for label in labels] == [
        'person 87% 1.24 m', 'car 100% 20.00 m', 'person 60% 0.10 m']
    # A quarter of the width is 80 pixels, half of the height 120, of a focal length of 200.
    assert (boxes[0].scale.x, boxes[0].scale.y, boxes[0].scale.z) == pytest.approx(
        (80 / 200 * 1.239, 120 / 200 * 1.239, 0.5))


def test_the_colours_are_those_of_the_annotated_picture():
    positions = detection_3d_array_of(Header(), (WIDTH, HEIGHT), camera_info(), objects())
    for marker in marker_array_of(positions).markers[1:]:
        label = positions.detections[marker.id].results[0].hypothesis.class_id
        colour = marker.color
        assert [colour.b * 255, colour.g * 255, colour.r * 255] == pytest.approx(
            label_colour(label))
        assert 0.2 < colour.a <= 1.0
        assert marker.ns == 'box' or colour.a == 1.0


def test_an_object_whose_box_goes_beyond_what_the_lens_shows_has_a_label_alone():
    info = camera_info(distortion_model='equidistant', d=[-0.6, 0.0, 0.0, 0.0])
    box = Detection('person', 0.9, 0.0, 0.0, 1.0, 1.0), ObjectDepth(2.0, 1.5, 2.5)
    positions = detection_3d_array_of(Header(), (WIDTH, HEIGHT), info, [box])
    _, label = marker_array_of(positions).markers
    assert (label.ns, label.text, label.pose.position.z) == ('label', 'person 90% 2.00 m', 2.0)


def test_nothing_lingers_when_nothing_is_seen():
    (only,) = marker_array_of(Detection3DArray()).markers
    assert only.action == Marker.DELETEALL


class Scene:
    """Shows a detector a blue rectangle, which is a car, before a wall; and hears the markers."""

    def __init__(self, probe):
        """Make publishers and the only subscription: nobody asks for ``detections_3d``."""
        self._probe = probe
        self._depths = probe.node.create_publisher(
            Image, 'aligned_depth_to_color/image_raw', NEWEST)
        self._infos = probe.node.create_publisher(CameraInfo, 'camera_info', NEWEST)
        self.heard = []
        probe.listen(MarkerArray, 'markers', self.heard, NEWEST)

    def markers(self, info, condition):
        """Show it with a CameraInfo until an answer fulfils a condition; return header, answer."""
        image = np.full((HEIGHT, WIDTH, 3), 80, np.uint8)
        image[RECTANGLE] = (255, 0, 0)
        depth = np.full((HEIGHT, WIDTH), 3000, np.uint16)
        depth[RECTANGLE] = 1500
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            message = self._probe.image_message(image, frame_id='eye')
            self._infos.publish(info)
            self._depths.publish(image_message(message.header, depth, '16UC1'))
            self._probe.publish(message)
            try:   # a single picture or depth may be lost on the way
                self._probe.wait_for(lambda: self._answer_to(message.header), 1.0)
            except AssertionError:
                continue
            answer = self._answer_to(message.header)
            if condition(answer):
                return message.header, answer
        raise AssertionError(f'no such markers within {DEADLINE_SEC} s, last {self.heard[-1:]}')

    def _answer_to(self, header):
        return next((array for array in self.heard if array.markers[0].header == header), None)


def test_the_node_publishes_them_for_every_frame(probe, start_detector):
    start_detector(graph_paths='["shapes"]', use_depth='true',
                   **{'simulated.sticks': 1, 'simulated.inference_ms': 5.0})
    scene = Scene(probe)
    probe.wait_for_running(1)
    header, answer = scene.markers(camera_info(), lambda answer: len(answer.markers) > 1)
    first, box, label = answer.markers
    assert first.action == Marker.DELETEALL
    assert box.header == label.header == header
    assert label.text == 'car 90% 1.50 m'
    place, size = box.pose.position, box.scale
    assert (place.x, place.y, place.z) == pytest.approx((0.6, -0.06, 1.5), abs=0.02)
    assert (size.x, size.y) == pytest.approx((0.72, 0.72), abs=0.02)
    assert 0.0 < size.z < 1.0
    # Without a calibration nobody knows where it is, and what was shown before must go.
    uncalibrated = camera_info(k=[0.0] * 9)
    _, answer = scene.markers(uncalibrated, lambda answer: len(answer.markers) == 1)
    assert answer.markers[0].action == Marker.DELETEALL


def test_without_use_depth_there_are_none(probe, start_detector):
    start_detector(**{'simulated.sticks': 1})
    probe.wait_for_running(1)
    assert '/markers' not in dict(probe.node.get_topic_names_and_types())


def test_nothing_is_computed_while_nobody_looks(probe, monkeypatch):
    computed = []
    monkeypatch.setattr(outputs, 'marker_array_of',
                        lambda positions: computed.append(positions) or MarkerArray())
    positions, markers = [], []
    probe.listen(Detection3DArray, 'detections_3d', positions)
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('any', context=context)
    pictures = PictureOutputs(node, '', 0, None)   # nobody asks for one, so none is drawn
    depth_outputs = outputs.DepthOutputs(
        node, '', MessageThread(node, 'messages'), pictures, 0)
    numbers = count()

    def until(condition):
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            assert time.monotonic() < deadline
            frame = Frame(next(numbers), np.zeros((4, 4, 3), np.uint8), Header(),
                          time.monotonic())
            depth_outputs.take_frame(frame)
            depth_outputs.take_detections(frame, [])
            time.sleep(0.02)

    try:
        until(lambda: len(positions) >= 3)
        assert not computed
        probe.listen(MarkerArray, 'markers', markers, NEWEST)
        until(lambda: markers)
        assert computed
    finally:
        assert depth_outputs.stop(DEADLINE_SEC) and pictures.stop(DEADLINE_SEC)
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert depth_outputs.failure is None


def test_images_that_wait_for_their_depth_take_a_bounded_memory(probe, monkeypatch):
    monkeypatch.setattr(outputs, 'MOST_WAITING_BYTES', 20 * 48)
    probe.listen(Detection3DArray, 'detections_3d', [])
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('any', context=context)
    pictures = PictureOutputs(node, '', 0, None)
    depth_outputs = outputs.DepthOutputs(
        node, '', MessageThread(node, 'messages'), pictures, 5000)
    try:
        probe.wait_for(lambda: depth_outputs._positions.get_subscription_count())
        alive = WeakSet()
        for number in range(50):
            # They arrive in an hour, so that none of them is over before it is looked at.
            frame = Frame(number, np.zeros((4, 4, 3), np.uint8), Header(), time.monotonic() + 3600)
            frame.header.stamp.sec = number
            depth_outputs.take_frame(frame)
            depth_outputs.take_detections(frame, [])
            alive.add(frame)
        del frame
        assert sorted(frame.sequence for frame in alive) == list(range(21)), 'oldest come first'
    finally:
        assert depth_outputs.stop(DEADLINE_SEC) and pictures.stop(DEADLINE_SEC)
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert depth_outputs.failure is None
