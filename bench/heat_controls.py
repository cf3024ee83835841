# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Simpler ways to decide which stick works how fast, to compare the control of heat with."""

from typing import Sequence

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.decision import Decision
from ncs_cluster_detector.policy.heat.stick_heat import StickHeat
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickStatus

# Shares of full speed per degree, and per degree and second, of a PI controller: one pair of
# several with low peaks on first-order bodies of 60 to 300 s. It holds sticks where ours does.
PROPORTIONAL, INTEGRAL = 0.4, 0.01
HOLD_ABOVE_CELSIUS, LEAST_SHARE = 0.5, 0.05


class TypicalStick(StickHeat):
    """A stick of which nothing is learned."""

    @property
    def model(self) -> ThermalModel:
        """Return what is typical."""
        return ThermalModel()

    @model.setter
    def model(self, learned: ThermalModel) -> None:
        """Learn nothing."""


class TypicalControl(ClusterControl):
    """Ours without learning: all sticks are taken for typical ones."""

    def update(self, now: float, sticks: Sequence[StickStatus], settings: Settings,
               requested: bool = False) -> Decision:
        """Return the Decision of this moment."""
        for number, heat in self.heat.sticks.items():
            if not isinstance(heat, TypicalStick):
                self.heat.sticks[number] = TypicalStick()
        return super().update(now, sticks, settings, requested)


class PlainControl:
    """Goes by the last readings alone, and reports nothing."""

    in_trouble = False

    def __init__(self) -> None:
        self.active = ()
        self._changed_at = 0.0

    def update(self, now: float, sticks: Sequence[StickStatus], settings: Settings) -> Decision:
        """Return the Decision of this moment."""
        before, self.active = self.active, tuple(sorted(self._chosen(now, sticks, settings)))
        left = tuple(number for number in before if number not in self.active)
        if left:
            self._changed_at = now
        return Decision(self.active, left=left)

    def next_due(self, now: float, sticks: Sequence[StickStatus], settings: Settings) -> None:
        """Return None: the next reading is soon enough."""
        return None

    def share_of(self, number: int) -> float:
        """Return the share of full speed of an active stick."""
        return 1.0


class Ring(PlainControl):
    """The rotation of the original: every switch cycle the next sticks of a ring, hot or not."""

    def _chosen(self, now, sticks, settings):
        turn = int(now // (settings.cluster_switch_cycle_ms / 1000))
        first = turn * settings.cluster_size
        return {(first + place) % len(sticks) for place in range(settings.cluster_size)}


class Hysteresis(PlainControl):
    """
    A thermostat for every stick: from the limit on it rests until it is cooler by a margin.

    Every switch cycle divided by the cluster size the coolest takes the place of the hottest.
    """

    # Only a small margin brings it close to the limit: with 3 C its share of the optimum is 0.03
    # lower, with 1 C fast sticks are 1 C hotter and take turns twice as often.
    resume_margin = 2.0

    def __init__(self) -> None:
        super().__init__()
        self._resting = set()

    def _chosen(self, now, sticks, settings):
        celsius = {stick.number: stick.celsius for stick in sticks if stick.celsius is not None}
        self._resting |= {number for number, value in celsius.items() if settings.is_hot(value)}
        self._resting -= {number for number, value in celsius.items()
                          if value < settings.switch_temperature - self.resume_margin}
        coolest_first = sorted((stick.number for stick in sticks),
                               key=lambda number: (celsius.get(number, 0.0), number))
        fit = [number for number in coolest_first if number not in self._resting]
        active = [number for number in fit if number in self.active]
        period_sec = settings.cluster_switch_cycle_ms / 1000 / settings.cluster_size
        if len(active) == settings.cluster_size and now >= self._changed_at + period_sec and (
                set(fit) - set(active)):
            active.pop()
        others = [number for number in fit if number not in active]
        return self._filled(active + others[:settings.cluster_size - len(active)],
                            coolest_first, settings.cluster_size)

    def _filled(self, active, coolest_first, size):
        return active


class PiPacing(Hysteresis):
    """
    A thermostat while there are rested sticks, and else a PI controller for each stick.

    It slows hot sticks, so that their readings stay just above the limit.
    """

    resume_margin = Settings.resume_margin

    def __init__(self) -> None:
        super().__init__()
        self._shares = {}
        self._integrals = {}
        self._read_at = {}   # stick number -> when its reading was taken

    def update(self, now: float, sticks: Sequence[StickStatus], settings: Settings) -> Decision:
        """Return the Decision of this moment."""
        decision = super().update(now, sticks, settings)
        for stick in sticks:
            if stick.number not in self.active:
                self._read_at.pop(stick.number, None)
            elif stick.celsius is not None:
                self._pace(stick, settings)
        return decision

    def share_of(self, number: int) -> float:
        """Return the share of full speed of an active stick."""
        return self._shares.get(number, 1.0)

    def _pace(self, stick, settings):
        error = settings.switch_temperature + HOLD_ABOVE_CELSIUS - stick.celsius
        elapsed_sec = stick.measured_at - self._read_at.get(stick.number, stick.measured_at)
        self._read_at[stick.number] = stick.measured_at
        integral = self._integrals.get(stick.number, 0.0)
        share = 1.0 + PROPORTIONAL * error + integral
        self._shares[stick.number] = max(LEAST_SHARE, min(share, 1.0))
        if LEAST_SHARE < share < 1.0:   # else the integral winds up
            self._integrals[stick.number] = min(integral + INTEGRAL * error * elapsed_sec, 0.0)

    def _filled(self, active, coolest_first, size):
        stay = [number for number in coolest_first
                if number in self.active and number not in active]
        return active + stay[:size - len(active)]


Control = ClusterControl | PlainControl
CONTROLS: dict[str, type[Control]] = {
    'ours': ClusterControl, 'typical': TypicalControl, 'pi': PiPacing,
    'hysteresis': Hysteresis, 'ring': Ring}
