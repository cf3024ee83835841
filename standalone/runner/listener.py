# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Listens to the ROS topics of the nodes, and asks them for their parameters."""

from collections.abc import Mapping
from functools import partial
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
from runner.names import below
from runner.names import node_names
from runner.state import RunState
from runner.tally import PixelDetection
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

ASK_AGAIN_SEC = 2.0


class RunListener:
    """
    A ROS node that fills a RunState and, if there are any, feeds Recorders.

    It listens reliably: a recorder gets every picture that the detector draws.
    """

    def __init__(self, state: RunState, recorders: Mapping[str, Any]) -> None:
        """
        Subscribe; to pictures only for a Recorder, because each of them costs time.

        :param recorders: by the names of their cameras; an empty name is the only camera.
        """
        rclpy.init(args=WITHOUT_LOG_FILE, signal_handler_options=SignalHandlerOptions.NO)
        self._state, self._recorders = state, recorders
        self.heard = False
        self._node = rclpy.create_node('runner', start_parameter_services=False,
                                       enable_rosout=False)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(
            DiagnosticArray, '/diagnostics', self._take_diagnostics, QoSProfile(depth=10))
        self._node.create_subscription(
            ParameterEvent, '/parameter_events', self._take_changes, qos_profile_parameter_events)
        for camera in state.camera_names or ('',):
            self._node.create_subscription(
                Detection2DArray, below(camera, 'detections'),
                partial(self._take_detections, camera), QoSProfile(depth=50))
            if camera in recorders:
                self._node.create_subscription(
                    Image, below(camera, 'annotated_image'),
                    partial(self._take_picture, recorders[camera]), QoSProfile(depth=5))
        self._clients = {name: AsyncParameterClient(self._node, f'/{name}')
                         for name in node_names(state.camera_names, state.host_names)}
        self._ask_from = dict.fromkeys(self._clients, 0.0)

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
        if node in self._clients:
            self._state.take_changes(node, {
                changed.name: parameter_value_to_python(changed.value)
                for changed in message.changed_parameters}, time.monotonic())

    def _take_diagnostics(self, message):
        self._state.take_statuses(message.status, time.monotonic())
        self.heard = True

    def _take_detections(self, camera, message):
        stamp = Time.from_msg(message.header.stamp)
        latency = self._node.get_clock().now() - stamp
        detections = tuple(_detection(found) for found in message.detections if found.results)
        self._state.take_detections(
            detections, latency.nanoseconds / 1e9, time.monotonic(), camera)
        self.heard = True
        if camera in self._recorders:
            self._recorders[camera].take_detections(
                _key(message.header), detections, self._state.sticks_at_work())

    @staticmethod
    def _take_picture(recorder, message):
        pixels = np.frombuffer(message.data, np.uint8)
        recorder.take_picture(
            _key(message.header), pixels.reshape(message.height, message.width, 3))


def _key(header):
    return header.stamp.sec, header.stamp.nanosec


def _detection(found):
    hypothesis, box = found.results[0].hypothesis, found.bbox
    return PixelDetection(
        hypothesis.class_id, hypothesis.score,
        box.center.position.x - box.size_x / 2, box.center.position.y - box.size_y / 2,
        box.size_x, box.size_y)
