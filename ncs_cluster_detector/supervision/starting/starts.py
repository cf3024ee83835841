# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the pool of sticks needs of whoever starts their workers."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Sequence
from collections.abc import Set

from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.supervision.records.stick_record import StickRecord

# How often to look for sticks that were plugged in: neither the SDK nor, in a container, the
# system reports them. With a boot of 1.5 s a replugged stick is back within five seconds.
LOOK_PERIOD_SEC = 1.0


class Starts(ABC):
    """Lists the sticks regularly, and starts a worker for each stick that is due."""

    @property
    @abstractmethod
    def unusable(self) -> tuple[str, str] | None:
        """Return the parameter that no stick can work with, and why; or None."""

    @abstractmethod
    def handles(self) -> Sequence[ChildProcess]:
        """Return the workers that have no stick."""

    @abstractmethod
    def newest(self) -> Sequence[ChildProcess]:
        """Return the processes that may have been started since the last call."""

    @abstractmethod
    def is_concerned(self, ready: Set[ChildProcess]) -> bool:
        """Return whether one of these processes has no stick."""

    @abstractmethod
    def look_now(self, now: float) -> None:
        """Have the sticks listed as soon as that is possible."""

    @abstractmethod
    def hear(self, now: float) -> None:
        """Process what its processes have sent, above all the lists of sticks."""

    @abstractmethod
    def judge(self, now: float) -> None:
        """End its processes that did not answer in time, or have no work."""

    @abstractmethod
    def start(self, now: float) -> None:
        """Start the workers that are due, and look for sticks if that is due."""

    @abstractmethod
    def deadline(self, record: StickRecord, longest_start_sec: float | None,
                 now: float) -> tuple[float, str]:
        """
        Return when the worker of a stick that starts must answer by.

        :param longest_start_sec: the longest successful start of any stick, or None.
        :return: ``(seconds of the monotonic clock, why it is given up then)``.
        """

    @abstractmethod
    def next_due(self, now: float) -> float:
        """Return when :meth:`judge` or :meth:`start` must be called at the latest."""

    @abstractmethod
    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""

    @abstractmethod
    def opening(self) -> Sequence[ChildProcess]:
        """Return the workers that still open their stick and may be killed without harm to it."""

    @abstractmethod
    def stop(self) -> bool:
        """End what is no worker; return False if that fails."""
