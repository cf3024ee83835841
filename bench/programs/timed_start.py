# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The detector node, which writes to the file START_NOTES when it reached each phase of its start.

Each line is the name of a phase and the time, in seconds of the monotonic clock. The phases of the
sticks are those of the first worker that reaches them.
"""

from collections.abc import Callable
import os
import time
from typing import Any

FILE_VARIABLE = 'START_NOTES'
NODE = """
import timed_start
timed_start.note('python')
raise SystemExit(timed_start.run())
"""


def note(phase: str) -> None:
    """Write that a phase is reached now."""
    with open(os.environ[FILE_VARIABLE], 'a') as file:
        file.write(f'{phase} {time.monotonic()}\n')


def run() -> int:
    """Run the node; return its exit code."""
    from ncs_cluster_detector import executables
    loading = executables.loading_modules
    executables.loading_modules = lambda: _Loading(loading())
    return executables.detector_node()


class _Loading:
    """The time in which the modules of the node are loaded."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __enter__(self) -> None:
        self._real.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._real.__exit__(*error)
        from ncs_cluster_detector.detector_node import node
        note('imports')
        _install_driver()
        node.DetectorNode.__init__ = noted('node made', node.DetectorNode.__init__)


def noted(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that notes a phase when it has returned."""
    def call(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        note(phase)
        return result
    return call


def _install_driver() -> None:
    # Late, as it loads a part of the node.
    from ncs_cluster_detector.drivers import registry
    from timed_driver import TimedDriver
    registry.DRIVERS['simulated'] = TimedDriver


def phases_of(text: str) -> dict[str, float]:
    """Return when each phase was first reached, from what the file holds."""
    found: dict[str, float] = {}
    for phase, time_sec in (line.rsplit(' ', 1) for line in text.splitlines()):
        found.setdefault(phase, float(time_sec))
    return found
