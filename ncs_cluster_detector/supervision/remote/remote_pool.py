# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks of other hosts: claims their servers, sends frames, takes answers."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from collections.abc import Set
import os
import queue

from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.records.stick_views import StickViews
from ncs_cluster_detector.supervision.remote.host_names import HostNames
from ncs_cluster_detector.supervision.remote.outgoing import FrameSender
from ncs_cluster_detector.supervision.remote.remote_host import Link
from ncs_cluster_detector.supervision.remote.remote_host import RemoteHost
from ncs_cluster_detector.supervision.remote.remote_host import SILENCE_SEC
from ncs_cluster_detector.supervision.remote.remote_log import RemoteLog
from ncs_cluster_detector.supervision.remote.remote_stick import RemoteStick
from ncs_cluster_detector.supervision.snapshot import HostSnapshot
from ncs_cluster_detector.supervision.snapshot import HostState
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import RemoteOptions
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.messages import Outcome


# A frame tells the server as well that its detector lives; it waits for a second.
FRAME_TELLS_SEC = 0.3
# A host that is named and was not heard for so long is missing.
PATIENCE_SEC = 5.0


class RemotePool:
    """
    The sticks of other hosts; for the supervisor like the StickPool of this one.

    Other threads only call :meth:`take`; all else is the supervisor's.
    """

    unusable = None   # a parameter that no stick can use; servers check their own

    def __init__(self, options: RemoteOptions, numbers: Iterator[int], logger: Logger,
                 wake_up: Callable[[], object]) -> None:
        """Start without hosts; ``numbers`` are for new sticks, ``wake_up`` leads to a step."""
        self._wake_up = wake_up
        # Called when a host has come or gone, after the snapshot that shows it was written.
        self.on_change: Callable[[], object] = lambda: None
        self._states: list[HostState] = []   # in the latest snapshot
        self._has_changed = False
        self._inbox: queue.SimpleQueue[tuple[Link, ServerReport | Answer]] = queue.SimpleQueue()
        self.by_number: dict[int, RemoteStick] = {}
        self.views = StickViews(self)
        self._options = options
        self._numbers = numbers
        self._log = RemoteLog(logger)
        self._session = os.urandom(4).hex()
        self._sender = FrameSender(self._session, options.jpeg_quality)
        self._names = HostNames(options.hosts, logger)
        # When to log which hosts were never heard; infinite when that is done.
        self._unheard_at: float | None = None
        self._host_of: dict[int, RemoteHost] = {}   # by the number of a stick
        self._results: list[tuple[int, Outcome, Frame]] = []
        self._lost: list[tuple[int, Frame]] = []

    def take(self, link: Link, message: ServerReport | Answer) -> None:
        """Take what a server has sent, and the way to it."""
        self._inbox.put((link, message))
        self._wake_up()

    def shown(self) -> Sequence[RemoteStick]:
        """Return all sticks that were ever used."""
        return list(self.by_number.values())

    def hosts(self, now: float) -> tuple[HostSnapshot, ...]:
        """Return the HostSnapshot of each host."""
        states = [host.state for host in self._names.hosts]
        self._has_changed, self._states = states != self._states, states
        return tuple(host.snapshot(now) for host in self._names.hosts)

    def tell_changes(self) -> None:
        """Call ``on_change`` if a host has come or gone since the snapshot before."""
        if self._has_changed:
            self.on_change()

    def newest_processes(self) -> Sequence[ChildProcess]:
        """Return the processes to watch: none."""
        return ()

    def post(self, number: int, frame: Frame, now: float) -> None:
        """Send a frame to a stick."""
        host, stick = self._host_of[number], self.by_number[number]
        self._sender.send(host, stick, frame)
        host.told_at = now
        stick.on_frame_sent(frame, now)
        self.views.renew(number, now)

    def frames_of(self, number: int) -> dict[int, Frame]:
        """Return the frames on a stick as a dictionary by frame number, oldest first."""
        return self.by_number[number].frames

    def note_late(self, number: int) -> None:
        """Record that a result takes several times the usual time."""
        self.by_number[number].on_late()
        self.views.changed(number)

    def note_lost(self, number: int) -> None:
        """Record that a frame will have no result because the stick lost it."""
        self.by_number[number].figures.frames_lost += 1
        self.views.changed(number)

    def restart(self, number: int, reason: str, now: float) -> None:
        """Have the worker of a running stick started again by its server."""
        host, stick = self._host_of[number], self.by_number[number]
        host.restarts[stick.report.number] = host.restarts.get(stick.report.number, 0) + 1
        self._log.restart(stick, reason)
        self._lost += [(number, frame) for frame in stick.on_absence(reason, now)]
        self.views.all_changed()
        self._claim(host)

    def take_results(self) -> list[tuple[int, Outcome, Frame]]:
        """Return the new results: stick number, Outcome and Frame of each."""
        results, self._results = self._results, []
        return results

    def take_lost(self) -> list[tuple[int, Frame]]:
        """Return the newly lost frames: pairs of stick number and Frame."""
        lost, self._lost = self._lost, []
        return lost

    def receive(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """Take in what the servers have sent."""
        while not self._inbox.empty():
            link, message = self._inbox.get()
            if isinstance(message, Answer):
                self._take_answer(message, now)
            else:
                self._take_report(link, message, now)

    def judge(self, now: float) -> None:
        """Give up hosts that are silent; log once which were never heard."""
        if self._unheard_at is None:
            self._unheard_at = now + PATIENCE_SEC
        if now >= self._unheard_at:
            self._unheard_at = float('inf')
            for host in self._names.hosts:
                if host.state is HostState.NEVER_HEARD:
                    self._log.never_heard(host)
        for host in self._names.hosts:
            if host.is_heard and now >= host.heard_at + SILENCE_SEC:
                host.on_silence()
                self._give_up(host, now)

    def next_due(self, now: float) -> float:
        """Return when :meth:`receive` or :meth:`judge` must be called at the latest."""
        if not self._inbox.empty():
            return now
        return min([self._unheard_at or float('inf'), *(
            host.heard_at + SILENCE_SEC for host in self._names.hosts if host.is_heard)])

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        for host in self._names.hosts:
            host.heard_at += delay_sec
        for stick in self.by_number.values():
            stick.extend_deadlines(delay_sec)

    def stop(self) -> bool:
        """Give the sticks back; return True."""
        for host in self._names.hosts:
            host.claim(self._session, self._options.detector, leaves=True)
        return True

    def _take_answer(self, answer: Answer, now: float) -> None:
        host = self._names.with_server(answer.server)
        if host is None or answer.session != self._session or answer.stick not in host.sticks:
            return   # to another detector, or from before
        if host.is_heard:
            host.heard_at = now
        stick = host.sticks[answer.stick]
        settled = stick.settle(answer, now)
        if settled is not None:
            outcome, frame = settled
            if outcome is None:
                self._lost.append((stick.number, frame))
            else:
                self._results.append((stick.number, outcome, frame))
            self.views.changed(stick.number)

    def _take_report(self, link: Link, report: ServerReport, now: float) -> None:
        host = self._names.host_of(report, now)
        if host is None:
            return
        if (before := host.state) is HostState.SILENT:
            host.was_silent_sec = now - host.heard_at
        host.link, host.heard_at = link, now
        host.on_report(report, self._session, self._options.networks)
        if now >= host.told_at + FRAME_TELLS_SEC or not host.ours:
            self._claim(host)   # so the server hears that this detector lives
        if not host.ours:
            if host.state is not before:
                self._give_up(host, now)
            if host.state is HostState.TAKEN:
                self._log.taken(host, now)
            return
        if before is not HostState.SERVES:
            host.on_return()
        known = len(self.by_number)
        self._lost += host.take_sticks(lambda stick: self._make(host, stick, now), now)
        if before is not HostState.SERVES:
            self._log.host_joined(host)
        if before is not HostState.SERVES or known != len(self.by_number):
            self.views.all_changed()
        for stick in host.known:
            if stick.take_news():
                self._log.stick(stick)
                self.views.changed(stick.number)

    def _make(self, host: RemoteHost, report: StickReport, now: float) -> RemoteStick:
        stick = RemoteStick(next(self._numbers), host.name, report, now)
        self.by_number[stick.number], self._host_of[stick.number] = stick, host
        return stick

    def _give_up(self, host: RemoteHost, now: float) -> None:
        """Give up the sticks of a host that cannot be used, with one line for all of them."""
        self._log.host_lost(host)
        self._lost += host.lose_sticks(now)
        self.views.all_changed()

    def _claim(self, host: RemoteHost) -> None:
        host.claim(self._session, self._options.detector)
