# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks' worker processes: reads their messages, checks their deadlines, ends them."""

from collections.abc import Iterator
from collections.abc import Set

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.endings import end_all
from ncs_cluster_detector.supervision.endings import Endings
from ncs_cluster_detector.supervision.endings import STOP_GRACE_SEC
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.pool_log import PoolLog
from ncs_cluster_detector.supervision.records import deadlines
from ncs_cluster_detector.supervision.records.setbacks import Cause
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.records.stick_register import StickRegister
from ncs_cluster_detector.supervision.records.stick_views import StickViews
from ncs_cluster_detector.supervision.starting.bus_cleaner import BusCleaner
from ncs_cluster_detector.supervision.starting.parallel_starts import ParallelStarts
from ncs_cluster_detector.supervision.starting.start_turn import StartTurn
from ncs_cluster_detector.supervision.starting.starts import Starts
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.transitions import WrongTransitionError
from ncs_cluster_detector.wire import messages


class StickPool:
    """
    All sticks of the machine, each with at most one worker.

    ``input_size`` is the largest (width, height) of an input of the networks, or None before a
    stick has loaded them.
    """

    def __init__(self, options: SupervisorOptions, cleaner: BusCleaner | None, logger: Logger,
                 numbers: Iterator[int] | None = None) -> None:
        """Start without sticks; see cleaner_for. ``numbers`` are for new ones, 0 first."""
        self._options = options
        self._log = PoolLog(logger)
        self._logger = logger
        self.register = StickRegister(options.max_sticks, logger, numbers, cleaner is None)
        self._endings = Endings()
        self._starts: Starts = (
            ParallelStarts(options, self.register, self._endings, logger) if cleaner is None else
            StartTurn(options, self.register, cleaner, self._endings, logger))
        self._longest_start_sec: float | None = None   # None until a stick has started
        self.input_size: tuple[int, int] | None = None
        self._results: list[tuple[int, messages.Outcome, Frame]] = []
        self._lost: list[tuple[int, Frame]] = []   # stick and frame
        self.unusable: tuple[str, str] | None = None   # a parameter that no stick can use, and why
        self.views = StickViews(self.register)
        # Whether only results and readings came since all sticks were looked at; when that is due.
        self._is_calm, self._due_at = False, float('-inf')
        self._by_worker: dict[ChildProcess, StickRecord] = {}   # while it is calm

    def newest_processes(self) -> list[ChildProcess]:
        """Return the processes that may have been started since the last call."""
        return list(self._starts.newest())

    def post(self, number: int, frame: Frame, now: float) -> None:
        """Send a frame to a stick."""
        record = self.register.by_number[number]
        record.worker.post(frame, now)
        record.figures.on_frame_sent(now)
        self.views.renew(number, now)
        self._watch_deadline(record, now)

    def frames_of(self, number: int) -> dict[int, Frame]:
        """Return the frames on a stick as a dictionary by frame number, oldest first."""
        handle = self.register.by_number[number].handle
        return handle.frames if handle is not None else {}

    def note_late(self, number: int) -> None:
        """Record that a result takes several times the usual time."""
        self.register.by_number[number].setbacks.trust.late()
        self.views.changed(number)

    def note_lost(self, number: int) -> None:
        """Record that a frame will have no result because the stick lost it."""
        self.register.by_number[number].figures.frames_lost += 1
        self.views.changed(number)

    def restart(self, number: int, reason: str, now: float) -> None:
        """End the worker of a running stick, so that it starts again."""
        record = self.register.by_number[number]
        record.worker.send(messages.Stop())
        self._fail(record, reason, now, now + STOP_GRACE_SEC, cause=Cause.WANTED)

    def take_results(self) -> list[tuple[int, messages.Outcome, Frame]]:
        """Return the new results: stick number, Outcome and Frame of each."""
        results, self._results = self._results, []
        return results

    def take_lost(self) -> list[tuple[int, Frame]]:
        """Return the newly lost frames: pairs of stick number and Frame."""
        lost, self._lost = self._lost, []
        return lost

    def receive(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """Read the messages of the ``ready`` processes, all by default; notice their ends."""
        if self._endings.reap(now, ready or ()) or ready is None or now >= self._due_at or (
                self._starts.is_concerned(ready)):
            self._is_calm = False
        if not self._is_calm:
            self._starts.hear(now)
            self.unusable = self.unusable or self._starts.unusable
            self._by_worker = self.register.by_worker()
        for process in self._by_worker.keys() if ready is None else self._by_worker.keys() & ready:
            self._hear(self._by_worker[process], now)

    def judge(self, now: float) -> None:
        """Give up workers that missed a deadline; start workers and look for sticks if due."""
        if self._is_calm and now < self._due_at:
            return   # results and readings only: no stick needs to be looked at
        for record in self.register.with_worker():
            due_at, text = self._deadline(record, now)
            if now >= due_at:
                self._fail(record, text, now, kill_at=now)
        self._starts.judge(now)
        self._endings.reap(now)
        self._starts.start(now)
        self._is_calm = False
        self._due_at = self.next_due(now)
        self._is_calm, self._by_worker = True, self.register.by_worker()
        self.views.all_changed()

    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` must be called at the latest."""
        if self._is_calm:
            return self._due_at
        due = [self._deadline(record, now)[0] for record in self.register.with_worker()]
        due += [self._starts.next_due(now), self._endings.next_due()]
        return min(due)

    def _watch_deadline(self, record: StickRecord, now: float) -> None:
        """Note a deadline that may have become earlier; a later one is found out in time."""
        if self._is_calm:
            self._due_at = min(self._due_at, self._deadline(record, now)[0])

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        self._is_calm = False
        self._starts.extend_deadlines(delay_sec)
        for record in self.register.with_worker():
            record.worker.extend_deadlines(delay_sec)

    def stop(self) -> bool:
        """End all workers; return False if one of them cannot be ended."""
        for record in self.register.records:
            record.on_stop()
        has_ended = self._starts.stop()
        workers: list[ChildProcess] = [record.worker for record in self.register.with_worker()]
        workers += [*self._starts.handles(), *self._endings.handles()]
        return end_all(workers, self._logger, self._starts.opening()) and has_ended

    def _deadline(self, record: StickRecord, now: float) -> tuple[float, str]:
        if record.state is not StickState.STARTING:
            return deadlines.of_work(record.worker, self._options, record.figures.pause_level)
        return self._starts.deadline(record, self._longest_start_sec, now)

    def _hear(self, record: StickRecord, now: float) -> None:
        handle = record.worker
        has_ended = handle.has_ended()   # before its last messages are read
        try:
            for message in handle.messages():
                if isinstance(message, messages.Fault):
                    self._hear_fault(record, message, now)
                    return
                self._take_in(record, message, now)
        except WrongTransitionError as error:
            handle.reject(f'sent a message at a wrong time ({error})')
        self.views.changed(record.number)
        self._watch_deadline(record, now)
        if has_ended:
            self._fail(record, handle.how_it_ended(), now, now,
                       Cause.KILLED if handle.was_killed() else Cause.STICK)

    def _take_in(self, record: StickRecord, message: object, now: float) -> None:
        handle = record.worker
        if isinstance(message, (messages.Result, messages.Unreadable)):
            self._settle(record, message, now)
        elif isinstance(message, messages.Reading):
            record.on_reading(message)
            handle.on_reading(now)
        elif isinstance(message, messages.Step):
            self._is_calm = False
            handle.on_step(message.step, now)
        elif isinstance(message, messages.Ready):
            self._is_calm = False
            handle.on_step(OpeningStep.READY, now)
            record.on_ready(now)
            self._longest_start_sec = max(self._longest_start_sec or 0.0, now - handle.started_at)
            self.input_size = message.input_size
            record.figures.has_thermometer = message.has_thermometer
            record.on_reading(message.reading)
            self._log.ready(record)

    def _settle(self, record: StickRecord, result: messages.Outcome, now: float) -> None:
        if (frame := record.worker.settle(result, now)) is None:
            return
        self._results.append((record.number, result, frame))
        if isinstance(result, messages.Unreadable):
            return record.figures.on_unreadable(now, bool(record.worker.outstanding))
        self._log.unusable_boxes(record, result)
        record.on_result(result, now)

    def _hear_fault(self, record: StickRecord, fault: messages.Fault, now: float) -> None:
        kill_at = now + STOP_GRACE_SEC
        is_starting = record.state is StickState.STARTING
        if fault.in_use and is_starting:
            self._is_calm = False
            self._endings.add(record.worker, record, kill_at)
            record.on_taken(now)
            self._endings.reap(now)
            self._starts.look_now(now)   # another stick may be free
            return
        cause = Cause.STICK
        if is_starting and (fault.dead or fault.parameter):
            cause = Cause.DEAD if fault.dead else Cause.REFUSAL
        self._fail(record, fault.text, now, kill_at, cause)
        may_be_all = cause is Cause.REFUSAL and self._longest_start_sec is None
        if may_be_all and self.register.refuse_all():
            self.unusable = (fault.parameter, fault.text)   # which ends the node

    def _fail(
            self, record: StickRecord, text: str, now: float, kill_at: float,
            cause: Cause = Cause.STICK) -> None:
        self._is_calm = False
        handle = record.worker
        self._lost += [(record.number, frame) for frame in handle.frames.values()]
        is_news = not record.setbacks.tries() or text != record.last_error
        plan = record.on_failure(text, now, cause)
        self.views.all_changed()
        self._endings.add(handle, record, kill_at)
        self._endings.reap(now)   # usually it ends at once
        # The diagnostics count the others; the register tells of a dead one.
        if (is_news or plan.fatal) and cause is not Cause.DEAD:
            self._log.failed(record, text, plan)
        if cause is not Cause.REFUSAL or self._longest_start_sec is not None:
            self._log.held_back()   # refusals wait until a stick has loaded the networks
