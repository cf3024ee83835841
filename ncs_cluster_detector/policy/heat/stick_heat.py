# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How one stick heats: learned from its readings and its work, and estimated between readings."""

import math

from ncs_cluster_detector.policy.heat.recursive_least_squares import RecursiveLeastSquares
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.heat.thermal_model import warmed
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC

# What is assumed of a stick until its readings say otherwise, and how sure that is: standard
# deviations of 1/s for the time constant, of C/s for idling and for the load at a given time
# constant, and of C for the die. Vague enough that some exact readings outweigh it, so that bodies
# of seconds and of minutes are found; sure enough that noise does not, or a noisy sensor would
# teach that a stick idles at -49 C and rises by 458 C.
_TYPICAL = ThermalModel()
_TIME_DEVIATION, _IDLE_DEVIATION, _LOAD_DEVIATION, _DIE_DEVIATION = 0.02, 0.2, 0.15, 5.0
_PRIOR = (1.0 / _TYPICAL.time_constant_sec, 0.0,
          _TYPICAL.rise_celsius / _TYPICAL.time_constant_sec, 0.0)
_LOAD_INFORMATION = 1.0 / _LOAD_DEVIATION ** 2
_PRIOR_INFORMATION = (
    (1.0 / _TIME_DEVIATION ** 2 + _TYPICAL.rise_celsius ** 2 * _LOAD_INFORMATION, 0.0,
     -_TYPICAL.rise_celsius * _LOAD_INFORMATION, 0.0),
    (0.0, 1.0 / _IDLE_DEVIATION ** 2, 0.0, 0.0),
    (-_TYPICAL.rise_celsius * _LOAD_INFORMATION, 0.0, _LOAD_INFORMATION, 0.0),
    (0.0, 0.0, 0.0, 1.0 / _DIE_DEVIATION ** 2))
# Standard deviation, in C/s, of the noise of a rate between two readings a second apart: assumed
# at first, for a sensor has to show that it is exact before it is believed, and at least, for no
# body is quite as modelled. What the readings show is a mean over so many of them, and over fewer
# at first.
_FIRST_NOISE, _LEAST_NOISE = 1.0, 0.03
_NOISE_READINGS, _FIRST_NOISE_READINGS = 60, 1.5
# No conclusion from fewer readings, and no other one before so many more.
_LEAST_READINGS = 10
# Paced work teaches if the noise of the rate is no more than this, and the readings move: the
# readings of a stuck sensor look exact.
_EXACT = 0.06
# A reading this old counts 1/e where newer ones tell the same: this follows a fan that is switched
# on or a hub that warms.
MEMORY_SEC = 300.0
# Readings closer together than this are no new information.
LEAST_INTERVAL_SEC = 0.2
# A stick is known when the effect of full load on it (C/s) has at most this relative standard
# deviation. For this, what was assumed at first counts only so much, and its idle temperature is
# taken to lie so many C around the typical one (standard deviation).
_KNOWN_SHARE, _PRIOR_IN_DOUBT, _IDLE_RANGE_CELSIUS = 0.4, 0.01, 15.0
# No stick at a robot is outside of these limits: its time constant, how far full load heats it,
# and at which temperature it idles.
_TIME_CONSTANT_RANGE_SEC = (0.5, 5000.0)
_RISE_RANGE_CELSIUS = (5.0, 150.0)
_IDLE_LIMITS_CELSIUS = (-10.0, 70.0)
# A stick that seems to change faster than this (C/s) was replaced, or its sensor failed.
_MOST_RATE = 10.0
# The noise of the rate (C/s) that halves the trust in a reading, and the least trust.
_TRUSTED_RATE, _LEAST_TRUST = 0.3, 0.2
# The largest error of a reading (C) and lag of a sensor that are assumed.
_MOST_NOISE, _MOST_LAG_SEC = 1.0, 10.0
# A stick that worked for less than this share of the time has rested.
_RESTS_BELOW_SHARE = 0.05
# An estimate never leaves the reading that it starts from by more than this.
_MOST_DRIFT_CELSIUS = 10.0


class StickHeat:
    """
    A thermal model of one stick, a die in a case, fitted while it works.

    ``dT/dt = -(T - 30) a + b + c u + d dw/dt`` with the share of full speed ``u`` at which the
    stick works, 0 to 1, and the warmth ``w`` of its die, which follows ``u`` within seconds: the
    time constant of the case is ``1 / a``, an idle stick ends at ``30 + b / a``, full load brings
    it ``c / a`` above that, and ``d`` of this within seconds. The four coefficients come from
    recursive least squares over the intervals between readings (C and s), weighted by the noise of
    the readings. The trapezoid for the mean temperature of an interval makes equal errors of both
    readings cancel, so that noise does not bias the time constant. For a sensor that lags, ``d``
    is below 0, and ``-d / c`` about its lag: a warming stick is hotter than its reading by what it
    warms in that time.

    The noise is measured by the errors of two intervals in a row: an error of the reading between
    them has opposite signs in them, so their covariance is minus its variance.

    ``model`` is the ThermalModel that was learned so far.
    """

    def __init__(self) -> None:
        self._fit = RecursiveLeastSquares(_PRIOR, _PRIOR_INFORMATION)
        self.model = _TYPICAL
        self._lag_sec = 0.0    # of the sensor
        self._noise = _FIRST_NOISE ** 2   # variance of a rate, as far as readings err
        self._judged = 0
        self._error = 0.0      # of the rate in the interval before
        self._learned = 0
        self._is_known, self._judge_from = False, _LEAST_READINGS
        # (celsius, measured_at, work_sec) of the newest reading.
        self._reading: tuple[float, float, float] | None = None
        self._start = 0.0      # the temperature at that time, with less noise
        self._warmth: tuple[float, float, float] | None = None   # (w, time, work_sec)

    def observe(self, celsius: float | None, measured_at: float, work_sec: float,
                teaches: bool = True) -> None:
        """
        Take in a reading; time and work until then are in seconds, as in StickStatus.

        :param celsius: degrees Celsius, or None when it is unknown.
        :param teaches: whether the work since the reading before was independent of readings. That
            of a paced stick is not: noise of its readings would be taken for an effect of work. It
            teaches only if the noise is very small.
        """
        if celsius is None:
            self._reading = None
            # The die goes on without a reading, in steps in which work hardly changes.
            if self._warmth is None or measured_at >= self._warmth[1] + 1.0:
                self._warmth = self.warmth(measured_at, work_sec), measured_at, work_sec
            return
        if self._reading is not None and measured_at < self._reading[1] + LEAST_INTERVAL_SEC:
            return
        warmth = self.warmth(measured_at, work_sec)
        if self._reading is None or self._warmth is None:
            self._start = celsius
        else:
            self._compare(self._reading, celsius, measured_at, work_sec,
                          warmth - self._warmth[0], teaches)
        self._reading = (celsius, measured_at, work_sec)
        self._warmth = warmth, measured_at, work_sec

    def _compare(self, latest: tuple[float, float, float], celsius: float, measured_at: float,
                 work_sec: float, gained: float, teaches: bool) -> None:
        before, at, work_before = latest
        elapsed_sec = measured_at - at
        share = _clipped((work_sec - work_before) / elapsed_sec)
        rate = (celsius - before) / elapsed_sec
        if elapsed_sec > READING_VALID_SEC or abs(rate) > _MOST_RATE:
            self._start, self._error = celsius, 0.0
            return
        expected = self._predicted_reading(latest, measured_at, work_sec)
        self._start = self._smoothed(celsius, expected)
        known = (-((celsius + before) / 2 - _TYPICAL.idle_celsius), 1.0, share,
                 gained / elapsed_sec)
        self._judge_noise(self._fit.error(known, rate))
        # With a sensor that tells the maximum of some seconds a resting stick seems not to cool.
        stands_still = celsius == before and share < _RESTS_BELOW_SHARE
        is_exact = self._noise <= _EXACT ** 2 and celsius != before
        if (teaches or is_exact) and not stands_still:
            self._learn(known, rate, elapsed_sec)

    def celsius(self, now: float, work_sec: float) -> float | None:
        """Return the estimated temperature at the time ``now``, or None without a reading."""
        if self._reading is None:
            return None
        celsius = self._predicted_reading(self._reading, now, work_sec)
        if self._lag_sec:
            rate = self.model.rate(celsius, self.warmth(now, work_sec))
            celsius += self._lag_sec * max(rate, 0.0)
        return celsius

    def _predicted_reading(self, latest: tuple[float, float, float], now: float,
                           work_sec: float) -> float:
        """Return what the sensor will tell at the time ``now``, after the latest reading."""
        _, measured_at, work_before = latest
        elapsed_sec = now - measured_at
        if elapsed_sec <= 0:
            return self._start
        share = _clipped((work_sec - work_before) / elapsed_sec)
        drift = self.model.after(self._start, share, min(elapsed_sec, READING_VALID_SEC),
                                 self._warmth and self._warmth[0]) - self._start
        return self._start + max(-_MOST_DRIFT_CELSIUS, min(drift, _MOST_DRIFT_CELSIUS))

    def warmth(self, now: float, work_sec: float) -> float:
        """Return the share, 0 to 1, of the heat of full load that the die has."""
        if self._warmth is None:
            return 0.0
        warmth, at, work_before = self._warmth
        elapsed_sec = now - at
        if elapsed_sec <= 0:
            return warmth
        return warmed(warmth, _clipped((work_sec - work_before) / elapsed_sec), elapsed_sec)

    def is_known(self) -> bool:
        """Tell whether readings have shown how fast work heats the stick; judged now and then."""
        if self._learned >= self._judge_from:
            self._is_known = self._judge()
            self._judge_from = self._learned + _LEAST_READINGS
        return self._is_known

    def _judge(self) -> bool:
        loss, _, load, _ = self._fit.coefficients
        # What was assumed at first hardly counts here, except for the idle temperature: a stick
        # that always works does not show it.
        variance = self._fit.variance((0.0, 0.0, 1.0 / load, 0.0), _PRIOR_IN_DOUBT, (
            0.0, 1.0 / (_IDLE_RANGE_CELSIUS * loss) ** 2))
        return variance <= _KNOWN_SHARE ** 2

    @property
    def measured_at(self) -> float | None:
        """Return when the newest reading was taken, or None without one."""
        return self._reading and self._reading[1]

    def _smoothed(self, celsius: float, expected: float) -> float:
        """Return a reading corrected by what was expected: the more noise, the more."""
        if self._learned < _LEAST_READINGS:
            return celsius
        trust = max(_LEAST_TRUST, _TRUSTED_RATE / (
            _TRUSTED_RATE + math.sqrt(max(self._noise, 0.0))))
        correction = (1.0 - trust) * (expected - celsius)
        return celsius + max(-_MOST_NOISE, min(correction, _MOST_NOISE))

    def _judge_noise(self, error: float) -> None:
        self._judged += 1
        of = min(self._judged + _FIRST_NOISE_READINGS, _NOISE_READINGS)
        # Twice the variance of a reading, as a rate is the difference of two.
        self._noise += (-2.0 * error * self._error - self._noise) / of
        self._error = error

    def _learn(self, known: tuple[float, ...], rate: float, elapsed_sec: float) -> None:
        weight = min(elapsed_sec, 1.0) ** 2 / max(self._noise, _LEAST_NOISE ** 2)
        forgotten = 1.0 - math.exp(-elapsed_sec / MEMORY_SEC)
        fit = self._fit.after(known, rate, weight, forgotten)
        if _is_a_stick(*fit.coefficients):   # else noise outweighs what is known
            self._fit = fit
            loss, gain, load, die = fit.coefficients
            self.model = ThermalModel(_TYPICAL.idle_celsius + gain / loss, load / loss,
                                      1.0 / loss, max(die, 0.0))
            self._lag_sec = max(0.0, min(-die / load, _MOST_LAG_SEC))
            self._learned += 1


def _is_a_stick(loss: float, gain: float, load: float, die: float) -> bool:
    """Tell whether coefficients are those of a body that could be a stick."""
    low, high = _TIME_CONSTANT_RANGE_SEC
    if not 1.0 / high <= loss <= 1.0 / low:
        return False
    values = load / loss, _TYPICAL.idle_celsius + gain / loss
    limits = _RISE_RANGE_CELSIUS, _IDLE_LIMITS_CELSIUS
    return all(low <= value <= high for value, (low, high) in zip(values, limits))


def _clipped(share: float) -> float:
    return max(0.0, min(share, 1.0))
