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

"""Which sticks are active."""

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.stick_status import StickState


class SwitchReason(Enum):
    """Why the active set changed."""

    READY = 'a stick became ready'
    CYCLE = 'switch cycle'
    TEMPERATURE = 'switch temperature reached'
    CRITICAL = 'critical temperature reached'
    LOST = 'stick lost'
    SETTINGS = 'cluster size changed'


@dataclass(frozen=True)
class Decision:
    """
    The sticks that work from now on.

    ``reason`` is None when nothing changed; ``left`` and ``joined`` are the sticks that stopped
    and started working; ``all_hot`` says that an active stick asks for relief and none is fit.
    """

    active: tuple
    reason: Optional[SwitchReason] = None
    left: tuple = ()
    joined: tuple = ()
    all_hot: bool = False


class Rotation:
    """
    Gives every stick its rest.

    ``coolest`` changes one stick at a time, the hottest active with the coolest fit one, every
    switch cycle divided by the cluster size; ``round_robin`` changes the whole cluster every
    switch cycle, in the order of the stick numbers. Both relieve a stick that reaches the switch
    temperature, wait ``min_dwell_ms`` after a change, and replace a lost or critical stick at
    once. A stick is fit when it runs, is below the switch temperature and, once it was relieved
    for its heat, has been below the resume temperature since.
    """

    def __init__(self):
        """Start with no active stick."""
        self._active = ()
        self._last_size = None
        self._changed_at = float('-inf')
        self._joined_at = {}     # stick number -> when it last became active
        self._left_at = {}       # stick number -> when it last came to rest
        self._relieved = set()   # sticks that must cool to the resume temperature
        self._last_in_ring = -1

    def decide(self, now, sticks, settings):
        """
        Return the decision for this moment.

        :param now: seconds of the monotonic clock; never less than in the call before.
        :param sticks: list of StickStatus, all sticks.
        :param settings: the settings in force.
        """
        self._temperature = _Temperatures(now, sticks)
        self._settings = settings
        runs = {stick.number for stick in sticks if stick.state is StickState.RUNNING}
        critical = {number for number in runs
                    if settings.is_critical(self._temperature.known(number))}
        self._relieved |= {number for number in runs
                           if settings.is_hot(self._temperature.known(number))}
        self._relieved -= {number for number in self._relieved
                           if self._temperature.is_below(number, settings.resume_temperature)}
        usable = runs - critical
        fit = usable - self._relieved - set(self._active)
        size = min(settings.cluster_size or len(sticks), len(usable))

        before = self._active
        active = [number for number in before if number in usable]
        reason = None
        if len(active) < len(before):
            reason = SwitchReason.CRITICAL if critical & set(before) else SwitchReason.LOST
        if len(active) > size:
            active = sorted(active, key=self._hottest_last)[:size]
            reason = reason or SwitchReason.SETTINGS
        if len(active) < size and fit:
            active += self._next_in(fit)[:size - len(active)]
            resized = self._last_size not in (None, settings.cluster_size)
            reason = reason or (SwitchReason.SETTINGS if resized else SwitchReason.READY)
        hot = [number for number in active if number in self._relieved]
        if reason is None and fit:
            active, reason = self._rotate(now, active, hot, fit)
        self._last_size = settings.cluster_size
        return self._take(now, tuple(sorted(active)), reason, all_hot=bool(hot) and not fit)

    def next_due(self, now, settings):
        """Return the next moment at which time alone may ask for a change, or None."""
        dwell_sec = settings.min_dwell_ms / 1000
        moments = [self._changed_at + dwell_sec,
                   self._changed_at + max(dwell_sec, self._period_sec(settings))]
        return min((moment for moment in moments if moment > now), default=None)

    def _period_sec(self, settings):
        """Return the time between two changes by the switch cycle, 0 for none."""
        period_sec = settings.cluster_switch_cycle_ms / 1000
        if settings.rotation_policy == ROUND_ROBIN:
            return period_sec
        return period_sec / max(len(self._active), 1)

    def _rotate(self, now, active, hot, fit):
        settings = self._settings
        since_change_sec = now - self._changed_at
        if not active or since_change_sec < settings.min_dwell_ms / 1000:
            return active, None
        staggered = settings.rotation_policy != ROUND_ROBIN
        due = 0 < self._period_sec(settings) <= since_change_sec
        if not hot and not due:
            return active, None
        reason = SwitchReason.TEMPERATURE if hot else SwitchReason.CYCLE
        if staggered:
            leaving = sorted(hot or active, key=self._hottest_last)[-(len(hot) or 1):]
        else:
            leaving = sorted(active, key=self._hottest_last)
        joining = self._next_in(fit)[:len(leaving)]
        leaving = leaving[len(leaving) - len(joining):]   # the hottest go first
        return [number for number in active if number not in leaving] + joining, reason

    def _next_in(self, fit):
        """Return the fit sticks in the order in which they come to work."""
        if self._settings.rotation_policy == ROUND_ROBIN:
            last = self._last_in_ring
            return sorted(fit, key=lambda number: (number <= last, number))
        return sorted(fit, key=lambda number: (
            self._temperature.assumed(number), self._left_at.get(number, float('-inf')), number))

    def _hottest_last(self, number):
        return (self._temperature.assumed(number), -self._joined_at.get(number, 0.0), -number)

    def _take(self, now, active, reason, all_hot):
        before, self._active = self._active, active
        if active == before:
            return Decision(active, all_hot=all_hot)
        left = tuple(number for number in before if number not in active)
        joined = tuple(number for number in active if number not in before)
        for number in left:
            self._left_at[number] = now
        for number in joined:
            self._joined_at[number] = now
        if joined:
            after_last = [number for number in joined if number > self._last_in_ring]
            wrapped = [number for number in joined if number <= self._last_in_ring]
            self._last_in_ring = max(wrapped or after_last)
        self._changed_at = now
        return Decision(active, reason, left, joined, all_hot)


class _Temperatures:
    """The readings of one moment; an unknown one counts as the mean of the known ones."""

    def __init__(self, now, sticks):
        self._known = {stick.number: stick.reading(now) for stick in sticks}
        values = [value for value in self._known.values() if value is not None]
        self._mean = sum(values) / len(values) if values else 0.0

    def known(self, number):
        return self._known[number]

    def assumed(self, number):
        value = self._known[number]
        return self._mean if value is None else value

    def is_below(self, number, celsius):
        value = self._known.get(number)
        return value is not None and value < celsius
