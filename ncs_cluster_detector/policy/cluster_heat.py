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

"""What is known of the heat of all sticks: temperatures now, and what they can sustain."""

import math

from ncs_cluster_detector.policy.stick_heat import StickHeat
from ncs_cluster_detector.policy.stick_status import StickState

# A stick's sustainable share of full speed is used when its standard deviation is no more than
# this, and their sum is told when it is sure to this share of itself, or of one stick.
_KNOWN_TO, _SURE_TO = 0.2, 0.1


class ClusterHeat:
    """
    A StickHeat for every stick, and the questions that the policies ask of them.

    A reading older than three seconds is unknown, and so is its stick's temperature: neither hot
    nor cool. Younger ones are carried on to the present with the stick's own thermal model.
    """

    def __init__(self):
        """Start with no stick."""
        self.sticks = {}      # stick number -> StickHeat
        self._now = {}        # stick number -> temperature now, or None
        self._readings = {}   # stick number -> last reading while it is valid, or None
        self._mean = 0.0
        self._paced = set()   # those paced at any time since their last reading
        self.running = ()     # numbers of the sticks that run

    def observe(self, now, sticks, paced=()):
        """
        Take in the state of all sticks.

        :param now: seconds of the monotonic clock.
        :param sticks: list of StickStatus, all sticks.
        :param paced: numbers of the sticks that were paced since the call before.
        """
        self._paced.update(paced)
        for stick in sticks:
            heat = self.sticks.setdefault(stick.number, StickHeat())
            reading = stick.reading(now)
            if reading is None or stick.measured_at != heat.measured_at:
                heat.observe(reading, stick.measured_at, stick.work_sec,
                             teaches=stick.number not in self._paced)
                if heat.measured_at == stick.measured_at:
                    self._paced.discard(stick.number)
            self._readings[stick.number] = reading
            self._now[stick.number] = heat.celsius(now, stick.work_sec)
        known = [celsius for celsius in self._now.values() if celsius is not None]
        self._mean = sum(known) / len(known) if known else 0.0
        self.running = tuple(stick.number for stick in sticks
                             if stick.state is StickState.RUNNING)

    def reading(self, number):
        """Return the last reading of a stick in degrees Celsius, or None when it is unknown."""
        return self._readings.get(number)

    def now(self, number):
        """Return the temperature of a stick now, in degrees Celsius, or None."""
        return self._now.get(number)

    def likely(self, number):
        """Return the temperature now, or what an unknown one likely is, or None."""
        return self._now.get(number)

    def assumed(self, number):
        """Return the temperature now; an unknown one counts as the mean of the known ones."""
        celsius = self._now.get(number)
        return self._mean if celsius is None else celsius

    def at_full_speed(self, number, elapsed_sec):
        """Return the temperature after so many seconds at full speed, or None."""
        celsius = self._now.get(number)
        return celsius and self.sticks[number].constants.after(celsius, 1.0, elapsed_sec)

    def sustainable_size(self, limit_celsius):
        """
        Return how many sticks' full speed the running sticks can keep up for ever below a limit.

        The sum of clip((limit - idle temperature) / rise, 0, 1); the rest of what the sticks
        could do is the heat that they cannot get rid of. Source: the energy balance of a body
        whose mean temperature is steady.

        :return: number of sticks, as a fraction, or None while too little is known. A stick that
            has not worked yet counts as the mean of the others.
        """
        shares, variances = [], []
        for heat in map(self.sticks.get, self.running):
            deviation = heat.share_deviation(limit_celsius)
            if deviation <= _KNOWN_TO:
                shares.append(heat.constants.sustainable_share(limit_celsius))
                variances.append(deviation ** 2)
        if not shares or math.sqrt(sum(variances)) > _SURE_TO * max(sum(shares), 1.0):
            return None
        return sum(shares) / len(shares) * len(self.running)
