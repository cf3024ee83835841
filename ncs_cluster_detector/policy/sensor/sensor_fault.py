# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Why a reading is not believed and for how long, and what is known of what to expect."""

from enum import Enum

from ncs_cluster_detector.policy.sensor.standstill import STILL_CELSIUS

# A suspicion is withdrawn when readings have agreed with the model for so long, or, because a
# resting stick cannot show that it does, after a quarter of an hour.
AGREES_SEC, FORGIVEN_SEC = 20.0, 900.0
# A stick that computes does not lose so many C in a second.
MOST_FALL_CELSIUS = 10.0


class SensorFault(Enum):
    """Why a reading is not believed."""

    NONE_TOLD = 'none told'       # there is no number, or none that is a temperature
    STANDS_STILL = 'stands still'   # it does not change, though the stick's work does
    FELL_AT_WORK = 'fell at work'   # it fell faster than a stick that computes can cool
    TOO_COLD = 'too cold'         # it is lower than the work that was done permits


class Known(Enum):
    """
    Where the ThermalModel that a stick is expected to have comes from.

    The value is how many times less than the model says a healthy stick may warm: the learned
    model of a die in a case, say, is a compromise. From an unknown stick next to nothing is
    expected.
    """

    OWN = 2.5
    OTHERS = 3.0
    TYPICAL = 15.0


class Suspicion:
    """
    Why the readings of a stick are not believed, once something was found against them.

    ``fault`` is None while they are believed. It stays the first one found until the suspicion is
    withdrawn.
    """

    def __init__(self) -> None:
        self.fault: SensorFault | None = None
        self._found_at = self._disagreed_at = self._found_celsius = 0.0

    def judge(self, found: SensorFault | None, at: float, celsius: float,
              expected: float) -> bool:
        """
        Begin, keep or withdraw the suspicion; return whether it was withdrawn.

        :param found: what the latest reading shows, if anything.
        :param at: when that was taken, in seconds of the monotonic clock.
        :param celsius: the reading.
        :param expected: what the stick has by its work, C.
        """
        if self.fault is None:
            if found is not None:
                self.fault = found
                self._found_at = self._disagreed_at = at
                self._found_celsius = celsius
            return False
        if self.fault is SensorFault.STANDS_STILL:
            disagrees = abs(celsius - self._found_celsius) <= 2 * STILL_CELSIUS
        else:
            disagrees = celsius < expected - MOST_FALL_CELSIUS
        if found is not None or disagrees:
            self._disagreed_at = at
        if at - self._disagreed_at < AGREES_SEC and at - self._found_at <= FORGIVEN_SEC:
            return False
        self.fault = None
        return True
