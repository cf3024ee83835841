# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Ends child processes: by a message where they follow it, else by SIGKILL."""

from collections.abc import Collection
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import connection
import time

from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.wire.messages import Stop

# Closing a stick takes the SDK about a second after the pending results; launch waits five for a
# node.
STOP_GRACE_SEC = 2.5
# A killed process ends within milliseconds, unless it is stuck inside the kernel.
KILL_GRACE_SEC = 1.0


@dataclass
class _Ending:
    handle: ChildProcess
    record: StickRecord | None
    kill_at: float    # infinite after the kill


class Endings:
    """
    The workers that must end and have not ended yet.

    A worker that has reported its failure closes its stick if its library still answers, and has
    as long for that as a worker that is stopped. A worker that did not answer in time is killed at
    once: closing would wait for the same stick, as the request to close a queue waits until the
    stick has taken all that is in it (XLink.c:575 of the vendor). The bus cleaner resets the stick
    of a killed worker.
    """

    def __init__(self) -> None:
        self._endings: list[_Ending] = []

    def add(self, handle: ChildProcess, record: StickRecord | None, kill_at: float) -> None:
        """Add a process, its record or None, and the time to kill it if it has not ended."""
        self._endings.append(_Ending(handle, record, kill_at))

    def handles(self) -> list[ChildProcess]:
        """Return their handles."""
        return [ending.handle for ending in self._endings]

    def next_due(self) -> float:
        """Return when the next must be killed, or infinite."""
        return min((ending.kill_at for ending in self._endings), default=float('inf'))

    def reap(self, now: float, ready: Collection[ChildProcess] = ()) -> bool:
        """
        Kill the workers whose time is over, close those that have ended; return if any had.

        :param ready: the processes that have something to read.
        """
        before = len(self._endings)
        for ending in self._endings[:]:
            if ending.handle in ready:
                for _ in ending.handle.messages():
                    pass   # nobody listens, but unread it would end every wait
            if now >= ending.kill_at:
                ending.handle.kill()
                ending.kill_at = float('inf')
            if ending.handle.has_ended():
                self._endings.remove(ending)
                ending.handle.close()
                if ending.record is not None:
                    ending.record.on_end()
        return len(self._endings) < before


def end_all(handles: Sequence[ChildProcess], logger: Logger,
            opening: Collection[ChildProcess] = ()) -> bool:
    """
    End workers: by a message, and by SIGKILL those that do not follow it in time.

    :param opening: those that still open their stick and read no message meanwhile, where the
        next start of a stick makes up for that; it is no news if they must be killed.
    :return: False if one of them cannot be ended.
    """
    for handle in handles:
        handle.send(Stop())
    killed = _wait_for_end(handles, STOP_GRACE_SEC)
    for handle in killed:
        handle.kill()
    left = _wait_for_end(killed, KILL_GRACE_SEC)
    for handle in handles:
        if handle not in left:
            handle.close()
    for handle in killed:
        if handle in left:
            logger.warning(f'worker process {handle.pid} cannot be killed, it is stuck inside the '
                           'kernel; unplug its stick')
        elif handle not in opening:
            logger.warning(f'worker process {handle.pid} had to be killed')
    return not left


def _wait_for_end(handles: Sequence[ChildProcess], grace_sec: float) -> list[ChildProcess]:
    """Wait until all processes have ended, at most ``grace_sec``; return those that have not."""
    deadline = time.monotonic() + grace_sec
    left = [handle for handle in handles if not handle.has_ended()]
    while left and time.monotonic() < deadline:
        connection.wait([handle.sentinel for handle in left],
                        max(deadline - time.monotonic(), 0.0))
        left = [handle for handle in left if not handle.has_ended()]
    return left
