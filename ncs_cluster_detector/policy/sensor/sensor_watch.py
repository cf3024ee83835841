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
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.sensor.sensor_delay import SensorDelay
from ncs_cluster_detector.policy.sensor.sensor_fault import Known
from ncs_cluster_detector.policy.sensor.sensor_fault import MOST_FALL_CELSIUS
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.sensor.sensor_fault import Suspicion
from ncs_cluster_detector.policy.sensor.standstill import Standstill
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC

# How much a fan, shade or a colder place cools a stick at work at most, C, twice that if nothing
# is known of it; and how much colder than the place of the others its own is at most.
_COOLING_CELSIUS, _ELSEWHERE_CELSIUS = 20.0, 30.0
# A stick that was heated by less than this is not compared with the others.
_LEAST_RISE_CELSIUS = 8.0
# A stick is at full speed if it computes for so much of the time.
_FULL_SHARE = 0.9
# Steps of a sensor, C: as coarse as it may be until finer ones were seen. The work's heat must
# have moved by so many of them, or of those of a sensor that was seen to be that coarse.
_COARSEST_STEP, _FINEST_STEP, _STEPS, _STEPS_OF_COARSE = 1.0, 0.6, 1.2, 1.8
# Over so long before readings stood still they must have moved as the model did, give or take a
# third of that and a step; else it is the model that does not fit.
_APPROACH_SEC = 20.0
# A standstill is longer than this, and the work's heat moves in it by so many times more than in
# the false ones of about so long before; but three times as much as without them is enough.
_LEAST_STILL_SEC = 10.0
_MORE_THAN_ENDURED, _ENDURED_SEC, _MOST_ENDURED = 2.0, 3600.0, 3.0
# Readings further apart than this may be those of another stick.
_GAP_SEC = 10.0
# How far a stick's idle temperature may be from the expected one, C, at the first reading.
_IDLE_DOUBT = {Known.OWN: 5.0, Known.OTHERS: 5.0, Known.TYPICAL: 35.0}


class SensorWatch:
    """
    Compares the readings of one stick with what its work must have done.

    The work heats by ``rise * h``, with ``dh/dt = (u - h) / time constant`` and the share of full
    speed ``u``, as in :class:`ThermalModel`. Ambient temperature is unknown and may change by 15 C
    in a minute, so what is judged is change. Readings that stand still while ``h`` moves are those
    of a stuck sensor, unless

    - they had moved otherwise than the model before: then it does not fit, for the surroundings
      or a fan have changed, so the stick may be where its warming ends, and ``h`` must go up and
      down until anything is concluded;
    - it is paced, and ``h`` falls: that holds them still;
    - the sensor tells the highest temperature of some seconds, for which turns that are shorter
      look like none: until it was seen to fall with a stick that rests, the highest ``h`` of half
      a minute must move as well.

    A coarse sensor must move more than one whose fine steps were seen. What is not found is
    harmless: readings that are wrong by less than such a movement.
    """

    def __init__(self) -> None:
        self.has_moved = False     # whether readings have ever changed by more than noise
        self.moves = False         # whether the latest reading ended a standstill
        self.expected = -math.inf  # what the stick has by its work, C, since readings last moved
        self._suspicion = Suspicion()
        self._delay = SensorDelay()
        self._at: float | None = None   # of the latest reading
        self._work_sec = self._celsius = 0.0
        self._known: Known | None = None
        self.heated = 0.0          # h, the least it may be
        self._doubt = 0.0          # and how much more it may be
        self._step = _COARSEST_STEP
        self._extremes = 0.0, 0.0  # lowest and highest reading of all
        # (time, reading, h) of the last seconds.
        self._past: deque[tuple[float, float, float]] = deque()
        self._moved = 0.0          # what h has moved in this standstill at least, C
        self._endured = 0.0        # and in former ones that came to an end

    @property
    def fault(self) -> SensorFault | None:
        """Return why the readings are not believed, or None; NONE_TOLD is never it."""
        return self._suspicion.fault

    def observe(self, celsius: float | None, measured_at: float, work_sec: float,
                model: ThermalModel = ThermalModel(), known: Known = Known.TYPICAL,
                paced: bool = False) -> SensorFault | None:
        """
        Take in a reading; return the SensorFault for which it is not believed, or None.

        Time and work until then are in seconds, as in StickStatus.

        :param celsius: degrees Celsius, or None when the stick told none.
        :param model: the one that it is expected to have; a typical one by default.
        :param known: where that comes from.
        :param paced: whether the stick was paced since the reading before. Then its readings may
            stand still because it works less and less, as in a place that gets warmer.
        """
        self.moves = False
        if celsius is None:
            return SensorFault.NONE_TOLD
        if self._at is None:
            self._extremes = (celsius, celsius)
            self._begin(celsius, measured_at, work_sec, model, known)
            return self.fault
        elapsed_sec = measured_at - self._at
        if elapsed_sec < LEAST_INTERVAL_SEC:
            return self.fault
        share = max(0.0, min((work_sec - self._work_sec) / elapsed_sec, 1.0))
        self._advance(share, elapsed_sec, model)
        fell = (elapsed_sec <= READING_VALID_SEC and share >= 0.5 and
                self._celsius - celsius > MOST_FALL_CELSIUS * max(elapsed_sec, 1.0))
        if elapsed_sec > _GAP_SEC or known is not self._known:
            self._begin(celsius, measured_at, work_sec, model, known)
        else:
            self._compare(celsius, measured_at, model, paced)
        self._at, self._work_sec, self._celsius = measured_at, work_sec, celsius
        if share < _FULL_SHARE:
            self._full_speed_from = celsius, self.heated, self._doubt
        found = SensorFault.FELL_AT_WORK if fell else self._contradiction(
            model, measured_at, known)
        if self._suspicion.judge(found, measured_at, celsius, self.expected):
            self.expected = celsius
            self._still = Standstill(celsius, measured_at, self.heated, self._doubt)
        if self.fault is None and self.moves:
            self.expected = celsius
        return self.fault

    def _begin(self, celsius: float, measured_at: float, work_sec: float, model: ThermalModel,
               known: Known) -> None:
        """Start from a reading, whose temperature tells how warm the stick is from work."""
        is_unknown = self._known in (None, Known.TYPICAL)
        if self.fault is None and (is_unknown or known is self._known):
            warmth = celsius - model.idle_celsius + _IDLE_DOUBT[known]
            high = max(0.0, min(warmth / model.rise_celsius, 1.0))
            if not is_unknown:   # after a gap: this stick went on as it was, or is another
                high = max(high, self.heated + self._doubt)
            self.heated, self._doubt = 0.0, high
        if self.expected == -math.inf:   # a lower one may always be wrong
            self.expected = max(celsius, model.idle_celsius)
        self._at, self._work_sec, self._celsius = measured_at, work_sec, celsius
        self._known = known
        self._past.clear()
        self._delay.forget_peaks()
        self._remember(measured_at)
        self._full_speed_from = celsius, self.heated, self._doubt
        self._still = Standstill(celsius, measured_at, self.heated, self._doubt)

    def _advance(self, share: float, elapsed_sec: float, model: ThermalModel) -> None:
        left = math.exp(-elapsed_sec / model.time_constant_sec)
        self.heated = share + (self.heated - share) * left
        self._doubt *= left
        self.expected = model.after(self.expected, share, elapsed_sec)

    def _compare(self, celsius: float, measured_at: float, model: ThermalModel,
                 paced: bool) -> None:
        step = abs(celsius - self._celsius)
        if step > 0.0:
            self._step = max(min(self._step, step), _FINEST_STEP)
        self._celsius = celsius
        self._remember(measured_at)
        self._delay.vote(model.rise_celsius)
        highest = self._delay.highest
        if not self._still.goes_on(celsius):
            self.moves = True
            fading = math.exp((self._still.since - measured_at) / _ENDURED_SEC)
            self._endured = max(self._endured * fading, self._moved)
            low, high = self._extremes
            self._extremes = min(low, celsius), max(high, celsius)
            self.has_moved |= high - low >= 2 * _COARSEST_STEP
            self._still = Standstill(celsius, measured_at, self.heated, self._doubt, highest,
                                     self._was_elsewhere(model))
        self._still.take(self.heated, highest, paced)

    def _remember(self, at: float) -> None:
        latest = at, self._celsius, self.heated
        self._past.append(latest)
        while self._past[0][0] < at - _APPROACH_SEC:
            self._past.popleft()
        self._delay.take(*latest)

    def _was_elsewhere(self, model: ThermalModel) -> bool:
        """Tell whether the readings have recently moved by less or more than the model."""
        if self._known is Known.TYPICAL:
            return True   # it may be a stick that has long come to the end of its warming
        _, celsius, heated = self._past[0]
        expected = model.rise_celsius * (self.heated - heated)
        moved = self._celsius - celsius
        return abs(moved - expected) > abs(expected) / 3 + self._step

    def _contradiction(self, model: ThermalModel, at: float, known: Known) -> SensorFault | None:
        """Return the fault that the latest readings show, or None."""
        heat = model.rise_celsius / known.value
        self._moved = heat * self._still.movement(self._doubt, self._delay.tells_present)
        least = _STEPS * (self._step if self._delay.tells_present else _COARSEST_STEP)
        if self.has_moved and self._step > 0.9 * _COARSEST_STEP:
            least = max(least, _STEPS_OF_COARSE * self._step)
        endured = min(_MORE_THAN_ENDURED * self._endured, _MOST_ENDURED * least)
        if self._moved >= max(least, endured, 2 * self._still.width) and (
                at - self._still.since >= _LEAST_STILL_SEC):
            return SensorFault.STANDS_STILL
        # Either the stick has warmed at full speed by less than it must, whatever cools it
        # meanwhile, or it is colder than after its work in a much colder place.
        heat = model.rise_celsius / min(known.value, Known.OTHERS.value)
        celsius, heated, doubt = self._full_speed_from
        warmed = heat * (self.heated - heated - (doubt - self._doubt))
        hottest = model.idle_celsius + model.rise_celsius * (heated + doubt)
        is_known = known is not Known.TYPICAL
        least = min(celsius, hottest) + warmed - (1 if is_known else 2) * _COOLING_CELSIUS
        if is_known and heat * self.heated >= _LEAST_RISE_CELSIUS:
            idle = model.idle_celsius
            least = max(least, min(idle + heat * self.heated - _COOLING_CELSIUS,
                                   idle + model.rise_celsius * self.heated
                                   - _ELSEWHERE_CELSIUS))
        return SensorFault.TOO_COLD if self._celsius < least else None
