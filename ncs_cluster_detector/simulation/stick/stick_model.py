# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""An open simulated stick: its temperature readings, throttling and share of the bus."""

from collections import deque
from functools import partial
import threading

from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.heat.sensor import Sensor
from ncs_cluster_detector.simulation.heat.sensor import SensorReader

# The distance of the two guard temperatures, and the pause between two inferences below, between
# and above them. Source: the limits and sleeps that the vendor's first library version sent to the
# stick (85 and 95 degrees Celsius, 100 and 10000 ms); those inside the later firmware are not
# published.
UPPER_GUARD_ABOVE_CELSIUS = 10.0
THROTTLE_PAUSE_SEC = (0.0, 0.1, 10.0)

# RO_THERMAL_STATS is a buffer of 100 bytes: 25 values of 32 bits.
THERMAL_VALUES = 25


class SimulatedStick:
    """A stick from its boot to its reset; longer-lived state is in its port's memory."""

    def __init__(self, shared_bus: SimulatedBus, port: StickPort) -> None:
        """Use the stick in a port, which has just booted."""
        self.bus = port.bus
        self.path = port.path
        self.work = port.work
        self.rest = port.rest
        _, link = port.look()
        self.note_unread = partial(port.note_unread, link.enumeration)
        self.reserve_transfer = shared_bus.reserve_transfer
        self._port = port
        self._lock = threading.Lock()
        # Each opening begins with a new sensor, which has no past readings.
        self._sensor = SensorReader(Sensor(), f'{port.path} {link.enumeration}')
        self._readings = deque(maxlen=THERMAL_VALUES)

    def throttle_level(self) -> int:
        """Return 0, or 1 or 2 from the lower and the upper guard temperature."""
        faults, celsius = self._port.faults_and_celsius()
        guard = faults.throttle_celsius
        above = celsius - (self.bus.throttle_celsius if guard is None else guard)
        return (above >= 0.0) + (above >= UPPER_GUARD_ABOVE_CELSIUS)

    def throttle_pause_sec(self) -> float:
        """Return how long the stick has to pause before its next inference."""
        return THROTTLE_PAUSE_SEC[self.throttle_level()]

    def thermal_readings(self) -> list[float]:
        """
        Read the temperature, and return it and the 24 readings before it, newest first.

        The vendor does not document the order of the 25 values; every known program takes the
        first one as the current temperature. Readings not yet taken are 0.0. The fault
        ``tells-temperature`` sets all of them.
        """
        faults, celsius = self._port.faults_and_celsius()
        count = 1 if faults.told_celsius is None else THERMAL_VALUES
        with self._lock:
            self._sensor.sensor = faults.sensor
            reported = faults.reported(self._sensor.read(self._port.clock(), celsius))
            self._readings.extendleft([reported] * count)
            return [*self._readings, *[0.0] * (THERMAL_VALUES - len(self._readings))]
