# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ROS node of a check: publish images, record detections and diagnostics, set parameters."""

import array
from collections import OrderedDict
from collections.abc import Callable
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.cameras.test_pattern import SyntheticStreet
from ncs_cluster_detector.checking.history import History
from ncs_cluster_detector.checking.history import report_of
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

WIDTH, HEIGHT = 640, 480
PICTURES = 20
PICTURE_FPS = 5.0
REMEMBERED = 500   # images whose publishing time is kept until their detections come
ANSWER_SEC = 2.0
POLL_SEC = 0.02


class Observer:
    """
    A ROS node with two threads: one records messages in a History, one publishes images.

    Every report is recorded with the current ``step``. ``image_fps`` is the number of images to
    publish a second, 0 for none.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Join the ROS domain of the environment; ``clock`` gives the times for the History."""
        rclpy.init(args=WITHOUT_LOG_FILE, signal_handler_options=SignalHandlerOptions.NO)
        self.history = History()
        self.step = ''
        self.image_fps = 0.0
        self._clock = clock
        self._sent = OrderedDict()   # when each image was published, by its stamp
        self._messages = _image_messages()
        self._node = rclpy.create_node('check_sticks', start_parameter_services=False,
                                       enable_rosout=False)
        self._publisher = self._node.create_publisher(Image, 'image_raw', 1)
        self._node.create_subscription(Detection2DArray, 'detections', self._take_detections, 50)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._take_diagnostics, 10)
        self._set = self._node.create_client(SetParameters, 'detector/set_parameters')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=work, name=work.__name__.strip('_'), daemon=True)
                         for work in (self._spin, self._publish)]
        for thread in self._threads:
            thread.start()

    def set_parameter(
            self, name: str, value: Any, patience_sec: float,
            wait: Callable[[Callable[[], Any], float], Any]) -> str:
        """Set a parameter of the node live; return an empty text, or why it was refused."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        deadline = self._clock() + patience_sec
        while self._clock() < deadline:
            # The first answer may be lost while both sides discover each other.
            future = self._set.call_async(request)
            if wait(future.done, min(ANSWER_SEC, patience_sec)):
                result, = future.result().results
                return '' if result.successful else result.reason
        return f'no answer within {patience_sec:g} s'

    def close(self) -> None:
        """Leave ROS."""
        self._stopping.set()
        self._executor.wake()
        for thread in self._threads:
            thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _spin(self):
        while not self._stopping.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.2)
            except ExternalShutdownException:
                return

    def _publish(self):
        number, due_at = 0, time.monotonic()
        while not self._stopping.is_set():
            fps, now = self.image_fps, time.monotonic()
            if not fps or now < due_at:
                due_at = due_at if fps else now
                self._stopping.wait(min(due_at - now, POLL_SEC) if fps else POLL_SEC)
                continue
            # A late image does not shorten the next interval: no bursts.
            due_at = max(due_at + 1 / fps, now)
            message = self._messages[number % PICTURES]
            number += 1
            message.header.stamp = self._node.get_clock().now().to_msg()
            sent_at = self._clock()
            self._sent[_key(message.header)] = sent_at
            while len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
            self.history.images.append(sent_at)
            self._publisher.publish(message)

    def _take_detections(self, message):
        now = self._clock()
        sent_at = self._sent.get(_key(message.header))
        # The latency first: a reader that sees the detection must find its latency.
        self.history.latencies.append(None if sent_at is None else now - sent_at)
        self.history.detections.append(now)

    def _take_diagnostics(self, message):
        report = report_of(message.status, self.step, self._clock())
        if report is not None:
            self.history.reports.append(report)


def _key(header):
    return header.stamp.sec, header.stamp.nanosec


def _image_messages():
    """Return image messages of a street with people."""
    street = SyntheticStreet(WIDTH, HEIGHT, PICTURE_FPS)
    messages = []
    for number in range(PICTURES):
        message = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=WIDTH * 3)
        message.header.frame_id = 'check_sticks'
        message.data = array.array('B', street.picture(number).tobytes())
        messages.append(message)
    return messages
