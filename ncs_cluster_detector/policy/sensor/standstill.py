# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A time in which the readings of a stick stand still, and what its work did in it."""

# Readings that lie within so many C of each other stand still.
STILL_CELSIUS = 0.25


class Standstill:
    """
    How far the work's heat has moved while the readings stood still.

    For ``h`` and for the highest ``h`` of half a minute it keeps the lowest and the highest value,
    the greatest rise and the greatest fall.
    """

    def __init__(self, celsius: float, at: float, heated: float, doubt: float,
                 highest: float | None = None, model_misses: bool = False) -> None:
        """
        Begin with a reading.

        :param celsius: degrees Celsius.
        :param at: when it was taken, in seconds of the monotonic clock.
        :param heated: the share ``h`` of the heat of full work that the stick has, at least.
        :param doubt: how much more it may be.
        :param highest: the highest ``h`` of half a minute.
        :param model_misses: whether the model did not fit lately.
        """
        self.since = at
        self._low = self._high = celsius
        self._doubt = doubt
        self._model_misses = model_misses
        self._is_paced = False
        self._ranges = [[value, value, 0.0, 0.0]
                        for value in (heated, heated if highest is None else highest)]

    @property
    def width(self) -> float:
        """Return the range of the readings in C."""
        return self._high - self._low

    def goes_on(self, celsius: float) -> bool:
        """Take in a reading; return whether it stands still as well."""
        low, high = min(self._low, celsius), max(self._high, celsius)
        if high - low > STILL_CELSIUS:
            return False
        self._low, self._high = low, high
        return True

    def take(self, heated: float, highest: float, paced: bool = False) -> None:
        """Take in ``h`` and the highest ``h``; of a paced stick no fall counts."""
        self._is_paced = paced
        for value, ranges in zip((heated, highest), self._ranges):
            low, high, rise, fall = ranges
            if paced:
                high = value
            ranges[:] = (min(low, value), max(high, value), max(rise, value - low),
                         max(fall, high - value))

    def movement(self, doubt: float, tells_present: bool) -> float:
        """Return by how much ``h`` has moved at least; of its doubt so much is left."""
        # A paced stick does not go up and down.
        of = min if self._model_misses and not self._is_paced else max
        moved = [of(rise, fall) for _, _, rise, fall in self._ranges]
        return (moved[0] if tells_present else min(moved)) - (self._doubt - doubt)
