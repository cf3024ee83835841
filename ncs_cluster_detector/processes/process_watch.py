# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Waits for child processes; the cost of a wait does not grow with their number."""

from collections.abc import Set
import os
import select

from ncs_cluster_detector.processes.child_process import ChildProcess

_MOST_AT_ONCE = 256   # further ones are reported by the next wait


class ProcessWatch:
    """Waits until child processes have sent or printed something or ended, or for a wake-up."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._processes: dict[int, ChildProcess] = {}   # by descriptor
        self._hung_up: list[int] = []   # descriptors from which nothing more may come

    def add(self, process: ChildProcess) -> None:
        """Watch a process, if it is not watched yet, until it is closed."""
        if self._processes.get(process.sentinel) is process:
            return
        # epoll forgets a closed descriptor by itself, and its number may be used again.
        self._processes = {descriptor: known for descriptor, known in self._processes.items()
                           if not known.is_closed}
        for descriptor in process.waitables():
            self._processes[descriptor] = process
            self._epoll.register(descriptor, select.EPOLLIN)

    def wake_up(self) -> None:
        """End a wait, or the next one, from another thread."""
        os.eventfd_write(self._wake, 1)

    def wait(self, timeout_sec: float | None) -> Set[ChildProcess]:
        """
        Return the processes that have something to read; an empty set after a wake-up.

        :param timeout_sec: seconds to wait at most, None for no limit.
        """
        self._leave_out_silent()
        ready = set()
        for descriptor, event in self._epoll.poll(timeout_sec, _MOST_AT_ONCE):
            if descriptor == self._wake:
                os.eventfd_read(self._wake)
                continue
            process = self._processes[descriptor]
            ready.add(process)
            if event & select.EPOLLHUP or process.is_silent:
                self._hung_up.append(descriptor)
        return ready

    def close(self) -> None:
        """Stop watching."""
        self._epoll.close()
        os.close(self._wake)

    def _leave_out_silent(self) -> None:
        """Watch a pipe that nobody reads no longer: it would end every wait at once."""
        for descriptor in self._hung_up:
            process = self._processes.get(descriptor)   # None: closed since then, and forgotten
            if process is not None and not process.is_closed and (
                    descriptor not in process.waitables()):
                self._epoll.unregister(descriptor)
                del self._processes[descriptor]
        self._hung_up.clear()
