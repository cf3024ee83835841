# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Whether a stick's readings can be true for the work that it did."""

from collections import deque
import math

from ncs_cluster_detector.policy.heat.stick_heat import LEAST_INTERVAL_SEC
from ncs_cluster_detector.policy.heat.thermal_model import Constants
from ncs_cluster_detector.policy.sensor.sensor_fault import Known
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.sensor.standstill import Standstill
from ncs_cluster_detector.policy.sensor.standstill import STILL_CELSIUS
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC

# A suspicion is withdrawn when readings have agreed with the model for so long, or, where a stick
# has no chance to show it because it rests, after a quarter of an hour.
AGREES_SEC, FORGIVEN_SEC = 20.0, 900.0
# A stick that computes does not lose so many C in a second.
MOST_FALL_CELSIUS = 10.0
# What a fan that is switched on, shade or a colder place takes at most from the temperature of a
# stick at work, C, twice that if nothing is known of it; and how much lower than in the place of
# the others it is at most.
_COOLING_CELSIUS, _ELSEWHERE_CELSIUS = 20.0, 30.0
# A stick that was heated by less than this is not judged by how others are.
_LEAST_RISE_CELSIUS = 8.0
# A stick is at full speed if it computes for so much of the time.
_FULL_SHARE = 0.9
# For so long a sensor may tell the highest temperature of what has been, as the vendor's
# documentation has it, with some seconds to spare.
_HIGHEST_OF_SEC = 30.0
# How a sensor that tells the present is told from that: while it rests a stick falls by so much in
# at most so long, and so do the readings; so many times more often than not.
_FALL_CELSIUS, _FALL_SEC, _VOTES = 1.5, 15.0, 3
# Steps of a sensor, C: as coarse as it may be until finer ones were seen. The work's heat must
# have moved by so many of them, or of those of a sensor that was seen to be that coarse.
_COARSEST_STEP, _FINEST_STEP, _STEPS, _STEPS_OF_COARSE = 1.0, 0.6, 1.2, 1.8
# Over so long before readings stood still they must have moved as the model did, give or take a
# third of that and a step; else it is the model that does not fit.
_APPROACH_SEC = 20.0
# A standstill is longer than this, and one in which the work's heat moves by so many times more
# than in those that turned out to be none within about so long; but three times as much as without
# them is enough.
_LEAST_STILL_SEC = 10.0
_MORE_THAN_ENDURED, _ENDURED_SEC, _MOST_ENDURED = 2.0, 3600.0, 3.0
# Readings further apart than this may be those of another stick.
_GAP_SEC = 10.0


# How far from the idle temperature that is expected a stick's own may be, C, at the first reading.
_IDLE_DOUBT = {Known.OWN: 5.0, Known.OTHERS: 5.0, Known.TYPICAL: 35.0}


class SensorWatch:
    """
    Compares the readings of one stick with what its work must have done.

    The work heats by ``rise * h``, with ``dh/dt = (u - h) / time constant`` and the share of full
    speed ``u``: the model of :class:`Constants`. Ambient temperature is unknown and may change by
    15 C in a minute, so what is judged is change. Readings that stand still while ``h`` moves are
    those of a stuck sensor, unless

    - they had moved otherwise than the model before: then it does not fit, for the surroundings
      or a fan have changed, so the stick may be where its warming ends, and ``h`` must go up and
      down until anything is concluded;
    - it is paced, and ``h`` falls: that holds them still;
    - the sensor tells the highest temperature of some seconds, for which turns that are shorter
      look like none: until it was seen to fall with a stick that rests, the highest ``h`` of half
      a minute must move as well.

    Of a coarse sensor more is asked than of one whose fine steps were seen. Undetected remains
    what is harmless: readings that are wrong by less than such a movement.
    """

    def __init__(self):
        """Start without a reading."""
        self.fault = None          # of the readings, NONE_TOLD excepted
        self.has_moved = False     # whether readings have ever changed by more than noise
        self.moves = False         # whether the latest reading ended a standstill
        self.expected = None       # what the stick has by its work, C, since readings last moved
        self._at = None            # of the latest reading
        self._work_sec = self._celsius = self._known = None
        self.heated = 0.0          # h, at least
        self._doubt = 0.0          # and how much more it may be
        self._step = _COARSEST_STEP
        self._votes, self._tells_present, self._voted_at = 0, False, -math.inf
        self._extremes = None      # lowest and highest reading of all
        self._past = deque()       # (time, reading, h) of the last seconds
        self._peaks = deque()      # those of half a minute after which h was always lower
        self._still = None
        self._moved = 0.0          # what h has moved in this standstill at least, C
        self._endured = 0.0        # and in former ones that came to an end

    def observe(self, celsius, measured_at, work_sec, constants=None, known=Known.TYPICAL,
                paced=False):
        """
        Take in a reading; return the SensorFault for which it is not believed, or None.

        :param celsius: degrees Celsius, or None when the stick told none.
        :param measured_at: seconds of the monotonic clock.
        :param work_sec: how long the stick has computed in all until then.
        :param constants: the Constants that it is expected to have; typical ones by default.
        :param known: a Known, where they come from.
        :param paced: whether the stick was paced since the reading before. Then its readings may
            stand still because it works less and less, as in a place that gets warmer.
        """
        self.moves = False
        if celsius is None:
            return SensorFault.NONE_TOLD
        constants = constants or Constants()
        if self._at is None:
            self._extremes = (celsius, celsius)
            self._begin(celsius, measured_at, work_sec, constants, known)
            return self.fault
        elapsed_sec = measured_at - self._at
        if elapsed_sec < LEAST_INTERVAL_SEC:
            return self.fault
        share = max(0.0, min((work_sec - self._work_sec) / elapsed_sec, 1.0))
        self._advance(share, elapsed_sec, constants)
        fell = (elapsed_sec <= READING_VALID_SEC and share >= 0.5 and
                self._celsius - celsius > MOST_FALL_CELSIUS * max(elapsed_sec, 1.0))
        if elapsed_sec > _GAP_SEC or known is not self._known:
            self._begin(celsius, measured_at, work_sec, constants, known)
        else:
            self._compare(celsius, measured_at, constants, paced)
        self._at, self._work_sec, self._celsius = measured_at, work_sec, celsius
        if share < _FULL_SHARE:
            self._full_speed_from = celsius, self.heated, self._doubt
        found = SensorFault.FELL_AT_WORK if fell else self._contradiction(constants)
        self._judge(found)
        if self.fault is None and self.moves:
            self.expected = celsius
        return self.fault

    def _begin(self, celsius, measured_at, work_sec, constants, known):
        """Start from a reading: how warm the stick is from work is told by its temperature."""
        is_unknown = self._known in (None, Known.TYPICAL)
        if self.fault is None and (is_unknown or known is self._known):
            warmth = celsius - constants.idle_celsius + _IDLE_DOUBT[known]
            high = max(0.0, min(warmth / constants.rise_celsius, 1.0))
            if not is_unknown:   # after a gap: this stick went on as it was, or is another
                high = max(high, self.heated + self._doubt)
            self.heated, self._doubt = 0.0, high
        if self.expected is None:   # a sensor that tells less may be one that lies from the start
            self.expected = max(celsius, constants.idle_celsius)
        self._at, self._work_sec, self._celsius = measured_at, work_sec, celsius
        self._known = known
        self._past.clear()
        self._peaks.clear()
        self._remember()
        self._full_speed_from = celsius, self.heated, self._doubt
        self._still = Standstill(celsius, measured_at, self.heated, self._doubt)

    def _advance(self, share, elapsed_sec, constants):
        left = math.exp(-elapsed_sec / constants.time_constant_sec)
        self.heated = share + (self.heated - share) * left
        self._doubt *= left
        self.expected = constants.after(self.expected, share, elapsed_sec)

    def _compare(self, celsius, measured_at, constants, paced):
        step = abs(celsius - self._celsius)
        if step > 0.0:
            self._step = max(min(self._step, step), _FINEST_STEP)
        self._celsius, self._at = celsius, measured_at
        self._remember()
        self._look_for_falls(constants)
        highest = self._peaks[0][2]
        if not self._still.goes_on(celsius):
            self.moves = True
            fading = math.exp((self._still.since - measured_at) / _ENDURED_SEC)
            self._endured = max(self._endured * fading, self._moved)
            low, high = self._extremes
            self._extremes = min(low, celsius), max(high, celsius)
            self.has_moved |= high - low >= 2 * _COARSEST_STEP
            self._still = Standstill(celsius, measured_at, self.heated, self._doubt, highest,
                                     self._was_elsewhere(constants))
        self._still.take(self.heated, highest, paced)

    def _remember(self):
        latest = self._at, self._celsius, self.heated
        self._past.append(latest)
        while self._past[0][0] < self._at - _APPROACH_SEC:
            self._past.popleft()
        while self._peaks and self._peaks[-1][2] <= self.heated:
            self._peaks.pop()
        self._peaks.append(latest)
        while self._peaks[0][0] < self._at - _HIGHEST_OF_SEC:
            self._peaks.popleft()

    def _look_for_falls(self, constants):
        """Vote, once a rest, whether the sensor tells the present."""
        peak_at, peak_celsius, peak = self._peaks[0]
        fall = constants.rise_celsius * (peak - self.heated)
        if fall < _FALL_CELSIUS or self._at - peak_at > _FALL_SEC or peak_at <= self._voted_at:
            return
        self._voted_at = self._at
        falls = peak_celsius - self._celsius >= fall / 2
        self._votes = max(-_VOTES, min(self._votes + (1 if falls else -1), _VOTES))
        if abs(self._votes) == _VOTES:
            self._tells_present = falls

    def _was_elsewhere(self, constants):
        """Tell whether the readings of late have moved by less or more than the model."""
        if self._known is Known.TYPICAL:
            return True   # it may be a stick that has long come to the end of its warming
        _, celsius, heated = self._past[0]
        expected = constants.rise_celsius * (self.heated - heated)
        moved = self._celsius - celsius
        return abs(moved - expected) > abs(expected) / 3 + self._step

    def _contradiction(self, constants):
        """Return the fault that the latest readings show, or None."""
        heat = constants.rise_celsius / self._known.value
        self._moved = heat * self._still.movement(self._doubt, self._tells_present)
        least = _STEPS * (self._step if self._tells_present else _COARSEST_STEP)
        if self.has_moved and self._step > 0.9 * _COARSEST_STEP:
            least = max(least, _STEPS_OF_COARSE * self._step)
        endured = min(_MORE_THAN_ENDURED * self._endured, _MOST_ENDURED * least)
        if self._moved >= max(least, endured, 2 * self._still.width) and (
                self._at - self._still.since >= _LEAST_STILL_SEC):
            return SensorFault.STANDS_STILL
        # Either the stick has warmed at full speed by less than it must, whatever cools it
        # meanwhile, or it is colder than after its work in a much colder place.
        heat = constants.rise_celsius / min(self._known.value, Known.OTHERS.value)
        celsius, heated, doubt = self._full_speed_from
        warmed = heat * (self.heated - heated - (doubt - self._doubt))
        hottest = constants.idle_celsius + constants.rise_celsius * (heated + doubt)
        is_known = self._known is not Known.TYPICAL
        least = min(celsius, hottest) + warmed - (1 if is_known else 2) * _COOLING_CELSIUS
        if is_known and heat * self.heated >= _LEAST_RISE_CELSIUS:
            idle = constants.idle_celsius
            least = max(least, min(idle + heat * self.heated - _COOLING_CELSIUS,
                                   idle + constants.rise_celsius * self.heated
                                   - _ELSEWHERE_CELSIUS))
        return SensorFault.TOO_COLD if self._celsius < least else None

    def _judge(self, found):
        """Begin, keep or withdraw a suspicion."""
        if self.fault is None:
            if found is None:
                return
            self.fault = found
            self._found_at = self._disagreed_at = self._at
            self._found_celsius = self._celsius
            return
        if found is None:
            if self.fault is SensorFault.STANDS_STILL:
                disagrees = abs(self._celsius - self._found_celsius) <= 2 * STILL_CELSIUS
            else:
                disagrees = self._celsius < self.expected - MOST_FALL_CELSIUS
        if found is not None or disagrees:
            self._disagreed_at = self._at
        if self._at - self._disagreed_at >= AGREES_SEC or self._at - self._found_at > FORGIVEN_SEC:
            self.fault = None
            self.expected = self._celsius
            self._still = Standstill(self._celsius, self._at, self.heated, self._doubt)
