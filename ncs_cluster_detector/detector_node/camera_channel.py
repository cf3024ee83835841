# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One camera as the node sees it: the images that it takes, and all that it publishes of them."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import count
import time

from ncs_cluster_detector.detector_node.annotated_image import PictureOutputs
from ncs_cluster_detector.detector_node.image_silence import ImageSilence
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.ros.detection_messages import DetectionMessages
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.ros.image_messages import encoded_image_of
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.message_thread import NEWEST_ONLY
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.publication_gaps import LossWatch
from ncs_cluster_detector.ros.publication_gaps import PublicationGaps
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.snapshot import CameraSnapshot
from ncs_cluster_detector.supervision.snapshot import Snapshot
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray


class CameraChannel:
    """Takes the images of one camera, and publishes their detections, pictures and positions."""

    def __init__(self, node: Node, messages: MessageThread, name: str, index: int, values: Values,
                 numbers: Iterator[int], offer: Callable[[Frame], object],
                 snapshot: Callable[[], Snapshot]) -> None:
        """
        Subscribe and create publishers below ``name``, which is empty for the only camera.

        :param messages: takes the messages of the subscriptions.
        :param index: of the camera.
        :param values: of the node's parameters.
        :param numbers: gives the frames of all cameras their numbers.
        :param offer: takes each Frame.
        :param snapshot: returns the supervisor's newest Snapshot.
        """
        self._name, self._index, self._node = name, index, node
        self._numbers, self._offer = numbers, offer
        self._region = Region()
        self._images = 0
        self._last_stamp = 0.0   # seconds
        # Messages that could not be used, and encoded images that their workers could not decode.
        self._bad_messages = self._unreadable = 0
        self._reports = count()   # of either, which are found in two threads
        self._gaps, self._loss = PublicationGaps(), LossWatch()
        prefix = f'{name}/' if name else ''
        self._named = f'{name}: ' if name else ''   # what its lines in the log begin with
        self._publisher = node.create_publisher(Detection2DArray, f'{prefix}detections', 10)
        self._detections = DetectionMessages()
        self._pictures = PictureOutputs(node, prefix, index, snapshot)
        self._depth = None
        if values['use_depth']:
            # Late, as most nodes do without the messages and the mathematics of positions.
            from ncs_cluster_detector.detector_node.positions.outputs import DepthOutputs
            self._depth = DepthOutputs(
                node, prefix, messages, self._pictures, values['depth_timeout_ms'])
        self._base = f'{prefix}image_raw'
        self._topic, self._type = self._base, Image
        self._kind, self._content_of = Frame, bgr_image_of
        if values['image_transport'] == 'compressed':
            # image_transport derives this name from the base topic, after remapping.
            self._topic = f'{node.resolve_topic_name(self._base)}/compressed'
            self._type = CompressedImage
            self._kind, self._content_of = EncodedFrame, encoded_image_of
        subscription = messages.subscribe(
            self._type, self._topic, self._take_message, NEWEST_ONLY, self._on_match)
        self._full_topic = subscription.topic_name   # now, as a pause destroys the subscription
        self._silence = ImageSilence(node.get_logger(), self._full_topic)

    @property
    def failures(self) -> list[Exception]:
        """Return the exceptions that ended its threads."""
        return [part.failure for part in self._parts() if part.failure is not None]

    @property
    def detections_topic(self) -> str:
        """Return the full name of the topic of its detections."""
        return self._publisher.topic_name

    def follow(self, settings: Settings) -> None:
        """Let new settings take effect."""
        self._region = Region(*settings.region(self._index))
        if self._depth is not None:
            self._depth.follow(settings.depth_timeout_ms)

    def stop(self, timeout_sec: float) -> bool:
        """Stop its threads, each within ``timeout_sec``; return whether they have ended."""
        ended = [part.stop(timeout_sec) for part in self._parts()]   # each of them
        return all(ended)

    def publish(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Publish what was found in a frame."""
        if self._publisher.get_subscription_count():
            self._publisher.publish(self._detections.array_of(
                frame.header, frame.size, detections))
        if self._depth is not None:
            self._depth.take_detections(frame, detections)
        else:
            self._pictures.take(frame, detections, [None] * len(detections))

    def on_unreadable(self, why: str) -> None:
        """Count an encoded image that holds no picture."""
        self._unreadable += 1
        self._report_bad(f'image on {self._full_topic}: {why}')

    def intake(self, now: float) -> Intake:
        """Return what reaches the node from this camera; to be called once a second."""
        publishers = self._publishers()
        return Intake(
            self._full_topic,
            tuple(publisher.topic_type for publisher in publishers),
            self._bad_messages + self._unreadable,
            0 if self._depth is None else self._depth.bad_images, self._gaps.missing,
            f'sensor_msgs/msg/{self._type.__name__}', self._base, self._name,
            self._loss.note(self._gaps, now))

    def note_silence(self, figures: CameraSnapshot, intake: Intake, now: float) -> None:
        """Log if images stop or come again; to be called once a second."""
        self._silence.note(self._images, now - figures.image_at, intake, now)

    def _parts(self):
        return list(filter(None, (self._depth, self._pictures)))

    def _publishers(self):
        return self._node.get_publishers_info_by_topic(self._topic)

    def _on_match(self, publishers):
        gids = [publisher.endpoint_gid for publisher in self._publishers()]
        self._gaps.note_match(publishers, gids[0] if len(gids) == 1 else None)

    def _take_message(self, message, info):
        self._gaps.note(info, time.time_ns())
        self._use_message(message)
        self._gaps.ready(time.time_ns())

    def _use_message(self, message):
        try:
            content = self._content_of(message)
        except BadImageError as error:
            self._bad_messages += 1
            self._report_bad(str(error))
            return
        self._check_order(message.header.stamp.sec + message.header.stamp.nanosec / 1e9)
        self._images += 1
        frame = self._kind(next(self._numbers), content, message.header, time.monotonic(),
                           self._index, self._region)
        if self._depth is not None:
            self._depth.take_frame(frame)
        self._offer(frame)

    def _check_order(self, stamp):
        if stamp < self._last_stamp:
            self._node.get_logger().warning(
                f'{self._named}image stamps jumped back by {self._last_stamp - stamp:.3f} s '
                '(camera started again, or a bag replayed?): a new order starts',
                throttle_duration_sec=5.0)
        self._last_stamp = stamp

    def _report_bad(self, what):
        if next(self._reports) == 0:
            self._node.get_logger().error(
                f'{self._named}dropped {what}; further bad images are only counted')
