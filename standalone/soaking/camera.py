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
import threading
import time
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import Image
from soaking.ledger import Ledger
from soaking.pictures import messages_of
from soaking.pictures import NORMAL

FPS = 30.0
# A camera is there for so long before its first image, and after its last one: a reader that does
# not know it yet would miss images which no count can tell.
LEAD_SEC, TAIL_SEC = 2.0, 1.0
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
        self._publisher = self._new_publisher()
        self._others: list[tuple[float, Any]] = []   # (when it is destroyed, publisher)
        # When it takes over, after how many seconds of silence, and the publisher.
        self._next: tuple[float, float, Any] | None = None
        self._paused, self._silent_until = True, 0.0
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
        """Return whether a node reads the images."""
        return self._publisher.get_subscription_count() > 0

    def change(self, silence_sec: float) -> bool:
        """Let another camera come, and this one go; return False while a change is under way."""
        if self.is_changing:
            return False
        self._next = (self._clock() + LEAD_SEC, silence_sec, self._new_publisher())
        self.is_changing = True
        return True

    def look_after_changes(self) -> None:
        """Do what is due in a change of cameras."""
        now = self._clock()
        if self._next is not None and now >= self._next[0]:
            _, silence_sec, publisher = self._next
            with self._lock:
                self._others.append((now + TAIL_SEC + silence_sec, self._publisher))
                self._publisher, self._next = publisher, None
                self._silent_until = now + silence_sec
            self.changes += 1
        for gone in [other for other in self._others if now >= other[0]]:
            self._others.remove(gone)
            self._node.destroy_publisher(gone[1])
        self.is_changing = self._next is not None or bool(self._others)

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join()

    def _new_publisher(self):
        return self._node.create_publisher(Image, 'image_raw', 1)

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
                if not self._paused:
                    self._send(*self._messages[number % len(self._messages)])
            number += 1

    def _send(self, message, is_good):
        self._stamp = max(time.time_ns(), self._stamp + 1)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(self._stamp, 10**9)
        self._ledger.sent(self._stamp, is_good)
        if is_good and self._ledger.has_page:
            self.images.append(self._clock())
        self._publisher.publish(message)
