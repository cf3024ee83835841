# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""For tests of calls that block: a call in a thread, and waiting for what must come true."""

import threading
import time

LIMIT_SEC = 30.0


def in_thread(call, *arguments, of_error=lambda error: error):
    """
    Start a call in a thread; return the thread and the list that will hold its outcome.

    :param of_error: what of an exception is the outcome.
    """
    outcome = []

    def run():
        try:
            outcome.append(call(*arguments))
        except Exception as error:
            outcome.append(of_error(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def in_less_than(seconds, call, *arguments):
    """Return what a call returns that takes less, but for tries at which the host is late."""
    outcome = []

    def is_quick():
        begun_at = time.monotonic()
        outcome[:] = [call(*arguments)]
        return time.monotonic() < begun_at + seconds

    wait_until(is_quick)
    return outcome[0]


def wait_until(condition):
    """Wait for a condition that must come true."""
    deadline = time.monotonic() + LIMIT_SEC
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
