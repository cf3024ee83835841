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

"""The body of a simulated stick: its name, its temperature and who has it open."""

from collections import deque
import threading
import time

from ncs_cluster_detector.simulation.heat import Heat

# Guard temperatures and the pause between two inferences above them. Source: the limits and
# sleeps that the host sent to the stick in the vendor's first library version (85 and 95 degrees
# Celsius, 100 and 10000 ms); those inside the later firmware are not published.
THROTTLE_CELSIUS = (85.0, 95.0)
THROTTLE_PAUSE_SEC = (0.0, 0.1, 10.0)

# RO_THERMAL_STATS is a buffer of 100 bytes: 25 values of 32 bits.
THERMAL_VALUES = 25


class SimulatedStick:
    """One stick in a USB port; it stays the same stick when it is closed and opened again."""

    def __init__(self, name, bus, clock=time.monotonic):
        """
        Plug the stick in, at ambient temperature.

        :param name: USB port path and chip, ``1.2-ma2450``.
        :param bus: the :class:`SimulatedBus` with its properties.
        :param clock: function that returns the steady time in seconds.
        """
        self.name = name
        self.bus = bus
        self.is_open = False
        self._clock = clock
        self._lock = threading.Lock()
        self._busy = False
        self._heat = Heat(bus.ambient_celsius, bus.rise_celsius, bus.time_constant_sec, clock())
        self._readings = deque(maxlen=THERMAL_VALUES)

    def set_busy(self, busy):
        """Note that the stick begins (or ends) to compute now."""
        with self._lock:
            self._heat.advance(self._clock(), self._busy)
            self._busy = busy

    def celsius(self):
        """Return the temperature now, also of a stick that has rested for long."""
        with self._lock:
            return self._heat.advance(self._clock(), self._busy)

    def throttle_level(self):
        """Return 0, or 1 or 2 from the lower and the upper guard temperature."""
        celsius = self.celsius()
        return sum(celsius >= limit for limit in THROTTLE_CELSIUS)

    def throttle_pause_sec(self):
        """Return how long the stick has to pause before its next inference."""
        return THROTTLE_PAUSE_SEC[self.throttle_level()]

    def thermal_readings(self):
        """
        Read the temperature, and return it and the 24 readings before it, newest first.

        The vendor does not document the order of the 25 values; every known program takes the
        first one as the current temperature. Readings not yet taken are 0.0.
        """
        celsius = self.celsius()
        with self._lock:
            self._readings.appendleft(celsius)
            return [*self._readings, *[0.0] * (THERMAL_VALUES - len(self._readings))]
