# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Decides for the whole cluster: which sticks work, how fast, and which gets the next frame."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
import math

from ncs_cluster_detector.policy.decision import Decision
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.dispatch import choose_for_trial
from ncs_cluster_detector.policy.dispatch import choose_stick
from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.heat.heat_advice import advice
from ncs_cluster_detector.policy.heat.heat_advice import HeatAdvice
from ncs_cluster_detector.policy.heat.heat_loss import HeatLoss
from ncs_cluster_detector.policy.heat.heat_loss import WINDOW_SEC
from ncs_cluster_detector.policy.heat.pacing import Pacing
from ncs_cluster_detector.policy.just_in_time import JustInTime
from ncs_cluster_detector.policy.reliability.promptness import Promptness
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.reliability.standing import Standings
from ncs_cluster_detector.policy.rotation import Rotation
from ncs_cluster_detector.policy.sensor.blind_restart import BlindRestarts
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# A reading is too old after this, whatever rounding does to the sum.
_TOO_OLD_SEC = READING_VALID_SEC + 0.001
_UNKNOWN = Condition()


class ClusterControl:
    """
    Bring the policies together.

    ``active`` are the numbers of the sticks that work, and ``switches`` counts the changes in
    which one was relieved.
    """

    def __init__(self, several_cameras: bool = False) -> None:
        """Begin without sticks; the frames of several cameras are given just in time."""
        self.heat = ClusterHeat()
        self.promptness = Promptness()
        self.active: tuple[int, ...] = ()
        self.all_hot = False
        self.switches = 0
        self.last_switch_reason: SwitchReason | None = None
        # Numbers of the sticks whose sensor may recover by a restart.
        self.to_restart: tuple[int, ...] = ()
        self._conditions: Mapping[int, Condition] = {}
        self._in_question: list[int] = []   # numbers of the sticks that may need a trial
        self._blind_restarts = BlindRestarts()
        self._standings = Standings()
        self._rotation = Rotation()
        self._pacing = Pacing()
        self._just_in_time = JustInTime() if several_cameras else None
        self._loss = HeatLoss()
        self._heat_balance: tuple[object, ...] | None = None   # the settings it measures for
        self._cools_until = -math.inf

    def update(self, now: float, sticks: Sequence[StickStatus], settings: Settings,
               requested: bool = False) -> Decision:
        """
        Take in the state of all sticks and return the Decision of this moment.

        :param requested: whether somebody asks for a change of the whole cluster now.
        """
        self.heat.observe(now, sticks, self._pacing.shares)
        self.promptness.update(now, sticks)
        self._standings.update(now, sticks, self.heat, self.promptness, self.active)
        decision = self._rotation.decide(
            now, sticks, self.heat, self.standings, settings, requested)
        self.active = decision.active
        self.all_hot = decision.all_hot
        if decision.reason is not None:
            self.switches += bool(decision.left)
            self.last_switch_reason = decision.reason
        self._conditions = {**decision.conditions, **{
            number: replace(decision.conditions[number], slowness=slowness)
            for number, slowness in self.promptness.slowness.items()}}
        self._in_question = [stick.number for stick in sticks if stick.trials_left
                             or stick.doubt_sec or stick.number in self.promptness.slowness]
        self.to_restart = self._blind_restarts.due(now, sticks, self.heat, self.active)
        self._pacing.update(self.active, self.heat, settings, self._rotation.relief_at - now)
        if self._just_in_time:
            self._just_in_time.update(
                [stick for stick in sticks if stick.number in decision.active])
        held = self._held_back(settings)
        self._follow_settings(now, settings, held)
        if settings.enabled:   # sticks that all rest are not at full speed
            self._loss.update(now, sticks, self.active, self._pacing.shares, held)
        self.heat.measured = self._loss.sustained, settings.switch_temperature
        return decision

    def _follow_settings(self, now: float, settings: Settings, held: int) -> None:
        """
        Measure the heat loss again when a setting that affects it changes.

        Sticks that were hotter under the old settings cool first. What is lost meanwhile does not
        count, for at most one time constant or a minute, or until no stick rests for heat.
        """
        if settings.heat_balance != self._heat_balance:
            if self._heat_balance is not None:
                self._cools_until = now + min(WINDOW_SEC, max(
                    (self.heat.sticks[number].model.time_constant_sec
                     for number in self.heat.running), default=0.0))
            self._heat_balance = settings.heat_balance
            self._loss.start_anew()
        if now < self._cools_until:
            if self.all_hot or held:
                self._loss.start_anew()
            else:
                self._cools_until = -math.inf

    def _held_back(self, settings: Settings) -> int:
        """Return how many more sticks would be active if they were not too hot."""
        running = self.heat.running
        missing = min(settings.cluster_size or len(running), len(running)) - len(self.active)
        if missing <= 0 or not settings.enabled:
            return 0
        return min(missing, sum(self._is_held_back(number, settings)
                                for number in running if number not in self.active))

    def _is_held_back(self, number: int, settings: Settings) -> bool:
        condition = self._conditions[number]
        if condition.reason is not Reason.UNKNOWN_TEMPERATURE:
            return condition.reason.is_heat
        # One that has worked its share (SPENT) rests for that, and any other for its estimate.
        return (self.standings[number].can_fill
                and self.heat.estimate(number) >= settings.resume_temperature)

    @property
    def standings(self) -> Mapping[int, Standing]:
        """Return the Standing of each running stick by number."""
        return self._standings.of

    def condition(self, stick: StickStatus) -> Condition:
        """Return the Condition of a stick at the latest update, if it still runs."""
        condition = self._conditions.get(stick.number, _UNKNOWN)
        if stick.state is not StickState.RUNNING and condition.reason is not Reason.NOT_RUNNING:
            return replace(condition, reason=Reason.NOT_RUNNING)
        return condition

    @property
    def in_trouble(self) -> bool:
        """Tell whether heat has recently cost speed for more than a moment."""
        return self._loss.in_trouble

    @property
    def at_full_speed(self) -> bool:
        """Tell whether heat is known to cost next to no speed with the settings in force."""
        return self._loss.at_full_speed

    def heat_advice(self, settings: Settings) -> HeatAdvice | None:
        """Return what the heat costs and what would help; None if it costs nothing."""
        return advice(self.heat, self._loss, settings) if self.in_trouble else None

    def sustainable_size(self, settings: Settings) -> float | None:
        """
        Return how many sticks' full speed the running sticks can keep up for ever, or None.

        It is unknown while it contradicts the measured heat loss, as after sticks are lost.
        """
        running = len(self.heat.running)
        size = self.heat.sustainable_size(settings.switch_temperature)
        asked = min(settings.cluster_size or running, running)
        return None if size is None or self.in_trouble and size >= asked else size

    def share_of(self, number: int) -> float:
        """Return the share of full speed at which an active stick may work, above 0 to 1."""
        return self._pacing.shares.get(number, 1.0)

    def next_stick(self, now: float, sticks: Mapping[int, StickStatus],
                   inflight_per_stick: int) -> int | None:
        """Return the number of the stick that takes a frame now, or None when none can."""
        due = [stick for number in self.active if (stick := sticks.get(number)) is not None
               and stick.outstanding < inflight_per_stick]
        if self._pacing.shares or self._just_in_time:
            due = [stick for stick in due if self._due_at(stick) <= now]
        return choose_stick(
            due, inflight_per_stick, self.promptness.late, self.promptness.slowness)

    def on_frame_sent(self, now: float, stick: StickStatus) -> None:
        """Note that a stick, whose status is the one before, gets a frame."""
        self._pacing.on_frame_sent(stick, now)
        if self._just_in_time:
            self._just_in_time.on_frame_sent(now)

    def _due_at(self, stick: StickStatus) -> float:
        """Return when an active stick with room may have its next frame."""
        due_at = self._pacing.due_at(stick)
        if self._just_in_time:
            return max(due_at, self._just_in_time.due_at(stick))
        return due_at

    def give_on_trial(self, now: float, sticks: Mapping[int, StickStatus],
                      settings: Settings) -> int | None:
        """Return the number of a stick that infers the frame of another one too, or None."""
        cool = [sticks[number] for number in self._in_question if number in sticks
                and not settings.is_hot(self.heat.estimate(number))]
        return choose_for_trial(now, cool, self.active, self.promptness.slowness,
                                self.promptness.late)

    def next_frame_due(self, now: float, sticks: Mapping[int, StickStatus],
                       inflight_per_stick: int) -> float | None:
        """Return the next moment at which a stick with room may take a frame, or None."""
        held = self.active if self._just_in_time else self._pacing.shares
        moments = [self._due_at(sticks[number]) for number in held if number in sticks
                   and sticks[number].outstanding < inflight_per_stick]
        return min((moment for moment in moments if moment > now), default=None)

    def next_due(self, now: float, sticks: Sequence[StickStatus],
                 settings: Settings) -> float | None:
        """
        Return the next moment at which time alone may change something, or None.

        The moments from which sticks are late are left out: they change with every result.
        """
        due = [self._rotation.next_due(now, settings), self._loss.next_due(),
               self._next_unknown(now, sticks)]
        return min((moment for moment in due if moment is not None), default=None)

    def _next_unknown(self, now: float, sticks: Sequence[StickStatus]) -> float | None:
        """Return when the next reading becomes too old, or None."""
        moments = [stick.measured_at + _TOO_OLD_SEC for stick in sticks
                   if stick.has_reading and stick.measured_at is not None]
        return min((moment for moment in moments if moment > now), default=None)
