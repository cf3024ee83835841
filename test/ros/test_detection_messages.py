# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Detections become messages."""

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.ros.detection_messages import DetectionMessages
from std_msgs.msg import Header

PERSON = Detection('person', 0.75, 0.25, 0.5, 0.5, 1.0)
CAR = Detection('car', 0.5, 0.0, 0.0, 1.0, 0.25)


def values_of(message):
    """Return what a Detection2D says: label, score and the box's center and size."""
    (result,) = message.results
    box = message.bbox
    return (result.hypothesis.class_id, result.hypothesis.score, box.center.position.x,
            box.center.position.y, box.size_x, box.size_y)


def test_boxes_are_in_pixels_of_the_image():
    header = Header(frame_id='camera')
    message = DetectionMessages().array_of(header, (480, 640), [PERSON])
    assert message.header == header
    (found,) = message.detections
    assert found.header == header
    assert values_of(found) == ('person', 0.75, 240.0, 360.0, 160.0, 240.0)


def test_nothing_of_the_frame_before_is_left():
    messages = DetectionMessages()
    messages.array_of(Header(frame_id='one'), (480, 640), [PERSON, CAR])
    message = messages.array_of(Header(frame_id='two'), (240, 320), [CAR])
    assert message.header.frame_id == 'two'
    (found,) = message.detections
    assert found.header.frame_id == 'two'
    assert values_of(found) == ('car', 0.5, 160.0, 30.0, 320.0, 60.0)
    assert messages.array_of(Header(), (240, 320), ()).detections == []
    two = messages.array_of(Header(frame_id='three'), (480, 640), [CAR, PERSON]).detections
    assert [values_of(each)[0] for each in two] == ['car', 'person']
    assert {each.header.frame_id for each in two} == {'three'}
