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

import math


class Heat:
    """
    The temperature of a body that is heated at a known load and cooled by the air around it.

    First order: the temperature relaxes exponentially towards
    ``ambient_celsius + rise_celsius * load``. The solution is exact for any step as long as the
    load is constant in it, so that the result does not depend on how often it is asked for.
    Times are given by the caller, in seconds of any steady clock.
    """

    def __init__(self, ambient_celsius, rise_celsius, time_constant_sec, now):
        """
        Start at ambient temperature at the time ``now``.

        :param rise_celsius: how far above ambient the temperature settles at full load.
        :param time_constant_sec: time in which 63 % of the way to the final value is done, > 0.
        """
        self._ambient_celsius = ambient_celsius
        self._rise_celsius = rise_celsius
        self._time_constant_sec = time_constant_sec
        self._celsius = ambient_celsius
        self._updated_at = now

    def advance(self, now, load):
        """
        Return the temperature at ``now``, in degrees Celsius.

        :param now: time in seconds; one before the last call's counts as the last call's.
        :param load: the load since the last call, 0.0 (rest) to 1.0 (all the time); a bool will
            do.
        """
        elapsed_sec = max(now - self._updated_at, 0.0)
        final_celsius = self._ambient_celsius + self._rise_celsius * load
        remaining = math.exp(-elapsed_sec / self._time_constant_sec)
        self._celsius = final_celsius + (self._celsius - final_celsius) * remaining
        self._updated_at = max(now, self._updated_at)
        return self._celsius
