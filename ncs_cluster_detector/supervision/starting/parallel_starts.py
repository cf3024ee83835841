# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Starts the sticks that can all start at the same time, each as soon as it is due."""

from collections.abc import Sequence
from collections.abc import Set

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.reliability.presence import AWAY_SEC
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision.endings import Endings
from ncs_cluster_detector.supervision.records import deadlines
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.records.stick_register import StickRegister
from ncs_cluster_detector.supervision.starting.starts import LOOK_PERIOD_SEC
from ncs_cluster_detector.supervision.starting.starts import Starts
from ncs_cluster_detector.supervision.starting.unassigned_worker import UnassignedState
from ncs_cluster_detector.supervision.starting.unassigned_worker import UnassignedWorker
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.wire.messages import DeadStick
from ncs_cluster_detector.wire.messages import Open

# A worker resets its stick when it closes it, which takes 0.8 s. One that is away for longer was
# unplugged.
RESET_SEC = 1.5
# How often to look while such a stick is away.
RETURN_LOOK_SEC = 0.25
# The sticks are listed when a worker has ended, and only that list tells whether its stick is
# there: it starts then, or without the list after this time. A list takes some milliseconds, and
# longer on a busy machine.
LIST_SEC = 1.0


class ParallelStarts(Starts):
    """
    Starts a worker for each stick that is due, whatever the others do.

    One worker without a stick, the lister, stays to list the sticks. What its list says of a stick
    counts unless a worker of ours had that stick while the list was made: a stick is claimed, or
    away for its boot, until its worker has ended. So the sticks are listed again at once when a
    worker has ended. A stick that is away then was reset by its worker, unless it stays away.
    """

    def __init__(self, options: SupervisorOptions, register: StickRegister, endings: Endings,
                 logger: Logger) -> None:
        """Start without a worker; see SupervisorOptions, StickRegister, Endings."""
        self._options = options
        self._register = register
        self._endings = endings
        self._logger = logger
        self._lister = UnassignedWorker(options, logger, 'does a USB call hang?')
        self._started: list[ChildProcess] = []   # that nobody watches yet
        self._with_process: Set[str] = frozenset()   # ports of the sticks whose worker is there
        # Ports of those that had one at any time since the list was asked for.
        self._own_ports: set[str] = set()
        self._listed_ports: Set[str] = frozenset()   # of the latest list
        self._look_at = float('-inf')
        # When workers have ended, by the ports of their sticks.
        self._ended_at: dict[str, float] = {}
        # Until when those wait for the list that tells whether their sticks are there.
        self._wait_until: dict[str, float] = {}
        self._failures = 0   # of starting a process, in a row
        self._not_before = float('-inf')   # when one may be started again

    @property
    def unusable(self) -> tuple[str, str] | None:
        """Return the parameter that no stick can work with, and why; or None."""
        return self._lister.unusable

    def handles(self) -> Sequence[ChildProcess]:
        """Return the lister, if there is one."""
        return [] if self._lister.handle is None else [self._lister.handle]

    def newest(self) -> Sequence[ChildProcess]:
        """Return the processes that may have been started since the last call."""
        started, self._started = self._started, []
        return [*started, *self.handles()]

    def is_concerned(self, ready: Set[ChildProcess]) -> bool:
        """Return whether the lister is one of these processes."""
        return self._lister.handle in ready

    def look_now(self, now: float) -> None:
        """Have the sticks listed as soon as the lister has answered."""
        self._look_at = now

    def hear(self, now: float) -> None:
        """Process the list of sticks."""
        names = self._lister.hear(now)
        if names is not None:
            self._take_in(names, now)
        elif self._lister.state is UnassignedState.HAS_TURN:
            self._note_look(now)
            self._lister.list_sticks(now)

    def judge(self, now: float) -> None:
        """End a lister that did not answer in time."""
        handle = self._lister.judge(now)
        if handle is not None:
            self._endings.add(handle, None, now)

    def start(self, now: float) -> None:
        """Start a worker for each stick that is due; look for sticks if that is due."""
        self._note_processes(now)
        for port in [port for port, until in self._wait_until.items() if now >= until]:
            self._go_on(port)
        while now >= self._not_before and (record := self._register.due(now)) is not None:
            self._start(record, now)
        self._note_processes(now)
        if not self._register.expects_sticks():
            return
        if self._lister.handle is None:
            if now >= self._lister.not_before:
                self._lister.start(now)
        elif self._lister.state is UnassignedState.LISTED and now >= self._look_at:
            self._note_look(now)
            self._lister.look(now)

    def deadline(self, record: StickRecord, longest_start_sec: float | None,
                 now: float) -> tuple[float, str]:
        """Return when the worker must be ready: nobody waits for it, so the user sets the time."""
        others = [other for other in self._register.with_worker()
                  if other is not record and other.worker.step is not OpeningStep.READY]
        return deadlines.of_start_beside_others(record.worker, self._options, len(others))

    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` or :meth:`start` must be called at the latest."""
        due = [self._lister.deadline, max(self._register.next_due(), self._not_before),
               *self._wait_until.values()]
        if self._register.expects_sticks():
            if self._lister.handle is None:
                due.append(self._lister.not_before)
            elif self._lister.state is UnassignedState.LISTED:
                due.append(self._look_at)
        return min(due)

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        self._lister.deadline += delay_sec

    def opening(self) -> Sequence[ChildProcess]:
        """Return those that open their stick: the next start resets one that is left booting."""
        return [record.worker for record in self._register.with_worker()
                if record.worker.step is not OpeningStep.READY]

    def stop(self) -> bool:
        """Do nothing: all its processes are workers."""
        return True

    def _start(self, record: StickRecord, now: float) -> None:
        try:
            handle = WorkerHandle(self._options.workers, self._options.inflight_per_stick, now)
        except (OSError, EOFError) as error:
            self._failures = min(self._failures + 1, restart.BUDGET - 1)
            delay_sec = restart.after_failure(self._failures).delay_sec
            self._not_before = now + delay_sec
            self._logger.error(
                f'starting a worker process for stick {record.number} ({record.device_name}): '
                f'{type(error).__name__}: {shown(error)}; trying again in {delay_sec:g} s')
            return
        self._failures = 0
        self._started.append(handle)
        record.on_start(handle)
        ports = {other.port for other in self._register.records} | self._listed_ports
        handle.send(Open(record.name_now, tuple(sorted(ports - {record.port}))))

    def _note_processes(self, now: float) -> None:
        """Have the sticks listed when a worker has ended, as the list knows what it has left."""
        before, self._with_process = self._with_process, {*self._register.ports_with_process()}
        self._own_ports |= self._with_process
        can_list = self._lister.state in (UnassignedState.LISTED, UnassignedState.LISTING)
        for port in before - self._with_process:
            self._ended_at[port] = self._look_at = now
            if can_list:
                self._wait_until[port] = now + LIST_SEC
        for record in self._register.records:
            record.is_away |= record.port in self._wait_until

    def _go_on(self, port: str) -> None:
        """Let a stick wait no longer for a list."""
        del self._wait_until[port]
        for record in self._register.records:
            if record.port == port:
                record.is_away = False

    def _note_look(self, now: float) -> None:
        self._own_ports = {*self._register.ports_with_process()}
        self._look_at = now + LOOK_PERIOD_SEC

    def _take_in(self, names: Sequence[str], now: float) -> None:
        """Take in a list of the names of all sticks."""
        self._note_processes(now)
        self._ended_at = {port: ended_at for port, ended_at in self._ended_at.items()
                          if now < ended_at + AWAY_SEC}
        self._listed_ports = {port_of(name) for name in names}
        names = self._corrected(names, now)
        if any(record.is_away for record in self._register.records):
            self._look_at = min(self._look_at, now + RETURN_LOOK_SEC)
        free = {port_of(name) for name in names if not is_in_use(name)}
        # The bus shows a dead stick as a free one.
        dead = {record.port: DeadStick(record.port, record.dead_since)
                for record in self._register.records
                if record.dead_since is not None and record.port in free}
        self._register.listed(names, now, dead, is_first=True, is_calm=not self._ended_at)

    def _corrected(self, names: Sequence[str], now: float) -> list[str]:
        """Return a list with the sticks as they were of which this list says nothing."""
        known = {}
        for record in self._register.records:
            port, ended_at = record.port, self._ended_at.get(record.port, float('-inf'))
            was_there = record.waits() and record.presence.is_there
            says_nothing = was_there and port in self._own_ports
            if not says_nothing:
                self._wait_until.pop(port, None)
                record.is_away = (was_there and port not in self._listed_ports
                                  and now < ended_at + RESET_SEC)
            if says_nothing or record.is_away:
                known[port] = f'{port}-' if record.in_use else record.device_name
        return [name for name in names if port_of(name) not in known] + [*known.values()]
