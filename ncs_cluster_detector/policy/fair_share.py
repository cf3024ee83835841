# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which camera gets the next frame inferred, while several send more than the sticks can do."""

from collections.abc import Iterable

from ncs_cluster_detector.policy.settings import Settings

# The least part of the greatest weight that makes a difference.
LEAST_WEIGHT = 1e-9
# How many frames a camera may be behind its share and make good for: its frames come at times of
# their own, so there may be none at its turn. One that was silent does not make good for that.
MOST_BEHIND = 3.0


class FairShare:
    """
    Start-time fair queuing over cameras, each with at most one frame waiting.

    Each inferred frame costs its camera one over its weight, and the camera that has spent least
    is next. Source: Goyal, Vin and Cheng, Start-time Fair Queueing, SIGCOMM 1996. What is spent
    counts from the virtual time, which is 0 here at every moment, so that no figure grows for
    weeks. It is kept as a number of the camera's own frames, which stays right when weights
    change: it is 1 at most. Cameras of weight 0 get what the others leave, in equal shares.
    """

    def __init__(self) -> None:
        self._ahead: dict[int, float] = {}   # frames that a camera is ahead of the virtual time
        self._due_from: dict[int, float] = {}   # when the last frame of a camera was due

    def choose(self, now: float, waiting: Iterable[int], settings: Settings) -> int | None:
        """Return the camera whose frame is next, of those with one waiting, or None."""
        return min(((settings.weight(camera) == 0.0, self._start(camera, settings), camera)
                    for camera in waiting if self.due_at(camera, settings) <= now),
                   default=(None,))[-1]

    def due_at(self, camera: int, settings: Settings) -> float:
        """Return when a camera may have its next frame inferred, by its ``max_fps``."""
        most = settings.max_fps(camera)
        if not most or camera not in self._due_from:
            return float('-inf')
        return self._due_from[camera] + 1.0 / most

    def on_frame_sent(self, camera: int, now: float, settings: Settings) -> None:
        """Charge a camera for a frame."""
        passed = max(self._start(camera, settings), 0.0)   # of the virtual time
        self._ahead[camera] = self._ahead.get(camera, 0.0) + 1.0
        has_weight = settings.weight(camera) > 0.0   # those of weight 0 have a time of their own
        self._ahead = {
            other: max(ahead - passed / self._cost(other, settings), -MOST_BEHIND)
            if (settings.weight(other) > 0.0) == has_weight else ahead
            for other, ahead in self._ahead.items()}
        if most := settings.max_fps(camera):
            # Counted from when it was due, not from when it came; but no more than one frame is
            # made up for.
            self._due_from[camera] = max(self.due_at(camera, settings), now - 1.0 / most)
        else:
            self._due_from[camera] = now

    def _start(self, camera: int, settings: Settings) -> float:
        """Return the virtual time at which a camera's next frame begins."""
        return self._ahead.get(camera, 0.0) * self._cost(camera, settings)

    def _cost(self, camera: int, settings: Settings) -> float:
        weight = settings.weight(camera)
        if weight == 0.0:
            return 1.0
        return 1.0 / max(weight / settings.greatest_weight, LEAST_WEIGHT)
