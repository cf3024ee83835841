# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Publishes what depth adds to detections: positions, markers, and the objects cut out."""

from collections.abc import Sequence
import time
from weakref import WeakSet

from ncs_cluster_detector.detector_node.annotated_image import PictureOutputs
from ncs_cluster_detector.detector_node.background_jobs import BackgroundJobs
from ncs_cluster_detector.detector_node.background_jobs import LONGEST_WAIT_SEC
from ncs_cluster_detector.detector_node.positions.camera_geometry import CameraInfos
from ncs_cluster_detector.detector_node.positions.camera_geometry import why_unusable
from ncs_cluster_detector.detector_node.positions.markers import marker_array_of
from ncs_cluster_detector.detector_node.positions.match import DepthMatch
from ncs_cluster_detector.detector_node.positions.messages import depth_picture_of
from ncs_cluster_detector.detector_node.positions.messages import detection_3d_array_of
from ncs_cluster_detector.detector_node.positions.messages import why_unfit
from ncs_cluster_detector.detector_node.positions.trouble import LATE_BESIDE_SEC
from ncs_cluster_detector.detector_node.positions.trouble import NO_DEPTH
from ncs_cluster_detector.detector_node.positions.trouble import Trouble
from ncs_cluster_detector.detector_node.positions.trouble import why_no_depth
from ncs_cluster_detector.detector_node.positions.trouble import why_others_have_none
from ncs_cluster_detector.geometry.distance import box_slices
from ncs_cluster_detector.geometry.distance import cut_out
from ncs_cluster_detector.geometry.distance import object_depth
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import DEPTH_TOPIC
from ncs_cluster_detector.ros.image_messages import image_message
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.message_thread import NEWEST_ONLY
from ncs_cluster_detector.supervision.frame import Frame
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

# More frames than come in 5 s; their memory has a limit of its own.
QUEUE = 4096
# Frames that wait for their depth, in bytes: 5 s of 640x480 at 30 images a second are 140 million.
MOST_WAITING_BYTES = 256 * 2**20
# This many may wait, however large they are.
FEWEST_WAITING = 8
# A frame takes its turn a little after its wait is over.
TURN_SEC = 0.1


class DepthOutputs:
    """
    Publishes ``detections_3d``, ``markers`` and ``foreground_image``, from a thread of its own.

    A frame waits for its depth in that thread, which makes no later frame wait longer.
    ``bad_images`` counts depth messages that could not be used.
    """

    def __init__(self, node: Node, prefix: str, messages: MessageThread, pictures: PictureOutputs,
                 timeout_ms: int) -> None:
        """
        Create subscriptions, publishers and the thread.

        :param prefix: the names of all topics begin with it. Of cameras with names, some may have
            no depth: while nobody publishes it, no image waits for it.
        :param messages: takes the messages of the subscriptions.
        :param pictures: get the detections with their distances.
        :param timeout_ms: how long an image waits for its depth.
        """
        self.bad_images = 0
        self._pictures = pictures
        self._logger = node.get_logger()
        self._match = DepthMatch()
        self._infos = CameraInfos()
        self._trouble = Trouble(self._logger)
        self._held = WeakSet()   # frames that wait for their turn, or have it
        self._has_logged_memory = False
        self._depth_at = float('-inf')   # when the newest image had depth, monotonic, in seconds
        self._positions = node.create_publisher(
            Detection3DArray, f'{prefix}detections_3d', 10)
        self._markers = node.create_publisher(MarkerArray, f'{prefix}markers', 1)
        self._foregrounds = node.create_publisher(Image, f'{prefix}foreground_image', 1)
        self._expects_depth = not prefix
        messages.subscribe(Image, prefix + DEPTH_TOPIC, self._take_depth, NEWEST_ONLY,
                           self._note_publishers if prefix else None)
        messages.subscribe(CameraInfo, f'{prefix}camera_info', self._take_info, NEWEST_ONLY)
        self._jobs = BackgroundJobs('depth', self._publish, QUEUE, lambda: self._logger.warning(
            'positions come slower than detections: those of the oldest frames are left out; '
            'further ones are not logged'))
        self.follow(timeout_ms)

    @property
    def failure(self) -> Exception | None:
        """Return the exception that ended the thread, or None."""
        return self._jobs.failure

    def follow(self, timeout_ms: int) -> None:
        """Let images wait this long for their depth from now on."""
        self._timeout_ms = timeout_ms
        self._jobs.longest_wait_sec = max(LONGEST_WAIT_SEC, timeout_ms / 1000 + TURN_SEC)
        self._match.wake()

    def take_frame(self, frame: Frame) -> None:
        """Take a Frame that is about to be offered to the supervisor."""
        self._match.add_frame(frame, stamp_of(frame.header))

    def take_detections(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Queue what was detected in a frame; return at once."""
        if not self._wanted():
            return
        waiting = len(self._held)
        if waiting >= FEWEST_WAITING and waiting * frame.nbytes > MOST_WAITING_BYTES:
            if not self._has_logged_memory:
                self._has_logged_memory = True
                self._logger.warning(
                    f'{waiting} images wait for their depth, which is '
                    f'{MOST_WAITING_BYTES >> 20} MB: positions of some are left out; lower '
                    'depth_timeout_ms, or take smaller images; further ones are not logged')
            return
        self._held.add(frame)
        self._jobs.put(frame, detections)

    def stop(self, timeout_sec: float) -> bool:
        """Stop the thread; return whether it has ended."""
        self._jobs.ask_to_stop()
        self._match.close()   # the thread may wait there
        return self._jobs.stop(timeout_sec)

    def _wanted(self):
        return self._pictures.wanted() or any(
            publisher.get_subscription_count() for publisher in (
                self._positions, self._markers, self._foregrounds))

    def _note_publishers(self, number):
        self._expects_depth = number > 0
        self._match.wake()

    def _take_depth(self, message, _):
        try:
            depth = depth_picture_of(message)
        except BadImageError as error:
            self.bad_images += 1
            if self.bad_images == 1:
                self._logger.error(f'dropped {error}; further bad depth images are only counted')
            return
        self._match.add_depth(
            depth, stamp_of(message.header), time.monotonic(), self._timeout_ms / 1000)

    def _take_info(self, message, _):
        self._infos.take(message, stamp_of(message.header))

    def _publish(self, frame, detections):
        depth = self._match.depth_of(
            frame, stamp_of(frame.header),
            lambda: self._expects_depth * (
                frame.arrived_at + self._timeout_ms / 1000 - time.monotonic()))
        trouble = self._why_none(frame, depth)
        pixels = None if trouble else depth.pixels
        depths = [None if pixels is None else object_depth(
            pixels[box_slices(detection, *pixels.shape)]) for detection in detections]
        self._pictures.take(
            frame, detections, [found and found.distance for found in depths])
        objects = [(detection, found) for detection, found in zip(detections, depths)
                   if found is not None]
        as_message = self._positions.get_subscription_count()
        as_markers = self._markers.get_subscription_count()
        if as_message or as_markers:
            info = self._infos.of(stamp_of(frame.header))
            unusable = why_unusable(info, size_of(frame), frame.header.frame_id)
            trouble = trouble or self._why_not_always(unusable)
            positions = detection_3d_array_of(
                frame.header, size_of(frame), info, [] if unusable else objects)
            if as_message:
                self._positions.publish(positions)
            if as_markers:
                self._markers.publish(marker_array_of(positions))
        if self._foregrounds.get_subscription_count():
            self._foregrounds.publish(image_message(
                frame.header, cut_out(frame.image, pixels, objects), 'bgr8'))
        now = time.monotonic()
        if depth is not None:
            self._depth_at = now
        if trouble is None or not self._expects_depth:
            return   # nobody subscribes, so nothing was checked; or the camera has no depth
        _, kind = trouble
        if kind != NO_DEPTH or now - self._depth_at > LATE_BESIDE_SEC:
            self._trouble.note(*trouble, now)

    def _why_none(self, frame, depth):
        """Return why a frame has no depth of its own, as text and kind for Trouble, or None."""
        if depth is None:
            return why_no_depth(self._match.lateness, self._timeout_ms, time.monotonic())
        unfit = why_unfit(depth, size_of(frame), frame.header.frame_id)
        return (unfit, unfit) if unfit else None

    def _why_not_always(self, unusable):
        """Return why this frame or others have no positions though it has depth, in that form."""
        if unusable:
            return unusable, unusable
        return why_others_have_none(self._match.lateness, self._timeout_ms, time.monotonic())


def size_of(frame: Frame) -> tuple[int, int]:
    """Return width and height of a frame in pixels."""
    height, width = frame.size
    return width, height


def stamp_of(header: Header) -> int:
    """Return the stamp of a header in nanoseconds."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec
