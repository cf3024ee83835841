# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Cameras that share a pool of sticks under the FairShare, in invented time."""

import math

from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.settings import Settings

INFERENCE_SEC = 0.065
TWO_STICKS = (0.0, INFERENCE_SEC / 2)   # when each has its first place: out of phase
LIMIT = 2 / INFERENCE_SEC   # frames a second of two sticks
# Places are at least so far apart, as a part of the distance in the even row of the JustInTime.
APART = 0.8


class SharedPool:
    """
    Sticks with a place every 65 ms each, and cameras of which the newest frame waits.

    With ``spread`` places are apart, as the JustInTime sees to; without, those of two sticks may
    come at the same moment.
    ``served`` has the time, the camera and the arrival of each frame that was sent.
    """

    def __init__(self, rates, phases=None, sticks=TWO_STICKS, spread=True, **settings):
        """Begin at time 0; a phase is what part of its period a camera's first frame is late."""
        self.policy, self.settings = FairShare(), Settings(**settings)
        self.now, self.served, self.silent = 0.0, [], set()
        self._periods = [1.0 / rate for rate in rates]
        phases = phases or [0.37 * number % 1.0 for number in range(len(rates))]
        self._next_at = [phase * period for phase, period in zip(phases, self._periods)]
        self._waiting = {}   # camera -> when its newest frame came
        self._free_at = list(sticks)
        self._apart_sec = spread * APART * INFERENCE_SEC / len(sticks)
        self._place_from = -math.inf   # when there may be a place again

    def go(self, until, on_sent=lambda: None):
        """Let time pass; check at each moment that no due frame waits for nothing."""
        while True:
            self._let_frames_come()
            self._send_frames(on_sent)
            moments = list(self._next_at)
            free_at = max(min(self._free_at), self._place_from)
            if free_at > self.now:
                moments.append(free_at)
            else:   # a stick is free, so nobody who waits is due
                moments += [self.policy.due_at(camera, self.settings) for camera in self._waiting]
                assert min(moments) > self.now
            if min(moments) > until:
                self.now = until
                return self
            self.now = min(moments)

    def counts(self, begin, end):
        """Return how many frames of each camera were sent from one time until another one."""
        return [sum(begin <= moment < end and camera == number
                    for moment, camera, _ in self.served) for number in range(len(self._periods))]

    def _let_frames_come(self):
        for camera, period in enumerate(self._periods):
            while self._next_at[camera] <= self.now:
                if camera not in self.silent:
                    self._waiting[camera] = self._next_at[camera]
                self._next_at[camera] += period

    def _send_frames(self, on_sent):
        for stick, free_at in enumerate(self._free_at):
            if max(free_at, self._place_from) > self.now:
                continue
            camera = self.policy.choose(self.now, self._waiting, self.settings)
            if camera is None:
                assert all(self.policy.due_at(each, self.settings) > self.now
                           for each in self._waiting)
                return
            assert camera in self._waiting
            assert self.policy.due_at(camera, self.settings) <= self.now
            self.policy.on_frame_sent(camera, self.now, self.settings)
            self.served.append((self.now, camera, self._waiting.pop(camera)))
            # Places are where they are; one that nobody wanted begins when somebody does.
            self._free_at[stick] = (
                free_at if self.now - free_at < 1e-9 else self.now) + INFERENCE_SEC
            self._place_from = self.now + self._apart_sec
            on_sent()


def least_and_most(seconds, pool, camera, begin, end):
    """Return the least and the most frames of a camera in any stretch of so many seconds."""
    moments = [moment for moment, number, _ in pool.served
               if number == camera and begin <= moment < end]
    counts = []
    for edge in [begin, *(math.nextafter(moment, math.inf) for moment in moments), *moments]:
        if edge + seconds <= end:
            counts.append(sum(edge <= moment < edge + seconds for moment in moments))
    return min(counts), max(counts)
