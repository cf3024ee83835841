# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Threads that wait for what a stick sends: one at a time reads, and takes it for the others, too.

The first one that waits reads. So the result of an inference needs no detour over another thread.
When it has what it waits for, another one goes on.

The time of a wait is up when the stick was silent at its end, as far as this process can tell.
When the machine is so busy that the process does not run, what the stick has sent in time is taken
late.
"""

from collections.abc import Callable
import threading
from time import monotonic
from typing import TypeAlias

from ncs_cluster_detector.sticks.xlink.protocol.requests import Request
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream

# A read that ends so much later than it should was delayed by the system, with all that it waits
# for; the process may even have been suspended. Less does not matter.
LATE_SEC = 0.25
# For a stick that is not silent, because it goes on sending something else.
TALKATIVE_SEC = 1.0
_SHORT_SEC = 0.02   # of a read, or a wait for one, when the time is up
# What a thread waits for a change of; None is any.
Target: TypeAlias = Request | Stream | None


class Waiting:
    """The threads that wait, and the one that reads; all methods need the lock."""

    def __init__(self, lock: threading.Lock, read: Callable[[Target, float], None]) -> None:
        """
        Begin with none.

        :param read: called with the target that a thread waits for, and a time; reads until the
            target may have changed, nothing has come, or it is that time. It releases the lock
            meanwhile. It must call :meth:`on_silence` or :meth:`on_delay` after each read that
            brought nothing, or ended late.
        """
        self.unread_since = monotonic()
        self._lock = lock
        self._read = read
        self._is_read = False   # a thread reads
        self._read_ended = threading.Condition(lock)
        # With how many threads wait for each.
        self._waits: dict[Target, tuple[threading.Condition, int]] = {}
        self._silent_at = 0.0   # when a read has last brought nothing
        self._delay_sec = 0.0   # the sum of all delays by the system

    def wait(self, target: Target, condition: Callable[[], object], within_sec: float,
             on_begin: Callable[[], object]) -> bool:
        """
        Wait for a condition; return whether it holds.

        :param target: what it depends on.
        :param on_begin: called when this thread begins to read.
        """
        until = monotonic() + within_sec - self._delay_sec
        reads = False
        try:
            while not condition():
                due_at, now = until + self._delay_sec, monotonic()
                if now >= due_at and (
                        self._silent_at >= due_at or now >= due_at + TALKATIVE_SEC):
                    return False
                if reads or not self._is_read:
                    if not reads:
                        reads = self._is_read = True
                        on_begin()
                    self._read(target, max(due_at, now + _SHORT_SEC))
                else:
                    self._await_news(target, max(due_at - now, _SHORT_SEC))
        finally:
            if reads:
                self._is_read = False
                self.unread_since = monotonic()
                self._read_ended.notify_all()
            if not self._is_read:   # another one goes on
                for changed, _ in self._waits.values():
                    changed.notify()
                    break
        return True

    def await_unread(self, within_sec: float) -> bool:
        """Wait until no thread reads; return whether that is so."""
        return self._read_ended.wait_for(lambda: not self._is_read, within_sec)

    def on_silence(self, now: float) -> None:
        """Take note that a read has brought nothing."""
        self._silent_at = now

    def on_delay(self, delay_sec: float) -> None:
        """Take note that a read has ended so much later than it should."""
        self._delay_sec += delay_sec

    def notify(self, target: Target) -> None:
        """Wake those who wait for something."""
        if target in self._waits:
            self._waits[target][0].notify_all()

    def notify_all(self) -> None:
        """Wake all."""
        for changed, _ in self._waits.values():
            changed.notify_all()

    def __bool__(self) -> bool:
        """Return whether a thread waits, besides one that reads."""
        return bool(self._waits)

    def _await_news(self, target: Target, within_sec: float) -> None:
        changed, waiting = self._waits.get(target) or (threading.Condition(self._lock), 0)
        self._waits[target] = changed, waiting + 1
        changed.wait(min(within_sec, threading.TIMEOUT_MAX))
        changed, waiting = self._waits.pop(target)
        if waiting > 1:
            self._waits[target] = changed, waiting - 1
