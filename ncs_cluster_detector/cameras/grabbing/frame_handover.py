# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Hands frames from the thread that grabs them to the thread that publishes them."""

import threading
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.geometry.calibration import Calibration
import numpy as np
import numpy.typing as npt


class GrabbedFrame(NamedTuple):
    """
    One picture (uint8, height x width x 3, BGR) and the ROS time at which it was captured.

    ``calibration`` is the source's own Calibration or None; ``depth`` is uint16, height x width,
    in millimetres, 0 where unknown, or None.
    """

    image: npt.NDArray[np.uint8]
    stamp: Any
    calibration: Calibration | None = None
    depth: npt.NDArray[np.uint16] | None = None


class FrameHandover:
    """Room for one frame; those that the taker missed are counted in ``dropped``."""

    def __init__(self) -> None:
        self.dropped = 0
        self._frame = None
        self._taker_waits = False
        self._closed = False
        self._changed = threading.Condition()

    def put_latest(self, frame: GrabbedFrame) -> None:
        """Put a frame in place of one that was not taken yet: only the newest counts."""
        with self._changed:
            if self._frame is not None:
                self.dropped += 1
            self._frame = frame
            self._changed.notify_all()

    def put_waiting(self, frame: GrabbedFrame) -> None:
        """Hand a frame over after the taker is done with the one before: every one counts."""
        with self._changed:
            self._changed.wait_for(
                lambda: (self._taker_waits and self._frame is None) or self._closed)
            self._frame = frame
            self._changed.notify_all()

    def take(self) -> GrabbedFrame | None:
        """Wait for a frame and return it, or None once closed."""
        with self._changed:
            self._taker_waits = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._frame is not None or self._closed)
            frame, self._frame, self._taker_waits = self._frame, None, False
            return None if self._closed else frame

    def close(self) -> None:
        """Let every waiting thread go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
