# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A node as a child process: starting it, keeping its log lines, stopping it in time."""

from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
from io import FileIO
import re
import signal
import time

from ncs_cluster_detector.checking.node_process import kill
from ncs_cluster_detector.checking.node_process import members_left
from ncs_cluster_detector.checking.node_process import SessionProcess

# A node promises to end within 5 s of SIGINT.
STOP_STEPS = ((signal.SIGINT, 6.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))
GROUP_PATIENCE_SEC = 2.0
# A line of rclpy: level, time, name of the logger, text.
LOG_LINE = re.compile(r'\[([A-Z]+)\] \[\d+\.\d+\] \[[^\]]*\]: (.*)')
LOUD_LEVELS = ('WARN', 'ERROR', 'FATAL')
LAST_LINES = 12


class NodeProcess(SessionProcess):
    """
    One node, whose output a thread reads.

    All of it goes to the log, loud lines also to ``warnings``, and the end of the rest to
    ``last_lines``.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str],
                 log: FileIO | None) -> None:
        """
        Start the node.

        :param name: for people, such as ``camera``.
        :param log: an unbuffered binary file for all of its output, or None.
        """
        self.name = name
        self.warnings = deque(maxlen=100)
        self.last_lines = deque(maxlen=LAST_LINES)
        self._log = log
        super().__init__(command, environment, self._take)

    def clean_up(self) -> int:
        """
        Kill what is left of its session, and read its last output.

        :return: number of processes that outlived the node and were killed.
        """
        left = members_left(self.pid, GROUP_PATIENCE_SEC)
        kill(left)
        members_left(self.pid, GROUP_PATIENCE_SEC)
        self.wait_for_output()
        return len(left)

    def _take(self, line):
        self._keep(line)
        found = LOG_LINE.fullmatch(line)
        if found and found[1] in LOUD_LEVELS:
            self.warnings.append(f'{found[1]} {self.name}: {found[2]}')
        elif line:
            self.last_lines.append(f'{self.name}: {line}')

    def _keep(self, line):
        if self._log is None:
            return
        try:
            self._log.write(f'[{self.name}] {line}\n'.encode())
        except OSError as error:   # the node must not wait for its output to be read
            self._log = None
            self.warnings.append(f'WARN {self.name}: writing its lines to run.log failed '
                                 f'({error.strerror}); the rest of them is not kept')


def stop(nodes: Sequence[NodeProcess]) -> list[str]:
    """
    Stop nodes, all at the same time: SIGINT, then SIGTERM, then SIGKILL, each with a deadline.

    :return: one line for everything that went wrong.
    """
    complaints = []
    for number, patience_sec in STOP_STEPS:
        running = [node for node in nodes if node.exit_code() is None]
        if not running:
            break
        for node in running:
            if number == signal.SIGKILL:
                complaints.append(f'the {node.name} node did not end by SIGINT and SIGTERM '
                                  'within their deadlines and was killed')
            node.signal(number)
        deadline = time.monotonic() + patience_sec
        for node in running:
            node.wait(max(deadline - time.monotonic(), 0.0))
    for node in nodes:
        orphans = node.clean_up()
        if orphans:
            complaints.append(f'{orphans} processes of the {node.name} node outlived it by '
                              f'{GROUP_PATIENCE_SEC:g} s and were killed')
    return complaints
