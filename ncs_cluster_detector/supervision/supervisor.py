# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Keeps one worker process per stick running; a thread of the detector node's process."""

from collections.abc import Callable
from collections.abc import Set
from concurrent.futures import Future
import queue
import threading
import time
from typing import TypeAlias

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.decision import Decision
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.processes.process_watch import ProcessWatch
from ncs_cluster_detector.supervision.decision_times import DecisionTimes
from ncs_cluster_detector.supervision.decision_times import SLACK_SEC
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.frames.frame_flow import FrameFlow
from ncs_cluster_detector.supervision.remote.stick_pools import make_pool
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError

# If a wait ends later than this after its time, this process was suspended.
SUSPENDED_SEC = 0.5
BLIND = 'its temperature stays unknown, so it is started again'
# How often the snapshot is written, unless active sticks or settings change: then at once.
SNAPSHOT_PERIOD_SEC = 0.15
# The decision on a request, and the state after it.
SwitchAnswer: TypeAlias = Future[tuple[Decision, Snapshot]]


class Supervisor:
    """
    The loop around workers, rotation and dispatch.

    One thread calls :meth:`run`; others only call :meth:`offer`, :meth:`change`,
    :meth:`switch_cluster` and :meth:`stop`, which set a value and wake the loop, and read
    :attr:`snapshot`. While the loop waits, :meth:`offer` sends the frame itself. ``remote`` takes
    what other hosts send, or is None.
    """

    def __init__(
            self, options: SupervisorOptions, settings: Settings,
            publish: Callable[[Frame, tuple[Detection, ...]], object], logger: Logger,
            on_unreadable: Callable[[Frame, str], object] = lambda frame, why: None) -> None:
        """
        Prepare; no process is started before :meth:`run`.

        :param publish: called in the supervisor's thread, in the order of the frames, with a Frame
            and the tuple of its detections that pass the settings.
        :param on_unreadable: called in that thread with a Frame that holds no picture, and why.
        """
        self._options = options
        self._settings = self._wanted = settings   # of this step, and of the next
        self._publish = publish
        self._processes = ProcessWatch()
        self._pool, self.remote, self._reserve = make_pool(
            options, logger, self._processes.wake_up)
        self._cluster = ClusterControl(several_cameras=options.cameras > 1)
        self._times = DecisionTimes(self._cluster.promptness)
        self._requests: queue.SimpleQueue[SwitchAnswer] = queue.SimpleQueue()
        self._flow = FrameFlow(self._cluster, self._pool, self._reserve, options, on_unreadable)
        self._waits = threading.Lock()   # free only while run() waits
        self._waits.acquire()
        self._wakes_at = float('inf')    # until then
        self._stopping = threading.Event()
        self._snapshot_is_old, self.all_ended = False, True
        self._write_snapshot(time.monotonic())

    def offer(self, frame: Frame) -> None:
        """Make a frame its camera's newest; the one before is dropped if no stick has it."""
        self._flow.offer(frame)
        if not self._send_now():
            self._processes.wake_up()

    def change(self, settings: Settings) -> None:
        """Let new settings take effect."""
        self._wanted = settings
        self._processes.wake_up()

    def switch_cluster(self) -> SwitchAnswer:
        """Request a change of the whole cluster; return a Future of the SwitchAnswer."""
        answer: SwitchAnswer = Future()
        self._requests.put(answer)
        self._processes.wake_up()
        return answer

    def stop(self) -> None:
        """End :meth:`run`, which then ends the workers."""
        self._stopping.set()
        self._processes.wake_up()

    def run(self) -> None:
        """
        Work until :meth:`stop`; afterwards no worker is left, if ``all_ended``.

        :raises UnusableParameterError: no stick can work with a parameter of the node.
        """
        ready: Set[ChildProcess] = frozenset()
        try:
            while not self._stopping.is_set():
                now = time.monotonic()
                if ready or now >= self._step_due(now):
                    self.step(now, ready)
                else:   # only frames are due
                    self._distribute(now)
                    self._release(now)
                ready = self._wait(now)
        finally:
            self.all_ended = self._pool.stop()

    def _send_now(self) -> bool:
        """
        Send the newest frame in the caller's thread; return whether the loop may go on waiting.

        So that a frame takes no detour over another thread.
        """
        if not self._waits.acquire(blocking=False):
            return False
        try:
            now = time.monotonic()
            self._distribute(now)
            return self._next_due(now) >= self._wakes_at
        finally:
            self._waits.release()

    def step(self, now: float, ready: Set[ChildProcess] | None = None) -> None:
        """
        Do all that is due at the time ``now``.

        :param ready: the processes that have something to read; by default it is found out.
        """
        if self._settings is not self._wanted:
            self._settings = self._wanted
            self._times.decide_now()
            self._snapshot_at = float('-inf')   # write the snapshot at once
        self._receive(now, self._processes.wait(0.0) if ready is None else ready)
        self._release(now)
        self._rotate(now)
        if self._reserve is not None:
            self._reserve.follow(now, self._pool.views.statuses, self._cluster, self._settings)
        self._distribute(now)
        self._release(now)
        for process in self._pool.newest_processes():
            self._processes.add(process)
        self._snapshot_is_old = now < self._snapshot_at + SNAPSHOT_PERIOD_SEC
        if not self._snapshot_is_old:
            self._write_snapshot(now)

    def _receive(self, now: float, ready: Set[ChildProcess]) -> None:
        self._pool.receive(now, ready)
        if self._pool.unusable is not None:
            raise UnusableParameterError(*self._pool.unusable)
        self._pool.judge(now)
        self._flow.take_results(now)

    def _rotate(self, now: float) -> None:
        """Update the cluster if something has changed that it must know now, or if it is time."""
        changes = self._pool.views.refresh(now)
        answer = None if self._requests.empty() else self._requests.get()
        is_due = self._times.is_due(
            now, changes, self._settings, self._pool.views.statuses.values())
        if answer is None and not is_due:
            return
        sticks = list(self._pool.views.statuses.values())
        decision = self._cluster.update(now, sticks, self._settings, answer is not None)
        if decision.reason is not None:
            self._snapshot_at = float('-inf')
        for number in self._cluster.promptness.newly_late:
            self._pool.note_late(number)
        while self._cluster.to_restart:   # these get no frame any more; others take over
            for number in self._cluster.to_restart:
                self._pool.restart(number, BLIND, now)
            self._snapshot_at = float('-inf')
            self._flow.take_results(now)
            self._pool.views.refresh(now)
            sticks = list(self._pool.views.statuses.values())
            self._cluster.update(now, sticks, self._settings)
        self._times.on_decision(now, self._cluster.next_due(now, sticks, self._settings))
        if answer is not None:
            self._write_snapshot(now)
            answer.set_result((decision, self.snapshot))   # one a step

    def _distribute(self, now: float) -> None:
        self._snapshot_is_old = True
        for number in self._flow.distribute(now, self._settings):
            self._times.on_frame_sent(self._pool.views.statuses[number])

    def _release(self, now: float) -> None:
        for frame, detections in self._flow.release(now):
            self._publish(frame, tuple(found for found in detections
                                       if self._settings.wants(found.label, found.score)))
            self._flow.on_published(frame)

    def _write_snapshot(self, now: float) -> None:
        self._snapshot_at = now
        cluster = self._cluster
        sticks = self._pool.views.snapshots(now, cluster.active, cluster.condition)
        frames, cameras = self._flow.snapshots(now)
        self.snapshot = Snapshot(
            settings=self._settings, sticks=sticks, active=cluster.active, all_hot=cluster.all_hot,
            asked_size=self._settings.cluster_size or len(sticks), switches=cluster.switches,
            heat_advice=cluster.heat_advice(self._settings), at_full_speed=cluster.at_full_speed,
            sustainable_size=cluster.sustainable_size(self._settings), frames=frames,
            last_switch_reason=cluster.last_switch_reason, local_sticks=self._options.local_sticks,
            hosts=self.remote.hosts(now) if self.remote else (), cameras=cameras,
            reserve=self._reserve.snapshot(now) if self._reserve else None)
        if self.remote is not None:
            self.remote.tell_changes()

    def _wait(self, now: float) -> Set[ChildProcess]:
        """Wait until a process or another thread has something, or something is due."""
        due_at = self._next_due(now)
        timeout = None if due_at == float('inf') else max(due_at - time.monotonic(), 0.0)
        self._wakes_at = due_at
        self._waits.release()
        try:
            ready = self._processes.wait(timeout)
        finally:
            self._waits.acquire()
        if (late_sec := time.monotonic() - due_at) > SUSPENDED_SEC:   # such as by a Ctrl-Z
            self._pool.extend_deadlines(late_sec)
        return ready

    def _next_due(self, now: float) -> float:
        frames_due = self._flow.next_due(now, self._settings)
        step_due = self._step_due(now)
        return step_due if frames_due is None else min(step_due, frames_due)

    def _step_due(self, now: float) -> float:
        """Return when more is due than frames, if no process has something before."""
        if self._settings is not self._wanted or not self._requests.empty():
            return now
        due_at = min(self._pool.next_due(now), self._times.next_due())
        if self._snapshot_is_old:
            due_at = min(due_at, self._snapshot_at + SNAPSHOT_PERIOD_SEC + SLACK_SEC)
        return due_at
