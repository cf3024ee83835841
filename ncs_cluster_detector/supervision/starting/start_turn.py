# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Starts the sticks, one at a time: a worker lists them and opens one of them."""

from collections.abc import Sequence
from collections.abc import Set

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.endings import Endings
from ncs_cluster_detector.supervision.records import deadlines
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.records.stick_register import StickRegister
from ncs_cluster_detector.supervision.starting.bus_cleaner import BusCleaner
from ncs_cluster_detector.supervision.starting.starts import LOOK_PERIOD_SEC
from ncs_cluster_detector.supervision.starting.starts import Starts
from ncs_cluster_detector.supervision.starting.unassigned_worker import UnassignedState
from ncs_cluster_detector.supervision.starting.unassigned_worker import UnassignedWorker
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import Open

# How often to look with a new worker while listed sticks are open in some process: if that process
# was killed, its sticks are only reset when the bus is cleaned for a new worker.
FRESH_LOOK_PERIOD_SEC = 30.0


class StartTurn(Starts):
    """
    Lists the sticks regularly, and starts a worker for each stick that is due.

    One worker starts at a time: it lists the sticks and gets the order to open one of them; then
    the next worker starts, until one finds none to open and stays as the lister. The bus is
    cleaned before the opener lists the sticks.
    """

    def __init__(
            self, options: SupervisorOptions, register: StickRegister, cleaner: BusCleaner,
            endings: Endings, logger: Logger) -> None:
        """Start without a worker; see SupervisorOptions, StickRegister, BusCleaner, Endings."""
        self._options = options
        self._register = register
        self._cleaner = cleaner
        self._endings = endings
        self._opener = UnassignedWorker(options, logger)
        self._lister = UnassignedWorker(options, logger)
        # Ports of the sticks that had a worker when the opener began to list.
        self._own_ports: tuple[str, ...] = ()
        self._look_at = float('-inf')
        self._fresh_look_at = float('inf')

    @property
    def unusable(self) -> tuple[str, str] | None:
        """Return the parameter that no stick can work with, and why; or None."""
        return self._opener.unusable

    def handles(self) -> Sequence[ChildProcess]:
        """Return the workers that have no stick."""
        return [place.handle for place in (self._opener, self._lister)
                if place.handle is not None]

    def newest(self) -> Sequence[ChildProcess]:
        """Return the worker that was started last, until it has a stick, and the cleaner."""
        return list(filter(None, (self._opener.handle, self._cleaner.process)))

    def is_concerned(self, ready: Set[ChildProcess]) -> bool:
        """Return whether one of these processes has no stick."""
        return any(process in ready for process in (
            self._opener.handle, self._lister.handle, self._cleaner.process))

    def look_now(self, now: float) -> None:
        """Have the sticks listed as soon as no stick is being started."""
        self._look_at = now

    def hear(self, now: float) -> None:
        """Process the lists of sticks, and order the opener to open one."""
        names = self._opener.hear(now)
        if names is not None:
            self._register.listed(names, now, self._cleaner.dead, True, self._own_ports)
            self._place(now)
        self._clean_bus(now)
        names = self._lister.hear(now)
        if names is not None and not self._is_starting():   # one being opened is in no list
            self._register.listed(names, now, self._cleaner.dead)
            if not self._register.busy_elsewhere:
                self._fresh_look_at = float('inf')
            elif self._fresh_look_at == float('inf'):
                self._fresh_look_at = now + FRESH_LOOK_PERIOD_SEC

    def judge(self, now: float) -> None:
        """End workers without a stick that did not answer in time, and a cleaner without work."""
        for place in (self._opener, self._lister, self._cleaner):
            handle = place.judge(now)
            if handle is not None:
                self._endings.add(handle, None, now)

    def start(self, now: float) -> None:
        """Start a worker or look for sticks if that is due and no stick is being started."""
        if self._is_starting() or now < self._opener.not_before:
            return
        if min(self._register.next_due(), self._fresh_look_at) <= now:
            self._fresh_look_at = float('inf')
            self._opener.start(now)
        elif self._look_at <= now and self._register.expects_sticks():
            self._look_at = now + LOOK_PERIOD_SEC
            if self._lister.handle is not None:
                self._lister.look(now)
            elif now >= self._lister.not_before:
                self._opener.start(now)   # it stays as the lister

    def deadline(self, record: StickRecord, longest_start_sec: float | None,
                 now: float) -> tuple[float, str]:
        """Return when the worker must answer by, which depends on the sticks that wait for it."""
        return deadlines.of_start(record, self._options, longest_start_sec,
                                  self._register.waiting(now), self._register.has_slow(but=record))

    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` or :meth:`start` must be called at the latest."""
        due = [self._opener.deadline, self._lister.deadline, self._cleaner.deadline]
        if self._is_starting():
            # A stick that begins to wait may shorten a deadline.
            due.append(self._register.next_due(after=now))
        else:
            look_at = self._look_at if self._register.expects_sticks() else float('inf')
            due.append(max(min(self._register.next_due(), look_at, self._fresh_look_at),
                           self._opener.not_before))
        return min(due)

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        for place in (self._opener, self._lister, self._cleaner):
            place.deadline += delay_sec

    def opening(self) -> Sequence[ChildProcess]:
        """Return none: what a killed worker leaves behind delays the start of all sticks."""
        return ()

    def stop(self) -> bool:
        """End the cleaner; return False if that fails."""
        return self._cleaner.stop()

    def _is_starting(self) -> bool:
        return self._opener.handle is not None or any(
            record.state is StickState.STARTING for record in self._register.records)

    def _clean_bus(self, now: float) -> None:
        """Have the bus cleaned when the opener's turn has come, and let it list the sticks."""
        is_clean, left = self._cleaner.hear(now)
        for port, by_reset in left.items():
            self._look_at = now
            self._register.revived(port, by_reset, now)
        if self._opener.state is UnassignedState.HAS_TURN:
            own_ports = tuple(record.port for record in self._register.with_worker())
            # The stick of a worker that has ended since then is not cleaned yet.
            is_clean = is_clean and self._cleaner.spared.issubset(own_ports)
            if is_clean or not self._cleaner.clean(own_ports, now):
                self._own_ports = self._register.ports_with_process()
                self._opener.list_sticks(now)

    def _place(self, now: float) -> None:
        """Order the opener, which has listed the sticks, to open one or to stay as the lister."""
        self._look_at = now + LOOK_PERIOD_SEC
        record = self._register.due(now)
        handle = self._opener.dismiss()
        if record is not None:
            handle.started_at = now   # its wait for other programs does not count
            record.on_start(handle)
            handle.send(Open(record.name_now, tuple(
                other.port for other in self._register.records if other is not record)))
        elif self._lister.handle is None:
            self._lister.take_over(handle)
        else:
            self._endings.add(handle, None, now)
