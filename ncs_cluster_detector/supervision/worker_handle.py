# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor's side of a worker process: its pipe, its slots, the frames it holds."""

from contextlib import ExitStack

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.transitions import check_transition
from ncs_cluster_detector.wire import messages
from ncs_cluster_detector.wire.checks import check
from ncs_cluster_detector.wire.frame_slots import FrameSlots
from ncs_cluster_detector.worker import PROGRAMS
from ncs_cluster_detector.worker import run_worker


def prepare(driver: Driver) -> None:
    """
    Prepare the start of a driver's workers; call it once for each driver.

    A fork server that has loaded the libraries starts a worker in some 30 ms and shares their
    memory with it. It is a new process, so no thread of this one (DDS has many) is ever forked.

    :param driver: the workers' driver; its module and its ``preload`` are loaded, never an SDK.
    """
    fork_server.server.preload = tuple(dict.fromkeys((
        *fork_server.server.preload, *PROGRAMS, type(driver).__module__, *driver.preload)))


class WorkerHandle(ChildProcess):
    """
    One worker process; when it has ended, the handle is closed and dropped.

    ``step`` is how far the opening of its stick has come.
    """

    title = 'worker process'

    def __init__(self, config: messages.WorkerConfig, inflight_per_stick: int, now: float) -> None:
        """Start the process; its start-up time counts from ``now``."""
        self.started_at = now
        self.step = OpeningStep.WAITING
        self.step_at = now
        self.turn_at = now        # when it began to open its stick, or started
        self.heard_at = now       # when it last sent a temperature or a step
        # Since when the oldest frame keeps the stick busy.
        self.busy_since: float | None = None
        self.slots = FrameSlots(inflight_per_stick)
        self._had_frames = False   # since the last reading, or at that time
        # By sequence: the frame and its slot.
        self._outstanding: dict[int, tuple[Frame, int]] = {}
        with ExitStack() as undo:
            undo.callback(self.slots.close)
            super().__init__(run_worker, self.slots, config)
            undo.pop_all()

    def check(self, message: object) -> None:
        """Raise ValueError if a worker cannot have sent this."""
        check(message)

    @property
    def outstanding(self) -> tuple[int, ...]:
        """Return the sequence numbers of the frames that the worker holds, oldest first."""
        return tuple(self._outstanding)

    @property
    def frames(self) -> dict[int, Frame]:
        """Return the frames that the worker holds as a dictionary by sequence, oldest first."""
        return {sequence: frame for sequence, (frame, _) in self._outstanding.items()}

    def on_step(self, step: OpeningStep, now: float) -> None:
        """Record how far the opening has come: steps may be left out, none comes twice."""
        steps = tuple(OpeningStep)
        check_transition('the opening of a stick', self.step, step, steps[:steps.index(step)])
        self.step, self.step_at, self.heard_at = step, now, now
        if step is OpeningStep.OPENING:
            self.turn_at = now

    def post(self, frame: Frame, now: float) -> None:
        """Send a frame to the worker; a slot must be free."""
        message: messages.Infer | messages.InferEncoded
        if isinstance(frame, EncodedFrame):
            slot = self.slots.put(frame.data)
            message = messages.InferEncoded(frame.sequence, slot, len(frame.data), frame.region)
        else:
            image = frame.region.cut(frame.image)
            slot = self.slots.put(image)
            message = messages.Infer(frame.sequence, slot, *image.shape[:2])
        self._had_frames = True
        if not self._outstanding:
            self.busy_since = now
        self._outstanding[frame.sequence] = (frame, slot)
        self.send(message)

    def settle(self, outcome: messages.Outcome, now: float) -> Frame | None:
        """Return the frame of a result and free its slot; return None if it was never posted."""
        if outcome.sequence not in self._outstanding:
            return None
        frame, slot = self._outstanding[outcome.sequence]
        if isinstance(frame, EncodedFrame) and isinstance(outcome, messages.Result):
            if outcome.picture_size is None:
                self.reject('sent the result of an encoded picture without its size')
                return None
            frame.on_decoded(outcome.picture_size)
        del self._outstanding[outcome.sequence]
        self.slots.release(slot)
        self.busy_since = now if self._outstanding else None
        return frame

    def on_reading(self, now: float) -> None:
        """Record a reading; if no frame came since the one before, the slots take no memory."""
        self.heard_at = now
        if not self._had_frames:
            self.slots.give_back()
        self._had_frames = bool(self._outstanding)

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all deadlines, because this process itself was suspended for that time."""
        self.started_at += delay_sec
        self.step_at += delay_sec
        self.turn_at += delay_sec
        self.heard_at += delay_sec
        if self.busy_since is not None:
            self.busy_since += delay_sec

    def close(self) -> None:
        """Free the pipe and the memory of a process that has ended."""
        super().close()
        self.slots.close()
