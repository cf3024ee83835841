# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Notice at once when another process does something to a simulated stick, without polling."""

from collections.abc import Callable
import ctypes
import math
import os
import select
import threading

_IN_MODIFY = 0x2
_libc = ctypes.CDLL(None, use_errno=True)


class FaultWatch:
    """Notices texts that are written to a file, in a thread of its own or in :meth:`wait`."""

    def __init__(self, path: str) -> None:
        """
        Begin to watch; texts written from now on are noticed when the thread has started.

        :param path: the file; writes through a mapping are not noticed.
        :raises OSError: the system's limit of inotify instances is reached.
        """
        self._events = _libc.inotify_init1(os.O_CLOEXEC)
        if self._events < 0:
            raise _system_error('watching the simulated bus: no inotify instance; raise '
                                'fs.inotify.max_user_instances')
        self._watch = _libc.inotify_add_watch(self._events, path.encode(), _IN_MODIFY)
        if self._watch < 0:
            error = _system_error('watching the simulated bus: no inotify watch; raise '
                                  'fs.inotify.max_user_watches')
            os.close(self._events)
            raise error
        self._ended = False
        self._thread = None

    def start(self, notice: Callable[[], object], name: str) -> None:
        """Start the thread, which calls ``notice``; that must not call :meth:`close`."""
        self._thread = threading.Thread(target=self._run, args=(notice,), daemon=True, name=name)
        self._thread.start()

    def wait(self, timeout_sec: float | None) -> None:
        """Wait, without the thread, until something was written or the time, if any, is over."""
        poll = select.poll()
        poll.register(self._events, select.POLLIN)
        if poll.poll(None if timeout_sec is None else math.ceil(1000.0 * timeout_sec)):
            os.read(self._events, 4096)

    def close(self) -> None:
        """End the thread and the watch."""
        self._ended = True
        # Removing the watch is an event as well, which wakes the thread.
        _libc.inotify_rm_watch(self._events, self._watch)
        if self._thread is not None:
            self._thread.join()
        os.close(self._events)

    def _run(self, notice):
        while True:
            os.read(self._events, 4096)
            if self._ended:
                return
            notice()


def _system_error(text):
    return OSError(ctypes.get_errno(), text)
