# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Publishes the camera node's topics: picture, compressed picture, depth, and camera infos."""

from collections.abc import Callable

from ncs_cluster_detector.camera_node.camera_info import camera_info_of
from ncs_cluster_detector.cameras.grabbing.frame_handover import GrabbedFrame
from ncs_cluster_detector.geometry.calibration import Calibration
from ncs_cluster_detector.ros import image_messages
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header


class CameraOutputs:
    """Publishes frames, on each topic only while somebody subscribes."""

    def __init__(self, node: Node, frame_id: str, calibration: Calibration | None,
                 with_depth: bool, changed: Callable[[], None]) -> None:
        """
        Create the publishers.

        :param frame_id: the optical frame in every header.
        :param calibration: to use instead of the source's own, or None.
        :param with_depth: whether the source has depth.
        :param changed: called when a subscriber comes or goes.
        """
        self._frame_id = frame_id
        self._calibration = calibration
        self._logger = node.get_logger()
        self._refused_sizes = set()
        events = PublisherEventCallbacks(matched=lambda _: changed())

        def publisher(message_type, topic):
            return node.create_publisher(message_type, topic, 1, event_callbacks=events)

        self._images = publisher(Image, 'image_raw')
        # image_transport's subscribers derive this name from the picture's, after remapping.
        self._compressed = publisher(CompressedImage, self._images.topic_name + '/compressed')
        self._infos = publisher(CameraInfo, 'camera_info')
        self._all = [self._images, self._compressed, self._infos]
        self._depth = self._depth_infos = None
        if with_depth:
            self._depth = publisher(Image, image_messages.DEPTH_TOPIC)
            self._depth_infos = publisher(CameraInfo, image_messages.DEPTH_INFO_TOPIC)
            self._all += [self._depth, self._depth_infos]

    def wanted(self) -> bool:
        """Return whether anybody subscribes to anything."""
        return any(publisher.get_subscription_count() for publisher in self._all)

    def depth_wanted(self) -> bool:
        """Return whether anybody subscribes to the depth."""
        return self._depth is not None and bool(self._depth.get_subscription_count())

    def publish(self, frame: GrabbedFrame) -> None:
        """Publish a GrabbedFrame: the depth first, so that subscribers have it in time."""
        height, width = frame.image.shape[:2]
        header = Header(stamp=frame.stamp, frame_id=self._frame_id)
        infos = [publisher for publisher in (self._infos, self._depth_infos)
                 if publisher is not None and publisher.get_subscription_count()]
        if infos:
            info = camera_info_of(header, width, height, self._fitting(frame, width, height))
            for publisher in infos:
                publisher.publish(info)
        if frame.depth is not None:
            self._depth.publish(image_messages.image_message(header, frame.depth, '16UC1'))
        if self._images.get_subscription_count():
            self._images.publish(image_messages.image_message(header, frame.image, 'bgr8'))
        image_messages.publish_compressed(self._compressed, header, frame.image, self._logger)

    def _fitting(self, frame, width, height):
        """Return the calibration for a picture of this size, or None."""
        calibration = self._calibration or frame.calibration
        if calibration is None or calibration.picture_size == (width, height):
            return calibration
        if (width, height) not in self._refused_sizes:
            self._refused_sizes.add((width, height))
            fit_width, fit_height = calibration.picture_size
            self._logger.warning(
                f'the calibration is for {fit_width}x{fit_height}, the pictures are '
                f'{width}x{height}: camera_info goes out uncalibrated; choose that size with '
                'width and height, or calibrate for this one')
        return None
