# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rotation: which sticks are active."""

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collections.abc import Set

from ncs_cluster_detector.policy.decision import Decision
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_reason import condition_of
from ncs_cluster_detector.policy.stick_reason import forces_rest
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus


class Rotation:
    """
    Gives every stick its rest.

    ``coolest`` changes one stick at a time, the hottest active with the coolest fit one, every
    switch cycle divided by the cluster size; ``round_robin`` changes the whole cluster every
    switch cycle, in the order of the stick numbers. Both relieve a stick that reaches the switch
    temperature, and with it those that would reach it before the next change is allowed: changes
    are at least ``min_dwell_ms`` apart, except to replace a stick that is lost, late, critical or
    of unknown temperature, to follow a new cluster size, or on request. A stick is fit when it
    runs, is below the switch temperature and, once it was relieved for its heat, has been below
    the resume temperature since. When there would be no active stick, the coolest that is not
    critical works all the same.

    The standing of a stick comes first in all of this. Of two fit sticks the one with the lower
    standing is taken, and it relieves an active one with a higher standing. A higher standing
    takes the place of a lower one only for heat.
    """

    def __init__(self) -> None:
        self._active: tuple[int, ...] = ()
        # Whether detection was enabled, and the cluster size.
        self._asked_last: tuple[bool, int] | None = None
        self._changed_at = float('-inf')
        self._joined_at: dict[int, float] = {}   # stick number -> when it last became active
        self._left_at: dict[int, float] = {}     # stick number -> when it last came to rest
        self._relieved: set[int] = set()   # sticks that must cool to the resume temperature
        self._last_in_ring = -1
        self._forced: set[int] = set()     # sticks that had to rest, until they work again
        self._conditions: dict[int, Condition] = {}   # of the latest decision
        self.relief_at = float('inf')   # when a fit stick may relieve an active one at the latest

    def decide(self, now: float, sticks: Sequence[StickStatus], heat: ClusterHeat,
               standings: Mapping[int, Standing], settings: Settings,
               requested: bool = False) -> Decision:
        """
        Return the decision for this moment.

        :param heat: has observed these sticks at this time.
        :param standings: of all sticks that run.
        :param requested: whether somebody asks for a change of the whole cluster now.
        """
        self._heat = heat
        self._standings = standings
        self._settings = settings
        runs = {stick.number for stick in sticks if stick.state is StickState.RUNNING}
        critical = {stick.number for stick in sticks if stick.number in runs
                    and forces_rest(stick, heat.reading(stick.number), settings)}
        estimates = {stick.number: heat.estimate(stick.number) for stick in sticks}
        self._relieved |= {number for number in runs
                           if estimates[number] >= settings.switch_temperature}
        self._relieved -= {number for number in self._relieved if estimates.get(
            number, settings.resume_temperature) < settings.resume_temperature}
        usable = runs - critical
        usable = ({number for number in usable if standings[number].can_fill}
                  or {number for number in usable if standings[number] < Standing.LATE} or usable)
        fit = usable - self._relieved - set(self._active)
        size = min(settings.cluster_size or len(sticks), len(usable)) * settings.enabled
        # A stick that had to rest comes back by the rules of a change, any other at once.
        ready = fit if now >= self._dwell_until(settings) else fit - self._forced
        self._forced |= critical & set(self._active)

        before = self._active
        active = [number for number in before if number in usable]
        reason = None
        if len(active) < len(before):
            reason = self._why_left(set(before) - usable, critical)
        if len(active) > size:
            active = sorted(active, key=self._worst_last)[:size]
            reason = reason or self._why_resized(settings)
        missing = size - len(active)
        joining = self._next_in(ready)[:missing] if missing else []
        if not active and not joining and settings.enabled:
            joining = self._next_in(usable)[:1]   # detection goes on, whatever the heat
        if len(active) < size and joining:
            active += joining
            reason = reason or self._why_resized(settings)
        hot = [number for number in active if settings.is_hot(estimates[number])]
        if reason is None and fit and active:
            reason = self._why_to_rotate(now, active, fit, hot, requested)
            if reason is not None:
                active = self._rotated(active, fit, reason)
        self._asked_last = settings.enabled, settings.cluster_size
        self._conditions = {stick.number: self._condition(stick, estimates[stick.number])
                            for stick in sticks}
        decision = self._take(now, tuple(sorted(active)), reason, bool(hot) and not fit)
        self.relief_at = self._dwell_until(settings) if fit.difference(active) else float('inf')
        return decision

    def _condition(self, stick: StickStatus, estimate: float) -> Condition:
        """Return the Condition of a stick; while it does not change, it stays the same object."""
        number, heat = stick.number, self._heat
        condition = condition_of(
            stick, self._settings, celsius=heat.reading(number),
            likely_celsius=round(estimate, 1) if stick.has_thermometer else None,
            must_cool=number in self._relieved,
            standing=self._standings.get(number), sensor_fault=heat.sensor_fault(number))
        before = self._conditions.get(number)
        return before if before == condition else condition

    def next_due(self, now: float, settings: Settings) -> float | None:
        """Return the next moment at which time alone may ask for a change, or None."""
        dwell_sec = settings.min_dwell_ms / 1000
        moments = [self._dwell_until(settings),
                   self._changed_at + max(dwell_sec, self._period_sec(settings))]
        return min((moment for moment in moments if moment > now), default=None)

    def _period_sec(self, settings: Settings) -> float:
        """Return the time between two changes by the switch cycle, 0 for none."""
        period_sec = settings.cluster_switch_cycle_ms / 1000
        if settings.rotation_policy == ROUND_ROBIN:
            return period_sec
        return period_sec / max(len(self._active), 1)

    def _dwell_until(self, settings: Settings) -> float:
        return self._changed_at + settings.min_dwell_ms / 1000

    def _why_left(self, gone: Set[int], critical: Set[int]) -> SwitchReason:
        """Return why active sticks had to stop."""
        if gone & critical:
            return SwitchReason.CRITICAL
        standings = [self._standings[number] for number in gone if number in self._standings]
        if len(standings) < len(gone):
            return SwitchReason.LOST
        return SwitchReason.LATE if Standing.LATE in standings else SwitchReason.UNRELIABLE

    def _why_resized(self, settings: Settings) -> SwitchReason:
        """Return why sticks came to work that replace none, or rest unreplaced."""
        was_enabled, last_size = self._asked_last or (settings.enabled, settings.cluster_size)
        if was_enabled != settings.enabled:
            return SwitchReason.ENABLED
        return SwitchReason.SETTINGS if last_size != settings.cluster_size else SwitchReason.READY

    def _why_to_rotate(self, now: float, active: Collection[int], fit: Set[int],
                       hot: Collection[int], requested: bool) -> SwitchReason | None:
        if requested and self._peers(active, fit):
            return SwitchReason.REQUEST
        worst = max(self._standings[number] for number in active)
        is_better = min(self._standings[number] for number in fit) < worst
        if is_better and worst is Standing.BLIND:
            return SwitchReason.UNRELIABLE
        # Computed as in next_due(), or rounding could make a due moment too early.
        if now < self._dwell_until(self._settings):
            return None
        if hot:
            return SwitchReason.TEMPERATURE
        if is_better:
            return SwitchReason.UNRELIABLE
        period_sec = self._period_sec(self._settings)
        if period_sec > 0 and now >= self._changed_at + period_sec and self._peers(active, fit):
            return SwitchReason.CYCLE
        return None

    def _peers(self, active: Collection[int], fit: Set[int]) -> set[int]:
        """Return those of the fit sticks that are no worse than the worst active one."""
        worst = max(self._standings[number] for number in active)
        return {number for number in fit if self._standings[number] <= worst}

    def _rotated(self, active: Sequence[int], fit: Set[int], reason: SwitchReason) -> list[int]:
        """Return the active sticks after a change that takes in as many fit ones as it needs."""
        by_need = sorted(active, key=self._worst_last)
        urgent = [number for number in by_need if self._needs_relief(number)]
        if reason is SwitchReason.UNRELIABLE:
            best = min(self._standings[number] for number in fit)
            leaving = [number for number in by_need if self._standings[number] > best]
            joining = self._next_in(fit)[:len(leaving)]
            joining = [number for number in joining if self._standings[number] is best]
        else:
            leaving = urgent or by_need[-1:]
            if reason is SwitchReason.REQUEST or self._settings.rotation_policy == ROUND_ROBIN:
                leaving = [number for number in by_need if number not in urgent] + urgent
            peers = self._peers(active, fit)
            joining = self._next_in(peers)[:len(leaving)]
            if reason is SwitchReason.TEMPERATURE:   # of a higher standing: only for hot ones
                joining += self._next_in(fit - peers)[:max(len(urgent) - len(joining), 0)]
        leaving = leaving[len(leaving) - len(joining):]   # those in need go first
        return [number for number in active if number not in leaving] + joining

    def _needs_relief(self, number: int) -> bool:
        """Tell whether a stick is hot, or would be before the next change is allowed."""
        dwell_sec = self._settings.min_dwell_ms / 1000
        return any(map(self._settings.is_hot, (
            self._heat.estimate(number), self._heat.at_full_speed(number, dwell_sec))))

    def _next_in(self, fit: Set[int]) -> list[int]:
        """Return the fit sticks in the order in which they come to work."""
        if self._settings.rotation_policy == ROUND_ROBIN:
            last = self._last_in_ring
            return sorted(fit, key=lambda number: (
                self._standings[number], number <= last, number))
        return sorted(fit, key=lambda number: (
            self._standings[number], self._heat.assumed(number),
            self._left_at.get(number, float('-inf')), number))

    def _worst_last(self, number: int) -> tuple[Standing, float, float, int]:
        return (self._standings[number], self._heat.assumed(number),
                -self._joined_at.get(number, 0.0), -number)

    def _take(self, now: float, active: tuple[int, ...], reason: SwitchReason | None,
              all_hot: bool) -> Decision:
        before, self._active = self._active, active
        if active == before:
            return Decision(active, all_hot=all_hot, conditions=self._conditions)
        left = tuple(number for number in before if number not in active)
        joined = tuple(number for number in active if number not in before)
        for number in left:
            self._left_at[number] = now
        for number in joined:
            self._joined_at[number] = now
        self._forced.difference_update(joined)
        if joined:
            after_last = [number for number in joined if number > self._last_in_ring]
            wrapped = [number for number in joined if number <= self._last_in_ring]
            self._last_in_ring = max(wrapped or after_last)
        self._changed_at = now
        return Decision(active, reason, left, joined, all_hot, self._conditions)
