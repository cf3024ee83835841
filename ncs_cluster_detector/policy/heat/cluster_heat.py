# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is known of the heat of all sticks: temperatures now, and what they can sustain."""

from copy import copy
from dataclasses import replace
import math

from ncs_cluster_detector.policy.heat.stick_heat import StickHeat
from ncs_cluster_detector.policy.heat.thermal_model import Constants
from ncs_cluster_detector.policy.heat.thermal_model import mean_of
from ncs_cluster_detector.policy.sensor.sensor_fault import Known
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.sensor.sensor_watch import SensorWatch
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC
from ncs_cluster_detector.policy.stick_status import StickState

# An estimate takes this for a stick while nobody has told how sticks heat here: a warm place. And
# one that others tell how it heats may be worse off than they, as in the middle of a hub.
_UNSEEN = Constants(idle_celsius=40.0)
_WORSE_OFF = 1.2
# Of so many time constants and within so many seconds what the sticks deliver is a fair mean.
_TURNS_TIME_CONSTANTS, _TURNS_RANGE_SEC = 2.0, (10.0, 300.0)
# So often is an estimate carried on, and the mean of what sticks have learned is taken.
_UPDATE_SEC = 1.0


class ClusterHeat:
    """
    A StickHeat and a SensorWatch for every stick, and the questions that the policies ask of them.

    A reading older than three seconds is unknown, and so is one that cannot be true for what its
    stick did. Others are carried on to the present with the stick's own thermal model. It learns
    from them alone: what it has learned since a reading stood still is forgotten when that turns
    out to be the sensor's fault.
    """

    def __init__(self):
        """Start with no stick."""
        self.sticks = {}      # stick number -> StickHeat
        self._now = {}        # stick number -> temperature now, or None
        self._readings = {}   # stick number -> last reading while it is valid, or None
        self._paced = set()   # those paced at any time since their last reading
        self.running = ()     # numbers of the sticks that run
        self._watches = {}    # stick number -> SensorWatch
        self._told = {}       # stick number -> last reading while it is valid, believed or not
        self._told_at = {}    # stick number -> when its latest reading was taken
        self._faults = {}     # stick number -> SensorFault of a stick that tells something
        self._trusted = {}    # stick number -> StickHeat when its readings last moved
        self._learned = {}    # stick number -> its Constants then, if they were known
        self._mean_learned = None
        self._updated_at = -math.inf
        self._estimates = {}  # stick number -> (temperature, time, work_sec, warmth) to start from
        self._observed = {}   # stick number -> (time, work_sec) of the latest call
        self.measured = None, None   # what measures the work at the limit, and that limit

    def observe(self, now, sticks, paced=()):
        """
        Take in the state of all sticks.

        :param now: seconds of the monotonic clock.
        :param sticks: list of StickStatus, all sticks.
        :param paced: numbers of the sticks that were paced since the call before.
        """
        self._paced.update(paced)
        if now >= self._updated_at + _UPDATE_SEC:
            self._updated_at = now
            learned = tuple(self._learned.values())
            self._mean_learned = mean_of(learned) if learned else None
        for stick in sticks:
            if stick.number not in self.sticks:
                self.sticks[stick.number] = StickHeat()
                self._watches[stick.number] = SensorWatch()
            is_new = stick.measured_at not in (None, self._told_at.get(stick.number))
            if is_new:
                self._watch(stick)
            reading = stick.reading(now)
            self._told[stick.number] = reading
            if self._faults.get(stick.number) is not None:
                reading = None
            heat = self.sticks[stick.number]
            if reading is None or is_new or heat.measured_at is None:
                heat.observe(reading, now if reading is None else stick.measured_at,
                             stick.work_sec, teaches=stick.number not in self._paced)
                if is_new and heat.measured_at == stick.measured_at:
                    self._paced.discard(stick.number)
                    self._trust(stick)
            self._readings[stick.number] = reading
            self._now[stick.number] = heat.celsius(now, stick.work_sec)
            self._observed[stick.number] = (now, stick.work_sec)
        for stick in sticks:
            if self._readings[stick.number] is None:
                self._carry_on(now, stick)
        self.running = tuple(stick.number for stick in sticks
                             if stick.state is StickState.RUNNING)

    def _watch(self, stick):
        """Judge a new reading."""
        self._told_at[stick.number] = stick.measured_at
        watch = self._watches[stick.number]
        before = self._faults.get(stick.number)
        fault = watch.observe(
            stick.celsius if stick.tells else None, stick.measured_at, stick.work_sec,
            *self._expected(stick.number), paced=stick.number in self._paced)
        self._faults[stick.number] = fault
        if fault in (None, SensorFault.NONE_TOLD, before):
            return
        # What was learned meanwhile was learned from a sensor that lies.
        trusted = self._trusted.get(stick.number)
        if trusted is None or fault is SensorFault.TOO_COLD:
            trusted = StickHeat()
            self._learned.pop(stick.number, None)
        self.sticks[stick.number] = copy(trusted)
        stands_for = self._to_estimate_with(stick.number)
        least = stands_for.idle_celsius + stands_for.rise_celsius * watch.heated
        self._estimates[stick.number] = (
            max(watch.expected, least), stick.measured_at, stick.work_sec, watch.heated)

    def _trust(self, stick):
        """Take note of what is known with a reading that is believed."""
        watch, heat = self._watches[stick.number], self.sticks[stick.number]
        at = stick.measured_at, stick.work_sec
        # Where both differ, as after long pacing, the higher one is the safe one.
        celsius = max(watch.expected, heat.celsius(*at))
        self._estimates[stick.number] = (celsius, *at, heat.warmth(*at))
        if watch.moves:
            self._trusted[stick.number] = copy(heat)
            if watch.has_moved and heat.is_known():
                self._learned[stick.number] = heat.constants

    def _expected(self, number):
        """Return the Constants that a stick is expected to have, and where they come from."""
        if number in self._learned:
            return self._learned[number], Known.OWN
        if self._mean_learned:
            return self._mean_learned, Known.OTHERS
        return Constants(), Known.TYPICAL

    def _to_estimate_with(self, number):
        """Return the Constants of a stick, the worse the less is known."""
        constants, known = self._expected(number)
        if known is Known.OTHERS:
            return replace(constants, rise_celsius=_WORSE_OFF * constants.rise_celsius)
        return constants if known is Known.OWN else _UNSEEN

    def _carry_on(self, now, stick):
        """Reckon on what a stick has whose temperature is unknown."""
        if stick.number not in self._estimates:
            known = [celsius for celsius in self._now.values() if celsius is not None]
            start = max(sum(known) / len(known), 0.0) if known else _UNSEEN.idle_celsius
            self._estimates[stick.number] = (start, now, stick.work_sec, 0.0)
        elif now >= self._estimates[stick.number][1] + _UPDATE_SEC:
            self._estimates[stick.number] = (
                self._carried(stick.number, now, stick.work_sec), now, stick.work_sec,
                self.sticks[stick.number].warmth(now, stick.work_sec))

    def _carried(self, number, now, work_sec):
        celsius, at, work_before, warmth = self._estimates[number]
        elapsed_sec = max(now - at, 1e-9)
        share = max(0.0, min((work_sec - work_before) / elapsed_sec, 1.0))
        return self._to_estimate_with(number).after(celsius, share, elapsed_sec, warmth)

    def reading(self, number):
        """Return the last reading of a stick in degrees Celsius, or None when it is unknown."""
        return self._readings.get(number)

    def now(self, number):
        """Return the temperature of a stick now, in degrees Celsius, or None."""
        return self._now.get(number)

    def assumed(self, number):
        """Return the temperature now; an unknown one counts as the hottest of all."""
        celsius = self._now.get(number)
        return math.inf if celsius is None else celsius

    def estimate(self, number):
        """
        Return the temperature now, in degrees Celsius, or what it likely is when it is unknown.

        Reckoned from the last temperature that was believed, or from those of the others, and from
        the work since then, with the stick's own thermal model, or else that of the others, who
        may be better off, or else one in a warm place.
        """
        celsius = self._now.get(number)
        return self._carried(number, *self._observed[number]) if celsius is None else celsius

    def sensor_fault(self, number):
        """Return the SensorFault of a stick that tells what is not believed, or None."""
        if number not in self._told_at:
            return None
        now, _ = self._observed[number]
        is_fresh = now - self._told_at[number] <= READING_VALID_SEC
        return self._faults[number] if is_fresh else None

    def at_full_speed(self, number, elapsed_sec):
        """Return the temperature after so many seconds at full speed, or None."""
        celsius = self._now.get(number)
        return celsius and self.sticks[number].constants.after(
            celsius, 1.0, elapsed_sec, self.warmth(number))

    def warmth(self, number):
        """Return the warmth of the die now, as in Constants."""
        return self.sticks[number].warmth(*self._observed[number])

    def told(self, number):
        """Return the last reading while it is valid, whether it is believed or not, or None."""
        return self._told.get(number)

    def told_at(self, number):
        """Return when the latest reading was taken, or None."""
        return self._told_at.get(number)

    def share_towards(self, number, celsius, target, horizon_sec):
        """Return the share of full speed that leads from a temperature to a target in time."""
        return self._constants(number).share_towards(
            celsius, target, horizon_sec, self.warmth(number))

    def sustainable_share(self, number, celsius):
        """Return the share of full speed, 0 to 1, at which a stick ends at a temperature."""
        return self._constants(number).sustainable_share(celsius)

    def _constants(self, number):
        is_known = self._now.get(number) is not None
        return self.sticks[number].constants if is_known else self._to_estimate_with(number)

    def _turns_sec(self):
        """Return in how many seconds sticks come through some turns of work and rest."""
        slowest_sec = max(self.sticks[number].constants.time_constant_sec
                          for number in self.running)
        low, high = _TURNS_RANGE_SEC
        return max(low, min(_TURNS_TIME_CONSTANTS * slowest_sec, high))

    def sustainable_size(self, limit_celsius):
        """
        Return how many sticks' full speed the running sticks can keep up for ever at a limit.

        What they deliver at the present limit is measured. For another one, what their constants
        say of the difference is added.

        :return: number of sticks, as a fraction, or None while it is not known.
        """
        measure, measured_at = self.measured
        size = measure and self.running and measure(self._turns_sec())
        if not size or limit_celsius == measured_at:
            return size or None
        for number in self.running:
            stick = self.sticks[number].constants
            size += stick.sustainable_share(limit_celsius) - stick.sustainable_share(measured_at)
        return max(0.0, min(size, len(self.running)))
