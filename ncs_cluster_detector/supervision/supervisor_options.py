# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the supervisor is made with."""

from dataclasses import dataclass
from typing import Protocol

from ncs_cluster_detector.wire.messages import WorkerConfig


class Logger(Protocol):
    """Where to log a line; ROS's loggers are such."""

    def info(self, line: str, /) -> object:
        """Log what is normal."""

    def warning(self, line: str, /) -> object:
        """Log what somebody should look at."""

    def error(self, line: str, /) -> object:
        """Log what does not work."""


@dataclass(frozen=True)
class SupervisorOptions:
    """What stays the same while the node runs; ``max_sticks`` 0 means all."""

    workers: WorkerConfig
    max_sticks: int = 0
    inflight_per_stick: int = 2
    inference_timeout_sec: float = 2.0
    startup_timeout_sec: float = 20.0
