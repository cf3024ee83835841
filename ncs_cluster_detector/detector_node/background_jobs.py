# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A thread beside the executor's and the supervisor's, for what must not hold those up."""

from collections import deque
import threading
from time import monotonic

# A job that has waited longer is not worth doing when there is a newer one: what is published for
# people and robots to act on must not lag behind.
LONGEST_WAIT_SEC = 0.3


class BackgroundJobs:
    """
    Does jobs one after the other, in the order in which they came, in a thread of its own.

    ``failure`` is the exception that ended the thread, or None. Jobs that have waited for
    ``longest_wait_sec`` are left out, unless there is no newer one; it may be changed.
    """

    def __init__(self, name, do, most_waiting, on_first_loss):
        """
        Start the thread, which sleeps until there is a job.

        :param name: of the thread.
        :param do: does a job; gets what :meth:`put` got.
        :param most_waiting: with more jobs than that the oldest are left out.
        :param on_first_loss: is called when a job is left out for the first time.
        """
        self.failure = None
        self.longest_wait_sec = LONGEST_WAIT_SEC
        self._do = do
        self._most_waiting = most_waiting
        self._on_first_loss = on_first_loss
        self._waiting = deque()   # (when it came, the job)
        self._news = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, *job):
        """Add a job; returns at once."""
        with self._news:
            self._waiting.append((monotonic(), job))
            lossy = self._leave_out()
            self._news.notify()
        if lossy and self._on_first_loss is not None:
            self._on_first_loss, tell = None, self._on_first_loss
            tell()

    def ask_to_stop(self):
        """Let the thread end after the job that it does now."""
        with self._news:
            self._stopping = True
            self._news.notify()

    def stop(self, timeout_sec):
        """
        Stop the thread.

        :return: whether it has ended.
        """
        self.ask_to_stop()
        self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _run(self):
        try:
            while (job := self._next()) is not None:
                self._do(*job)
        except Exception as error:
            self.failure = error   # whoever gave the jobs reports it and ends

    def _next(self):
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._stopping)
            self._leave_out()   # the next put() will tell, if there is too much to do
            return None if self._stopping else self._waiting.popleft()[1]

    def _leave_out(self):
        """Let go of jobs that are too many or too old; return whether there were any."""
        before, oldest = len(self._waiting), monotonic() - self.longest_wait_sec
        while len(self._waiting) > 1 and (
                len(self._waiting) > self._most_waiting or self._waiting[0][0] < oldest):
            self._waiting.popleft()
        return len(self._waiting) < before
