# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The real temperatures of a stick: a die in a case, on a hub that all sticks warm."""

from dataclasses import dataclass
import math

_NEARLY_EQUAL = 1e-6


@dataclass(frozen=True)
class BodyHeat:
    """The temperature of a case in degrees Celsius, and by how much its die is warmer."""

    case_celsius: float
    die_celsius: float = 0.0

    @property
    def celsius(self) -> float:
        """Return the temperature of the die, where the sensor is."""
        return self.case_celsius + self.die_celsius


@dataclass(frozen=True)
class Body:
    """
    A die in a case.

    At full load the case ends ``rise_celsius`` above its surroundings, with the time constant
    ``time_constant_sec``, and the die ``die_rise_celsius`` above the case, within seconds. These
    are two first-order bodies in a row; the die is too small to warm the case. With no rise of its
    own the die has the temperature of the case.
    """

    rise_celsius: float = 45.0
    time_constant_sec: float = 120.0
    die_rise_celsius: float = 0.0
    die_time_constant_sec: float = 5.0

    def after(
            self, heat: BodyHeat, share: float, surroundings_celsius: float, elapsed_sec: float,
            cooling: float = 1.0, warming_celsius_per_sec: float = 0.0) -> BodyHeat:
        """
        Return the heat after work at a share of full speed.

        :param surroundings_celsius: temperature around the case at first.
        :param cooling: factor of the heat that the case gives off, 1 without a fan: its rise and
            its time constant are both divided by it.
        :param warming_celsius_per_sec: by how much the surroundings get warmer meanwhile.
        """
        time_constant_sec = self.time_constant_sec / cooling
        # A first-order body lags behind steady warming by one time constant.
        behind_celsius = warming_celsius_per_sec * time_constant_sec
        case = warming_celsius_per_sec * elapsed_sec + relaxed(
            heat.case_celsius,
            surroundings_celsius - behind_celsius + share * self.rise_celsius / cooling,
            elapsed_sec, time_constant_sec)
        if not self.die_rise_celsius and not heat.die_celsius:
            return BodyHeat(case)
        return BodyHeat(case, relaxed(heat.die_celsius, share * self.die_rise_celsius,
                                      elapsed_sec, self.die_time_constant_sec))


@dataclass(frozen=True)
class Hub:
    """
    The hub that all sticks warm together.

    With all of them at full load it ends ``rise_celsius`` above ambient temperature, with the time
    constant ``time_constant_sec``.
    """

    rise_celsius: float = 0.0
    time_constant_sec: float = 600.0

    def after(self, above_celsius: float, mean_share: float, elapsed_sec: float) -> float:
        """Return by how much it is warmer than its surroundings after the sticks' work."""
        return relaxed(above_celsius, mean_share * self.rise_celsius, elapsed_sec,
                       self.time_constant_sec)


def followed(
        celsius: float, leader_celsius: float, elapsed_sec: float, time_constant_sec: float,
        leader_time_constant_sec: float) -> float:
    """
    Return a temperature after it has followed another one, which decays to 0 itself.

    This is the exact solution of two first-order bodies in a row: the follower relaxes towards a
    multiple of its leader, and this multiple decays as the leader does.
    """
    ratio = time_constant_sec / leader_time_constant_sec
    # Equal time constants would divide by 0; nearly equal ones give nearly the same.
    if abs(1.0 - ratio) < _NEARLY_EQUAL:
        ratio = 1.0 - _NEARLY_EQUAL
    ahead = leader_celsius / (1.0 - ratio)
    return (relaxed(celsius - ahead, 0.0, elapsed_sec, time_constant_sec)
            + relaxed(ahead, 0.0, elapsed_sec, time_constant_sec / ratio))


def relaxed(
        celsius: float, final_celsius: float, elapsed_sec: float,
        time_constant_sec: float) -> float:
    """Return a temperature on its way to another after a time: first order, exact."""
    remaining = math.exp(-elapsed_sec / time_constant_sec)
    return final_celsius + (celsius - final_celsius) * remaining
