# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Whether a sensor tells the present temperature, or the highest of some seconds."""

from collections import deque

# A sensor may tell the highest temperature of so many seconds: what the vendor's documentation
# says, and some to spare.
_HIGHEST_OF_SEC = 30.0
# A sensor that tells the present shows it when a resting stick cools by so much within so long:
# the readings fall, too. So many times more often than not are enough.
_FALL_CELSIUS, _FALL_SEC, _VOTES = 1.5, 15.0, 3


class SensorDelay:
    """
    The highest warmth by work ``h`` of half a minute, and what readings did after it.

    ``tells_present`` is True once the sensor was seen to fall with a stick that rests.
    """

    def __init__(self) -> None:
        self.tells_present = False
        self._votes, self._voted_at = 0, float('-inf')
        # (time, reading, h) of those in half a minute after which h was always lower.
        self._peaks: deque[tuple[float, float, float]] = deque()

    def forget_peaks(self) -> None:
        """Forget the peaks, since the next readings may be those of another stick."""
        self._peaks.clear()

    def take(self, at: float, celsius: float, heated: float) -> None:
        """Take in the reading (C) of a time (s) and ``h``."""
        while self._peaks and self._peaks[-1][2] <= heated:
            self._peaks.pop()
        self._peaks.append((at, celsius, heated))
        while self._peaks[0][0] < at - _HIGHEST_OF_SEC:
            self._peaks.popleft()

    @property
    def highest(self) -> float:
        """Return the highest ``h`` of half a minute."""
        return self._peaks[0][2]

    def vote(self, rise_celsius: float) -> None:
        """Vote once per rest, with the latest reading; full work heats by ``rise_celsius``."""
        peak_at, peak_celsius, peak = self._peaks[0]
        at, celsius, heated = self._peaks[-1]
        fall = rise_celsius * (peak - heated)
        if fall < _FALL_CELSIUS or at - peak_at > _FALL_SEC or peak_at <= self._voted_at:
            return
        self._voted_at = at
        falls = peak_celsius - celsius >= fall / 2
        self._votes = max(-_VOTES, min(self._votes + (1 if falls else -1), _VOTES))
        if abs(self._votes) == _VOTES:
            self.tells_present = falls
