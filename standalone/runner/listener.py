# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Listens to the ROS topics of the two nodes, and asks them for their parameters."""

import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
import numpy as np
from rcl_interfaces.msg import ParameterEvent
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import qos_profile_parameter_events
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time
from runner.state import PixelDetection
from runner.state import RunState
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

NODES = ('camera', 'detector')
ASK_AGAIN_SEC = 2.0


class RunListener:
    """
    A ROS node that fills a RunState and, if there is one, feeds a Recorder.

    It listens reliably: the recorder gets every picture that the detector draws.
    """

    def __init__(self, state: RunState, recorder: Any) -> None:
        """Subscribe; to pictures only for a Recorder, if any, because each of them costs time."""
        rclpy.init(args=WITHOUT_LOG_FILE, signal_handler_options=SignalHandlerOptions.NO)
        self._state, self._recorder = state, recorder
        self.heard = False
        self._node = rclpy.create_node('runner', start_parameter_services=False,
                                       enable_rosout=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(
            DiagnosticArray, '/diagnostics', self._take_diagnostics, QoSProfile(depth=10))
        self._node.create_subscription(
            Detection2DArray, 'detections', self._take_detections, QoSProfile(depth=50))
        self._node.create_subscription(
            ParameterEvent, '/parameter_events', self._take_changes, qos_profile_parameter_events)
        if recorder is not None:
            self._node.create_subscription(
                Image, 'annotated_image', self._take_picture, QoSProfile(depth=5))
        self._clients = {name: AsyncParameterClient(self._node, f'/{name}') for name in NODES}
        self._ask_from = dict.fromkeys(NODES, 0.0)

    def spin(self, timeout_sec: float) -> None:
        """Take what comes within ``timeout_sec``, and ask for missing parameters."""
        self._executor.spin_once(timeout_sec)
        for name, client in self._clients.items():
            if name not in self._state.parameters:
                self._ask(name, client)

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _ask(self, name, client):
        now = time.monotonic()
        if now >= self._ask_from[name] and client.services_are_ready():
            self._ask_from[name] = now + ASK_AGAIN_SEC
            client.list_parameters(callback=lambda future: self._take_names(name, client, future))

    def _take_names(self, name, client, future):
        names = sorted(future.result().result.names)
        client.get_parameters(names, callback=lambda answer: self._take_values(
            name, names, answer))

    def _take_values(self, name, names, future):
        self._state.take_parameters(name, {
            parameter: parameter_value_to_python(value)
            for parameter, value in zip(names, future.result().values)})

    def _take_changes(self, message):
        node = message.node.strip('/')
        if node in NODES:
            self._state.take_changes(node, {
                changed.name: parameter_value_to_python(changed.value)
                for changed in message.changed_parameters}, time.monotonic())

    def _take_diagnostics(self, message):
        self._state.take_statuses(message.status, time.monotonic())
        self.heard = True

    def _take_detections(self, message):
        stamp = Time.from_msg(message.header.stamp)
        latency = self._node.get_clock().now() - stamp
        detections = tuple(_detection(found) for found in message.detections if found.results)
        self._state.take_detections(detections, latency.nanoseconds / 1e9, time.monotonic())
        self.heard = True
        if self._recorder is not None:
            self._recorder.take_detections(
                _key(message.header), detections, self._state.sticks_at_work())

    def _take_picture(self, message):
        pixels = np.frombuffer(message.data, np.uint8)
        self._recorder.take_picture(
            _key(message.header), pixels.reshape(message.height, message.width, 3))


def _key(header):
    return header.stamp.sec, header.stamp.nanosec


def _detection(found):
    hypothesis, box = found.results[0].hypothesis, found.bbox
    return PixelDetection(
        hypothesis.class_id, hypothesis.score,
        box.center.position.x - box.size_x / 2, box.center.position.y - box.size_y / 2,
        box.size_x, box.size_y)
