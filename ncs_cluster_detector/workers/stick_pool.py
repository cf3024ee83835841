# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The sticks' worker processes: starts, hears, judges and ends them."""

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.workers.endings import end_all
from ncs_cluster_detector.workers.endings import Endings
from ncs_cluster_detector.workers.endings import STOP_GRACE_SEC
from ncs_cluster_detector.workers.messages import Fault
from ncs_cluster_detector.workers.messages import Open
from ncs_cluster_detector.workers.messages import Reading
from ncs_cluster_detector.workers.messages import Ready
from ncs_cluster_detector.workers.messages import Result
from ncs_cluster_detector.workers.messages import Step
from ncs_cluster_detector.workers.stick_finder import StickFinder
from ncs_cluster_detector.workers.stick_register import StickRegister

# How often to look for sticks that were plugged in: neither the SDK nor, in a container, the
# system tells. With a boot of 1.5 s a replugged stick is back within five seconds.
LOOK_PERIOD_SEC = 1.0
# How often to look with a fresh worker while sticks are listed that some process has open: only
# before that one lists them the bus is cleaned of those whose process was killed.
FRESH_LOOK_PERIOD_SEC = 30.0


class StickPool:
    """
    All sticks of the machine, each with at most one worker.

    One worker is in start-up at a time: it lists the sticks, is told which to open, and is
    followed by the next, until one finds none to open and stays as the scout. Before it lists the
    sticks the bus is cleaned.
    """

    def __init__(self, options, cleaner, logger):
        """Start with no known stick; see SupervisorOptions, BusCleaner and Supervisor's logger."""
        self._options = options
        self._logger = logger
        self._register = StickRegister(options.max_sticks, logger)
        self._starter = StickFinder(options, logger)
        self._scout = StickFinder(options, logger)
        self._cleaner = cleaner
        self._endings = Endings()
        self._look_at = float('-inf')
        self._fresh_look_at = float('inf')
        self._longest_start_sec = None   # None until a stick has started
        self._held_back = []             # lines for the log
        self._settled = []
        self._lost = []
        self.unusable = None        # (parameter, text): what no stick can mend

    def statuses(self, now):
        """Return the StickStatus of all sticks that are told of, by number."""
        return [record.status(now) for record in self._register.shown()]

    def snapshots(self, now, active):
        """Return the StickSnapshot of all sticks that are told of, by number."""
        return tuple(record.snapshot(now, record.number in active)
                     for record in self._register.shown())

    def waitables(self):
        """Return what becomes ready when a worker says something or ends."""
        return [waitable for handle in self._handles() for waitable in handle.waitables()] + [
            handle.sentinel for handle in self._endings.handles()] + self._cleaner.waitables()

    def post(self, number, frame, now):
        """Give a frame to a stick."""
        record = self._register.records[number]
        record.handle.post(frame.number, frame, now)
        record.given(now)

    def take_settled(self):
        """Return the pairs of Result and Frame that came in since the last call."""
        settled, self._settled = self._settled, []
        return settled

    def take_lost(self):
        """Return the numbers of the frames that were lost with a worker since the last call."""
        lost, self._lost = self._lost, []
        return lost

    def receive(self, now):
        """Take in all that the workers have said, and notice those that have ended."""
        self._endings.reap(now)
        names = self._starter.hear(now)
        self.unusable = self.unusable or self._starter.unusable
        if names is not None:
            self._register.listed(names, now, self._cleaner.dead, is_first=True)
            self._place(now)
        self._clean_bus(now)
        names = self._scout.hear(now)
        if names is not None and not self._is_starting():   # one being opened is in no list
            self._register.listed(names, now, self._cleaner.dead)
            if not self._register.strangers:
                self._fresh_look_at = float('inf')
            elif self._fresh_look_at == float('inf'):
                self._fresh_look_at = now + FRESH_LOOK_PERIOD_SEC
        for record in self._records_with_worker():
            self._hear(record, now)

    def judge(self, now):
        """Give up workers that are over a deadline, and start or look for what is due."""
        for record in self._records_with_worker():
            due_at, text = self._deadline(record, now)
            if now >= due_at:
                self._fail(record, text, now, kill_at=now)
        for finder in (self._starter, self._scout):
            gone = finder.judge(now)
            if gone is not None:
                self._endings.add(gone, None, now)
        self._endings.reap(now)
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
        """Return when :meth:`judge` has something to do at the latest."""
        due = [self._deadline(record, now)[0] for record in self._records_with_worker()]
        due += [self._starter.deadline(), self._scout.deadline(), self._cleaner.deadline(),
                self._endings.next_due()]
        if self._is_starting():
            due.append(self._register.next_due(after=now))   # who waits may shorten a deadline
        else:
            look_at = self._look_at if self._register.expects_sticks() else float('inf')
            due.append(max(min(self._register.next_due(), look_at, self._fresh_look_at),
                           self._starter.not_before))
        return min(due)

    def forgive(self, delay_sec):
        """Move all deadlines, for this process itself has stood still so long."""
        for waited_for in (self._starter, self._scout, self._cleaner):
            waited_for.forgive(delay_sec)
        for record in self._records_with_worker():
            record.handle.forgive(delay_sec)

    def stop(self):
        """End all workers; return False if one of them cannot be ended."""
        for record in self._register.records:
            record.stopping()
        has_ended = self._cleaner.stop()
        return end_all(self._handles() + self._endings.handles(), self._logger) and has_ended

    def _records_with_worker(self):
        return [record for record in self._register.records if record.handle is not None]

    def _deadline(self, record, now):
        others = ((self._register.waiting(now), self._register.has_slow(but=record))
                  if record.state is StickState.STARTING else ((), False))
        return record.deadline(self._options, self._longest_start_sec, *others)

    def _handles(self):
        handles = [record.handle for record in self._records_with_worker()]
        return handles + [finder.handle for finder in (self._starter, self._scout)
                          if finder.handle is not None]

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
            own_ports = tuple(record.port for record in self._records_with_worker())
            # What a worker has left that ended meanwhile is not cleaned yet.
            is_clean = is_clean and self._cleaner.spared.issubset(own_ports)
            if is_clean or not self._cleaner.clean(own_ports, now):
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

    def _hear(self, record, now):
        handle = record.handle
        has_ended = handle.has_ended()   # before its last words are read
        for message in handle.messages():
            if isinstance(message, Result):
                self._settle(record, message, now)
            elif isinstance(message, Reading):
                handle.heard_at = now
                record.measured(message)
            elif isinstance(message, Step):
                handle.step, handle.step_at = message.name, now
            elif isinstance(message, Ready):
                self._longest_start_sec = max(self._longest_start_sec or 0.0,
                                              now - handle.started_at)
                handle.heard_at = now
                handle.step = None
                record.running(now)
                self._tell_held_back()
                record.measured(message.reading)
                self._logger.info(f'stick {record.number} ({record.device_name}) is ready, worker '
                                  f'process {handle.pid}')
            elif isinstance(message, Fault):
                self._hear_fault(record, message, now)
                return
        if has_ended:
            self._fail(record, handle.how_it_ended(), now, kill_at=now)

    def _settle(self, record, result, now):
        frame = record.handle.settle(result, now)
        if frame is None:
            return
        self._settled.append((result, frame))
        if result.unusable_boxes and not record.unusable_boxes:
            self._logger.warning(
                f'stick {record.number} ({record.device_name}): {result.unusable_boxes} boxes of '
                'a result dropped, which are not finite, empty, outside the image or of a class '
                'without a label; do label_files fit graph_paths? Further ones are only counted')
        record.inferred(result, now)

    def _hear_fault(self, record, fault, now):
        kill_at = now + STOP_GRACE_SEC
        if fault.in_use:
            self._endings.add(record.handle, record, kill_at)
            record.taken(now)
            self._endings.reap(now)
            self._look_at = now   # there may be another one that is free
            return
        refused = bool(fault.parameter) and record.state is StickState.STARTING
        self._fail(record, fault.text, now, kill_at, refused)
        if refused and self._longest_start_sec is None and self._register.refuse_all():
            self.unusable = (fault.parameter, fault.text)   # which ends the node

    def _fail(self, record, text, now, kill_at, refused=False):
        handle = record.handle
        self._lost += handle.outstanding
        is_news = not record.tries() or text != record.last_error
        plan = record.failed(text, now, refused)
        self._endings.add(handle, record, kill_at)
        self._endings.reap(now)   # as a rule it is gone at once
        if is_news or plan.fatal:   # the others are counted in the diagnostics
            self._held_back.append(
                f'stick {record.number} ({record.device_name}): {text}; '
                f'{"given up for" if plan.fatal else "starting again in"} {plan.delay_sec:g} s')
        if not refused or self._longest_start_sec is not None:
            self._tell_held_back()

    def _tell_held_back(self):
        """Log failures; refusals are held back until it is known that the networks are good."""
        for line in self._held_back:
            self._logger.error(line)
        self._held_back.clear()
