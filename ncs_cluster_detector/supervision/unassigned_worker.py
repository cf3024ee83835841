# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A worker that has no stick: it lists the sticks, then opens one or goes on looking."""

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.wire.messages import DeviceList
from ncs_cluster_detector.wire.messages import Enumerate
from ncs_cluster_detector.wire.messages import EnumerationStarted
from ncs_cluster_detector.wire.messages import Fault
from ncs_cluster_detector.wire.messages import ListSticks
from ncs_cluster_detector.wire.messages import StandBy

# A list is there at once, or after 1.5 s when the library itself has to reset a stick that a
# killed process left behind. It gives up on such a stick after 6.3 s, so that no list takes
# longer; one that does is made anew, with more patience, for meanwhile no stick can be started.
LISTING_SEC = 3.0
LONGEST_LISTING_SEC = 7.0


class UnassignedWorker:
    """
    The place of at most one worker without a stick.

    There are two such places. A starter lists the sticks and is told which to open: only the first
    listing of a process sets sticks right that a killed one has left behind. A scout is a starter
    that found none to open; it stays to list the sticks again and again, so that no worker with a
    stick has to make a call that concerns all sticks.
    """

    def __init__(self, options, logger):
        """Start without a worker; see SupervisorOptions and the logger of Supervisor."""
        self.handle = None
        self.has_turn = False             # its worker waits for a clean bus, to list the sticks
        self.not_before = float('-inf')   # when a worker may be started, after a failure
        self.unusable = None              # (parameter, text) of a Fault that no stick can mend
        self._options = options
        self._logger = logger
        self._failures = 0
        self._can_list = False
        self._has_ended = False
        self._owes_word_since = None
        self._patience_sec = 0.0          # how long it may owe the word

    def start(self, now):
        """Start a worker; ``not_before`` is to be respected."""
        try:
            self.handle = WorkerHandle(
                self._options.workers, self._options.inflight_per_stick, now)
        except (OSError, EOFError) as error:
            self._failed(f'starting a worker process: {type(error).__name__}: {error}', now)
            return
        # Its turn to list comes when no other program starts a stick.
        self._expect_word(now, self._options.startup_timeout_sec)

    def take_over(self, handle):
        """Keep a worker that has listed the sticks as a scout."""
        self.handle = handle
        handle.send(StandBy())

    def list_sticks(self, now):
        """Let the worker, whose turn it is, list the sticks; the bus is clean."""
        self.has_turn = False
        self._expect_list(now)
        self.handle.send(ListSticks())

    def look(self, now):
        """Have the sticks listed again, unless that is still going on."""
        if self._owes_word_since is None:
            self._expect_list(now)
            self.handle.send(Enumerate())

    def hear(self, now):
        """Return the device names that the worker has listed since the last call, or None."""
        if self.handle is None:
            return None
        self._has_ended = self.handle.has_ended()   # before its last words are read
        for message in self.handle.messages():
            if isinstance(message, DeviceList):
                self._can_list = True
                self._owes_word_since = None
                self._failures = 0
                return message.device_names
            if isinstance(message, EnumerationStarted):
                self.has_turn = True
                self._owes_word_since = None
            elif isinstance(message, Fault):
                # A list says nothing about graphs, whatever the library answers.
                if message.parameter == 'driver' and not self._can_list:
                    self.unusable = (message.parameter, message.text)   # which ends the node
                else:
                    self._failed(f'looking for sticks: {message.text}', now)
        return None

    def judge(self, now):
        """Return the handle of a worker that has ended or is over its deadline, or None."""
        if self.handle is None:
            return None
        if self._has_ended:
            if now >= self.not_before:   # else it gave its reason
                self._failed(f'looking for sticks: {self.handle.how_it_ended()}', now)
        elif now >= self.deadline():
            self._failed(f'looking for sticks: no answer within {self._patience_sec:g} s; does '
                         'another program start sticks for so long, or does the SDK hang?', now)
        else:
            return None
        return self.dismiss()

    def deadline(self):
        """Return until when the worker owes a word; infinite when it does not."""
        if self._owes_word_since is None:
            return float('inf')
        return self._owes_word_since + self._patience_sec

    def dismiss(self):
        """Return the worker's handle; it is not the finder's any more."""
        self._owes_word_since = None
        self._has_ended = self.has_turn = False
        handle, self.handle = self.handle, None
        return handle

    def extend_deadlines(self, delay_sec):
        """Move the deadline, for this process itself has stood still so long."""
        if self._owes_word_since is not None:
            self._owes_word_since += delay_sec

    def _expect_list(self, now):
        self._expect_word(now, min(LISTING_SEC * 2 ** self._failures, LONGEST_LISTING_SEC,
                                   self._options.startup_timeout_sec))

    def _expect_word(self, now, patience_sec):
        self._owes_word_since = now
        self._patience_sec = patience_sec

    def _failed(self, text, now):
        self._failures = min(self._failures + 1, restart.BUDGET - 1)
        delay_sec = restart.after_failure(self._failures).delay_sec
        self.not_before = now + delay_sec
        self._logger.error(f'{text}; trying again in {delay_sec:g} s')
