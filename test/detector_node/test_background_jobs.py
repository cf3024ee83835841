# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Work that is done in a thread of its own: in order, bounded, and ended on request."""

import threading

from ncs_cluster_detector.detector_node import background_jobs
from ncs_cluster_detector.detector_node.background_jobs import BackgroundJobs

DEADLINE_SEC = 10.0


class Worker:
    """Does jobs only when it is let."""

    def __init__(self):
        """Let nothing be done yet."""
        self.done = []
        self.losses = 0
        self.begun = threading.Event()
        self.let = threading.Event()
        self.finished = threading.Semaphore(0)
        self.jobs = BackgroundJobs('tested', self.do, 3, self.lose)

    def do(self, number):
        """Do a job, once it is let."""
        self.begun.set()
        assert self.let.wait(DEADLINE_SEC)
        self.done.append(number)
        self.finished.release()

    def lose(self):
        """Count what is told."""
        self.losses += 1

    def wait_for(self, count):
        """Wait until ``count`` more jobs are done."""
        for _ in range(count):
            assert self.finished.acquire(timeout=DEADLINE_SEC)


def test_jobs_are_done_in_their_order_and_the_oldest_are_left_out():
    worker = Worker()
    worker.jobs.put(0)
    assert worker.begun.wait(DEADLINE_SEC)
    for number in range(1, 7):
        worker.jobs.put(number)
    assert worker.losses == 1, 'it is told once'
    worker.let.set()
    worker.wait_for(4)
    assert worker.done == [0, 4, 5, 6]
    assert worker.jobs.stop(DEADLINE_SEC)
    assert worker.jobs.failure is None


def test_what_is_done_is_never_old_when_there_is_newer(monkeypatch):
    now = 100.0
    monkeypatch.setattr(background_jobs, 'monotonic', lambda: now)
    worker = Worker()
    worker.jobs.put(0)
    assert worker.begun.wait(DEADLINE_SEC)
    for number, now in ((1, 100.0), (2, 100.2), (3, 100.45)):
        worker.jobs.put(number)
    assert worker.losses == 1
    now = 100.6   # while the first one was being done
    worker.let.set()
    worker.wait_for(2)
    assert worker.done == [0, 3]
    worker.let.clear()
    worker.begun.clear()
    worker.jobs.put(4)
    assert worker.begun.wait(DEADLINE_SEC)
    worker.jobs.put(5)
    now = 200.0
    worker.let.set()
    worker.wait_for(2)
    assert worker.done == [0, 3, 4, 5], 'the newest is done however long it has waited'
    assert worker.jobs.stop(DEADLINE_SEC)


def test_the_end_does_not_wait_for_jobs_that_have_not_begun():
    worker = Worker()
    worker.jobs.put(0)
    assert worker.begun.wait(DEADLINE_SEC)
    worker.jobs.put(1)
    assert not worker.jobs.stop(0.01), 'the job that hangs holds the thread'
    worker.let.set()
    assert worker.jobs.stop(DEADLINE_SEC)
    assert worker.done == [0]


def test_a_job_that_fails_ends_the_thread_and_says_why():
    def fail():
        raise ValueError('too many')
    jobs = BackgroundJobs('failing', fail, 3, None)
    jobs.put()
    jobs._thread.join(DEADLINE_SEC)
    assert isinstance(jobs.failure, ValueError)
    assert jobs.stop(DEADLINE_SEC)
