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

from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC

# What is assumed of a stick until its readings say otherwise, and how sure that is: the time
# constant (s), the idle temperature and the rise at full load (C) of the simulated stick, each as
# the coefficient that is learned, with a standard deviation that a few readings outweigh.
TYPICAL_TIME_CONSTANT_SEC, TYPICAL_IDLE_CELSIUS, TYPICAL_RISE_CELSIUS = 120.0, 30.0, 45.0
_PRIOR = (1.0 / TYPICAL_TIME_CONSTANT_SEC, 0.0, TYPICAL_RISE_CELSIUS / TYPICAL_TIME_CONSTANT_SEC)
_PRIOR_DEVIATION = (0.2, 5.0, 10.0)
# Error of a rate of change between two readings a second apart, in C/s.
_RATE_DEVIATION = 0.1
# What lies so far back counts 1/e: long enough for rest and work of several turns, short enough
# to follow a fan that is switched on or a hub that warms.
MEMORY_SEC = 300.0
# Readings closer together than this are no new information.
LEAST_INTERVAL_SEC = 0.2
# A time constant outside of these limits is a misunderstanding.
_TIME_CONSTANT_RANGE_SEC = (0.5, 10000.0)
_LEAST_RISE_PER_SEC = 1e-4
# An estimate never leaves the reading that it starts from by more than this.
_MOST_DRIFT_CELSIUS = 10.0


class StickHeat:
    """
    A first-order thermal model of one stick, fitted while it works.

    ``dT/dt = -(T - 30) a + b + c u`` with the share of full speed ``u`` at which the stick works,
    0 to 1: the time constant is ``1 / a``, an idle stick ends at ``30 + b / a``, and full load
    brings it ``c / a`` above that. The three coefficients come from regularised least squares
    with exponential forgetting over the intervals between readings (C and s). The trapezoid for
    the mean temperature of an interval makes equal errors of both readings cancel, so that
    noise does not bias the time constant.
    """

    def __init__(self):
        """Start with what is typical."""
        weights = [1.0 / deviation ** 2 for deviation in _PRIOR_DEVIATION]
        self._prior_information = [[weights[row] if row == column else 0.0
                                    for column in range(3)] for row in range(3)]
        self._prior_vector = [weight * value for weight, value in zip(weights, _PRIOR)]
        self._information = [row[:] for row in self._prior_information]
        self._vector = self._prior_vector[:]
        self._coefficients = _PRIOR
        self._reading = None   # (celsius, measured_at, work_sec) of the newest reading

    def observe(self, celsius, measured_at, work_sec):
        """
        Take in a reading.

        :param celsius: degrees Celsius, or None when it is unknown.
        :param measured_at: seconds of the monotonic clock.
        :param work_sec: how long the stick has computed in all until then.
        """
        if celsius is None:
            self._reading = None
            return
        if self._reading is None:
            self._reading = (celsius, measured_at, work_sec)
            return
        before, at, work_before = self._reading
        elapsed_sec = measured_at - at
        if elapsed_sec < LEAST_INTERVAL_SEC:
            return
        self._reading = (celsius, measured_at, work_sec)
        if elapsed_sec <= READING_VALID_SEC:
            share = _clipped((work_sec - work_before) / elapsed_sec)
            self._learn((celsius - before) / elapsed_sec, (celsius + before) / 2, share,
                        elapsed_sec)

    def celsius(self, now, work_sec):
        """Return the estimated temperature at the time ``now``, or None without a reading."""
        if self._reading is None:
            return None
        celsius, measured_at, work_before = self._reading
        elapsed_sec = now - measured_at
        if elapsed_sec <= 0:
            return celsius
        share = _clipped((work_sec - work_before) / elapsed_sec)
        drift = self.after(celsius, share, min(elapsed_sec, READING_VALID_SEC)) - celsius
        return celsius + max(-_MOST_DRIFT_CELSIUS, min(drift, _MOST_DRIFT_CELSIUS))

    def after(self, celsius, share, elapsed_sec):
        """Return the temperature to which work at a share of full speed leads from another."""
        final = self.idle_celsius + share * self.rise_celsius
        return final + (celsius - final) * math.exp(-elapsed_sec / self.time_constant_sec)

    def share_towards(self, celsius, target, horizon_sec):
        """Return the share of full speed, 0 to 1, that leads to a target in so many seconds."""
        fallen = math.exp(-horizon_sec / self.time_constant_sec)
        final = (target - celsius * fallen) / (1.0 - fallen)
        return self.sustainable_share(final)

    def sustainable_share(self, limit_celsius):
        """Return the share of full speed, 0 to 1, at which the stick ends at a temperature."""
        return _clipped((limit_celsius - self.idle_celsius) / self.rise_celsius)

    def share_deviation(self, limit_celsius):
        """Return the standard deviation of :meth:`sustainable_share` before it is clipped."""
        loss, _, gain = self._coefficients
        gain = max(gain, _LEAST_RISE_PER_SEC)
        share = (limit_celsius - self.idle_celsius) / self.rise_celsius
        slope = ((limit_celsius - TYPICAL_IDLE_CELSIUS) / gain, -1.0 / gain, -share / gain)
        variance = sum(part * other for part, other in zip(slope, _solved(
            self._information, slope)))
        return math.sqrt(max(variance, 0.0))

    @property
    def measured_at(self):
        """Return when the newest reading was taken, or None without one."""
        return self._reading and self._reading[1]

    @property
    def time_constant_sec(self):
        """Return the time in which the stick gets 63 % of the way to its final temperature."""
        low, high = _TIME_CONSTANT_RANGE_SEC
        return 1.0 / max(1.0 / high, min(self._coefficients[0], 1.0 / low))

    @property
    def idle_celsius(self):
        """Return the final temperature of the idle stick."""
        return TYPICAL_IDLE_CELSIUS + self._coefficients[1] * self.time_constant_sec

    @property
    def rise_celsius(self):
        """Return how far above that the stick ends at full load."""
        return max(self._coefficients[2], _LEAST_RISE_PER_SEC) * self.time_constant_sec

    def _learn(self, rate, celsius, share, elapsed_sec):
        known = (-(celsius - TYPICAL_IDLE_CELSIUS), 1.0, share)
        kept = math.exp(-elapsed_sec / MEMORY_SEC)
        weight = (min(elapsed_sec, 1.0) / _RATE_DEVIATION) ** 2
        for row in range(3):
            for column in range(3):
                self._information[row][column] = (
                    kept * self._information[row][column]
                    + (1.0 - kept) * self._prior_information[row][column]
                    + weight * known[row] * known[column])
            self._vector[row] = (kept * self._vector[row] + (1.0 - kept) * self._prior_vector[row]
                                 + weight * known[row] * rate)
        self._coefficients = tuple(_solved(self._information, self._vector))


def _clipped(share):
    return max(0.0, min(share, 1.0))


def _solved(matrix, right):
    """Return the solution of three linear equations with a symmetric positive matrix."""
    (a, b, c), (_, d, e), (_, _, f) = matrix
    # The adjugate of a symmetric matrix; the prior keeps its determinant away from zero.
    adjugate = ((d * f - e * e, c * e - b * f, b * e - c * d),
                (c * e - b * f, a * f - c * c, b * c - a * e),
                (b * e - c * d, b * c - a * e, a * d - b * b))
    determinant = sum(first * second for first, second in zip(matrix[0], adjugate[0]))
    return [sum(entry * value for entry, value in zip(row, right)) / determinant
            for row in adjugate]
