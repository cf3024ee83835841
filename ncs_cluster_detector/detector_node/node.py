# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node: the ROS side of the detector; the supervisor runs the sticks."""

from concurrent.futures import TimeoutError as NoAnswerError
from functools import partial
import sys
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.detector_node import diagnostics
from ncs_cluster_detector.detector_node import parameters
from ncs_cluster_detector.detector_node.annotated_image import PictureOutputs
from ncs_cluster_detector.detector_node.explanations import switch_answer
from ncs_cluster_detector.detector_node.heat_explanation import HeatLog
from ncs_cluster_detector.detector_node.image_silence import ImageSilence
from ncs_cluster_detector.detector_node.label_info import LabelOutputs
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
from ncs_cluster_detector.ros.detection_messages import DetectionMessages
from ncs_cluster_detector.ros.diagnostic_status import status_prefix
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.message_thread import NEWEST_ONLY
from ncs_cluster_detector.ros.parameters import NodeParameters
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.publication_gaps import PublicationGaps
from ncs_cluster_detector.ros.run_node import run_node
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import Image
from sensor_msgs.msg import Temperature
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2DArray

STOP_DEADLINE_SEC = 4.0
PART_STOP_DEADLINE_SEC = 0.25
# The supervisor answers within a few milliseconds, unless it hangs.
ANSWER_DEADLINE_SEC = 1.0


class DetectorNode(Node):
    """
    The ROS side of the detector.

    Four threads: one receives images; the supervisor's publishes the detections; one draws the
    annotated picture; the executor's receives parameters and reports once a second. With
    ``use_depth`` a fifth thread adds the positions.
    """

    def __init__(self, arguments: list[str] | None = None, **kwargs: Any) -> None:
        """
        Declare parameters and topics, and start the sticks.

        :param arguments: see NodeParameters; the others are those of an rclpy Node.
        :raises StartupError: a parameter, a graph or a label file is invalid.
        """
        super().__init__('detector', **kwargs)
        self._declared = NodeParameters(self, PARAMETERS, 'detector', arguments)
        values = self._declared.values()
        self._driver = values['driver']
        self._owner = status_prefix(self, 'detector')
        try:
            DRIVERS[self._driver].check_installed()
            options = parameters.options_of(
                values, lambda text: self.get_logger().warning(self._declared.shown(text)))
        except (SdkMissingError, StartupError) as error:
            raise StartupError(self._declared.shown(error)) from error.__cause__
        give_back_freed_memory()   # that of the graph files; an image is seldom as large
        labels = tuple(dict.fromkeys(
            label for labels in options.workers.labels for label in labels[1:]))
        self._declared.accept_changes(
            partial(parameters.validate_combination, labels=labels), self.on_parameters_changed)
        self._label_outputs = LabelOutputs(
            self, values, options.workers.labels)
        self._frames = 0
        self._last_stamp = 0.0   # seconds
        self._bad_images = 0
        self._gaps = PublicationGaps()
        self._failure = None
        self._publisher = self.create_publisher(Detection2DArray, 'detections', 10)
        self._detections = DetectionMessages()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._temperatures = {}
        self._pictures = PictureOutputs(self, lambda: self._supervisor.snapshot)
        self._messages = MessageThread(self, 'messages')
        self._depth = None
        if values['use_depth']:
            # Late, as most nodes do without the messages and the mathematics of positions.
            from ncs_cluster_detector.detector_node.positions.outputs import DepthOutputs
            self._depth = DepthOutputs(
                self, self._messages, self._pictures, values['depth_timeout_ms'])
        self._supervisor = Supervisor(options, parameters.settings_of(values),
                                      self._publish_detections, self.get_logger())
        self._thread = threading.Thread(target=self._supervise, name='supervisor')
        self._images = self._messages.subscribe(
            Image, 'image_raw', self._take_image, NEWEST_ONLY, self._gaps.note_match)
        self._heat_log = HeatLog(self.get_logger())
        self._silence = ImageSilence(self.get_logger(), self._images.topic_name)
        self.create_service(Trigger, '~/switch_cluster', self._switch_cluster)
        # A steady clock, because with use_sim_time the node's own may stand still.
        self.create_timer(1.0, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._thread.start()
        self._messages.start()

    def stop(self) -> bool:
        """Stop the sticks; return False if a thread hangs or a worker cannot be ended."""
        self._supervisor.stop()
        self._thread.join(STOP_DEADLINE_SEC)
        ended = self._supervisor.all_ended and not self._thread.is_alive()
        for part in filter(None, (self._messages, self._depth, self._pictures)):
            ended = part.stop(PART_STOP_DEADLINE_SEC) and ended
        return ended

    def on_parameters_changed(self, before: Values, after: Values) -> None:
        """Hand the new settings to the supervisor and log what changed."""
        settings = parameters.settings_of(after)
        self._supervisor.change(settings)
        self._label_outputs.follow(settings.score_threshold)
        if self._depth is not None:
            self._depth.follow(settings.depth_timeout_ms)
        self._declared.log_changes(before, after, settings, len(self._supervisor.snapshot.sticks))

    def _supervise(self):
        try:
            self._supervisor.run()
        except UnusableParameterError as error:
            self._failure = StartupError(self._declared.shown(
                f'{error.parameter}={self._declared.values()[error.parameter]}: {error}'))
        except Exception as error:
            self._failure = error   # raised by _report: without its supervisor the node must end

    def _take_image(self, message, info):
        self._gaps.note(info)
        try:
            image = bgr_image_of(message)
        except BadImageError as error:
            self._bad_images += 1
            if self._bad_images == 1:
                self.get_logger().error(f'dropped {error}; further bad images are only counted')
            return
        stamp = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
        if stamp < self._last_stamp:
            self.get_logger().warning(
                f'image stamps jumped back by {self._last_stamp - stamp:.3f} s (camera started '
                'again, or a bag replayed?): a new order starts', throttle_duration_sec=5.0)
        self._last_stamp = stamp
        self._frames += 1
        frame = Frame(self._frames, image, message.header, time.monotonic())
        if self._depth is not None:
            self._depth.take_frame(frame)
        self._supervisor.offer(frame)

    def _switch_cluster(self, _, response):
        try:
            response.success, response.message = switch_answer(
                *self._supervisor.switch_cluster().result(ANSWER_DEADLINE_SEC))
        except NoAnswerError:
            response.success = False
            response.message = ('the supervisor of the sticks gave no answer within '
                                f'{ANSWER_DEADLINE_SEC:g} s; try again')
        return response

    def _publish_detections(self, frame, detections):
        if self._publisher.get_subscription_count():
            self._publisher.publish(self._detections.array_of(
                frame.header, frame.image.shape[:2], detections))
        if self._depth is not None:
            self._depth.take_detections(frame, detections)
        else:
            self._pictures.take(frame, detections, [None] * len(detections))

    def _report(self):
        for failure in (self._failure, self._messages.failure, self._pictures.failure,
                        self._depth and self._depth.failure):
            if failure is not None:
                raise failure
        now = time.monotonic()
        snapshot = self._supervisor.snapshot
        intake = self._intake()
        if self._diagnostics.get_subscription_count():
            array = DiagnosticArray(status=diagnostics.statuses(
                snapshot, self._driver, now, intake, self._owner))
            array.header.stamp = self.get_clock().now().to_msg()
            self._diagnostics.publish(array)
        self._heat_log.note(snapshot)
        self._silence.note(self._frames, now - snapshot.waiting_for_image_since, intake, now)
        for stick in snapshot.at(now).sticks:
            self._report_temperature(stick, now)

    def _intake(self):
        publishers = self.get_publishers_info_by_topic('image_raw')
        return diagnostics.Intake(
            self._images.topic_name, tuple(publisher.topic_type for publisher in publishers),
            self._bad_images, 0 if self._depth is None else self._depth.bad_images,
            self._gaps.missing)

    def _report_temperature(self, stick, now):
        number, celsius = stick.status.number, stick.condition.celsius
        if number not in self._temperatures:
            # An executor looks at each event of each publisher whenever it wakes. The subscribers
            # of such a topic log the same.
            self._temperatures[number] = self.create_publisher(
                Temperature, f'~/stick_{number}/temperature', 10,
                event_callbacks=PublisherEventCallbacks(use_default_callbacks=False))
        if celsius is not None and self._temperatures[number].get_subscription_count():
            message = Temperature(temperature=celsius)
            # Simulated time may be less than the reading's age, and a stamp cannot be below 0.
            age_ns = round((now - stick.status.measured_at) * 1e9)
            stamp_ns = max(self.get_clock().now().nanoseconds - age_ns, 0)
            message.header.stamp = Time(nanoseconds=stamp_ns).to_msg()
            message.header.frame_id = f'stick_{number}'
            self._temperatures[number].publish(message)


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal; return its exit code, see run_node."""
    return run_node('detector', lambda: DetectorNode(arguments=args), args)


if __name__ == '__main__':
    sys.exit(main())
