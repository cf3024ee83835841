# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The calls of a process to an open stick: how they wait, and how faults end them."""

from collections.abc import Callable
from contextlib import contextmanager
import threading
import time

from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.simulation.api import process_state
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults
from ncs_cluster_detector.simulation.stick.host_timer import HostTimer


class StickStopped(Exception):
    """The stick was closed or unplugged, or its computation failed (then with the cause)."""


class StickCalls:
    """
    The lock and the conditions of an opened stick, and the state that ends waits.

    :attr:`changed` serves the calls. Threads that wait for something else have conditions of their
    own on the same lock, so that a frame wakes only whom it concerns. Methods that say so must be
    called with :attr:`changed` held.
    """

    def __init__(self, name: str) -> None:
        """Begin without faults; ``name`` is the stick's, for error texts."""
        self._lock = threading.Lock()
        self.changed = threading.Condition(self._lock)
        self.faults = StickFaults()
        self._never = threading.Condition(self._lock)
        self._pausing = threading.Condition(self._lock)
        self._timer = HostTimer()
        self._conditions = [self.changed, self._pausing]
        self._name = name
        self.stopped = False   # it was closed or unplugged, or broke down
        self._lost = False
        self._cause = None
        self._waiting = []
        self._forgotten = set()

    def new_condition(self) -> threading.Condition:
        """Return another condition on the lock, which is also notified of faults and the end."""
        condition = threading.Condition(self._lock)
        self._conditions.append(condition)
        return condition

    def waiting(self) -> int:
        """Return how many calls of the host wait for the stick."""
        with self.changed:
            return len(self._waiting)

    def begin(self, call: str) -> None:
        """
        Let a call to the stick begin, or apply the fault that is set for it.

        As in the vendor's library it waits for an opening under way in this process.

        :param call: a word of :data:`fault_words.CALLS`.
        :raises Exception: the status that was set; ERROR when the stick was unplugged.
        """
        process_state.wait_for_opening()
        with self.changed:
            self.apply_faults(call)
            if self._lost:
                raise Exception(Status.ERROR)

    def apply_faults(self, call: str) -> None:
        """Fail with the status that a fault sets for a call, or hang; with the lock held."""
        if self.faults.hangs(call):
            self._wait_for_ever()
        status = self.faults.status_of(call)
        if status is not None:
            raise Exception(status)

    def check(self, call: str) -> None:
        """
        Do the same as :meth:`begin` for calls that ignore openings; with the lock held.

        :raises StickStopped: the stick was closed, was unplugged or broke down.
        """
        self.apply_faults(call)
        if self.stopped:
            self._raise_stopped()

    def pause_in_call(self, call: str, pause_sec: float) -> None:
        """Block a call for a time, as :meth:`wait_in_call` does; with the lock held."""
        self._sleep(pause_sec, lambda sleep_sec: self._wait_in_call(
            call, lambda: False, self._pausing, sleep_sec))

    def wait_in_call(self, call: str, condition: Callable[[], object]) -> None:
        """
        Block a call until the condition holds; with the lock held.

        When the stick is unplugged, one of the waiting calls fails, and the others wait for ever,
        as in the vendor's library.

        :raises StickStopped: the stick was closed, was unplugged or broke down.
        """
        self._wait_in_call(call, condition, self.changed)

    def wait_for(
            self, condition: Callable[[], object],
            notified: threading.Condition | None = None) -> None:
        """
        Block a thread of the stick itself until a condition holds; with the lock held.

        :param notified: which of the conditions is notified of the change; None is ``changed``.
        :raises StickStopped: the stick was closed, was unplugged or broke down.
        """
        (notified or self.changed).wait_for(lambda: self.stopped or condition())
        if self.stopped:
            self._raise_stopped()

    def pause(self, pause_sec: float) -> None:
        """Block a thread of the stick itself for a time, as :meth:`wait_for` does."""
        self._sleep(pause_sec, lambda sleep_sec: self._pausing.wait_for(
            lambda: self.stopped, sleep_sec))
        if self.stopped:
            self._raise_stopped()

    def set_faults(self, faults: StickFaults) -> None:
        """Set the faults of the stick from now on."""
        with self.changed:
            self.faults = faults
            self._notify_all()

    def lose(self, unheard: bool = False, wakes_all: bool = False) -> None:
        """
        Record that the stick was unplugged; one waiting call fails, or all of them.

        :param unheard: not even one fails. The vendor's library wakes a call that waits for room
            or a result (XLinkDispatcher.c:273, EVENT_BLOCKED), but none that waits for an answer.
        :param wakes_all: as the library of OpenVINO does, which ends both kinds of waits
            (2022.3, XLinkDispatcher.c, dispatcherClean).
        """
        with self.changed:
            if not self.stopped:
                self._lost = True
                # Later calls send nothing to a stick that is gone, so they do not wait for it.
                self.faults = self.faults.after_power_off()
                woken = 0 if unheard else len(self._waiting) if wakes_all else 1
                self._forgotten.update(self._waiting[woken:])
                self._stop()

    def stop(self, cause: Exception | None = None) -> None:
        """Record that the stick was closed, or failed with a cause; wake all calls."""
        with self.changed:
            if not self.stopped:
                self._cause = cause
                self._stop()

    def _sleep(self, pause_sec, sleep):
        sleep_sec, began = max(pause_sec - self._timer.late_sec, 0.0), time.monotonic()
        sleep(sleep_sec)
        self._timer.note(time.monotonic() - began - sleep_sec)

    def _stop(self):
        self.stopped = True
        self._notify_all()

    def _notify_all(self):
        for condition in self._conditions:
            condition.notify_all()

    def _wait_in_call(self, call, condition, notified, timeout_sec=None):
        with self._listed() as me:
            notified.wait_for(
                lambda: (self.stopped or me in self._forgotten or self._is_faulty(call)
                         or condition()), timeout_sec)
            if me in self._forgotten:
                self._wait_for_ever()
        self.check(call)

    def _is_faulty(self, call):
        # A call that waits when the stick becomes silent goes on waiting, until an unplug.
        return call in self.faults.hang or self.faults.status_of(call) is not None

    @contextmanager
    def _listed(self):
        me = object()
        self._waiting.append(me)
        try:
            yield me
        finally:
            self._waiting.remove(me)

    def _wait_for_ever(self):
        while True:
            self._never.wait()

    def _raise_stopped(self):
        raise StickStopped(self._name) from self._cause
