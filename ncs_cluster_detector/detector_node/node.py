# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node: the ROS side of the detector; the supervisor runs the sticks."""

from collections.abc import Sequence
from concurrent.futures import TimeoutError as NoAnswerError
from functools import partial
from itertools import count
import sys
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.detector_node import diagnostics
from ncs_cluster_detector.detector_node import parameters
from ncs_cluster_detector.detector_node.camera_channel import CameraChannel
from ncs_cluster_detector.detector_node.explanations import switch_answer
from ncs_cluster_detector.detector_node.heat_explanation import HeatLog
from ncs_cluster_detector.detector_node.label_info import LabelOutputs
from ncs_cluster_detector.detector_node.stick_shortage import ReserveLog
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.camera_names import camera_names
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
from ncs_cluster_detector.ros.diagnostic_status import status_prefix
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.parameters import NodeParameters
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.rivals import Rivals
from ncs_cluster_detector.ros.run_node import run_node
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import Temperature
from std_srvs.srv import Trigger

STOP_DEADLINE_SEC = 4.0
PART_STOP_DEADLINE_SEC = 0.25
# The supervisor answers within a few milliseconds, unless it hangs.
ANSWER_DEADLINE_SEC = 1.0


class DetectorNode(Node):
    """
    The ROS side of the detector.

    One thread receives images; the supervisor's publishes the detections; the executor's receives
    parameters and reports once a second. One more for each camera draws the annotated picture,
    and with ``use_depth`` another one adds the positions.
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
            if values['local_sticks']:
                DRIVERS[self._driver].check_installed()
            options = parameters.options_of(
                values, lambda text: self.get_logger().warning(self._declared.shown(text)),
                self.get_fully_qualified_name())
        except (SdkMissingError, StartupError) as error:
            raise StartupError(self._declared.shown(error)) from error.__cause__
        give_back_freed_memory()   # that of the graph files; an image is seldom as large
        labels = tuple(dict.fromkeys(
            label for labels in options.labels for label in labels[1:]))
        self._declared.accept_changes(
            partial(parameters.validate_combination, labels=labels), self.on_parameters_changed)
        self._label_outputs = LabelOutputs(self, values, options.labels)
        self._failure = None
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._temperatures = {}
        settings = parameters.settings_of(values)
        self._messages = MessageThread(self, 'messages')
        self._supervisor = Supervisor(
            options, settings, lambda frame, found: self._cameras[frame.camera].publish(
                frame, found), self.get_logger(),
            lambda frame, why: self._cameras[frame.camera].on_unreadable(why))
        numbers = count(1)
        self._cameras = [
            CameraChannel(self, self._messages, name, index, values, numbers,
                          self._supervisor.offer, lambda: self._supervisor.snapshot)
            for index, name in enumerate(camera_names(values['cameras']))]
        self._links = None
        if self._supervisor.remote is not None:
            # Late, as most nodes do without the messages of other hosts.
            from ncs_cluster_detector.detector_node.hosts.host_links import HostLinks
            self._links = HostLinks(self, options.remote.hosts, self._supervisor.remote.take,
                                    settings.max_frame_age_ms / 1000)
            self._supervisor.remote.on_change = self.create_guard_condition(
                self._publish_diagnostics).trigger
        self._rivals = Rivals(self, [camera.detections_topic for camera in self._cameras])
        self._looked_at = None   # Intakes and rivals, once a second
        self._follow(settings)
        self._thread = threading.Thread(target=self._supervise, name='supervisor')
        self._heat_log = HeatLog(self.get_logger())
        self._reserve_log = ReserveLog(self.get_logger(), self._driver)
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
        for part in filter(None, (self._messages, self._links, *self._cameras)):
            ended = part.stop(PART_STOP_DEADLINE_SEC) and ended
        return ended

    def on_parameters_changed(self, before: Values, after: Values) -> None:
        """Hand the new settings to the supervisor and log what changed."""
        settings = parameters.settings_of(after)
        self._supervisor.change(settings)
        self._label_outputs.follow(settings.score_threshold)
        self._follow(settings)
        self._declared.log_changes(before, after, settings, len(self._supervisor.snapshot.sticks))

    def _follow(self, settings):
        for camera in self._cameras:
            camera.follow(settings)
        self._messages.pause(not settings.enabled)

    def _supervise(self):
        try:
            self._supervisor.run()
        except UnusableParameterError as error:
            self._failure = StartupError(self._declared.shown(
                f'{error.parameter}={self._declared.values()[error.parameter]}: {error}'))
        except Exception as error:
            self._failure = error   # raised by _report: without its supervisor the node must end

    def _switch_cluster(self, _, response):
        try:
            response.success, response.message = switch_answer(
                *self._supervisor.switch_cluster().result(ANSWER_DEADLINE_SEC))
        except NoAnswerError:
            response.success = False
            response.message = ('the supervisor of the sticks gave no answer within '
                                f'{ANSWER_DEADLINE_SEC:g} s; try again')
        return response

    def _report(self):
        parts = filter(None, (self._links, *self._cameras))
        failures = (failure for part in parts for failure in part.failures)
        for failure in (self._failure, self._messages.failure, *failures):
            if failure is not None:
                raise failure
        now = time.monotonic()
        if self._links is not None:
            self._links.look()
        snapshot = self._supervisor.snapshot
        intakes = [camera.intake(now) for camera in self._cameras]
        self._looked_at = intakes, self._rivals.look(now)
        self._publish_diagnostics()
        self._heat_log.note(snapshot)
        self._reserve_log.note(snapshot, now)
        if snapshot.settings.enabled:
            for camera, figures, intake in zip(self._cameras, snapshot.cameras, intakes):
                camera.note_silence(figures, intake, now)
        for stick in snapshot.at(now).sticks:
            self._report_temperature(stick, now)

    def _publish_diagnostics(self):
        if self._looked_at is not None and self._diagnostics.get_subscription_count():
            intakes, rivals = self._looked_at
            array = DiagnosticArray(status=diagnostics.statuses(
                self._supervisor.snapshot, self._driver, time.monotonic(), intakes, self._owner,
                rivals))
            array.header.stamp = self.get_clock().now().to_msg()
            self._diagnostics.publish(array)

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


def main(args: list[str] | None = None, notes: Sequence[str] = ()) -> int:
    """Run the node until a signal; return its exit code, see run_node."""
    return run_node('detector', lambda: DetectorNode(arguments=args), args, notes)


if __name__ == '__main__':
    sys.exit(main())
