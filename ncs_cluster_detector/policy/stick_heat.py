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

"""How one stick heats: learned from its readings and its work, and estimated between readings."""

import math
from operator import mul

from ncs_cluster_detector.policy.heat_constants import Constants
from ncs_cluster_detector.policy.heat_constants import DIE_SEC
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC

# What is assumed of a stick until its readings say otherwise.
_TYPICAL = Constants()
# How sure that is, so vague that a few readings outweigh it: standard deviations of 1/s for the
# time constant, and of C/s for idling and for the load at a given time constant. So a stick whose
# time constant turns out to be another is still taken for one with typical temperatures.
_TIME_DEVIATION, _IDLE_DEVIATION, _LOAD_DEVIATION = 0.02, 0.2, 0.15
_DIE_DEVIATION = 5.0
_PRIOR = (1.0 / _TYPICAL.time_constant_sec, 0.0,
          _TYPICAL.rise_celsius / _TYPICAL.time_constant_sec, 0.0)
# Error of a rate of change between two readings a second apart, in C/s: assumed at first, and at
# least; then it is what the readings show, on average over so many of them.
_RATE_DEVIATION, _LEAST_RATE_DEVIATION = 0.1, 0.02
_DEVIATION_READINGS = 60
# From readings worse than this, C/s, no conclusion is safe.
_MOST_RATE_DEVIATION = 0.3
# From so few nothing is concluded, and with more than so many a stick is known well enough to do
# without the readings of paced work.
_LEAST_READINGS, _ENOUGH_READINGS = 10, 15
# What lies so far back counts 1/e where newer readings tell the same: this follows a fan that is
# switched on or a hub that warms.
MEMORY_SEC = 300.0
# Readings closer together than this are no new information.
LEAST_INTERVAL_SEC = 0.2
# A stick is known when the standard deviation of what full load does to it, in C/s, is no more
# than this share, with so much of the information that is assumed at first, and if it idles within
# so many C of what is typical, more or less.
_KNOWN_SHARE, _PRIOR_IN_DOUBT, _IDLE_RANGE_CELSIUS = 0.4, 0.01, 15.0
# What else is learned of it must be that of a stick where robots are.
_KNOWN_IDLE, _MOST_KNOWN_RISE_CELSIUS = (-10.0, 70.0), 120.0
# Outside of these limits is no stick: its time constant, how far full load heats it at least, and
# how far from what is typical it idles.
_TIME_CONSTANT_RANGE_SEC = (0.5, 5000.0)
_LEAST_RISE_CELSIUS = 5.0
_MOST_IDLE_CELSIUS = 80.0
# Nor does a stick change faster than this, C/s: it was replaced, or its sensor failed.
_MOST_RATE = 10.0
# What the noise of the rate (C/s) is weighed against, and how much a reading counts at least.
_TRUSTED_RATE, _LEAST_TRUST = 0.3, 0.2
# A reading is not believed to be more wrong than this, C.
_MOST_NOISE = 1.0
_RESTS_BELOW_SHARE = 0.05
# An estimate never leaves the reading that it starts from by more than this.
_MOST_DRIFT_CELSIUS = 10.0

import os
NOISE_MODE = 1
HARD = 0
WEIGHT_FLOOR = 0.05
RAW0 = 1.0
BOUNDS = 1
for _word in os.environ.get('TUNE','').split():
    _n,_v=_word.split('='); globals()[_n]=float(_v)
_LOAD_INFORMATION = 1.0 / _LOAD_DEVIATION ** 2
_PRIOR_INFORMATION = (
    (1.0 / _TIME_DEVIATION ** 2 + _TYPICAL.rise_celsius ** 2 * _LOAD_INFORMATION, 0.0,
     -_TYPICAL.rise_celsius * _LOAD_INFORMATION, 0.0),
    (0.0, 1.0 / _IDLE_DEVIATION ** 2, 0.0, 0.0),
    (-_TYPICAL.rise_celsius * _LOAD_INFORMATION, 0.0, _LOAD_INFORMATION, 0.0),
    (0.0, 0.0, 0.0, 1.0 / _DIE_DEVIATION ** 2))


class StickHeat:
    """
    A first-order thermal model of one stick, fitted while it works.

    ``dT/dt = -(T - 30) a + b + c u`` with the share of full speed ``u`` at which the stick works,
    0 to 1: the time constant is ``1 / a``, an idle stick ends at ``30 + b / a``, and full load
    brings it ``c / a`` above that. The three coefficients come from recursive least squares over
    the intervals between readings (C and s). Old readings are forgotten only in the direction in
    which a new one informs, so that what a steady state does not show, such as the time constant,
    stays known (Kulhavy, Restricted exponential forgetting in real-time identification,
    Automatica 23, 1987). The trapezoid for the mean temperature of an interval makes equal errors
    of both readings cancel, so that noise does not bias the time constant.

    ``constants`` are what has been learned so far.
    """

    def __init__(self):
        """Start with what is typical."""
        self._information = [[0.0] * 4 for _ in range(4)]   # of the readings alone
        self._take(_PRIOR)
        self._rate_variance = _RATE_DEVIATION ** 2
        self._learned = 0
        self._error = 0.0
        self._rate_raw = RAW0
        self._judged = 0
        self._followed = None
        self._warmth = 0.0
        self._reading = None   # (celsius, measured_at, work_sec) of the newest reading
        self._start = None     # the temperature at that time, with less noise

    def observe(self, celsius, measured_at, work_sec, teaches=True, now=None):
        now = measured_at if now is None else now
        """
        Take in a reading.

        :param celsius: degrees Celsius, or None when it is unknown.
        :param measured_at: seconds of the monotonic clock.
        :param work_sec: how long the stick has computed in all until then.
        :param teaches: whether the work since the reading before was independent of readings. A
            paced stick's is not: noise of its readings would be taken for an effect of work. It
            teaches only while little is known.
        """
        if celsius is None:
            self._reading = None
            if self._followed is None or now >= self._followed[0] + 1.0:
                self._follow(now, work_sec)
            return
        if self._reading is None:
            self._reading = (celsius, measured_at, work_sec)
            self._start = celsius
            self._follow(measured_at, work_sec)
            return
        before, at, work_before = self._reading
        elapsed_sec = measured_at - at
        if elapsed_sec < LEAST_INTERVAL_SEC:
            return
        share = _clipped((work_sec - work_before) / elapsed_sec)
        rate = (celsius - before) / elapsed_sec
        # Of a sensor that tells the maximum of some seconds a resting stick seems not to cool.
        stands_still = celsius == before and share < _RESTS_BELOW_SHARE
        is_sound = elapsed_sec <= READING_VALID_SEC and abs(rate) <= _MOST_RATE
        expected = self.celsius(measured_at, work_sec)
        self._start = self._smoothed(celsius, expected) if is_sound else celsius
        teaches = teaches or self._learned < _ENOUGH_READINGS
        before_warmth = self._warmth
        self._follow(measured_at, work_sec)
        if is_sound:
            known = (-((celsius + before) / 2 - _TYPICAL.idle_celsius), 1.0, share,
                     (self._warmth - before_warmth) / elapsed_sec)
            self._learn(rate, known, elapsed_sec, teaches and not stands_still)
        self._reading = (celsius, measured_at, work_sec)

    def _follow(self, now, work_sec):
        self._warmth = self.warmth(now, work_sec) if self._followed else 0.0
        self._followed = now, work_sec

    def celsius(self, now, work_sec):
        """Return the estimated temperature at the time ``now``, or None without a reading."""
        if self._reading is None:
            return None
        _, measured_at, work_before = self._reading
        celsius = self._start
        elapsed_sec = now - measured_at
        if elapsed_sec <= 0:
            return celsius
        share = _clipped((work_sec - work_before) / elapsed_sec)
        drift = self.constants.after(
            celsius, share, min(elapsed_sec, READING_VALID_SEC), self._warmth) - celsius
        return celsius + max(-_MOST_DRIFT_CELSIUS, min(drift, _MOST_DRIFT_CELSIUS))

    def warmth(self, now, work_sec):
        measured_at, work_before = self._followed
        elapsed_sec = now - measured_at
        if elapsed_sec <= 0:
            return self._warmth
        share = _clipped((work_sec - work_before) / elapsed_sec)
        return share + (self._warmth - share) * math.exp(-elapsed_sec / DIE_SEC)

    @property
    def constants(self):
        """Return what is believed."""
        return _TYPICAL if self._is_refused() else self._fitted

    def _is_refused(self):
        return HARD and self._rate_variance > _MOST_RATE_DEVIATION ** 2

    def share_deviation(self, limit_celsius):
        """Return the standard deviation of the sustainable share; inf if nothing is safe."""
        if self._has_learned_little():
            return math.inf
        stick = self.constants
        gain = stick.rise_celsius / stick.time_constant_sec
        share = (limit_celsius - stick.idle_celsius) / stick.rise_celsius
        slope = ((limit_celsius - _TYPICAL.idle_celsius) / gain, -1.0 / gain, -share / gain, 0.0)
        # The readings may be better or worse than assumed.
        worth = 1.0
        variance = _product(slope, _solved(_with_prior(self._information, worth), slope))
        return math.sqrt(max(variance, 0.0))

    def is_known(self):
        """Tell whether readings have shown how fast work heats the stick."""
        if self._has_learned_little():
            return False
        stick = self.constants
        if not (_KNOWN_IDLE[0] <= stick.idle_celsius <= _KNOWN_IDLE[1]) or (
                stick.rise_celsius > _MOST_KNOWN_RISE_CELSIUS):
            return False   # there was too little to tell one from the other
        loss, _, load, _ = self._coefficients
        worth = 1.0
        # What was assumed at first counts for next to nothing here, but for the idle temperature:
        # without it there is no telling of a stick that always works.
        matrix = _with_prior(self._information, worth, _PRIOR_IN_DOUBT)
        matrix[1][1] += 1.0 / (_IDLE_RANGE_CELSIUS * loss) ** 2
        slope = (0.0, 0.0, 1.0 / load, 0.0)
        return _product(slope, _solved(matrix, slope)) <= _KNOWN_SHARE ** 2

    def _has_learned_little(self):
        """Tell whether the readings are too few, or too noisy, to tell anything."""
        return (self._learned < _LEAST_READINGS
                or self._rate_variance > _MOST_RATE_DEVIATION ** 2)

    @property
    def measured_at(self):
        """Return when the newest reading was taken, or None without one."""
        return self._reading and self._reading[1]

    def _take(self, coefficients):
        self._coefficients = coefficients
        loss, gain, load, die = coefficients
        self._die = max(die, 0.0)
        self._fitted = Constants(
            _TYPICAL.idle_celsius + gain / loss, load / loss, 1.0 / loss, max(die, 0.0))

    def _smoothed(self, celsius, expected):
        """Return a reading corrected by what was expected: the noisier readings are, the more."""
        if self._learned < _LEAST_READINGS:
            return celsius
        noise = math.sqrt(self._rate_variance)
        trust = max(_LEAST_TRUST, _TRUSTED_RATE / (_TRUSTED_RATE + noise))
        correction = (1.0 - trust) * (expected - celsius)
        return celsius + max(-_MOST_NOISE, min(correction, _MOST_NOISE))

    def _learn(self, rate, known, elapsed_sec, teaches):
        error = rate - _product(known, self._coefficients)
        noise = max(-2.0 * error * self._error, 0.0) if NOISE_MODE else error ** 2
        if NOISE_MODE:
            noise = -2.0 * error * self._error
            self._error = error
            self._judged += 1
            self._rate_raw += (noise - self._rate_raw) / min(self._judged + 5, _DEVIATION_READINGS)
            self._rate_variance = max(self._rate_raw, _LEAST_RATE_DEVIATION ** 2)
        if not teaches:
            return
        weight = min(elapsed_sec, 1.0) ** 2 / max(self._rate_variance, WEIGHT_FLOOR ** 2)
        seen = [_product(row, known) for row in self._information]
        forgotten = 1.0 - math.exp(-elapsed_sec / MEMORY_SEC)
        forgotten /= max(_product(seen, known), weight)
        information = [[self._information[row][column] + weight * known[row] * known[column]
                        - forgotten * seen[row] * seen[column] for column in range(4)]
                       for row in range(4)]
        gain = _solved(_with_prior(information), known)
        coefficients = [coefficient + weight * error * part
                        for coefficient, part in zip(self._coefficients, gain)]
        if not NOISE_MODE:
            noise = error ** 2 * max(1.0 - weight * _product(known, gain), 0.0)
            self._rate_variance += (noise - self._rate_variance) / _DEVIATION_READINGS
            self._rate_variance = max(self._rate_variance, _LEAST_RATE_DEVIATION ** 2)
        if _is_a_stick(*coefficients):   # else it is noise that outweighs what is known so far
            self._information = information
            self._take(coefficients)
            self._learned += 1


def _is_a_stick(loss, gain, load, die):
    """Tell whether coefficients are those of a body that could be a stick."""
    low, high = _TIME_CONSTANT_RANGE_SEC
    idle = _TYPICAL.idle_celsius + gain / loss if loss > 0 else 0.0
    return 1.0 / high <= loss <= 1.0 / low and (_LEAST_RISE_CELSIUS * loss <= load <= 150.0 * loss) and (
        -10.0 <= idle <= 70.0) if BOUNDS else (1.0 / high <= loss <= 1.0 / low and load >= _LEAST_RISE_CELSIUS * loss and (
        abs(gain) <= _MOST_IDLE_CELSIUS * loss))


def _with_prior(information, worth=1.0, prior_worth=1.0):
    return [[prior_worth * assumed + worth * learned for assumed, learned in zip(*rows)]
            for rows in zip(_PRIOR_INFORMATION, information)]


def _clipped(share):
    return max(0.0, min(share, 1.0))


def _product(row, column):
    return sum(map(mul, row, column))


def _solved(matrix, right):
    """Return the solution of linear equations with a symmetric positive matrix (Cholesky)."""
    size = len(right)
    rows, found = [], []
    for i in range(size):
        row = []
        for j in range(i + 1):
            value = matrix[i][j] - sum(map(mul, row, rows[j] if j < i else row))
            row.append(math.sqrt(max(value, 1e-12)) if i == j else value / rows[j][j])
        rows.append(row)
        found.append((right[i] - sum(map(mul, row, found))) / row[i])
    for i in reversed(range(size)):
        found[i] = (found[i] - sum(rows[j][i] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found
