# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What physics allows: the coolest any rotation can be, and the most work below a limit."""

from collections.abc import Sequence

from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel


def sustainable_size(constants: Sequence[ThermalModel], limit_celsius: float,
                     hub_celsius: float = 0.0) -> float:
    """
    Return how many sticks' full speed can go on for ever without passing a limit.

    The sum of clip((limit - idle temperature) / rise, 0, 1): the mean temperature of a stick in a
    periodic schedule is its idle temperature plus its duty times its rise, and its peak is no
    lower.

    :param constants: one for each stick.
    :param hub_celsius: by how much all of them at full load warm each other, as a hub does.
    """
    low, high = 0.0, float(len(constants))
    if not hub_celsius:
        return sum(stick.sustainable_share(limit_celsius) for stick in constants)
    while high - low > 1e-6:
        size = (low + high) / 2
        below_hub = limit_celsius - hub_celsius * size / len(constants)
        low, high = (size, high) if sustainable_size(constants, below_hub) >= size else (low, size)
    return low


def floor_celsius(constants: Sequence[ThermalModel], size: float,
                  hub_celsius: float = 0.0) -> float:
    """
    Return the temperature below which no rotation can keep the hottest stick.

    For equal sticks idle temperature + rise x size / sticks; for others the limit at which
    :func:`sustainable_size` is the size.

    :param constants: one for each stick.
    :param size: mean number of sticks at full speed, no more than there are sticks.
    :param hub_celsius: by how much all of them at full load warm each other, as a hub does.
    """
    low = min(stick.idle_celsius for stick in constants)
    high = max(stick.idle_celsius + stick.rise_celsius for stick in constants)
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if sustainable_size(constants, middle) >= size else (
            middle, high)
    return high + hub_celsius * size / len(constants)
