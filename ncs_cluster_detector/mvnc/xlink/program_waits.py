# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Wait for what the program itself does next, which no stick can hurry.

A thread may wait for results long before another one starts the inference, as in a program that
detects only when something moves. So a wait for a result begins when there is an inference to wait
for, and a wait for room when the stick can make some: only then does a deadline say that the stick
is lost.
"""

from collections.abc import Callable
import threading
import time

from ncs_cluster_detector.mvnc.xlink.reasons import fail
from ncs_cluster_detector.mvnc.xlink.tensor_queue import TensorQueue

# For the program to read results, or to start inferences, while a queue is full because of it.
PROGRAM_SEC = 60.0
_LOOK_SEC = 0.01   # how often the stick is asked meanwhile whether it has made room after all
_DOWN_SEC = 0.2    # until a waiting call notices that the stick is gone


class ProgramWaits:
    """
    The waits of one stick's queues.

    ``changed`` guards all of the stick's queues; whoever changes one notifies it.
    """

    def __init__(self, check_up: Callable[[], None]) -> None:
        """``check_up`` raises the API's exception when the stick is closed or lost."""
        self.changed = threading.Condition()
        self._check_up = check_up

    def notify(self) -> None:
        """Wake all that wait: the stick is closed."""
        with self.changed:
            self.changed.notify_all()

    def await_started(self, queue: TensorQueue) -> None:
        """Wait until an inference for an output is under way; as long as the program likes."""
        with self.changed:
            while not queue.results:
                self._check_up()
                self.changed.wait(_DOWN_SEC)

    def await_room(self, queue: TensorQueue, size: int, used_bytes: Callable[[], int]) -> None:
        """
        Wait while an input is full and only the program can make room.

        :param size: of the next tensor, in bytes.
        :param used_bytes: returns how many bytes of the queue the stick has not released.
        :raises Exception: status ERROR: after a minute it still is; the stick is not lost.
        """
        give_up_at = time.monotonic() + PROGRAM_SEC
        with self.changed:
            while queue.waits_for_program() and used_bytes() + size > queue.bytes:
                if time.monotonic() >= give_up_at:
                    fail(f'writing to queue {queue.fifo.number}: full for {PROGRAM_SEC:g} s with '
                         f'{len(queue.keys)} tensors whose inferences are not started and '
                         f'{queue.unread - len(queue.keys)} whose results are not read, expected '
                         'the program to start and to read them')
                self.changed.wait(_LOOK_SEC)
