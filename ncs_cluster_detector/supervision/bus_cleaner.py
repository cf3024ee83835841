# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor's hold on the bus cleaner: asks it, hears it, and does without it if it must."""

from multiprocessing import connection

from ncs_cluster_detector.policy.reliability.restart import REST_SEC
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.processes.endings import KILL_GRACE_SEC
from ncs_cluster_detector.wire.messages import Clean
from ncs_cluster_detector.worker import bus_cleaner_main

# Its own deadlines come to 2.5 s; one that needs longer is stuck inside the system.
ANSWER_SEC = 4.0
# After so many failures in a row it is left alone for a while.
MOST_FAILURES = 5


class BusCleaner:
    """
    Has the bus cleaned before sticks are listed, and knows the dead ones.

    The process is started when it is needed first, and again when it has ended. Without a USB
    library or permission sticks are listed all the same, after one warning.
    """

    def __init__(self, config, logger):
        """Start without a process; see WorkerConfig and the logger of Supervisor."""
        self.dead = {}              # USB port -> DeadStick
        self.spared = frozenset()   # the own ports of the last cleaning
        self._config = config
        self._logger = logger
        self._process = None
        self._is_given_up = False   # it was killed because it gave no answer
        self._asked_at = None       # while it must answer
        self._failures = 0
        self._rests_until = float('-inf')
        self._is_usable = True      # there is a USB library
        self._problem = ''

    def clean(self, own_ports, now):
        """
        Ask for a clean bus, unless that was done already.

        :param own_ports: see Clean.
        :return: False when there is nobody who could clean it.
        """
        if not self._is_usable or now < self._rests_until:
            return False
        if self._process is None:
            try:
                self._process = ChildProcess(bus_cleaner_main.main, self._config)
            except (OSError, EOFError) as error:
                self._failed(f'starting its process: {type(error).__name__}: {error}', now)
        if self._process is None or self._is_given_up:
            return False
        if self._asked_at is None:
            self._process.send(Clean(own_ports))
            self.spared = frozenset(own_ports)
            self._asked_at = now
        return True

    def hear(self, now):
        """
        Take in what it has said.

        :return: whether the bus is as clean as it gets, which was asked for; and of the dead
            sticks that have left the bus, by port, whether a reset has brought them back.
        """
        if self._process is None:
            return False, {}
        left, was_asked = {}, self._asked_at is not None
        has_ended = self._process.has_ended()   # before its last words are read
        for report in self._process.messages():
            if self._is_given_up:
                continue   # it comes too late
            dead = {stick.port: stick for stick in report.dead}
            left.update({port: port in report.revived for port in self.dead.keys() - dead.keys()})
            self.dead = dead
            if report.problem and report.problem != self._problem:
                self._problem = report.problem
                self._logger.warning(
                    f'the USB bus cannot be cleaned: {self._problem}; a stick that a killed '
                    'program left behind, or that does not answer, can keep others from being '
                    'started')
            self._is_usable = report.usable
            if report.cleaned or not report.usable:
                self._asked_at, self._failures = None, 0
        if has_ended:
            if self._is_usable and not self._is_given_up:
                self._failed(self._process.how_it_ended(), now)
            self._drop()
        elif now >= self.deadline():
            self._failed(f'no answer within {ANSWER_SEC:g} s', now)
            self._process.kill()
            self._is_given_up, self._asked_at = True, None
        return was_asked and self._asked_at is None, left

    def deadline(self):
        """Return until when it owes an answer; infinite when it does not."""
        return float('inf') if self._asked_at is None else self._asked_at + ANSWER_SEC

    def extend_deadlines(self, delay_sec):
        """Move the deadline, for this process itself has stood still so long."""
        if self._asked_at is not None:
            self._asked_at += delay_sec

    def waitables(self):
        """Return what becomes ready when it says something or ends."""
        return [] if self._process is None else self._process.waitables()

    def stop(self):
        """End it, which has no stick to close; return False if it cannot be ended."""
        if self._process is not None:
            self._process.kill()
            connection.wait([self._process.sentinel], KILL_GRACE_SEC)
            if not self._process.has_ended():
                return False
            self._drop()
        return True

    def _drop(self):
        self._process.close()
        self._process, self._is_given_up, self._asked_at, self.dead = None, False, None, {}

    def _failed(self, text, now):
        self._failures += 1
        rest = ''
        if self._failures >= MOST_FAILURES:
            self._rests_until = now + REST_SEC
            rest = f' for {REST_SEC:g} s'
        self._logger.warning(f'cleaning the USB bus: {text}; sticks are started without{rest}')
