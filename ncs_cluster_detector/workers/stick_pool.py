# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The sticks and their workers: finds, starts, hears, judges and ends them."""

import re

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.workers.messages import Fault
from ncs_cluster_detector.workers.messages import Found
from ncs_cluster_detector.workers.messages import Open
from ncs_cluster_detector.workers.messages import Reading
from ncs_cluster_detector.workers.messages import Ready
from ncs_cluster_detector.workers.messages import Result
from ncs_cluster_detector.workers.stick_record import StickRecord
from ncs_cluster_detector.workers.worker_handle import end_all
from ncs_cluster_detector.workers.worker_handle import WorkerHandle

# How often to look for sticks while none is there or a known one is missing.
LOOK_AGAIN_SEC = 5.0


class StickPool:
    """
    All sticks of the machine, each with at most one worker.

    One worker is in start-up at a time: it lists the sticks, is told which to open, and is
    followed by the next. A stick keeps its number by its USB port.
    """

    def __init__(self, options, logger):
        """Start with no known stick; see SupervisorOptions and the logger of Supervisor."""
        self._options = options
        self._logger = logger
        self._records = {}          # stick number -> StickRecord
        self._candidate = None      # handle of a worker that has no stick yet
        self._look_at = float('-inf')
        self._said_none = False
        self._settled = []
        self._lost = []

    def statuses(self):
        """Return the StickStatus of all known sticks, by number."""
        return [record.status() for record in self._records.values()]

    def snapshots(self, now, active):
        """Return the StickSnapshot of all known sticks, by number."""
        return tuple(record.snapshot(now, record.number in active)
                     for record in self._records.values())

    def waitables(self):
        """Return what becomes ready when a worker says something or ends."""
        handles = self._handles()
        return [handle.connection for handle in handles] + [
            handle.sentinel for handle in handles]

    def post(self, number, frame, now):
        """Give a frame to a stick."""
        record = self._records[number]
        record.handle.post(frame.number, frame, now)
        record.given(now)

    def take_settled(self):
        """Return the pairs of Result and Frame that came in since the last call."""
        settled, self._settled = self._settled, []
        return settled

    def take_lost(self):
        """Return the numbers of the frames that were lost with a worker since the last call."""
        lost, self._lost = self._lost, []
        return lost

    def receive(self, now):
        """Take in all that the workers have said, and notice those that have ended."""
        if self._candidate is not None:
            self._hear_candidate(now)
        for record in self._records.values():
            if record.handle is not None:
                self._hear(record, now)

    def judge(self, now):
        """Give up workers that are over a deadline, and start the next one that is due."""
        options = self._options
        for record in self._records.values():
            handle = record.handle
            if handle is None:
                continue
            if record.state is StickState.STARTING:
                if now >= handle.started_at + options.startup_timeout_sec:
                    self._fail(record, f'not ready within {options.startup_timeout_sec:g} s '
                               '(startup_timeout_ms)', now)
            elif handle.busy_since is not None and (
                    now >= handle.busy_since + options.inference_timeout_sec):
                self._fail(record, f'no result within {options.inference_timeout_sec:g} s '
                           '(inference_timeout_ms)', now)
        if self._candidate is not None and (
                now >= self._candidate.started_at + options.startup_timeout_sec):
            self._candidate.kill()
            self._candidate = None
            self._look_again(now)
            self._logger.error('looking for sticks: no answer within '
                               f'{options.startup_timeout_sec:g} s, starting again')
        if not self._is_starting() and self._start_due_at() <= now:
            self._start_candidate(now)

    def next_due(self):
        """Return when :meth:`judge` has something to do at the latest."""
        options = self._options
        due = [float('inf')]
        for record in self._records.values():
            if record.state is StickState.STARTING:
                due.append(record.handle.started_at + options.startup_timeout_sec)
            elif record.handle is not None and record.handle.busy_since is not None:
                due.append(record.handle.busy_since + options.inference_timeout_sec)
        if self._candidate is not None:
            due.append(self._candidate.started_at + options.startup_timeout_sec)
        elif not self._is_starting():
            due.append(self._start_due_at())
        return min(due)

    def stop(self):
        """End all workers."""
        for record in self._records.values():
            record.state = StickState.STOPPING
        for handle in end_all(self._handles()):
            self._logger.warning(f'worker process {handle.pid} had to be killed')

    def _handles(self):
        handles = [record.handle for record in self._records.values() if record.handle]
        return handles + ([self._candidate] if self._candidate else [])

    def _is_starting(self):
        return self._candidate is not None or any(
            record.state is StickState.STARTING for record in self._records.values())

    def _start_due_at(self):
        due = [record.start_at for record in self._records.values() if record.handle is None]
        return min(due) if due else (self._look_at if not self._records else float('inf'))

    def _start_candidate(self, now):
        try:
            self._candidate = WorkerHandle(
                self._options.workers, self._options.inflight_per_stick, now)
        except (OSError, EOFError) as error:
            self._logger.error(f'starting a worker process: {type(error).__name__}: {error}; '
                               f'trying again in {LOOK_AGAIN_SEC:g} s')
            self._look_again(now)

    def _look_again(self, now):
        """Start no worker for a while, whichever stick it is for."""
        self._look_at = now + LOOK_AGAIN_SEC
        for record in self._records.values():
            if record.handle is None:
                record.start_at = max(record.start_at, self._look_at)

    def _hear_candidate(self, now):
        handle = self._candidate
        for message in handle.messages():
            if isinstance(message, Found):
                self._candidate = None
                self._place(handle, message.device_names, now)
                return
            if isinstance(message, Fault):
                self._logger.error(f'looking for sticks: {message.text}')
        if handle.has_ended():
            self._logger.error(f'looking for sticks: {handle.how_it_ended()}, starting again in '
                               f'{LOOK_AGAIN_SEC:g} s')
            handle.close()
            self._candidate = None
            self._look_again(now)

    def _place(self, handle, device_names, now):
        """Tell a worker that has listed the sticks which one to open."""
        names = {port_of(name): name for name in sorted(device_names, key=_natural)}
        self._said_none = self._said_none and not names
        known = {port_of(record.device_name) for record in self._records.values()}
        for port, name in names.items():
            number = len(self._records)
            if port not in known and (not self._options.max_sticks
                                      or number < self._options.max_sticks):
                self._records[number] = StickRecord(number, name, now)
        due = []
        for record in self._records.values():
            if not record.wants_worker(now):
                continue
            if port_of(record.device_name) not in names:
                record.absent(now, look_again_at=now + LOOK_AGAIN_SEC)
            else:
                due.append(record)
        if due:
            # One that has failed waits behind those that have not been tried.
            chosen = min(due, key=lambda record: (record.start_at, record.number))
            chosen.starting(handle)
            handle.send(Open(names[port_of(chosen.device_name)]))
            return
        handle.kill()
        self._look_at = now + LOOK_AGAIN_SEC
        if not names and not self._said_none:
            self._said_none = True
            self._logger.warning('no stick found; waiting for one: is it plugged in (lsusb shows '
                                 '03e7), is its udev rule installed, is the hub powered?')

    def _hear(self, record, now):
        handle = record.handle
        for message in handle.messages():
            if isinstance(message, Result):
                frame = handle.settle(message, now)
                if frame is not None:
                    self._settled.append((message, frame))
                    record.inferred(message.inference_sec, now)
            elif isinstance(message, Reading):
                record.measured(message)
            elif isinstance(message, Ready):
                record.running()
                self._logger.info(f'stick {record.number} ({record.device_name}) is ready, worker '
                                  f'process {handle.pid}')
            elif isinstance(message, Fault):
                self._fail(record, message.text, now)
                return
        if handle.has_ended():
            self._fail(record, handle.how_it_ended(), now)

    def _fail(self, record, text, now):
        handle = record.handle
        self._lost += handle.outstanding
        plan = record.failed(text, now)
        handle.kill()
        self._logger.error(f'stick {record.number} ({record.device_name}): {text}; '
                           f'{"given up for" if plan.fatal else "starting again in"} '
                           f'{plan.delay_sec:g} s')


def _natural(device_name):
    """Return a sorting key by which port 1.10 follows port 1.9."""
    return [int(part) for part in re.findall(r'\d+', port_of(device_name))], device_name
