# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Whose turn it is to start: one worker at a time lists the sticks and opens one of them."""

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.supervision.unassigned_worker import UnassignedWorker
from ncs_cluster_detector.wire.messages import Open

# How often to look for sticks that were plugged in: neither the SDK nor, in a container, the
# system tells. With a boot of 1.5 s a replugged stick is back within five seconds.
LOOK_PERIOD_SEC = 1.0
# How often to look with a fresh worker while sticks are listed that some process has open: only
# before that one lists them the bus is cleaned of those whose process was killed.
FRESH_LOOK_PERIOD_SEC = 30.0


class StartTurn:
    """
    Lists the sticks again and again, and gives the one that is due a worker.

    One worker is in start-up at a time: it lists the sticks, is told which to open, and is
    followed by the next, until one finds none to open and stays as the scout. Before it lists the
    sticks the bus is cleaned.
    """

    def __init__(self, options, register, cleaner, endings, logger):
        """Start without a worker; see SupervisorOptions, StickRegister, BusCleaner, Endings."""
        self._register = register
        self._cleaner = cleaner
        self._endings = endings
        self._starter = UnassignedWorker(options, logger)
        self._scout = UnassignedWorker(options, logger)
        self._own_ports = ()    # of the sticks that had a worker when the starter began to list
        self._look_at = float('-inf')
        self._fresh_look_at = float('inf')

    @property
    def unusable(self):
        """Return the parameter and the text of what no stick can mend, or None."""
        return self._starter.unusable

    def handles(self):
        """Return the workers that have no stick."""
        return [finder.handle for finder in (self._starter, self._scout)
                if finder.handle is not None]

    def look_now(self, now):
        """Have the sticks listed as soon as none is being started."""
        self._look_at = now

    def hear(self, now):
        """Take in the lists of sticks, and give the worker that has its turn a stick to open."""
        names = self._starter.hear(now)
        if names is not None:
            self._register.listed(names, now, self._cleaner.dead, True, self._own_ports)
            self._place(now)
        self._clean_bus(now)
        names = self._scout.hear(now)
        if names is not None and not self._is_starting():   # one being opened is in no list
            self._register.listed(names, now, self._cleaner.dead)
            if not self._register.strangers:
                self._fresh_look_at = float('inf')
            elif self._fresh_look_at == float('inf'):
                self._fresh_look_at = now + FRESH_LOOK_PERIOD_SEC

    def judge(self, now):
        """Give up workers without a stick that are over a deadline."""
        for finder in (self._starter, self._scout):
            gone = finder.judge(now)
            if gone is not None:
                self._endings.add(gone, None, now)

    def start(self, now):
        """Start or look for what is due, unless something is being started."""
        if self._is_starting() or now < self._starter.not_before:
            return
        if min(self._register.next_due(), self._fresh_look_at) <= now:
            self._fresh_look_at = float('inf')
            self._starter.start(now)
        elif self._look_at <= now and self._register.expects_sticks():
            self._look_at = now + LOOK_PERIOD_SEC
            if self._scout.handle is not None:
                self._scout.look(now)
            elif now >= self._scout.not_before:
                self._starter.start(now)   # it stays as the scout

    def next_due(self, now):
        """Return when there is something to judge or to start at the latest."""
        due = [self._starter.deadline(), self._scout.deadline()]
        if self._is_starting():
            due.append(self._register.next_due(after=now))   # who waits may shorten a deadline
        else:
            look_at = self._look_at if self._register.expects_sticks() else float('inf')
            due.append(max(min(self._register.next_due(), look_at, self._fresh_look_at),
                           self._starter.not_before))
        return min(due)

    def extend_deadlines(self, delay_sec):
        """Move all deadlines, for this process itself has stood still so long."""
        for finder in (self._starter, self._scout):
            finder.extend_deadlines(delay_sec)

    def _is_starting(self):
        return self._starter.handle is not None or any(
            record.state is StickState.STARTING for record in self._register.records)

    def _clean_bus(self, now):
        """Have the bus cleaned when the starter's turn has come, and let it list the sticks."""
        is_clean, left = self._cleaner.hear(now)
        for port, by_reset in left.items():
            self._look_at = now
            self._register.revived(port, by_reset, now)
        if self._starter.has_turn:
            own_ports = tuple(record.port for record in self._register.with_worker())
            # What a worker has left that ended meanwhile is not cleaned yet.
            is_clean = is_clean and self._cleaner.spared.issubset(own_ports)
            if is_clean or not self._cleaner.clean(own_ports, now):
                self._own_ports = self._register.ports_with_process()
                self._starter.list_sticks(now)

    def _place(self, now):
        """Tell the starter, which has listed the sticks, what to do."""
        self._look_at = now + LOOK_PERIOD_SEC
        record = self._register.due(now)
        handle = self._starter.dismiss()
        if record is not None:
            handle.started_at = now   # what it waited for other programs does not count
            record.starting(handle)
            handle.send(Open(record.name_now, self._register.ports_but(record)))
        elif self._scout.handle is None:
            self._scout.take_over(handle)
        else:
            self._endings.add(handle, None, now)
