# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks of this host, those of others, and the reserve, as one pool."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeAlias

from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.records.stick_views import StickViews
from ncs_cluster_detector.supervision.remote.remote_pool import RemotePool
from ncs_cluster_detector.supervision.reserve_pool import ReservePool
from ncs_cluster_detector.supervision.starting.bus_cleaner import cleaner_for
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import prepare
from ncs_cluster_detector.wire.messages import Outcome


class StickPools:
    """Two pools whose sticks have different numbers; see StickPool for the methods."""

    def __init__(self, first: 'AnyPool', second: RemotePool | ReservePool) -> None:
        """Bring two pools together; the views are those of the first."""
        self.first, self.second = first, second
        self.views: StickViews = first.views

    @property
    def unusable(self) -> tuple[str, str] | None:
        """Return a parameter that no stick can use, and why; or None."""
        return self.first.unusable

    def newest_processes(self) -> list[ChildProcess]:
        """Return the processes that may have been started since the last call."""
        return [*self.first.newest_processes(), *self.second.newest_processes()]

    def _pool_of(self, number: int) -> 'AnyPool':
        return self.second if number in self.second.by_number else self.first

    def post(self, number: int, frame: Frame, now: float) -> None:
        """Send a frame to a stick."""
        self._pool_of(number).post(number, frame, now)

    def frames_of(self, number: int) -> dict[int, Frame]:
        """Return the frames on a stick as a dictionary by frame number, oldest first."""
        return self._pool_of(number).frames_of(number)

    def note_late(self, number: int) -> None:
        """Record that a result takes several times the usual time."""
        self._pool_of(number).note_late(number)

    def note_lost(self, number: int) -> None:
        """Record that a frame will have no result because the stick lost it."""
        self._pool_of(number).note_lost(number)

    def restart(self, number: int, reason: str, now: float) -> None:
        """End the worker of a running stick, so that it starts again."""
        self._pool_of(number).restart(number, reason, now)

    def take_results(self) -> list[tuple[int, Outcome, Frame]]:
        """Return the new results: stick number, Outcome and Frame of each."""
        return self.first.take_results() + self.second.take_results()

    def take_lost(self) -> list[tuple[int, Frame]]:
        """Return the newly lost frames: pairs of stick number and Frame."""
        return self.first.take_lost() + self.second.take_lost()

    def receive(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """Read what the workers and the other hosts have sent."""
        self.first.receive(now, ready)
        self.second.receive(now, ready)

    def judge(self, now: float) -> None:
        """Give up workers and hosts that missed a deadline; do what is due."""
        self.first.judge(now)
        self.second.judge(now)

    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` must be called at the latest."""
        return min(self.first.next_due(now), self.second.next_due(now))

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        self.first.extend_deadlines(delay_sec)
        self.second.extend_deadlines(delay_sec)

    def stop(self) -> bool:
        """End all workers and leave the other hosts; return False if one cannot be ended."""
        # At the same time: workers that hang in both must not take twice the time to be killed.
        with ThreadPoolExecutor(max_workers=1) as beside:
            second = beside.submit(self.second.stop)
            return self.first.stop() and second.result()


AnyPool: TypeAlias = StickPool | RemotePool | StickPools


def make_pool(
        options: SupervisorOptions, logger: Logger, wake_up: Callable[[], object],
        ) -> tuple[AnyPool, RemotePool | None, ReservePool | None]:
    """
    Return the pool of all that takes frames, that of other hosts' sticks, and the reserve.

    The last two are None if there are none; the views of the first show only sticks.

    :param wake_up: see RemotePool.
    """
    sticks, remote = _pool_of_sticks(options, logger, wake_up)
    if options.reserve is None:
        return sticks, remote, None
    reserve = ReservePool(options, options.reserve, logger)
    return StickPools(sticks, reserve), remote, reserve


def _pool_of_sticks(
        options: SupervisorOptions, logger: Logger, wake_up: Callable[[], object],
        ) -> tuple[AnyPool, RemotePool | None]:
    numbers = count()
    if options.remote is None:
        return _local_pool(options, logger, numbers), None
    remote = RemotePool(options.remote, numbers, logger, wake_up)
    if not options.local_sticks:
        return remote, remote
    local = _local_pool(options, logger, numbers)
    local.views = remote.views = StickViews(local.register, remote)
    return StickPools(local, remote), remote


def _local_pool(options: SupervisorOptions, logger: Logger, numbers: Iterator[int]) -> StickPool:
    prepare(options.workers.driver)
    return StickPool(options, cleaner_for(options.workers.driver, logger), logger, numbers)
