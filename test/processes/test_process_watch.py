# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which processes have something to read, as epoll tells; with invented processes."""

import os

from ncs_cluster_detector.processes.process_watch import ProcessWatch
import pytest


class Process:
    """A process with one pipe, whose other end is ``theirs``."""

    def __init__(self):
        self.sentinel, self.theirs = os.pipe()
        self.is_closed = self.is_silent = False
        self.pipe, self.their_pipe = os.pipe()

    def waitables(self):
        return [self.sentinel] if self.is_silent else [self.sentinel, self.pipe]

    def end(self):
        os.close(self.theirs)

    def close(self):
        self.is_closed = True
        for descriptor in (self.sentinel, self.pipe, self.their_pipe):
            os.close(descriptor)


@pytest.fixture
def watch():
    """Return a ProcessWatch, closed after the test."""
    made = ProcessWatch()
    yield made
    made.close()


def test_a_process_that_has_ended_may_be_closed_and_another_one_started_before_the_next_wait(
        watch):
    first, second = Process(), Process()
    watch.add(first)
    first.end()
    assert watch.wait(0.0) == {first}
    first.close()
    watch.add(second)
    assert watch.wait(0.0) == set()
    second.end()
    assert watch.wait(0.0) == {second}
    second.close()
    third = Process()   # with the descriptors of the second, as a rule
    watch.add(third)
    assert watch.wait(0.0) == set()
    third.end()
    assert watch.wait(0.0) == {third}
    third.close()


def test_a_pipe_that_nobody_reads_any_more_ends_no_wait(watch):
    process = Process()
    watch.add(process)
    os.write(process.their_pipe, b'no message')
    assert watch.wait(0.0) == {process}
    process.is_silent = True   # what it has sent stays there
    watch.wait(0.0)
    assert watch.wait(0.0) == set()
    process.end()
    assert watch.wait(0.0) == {process}
    process.close()
