# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Runs the sticks of a host for a detector on another one; a thread of the stick server."""

from collections.abc import Callable
from collections.abc import Set
from dataclasses import dataclass
from itertools import count
import queue
import threading
import time

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.processes.process_watch import ProcessWatch
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.serving.forms import answer_of
from ncs_cluster_detector.supervision.serving.forms import lost
from ncs_cluster_detector.supervision.serving.forms import report_of
from ncs_cluster_detector.supervision.serving.server_owner import ServerOwner
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.supervision.starting.bus_cleaner import cleaner_for
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.supervisor import SUSPENDED_SEC
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
from ncs_cluster_detector.supervision.worker_handle import prepare
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import Networks
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.host_messages import VERSION

# How often to say something: an answer to a frame, or else a report. A detector gives a server up
# that is silent for three times as long.
REPORT_SEC = 0.2
# How often to report while there are answers; two reports without a frame mean that it is lost.
LONGEST_REPORT_SEC = 0.5
# The most frames that a stick may hold; the detector sends fewer if it wants fewer.
MOST_INFLIGHT = 2


@dataclass(frozen=True)
class Identity:
    """
    Who a stick server is.

    ``server`` identifies its process, ``host`` is the name of its host, ``node`` the full name of
    its node, ``frames`` that of its topic for frames.
    """

    server: str
    host: str
    node: str
    networks: Networks
    frames: str


class PoolServer:
    """
    The loop around the pool of workers: frames in, answers and reports out.

    One thread calls :meth:`run`; others only call :meth:`take_claim`, :meth:`take_frame` and
    :meth:`stop`, and read :attr:`sticks` and :attr:`owner`.
    """

    def __init__(self, options: SupervisorOptions, identity: Identity,
                 answer: Callable[[Answer], object], report: Callable[[ServerReport], object],
                 logger: Logger) -> None:
        """
        Prepare; no process is started before :meth:`run`.

        :param answer: sends an Answer to the detector; called in the server's thread.
        :param report: sends a ServerReport to all detectors; called in that thread, too.
        """
        self._options = options
        self._identity = identity
        self._send_answer, self._send_report = answer, report
        self._pool = StickPool(options, cleaner_for(options.workers.driver, logger), logger)
        self._processes = ProcessWatch()
        self._inbox: queue.SimpleQueue[Claim | Frame] = queue.SimpleQueue()
        self._numbers = count(1)
        self._restarts: dict[int, int] = {}   # those done for this owner, by stick
        self._report_at = self._report_by = float('-inf')
        self._stopping = threading.Event()
        self.owner = ServerOwner(logger)
        self.sticks: tuple[StickSnapshot, ...] = ()
        self.all_ended = True

    def take_claim(self, claim: Claim) -> None:
        """Take in what a detector says about the use of the sticks."""
        if claim.server in ('', self._identity.server):
            self._inbox.put(claim)
            self._processes.wake_up()

    def take_frame(self, frame: Frame) -> None:
        """Take in a frame, whose ``header`` is its Ticket."""
        self._inbox.put(frame)
        self._processes.wake_up()

    def next_number(self) -> int:
        """Return the number of the next frame; those of two detectors may be the same."""
        return next(self._numbers)

    def stop(self) -> None:
        """End :meth:`run`, which then ends the workers."""
        self._stopping.set()
        self._processes.wake_up()

    def run(self) -> None:
        """
        Work until :meth:`stop`; afterwards no worker is left, if ``all_ended``.

        :raises UnusableParameterError: no stick can work with a parameter of the node.
        """
        prepare(self._options.workers.driver)
        ready: Set[ChildProcess] = frozenset()
        try:
            while not self._stopping.is_set():
                now = time.monotonic()
                self.step(now, ready)
                ready = self._wait(now)
        finally:
            try:
                self._send_report(self._report(time.monotonic(), leaves=True))
            finally:
                self.all_ended = self._pool.stop()

    def step(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """
        Do all that is due at the time ``now``.

        :param ready: the processes that have something to read; by default it is found out.
        """
        self._pool.receive(now, self._processes.wait(0.0) if ready is None else ready)
        if self._pool.unusable is not None:
            raise UnusableParameterError(*self._pool.unusable)
        self._pool.judge(now)
        changes = self._pool.views.refresh(now)
        if any(old is None or new is None or old.state is not new.state for old, new in changes):
            self._report_at = now
        self._take_in(now)
        self._answer(now)
        for process in self._pool.newest_processes():
            self._processes.add(process)
        if self.owner.judge(now):
            self._restarts.clear()
            self._report_at = now
        if now >= min(self._report_at, self._report_by):
            self._report_at = now + REPORT_SEC
            self._report_by = now + LONGEST_REPORT_SEC
            self.sticks = self._pool.views.snapshots(now, ())
            self._send_report(self._report(now))

    def _take_in(self, now: float) -> None:
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, Frame):
                self._post(message, now)
            elif self.owner.on_claim(message, now):
                # Those from before are done: a detector may come back after an outage.
                self._restarts = dict(message.restarts)
                self._report_at = now
            if isinstance(message, Claim) and self.owner.session == message.session:
                self._restart(message.restarts, now)

    def _post(self, frame: Frame, now: float) -> None:
        ticket: Ticket = frame.header
        if ticket.server != self._identity.server or ticket.session != self.owner.session:
            return
        self.owner.on_frame(now)
        stick = self._pool.views.statuses.get(ticket.stick)
        if (stick is None or stick.state is not StickState.RUNNING
                or stick.outstanding >= MOST_INFLIGHT):
            self._send_answer(lost(ticket))
        else:
            self._pool.post(ticket.stick, frame, now)

    def _restart(self, wanted: tuple[tuple[int, int], ...], now: float) -> None:
        for number, times in wanted:
            stick = self._pool.views.statuses.get(number)
            if times > self._restarts.get(number, 0):
                self._restarts[number] = times
                if stick is not None and stick.state is StickState.RUNNING:
                    self._pool.restart(number, 'its detector wants it started again', now)
                    self._pool.views.renew(number, now)   # it takes no frame from now on
                    self._report_at = now

    def _answer(self, now: float) -> None:
        for _, outcome, frame in self._pool.take_results():
            if frame.header.session == self.owner.session:
                self._send_answer(answer_of(frame.header, outcome, time.monotonic()))
                if self._report_at > now:   # unless it is due because of a change
                    self._report_at = now + REPORT_SEC
        for number, frame in self._pool.take_lost():
            self._pool.note_lost(number)
            if frame.header.session == self.owner.session:
                self._send_answer(lost(frame.header))

    def _report(self, now: float, leaves: bool = False) -> ServerReport:
        me = self._identity
        return ServerReport(
            VERSION, me.server, me.host, me.node, me.networks, me.frames, self.owner.session,
            self.owner.name, self._pool.input_size,
            tuple(report_of(stick, self._held(stick), now) for stick in self.sticks), leaves)

    def _held(self, stick: StickSnapshot) -> tuple[int, ...]:
        frames = self._pool.frames_of(stick.status.number).values()
        return tuple(frame.header.sequence for frame in frames
                     if frame.header.session == self.owner.session)

    def _wait(self, now: float) -> Set[ChildProcess]:
        """Wait until a process or another thread has something, or something is due."""
        due_at = min(self._pool.next_due(now), self._report_at, self._report_by,
                     self.owner.silent_at)
        if not self._inbox.empty():
            due_at = now
        ready = self._processes.wait(max(due_at - time.monotonic(), 0.0))
        late_sec = time.monotonic() - due_at
        if late_sec > SUSPENDED_SEC:   # such as stopped from a terminal; no worker's fault
            self._pool.extend_deadlines(late_sec)
            self.owner.extend_deadline(late_sec)
        return ready
