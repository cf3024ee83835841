# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A supervisor in invented time, on sticks, workers and a bus cleaner that are invented too."""

from contextlib import ExitStack
from contextlib import suppress
from dataclasses import replace
from multiprocessing import connection
import os
import sys
import time
from types import SimpleNamespace
from unittest import mock

from frame_ledger import FrameLedger
from invented_processes import InventedForkServer
from ncs_cluster_detector.networks.region import WHOLE
from ncs_cluster_detector.policy.reliability.restart import LONGEST_DELAY_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision import supervisor as supervisor_module
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
from ncs_cluster_detector.wire.messages import DeadStick
from ncs_cluster_detector.wire.messages import WorkerConfig
from ncs_cluster_detector.worker import run_worker
import numpy as np
from protocol_ends import CleanerEnd
from protocol_ends import WorkerEnd

# The steps in which everything must be done that is due at one moment.
MOST_STEPS_AT_ONCE = 6
MOST_DUE_MOMENTS = 500
SLICE_SEC = 1 / 8
RUNNING, STARTING, STOPPING = StickState.RUNNING, StickState.STARTING, StickState.STOPPING


class Driver:
    """A driver that no process uses."""

    preload = ()

    def __init__(self, starts_together):
        self.starts_together = starts_together


class ProtocolWorld:
    """
    Everything around a supervisor, and what must hold whatever happens there.

    ``plugged`` are the ports with a stick, ``taken`` those of them that another program has open,
    ``dead`` has since when the stick at a port has booted and does not answer. Sticks that
    ``start_together`` need no bus cleaner, and their workers find out which are dead.
    """

    def __init__(self, settings, inflight=2, max_sticks=0, cameras=1, starts_together=False):
        self.now = 100.0
        self.plugged, self.taken, self.dead = set(), set(), {}
        self.ledgers = [FrameLedger() for _ in range(cameras)]
        self.camera_of = {}   # by sequence number
        self.steps = 0
        self._has_failed = False
        self.is_over = False   # no stick can work with a parameter, the supervisor has said
        self.has_been_ready = False
        self._starts_at = self.now   # from then on every process can be started
        self.inflight, self.max_sticks = inflight, max_sticks
        self.starts_together = starts_together
        self.settings = settings
        self._requests = []
        self._published, self._unreadable = [], []
        self._undo = ExitStack()
        self.log = []
        self.server = InventedForkServer(self._make_process)
        self._patch()
        # Those of worlds that have failed are closed at any time, when they are collected.
        self._others_descriptors = open_descriptors()
        options = SupervisorOptions(
            WorkerConfig(Driver(starts_together), (), ()), max_sticks=max_sticks,
            inflight_per_stick=inflight, cameras=cameras)
        say = self.log.append
        self.supervisor = Supervisor(
            options, settings, lambda *published: self._published.append(published),
            SimpleNamespace(info=say, warning=say, error=say),
            lambda frame, why: self._unreadable.append(frame))
        self._own_descriptors = self._count_descriptors()

    def _patch(self):
        clock = SimpleNamespace(monotonic=lambda: self.now)
        for name, module in list(sys.modules.items()):
            if name.startswith('ncs_cluster_detector.supervision') and (
                    getattr(module, 'time', None) is time):
                self._undo.enter_context(mock.patch.object(module, 'time', clock))
        # So that each step can be held against what is shown of it.
        self._undo.enter_context(
            mock.patch.object(supervisor_module, 'SNAPSHOT_PERIOD_SEC', 0.0))
        self._undo.enter_context(mock.patch.object(fork_server, 'server', self.server))
        self._undo.enter_context(mock.patch('os.kill', self.server.kill))

    def _make_process(self, pid, main, arguments):
        if main is run_worker:
            return WorkerEnd(pid, self, arguments[0])
        assert not self.starts_together, 'a bus cleaner was started'
        return CleanerEnd(pid, self)

    @property
    def processes(self):
        """Return all processes that have not ended, oldest first."""
        return [process for process in self.server.processes.values() if not process.is_over]

    @property
    def workers(self):
        """Return those of them that are workers."""
        return [process for process in self.processes if isinstance(process, WorkerEnd)]

    @property
    def at_work(self):
        """Return the workers whose stick is ready."""
        return [worker for worker in self.workers if worker.is_ready and not worker.is_given_up]

    def names(self):
        """Return the names that a list of the sticks has."""
        opened = {port_of(worker.opened) for worker in self.workers if worker.opened}
        in_use = opened | self.taken
        if not self.starts_together:   # else nobody holds their claim
            in_use |= set(self.dead)
        return tuple(f'{port}-' if port in in_use else f'{port}-ma2450'
                     for port in sorted(self.plugged))

    def can_open(self, name, worker):
        """Tell whether a worker can open a stick."""
        port = port_of(name)
        others = {port_of(other.opened) for other in self.workers
                  if other.opened and other is not worker}
        if not self.starts_together:   # else a worker tries it
            others |= set(self.dead)
        return port in self.plugged and port not in self.taken | others

    def dead_sticks(self):
        """Return what the bus cleaner finds."""
        return tuple(DeadStick(port, since) for port, since in sorted(self.dead.items()))

    def offer(self, height=2, width=2, age_sec=0.0, waits=False, camera=None, encoded=False,
              region=WHOLE):
        """Offer a new frame, whose pixels tell its number, maybe while the supervisor waits."""
        sequence = len(self.camera_of) + 1
        camera = (sequence if camera is None else camera) % len(self.ledgers)
        content = np.full((height * width,) if encoded else (height, width, 3), sequence % 251,
                          dtype=np.uint8)
        frame = (EncodedFrame if encoded else Frame)(
            sequence, content, f'header {sequence}', self.now - age_sec, camera, region)
        self.camera_of[sequence] = camera
        self.ledgers[camera].offer(frame)
        if waits:
            self.supervisor._waits.release()
        self.supervisor.offer(frame)
        if waits:
            self.supervisor._waits.acquire()

    def ledger_of(self, sequence):
        """Return the ledger that a frame is in."""
        return self.ledgers[self.camera_of[sequence]]

    def change(self, **settings):
        """Change settings."""
        self.settings = replace(self.settings, **settings)
        self.supervisor.change(self.settings)

    def switch(self):
        """Ask for a change of the cluster."""
        self._requests.append(self.supervisor.switch_cluster())

    def next_due(self):
        """Return when the supervisor has to be called next."""
        return self.supervisor._next_due(self.now)

    def is_anything_ready(self):
        """Tell whether the supervisor would wake up at once."""
        return bool(connection.wait([self.supervisor._processes._epoll.fileno()], 0.0))

    def step(self):
        """Let the supervisor do all that is due; afterwards it must be able to wait."""
        self._has_failed = True   # until it is done
        for _ in range(MOST_STEPS_AT_ONCE):
            self._step()
            if self.is_over or self.next_due() > self.now and not self.is_anything_ready():
                break
        else:
            raise AssertionError(
                f'the supervisor cannot wait: at {self.now} it is due at {self.next_due()}, '
                f'something is ready: {self.is_anything_ready()}')
        assert self.is_over or all(request.done() for request in self._requests), (
            'a request waits for its answer')
        self._requests.clear()
        self._has_failed = False

    def pass_time(self, seconds):
        """Let time pass in which no process does anything."""
        until = self.now + seconds
        for _ in range(MOST_DUE_MOMENTS):
            if self.is_over:
                return
            due = self.next_due()
            self.now = max(min(due, until), self.now)
            self.step()
            if due >= until:
                return
        raise AssertionError(f'too often due: {MOST_DUE_MOMENTS} times in {seconds} s')

    def jump(self, seconds):
        """Let time pass at once: the supervisor wakes up too late."""
        self.now += seconds
        self.step()

    def live(self, seconds, frames_per_sec=0.0):
        """Let time pass in which all processes that do not hang do what they should."""
        until, frames = self.now + seconds, 0.0
        while self.now < until and not self.is_over:
            frames += frames_per_sec * SLICE_SEC
            while frames >= 1.0:
                frames -= 1.0
                self.offer()
            for process in self.processes:
                if not process.hangs:
                    process.act()
            self.pass_time(SLICE_SEC)

    def close(self):
        """End everything; check that every frame has its fate and that nothing is left open."""
        try:
            if not (self.is_over or self._has_failed):
                self._end_well()
        finally:
            for process in self.processes:
                process.take_in()
                process.end(0)
            self.supervisor.stop()
            try:
                self.supervisor.run()
            finally:
                self.supervisor._processes.close()
                for process in self.server.processes.values():
                    process.close()
                self._undo.close()
        if not self._has_failed:
            assert self.supervisor.all_ended
            assert not self._count_descriptors(), 'descriptors are left open'

    def _end_well(self):
        """Have every frame come to its end."""
        for process in self.processes:
            process.is_stuck = False
            process.end(1)
        self.plugged.clear()
        self.step()
        self.jump(10.0)
        for ledger in self.ledgers:
            ledger.check_all_done()

    def _step(self):
        processes = list(self.server.processes.values())
        for process in processes:
            process.begin_step()
        limit_sec = self.settings.max_frame_age_ms / 1000
        before = self.supervisor.snapshot
        try:
            self.supervisor.step(self.now)
        except UnusableParameterError as error:
            assert not self.has_been_ready, error
            self.is_over = True
            return
        self.steps += 1
        snapshot = self.supervisor.snapshot
        assert snapshot is not before
        self._note(snapshot, limit_sec)
        self._check_sticks(snapshot)
        self._check_active(snapshot)
        self._check_descriptors()
        for ledger, camera in zip(self.ledgers, snapshot.cameras):
            ledger.check(camera.dropped)
        for process in processes:
            if process.was_over:
                self.server.processes.pop(process.pid).close()

    def _note(self, snapshot, limit_sec):
        """Take note of what the supervisor has heard, sent and published in a step."""
        numbers = {stick.pid: stick.status.number for stick in snapshot.sticks}
        new = {}
        received = [(process, order) for process in list(self.server.processes.values())
                    for order in process.end_step(numbers)]
        for process, order in received:
            if self.ledger_of(order.sequence).send(
                    order.sequence, process, self.now, limit_sec):
                new.setdefault(order.sequence, set())
            if order.sequence in new:
                new[order.sequence].add(numbers[process.pid])
        for sequence, sticks in new.items():
            assert sticks & set(snapshot.active), f'frame {sequence} was sent to resting sticks'
        unreadable, self._unreadable[:] = self._unreadable[:], []
        for frame in unreadable:
            self.ledgers[frame.camera].note_unreadable(frame)
        published, self._published[:] = self._published[:], []
        for frame, detections in published:
            self.ledgers[frame.camera].publish(
                frame, detections, self.settings.wants, self.now, limit_sec)
        for ledger in self.ledgers:
            ledger.settle(self.now, limit_sec, self.settings.enabled)

    def _check_sticks(self, snapshot):
        """Compare the states that are shown with those that the processes have."""
        by_port = {port_of(stick.device_name): stick for stick in snapshot.sticks}
        assert len(by_port) == len(snapshot.sticks)
        assert len({stick.status.number for stick in snapshot.sticks}) == len(snapshot.sticks)
        expected = {}
        for worker in self.server.processes.values():
            if not isinstance(worker, WorkerEnd) or worker.opened is None:
                continue
            port = port_of(worker.opened)
            if not worker.is_given_up:
                assert port not in expected, f'two processes have the stick at {port}'
                expected[port] = (RUNNING if worker.is_ready else STARTING, worker.pid,
                                  len(worker.outstanding), *worker.heard)
            elif not worker.is_over:
                assert port not in expected, f'two processes have the stick at {port}'
                expected[port] = STOPPING, None, 0, None, 0
        shown = {port: (stick.status.state, stick.pid, stick.status.outstanding,
                        stick.status.celsius, stick.status.throttle_level)
                 for port, stick in by_port.items()}
        for port, states in expected.items():
            state, *others = shown.get(port, (None,))
            if self.starts_together and state is StickState.DEAD and states[0] is not RUNNING:
                state = states[0]   # a dead stick is tried
            assert (state, *others) == states, (port, shown.get(port), states)
        for port, (state, pid, outstanding, _, _) in shown.items():
            assert port in expected or (pid, outstanding) == (None, 0) and state not in (
                RUNNING, STARTING, STOPPING), (port, state)
        at_work = sum(pid is not None for _, pid, *_ in expected.values())
        assert not self.max_sticks or at_work <= self.max_sticks
        assert self.starts_together or sum(
            worker.is_starting for worker in self.workers) <= 1, 'two workers start at once'
        if self.server.fails:
            self._starts_at = self.now + LONGEST_DELAY_SEC
        if self.starts_together and self.now > self._starts_at:
            assert not any(state is StickState.QUEUED for state, *_ in shown.values()), (
                'a stick waits for its turn')

    def _check_active(self, snapshot):
        running = {stick.status.number for stick in snapshot.sticks
                   if stick.status.state is RUNNING}
        active = set(snapshot.active)
        assert len(active) == len(snapshot.active)
        assert active <= running, 'a stick is active that does not run'
        size = snapshot.settings.cluster_size
        assert snapshot.settings is self.settings
        assert not size or len(active) <= size, 'too many sticks are active'
        assert not active or snapshot.settings.enabled, 'a stick is active while disabled'
        assert {stick.status.number for stick in snapshot.sticks if stick.active} == active

    def _check_descriptors(self):
        """Compare the descriptors with those that belong to the processes."""
        processes = self.server.processes.values()
        least = most = self._own_descriptors
        for process in processes:
            few, many = process.descriptors()
            of_supervisor = process.supervisors_descriptors()
            # It may not have noticed yet that a process has ended.
            least += few + (0 if process.is_over else of_supervisor[0])
            most += many + of_supervisor[1]
        found = self._count_descriptors()
        assert least <= found <= most, f'{found} descriptors are open, not {least} to {most}'

    def _count_descriptors(self):
        return len(open_descriptors() - self._others_descriptors)


def open_descriptors():
    """Return the descriptors of this process, each with the file that it belongs to."""
    found = set()
    for name in os.listdir('/proc/self/fd'):
        with suppress(OSError):   # the one of this listing
            status = os.fstat(int(name))
            found.add((name, status.st_dev, status.st_ino))
    return found
