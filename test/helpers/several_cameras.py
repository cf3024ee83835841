# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests of a detector with several cameras share: cameras that a test moves by hand."""

import array
import time

import cv2
from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import DEADLINE_SEC
import numpy as np
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

COUNTS = ('dropped_replaced', 'dropped_too_old', 'dropped_lost', 'dropped_late',
          'dropped_malformed', 'dropped_before_node')
# Many detections may come while a test asks for something else.
HEARD = QoSProfile(depth=100)
CAR = (255, 0, 0)


def encoded(image, kind='.jpg'):
    """Return a CompressedImage of a picture, without a header."""
    message = CompressedImage(format=f'bgr8; {kind[1:]} compressed bgr8')
    message.data = array.array('B')
    message.data.frombytes(cv2.imencode(kind, image)[1].tobytes())
    return message


def corners(detection):
    """Return the box of a Detection2D as left, top, right, bottom."""
    box = detection.bbox
    center = np.array([box.center.position.x, box.center.position.y])
    half = np.array([box.size_x, box.size_y]) / 2
    return np.concatenate([center - half, center + half])


def key_of(header):
    """Return all of a header."""
    return header.frame_id, header.stamp.sec, header.stamp.nanosec


class NamedCamera:
    """
    One of several cameras: publishes its images, and hears the detections below its name.

    Each picture shows a car in another place and on another grey than the one before; ``sent`` has
    the box and the grey of each, by what ``key_of`` returns of its header.
    """

    def __init__(self, probe, name, size, topic='', transport='raw', start_sec=1000):
        """
        Make publisher and subscription.

        :param size: (height, width) of its pictures.
        :param topic: of its raw images, by default that of its name.
        :param start_sec: the stamp of its first picture.
        """
        self.probe, self.name, self.size = probe, name, size
        self.prefix = f'{name}/' if name else ''
        self.transport, self.frame_id = transport, f'{name or "the"} eye'
        topic = topic or f'{self.prefix}image_raw'
        kind, self.topic = (Image, topic) if transport == 'raw' else (
            CompressedImage, f'{topic}/compressed')
        self.images = probe.node.create_publisher(kind, self.topic, QoSProfile(depth=1))
        self.sent = {}
        self.detections = self.hear(Detection2DArray, 'detections')
        self._stamp_ns = start_sec * 10**9

    def hear(self, message_type, topic):
        """Subscribe to a topic below its name; return what each message is appended to."""
        received = []
        self.probe.listen(message_type, f'{self.prefix}{topic}', received, HEARD)
        return received

    def is_subscribed_to(self):
        """Return whether anybody subscribes to its images."""
        return bool(self.images.get_subscription_count())

    def header(self):
        """Return the header of the next picture."""
        self._stamp_ns += 1_000_003
        header = Header(frame_id=self.frame_id)
        header.stamp.sec, header.stamp.nanosec = divmod(self._stamp_ns, 10**9)
        return header

    def picture(self):
        """Return the next picture, the box of the car in it, and its grey."""
        height, width = self.size
        number = len(self.sent)
        grey = 40 + 10 * (number % 16)
        image = np.full((height, width, 3), grey, np.uint8)
        left, top = width // 8 + number % 7 * (width // 14), height // 4 + number % 5
        box = left, top, left + width // 4, top + height // 3
        image[box[1]:box[3], box[0]:box[2]] = CAR
        return image, box, grey

    def show(self):
        """Publish the next picture and return its header."""
        image, box, grey = self.picture()
        header = self.header()
        self.sent[key_of(header)] = box, grey
        if self.transport == 'raw':
            message = image_message(header, image, 'bgr8')
        else:
            message = encoded(image, self.transport)
            message.header = header
        self.images.publish(message)
        return header

    def answer_to(self, header):
        """Return the detections with a header, or None."""
        return next((heard for heard in reversed(self.detections) if heard.header == header), None)

    def see(self):
        """Return the header of a picture and its detections, showing one after the other."""
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            header = self.show()
            try:
                # One may be lost on the way, and no stick may be ready yet.
                return header, self.probe.wait_for(lambda: self.answer_to(header), 1.0)
            except AssertionError:
                pass
        raise AssertionError(f'no detections of {self.name} within {DEADLINE_SEC} s')

    def check(self, region=(0.0, 0.0, 1.0, 1.0), cars=(1,)):
        """
        Check that all that was heard belongs to its own pictures, in their order.

        :param cars: how many may have been found in each.
        """
        keys = [key_of(heard.header) for heard in self.detections]
        assert set(keys) <= set(self.sent), 'a header that was never sent'
        assert keys == sorted(set(keys)), 'out of order, or twice'
        for key, heard in zip(keys, list(self.detections)):
            assert len(heard.detections) in cars
            for found in heard.detections:
                assert found.results[0].hypothesis.class_id == 'car'
                assert found.header == heard.header
                self.check_box(found, self.sent[key][0], region)

    def check_box(self, found, box, region=(0.0, 0.0, 1.0, 1.0)):
        """Check that a Detection2D has a box, to one and a half pixels of the network's input."""
        height, width = self.size
        network_pixel = np.array([width * region[2], height * region[3]] * 2) / 300
        off = np.abs(corners(found) - box) / network_pixel
        assert off.max() <= 1.5, (self.name, corners(found), box)

    def status(self, owner='detector'):
        """Return the values of its status that was written after this call."""
        return self.probe.next_status(f'{owner}: camera {self.name}')

    def accounted(self, values):
        """Return how many of its images were heard of, or are in a count of its status."""
        assert int(values['frames_dropped']) == sum(int(values[name]) for name in COUNTS)
        return len(self.detections) + int(values['frames_dropped'])


def missing(probe, cameras):
    """
    Return how many pictures of each camera are neither heard of nor counted.

    They are all counted but those from before the first one that was taken.
    """
    return [len(camera.sent) - camera.accounted(
        probe.status(f'detector: camera {camera.name}')[1]) for camera in cameras]
