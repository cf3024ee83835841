# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A worker that has no stick: it lists the sticks, then opens one or lists them again."""

from enum import Enum

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.transitions import check_transition
from ncs_cluster_detector.transitions import WrongTransitionError
from ncs_cluster_detector.wire import messages

# Listing takes no time, or 1.5 s when the library itself has to reset a stick that a killed
# process left behind. It gives up on such a stick after 6.3 s, so no listing takes longer. The
# first deadline is shorter, because no stick can be started meanwhile; it grows with each failure.
LISTING_SEC = 3.0
LONGEST_LISTING_SEC = 7.0


class UnassignedState(Enum):
    """What the worker does; it must answer while it is STARTING or LISTING."""

    EMPTY = 'there is no worker'
    STARTING = 'its process starts, then waits until no other program starts a stick'
    HAS_TURN = 'it waits for a clean USB bus'
    LISTING = 'it lists the sticks'
    LISTED = 'it has listed the sticks, and waits for a command'


_WITH_WORKER = tuple(state for state in UnassignedState if state is not UnassignedState.EMPTY)


class UnassignedWorker:
    """
    The place of at most one worker without a stick.

    Where one stick starts at a time there are two such places. The opener lists the sticks and
    then opens the one it is given: only the first list of a process resets sticks that a killed
    process has left behind. An opener that gets no stick becomes the lister: it stays to list the
    sticks regularly, so that no worker with a stick has to make a call that concerns all sticks.
    Where sticks start together there is only a lister.
    """

    def __init__(self, options: SupervisorOptions, logger: Logger, why_silent: str = (
            'does another program start sticks for so long, or does the SDK hang?')) -> None:
        """Start without a worker; ``why_silent`` asks why it may not answer."""
        self.handle: WorkerHandle | None = None
        self.state = UnassignedState.EMPTY
        self.not_before = float('-inf')   # when a worker may be started, after a failure
        self.deadline = float('inf')      # when it must answer by; infinite when it need not
        # The parameter whose value no stick can work with, and why.
        self.unusable: tuple[str, str] | None = None
        self._options = options
        self._why_silent = why_silent
        self._logger = logger
        self._failures = 0
        self._can_list = False
        self._has_ended = False
        self._patience_sec = 0.0          # how long it may take to answer

    def start(self, now: float) -> None:
        """Start a worker; not earlier than ``not_before``."""
        try:
            handle = WorkerHandle(self._options.workers, self._options.inflight_per_stick, now)
        except (OSError, EOFError) as error:
            self._failed(f'starting a worker process: {type(error).__name__}: {shown(error)}', now)
            return
        self._change_state(UnassignedState.STARTING, UnassignedState.EMPTY)
        self.handle = handle
        self._expect_answer(now, self._options.startup_timeout_sec)

    def take_over(self, handle: WorkerHandle) -> None:
        """Keep a worker that has listed the sticks, to list them again."""
        self._change_state(UnassignedState.LISTED, UnassignedState.EMPTY)
        self.handle = handle
        handle.send(messages.StandBy())

    def list_sticks(self, now: float) -> None:
        """Let the worker, which has its turn, list the sticks; the bus is clean."""
        self._ask_for_list(now, UnassignedState.HAS_TURN)

    def look(self, now: float) -> None:
        """Have the sticks listed again, unless the worker is still doing so."""
        if self.state is not UnassignedState.LISTING:
            self._ask_for_list(now, UnassignedState.LISTED)

    def hear(self, now: float) -> tuple[str, ...] | None:
        """Return the device names that the worker has listed since the last call, or None."""
        if self.handle is None:
            return None
        self._has_ended = self.handle.has_ended()   # before its last messages are read
        try:
            return self._take_in(self.handle, now)
        except WrongTransitionError as error:
            self.handle.reject(f'sent a message at a wrong time ({error})')
        return None

    def _take_in(self, handle: WorkerHandle, now: float) -> tuple[str, ...] | None:
        for message in handle.messages():
            if isinstance(message, messages.DeviceList):
                self._change_state(UnassignedState.LISTED, UnassignedState.LISTING)
                self._can_list = True
                self._failures = 0
                return message.device_names
            if isinstance(message, messages.EnumerationStarted):
                self._change_state(UnassignedState.HAS_TURN, UnassignedState.STARTING)
            elif isinstance(message, messages.Fault):
                # A list says nothing about graphs, whatever the library answers.
                if message.parameter == 'driver' and not self._can_list:
                    self.unusable = (message.parameter, message.text)   # which ends the node
                else:
                    self._failed(f'looking for sticks: {message.text}', now)
        return None

    def judge(self, now: float) -> WorkerHandle | None:
        """Dismiss a worker that has ended or missed its deadline; return its handle, or None."""
        if self.handle is None:
            return None
        if self._has_ended:
            if now >= self.not_before:   # else its Fault was logged
                self._failed(f'looking for sticks: {self.handle.how_it_ended()}', now)
        elif now >= self.deadline:
            self._failed(f'looking for sticks: no answer within {self._patience_sec:g} s; '
                         f'{self._why_silent}', now)
        else:
            return None
        return self.dismiss()

    def dismiss(self) -> WorkerHandle:
        """Empty the place; return the handle of its worker."""
        self._change_state(UnassignedState.EMPTY, *_WITH_WORKER)
        assert self.handle is not None
        handle, self.handle = self.handle, None
        self._has_ended = False
        return handle

    def _change_state(self, new: UnassignedState, *predecessors: UnassignedState) -> None:
        check_transition('a worker without a stick', self.state, new, predecessors)
        self.state = new
        self.deadline = float('inf')

    def _ask_for_list(self, now: float, after: UnassignedState) -> None:
        self._change_state(UnassignedState.LISTING, after)
        self._expect_answer(now, min(LISTING_SEC * 2 ** self._failures, LONGEST_LISTING_SEC,
                                     self._options.startup_timeout_sec))
        assert self.handle is not None
        self.handle.send(messages.ListSticks())

    def _expect_answer(self, now: float, patience_sec: float) -> None:
        self.deadline = now + patience_sec
        self._patience_sec = patience_sec

    def _failed(self, text: str, now: float) -> None:
        self._failures = min(self._failures + 1, restart.BUDGET - 1)
        delay_sec = restart.after_failure(self._failures).delay_sec
        self.not_before = now + delay_sec
        self._logger.error(f'{text}; trying again in {delay_sec:g} s')
