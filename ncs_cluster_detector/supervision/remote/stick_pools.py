# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks of this host and those of others, as one pool."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Set
from itertools import count
from typing import TypeAlias

from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.records.stick_views import StickViews
from ncs_cluster_detector.supervision.remote.remote_pool import RemotePool
from ncs_cluster_detector.supervision.starting.bus_cleaner import cleaner_for
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import Outcome


class StickPools:
    """Two pools whose sticks have different numbers; see StickPool for the methods."""

    def __init__(self, local: StickPool, remote: RemotePool) -> None:
        """Bring two pools together, which share the views of their sticks from now on."""
        self.local, self.remote = local, remote
        self.views = local.views = remote.views = StickViews(local.register, remote)

    @property
    def unusable(self) -> tuple[str, str] | None:
        """Return a parameter that no stick can use, and why; or None."""
        return self.local.unusable

    def newest_processes(self) -> list[ChildProcess]:
        """Return the processes that may have been started since the last call."""
        return self.local.newest_processes()

    def _pool_of(self, number: int) -> StickPool | RemotePool:
        return self.remote if number in self.remote.by_number else self.local

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
        return self.local.take_results() + self.remote.take_results()

    def take_lost(self) -> list[tuple[int, Frame]]:
        """Return the newly lost frames: pairs of stick number and Frame."""
        return self.local.take_lost() + self.remote.take_lost()

    def receive(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """Read what the workers and the other hosts have sent."""
        self.local.receive(now, ready)
        self.remote.receive(now)

    def judge(self, now: float) -> None:
        """Give up workers and hosts that missed a deadline; do what is due."""
        self.local.judge(now)
        self.remote.judge(now)

    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` must be called at the latest."""
        return min(self.local.next_due(now), self.remote.next_due(now))

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        self.local.extend_deadlines(delay_sec)
        self.remote.extend_deadlines(delay_sec)

    def stop(self) -> bool:
        """End all workers and leave the other hosts; return False if one cannot be ended."""
        self.remote.stop()
        return self.local.stop()


AnyPool: TypeAlias = StickPool | RemotePool | StickPools


def make_pool(
        options: SupervisorOptions, logger: Logger, wake_up: Callable[[], object],
        ) -> tuple[AnyPool, RemotePool | None]:
    """
    Return the pool of all sticks, and that of other hosts' sticks, which is None without any.

    :param wake_up: see RemotePool.
    """
    numbers = count()
    if options.remote is None:
        return _local_pool(options, logger, numbers), None
    remote = RemotePool(options.remote, numbers, logger, wake_up)
    if not options.local_sticks:
        return remote, remote
    return StickPools(_local_pool(options, logger, numbers), remote), remote


def _local_pool(options: SupervisorOptions, logger: Logger, numbers: Iterator[int]) -> StickPool:
    return StickPool(options, cleaner_for(options.workers.driver, logger), logger, numbers)
