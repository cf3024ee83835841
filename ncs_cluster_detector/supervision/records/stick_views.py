# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The state of all sticks for the policies and for other threads, made anew where it changed."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Protocol
from typing import TypeAlias

from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.snapshot import StickSnapshot

# The status before and after, each None if there is no such stick.
Change: TypeAlias = tuple[StickStatus | None, StickStatus | None]
# The busy share of a resting stick falls, so that its snapshot is made again after this time.
SNAPSHOT_VALID_SEC = 1.0


class Record(Protocol):
    """What is known of one stick, here or at another host."""

    number: int

    def status(self, now: float) -> StickStatus:
        """Return the StickStatus for the policies."""

    def snapshot(self, now: float, active: bool, status: StickStatus | None = None,
                 condition: Condition = Condition()) -> StickSnapshot:
        """Return the StickSnapshot for other threads."""


class Register(Protocol):
    """The records of some sticks."""

    @property
    def by_number(self) -> Mapping[int, Record]:
        """Return the records by number."""

    def shown(self) -> Sequence[Record]:
        """Return the records that are shown."""


class StickViews:
    """
    The StickStatus and the StickSnapshot of every stick that is shown.

    ``statuses`` has the StickStatus by number, as at the latest :meth:`refresh`.
    """

    def __init__(self, *registers: Register) -> None:
        """Show the sticks of one or more registers, whose numbers differ."""
        self.statuses: dict[int, StickStatus] = {}
        self._registers = registers
        self._changed: set[int] = set()   # numbers of the sticks whose status is out of date
        self._all_changed = True
        # By number: a StickSnapshot, and when it was made.
        self._snapshots: dict[int, tuple[StickSnapshot, float]] = {}

    def changed(self, number: int) -> None:
        """Note that a stick has changed."""
        self._changed.add(number)

    def all_changed(self) -> None:
        """Note that any stick may have changed, and that there may be others."""
        self._all_changed = True

    def renew(self, number: int, now: float) -> None:
        """Bring the status of one stick up to date."""
        self.statuses[number] = self._record(number).status(now)

    def refresh(self, now: float) -> list[Change]:
        """Bring all statuses up to date; return what has changed."""
        before = self.statuses
        if self._all_changed:
            shown = (record for register in self._registers for record in register.shown())
            self.statuses = {record.number: record.status(now)
                             for record in sorted(shown, key=lambda record: record.number)}
            numbers = before.keys() | self.statuses.keys()
        else:
            before = {number: before[number] for number in self._changed}
            for number in self._changed:
                self.renew(number, now)
            numbers = self._changed
        changes = [(before.get(number), self.statuses.get(number)) for number in numbers]
        self._all_changed = False
        self._changed.clear()
        return [(old, new) for old, new in changes if old != new]

    def snapshots(
            self, now: float, active: Collection[int],
            condition_of: Callable[[StickStatus], Condition] = lambda status: Condition(),
            ) -> tuple[StickSnapshot, ...]:
        """Return the StickSnapshot of all sticks, by number, as at the latest refresh."""
        before, self._snapshots = self._snapshots, {}
        for number, status in self.statuses.items():
            condition, is_active = condition_of(status), number in active
            snapshot, made_at = before.get(number, (None, now))
            if (snapshot is None or snapshot.status is not status or snapshot.active != is_active
                    or snapshot.condition is not condition or now >= made_at + SNAPSHOT_VALID_SEC):
                made_at, snapshot = now, self._record(number).snapshot(
                    now, is_active, status, condition)
            self._snapshots[number] = snapshot, made_at
        return tuple(snapshot for snapshot, _ in self._snapshots.values())

    def _record(self, number: int) -> Record:
        return next(register.by_number[number] for register in self._registers
                    if number in register.by_number)
