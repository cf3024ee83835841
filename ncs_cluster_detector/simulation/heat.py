# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""How a stick warms and cools: one heat capacity, one way out for the heat."""

from dataclasses import dataclass
from dataclasses import replace
import math


@dataclass(frozen=True)
class Heat:
    """
    The temperature of a body at one time, and until when it is under full load.

    First order: the temperature relaxes exponentially towards ``ambient_celsius`` at rest and
    towards ``rise_celsius`` above that under load, with the time constant ``time_constant_sec``.
    The load has an end from the beginning, so that the temperature at any later time follows from
    these values alone, whoever asks and however often. Times are in seconds of any steady clock.
    """

    celsius: float
    updated_at: float
    busy_until: float

    def at(self, now, bus, cooling=1.0):
        """
        Return the same body at a later time; an earlier one changes nothing.

        :param bus: object with ``ambient_celsius``, ``rise_celsius`` and ``time_constant_sec``.
        :param cooling: how many times as well as that the body gives off heat: rise and time
            constant are both in inverse proportion.
        """
        if now <= self.updated_at:
            return self
        busy_sec = min(max(self.busy_until - self.updated_at, 0.0), now - self.updated_at)
        time_constant_sec = bus.time_constant_sec / cooling
        idle_sec = now - self.updated_at - busy_sec
        loaded_celsius = bus.ambient_celsius + bus.rise_celsius / cooling
        celsius = _relaxed(self.celsius, loaded_celsius, busy_sec, time_constant_sec)
        celsius = _relaxed(celsius, bus.ambient_celsius, idle_sec, time_constant_sec)
        return replace(self, celsius=celsius, updated_at=now)

    def busy(self, started_at, ended_at, bus, cooling=1.0):
        """Return the same body under full load from one time to the other."""
        return replace(self.at(started_at, bus, cooling), busy_until=ended_at)


def _relaxed(celsius, final_celsius, elapsed_sec, time_constant_sec):
    remaining = math.exp(-elapsed_sec / time_constant_sec)
    return final_celsius + (celsius - final_celsius) * remaining
