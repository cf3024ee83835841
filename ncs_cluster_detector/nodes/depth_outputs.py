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

import time

from ncs_cluster_detector.detection.distance import box_slices
from ncs_cluster_detector.detection.distance import cut_out
from ncs_cluster_detector.detection.distance import object_depth
from ncs_cluster_detector.nodes.background_jobs import BackgroundJobs
from ncs_cluster_detector.nodes.camera_outputs import DEPTH_TOPIC
from ncs_cluster_detector.nodes.conversions import BadImageError
from ncs_cluster_detector.nodes.conversions import image_message
from ncs_cluster_detector.nodes.depth_markers import marker_array_of
from ncs_cluster_detector.nodes.depth_match import DepthMatch
from ncs_cluster_detector.nodes.depth_messages import depth_picture_of
from ncs_cluster_detector.nodes.depth_messages import detection_3d_array_of
from ncs_cluster_detector.nodes.depth_messages import why_unusable
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

NEWEST_ONLY = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
# What has not come so long after its image will not come any more.
DEPTH_TIMEOUT_SEC = 0.2
# More frames than the largest cluster returns while one of them is waited for.
QUEUE = 64
NO_DEPTH = (f'no depth image came with the stamp of the image; connect the topic {DEPTH_TOPIC} to '
            'a camera whose depth has the stamps of its images')
# What lasts so long is told.
PATIENCE_SEC = 5.0


class DepthOutputs:
    """
    Publishes ``detections_3d``, ``markers`` and ``foreground_image``, from a thread of its own.

    ``bad_images`` counts depth messages that could not be used.
    """

    def __init__(self, node, pictures):
        """
        Create subscriptions, publishers and the thread.

        :param node: the rclpy node.
        :param pictures: the PictureOutputs, which get what was found with its distances.
        """
        self.bad_images = 0
        self._pictures = pictures
        self._logger = node.get_logger()
        self._match = DepthMatch()
        self._info = None
        self._trouble = Trouble(self._logger)
        self._positions = node.create_publisher(
            Detection3DArray, 'detections_3d', QoSProfile(depth=10))
        self._markers = node.create_publisher(MarkerArray, 'markers', QoSProfile(depth=1))
        self._foregrounds = node.create_publisher(Image, 'foreground_image', QoSProfile(depth=1))
        node.create_subscription(Image, DEPTH_TOPIC, self._take_depth, NEWEST_ONLY)
        node.create_subscription(CameraInfo, 'camera_info', self._take_info, NEWEST_ONLY)
        self._jobs = BackgroundJobs('depth', self._publish, QUEUE, lambda: self._logger.warning(
            'positions come slower than detections: those of the oldest frames are left out; '
            'further ones are not told'))

    @property
    def failure(self):
        """Return the exception that ended the thread, or None."""
        return self._jobs.failure

    def take_frame(self, frame):
        """Take a Frame that is about to be offered to the supervisor."""
        self._match.add_frame(frame, stamp_of(frame.header))

    def take_detections(self, frame, detections):
        """Take what was detected in a frame; returns at once."""
        if self._wanted():
            self._jobs.put(frame, detections)

    def stop(self, timeout_sec):
        """
        Stop the thread.

        :return: whether it has ended.
        """
        self._jobs.ask_to_stop()
        self._match.close()   # which it may be waiting for
        return self._jobs.stop(timeout_sec)

    def _wanted(self):
        return self._pictures.wanted() or any(
            publisher.get_subscription_count() for publisher in (
                self._positions, self._markers, self._foregrounds))

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

    def _publish(self, frame, detections):
        left_sec = frame.arrived_at + DEPTH_TIMEOUT_SEC - time.monotonic()
        depth = self._match.depth_of(frame, stamp_of(frame.header), max(0.0, left_sec))
        depths = [None if depth is None else object_depth(
            depth[box_slices(detection, *depth.shape)]) for detection in detections]
        self._pictures.take(
            frame, detections, [found and found.distance for found in depths])
        objects = [(detection, found) for detection, found in zip(detections, depths)
                   if found is not None]
        size, info = frame.image.shape[:2], self._info
        trouble = NO_DEPTH if depth is None else None   # None = not looked for
        as_message = self._positions.get_subscription_count()
        as_markers = self._markers.get_subscription_count()
        if as_message or as_markers:
            unusable = why_unusable(info, size[1], size[0])
            trouble = trouble or unusable
            positions = detection_3d_array_of(
                frame.header, size, info, [] if unusable else objects)
            if as_message:
                self._positions.publish(positions)
            if as_markers:
                self._markers.publish(marker_array_of(positions))
        if self._foregrounds.get_subscription_count():
            self._foregrounds.publish(image_message(
                frame.header, cut_out(frame.image, depth, objects), 'bgr8'))
        if trouble is not None:
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
