# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor's side of the bus cleaner: a process that may fail and is not essential."""

from enum import Enum
from multiprocessing import connection

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.policy.reliability.restart import REST_SEC
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.supervision.endings import KILL_GRACE_SEC
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.transitions import check_transition
from ncs_cluster_detector.transitions import WrongTransitionError
from ncs_cluster_detector.wire import messages
from ncs_cluster_detector.wire.checks import check
from ncs_cluster_detector.worker import bus_cleaner_main

# The sum of its own deadlines is 2.5 s; a process that needs longer hangs in a system call.
ANSWER_SEC = 4.0
# It ends so long after its last work if it holds no dead stick: one process serves the start of
# many sticks, one after the other, and a new one takes some 10 ms.
IDLE_SEC = 5.0
# After this many failures in a row it is not started for a while.
MOST_FAILURES = 5


class CleanerState(Enum):
    """The state of the bus cleaner's process."""

    ENDED = 'there is no process'
    IDLE = 'it waits for a request'
    CLEANING = 'it must answer'
    KILLED = 'it did not answer in time, and was killed'
    UNUSABLE = 'it found no USB library, and is not started again'


def cleaner_for(driver: Driver, logger: Logger) -> 'BusCleaner | None':
    """Return the cleaner for a driver's sticks, which need none if they start together."""
    return None if driver.starts_together else BusCleaner(driver, logger)


def cleaner_for_one(driver: Driver, logger: Logger) -> 'BusCleaner':
    """Return the cleaner for the only stick of a driver, which the first worker opens itself."""
    return BusCleaner(driver, logger, CleanerState.UNUSABLE if driver.starts_together else
                      CleanerState.ENDED)


class BusCleaner:
    """
    Has the bus cleaned before sticks are listed, and knows the dead sticks.

    The process is started when it is needed, and ends when nobody has needed it for a while: it
    need not remember more than the dead sticks, and stays while it holds one. Without a USB
    library or permission sticks are listed without cleaning, after one warning.
    """

    def __init__(self, driver: Driver, logger: Logger,
                 state: CleanerState = CleanerState.ENDED) -> None:
        self.dead: dict[str, messages.DeadStick] = {}   # by USB port
        self.spared: frozenset[str] = frozenset()   # the own ports of the last cleaning
        self.state = state
        # When it must answer by, or when it is not needed any more; infinite while it holds a dead
        # stick.
        self.deadline = float('inf')
        self._driver = driver
        self._logger = logger
        self.process: ChildProcess | None = None
        self._failures = 0
        self._not_before = float('-inf')   # when it may be started again
        self._problem = ''

    def clean(self, own_ports: tuple[str, ...], now: float) -> bool:
        """Have the bus cleaned, unless that is going on; return False if it cannot be cleaned."""
        if self.state is CleanerState.ENDED and now >= self._not_before:
            self._start(now)
        # A silent one has been killed for what it sent.
        if (self.process is not None and self.state is CleanerState.IDLE
                and not self.process.is_silent):
            self.process.send(messages.Clean(own_ports))
            self._change_state(CleanerState.CLEANING, CleanerState.IDLE)
            self.spared = frozenset(own_ports)
            self.deadline = now + ANSWER_SEC
        return self.state is CleanerState.CLEANING

    def hear(self, now: float) -> tuple[bool, dict[str, bool]]:
        """
        Read its messages.

        :return: whether a requested cleaning is over; and, for each dead stick that has left the
            bus, by port, whether a reset brought it back.
        """
        if self.process is None:
            return False, {}
        left: dict[str, bool] = {}
        was_asked = self.state is CleanerState.CLEANING
        has_ended = self.process.has_ended()   # before its last messages are read
        try:
            for report in self.process.messages():
                check(report, messages.BusReport)
                if self.state is not CleanerState.KILLED:   # else its answer is too late
                    left.update(self._take_in(report, now))
        except ValueError as error:
            self.process.reject(str(error))
        except WrongTransitionError as error:
            self.process.reject(f'sent a message at a wrong time ({error})')
        if has_ended:
            if self.state not in (CleanerState.UNUSABLE, CleanerState.KILLED):
                self._failed(self.process.how_it_ended(), now)
            self._drop()
        elif self.state is CleanerState.CLEANING and now >= self.deadline:
            self._failed(f'no answer within {ANSWER_SEC:g} s', now)
            self.process.kill()
            self._change_state(CleanerState.KILLED, CleanerState.CLEANING)
        return was_asked and self.state is not CleanerState.CLEANING, left

    def judge(self, now: float) -> ChildProcess | None:
        """Dismiss the process if it is not needed any more; return it, to be killed, or None."""
        if self.state is not CleanerState.IDLE or now < self.deadline:
            return None
        self._change_state(CleanerState.ENDED, CleanerState.IDLE)
        process, self.process = self.process, None
        return process

    def stop(self) -> bool:
        """Kill the process, which has no stick to close; return False if that fails."""
        if self.process is not None:
            self.process.kill()
            connection.wait([self.process.sentinel], KILL_GRACE_SEC)
            if not self.process.has_ended():
                return False
            self._drop()
        return True

    def _start(self, now: float) -> None:
        try:
            self.process = ChildProcess(bus_cleaner_main.main, self._driver)
        except (OSError, EOFError) as error:
            self._failed(f'starting its process: {type(error).__name__}: {shown(error)}', now)
        else:
            self._change_state(CleanerState.IDLE, CleanerState.ENDED)

    def _take_in(self, report: messages.BusReport, now: float) -> dict[str, bool]:
        """Return by port, for dead sticks that left the bus, whether a reset brought them back."""
        dead = {stick.port: stick for stick in report.dead}
        left = {port: port in report.revived for port in self.dead.keys() - dead.keys()}
        self.dead = dead
        if report.problem and report.problem != self._problem:
            self._problem = report.problem
            self._logger.warning(
                f'the USB bus cannot be cleaned: {self._problem}; a stick that a killed program '
                'left behind, or that does not answer, can keep others from being started')
        if not report.usable:
            self._failures = 0
            self._change_state(CleanerState.UNUSABLE, CleanerState.IDLE, CleanerState.CLEANING)
        elif report.cleaned:
            self._failures = 0
            self._change_state(CleanerState.IDLE, CleanerState.CLEANING)
        if self.state is CleanerState.IDLE:
            self.deadline = float('inf') if dead else now + IDLE_SEC
        return left

    def _drop(self) -> None:
        assert self.process is not None
        self.process.close()
        self.process, self.dead = None, {}
        if self.state is not CleanerState.UNUSABLE:
            self._change_state(CleanerState.ENDED, CleanerState.IDLE, CleanerState.CLEANING,
                               CleanerState.KILLED)

    def _change_state(self, new: CleanerState, *predecessors: CleanerState) -> None:
        check_transition('the bus cleaner', self.state, new, predecessors)
        self.state = new
        self.deadline = float('inf')

    def _failed(self, text: str, now: float) -> None:
        self._failures += 1
        rest = ''
        if self._failures >= MOST_FAILURES:
            self._not_before = now + REST_SEC
            rest = f' for {REST_SEC:g} s'
        self._logger.warning(f'cleaning the USB bus: {text}; sticks are started without it{rest}')
