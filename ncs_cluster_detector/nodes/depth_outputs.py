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

"""What depth adds to the detections: positions, and the objects cut out of their background."""

from collections import deque
import threading
import time

from ncs_cluster_detector.detection.distance import box_slices
from ncs_cluster_detector.detection.distance import cut_out
from ncs_cluster_detector.detection.distance import object_depth
from ncs_cluster_detector.nodes.camera_outputs import DEPTH_TOPIC
from ncs_cluster_detector.nodes.conversions import BadImageError
from ncs_cluster_detector.nodes.conversions import image_message
from ncs_cluster_detector.nodes.depth_match import DepthMatch
from ncs_cluster_detector.nodes.depth_messages import depth_picture_of
from ncs_cluster_detector.nodes.depth_messages import detection_3d_array_of
from ncs_cluster_detector.nodes.depth_messages import why_unusable
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray

NEWEST_ONLY = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
# What has not come so long after its image will not come any more.
DEPTH_TIMEOUT_SEC = 0.2
# More frames than the largest cluster returns while one of them is waited for.
QUEUE = 64
# What lasts so long is told.
PATIENCE_SEC = 5.0


class DepthOutputs:
    """
    Publishes ``detections_3d`` and ``foreground_image``, from a thread of its own.

    ``bad_images`` counts depth messages that could not be used; ``failure`` is the exception that
    ended the thread, or None.
    """

    def __init__(self, node):
        """Create subscriptions, publishers and the thread."""
        self.bad_images = 0
        self.failure = None
        self._logger = node.get_logger()
        self._match = DepthMatch()
        self._info = None
        self._jobs = deque()
        self._news = threading.Condition()
        self._stopping = False
        self._lost = 0
        self._trouble = Trouble(self._logger)
        self._positions = node.create_publisher(
            Detection3DArray, 'detections_3d', QoSProfile(depth=10))
        self._foregrounds = node.create_publisher(Image, 'foreground_image', QoSProfile(depth=1))
        node.create_subscription(Image, DEPTH_TOPIC, self._take_depth, NEWEST_ONLY)
        node.create_subscription(CameraInfo, 'camera_info', self._take_info, NEWEST_ONLY)
        self._thread = threading.Thread(target=self._run, name='depth', daemon=True)
        self._thread.start()

    def take_frame(self, frame):
        """Take a Frame that is about to be offered to the supervisor."""
        self._match.add_frame(frame, stamp_of(frame.header))

    def take_detections(self, frame, detections):
        """Take what was detected in a frame; returns at once."""
        if not self._wanted():
            return
        with self._news:
            if len(self._jobs) == QUEUE:
                self._jobs.popleft()
                self._lost += 1
                if self._lost == 1:
                    self._logger.warning('positions come slower than detections: those of the '
                                         'oldest frames are left out; further ones are not told')
            self._jobs.append((frame, detections))
            self._news.notify()

    def stop(self, timeout_sec):
        """
        Stop the thread.

        :return: whether it has ended.
        """
        with self._news:
            self._stopping = True
            self._news.notify()
        self._match.close()
        self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _wanted(self):
        return bool(self._positions.get_subscription_count()
                    or self._foregrounds.get_subscription_count())

    def _take_depth(self, message):
        try:
            depth = depth_picture_of(message)
        except BadImageError as error:
            self.bad_images += 1
            if self.bad_images == 1:
                self._logger.error(f'dropped {error}; further bad depth images are only counted')
            return
        self._match.add_depth(depth, stamp_of(message.header))

    def _take_info(self, message):
        self._info = message

    def _run(self):
        try:
            while (job := self._next()) is not None:
                self._publish(*job)
        except Exception as error:
            self.failure = error   # the node reports it and ends

    def _next(self):
        with self._news:
            self._news.wait_for(lambda: self._jobs or self._stopping)
            return None if self._stopping else self._jobs.popleft()

    def _publish(self, frame, detections):
        left_sec = frame.arrived_at + DEPTH_TIMEOUT_SEC - time.monotonic()
        depth = self._match.depth_of(frame, stamp_of(frame.header), max(0.0, left_sec))
        objects = [] if depth is None else [
            (detection, found) for detection in detections
            if (found := object_depth(depth[box_slices(detection, *depth.shape)])) is not None]
        size, info = frame.image.shape[:2], self._info
        trouble = ('no depth image came with the stamp of the image; connect the topic '
                   f'{DEPTH_TOPIC} to a camera whose depth has the stamps of its images'
                   if depth is None else '')
        if self._positions.get_subscription_count():
            unusable = why_unusable(info, size[1], size[0])
            trouble = trouble or unusable
            self._positions.publish(detection_3d_array_of(
                frame.header, size, info, [] if unusable else objects))
        if self._foregrounds.get_subscription_count():
            self._foregrounds.publish(image_message(
                frame.header, cut_out(frame.image, depth, objects), 'bgr8'))
        self._trouble.note(trouble, time.monotonic())


class Trouble:
    """Tells what is wrong once it has lasted, and that it is over."""

    def __init__(self, logger):
        """Start without trouble."""
        self._logger = logger
        self._text, self._since, self._told = '', None, ''

    def note(self, text, now):
        """Take what is wrong now (empty = nothing) at a monotonic time in seconds."""
        if text != self._text:
            self._text, self._since = text, now
        if not text:
            if self._told:
                self._logger.info('positions are known again')
            self._told = ''
        elif text != self._told and now - self._since >= PATIENCE_SEC:
            self._told = text
            self._logger.warning(f'positions are unknown: {text}')


def stamp_of(header):
    """Return the stamp of a header in nanoseconds."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec
