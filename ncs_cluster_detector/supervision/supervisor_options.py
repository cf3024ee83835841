# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The options of the supervisor, its logger's interface, and what is wrong with an option."""

from dataclasses import dataclass
from typing import Protocol

from ncs_cluster_detector.wire.host_messages import Networks
from ncs_cluster_detector.wire.messages import WorkerConfig


class Logger(Protocol):
    """A logger; those of rclpy are such."""

    def info(self, line: str, /) -> object:
        """Log something normal."""

    def warning(self, line: str, /) -> object:
        """Log something to look at."""

    def error(self, line: str, /) -> object:
        """Log a failure."""


@dataclass(frozen=True)
class RemoteOptions:
    """
    How to use the sticks of other hosts.

    ``hosts`` are their names, ``*`` for every one that is heard; ``detector`` is the full name of
    this node. ``jpeg_quality`` 0 sends pictures as they are.
    """

    hosts: tuple[str, ...]
    detector: str
    networks: Networks
    jpeg_quality: int = 95


@dataclass(frozen=True)
class ReserveOptions:
    """
    What works while sticks are gone: the worker's driver, networks and labels.

    A ``warm`` one is started with the node, any other when it is first needed.
    """

    workers: WorkerConfig
    warm: bool = False


@dataclass(frozen=True)
class SupervisorOptions:
    """
    Options that are fixed while the node runs; ``max_sticks`` 0 means all.

    Without ``local_sticks`` no worker is started. ``remote`` is how to use the sticks of other
    hosts, and ``reserve`` what works while sticks are gone; None for none.
    """

    workers: WorkerConfig
    max_sticks: int = 0
    inflight_per_stick: int = 2
    inference_timeout_sec: float = 2.0
    startup_timeout_sec: float = 20.0
    cameras: int = 1
    local_sticks: bool = True
    remote: RemoteOptions | None = None
    reserve: ReserveOptions | None = None

    @property
    def labels(self) -> tuple[tuple[str, ...], ...]:
        """Return the labels of all networks, those of the reserve last."""
        return self.workers.labels + (self.reserve.workers.labels if self.reserve else ())


class UnusableParameterError(Exception):
    """No stick can work with the value of the parameter that ``parameter`` names."""

    def __init__(self, parameter: str, text: str) -> None:
        """Take the parameter's name, and the reason in one line."""
        super().__init__(text)
        self.parameter = parameter
