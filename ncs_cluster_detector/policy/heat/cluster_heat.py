# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is known of the heat of all sticks: temperatures now, and what they can sustain."""

from collections.abc import Collection
from collections.abc import Sequence
from copy import copy
import math
from typing import Callable

from ncs_cluster_detector.policy.heat.estimates import Estimates
from ncs_cluster_detector.policy.heat.stick_heat import StickHeat
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.sensor.sensor_watch import SensorWatch
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# What sticks deliver is averaged over so many time constants, and so many seconds, to be fair.
_TURNS_TIME_CONSTANTS, _TURNS_RANGE_SEC = 2.0, (10.0, 300.0)
# What has no thermometer is as if it were cold and stayed so: its own cooling is its concern.
_UNMEASURED = ThermalModel(idle_celsius=0.0, rise_celsius=1e-3)


class ClusterHeat:
    """
    A StickHeat and a SensorWatch for every stick, and what the policies ask of them.

    A temperature is unknown when its reading is older than three seconds, or cannot be true for
    what the stick did. Others are carried on to the present with the stick's own thermal model,
    which learns from them. When readings stand still because of a sensor fault, what was learned
    meanwhile is forgotten.
    """

    def __init__(self) -> None:
        self.sticks: dict[int, StickHeat] = {}
        self.running: tuple[int, ...] = ()   # numbers of the sticks that run
        # What measures the work at the limit, over so many seconds at least, and that limit.
        self.measured: tuple[Callable[[float], float | None] | None, float | None] = None, None
        self._now: dict[int, float | None] = {}        # temperature now
        self._readings: dict[int, float | None] = {}   # last reading while it is valid
        self._told: dict[int, float | None] = {}       # the same, also if not believed
        self._told_at: dict[int, float] = {}           # when the latest reading was taken
        self._faults: dict[int, SensorFault | None] = {}
        self._paced: set[int] = set()   # those paced at any time since their last reading
        self._watches: dict[int, SensorWatch] = {}
        self._trusted: dict[int, StickHeat] = {}       # as it was when readings last moved
        self._estimates = Estimates()
        self._observed: dict[int, tuple[float, float]] = {}   # (time, work_sec) of the latest call

    def observe(self, now: float, sticks: Sequence[StickStatus],
                paced: Collection[int] = ()) -> None:
        """
        Take in the state of all sticks.

        :param paced: numbers of the sticks that were paced since the call before.
        """
        self._paced.update(paced)
        self._estimates.update(now)
        for stick in sticks:
            if stick.number not in self.sticks:
                self.sticks[stick.number] = StickHeat()
                self._watches[stick.number] = SensorWatch()
            at = stick.measured_at
            new_at = None if at == self._told_at.get(stick.number) else at
            work_sec = stick.work_until(now)
            self._observed[stick.number] = (now, work_sec)
            if not stick.has_thermometer:
                self.sticks[stick.number].model = _UNMEASURED
                self._readings[stick.number] = self._told[stick.number] = None
                self._now[stick.number] = _UNMEASURED.idle_celsius
                continue
            if new_at is not None:
                # With the work until then: several readings may be taken in at once.
                work_at = work_sec if stick.work_at_reading is None else stick.work_at_reading
                self._watch(stick, new_at, work_at)
            reading = stick.reading(now)
            self._told[stick.number] = reading
            if self._faults.get(stick.number) is not None:
                reading = None
            heat = self.sticks[stick.number]
            if reading is None:
                heat.observe(None, now, work_sec)
            elif new_at is not None:
                heat.observe(reading, new_at, work_at, teaches=stick.number not in self._paced)
                if heat.measured_at == new_at:
                    self._paced.discard(stick.number)
                    self._trust(stick.number, new_at, work_at)
            elif heat.measured_at is None and at is not None:
                heat.observe(reading, at, work_sec, teaches=stick.number not in self._paced)
            self._readings[stick.number] = reading
            self._now[stick.number] = heat.celsius(now, work_sec)
        for stick in sticks:
            if stick.has_thermometer and self._readings[stick.number] is None:
                now_and_work = self._observed[stick.number]
                self._estimates.carry_on(
                    stick.number, *now_and_work, self.sticks[stick.number].warmth(*now_and_work),
                    [celsius for celsius in self._now.values() if celsius is not None])
        self.running = tuple(stick.number for stick in sticks
                             if stick.state is StickState.RUNNING)

    def _watch(self, stick: StickStatus, measured_at: float, work_sec: float) -> None:
        """Judge a new reading; the stick had computed for ``work_sec`` when it was taken."""
        self._told_at[stick.number] = measured_at
        watch = self._watches[stick.number]
        before = self._faults.get(stick.number)
        fault = watch.observe(
            stick.celsius if stick.has_reading else None, measured_at, work_sec,
            *self._estimates.expected(stick.number), paced=stick.number in self._paced)
        self._faults[stick.number] = fault
        if fault in (None, SensorFault.NONE_TOLD, before):
            return
        # What was learned meanwhile came from a wrong sensor.
        trusted = self._trusted.get(stick.number)
        if trusted is None or fault is SensorFault.TOO_COLD:
            trusted = StickHeat()
            self._estimates.learned.pop(stick.number, None)
        self.sticks[stick.number] = copy(trusted)
        model = self._estimates.model_of(stick.number)
        least = model.idle_celsius + model.rise_celsius * watch.heated
        self._estimates.start(stick.number, max(watch.expected, least), measured_at,
                              work_sec, watch.heated)

    def _trust(self, number: int, measured_at: float, work_sec: float) -> None:
        """Note what is known with a reading that is believed."""
        watch, heat = self._watches[number], self.sticks[number]
        at = measured_at, work_sec
        # Where both differ, as after long pacing, the higher one is the safe one.
        celsius = heat.celsius(*at)
        celsius = watch.expected if celsius is None else max(watch.expected, celsius)
        self._estimates.start(number, celsius, *at, heat.warmth(*at))
        if watch.moves:
            self._trusted[number] = copy(heat)
            if watch.has_moved and heat.is_known():
                self._estimates.learned[number] = heat.model

    def reading(self, number: int) -> float | None:
        """Return the last reading of a stick in degrees Celsius, or None when it is unknown."""
        return self._readings.get(number)

    def now(self, number: int) -> float | None:
        """Return the temperature of a stick now, in degrees Celsius, or None."""
        return self._now.get(number)

    def assumed(self, number: int) -> float:
        """Return the temperature now; an unknown one counts as the hottest of all."""
        celsius = self._now.get(number)
        return math.inf if celsius is None else celsius

    def estimate(self, number: int) -> float:
        """
        Return the temperature now, in degrees Celsius, or the likely one when it is unknown.

        That is computed from the last temperature that was believed, or else the mean of the
        others', and the work since then. The model is the stick's own, or else the mean of the
        others' with a margin, or else that of a stick in a warm place.
        """
        celsius = self._now.get(number)
        if celsius is not None:
            return celsius
        return self._estimates.carried(number, *self._observed[number])

    def sensor_fault(self, number: int) -> SensorFault | None:
        """Return the SensorFault of a stick whose fresh reading is not believed, or None."""
        if number not in self._told_at:
            return None
        now, _ = self._observed[number]
        is_fresh = now - self._told_at[number] <= READING_VALID_SEC
        return self._faults[number] if is_fresh else None

    def at_full_speed(self, number: int, elapsed_sec: float) -> float | None:
        """Return the temperature after so many seconds at full speed, or None."""
        celsius = self._now.get(number)
        return None if celsius is None else self.sticks[number].model.after(
            celsius, 1.0, elapsed_sec, self.warmth(number))

    def warmth(self, number: int) -> float:
        """Return the warmth of the die now, as in ThermalModel."""
        return self.sticks[number].warmth(*self._observed[number])

    def told(self, number: int) -> float | None:
        """Return the last reading while it is valid, also if it is not believed, or None."""
        return self._told.get(number)

    def told_at(self, number: int) -> float | None:
        """Return when the latest reading was taken, or None."""
        return self._told_at.get(number)

    def share_towards(self, number: int, celsius: float, target: float,
                      horizon_sec: float) -> float:
        """Return the share of full speed that leads from a temperature to a target in time."""
        return self._model(number).share_towards(
            celsius, target, horizon_sec, self.warmth(number))

    def sustainable_share(self, number: int, celsius: float) -> float:
        """Return the share of full speed, 0 to 1, at which a stick ends at a temperature."""
        return self._model(number).sustainable_share(celsius)

    def _model(self, number: int) -> ThermalModel:
        is_known = self._now.get(number) is not None
        return self.sticks[number].model if is_known else self._estimates.model_of(number)

    def _turns_sec(self) -> float:
        """Return in how many seconds sticks have had some turns of work and rest."""
        slowest_sec = max(self.sticks[number].model.time_constant_sec
                          for number in self.running)
        low, high = _TURNS_RANGE_SEC
        return max(low, min(_TURNS_TIME_CONSTANTS * slowest_sec, high))

    def sustainable_size(self, limit_celsius: float) -> float | None:
        """
        Return how many sticks' full speed the running ones can keep up at a limit, or None.

        What they deliver at the present limit is measured. For another one, what their models
        say of the difference is added.
        """
        measure, measured_at = self.measured
        size = measure(self._turns_sec()) if measure and self.running else None
        if not size or measured_at is None or limit_celsius == measured_at:
            return size or None
        for number in self.running:
            stick = self.sticks[number].model
            size += stick.sustainable_share(limit_celsius) - stick.sustainable_share(measured_at)
        return max(0.0, min(size, len(self.running)))
