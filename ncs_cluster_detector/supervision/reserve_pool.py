# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The reserve: a worker of another driver, whose frames count and whom the sticks never see."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Set
from dataclasses import replace
from itertools import count

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.reserve import ReservePolicy
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.snapshot import ReserveSnapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.supervision.starting.bus_cleaner import cleaner_for_one
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import ReserveOptions
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import prepare


class ReservePool(StickPool):
    """
    A pool of one worker, started when it is first needed, or at once if the reserve is warm.

    Its numbers are below 0, so that none is that of a stick. A worker that was started stays: it
    has the networks in memory for the next time. It gets one frame at a time, because a processor
    of the host has no slow transfer that a second one would fill, and the frame that waits in the
    node is replaced by a newer one. A reserve that can never work is given up; the node goes on
    with its sticks.
    """

    def __init__(self, options: SupervisorOptions, reserve: ReserveOptions,
                 logger: Logger) -> None:
        """Start without a worker; ``options`` are those of the sticks, for all that is alike."""
        self._own_log = ReserveLogger(logger)
        super().__init__(
            replace(options, workers=reserve.workers, max_sticks=1, inflight_per_stick=1,
                    remote=None, reserve=None),
            cleaner_for_one(reserve.workers.driver, self._own_log), self._own_log,
            numbers_below_0())
        self.policy = ReservePolicy()
        self._is_due = reserve.warm
        self._has_begun = False
        self._typical_sec = 0.0   # the sticks' usual time for a frame

    @property
    def by_number(self) -> Mapping[int, StickRecord]:
        """Return the records by number."""
        return self.register.by_number

    def follow(self, now: float, sticks: Mapping[int, StickStatus], cluster: ClusterControl,
               settings: Settings) -> None:
        """Take in the state of the sticks, by number, after the decision about them."""
        conditions = (cluster.condition(stick) for stick in sticks.values())
        self.policy.update(now, (stick.state for stick in sticks.values()),
                           sum(condition.reason.is_usable for condition in conditions), settings)
        self._typical_sec = cluster.promptness.typical_sec
        self._is_due |= self.policy.works
        self.views.refresh(now)

    def with_room(self) -> int | None:
        """Return the number of the worker if it takes the next frame now, or None."""
        return next((worker.number for worker in self.views.statuses.values()
                     if self.policy.may_take(worker, self._typical_sec)), None)

    def to_try(self, now: float) -> int | None:
        """Return the number of the worker if it gets the frame of a stick on trial, or None."""
        return next((worker.number for worker in self.views.statuses.values()
                     if self.policy.may_try(now, worker, self._typical_sec)), None)

    def receive(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """Read the messages of the ``ready`` processes; log once that it can never work."""
        was_usable = self.unusable is None
        super().receive(now, ready)
        if was_usable and self.unusable is not None:
            self._own_log.error(f'{self.unusable[1]}; given up until the node is started again')
            self._own_log.is_mute = True   # that its process ends is no news

    def judge(self, now: float) -> None:
        """Do what is due, from when it is first needed on; start nothing if it is given up."""
        if self._is_due and not self._has_begun:
            self._has_begun = True
            prepare(self._options.workers.driver)
        if self.unusable is not None:
            self._starts.judge(now)
            self._endings.reap(now)
        elif self._has_begun:
            super().judge(now)

    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` or :meth:`follow` must be called at the latest."""
        due_at = self.policy.next_due()
        if self.unusable is not None:
            return min(due_at, self._endings.next_due())
        if self._has_begun:
            return min(due_at, super().next_due(now))
        return now if self._is_due else due_at

    def snapshot(self, now: float) -> ReserveSnapshot:
        """Return the ReserveSnapshot for other threads."""
        policy = self.policy
        workers = self.views.snapshots(now, self.views.statuses if policy.works else ())
        return ReserveSnapshot(
            worker=workers[0] if workers else NO_WORKER, works_since=policy.works_since,
            uses=policy.uses, usable=policy.usable, has_begun=self._has_begun,
            failure=self.unusable[1] if self.unusable else '')


def numbers_below_0() -> Iterator[int]:
    """Return the numbers of the reserve's workers: -1, -2 and so on."""
    return count(-1, -1)


# What is shown before there is a worker.
NO_WORKER = StickSnapshot(
    StickStatus(next(numbers_below_0()), StickState.ABSENT), device_name='', active=False,
    duty_60s=0.0, inferences=0, unusable_boxes=0, inference_p50_sec=None, restarts=0,
    last_error='', pid=None)


class ReserveLogger:
    """Begins each line that does not name the reserve with its name."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self.is_mute = False

    def info(self, line: str) -> None:
        """Log something normal."""
        if not self.is_mute:
            self._logger.info(_named(line))

    def warning(self, line: str) -> None:
        """Log something to look at."""
        if not self.is_mute:
            self._logger.warning(_named(line))

    def error(self, line: str) -> None:
        """Log a failure."""
        if not self.is_mute:
            self._logger.error(_named(line))


def _named(line: str) -> str:
    return line if line.startswith('reserve ') else f'reserve: {line}'
