# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What all steps of a check use: the node, its messages, waiting, and the results so far."""

from collections.abc import Callable
from collections.abc import Mapping
import json
import time
from typing import Any
from typing import BinaryIO
from typing import NamedTuple

from ncs_cluster_detector.checking import verdicts
from ncs_cluster_detector.checking.arguments import Options
from ncs_cluster_detector.checking.node_process import NodeProcess
from ncs_cluster_detector.checking.shared_memory import owned_by
from ncs_cluster_detector.checking.statuses import ReportedStick
from ncs_cluster_detector.checking.terminal import Terminal

POLL_SEC = 0.02
# Images a second for one stick until its rate is known; a real one infers 10 to 12 a second.
IMAGES_PER_STICK = 20.0
# Then only some more than are inferred: each image costs CPU time that the sticks may need.
IMAGES_PER_DETECTION = 1.4
MOST_IMAGES = 200.0   # a second
PARAMETER_SEC = 10.0


class StoppedError(Exception):
    """The check was stopped by a signal; the text is the signal's name."""


class NodeEndedError(Exception):
    """The node ended by itself; the text says how."""


class Times(NamedTuple):
    """How long the parts of a check take, in seconds, and how often some are repeated."""

    rate_sec: float = 10.0
    settle_sec: float = 2.0
    kills: int = 3
    all_sizes: bool = True
    heat_sec: float = 180.0
    rest_sec: float = 60.0


def times_of(options: Options) -> Times:
    """Return the Times for the arguments.Options."""
    heat_sec = options.minutes_of_heat * 60
    times = Times(heat_sec=heat_sec, rest_sec=heat_sec / 3)
    if options.quick:
        return times._replace(rate_sec=3.0, settle_sec=1.0, kills=2, all_sizes=False)
    return times


class Bench:
    """
    A node on sticks, and the results so far.

    ``verdicts`` and ``figures`` grow during the check, so a stopped one has what was done so far.
    """

    def __init__(
            self, options: Options, clock: Callable[[], float], observer: Any, terminal: Terminal,
            log: BinaryIO, environment: Mapping[str, str]) -> None:
        """
        Prepare; no node is started yet.

        :param clock: returns seconds since the beginning of the check.
        :param log: an unbuffered binary file for the node's lines.
        :param environment: additional variables for the node.
        """
        self.options, self.times = options, times_of(options)
        self.clock, self.observer, self.history = clock, observer, observer.history
        self.terminal = terminal
        self.node, self.step = None, ''
        self.verdicts, self.figures = [], {}
        self.asked_to_stop = []   # names of signals
        self.shared_memory = set()   # of all nodes, see shared_memory.owned_by()
        self.images_per_stick = IMAGES_PER_STICK
        self._log, self._environment = log, environment

    def begin(self, step: str) -> dict[str, Any]:
        """Begin a step; return the dictionary for its figures."""
        self.step = self.observer.step = step
        return self.figures.setdefault(step, {'began_sec': round(self.clock(), 3)})

    def add(self, verdict: verdicts.Verdict) -> None:
        """Keep a Verdict and show it."""
        self.verdicts.append(verdict)
        seen = f' ({verdict.seen})' if verdict.text() == 'ok' and verdict.seen else ''
        self.terminal.say(f'   {verdict.what}: {verdict.text()}{seen}')

    def judge(
            self, what: str, value: float | None, limit_name: str, remark: str = '') -> None:
        """Add the Verdict on a figure of this step; parameters as in :mod:`verdicts`."""
        self.add(verdicts.judge(self.step, what, value, limit_name, remark))

    def check(self, what: str, is_ok: bool, seen: str, expected: str = '') -> None:
        """Add the Verdict on something in this step that is ok or not."""
        outcome = verdicts.OK if is_ok else verdicts.NOT_OK
        self.add(verdicts.Verdict(self.step, what, outcome, seen, expected))

    def skip(self, what: str, why: str) -> None:
        """Add the Verdict on a check of this step that was left out."""
        self.add(verdicts.skipped(self.step, what, why))

    def start_node(self) -> None:
        """Start the node, which must not be running."""
        options = self.options
        graphs = [] if options.graph is None else [
            '-p', f'graph_paths:={json.dumps([_graph_name(options)])}']
        arguments = ['-p', f'driver:={options.driver}', *graphs,
                     # All sticks active and no rotation by time, which would mix measurements.
                     '-p', 'cluster_size:=0', '-p', 'cluster_switch_cycle_ms:=0']
        for parameter in options.parameters:
            arguments += ['-p', parameter]
        self._log.write(f'{self.clock():8.3f} === node started ===\n'.encode())
        self.node = NodeProcess(arguments, self._log, self.clock, self._environment)

    def note_shared_memory(self) -> None:
        """Note the node's shared memory, some of which is left behind when it is killed."""
        self.shared_memory |= owned_by(self.node.pid)

    def publish_for(self, sticks: int) -> None:
        """Publish more images than this number of sticks can infer; none for 0."""
        self.observer.image_fps = min(sticks * self.images_per_stick, MOST_IMAGES)

    def set_cluster_size(self, size: int) -> str:
        """Set cluster_size live; return an empty text, or why it was not set."""
        return self.observer.set_parameter('cluster_size', size, PARAMETER_SEC, self.wait)

    def wait(self, condition: Callable[[], Any], patience_sec: float) -> Any:
        """
        Wait until a condition is true, for a limited time; return its last value.

        :raises StoppedError: the check was stopped by a signal.
        :raises NodeEndedError: the node ended by itself.
        """
        deadline = time.monotonic() + patience_sec
        while not (value := condition()) and time.monotonic() < deadline:
            if self.asked_to_stop:
                raise StoppedError(self.asked_to_stop[0])
            code = self.node.exit_code()
            if code is not None:
                raise NodeEndedError(f'the node ended by itself with exit code {code}: '
                                     f'{self.node.last_words()}')
            time.sleep(POLL_SEC)
        return value

    def pause(self, seconds: float) -> None:
        """Wait for a time."""
        self.wait(lambda: False, seconds)

    def running(self, since: float = 0.0) -> list[ReportedStick]:
        """Return the running sticks in the newest report since a time."""
        return [stick for stick in self.history.newest_sticks(since) if stick.state == 'RUNNING']

    def wait_for_running(
            self, number: int, since: float, patience_sec: float,
            other_than: int | None = None) -> float | None:
        """Wait until a stick runs, in another process than a given one; return when, or None."""
        def found():
            stick = self.history.stick(number, since)
            return stick is not None and stick.state == 'RUNNING' and stick.pid != other_than
        if not self.wait(found, patience_sec):
            return None
        # The log says it at once, the diagnostics up to a second later.
        return self.node.ready_at(number, since) or self.history.reports[-1].time_sec


def _graph_name(options):
    """Return the graph for the node: a file's absolute path, or the name of a built-in one."""
    return str(options.graph.absolute() if options.graph.is_file() else options.graph)
