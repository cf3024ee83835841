# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor's record of one stick, which outlives the stick's workers."""

from collections.abc import Mapping

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.reliability.presence import Presence
from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision.records.setbacks import Cause
from ncs_cluster_detector.supervision.records.setbacks import Setbacks
from ncs_cluster_detector.supervision.records.stick_figures import StickFigures
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.transitions import check_transition
from ncs_cluster_detector.wire import messages

_WAITING = (StickState.BACKOFF, StickState.FATAL, StickState.ABSENT, StickState.DEAD)
_STARTABLE = (StickState.BACKOFF, StickState.FATAL)


class StickRecord:
    """
    One stick: number, USB port, the state of its worker, and its figures.

    Its life: BACKOFF until a worker is due, STARTING until its stick is open, RUNNING; after a
    failure STOPPING until the process has ended, then BACKOFF again or, when the budget is used
    up, FATAL for a long rest. Instead of waiting it is ABSENT while it is not plugged in, and DEAD
    while it has booted and does not answer on USB. While another program has it open, no worker is
    due. QUEUED is only shown, see shown_state. If sticks start together, workers try a DEAD one.
    """

    def __init__(self, number: int, device_name: str, now: float,
                 starts_together: bool = False) -> None:
        """Start with a stick that waits for its first worker."""
        self.number, self.device_name = number, device_name
        self.name_now = device_name     # as last listed without a worker: no kind while in use
        self.state = StickState.BACKOFF
        self._startable = _STARTABLE + (StickState.DEAD,) * starts_together
        self.start_at = now     # when a new worker is due, in these states
        self.handle: WorkerHandle | None = None
        self.restarts, self.last_error = 0, ''
        self.dead_since: float | None = None    # as far as is known, on the monotonic clock
        self.setbacks, self.starts, self.presence = Setbacks(starts_together), 0, Presence()
        self.has_place = False      # it is one of the max_sticks to use
        self.in_use = False         # another program has it open
        self.is_away = False        # its worker has just reset it
        self._is_shown_dead = False  # since it ran last
        self._ready_at: float | None = None
        self._is_given_up = False   # it becomes FATAL when its worker has ended
        self.figures = StickFigures(now)

    @property
    def worker(self) -> WorkerHandle:
        """Return the handle of its worker; there must be one."""
        assert self.handle is not None, f'stick {self.number} has no worker, it is {self.state}'
        return self.handle

    def _change_state(self, new: StickState, *predecessors: StickState) -> None:
        check_transition(f'stick {self.number}', self.state, new, predecessors)
        self.state = new
        if new in (StickState.RUNNING, StickState.BACKOFF, StickState.ABSENT):
            self.dead_since = None

    def waits_until(self) -> float | None:
        """Return when a worker is due; None if it has one or there is no free stick."""
        is_waiting = self.state in self._startable and not (self.in_use or self.is_away)
        return self.start_at if is_waiting else None

    def shown_state(self, now: float) -> StickState:
        """Return the state; QUEUED if a worker is due and waits, DEAD while one only tries."""
        start_at = self.waits_until()
        is_queued = start_at is not None and now >= start_at
        return (StickState.DEAD if self.dead_since is not None else
                StickState.QUEUED if is_queued else self.state)

    def on_start(self, handle: WorkerHandle) -> None:
        """Take a worker that opens this stick (BACKOFF, FATAL, perhaps DEAD -> STARTING)."""
        self._change_state(StickState.STARTING, *self._startable)
        self.starts += 1
        self.handle = handle

    def on_ready(self, now: float) -> None:
        """Record that the stick is open (STARTING -> RUNNING)."""
        self._change_state(StickState.RUNNING, StickState.STARTING)
        self._ready_at = now
        self._is_shown_dead = False
        self.setbacks.refusals.clear()

    def on_taken(self, now: float) -> None:
        """Record that another program opened it first (STARTING -> STOPPING); no failure."""
        self._change_state(StickState.STOPPING, StickState.STARTING)
        self.in_use = True
        self._is_given_up, self.dead_since = False, None
        self.start_at = now
        self.handle = None

    def on_failure(
            self, text: str, now: float, cause: Cause = Cause.STICK) -> restart.RestartPlan:
        """Record a failure (STARTING, RUNNING -> STOPPING); return the RestartPlan."""
        was_at_work = self.state is StickState.RUNNING
        self._change_state(StickState.STOPPING, StickState.STARTING, StickState.RUNNING)
        self.dead_since = self.dead_since or now if cause is Cause.DEAD else None
        if cause is Cause.REFUSAL:
            plan = self.setbacks.on_refusal(text.replace(self.name_now, ''))
        else:
            plan = self.setbacks.on_failure(self.worker, now, was_at_work, cause)
        self.restarts += cause is not Cause.DEAD
        self.last_error, self.start_at = text, now + plan.delay_sec
        self._is_given_up = plan.fatal
        self.handle = None
        self.figures.on_stop(now)
        return plan

    def on_end(self) -> None:
        """Record that the failed worker has ended (STOPPING -> BACKOFF, FATAL or DEAD)."""
        self._change_state(StickState.DEAD if self.dead_since is not None else
                           StickState.FATAL if self._is_given_up else StickState.BACKOFF,
                           StickState.STOPPING)

    def on_listing(
            self, device_names: Mapping[str, str], now: float,
            dead: Mapping[str, messages.DeadStick], is_first: bool = False,
            is_calm: bool = True) -> bool:
        """
        Record what is plugged in and answers (between BACKOFF or FATAL, ABSENT and DEAD).

        A stick that is back may start at once. Its failures are forgotten if a person unplugged
        it; otherwise they still count, because a stick with too little power leaves the bus again
        and again. A dead stick that was reset has to wait.

        :param device_names: by USB port, as are the dead sticks.
        :param is_first: this is the first list of its process, which shows a stick as free if no
            process has it open, even if a killed process had it open.
        :param is_calm: no stick was started since the previous list.
        :return: whether the stick is found dead for the first time since it ran.
        """
        name = device_names.get(self.port)
        is_there = name is not None or self.port in dead   # a dead one is reset, not unplugged
        if self.presence.update(is_there, now, is_calm and self.waits()):
            self.setbacks.forget()
        if self.waits() and self.port in dead:
            if self.dead_since != dead[self.port].since:
                self.dead_since = dead[self.port].since
                self.start_at = now + self.setbacks.on_dead().delay_sec
            self._change_state(StickState.DEAD, *_WAITING)
        elif self.waits() and name is None:
            self._change_state(StickState.ABSENT, *_WAITING)
        elif self.state in (StickState.ABSENT, StickState.DEAD):
            self.start_at = now if self.state is StickState.ABSENT else self.start_at
            self._change_state(StickState.BACKOFF, StickState.ABSENT, StickState.DEAD)
        if name is not None:
            self.name_now = name if self.waits() else self.name_now
            self.device_name = self.device_name if is_in_use(name) else name
        self._note_use(name, now, is_first)
        is_news = self.state is StickState.DEAD and not self._is_shown_dead
        self._is_shown_dead |= is_news
        return is_news

    def _note_use(self, name: str | None, now: float, is_first: bool) -> None:
        """Note whether another program has the stick, and when it gives it back."""
        was_in_use = self.in_use
        self.in_use = (self.state in (StickState.BACKOFF, StickState.FATAL) and name is not None
                       and is_in_use(name) and (was_in_use or is_first))
        if self.in_use:
            self.setbacks.forget()   # it works, for another program
            self._change_state(StickState.BACKOFF, StickState.BACKOFF, StickState.FATAL)
        elif was_in_use:
            self.start_at = now

    def on_move(self, device_name: str, now: float) -> None:
        """Become the record of a stick at a new port (ABSENT, BACKOFF -> BACKOFF)."""
        self._change_state(StickState.BACKOFF, StickState.ABSENT, StickState.BACKOFF)
        self.device_name = self.name_now = device_name
        self.start_at, self.last_error = now, ''
        self.in_use = self._is_shown_dead = False
        self.presence = Presence()
        self._ready_at = None
        self.setbacks.forget()

    def on_replug(self, now: float) -> None:
        """Record that a person unplugged the dead stick; it may start at once when it is back."""
        self.setbacks.forget()
        self.start_at = now

    def was_opened(self) -> bool:
        """Return whether it was ever opened by a worker."""
        return self._ready_at is not None

    def is_dead(self) -> bool:
        """Return whether the stick has booted and does not answer."""
        return self.state is StickState.DEAD

    def waits(self) -> bool:
        """Return whether the stick waits for its next worker, to be plugged in or to answer."""
        return self.state in _WAITING

    def on_stop(self) -> None:
        """Record that the node ends (any state -> STOPPING)."""
        self._change_state(StickState.STOPPING, *StickState)

    @property
    def port(self) -> str:
        """Return the USB port path."""
        return port_of(self.device_name)

    def on_result(self, result: messages.Result, now: float) -> None:
        """Record a Result, which shows that the stick works well."""
        self.figures.on_result(result, now, bool(self.worker.outstanding))
        self.setbacks.well()
        self.setbacks.trust.served(now)

    def on_reading(self, reading: messages.Reading) -> None:
        """Record a temperature reading of an open stick (RUNNING)."""
        self._change_state(StickState.RUNNING, StickState.RUNNING)
        self.figures.on_reading(reading, bool(self.worker.outstanding))
        assert self._ready_at is not None
        well_at = self._ready_at + restart.WELL_AFTER_SEC
        if reading.measured_at >= well_at and not self.setbacks.needs_result:
            self.setbacks.well()

    def status(self, now: float) -> StickStatus:
        """Return the StickStatus for the policies."""
        handle, trust = self.handle, self.setbacks.trust
        return self.figures.status(
            self.number, self.shown_state(now), len(handle.outstanding) if handle else 0,
            handle.busy_since if handle else None, trust.doubt_sec, trust.trials_left)

    def snapshot(self, now: float, active: bool, status: StickStatus | None = None,
                 condition: Condition = Condition()) -> StickSnapshot:
        """Return the StickSnapshot for other threads, with ``status`` or the status at ``now``."""
        figures = self.figures
        return StickSnapshot(
            status=status or self.status(now), device_name=self.device_name, active=active,
            duty_60s=figures.duty.share(now), inferences=figures.inferences,
            unusable_boxes=figures.unusable_boxes, frames_lost=figures.frames_lost,
            inference_p50_sec=figures.inference_times.percentile(50), restarts=self.restarts,
            last_error=self.last_error, pid=self.handle.pid if self.handle else None,
            dead_since=self.dead_since, start_at=self.waits_until(), condition=condition,
            in_use=self.in_use)
