# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor's hold on one worker process: its pipe, its slots and what it owes."""

from collections import OrderedDict
from contextlib import ExitStack

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.wire.frame_slots import FrameSlots
from ncs_cluster_detector.wire.messages import Infer
from ncs_cluster_detector.wire.messages import Result
from ncs_cluster_detector.wire.messages import Stop
from ncs_cluster_detector.worker import bus_cleaner_main
from ncs_cluster_detector.worker import worker_main


def prepare(driver: Driver) -> None:
    """
    Make ready for starting workers; call it once.

    A fork server that has loaded the libraries starts a worker in some 30 ms and shares their
    memory with it. It is a fresh process, so no thread of ours (DDS has many) is ever forked.

    :param driver: that of the workers; its module and what it names are loaded, an SDK never.
    """
    # What is not installed is left out. pyusb loads libusb only where it is used.
    fork_server.server.preload = (
        worker_main.__name__, bus_cleaner_main.__name__, 'usb.core', 'usb.backend.libusb1',
        type(driver).__module__, *driver.preload)


class WorkerHandle(ChildProcess):
    """One generation of a worker; when it has ended, the handle is closed and dropped."""

    title = 'worker process'

    def __init__(self, config, inflight_per_stick, now):
        """Start the process; ``now`` is the time from which its start-up counts."""
        self.started_at = now
        self.step = None          # of the opening of its stick
        self.step_at = now
        self.heard_at = now       # when it last gave a temperature, or became ready
        self.busy_since = None    # since when the oldest frame keeps the stick busy
        self.slots = FrameSlots(inflight_per_stick)
        self._outstanding = OrderedDict()   # sequence -> (frame, slot)
        with ExitStack() as undo:
            undo.callback(self.slots.close)
            super().__init__(worker_main.main, self.slots, config)
            undo.pop_all()

    @property
    def outstanding(self):
        """Return the sequence numbers of the frames that the worker holds, oldest first."""
        return tuple(self._outstanding)

    @property
    def frames(self):
        """Return the frames that the worker holds, a dictionary by sequence, oldest first."""
        return {sequence: frame for sequence, (frame, _) in self._outstanding.items()}

    def post(self, sequence, frame, now):
        """Give a frame to the worker; a slot must be free."""
        slot = self.slots.put(frame.image)
        if not self._outstanding:
            self.busy_since = now
        self._outstanding[sequence] = (frame, slot)
        self.send(Infer(sequence, slot, *frame.image.shape[:2]))

    def settle(self, result: Result, now):
        """Return the frame of a result and free its slot, or None if it was never posted."""
        frame, slot = self._outstanding.pop(result.sequence, (None, None))
        if frame is not None:
            self.slots.release(slot)
            self.busy_since = now if self._outstanding else None
        return frame

    def ask_to_stop(self):
        """Ask the worker to close its stick and exit."""
        self.send(Stop())

    def extend_deadlines(self, delay_sec):
        """Move all deadlines, for this process itself has stood still so long."""
        self.started_at += delay_sec
        self.step_at += delay_sec
        self.heard_at += delay_sec
        if self.busy_since is not None:
            self.busy_since += delay_sec

    def close(self):
        """Take back pipe and memory of a process that has ended."""
        super().close()
        self.slots.close()
