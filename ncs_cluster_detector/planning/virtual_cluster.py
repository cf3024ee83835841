# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks in invented time under the real policies: hours pass in seconds."""

from collections.abc import Sequence
import math

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# Real sticks are read once a second. Slow ones are read here so many times in their time constant,
# in which a temperature hardly changes, within these periods.
READINGS_IN_TIME_CONSTANT = 48
READING_PERIOD_SEC = (1.0, 2.5)
# From so long before a stick can reach the switch temperature its readings matter.
WATCH_AHEAD_SEC = 10.0
# The least step: time goes on even when something is due at once, so that a temperature that is
# reached is passed.
LEAST_STEP_SEC = 1e-3


class VirtualCluster:
    """
    Sticks that follow their constants exactly, managed by the policies of the detector node.

    Work is a share of full speed instead of single frames.
    """

    def __init__(self, constants: Sequence[ThermalModel], settings: Settings,
                 frames_per_sec: float = math.inf, inference_sec: float = 0.065,
                 control: ClusterControl | None = None) -> None:
        """
        Start at idle temperature with no stick active.

        :param constants: one for each stick.
        :param frames_per_sec: images that come in.
        :param inference_sec: time of one inference at full speed.
        """
        self.now = 0.0
        self.changes = 0     # how many sticks were relieved
        self.frames = 0.0
        self.celsius = [stick.idle_celsius for stick in constants]
        self.peaks = self.celsius[:]   # since the last forget_peaks()
        self._constants = constants
        self._settings = settings
        self._frames_per_sec = frames_per_sec
        self._inference_sec = inference_sec
        self.control = control or ClusterControl()
        low, high = READING_PERIOD_SEC
        fastest_sec = min(stick.time_constant_sec for stick in constants)
        self._reading_period_sec = max(low, min(fastest_sec / READINGS_IN_TIME_CONSTANT, high))
        self._work_sec = [0.0] * len(constants)
        self._hot_since_resume = set()
        self._readings = ()
        self._measured_at = -math.inf

    def forget_peaks(self) -> None:
        """Count peaks, frames and changes from now on."""
        self.peaks = self.celsius[:]
        self.frames = 0.0
        self.changes = 0

    def run_until(self, end_sec: float) -> None:
        """Let time pass."""
        while self.now < end_sec:
            self.step(end_sec)

    def step(self, end_sec: float = math.inf) -> None:
        """Ask the policies, and work until a temperature or the time may make them change."""
        self._read()
        decision = self.control.update(self.now, self._statuses(), self._settings)
        self.changes += len(decision.left)
        shares = self._shares()
        self._work(shares, max(
            min(end_sec, self._next_event_at(shares)) - self.now, LEAST_STEP_SEC))

    def _read(self):
        # Between two events that matter nothing is read, but each has a fresh reading.
        if self.now >= self._measured_at + self._reading_period_sec:
            self._readings = self.celsius[:]
            self._measured_at = self.now

    def _work(self, shares, elapsed_sec):
        self.frames += sum(shares.values()) * elapsed_sec / self._inference_sec
        for number in range(len(self.celsius)):
            share = shares.get(number, 0.0)
            self._work_sec[number] += share * elapsed_sec
            celsius = self.celsius[number] = self._after(number, share, elapsed_sec)
            self.peaks[number] = max(self.peaks[number], celsius)
        self.now += elapsed_sec

    def _after(self, number, share, elapsed_sec):
        """Return the temperature of a stick after work at a share of full speed."""
        return self._constants[number].after(self.celsius[number], share, elapsed_sec)

    def _statuses(self):
        return [StickStatus(number, StickState.RUNNING, celsius, self._measured_at,
                            work_sec=self._work_sec[number], inference_sec=self._inference_sec)
                for number, celsius in enumerate(self._readings)]

    def _shares(self):
        """Return the share of full speed of every active stick; the slowest are served first."""
        most = sorted((self._most_of(number), number) for number in self.control.active)
        left = self._frames_per_sec * self._inference_sec
        shares = {}
        for count, (share, number) in enumerate(most):
            shares[number] = min(share, left / (len(most) - count))
            left -= shares[number]
        return shares

    def _most_of(self, number):
        """Return the share of full speed at which a stick can work at most."""
        return self.control.share_of(number)

    def _next_event_at(self, shares):
        settings = self._settings
        for number, celsius in enumerate(self.celsius):
            if settings.is_hot(celsius):
                self._hot_since_resume.add(number)
            elif celsius < settings.resume_temperature:
                self._hot_since_resume.discard(number)
        limits = settings.switch_temperature, settings.resume_temperature
        read_at = self._measured_at + self._reading_period_sec
        if self._hot_since_resume:
            # The moment that counts is when the policies believe that a limit is passed.
            heat = self.control.heat
            bodies = [(stick.model, heat.estimate(number), heat.warmth(number))
                      for number, stick in enumerate(heat.sticks.values())]
        else:
            bodies = [(body, celsius, None) for body, celsius in zip(
                self._constants, self.celsius)]
        reached_in_sec = LEAST_STEP_SEC + min(
            body.time_until(celsius, shares.get(number, 0.0), limit, warmth)
            for number, (body, celsius, warmth) in enumerate(bodies) for limit in limits)
        if not self._hot_since_resume:
            read_at = max(read_at, self.now + reached_in_sec - WATCH_AHEAD_SEC)
        due_at = self.control.next_due(self.now, (), settings) or math.inf
        return min(due_at, read_at, self.now + reached_in_sec)
