# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Estimates the temperature of a stick while it is unknown."""

from dataclasses import replace
import math

from ncs_cluster_detector.policy.heat.thermal_model import mean_of
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.sensor.sensor_fault import Known

# The model of a stick as long as no stick has shown how it heats here: one in a warm place. And by
# how much more a stick may heat than the others, as in the middle of a hub.
_UNSEEN = ThermalModel(idle_celsius=40.0)
_WORSE_OFF = 1.2
# How often an estimate is carried on, and the mean of the learned models is taken.
_UPDATE_SEC = 1.0


class Estimates:
    """
    The last known temperature of each stick, and the ThermalModel that carries it on.

    ``learned`` has the ThermalModel of each stick of which it is known.
    """

    def __init__(self) -> None:
        self.learned: dict[int, ThermalModel] = {}
        self._mean_learned: ThermalModel | None = None
        self._updated_at = -math.inf
        # Stick number -> (temperature, time, work_sec, warmth) to start from.
        self._starts: dict[int, tuple[float, float, float, float]] = {}

    def update(self, now: float) -> None:
        """Take the mean of the learned models, now and then."""
        if now >= self._updated_at + _UPDATE_SEC:
            self._updated_at = now
            learned = tuple(self.learned.values())
            self._mean_learned = mean_of(learned) if learned else None

    def expected(self, number: int) -> tuple[ThermalModel, Known]:
        """Return the ThermalModel that a stick is expected to have, and where it comes from."""
        if number in self.learned:
            return self.learned[number], Known.OWN
        if self._mean_learned:
            return self._mean_learned, Known.OTHERS
        return ThermalModel(), Known.TYPICAL

    def model_of(self, number: int) -> ThermalModel:
        """Return the ThermalModel to estimate a stick with: the less is known, the hotter."""
        model, known = self.expected(number)
        if known is Known.OTHERS:
            return replace(model, rise_celsius=_WORSE_OFF * model.rise_celsius)
        return model if known is Known.OWN else _UNSEEN

    def start(self, number: int, celsius: float, at: float, work_sec: float,
              warmth: float) -> None:
        """Note a temperature from which to carry on; units as in StickStatus."""
        self._starts[number] = (celsius, at, work_sec, warmth)

    def carry_on(self, number: int, now: float, work_sec: float, warmth: float,
                 others: list[float]) -> None:
        """
        Move the start of an estimate on, now and then, so that the work until then counts.

        :param others: temperatures of the other sticks; without any start, their mean is taken.
        """
        if number not in self._starts:
            celsius = max(sum(others) / len(others), 0.0) if others else _UNSEEN.idle_celsius
            self.start(number, celsius, now, work_sec, 0.0)
        elif now >= self._starts[number][1] + _UPDATE_SEC:
            self.start(number, self.carried(number, now, work_sec), now, work_sec, warmth)

    def carried(self, number: int, now: float, work_sec: float) -> float:
        """Return the temperature to which the work has led since the latest start."""
        celsius, at, work_before, warmth = self._starts[number]
        elapsed_sec = max(now - at, 1e-9)
        share = max(0.0, min((work_sec - work_before) / elapsed_sec, 1.0))
        return self.model_of(number).after(celsius, share, elapsed_sec, warmth)
