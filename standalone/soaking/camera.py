# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Publishes the images of a soak, 30 a second, and changes cameras on request."""

from collections.abc import Callable
import math
import threading
import time

from rclpy.node import Node
from sensor_msgs.msg import Image
from soaking.ledger import Ledger
from soaking.pictures import messages_of
from soaking.pictures import NORMAL

FPS = 30.0
# A camera is there for so long after its last image, and before its first one: a reader that does
# not know it (any more) would miss images which no count can tell. Nor are two there at a time: a
# message does not say from which camera it is.
TAIL_SEC, LEAD_SEC = 0.5, 2.0
POLL_SEC = 0.01


class Camera:
    """
    A thread that publishes images and notes each of them in the ledger.

    ``images`` holds when each usable one was sent while the ledger had a page, by the clock.
    """

    def __init__(self, node: Node, ledger: Ledger, clock: Callable[[], float]) -> None:
        """Begin paused; all methods are for the thread that spins the node."""
        self.images: list[float] = []
        self.changes = 0
        self.is_changing = False
        self._node, self._ledger, self._clock = node, ledger, clock
        self._lock = threading.Lock()
        self._goes_at = self._comes_at = self._silent_until = 0.0
        self._come()
        self._paused = True
        self._stamp = 0
        self.show(NORMAL)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._publish, name='camera', daemon=True)
        self._thread.start()

    def show(self, kind: str) -> None:
        """Publish another kind of images, see pictures.KINDS."""
        messages = messages_of(kind)
        with self._lock:
            self._messages = messages

    def resume(self) -> None:
        """Publish."""
        self._paused = False

    def pause(self) -> None:
        """Publish nothing from now on."""
        with self._lock:   # after it no image is on its way
            self._paused = True

    def has_reader(self) -> bool:
        """Return whether a camera is there and a node reads its images."""
        return not self.is_changing and self._publisher.get_subscription_count() > 0

    def change(self, away_sec: float) -> bool:
        """Let this camera go, and another one come later; return False while one is away."""
        if self.is_changing:
            return False
        self.is_changing = True
        with self._lock:
            self._goes_at = self._clock() + TAIL_SEC
            self._comes_at = self._goes_at + away_sec
            self._silent_until = math.inf
        return True

    def look_after_changes(self) -> None:
        """Do what is due in a change of cameras."""
        if not self.is_changing:
            return
        now = self._clock()
        if self._publisher is not None and now >= self._goes_at:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None
        elif self._publisher is None and now >= self._comes_at:
            self._come()
            self._silent_until = now + LEAD_SEC
            self.changes += 1
            self.is_changing = False

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join()

    def _come(self):
        self._publisher = self._node.create_publisher(Image, 'image_raw', 1)

    def _publish(self):
        number, due_at = 0, self._clock()
        while not self._stopping.is_set():
            now = self._clock()
            if self._paused or now < max(due_at, self._silent_until):
                self._stopping.wait(POLL_SEC if self._paused else min(
                    max(due_at, self._silent_until) - now, POLL_SEC))
                continue
            # No burst after a late image or a pause: a reader that keeps only the newest one would
            # miss the first one of a new camera, which nothing but this program knows of.
            due_at = max(due_at + 1 / FPS, now + 0.5 / FPS)
            with self._lock:
                if not self._paused and now >= self._silent_until:
                    self._send(*self._messages[number % len(self._messages)])
            number += 1

    def _send(self, message, is_good):
        self._stamp = max(time.time_ns(), self._stamp + 1)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(self._stamp, 10**9)
        self._ledger.sent(self._stamp, is_good)
        if is_good and self._ledger.has_page:
            self.images.append(self._clock())
        self._publisher.publish(message)
