# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ROS node of a test: gives images to the detector nodes, and hears what they publish."""

import contextlib
import threading

from diagnostic_msgs.msg import DiagnosticArray
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray


class Ear:
    """A ROS node that gives images to all detector nodes of a test, and hears them."""

    def __init__(self, images_a_second):
        """Start its thread."""
        self.news = threading.Condition(threading.RLock())
        self._nodes = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('ear', context=self._context)
        self._node.create_timer(1 / images_a_second, self._publish)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 50)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._stopping = False
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def add(self, detector):
        """Begin to hear a node; return the publisher of its images."""
        with self.news:
            self._node.create_subscription(
                Detection2DArray, f'/{detector.namespace}/detections',
                lambda message: self._take(detector.on_detections, message), 50)
            publisher = self._node.create_publisher(
                Image, f'/{detector.namespace}/image_raw', QoSProfile(depth=1))
            self._nodes.append(detector)
        self._executor.wake()
        return publisher

    def remove(self, detector):
        """Send a node no more images."""
        with self.news:
            self._nodes.remove(detector)

    def close(self):
        """Stop."""
        self._stopping = True
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _publish(self):
        with self.news:
            for detector in self._nodes:
                detector.publish(self._node)

    def _on_diagnostics(self, message):
        with self.news:
            nodes = list(self._nodes)
        for detector in nodes:
            self._take(detector.on_diagnostics, message)

    def _take(self, take, message):
        with self.news:
            take(message)
            self.news.notify_all()

    def _spin(self):
        with contextlib.suppress(ExternalShutdownException):
            while not self._stopping:
                self._executor.spin_once(timeout_sec=0.5)
