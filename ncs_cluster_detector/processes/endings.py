# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Worker processes that are to end: in order where they can, by SIGKILL where they do not."""

from dataclasses import dataclass
from multiprocessing import connection
import time
from typing import Any

# Closing a stick takes the SDK about a second, after what is under way; launch grants a node five.
STOP_GRACE_SEC = 2.5
# A killed process is gone within milliseconds, unless it is stuck inside the kernel.
KILL_GRACE_SEC = 1.0


@dataclass
class _Ending:
    handle: Any
    record: Any       # that waits for the end, or None
    kill_at: float    # infinite once it was killed


class Endings:
    """
    The workers that are not wanted any more and not gone yet.

    One that has said why it fails closes its stick, if its library still answers, and has as long
    for that as a worker that is stopped. One that owes an answer is killed at once: closing would
    wait for the same stick, for the request to close a queue is held back until the stick has
    taken all that is in it (XLink.c:575 of the vendor's). What a kill leaves behind the bus
    cleaner resets.
    """

    def __init__(self):
        """Start with none."""
        self._endings = []

    def add(self, handle, record, kill_at):
        """Take a worker, its record or None, and when it is to be killed if it is still there."""
        self._endings.append(_Ending(handle, record, kill_at))

    def handles(self):
        """Return their handles."""
        return [ending.handle for ending in self._endings]

    def next_due(self):
        """Return when one is to be killed, infinite when none is."""
        return min((ending.kill_at for ending in self._endings), default=float('inf'))

    def reap(self, now):
        """Kill those whose time is over, and take back what belongs to those that are gone."""
        for ending in self._endings[:]:
            if now >= ending.kill_at:
                ending.handle.kill()
                ending.kill_at = float('inf')
            if ending.handle.has_ended():
                self._endings.remove(ending)
                ending.handle.close()
                if ending.record is not None:
                    ending.record.ended()


def end_all(handles, logger):
    """
    End workers: by a message, and by SIGKILL those that do not follow it in time.

    :param logger: is told of each that had to be killed.
    :return: False if one of them cannot be ended.
    """
    for handle in handles:
        handle.ask_to_stop()
    killed = _wait_for_end(handles, STOP_GRACE_SEC)
    for handle in killed:
        handle.kill()
    left = _wait_for_end(killed, KILL_GRACE_SEC)
    for handle in handles:
        if handle not in left:
            handle.close()
    for handle in killed:
        logger.warning(
            f'worker process {handle.pid} had to be killed' if handle not in left else
            f'worker process {handle.pid} cannot be killed, it is stuck inside the kernel; unplug '
            'its stick')
    return not left


def _wait_for_end(handles, grace_sec):
    """Wait until all processes have ended, at most ``grace_sec``; return those that have not."""
    deadline = time.monotonic() + grace_sec
    left = [handle for handle in handles if not handle.has_ended()]
    while left and time.monotonic() < deadline:
        connection.wait([handle.sentinel for handle in left],
                        max(deadline - time.monotonic(), 0.0))
        left = [handle for handle in left if not handle.has_ended()]
    return left
