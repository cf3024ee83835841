# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ROS side of the bench: sends images to nodes by turns, and notes when detections come."""

import array
from collections import OrderedDict
import threading
import time

from comparison.processes import POLL_SEC
from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.checking.statuses import read_statuses
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

OURS, BARE = 'ours', 'bare'
REMEMBERED = 500   # images whose time is kept until their detections come
FRAME_ID = 'bench'


class Lane:
    """The images to one node and the detections from it, all times of the monotonic clock."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.detections = []   # pairs: when they came, and seconds since their image was sent
        self.sent_at = OrderedDict()

    def between(self, begin: float, end: float) -> list[tuple[float, float]]:
        """Return the detections that came in a part of the time."""
        return [found for found in self.detections[:] if begin <= found[0] < end]


class Traffic:
    """
    A ROS node with two threads.

    Each lane has its own topics, ``<lane>/image_raw`` and ``<lane>/detections``. The lanes get
    their images by turns, in equal distances, so that their nodes do not work at the same time.
    """

    def __init__(self) -> None:
        """Join the ROS domain of the environment."""
        self._context = rclpy.Context()
        rclpy.init(args=WITHOUT_LOG_FILE, context=self._context,
                   signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('bench', context=self._context,
                                       start_parameter_services=False, enable_rosout=False)
        self.lanes, self._publishers = {OURS: Lane(), BARE: Lane()}, {}
        self.sticks, self.cluster = (), None   # of the newest diagnostics
        self._sending = ()
        for name in self.lanes:
            self._publishers[name] = self._node.create_publisher(Image, f'{name}/image_raw', 1)
            self._node.create_subscription(
                Detection2DArray, f'{name}/detections',
                lambda message, name=name: self._take(name, message), 100)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._read, 10)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._stopping = threading.Event()
        self._changed = threading.Event()
        self._threads = [threading.Thread(target=work, name=work.__name__.strip('_'), daemon=True)
                         for work in (self._spin, self._send)]
        for thread in self._threads:
            thread.start()

    def begin(self, fps: float, size: tuple[int, int], lanes: tuple[str, ...]) -> None:
        """Send ``fps`` images a second of a (width, height) into each of some lanes."""
        for lane in self.lanes.values():
            lane.detections.clear()
        self.sticks, self.cluster = (), None
        self._sending = (fps, image_message(*size), lanes) if lanes and fps else ()
        self._changed.set()

    def end(self) -> None:
        """Send no images, and forget what was heard."""
        self.begin(0.0, (0, 0), ())

    def end_sending(self) -> None:
        """Send no images."""
        self._sending = ()

    def close(self) -> None:
        """Leave ROS."""
        self._stopping.set()
        self._changed.set()
        self._executor.wake()
        for thread in self._threads:
            thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _spin(self):
        while not self._stopping.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.2)
            except ExternalShutdownException:
                return

    def _send(self):
        turn, due_at = 0, time.monotonic()
        while not self._stopping.is_set():
            sending, now = self._sending, time.monotonic()
            if not sending:
                self._changed.wait(1.0)
                self._changed.clear()
                due_at = time.monotonic()
                continue
            if now < due_at:
                time.sleep(min(due_at - now, POLL_SEC))
                continue
            fps, message, names = sending
            due_at = max(due_at + 1.0 / (fps * len(names)), now)   # no bursts after a late image
            name = names[turn % len(names)]
            turn += 1
            message.header.stamp = self._node.get_clock().now().to_msg()
            sent_at = self.lanes[name].sent_at
            sent_at[_key(message.header)] = time.monotonic()
            while len(sent_at) > REMEMBERED:
                sent_at.popitem(last=False)
            self._publishers[name].publish(message)

    def _take(self, name, message):
        now, lane = time.monotonic(), self.lanes[name]
        sent_at = lane.sent_at.get(_key(message.header))
        if sent_at is not None:
            lane.detections.append((now, now - sent_at))

    def _read(self, message):
        _, cluster, sticks = read_statuses(message.status)
        if cluster is not None:
            self.cluster, self.sticks = cluster, sticks


def image_message(width: int, height: int) -> Image:
    """Return an image with one red rectangle, which the graph ``shapes`` finds."""
    picture = np.full((height, width, 3), 90, dtype=np.uint8)
    picture[height // 4:height // 2, width // 4:width // 2] = (0, 0, 255)
    message = Image(height=height, width=width, encoding='bgr8', step=width * 3)
    message.header.frame_id = FRAME_ID
    message.data = array.array('B', picture.tobytes())
    return message


def _key(header):
    return header.stamp.sec, header.stamp.nanosec
