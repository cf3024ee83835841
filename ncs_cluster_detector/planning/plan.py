# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The plan: how each way to share the work heats the sticks, and how many are needed."""

from dataclasses import dataclass
from dataclasses import replace
import math

from ncs_cluster_detector.planning.air import Air
from ncs_cluster_detector.planning.bodies import Bodies
from ncs_cluster_detector.planning.cameras import CameraRate
from ncs_cluster_detector.planning.real_cluster import RealCluster
from ncs_cluster_detector.planning.theory import floor_celsius
from ncs_cluster_detector.planning.theory import sustainable_size
from ncs_cluster_detector.planning.virtual_cluster import VirtualCluster
from ncs_cluster_detector.policy.heat.pacing import HOLD_ABOVE_CELSIUS
from ncs_cluster_detector.policy.heat.thermal_model import mean_of
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.policy.settings import MOST_STICKS
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings

NO_ROTATION = 'no rotation'
# No stick gets as hot as this.
_NO_LIMIT_CELSIUS = 1e6
# After so many time constants, at most half of the time, the start is over. The start is shown,
# the time after it is counted. The picture is about so many pixels wide for each policy.
_SETTLED_AFTER_TIME_CONSTANTS = 8
_SHOWN_POINTS = 400
# A paced stick is held just above the limit, within this.
_HOLDS_WITHIN_CELSIUS = HOLD_ABOVE_CELSIUS + 0.5
# The same for bodies that differ from what the policies assume.
BODIES_HOLD_WITHIN_CELSIUS = 2.0
# A rate counts as reached when at most this share is missing.
RATE_TOLERANCE = 0.01
# When bodies are simulated, which takes longer, only so many numbers of sticks are tried.
_MOST_TRIALS = 4


@dataclass(frozen=True)
class Question:
    """
    What is planned.

    ``constants`` are the ThermalModel of each stick, ``settings`` those of the detector node, and
    ``frames_per_sec`` the images that come in (inf: more than can be inferred). ``bodies`` are the
    Bodies to simulate, or None if sticks follow their constants exactly. ``air`` is the Air that
    was asked for, or None. ``cameras`` are those that bring the images, when there are several.
    """

    constants: tuple[ThermalModel, ...]
    settings: Settings
    inference_sec: float = 0.065
    frames_per_sec: float = math.inf
    hours: float = 24.0
    bodies: Bodies | None = None
    air: Air | None = None
    cameras: tuple[CameraRate, ...] = ()

    @property
    def size(self) -> int:
        """Return how many sticks are to be active at a time."""
        return min(self.settings.cluster_size or len(self.constants), len(self.constants))

    @property
    def hub_celsius(self) -> float:
        """Return by how much all sticks at full load warm each other."""
        return self.bodies.words.hub.rise_celsius if self.bodies else 0.0

    @property
    def camera_share(self) -> float:
        """Return the share of the time in which images come in."""
        return self.bodies.words.camera_share if self.bodies else 1.0

    @property
    def slowest_sec(self) -> float:
        """Return the longest time constant of the sticks and their hub."""
        hub = [self.bodies.words.hub.time_constant_sec] if self.hub_celsius else []
        return max([stick.time_constant_sec for stick in self.constants] + hub)

    @property
    def settled_sec(self) -> float:
        """Return the seconds after which the start is over, and counting begins."""
        return min(_SETTLED_AFTER_TIME_CONSTANTS * self.slowest_sec, self.hours * 3600.0 / 2)


@dataclass(frozen=True)
class Outcome:
    """
    The result of one policy, once the sticks are warm.

    ``peaks_celsius`` has an entry for each stick that is used; ``frames_per_sec`` counts only the
    time in which images come in. ``history`` is a tuple of pairs (seconds, temperatures of all
    these sticks) from the cold start until then, or until the end for bodies, whose surroundings
    change. ``holds_within_celsius`` is how far above a limit counts as kept.
    """

    policy: str
    peaks_celsius: tuple[float, ...]
    switches_per_hour: float
    frames_per_sec: float
    history: tuple[tuple[float, tuple[float, ...]], ...]
    holds_within_celsius: float = _HOLDS_WITHIN_CELSIUS

    @property
    def peak_celsius(self) -> float:
        """Return the highest temperature of any stick."""
        return max(self.peaks_celsius)


@dataclass(frozen=True)
class Plan:
    """
    The answer to a Question.

    ``floor_celsius`` is the theory's lowest peak for the work that is asked for,
    ``sustainable_size`` how many sticks' full speed the limit permits, ``needed_sticks`` the least
    number of such sticks that keep the wanted rate below the limit under the best policy, or None
    when none is found, and ``needed_size`` how many of them are active.
    """

    question: Question
    outcomes: tuple[Outcome, ...]
    wanted_frames_per_sec: float
    floor_celsius: float
    sustainable_size: float
    needed_size: int
    needed_sticks: int | None


def make_plan(question: Question) -> Plan:
    """Return the Plan for a Question."""
    limit = question.settings.switch_temperature
    full_speed = question.size / question.inference_sec
    wanted = question.frames_per_sec
    if math.isinf(wanted):
        wanted = full_speed
    load = min(wanted * question.inference_sec, question.size) * question.camera_share
    needed_size = max(1, math.ceil(wanted * question.inference_sec * (1.0 - 1e-9)))
    constants = question.bodies.constants() if question.bodies else question.constants
    return Plan(
        question=question,
        outcomes=(outcome_of(question, NO_ROTATION),
                  *(outcome_of(question, policy) for policy in reversed(POLICIES))),
        wanted_frames_per_sec=wanted,
        floor_celsius=floor_celsius(constants, load, question.hub_celsius),
        sustainable_size=sustainable_size(constants, limit, question.hub_celsius),
        needed_size=needed_size,
        needed_sticks=needed_sticks(question, wanted, needed_size))


def outcome_of(question: Question, policy: str, points: int = _SHOWN_POINTS) -> Outcome:
    """
    Return the Outcome of a policy: ``no rotation``, ``round_robin`` or ``coolest``.

    :param points: of the start in its history, and of the rest; each is a step of the simulation.
    """
    settings = replace(question.settings, rotation_policy=policy)
    used = len(question.constants)
    if policy == NO_ROTATION:
        used = question.size
        settings = replace(settings, cluster_size=0, switch_temperature=_NO_LIMIT_CELSIUS)
    cluster = cluster_of(question, settings, used)
    end_sec, settled_sec = question.hours * 3600.0, question.settled_sec
    history = _run(cluster, settled_sec, points)
    cluster.forget_peaks()
    if question.bodies:
        history += _run(cluster, end_sec, points)
    cluster.run_until(end_sec)
    counted_hours = (end_sec - settled_sec) / 3600.0
    return Outcome(
        policy, tuple(cluster.peaks), cluster.changes / counted_hours,
        cluster.frames / (counted_hours * 3600.0 * question.camera_share), tuple(history),
        BODIES_HOLD_WITHIN_CELSIUS if question.bodies else _HOLDS_WITHIN_CELSIUS)


def cluster_of(question: Question, settings: Settings, used: int) -> VirtualCluster:
    """Return the first sticks of a question at a cold start, managed with these settings."""
    rates = question.frames_per_sec, question.inference_sec
    if question.bodies is None:
        return VirtualCluster(question.constants[:used], settings, *rates)
    return RealCluster(question.bodies.sticks[:used], settings,
                       question.bodies.surroundings(question.settled_sec, used), *rates)


def _run(cluster, end_sec, points):
    """Let time pass; return pairs (seconds, temperatures) to be shown."""
    history, began = [], cluster.now
    for point in range(1, points + 1):
        history.append((cluster.now, tuple(cluster.celsius)))
        cluster.run_until(began + (end_sec - began) * point / points)
    return history


def needed_sticks(question: Question, frames_per_sec: float, size: int) -> int | None:
    """
    Return how many sticks with the mean constants keep a rate below the limit, or None.

    It starts with the theory's number, since no rotation does with less, and tries the best
    policy.
    """
    bodies, limit = question.bodies, question.settings.switch_temperature
    mean = mean_of(bodies.constants() if bodies else question.constants)
    load = frames_per_sec * question.inference_sec * question.camera_share * (1.0 - 1e-9)
    counts = range(size, MOST_STICKS + 1)
    least = next((count for count in counts if sustainable_size(
        (mean,) * count, limit, question.hub_celsius) >= load), None)
    if least is None:
        return None
    for sticks in counts[least - size:][:_MOST_TRIALS if bodies else None]:
        trial = outcome_of(replace(
            question, constants=(mean_of(question.constants),) * sticks,
            bodies=bodies and bodies.averaged(sticks), frames_per_sec=frames_per_sec,
            settings=replace(question.settings, cluster_size=size),
            hours=min(question.hours, max(20 * mean.time_constant_sec,
                                          6 * question.slowest_sec) / 3600.0)), POLICIES[0], 1)
        if holds(trial, question.settings) and reaches(trial, frames_per_sec):
            return sticks
    return None


def reaches(outcome: Outcome, frames_per_sec: float) -> bool:
    """Tell whether an outcome reaches a rate."""
    return outcome.frames_per_sec >= frames_per_sec * (1.0 - RATE_TOLERANCE)


def holds(outcome: Outcome, settings: Settings) -> bool:
    """Tell whether the temperatures of an outcome keep to the switch temperature."""
    return outcome.peak_celsius <= settings.switch_temperature + outcome.holds_within_celsius
