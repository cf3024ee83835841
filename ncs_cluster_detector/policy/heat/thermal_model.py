# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How a stick heats: a die within seconds, in a case with one way out for the heat."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

# The time constant that is assumed for a die. One between 3 and 10 s would hardly do better: the
# next reading corrects the rest.
DIE_SEC = 5.0
# The least time to an event.
_SOON_SEC = 0.05


@dataclass(frozen=True)
class ThermalModel:
    """
    How a stick heats: first order, towards ``idle_celsius`` at rest.

    At full load it ends ``rise_celsius`` above that, with the time constant
    ``time_constant_sec``; ``die_rise_celsius`` of this come within seconds. The defaults are
    typical, those of the simulated stick.

    The ``warmth`` of a die, 0 to 1, is the share of its rise that it has, and follows the share of
    full speed. Without it the die has the warmth that belongs to its work.
    """

    idle_celsius: float = 30.0
    rise_celsius: float = 45.0
    time_constant_sec: float = 120.0
    die_rise_celsius: float = 0.0

    def after(self, celsius: float, share: float, elapsed_sec: float,
              warmth: float | None = None) -> float:
        """Return the temperature to which work at a share of full speed leads from another."""
        final = self.idle_celsius + share * self.rise_celsius
        celsius = final + (celsius - final) * math.exp(-elapsed_sec / self.time_constant_sec)
        if warmth is None or not self.die_rise_celsius:
            return celsius
        return celsius + self.die_rise_celsius * (warmed(warmth, share, elapsed_sec) - warmth)

    def rate(self, celsius: float, share: float) -> float:
        """Return how fast the case changes at a share of full speed, in C/s."""
        final = self.idle_celsius + share * self.rise_celsius
        return (final - celsius) / self.time_constant_sec

    def time_until(self, celsius: float, share: float, limit_celsius: float,
                   warmth: float | None = None) -> float:
        """
        Return in how many seconds of work a stick passes a limit, up or down, or inf.

        With a die that warms it is no later, for its present rate is assumed to go on.
        """
        final = self.idle_celsius + share * self.rise_celsius
        # Written so that a limit which is never reached, or was passed before, is no error.
        ratio = (final - celsius) / (final - limit_celsius) if final != limit_celsius else 0.0
        until_sec = self.time_constant_sec * math.log(ratio) if ratio > 1.0 else math.inf
        if warmth is None or warmth >= share or celsius >= limit_celsius:
            return until_sec
        rate = self.rate(celsius, share) + self.die_rise_celsius * (share - warmth) / DIE_SEC
        if rate <= 0.0:
            return until_sec
        return min(until_sec, max((limit_celsius - celsius) / rate, _SOON_SEC))

    def sustainable_share(self, limit_celsius: float) -> float:
        """Return the share of full speed, 0 to 1, at which the stick ends at a temperature."""
        if self.rise_celsius <= 0:
            return float(limit_celsius >= self.idle_celsius)
        return max(0.0, min((limit_celsius - self.idle_celsius) / self.rise_celsius, 1.0))

    def share_towards(self, celsius: float, target: float, horizon_sec: float,
                      warmth: float) -> float:
        """
        Return the share of full speed that leads to a target in so many seconds.

        It is below 0 or above 1 where no work or full speed would not.
        """
        left = math.exp(-horizon_sec / self.time_constant_sec)
        die = self.die_rise_celsius * warmed(0.0, 1.0, horizon_sec)
        at_rest = self.idle_celsius + (celsius - self.idle_celsius) * left - die * warmth
        return (target - at_rest) / (self.rise_celsius * (1.0 - left) + die)


def warmed(warmth: float, share: float, elapsed_sec: float) -> float:
    """Return the warmth of a die after so many seconds of work at a share of full speed."""
    return share + (warmth - share) * math.exp(-elapsed_sec / DIE_SEC)


def mean_of(models: Sequence[ThermalModel]) -> ThermalModel:
    """Return the mean of several ThermalModels."""
    return ThermalModel(*(sum(values) / len(models)
                          for values in zip(*(vars(model).values() for model in models))))
