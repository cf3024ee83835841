# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Compute the heat of a stick and of its hub from the begin and end times of their work."""

from dataclasses import dataclass
from dataclasses import replace

from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import BodyHeat
from ncs_cluster_detector.simulation.heat.body import followed
from ncs_cluster_detector.simulation.heat.body import Hub


@dataclass(frozen=True)
class Ambient:
    """
    The temperature around a stick: ``celsius`` from ``until`` on.

    Before that, from ``since``, it changes evenly from ``from_celsius``. Times are in seconds of
    any steady clock.
    """

    celsius: float
    until: float = 0.0
    from_celsius: float = 0.0
    since: float = 0.0

    def at(self, now: float) -> float:
        """Return the temperature at a time, not before ``since``."""
        return self.celsius if now >= self.until else (
            self.from_celsius + self.warming_celsius_per_sec(now) * (now - self.since))

    def warming_celsius_per_sec(self, now: float) -> float:
        """Return how fast it gets warmer at a time."""
        return 0.0 if now >= self.until else (
            (self.celsius - self.from_celsius) / (self.until - self.since))

    def on_its_way(self, now: float, celsius: float, within_sec: float) -> 'Ambient':
        """Return the same surroundings, beginning to change to another temperature."""
        return Ambient(celsius, now + within_sec, self.at(now), now)


@dataclass(frozen=True)
class Heat:
    """
    The temperature of a stick's case at one time, and until when it is under full load.

    ``die_celsius`` is by how much its die is warmer. The end of the load is known from the
    beginning, so these values alone determine the temperature at any later time. Times are in
    seconds of any steady clock.
    """

    case_celsius: float
    updated_at: float
    busy_until: float
    die_celsius: float = 0.0
    ambient: Ambient = Ambient(0.0)

    @property
    def celsius(self) -> float:
        """Return the temperature of the die at ``updated_at``."""
        return self.case_celsius + self.die_celsius

    def at(self, now: float, body: Body, cooling: float = 1.0) -> 'Heat':
        """Return the heat at a later time; an earlier one changes nothing; see Body.after."""
        begin = self.updated_at
        if now <= begin:
            return self
        heat = BodyHeat(self.case_celsius, self.die_celsius)
        for end in sorted((self.busy_until, self.ambient.until, now)):
            if begin < end <= now:
                heat = body.after(
                    heat, float(begin < self.busy_until), self.ambient.at(begin), end - begin,
                    cooling, self.ambient.warming_celsius_per_sec(begin))
                begin = end
        return Heat(heat.case_celsius, now, self.busy_until, heat.die_celsius, self.ambient)

    def busy(self, started_at: float, ended_at: float, body: Body, cooling: float = 1.0) -> 'Heat':
        """Return the same body under full load from one time to another."""
        return replace(self.at(started_at, body, cooling), busy_until=ended_at)


@dataclass(frozen=True)
class HubHeat:
    """
    By how much a hub is warmer than its surroundings at one time, in degrees Celsius.

    ``case_celsius`` is by how much it warms the cases of all its sticks, which follow it.
    """

    hub_celsius: float = 0.0
    case_celsius: float = 0.0
    updated_at: float = 0.0

    def at(self, now: float, hub: Hub, case_time_constant_sec: float) -> 'HubHeat':
        """Return the heat at a later time when no stick works; an earlier one changes nothing."""
        elapsed_sec = now - self.updated_at
        if elapsed_sec <= 0.0:
            return self
        return HubHeat(
            hub.after(self.hub_celsius, 0.0, elapsed_sec),
            followed(self.case_celsius, self.hub_celsius, elapsed_sec, case_time_constant_sec,
                     hub.time_constant_sec), now)

    def worked(
            self, started_at: float, ended_at: float, share: float, hub: Hub,
            case_time_constant_sec: float) -> 'HubHeat':
        """
        Return the heat when a stick begins to work; the heat of this work is added at once.

        An inference is short compared with the time constant of a hub: by repeated work all sticks
        together bring it up to its rise.

        :param share: one stick's share of the work of all.
        """
        before = self.at(started_at, hub, case_time_constant_sec)
        more = hub.after(0.0, share, ended_at - started_at)
        return HubHeat(before.hub_celsius + more, before.case_celsius, before.updated_at)
