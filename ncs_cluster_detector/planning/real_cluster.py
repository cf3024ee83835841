# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that are more than one first-order body, in invented time under the real policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import math

from ncs_cluster_detector.planning.virtual_cluster import VirtualCluster
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import BodyHeat
from ncs_cluster_detector.simulation.heat.body import Hub
from ncs_cluster_detector.simulation.heat.sensor import Sensor
from ncs_cluster_detector.simulation.heat.sensor import SensorReader
import numpy as np

# The longest time between two questions to the policies, and between readings. The node asks with
# every frame, which matters for sticks that change by degrees in a second.
STEP_SEC, READING_SEC = 0.5, 1.0


@dataclass(frozen=True)
class RealStick:
    """
    A stick that need not follow ThermalModel.

    ``idle_celsius`` is the temperature of its place while no stick works, ``cooling`` as in Body.
    From ``throttles_at_celsius`` on it works at ``throttled_share`` of full speed.
    """

    idle_celsius: float = 30.0
    body: Body = field(default_factory=Body)
    sensor: Sensor = field(default_factory=Sensor)
    cooling: float = 1.0
    throttles_at_celsius: float = math.inf
    throttled_share: float = 0.8

    def constants(self, hub_celsius: float = 0.0) -> ThermalModel:
        """Return the ThermalModel of such a stick at steady work, for the theory."""
        return ThermalModel(
            self.idle_celsius + hub_celsius,
            self.body.rise_celsius / self.cooling + self.body.die_rise_celsius,
            self.body.time_constant_sec / self.cooling)


@dataclass(frozen=True)
class Surroundings:
    """
    What is the same for all sticks.

    ``warmer`` are pairs (seconds, C by which it is warmer than at first) and ``cooling`` pairs
    (seconds, factor of the cooling); in between it changes steadily. ``camera`` is a pair (seconds
    on, seconds off) of images that come and go.
    """

    hub: Hub = field(default_factory=Hub)
    warmer: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    cooling: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    camera: tuple[float, float] = (math.inf, 0.0)

    def frames(self, now: float) -> bool:
        """Tell whether images come in."""
        on_sec, off_sec = self.camera
        return math.isinf(on_sec) or now % (on_sec + off_sec) < on_sec


class RealCluster(VirtualCluster):
    """RealSticks, managed by the policies of the detector node; small steps of time."""

    def __init__(self, sticks: Sequence[RealStick], settings: Settings,
                 surroundings: Surroundings | None = None, frames_per_sec: float = math.inf,
                 inference_sec: float = 0.065, control: ClusterControl | None = None,
                 seed: int = 0, step_sec: float = STEP_SEC) -> None:
        """
        Start at idle temperature with no stick active.

        :param seed: number from which the noise of the sensors follows.
        :param step_sec: the longest time between two questions to the policies.

        The others are those of VirtualCluster.
        """
        super().__init__([stick.constants() for stick in sticks], settings, frames_per_sec,
                         inference_sec, control)
        self.surroundings = surroundings or Surroundings()
        self.hub_celsius = 0.0
        self._sticks = sticks
        self._step_sec = step_sec
        self._most_frames_per_sec = frames_per_sec
        self._heats = [BodyHeat(stick.idle_celsius) for stick in sticks]
        self._sensors = [SensorReader(stick.sensor, f'{seed} {number}')
                         for number, stick in enumerate(sticks)]
        self._readings = [None] * len(sticks)
        self._told_at = [0.0] * len(sticks)

    def warm_up(self, share: float) -> None:
        """Start instead as after long work of all sticks at a share of full speed."""
        surroundings = self.surroundings
        self.hub_celsius = share * surroundings.hub.rise_celsius
        warmer = along(surroundings.warmer, self.now) + self.hub_celsius
        cooling = along(surroundings.cooling, self.now)
        self._heats = [BodyHeat(
            stick.idle_celsius + warmer + share * stick.body.rise_celsius / (
                stick.cooling * cooling), share * stick.body.die_rise_celsius)
            for stick in self._sticks]
        self.celsius = [heat.celsius for heat in self._heats]
        self.forget_peaks()

    def _read(self):
        if self.now >= self._measured_at + READING_SEC - 1e-9:
            for number, sensor in enumerate(self._sensors):
                told = sensor.read(self.now, self.celsius[number])
                if told is not None:   # one that is lost leaves the one before
                    self._readings[number], self._told_at[number] = told, self.now
            self._measured_at = self.now
        self._frames_per_sec = (
            self._most_frames_per_sec if self.surroundings.frames(self.now) else 0.0)

    def _next_event_at(self, shares):
        due_at = self.control.next_due(self.now, (), self._settings) or math.inf
        return min(due_at, self.now + self._step_sec, self._measured_at + READING_SEC)

    def _work(self, shares, elapsed_sec):
        surroundings, middle = self.surroundings, self.now + elapsed_sec / 2
        self._warmer = along(surroundings.warmer, middle) + self.hub_celsius
        self._cooling = along(surroundings.cooling, middle)
        super()._work(shares, elapsed_sec)
        self.hub_celsius = surroundings.hub.after(
            self.hub_celsius, sum(shares.values()) / len(self._sticks), elapsed_sec)

    def _after(self, number, share, elapsed_sec):
        stick = self._sticks[number]
        heat = self._heats[number] = stick.body.after(
            self._heats[number], share, stick.idle_celsius + self._warmer, elapsed_sec,
            stick.cooling * self._cooling)
        return heat.celsius

    def _most_of(self, number):
        stick = self._sticks[number]
        throttles = self.celsius[number] >= stick.throttles_at_celsius
        return min(super()._most_of(number), stick.throttled_share if throttles else 1.0)

    def _statuses(self):
        return [StickStatus(
            number, StickState.RUNNING, self._readings[number], self._told_at[number],
            throttle_level=int(self.celsius[number] >= stick.throttles_at_celsius),
            work_sec=self._work_sec[number], inference_sec=self._inference_sec)
            for number, stick in enumerate(self._sticks)]


def along(points: Sequence[tuple[float, float]], at: float) -> float:
    """Return the value at a time on the line through points (time, value), in order of time."""
    return float(np.interp(at, *zip(*points)))
