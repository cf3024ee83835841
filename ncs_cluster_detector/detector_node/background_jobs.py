# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A thread for work that must not delay the executor or the supervisor."""

from collections import deque
from collections.abc import Callable
import threading
from time import monotonic
from typing import Any

# A job that has waited longer is dropped if there is a newer one: what people and robots act on
# must not lag behind.
LONGEST_WAIT_SEC = 0.3


class BackgroundJobs:
    """
    Does jobs one after the other, in the order of their arrival, in a thread of its own.

    ``failure`` is the exception that ended the thread, or None. Jobs that have waited for
    ``longest_wait_sec``, which may be changed, are dropped unless there is no newer one.
    """

    def __init__(self, name: str, do: Callable[..., object], most_waiting: int,
                 on_first_loss: Callable[[], object]) -> None:
        """
        Start the thread, which sleeps until there is a job.

        :param do: does a job; called with the arguments of :meth:`put`.
        :param most_waiting: when more jobs wait than this, the oldest are dropped.
        :param on_first_loss: called when a job is dropped for the first time.
        """
        self.failure = None
        self.longest_wait_sec = LONGEST_WAIT_SEC
        self._do = do
        self._most_waiting = most_waiting
        self._on_first_loss = on_first_loss
        self._waiting = deque()   # (time of arrival, job)
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, *job: Any) -> None:
        """Add a job; return at once."""
        with self._changed:
            self._waiting.append((monotonic(), job))
            lossy = self._drop_stale()
            self._changed.notify()
        if lossy and self._on_first_loss is not None:
            self._on_first_loss, report = None, self._on_first_loss
            report()

    def ask_to_stop(self) -> None:
        """Let the thread end after its present job."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def stop(self, timeout_sec: float) -> bool:
        """Stop the thread; return whether it has ended."""
        self.ask_to_stop()
        self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _run(self):
        try:
            while (job := self._next()) is not None:
                self._do(*job)
        except Exception as error:
            self.failure = error   # the node raises it, and ends

    def _next(self):
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            self._drop_stale()   # the next put() reports it if there is too much to do
            return None if self._stopping else self._waiting.popleft()[1]

    def _drop_stale(self):
        """Drop jobs that are too many or too old; return whether there were any."""
        before, oldest = len(self._waiting), monotonic() - self.longest_wait_sec
        while len(self._waiting) > 1 and (
                len(self._waiting) > self._most_waiting or self._waiting[0][0] < oldest):
            self._waiting.popleft()
        return len(self._waiting) < before
