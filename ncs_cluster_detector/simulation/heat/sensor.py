# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick's temperature sensor: lag, noise, coarse steps and missing readings."""

from collections import deque
from dataclasses import dataclass
import random

from ncs_cluster_detector.simulation.heat.body import relaxed


@dataclass(frozen=True)
class Sensor:
    """
    How a sensor differs from the real temperature.

    It follows with the time constant ``lag_sec``, reports the highest temperature of the last
    ``highest_of_sec``, has noise with the standard deviation ``noise_celsius``, reports only whole
    multiples of ``step_celsius``, and for ``lost_sec`` of every ``lost_every_sec`` nothing. The
    vendor documents its readings as maxima of some seconds; the rest is usual for sensors.
    """

    lag_sec: float = 0.0
    highest_of_sec: float = 0.0
    noise_celsius: float = 0.0
    step_celsius: float = 0.0
    lost_sec: float = 0.0
    lost_every_sec: float = 60.0

    def rounded(self, celsius: float) -> float:
        """Return a temperature in whole steps."""
        step = self.step_celsius
        return round(celsius / step) * step if step else celsius


class SensorReader:
    """Reads a sensor repeatedly; ``sensor`` may be replaced between two readings."""

    def __init__(self, sensor: Sensor, seed: int | str = 0) -> None:
        """Start without a reading; the seed determines the noise."""
        self.sensor = sensor
        self._random = random.Random(seed)
        self._followed = None   # (seconds, degrees Celsius) of a sensor that lags
        self._past = deque()    # (seconds, degrees Celsius), for the highest of them

    def read(self, now: float, celsius: float) -> float | None:
        """
        Return the sensor's reading of a temperature in degrees Celsius, or None.

        :param now: seconds of any steady clock, no less than in the call before.
        """
        sensor = self.sensor
        if sensor.lag_sec and self._followed is not None:
            before, followed = self._followed
            celsius = relaxed(followed, celsius, now - before, sensor.lag_sec)
        self._followed = now, celsius
        if sensor.highest_of_sec:
            self._past.append((now, celsius))
            while self._past[0][0] < now - sensor.highest_of_sec:
                self._past.popleft()
            celsius = max(past for _, past in self._past)
        if sensor.noise_celsius:
            celsius += self._random.gauss(0.0, sensor.noise_celsius)
        if sensor.lost_sec and now % sensor.lost_every_sec < sensor.lost_sec:
            return None
        return sensor.rounded(celsius)
