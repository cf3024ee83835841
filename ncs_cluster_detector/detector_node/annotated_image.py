# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Publishes the annotated picture: detections and the state of the sticks, drawn on the frame."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncs_cluster_detector.detector_node.background_jobs import BackgroundJobs
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.ros.image_messages import image_message
from ncs_cluster_detector.ros.image_messages import publish_compressed
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.snapshot import Snapshot
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

if TYPE_CHECKING:
    from ncs_cluster_detector.drawing.status_strip import StripContent

# Several sticks may finish at the same moment.
QUEUE = 8


class PictureOutputs:
    """Publishes ``annotated_image`` and its compressed form, from a thread of its own."""

    def __init__(self, node: Node, prefix: str, camera: int,
                 snapshot: Callable[[], Snapshot]) -> None:
        """
        Create publishers, whose names begin with ``prefix``, and the thread.

        :param camera: index of the camera whose rates are shown.
        :param snapshot: returns the supervisor's newest Snapshot.
        """
        self._snapshot, self._camera = snapshot, camera
        self._logger = node.get_logger()
        self._images = node.create_publisher(Image, f'{prefix}annotated_image', 1)
        # image_transport's subscribers derive this name from the picture's, after remapping.
        self._compressed = node.create_publisher(
            CompressedImage, self._images.topic_name + '/compressed', 1)
        self._jobs = BackgroundJobs('pictures', self._publish, QUEUE, lambda: (
            self._logger.warning('annotated pictures are made slower than detections come: the '
                                 'oldest are left out; further ones are not logged')))

    @property
    def failure(self) -> Exception | None:
        """Return the exception that ended the thread, or None."""
        return self._jobs.failure

    def wanted(self) -> bool:
        """Return whether anybody subscribes."""
        return bool(self._images.get_subscription_count()
                    or self._compressed.get_subscription_count())

    def take(self, frame: Frame, detections: Sequence[Detection],
             distances: Sequence[float | None]) -> None:
        """
        Queue what was found in a frame, whose image is not drawn on; return at once.

        :param distances: of each detection in metres, None where unknown.
        """
        if self.wanted():
            self._jobs.put(frame, detections, distances)

    def stop(self, timeout_sec: float) -> bool:
        """Stop the thread; return whether it has ended."""
        return self._jobs.stop(timeout_sec)

    def _publish(self, frame, detections, distances):
        # With the first picture: Pillow takes 2 MB, and part of the start of every node.
        from ncs_cluster_detector.drawing.annotation import annotate
        # Draw into the message's own memory, which saves a copy.
        message = image_message(frame.header, frame.image, 'bgr8')
        picture = np.frombuffer(message.data, np.uint8).reshape(frame.image.shape)
        annotate(picture, detections, distances, strip_content_of(
            self._snapshot(), self._camera))
        if self._images.get_subscription_count():
            self._images.publish(message)
        publish_compressed(self._compressed, frame.header, picture, self._logger)


def strip_content_of(snapshot: Snapshot, camera: int = 0) -> 'StripContent':
    """Return the StripContent for a Snapshot, with the rates of a camera."""
    from ncs_cluster_detector.drawing.status_strip import StickMark
    from ncs_cluster_detector.drawing.status_strip import StripContent
    return StripContent(
        tuple(StickMark(stick.status.number, stick.condition.celsius, stick.active,
                        stick.condition.is_hot,
                        stick.condition.reason is not Reason.NOT_RUNNING, stick.duty_60s)
              for stick in snapshot.sticks),
        snapshot.cameras[camera].input_fps, snapshot.cameras[camera].detection_fps)
