# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Knows all sticks by number and USB port, and whose worker is due."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import count
import sys

from ncs_cluster_detector.policy.reliability import refusal
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision.records.device_list import by_port
from ncs_cluster_detector.supervision.records.device_list import complaint_about
from ncs_cluster_detector.supervision.records.device_list import title_of
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.wire.messages import DeadStick


class StickRegister:
    """
    The records of all sticks, and which of them have one of the ``max_sticks`` places.

    A stick gets the next number when it is first listed, in the order of the USB ports, and keeps
    it: number n stays at the same port when the stick is restarted or replugged. Only a stick that
    is away for some seconds loses its number to a stick at a new port, usually the same stick. A
    stick that another program has open gets its number when it becomes free.

    A stick that was opened keeps its place while it is plugged in and no other program has it
    open. Before that, a stick that has failed gives its place to one that has not been tried. A
    dead stick has a number, so that it is shown, but no place; where sticks start together, it has
    one that no other wants.
    """

    def __init__(self, max_sticks: int, logger: Logger,
                 numbers: Iterator[int] | None = None, starts_together: bool = False) -> None:
        """Start with no known stick; ``max_sticks`` 0 means all, ``numbers`` are for new ones."""
        self._starts_together = starts_together
        self.records: list[StickRecord] = []
        self.by_number: dict[int, StickRecord] = {}
        self._numbers = numbers or count()
        # Names of sticks that would be used if no other program had them.
        self.busy_elsewhere: tuple[str, ...] = ()
        self._unused: tuple[str, ...] = ()   # names of free sticks without a number
        self._starts = 0       # number of starts before the latest list
        self._max_sticks = max_sticks or sys.maxsize
        self._logger = logger
        self._last_complaint: str | None = None
        self._was_empty = False   # the latest list, and no worker had a stick

    def shown(self) -> list[StickRecord]:
        """Return the records that are shown: those with a place, and dead ones."""
        return [record for record in self.records if record.has_place or record.is_dead()]

    def with_worker(self) -> list[StickRecord]:
        """Return the records that have a worker."""
        return [record for record in self.records if record.handle is not None]

    def by_worker(self) -> dict[ChildProcess, StickRecord]:
        """Return the records that have a worker, by it."""
        return {record.worker: record for record in self.with_worker()}

    def ports_with_process(self) -> tuple[str, ...]:
        """Return the ports of the records whose worker has not ended."""
        return tuple(record.port for record in self.records if not record.waits())

    def listed(
            self, device_names: Sequence[str], now: float, dead: Mapping[str, DeadStick],
            is_first: bool = False, own_ports: Sequence[str] = (), is_calm: bool = True) -> None:
        """
        Update the records from a list of the device names of all sticks of the machine.

        :param dead: the dead sticks by USB port.
        :param is_first: see StickRecord.on_listing.
        :param own_ports: ports of the sticks that had a worker of ours before such a list began.
        :param is_calm: False if a stick may be away only because its worker has ended.
        """
        names = {port_of(name): name for name in sorted(device_names, key=by_port)}
        starts = sum(record.starts for record in self.records)
        is_calm, self._starts = is_calm and starts == self._starts, starts
        news = [record for record in self.records
                if record.on_listing(
                    names, now, dead, is_first and record.port not in own_ports, is_calm)]
        known = {record.port for record in self.records}
        further = {port: name for port, name in names.items() if port not in known}
        free = [name for name in further.values() if not is_in_use(name)]
        newcomers = free[:self._room_for_newcomers(len(free), now)]
        self._give_places(now, kept=len(newcomers))
        newcomers += [name for port, name in further.items() if is_in_use(name) and port in dead]
        given = self._give_numbers(sorted(newcomers, key=by_port), now)
        news += [record for record in given if record.on_listing(names, now, dead)]
        self._give_places(now)
        for record in news:
            self._logger.error(
                f'{title_of(record.number, record.device_name)}: it has booted and does not '
                'answer on USB, so it is left out; unplug it and plug it in again (until then '
                'it is reset by USB again and again, and used if that helps)')
        numbered = {record.port for record in self.records}
        self._unused = tuple(name for name in free if port_of(name) not in numbered)
        self.busy_elsewhere = tuple(
            name for port, name in further.items()
            if is_in_use(name) and port not in dead and self._has_room())
        self.busy_elsewhere += tuple(
            record.name_now for record in self.records
            if record.in_use and (record.has_place or self._has_room()))
        # Also at the start of a node: the one before may just have reset all sticks.
        is_empty = not device_names and not self.ports_with_process()
        may_be_away = self._starts_together and not (is_empty and self._was_empty)
        self._was_empty = is_empty
        complaint = complaint_about(device_names, bool(self.shown()), may_be_away)
        if complaint and complaint != self._last_complaint:
            self._logger.warning(complaint)
        self._last_complaint = complaint

    def _room_for_newcomers(self, wanted: int, now: float) -> int:
        """Return how many newcomers get a place, which may be taken from a known stick."""
        stronger = sum(_claim(record, now) <= (2, 0)   # that of a newcomer
                       for record in self.records if _may_be_used(record))
        return max(min(self._max_sticks - stronger, wanted), 0)

    def _give_places(self, now: float, kept: int = 0) -> None:
        """Give the places to the sticks with the strongest claims; keep ``kept`` places free."""
        records = sorted(filter(_may_be_used, self.records), key=lambda record: (
            _claim(record, now), not record.has_place, record.number))
        for record in self.records:
            record.has_place = False
        for place, record in enumerate(records, start=kept + 1):
            record.has_place = place <= self._max_sticks

    def _give_numbers(self, names: Sequence[str], now: float) -> list[StickRecord]:
        """
        Return the records of newcomers.

        While a stick is missing that may come back any moment, a newcomer waits: it may be the
        same stick at another port.
        """
        left = [record for record in self.records if record.waits() and (
            record.presence.is_away(now) or record.in_use and not record.has_place)]
        waited_for = sum(
            record.has_place and not (record.presence.is_there or record.presence.is_away(now))
            for record in self.records)
        given = []
        for name in names:
            if left and not is_in_use(name):
                record = left.pop(0)
                self._logger.info(f'stick {record.number} is the one at port {port_of(name)} from '
                                  f'now on, in the place of the one at port {record.port}')
                record.on_move(name, now)
            elif waited_for and not is_in_use(name):
                waited_for -= 1
                continue
            else:
                record = StickRecord(next(self._numbers), name, now, self._starts_together)
                self.records.append(record)
                self.by_number[record.number] = record
            given.append(record)
        return given

    def due(self, now: float) -> StickRecord | None:
        """
        Return the record whose worker is due, or None; of several, the one that failed least.

        One exception: the vendor's library waits longer for a stick that is slow to boot while
        another one has not booted yet (see BOOT_SEC). So a stick that was not back in time has its
        second try before the last of the others.
        """
        # A stick that delayed others while it was opened comes after the others.
        due = sorted(self._due(now), key=lambda record: (
            record.setbacks.holds_up(), record.setbacks.tries(), record.start_at, record.number))
        if sum(not record.setbacks.failures for record in due) == 1:
            due = [record for record in due
                   if record.setbacks.slow == record.setbacks.failures == 1] + due
        return due[0] if due else None

    def waiting(self, now: float) -> list[StickRecord]:
        """Return the records that wait for their turn, except those that have delayed others."""
        return [record for record in self._due(now) if not record.setbacks.holds_up()]

    def has_slow(self, but: StickRecord) -> bool:
        """Return whether another stick was not back from its boot in time, and not well since."""
        return any(record.setbacks.slow for record in self.records if record is not but)

    def _due(self, now: float) -> list[StickRecord]:
        return [record for record in self._queued() if record.start_at <= now]

    def next_due(self, after: float = float('-inf')) -> float:
        """Return when the next worker is due (of those due later than ``after``), or infinite."""
        return min((record.start_at for record in self._queued() if record.start_at > after),
                   default=float('inf'))

    def _queued(self) -> list[StickRecord]:
        return [record for record in self.records
                if record.has_place and record.waits_until() is not None]

    def expects_sticks(self) -> bool:
        """Return whether a stick that is plugged in now would be used."""
        return self._has_room() or any(record.waits() for record in self.shown())

    def refuse_all(self) -> bool:
        """Return whether all sticks provably refuse the networks, which none has loaded."""
        there = [record for record in self.records if record.presence.is_there
                 and not record.is_dead() and not record.in_use
                 and (record.has_place or record.setbacks.tries())]
        return refusal.is_proven(
            [(record.setbacks.tries(), record.setbacks.refusals) for record in there],
            len(self._unused))

    def revived(self, port: str, by_reset: bool, now: float) -> None:
        """Record that the dead stick at a port has left the bus: reset or unplugged."""
        for record in self.records:
            if record.port == port and by_reset:
                self._logger.warning(f'{title_of(record.number, record.device_name)}: a reset by '
                                     'USB has helped, it is started again')
            elif record.port == port:
                record.on_replug(now)

    def _has_room(self) -> bool:
        return sum(record.has_place for record in self.records) < self._max_sticks


def _may_be_used(record: StickRecord) -> bool:
    """Return whether a known stick may have a place; not if another program opened it first."""
    is_left_out = record.is_dead() and record.waits_until() is None
    return not is_left_out and not (record.in_use and not record.was_opened())


def _claim(record: StickRecord, now: float) -> tuple[int, int]:
    """Return the claim of a known stick to a place; a smaller one is stronger."""
    if not record.waits():
        return 0, 0   # it has a worker
    if record.in_use or record.presence.is_away(now):
        return 3, 0
    if record.is_dead():
        return 2, sys.maxsize   # any other that is there comes first
    return (1, 0) if record.was_opened() else (2, record.setbacks.tries())
