# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ROS side of a soak: hears the node's messages, and asks for its services."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.checking.history import Report
from ncs_cluster_detector.checking.statuses import read_statuses
from ncs_cluster_detector.checking.statuses import ReportedCluster
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import Temperature
from soaking.ledger import Counts
from soaking.ledger import Ledger
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2DArray

# The types of the topics that are listened to for some time, by the end of their names.
TYPES = {'annotated_image': Image, 'annotated_image/compressed': CompressedImage,
         'detections': Detection2DArray, '/diagnostics': DiagnosticArray,
         'detector/stick_0/temperature': Temperature}
ANSWER_SEC = 5.0
# More than come while this process is kept from running for a second.
DEPTH = 200


class Request(NamedTuple):
    """A request to a service of the node; ``accepted`` is what is expected, None: either."""

    text: str
    accepted: bool | None
    asked_at: float
    answer: Future


class Station:
    """
    A ROS node that fills a ledger with detections and keeps the reports of the node.

    ``detections`` are the times at which the node published, ``reports`` and ``clusters`` what it
    told on /diagnostics, ``counts`` the newest counts with their time, ``heard`` the messages by
    topic of those that come and go.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float], began: float) -> None:
        """
        Join the ROS domain of the environment.

        :param began: when the clock was 0, in seconds since 1970.
        """
        rclpy.init(args=WITHOUT_LOG_FILE, signal_handler_options=SignalHandlerOptions.NO)
        self.detections: list[float] = []
        self.reports: list[Report] = []
        self.clusters: list[tuple[float, ReportedCluster]] = []
        self.counts: list[tuple[float, Counts]] = []
        self.complaints: list[str] = []
        self.heard = dict.fromkeys(TYPES, 0)
        self.answers = 0
        self._ledger, self._clock, self._began = ledger, clock, began
        self._sequence = 0
        self._requests: list[Request] = []
        self._listeners: dict[str, Any] = {}
        self.node = rclpy.create_node('soak', start_parameter_services=False, enable_rosout=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._detections = self.node.create_subscription(
            Detection2DArray, 'detections', self._take_detections, QoSProfile(depth=DEPTH))
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._take_diagnostics, 10)
        self._set = self.node.create_client(SetParameters, 'detector/set_parameters')
        self._switch = self.node.create_client(Trigger, 'detector/switch_cluster')

    def spin(self, timeout_sec: float) -> None:
        """Take what comes within ``timeout_sec``."""
        self._executor.spin_once(timeout_sec)

    def begin_life(self) -> None:
        """Forget the order of the last node's detections, and requests that it did not answer."""
        self._sequence = 0
        self._requests.clear()
        self._ledger.begin_life()

    def is_connected(self) -> bool:
        """Return whether the node's detections and services are known here."""
        return (self._detections.get_publisher_count() > 0 and self._set.service_is_ready()
                and self._switch.service_is_ready())

    def listen(self, topic: str) -> None:
        """Begin to listen to one of TYPES, in addition to what is heard anyway."""
        if topic not in self._listeners:
            # Not decoded: whether messages come is all that matters.
            self._listeners[topic] = self.node.create_subscription(
                TYPES[topic], topic, lambda _: self._count(topic), 5, raw=True)

    def leave(self, topic: str) -> None:
        """Listen no longer; nothing for a topic that is not listened to."""
        if topic in self._listeners:
            self.node.destroy_subscription(self._listeners.pop(topic))

    def leave_all(self) -> None:
        """End all of :meth:`listen`."""
        for topic in tuple(self._listeners):
            self.leave(topic)

    def set_parameters(self, values: Mapping[str, Any], accepted: bool = True) -> None:
        """Set parameters of the node; :meth:`check_answers` sees the answer."""
        request = SetParameters.Request(parameters=[
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()])
        text = ', '.join(f'{name}={value}' for name, value in values.items())
        self._ask(f'setting {text}', accepted, self._set.call_async(request))

    def switch_cluster(self) -> None:
        """Request a change of the cluster, which may be refused."""
        self._ask('switch_cluster', None, self._switch.call_async(Trigger.Request()))

    def check_answers(self) -> None:
        """Complain about requests without an answer in time, or with another one than expected."""
        for request in self._requests[:]:
            if request.answer.done():
                self._requests.remove(request)
                self.answers += 1
                self._judge(request)
            elif self._clock() - request.asked_at > ANSWER_SEC:
                self._requests.remove(request)
                self.complaints.append(f'{request.text}: no answer within {ANSWER_SEC:g} s')

    def close(self) -> None:
        """Leave ROS."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()

    def _ask(self, text, accepted, answer):
        self._requests.append(Request(text, accepted, self._clock(), answer))

    def _judge(self, request):
        if request.accepted is None:
            return
        for result in request.answer.result().results:
            if result.successful != request.accepted:
                self.complaints.append(
                    f'{request.text}: ' + (f'refused ({result.reason})' if request.accepted
                                           else 'accepted, expected a refusal'))

    def _count(self, topic):
        self.heard[topic] += 1

    def _take_detections(self, message, info):
        sequence = info['publication_sequence_number']
        if self._sequence and sequence > self._sequence + 1:
            self._ledger.missed(sequence - self._sequence - 1)
        self._sequence = sequence
        self.detections.append(info['source_timestamp'] / 1e9 - self._began)
        stamp = message.header.stamp
        self._ledger.detected(stamp.sec * 10**9 + stamp.nanosec)

    def _take_diagnostics(self, message):
        _, cluster, sticks = read_statuses(message.status)
        if cluster is None:
            return
        now = self._clock()
        self.reports.append(Report(now, '', cluster.message, sticks))
        self.clusters.append((now, cluster))
        self.counts.append((now, Counts(
            cluster.dropped_by, cluster.dropped,
            {stick.number: stick.frames_lost for stick in sticks})))
