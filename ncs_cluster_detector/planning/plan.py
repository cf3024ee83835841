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

"""The plan: what each way to share the work makes of the sticks, and how many are needed."""

from dataclasses import dataclass
from dataclasses import replace
import math

from ncs_cluster_detector.planning.theory import floor_celsius
from ncs_cluster_detector.planning.theory import sustainable_size
from ncs_cluster_detector.planning.virtual_cluster import VirtualCluster
from ncs_cluster_detector.policy.heat_constants import mean_of
from ncs_cluster_detector.policy.pacing import HOLD_ABOVE_CELSIUS
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings

NO_ROTATION = 'no rotation'
MOST_STICKS = 64
# No stick gets so hot that this limit does anything.
_NO_LIMIT_CELSIUS = 1e6
# After so many time constants the start is over, but half of the time is left: till then it is
# shown, from then on it is counted.
_SETTLED_AFTER_TIME_CONSTANTS = 8
_SHOWN_POINTS = 1000
# A paced stick is held just above the limit, more or less.
_HOLDS_WITHIN_CELSIUS = HOLD_ABOVE_CELSIUS + 0.5
# A plan's rate is reached when it falls no more short of it than this.
_RATE_TOLERANCE = 0.01


@dataclass(frozen=True)
class Question:
    """
    What is planned.

    ``constants`` are the Constants of each stick, ``settings`` those of the detector node, and
    ``frames_per_sec`` the images that come in (inf: more than can be inferred).
    """

    constants: tuple
    settings: Settings
    inference_sec: float = 0.065
    frames_per_sec: float = math.inf
    hours: float = 24.0

    @property
    def size(self):
        """Return how many sticks are to be active at a time."""
        return min(self.settings.cluster_size or len(self.constants), len(self.constants))


@dataclass(frozen=True)
class Outcome:
    """
    What one policy makes of it, once the sticks are warm.

    ``peaks_celsius`` has an entry for each stick that is used; ``history`` is a tuple of pairs
    (seconds, temperatures of all these sticks) from the cold start on until then.
    """

    policy: str
    peaks_celsius: tuple
    switches_per_hour: float
    frames_per_sec: float
    history: tuple

    @property
    def peak_celsius(self):
        """Return the highest temperature of any stick."""
        return max(self.peaks_celsius)


@dataclass(frozen=True)
class Plan:
    """
    The answer to a Question.

    ``floor_celsius`` is the theory's lowest peak for the work that is asked for,
    ``sustainable_size`` how many sticks' full speed the limit permits, ``needed_sticks`` the least
    number of such sticks that keep the wanted rate below the limit under the best policy, and
    ``needed_size`` how many of them are active; None when 64 are not enough.
    """

    question: Question
    outcomes: tuple
    wanted_frames_per_sec: float
    floor_celsius: float
    sustainable_size: float
    needed_size: int
    needed_sticks: int


def make_plan(question):
    """Return the Plan for a Question."""
    limit = question.settings.switch_temperature
    full_speed = question.size / question.inference_sec
    wanted = question.frames_per_sec
    if math.isinf(wanted):
        wanted = full_speed
    load = min(wanted * question.inference_sec, question.size)
    needed_size = max(1, math.ceil(wanted * question.inference_sec * (1.0 - 1e-9)))
    return Plan(
        question=question,
        outcomes=(outcome_of(question, NO_ROTATION),
                  *(outcome_of(question, policy) for policy in reversed(POLICIES))),
        wanted_frames_per_sec=wanted,
        floor_celsius=floor_celsius(question.constants, load),
        sustainable_size=sustainable_size(question.constants, limit),
        needed_size=needed_size,
        needed_sticks=needed_sticks(question, wanted, needed_size))


def outcome_of(question, policy):
    """Return the Outcome of a policy: ``no rotation``, ``round_robin`` or ``coolest``."""
    constants, settings = question.constants, replace(question.settings, rotation_policy=policy)
    if policy == NO_ROTATION:
        constants = constants[:question.size]
        settings = replace(settings, cluster_size=0, switch_temperature=_NO_LIMIT_CELSIUS)
    cluster = VirtualCluster(constants, settings, question.frames_per_sec, question.inference_sec)
    end_sec = question.hours * 3600.0
    slowest_sec = max(stick.time_constant_sec for stick in constants)
    settled_sec = min(_SETTLED_AFTER_TIME_CONSTANTS * slowest_sec, end_sec / 2)
    history = []
    while cluster.now < settled_sec:
        history.append((cluster.now, tuple(cluster.celsius)))
        cluster.step(min(cluster.now + settled_sec / _SHOWN_POINTS, settled_sec))
    cluster.forget_peaks()
    cluster.run_until(end_sec)
    counted_hours = (end_sec - settled_sec) / 3600.0
    return Outcome(policy, tuple(cluster.peaks), cluster.changes / counted_hours,
                   cluster.frames / counted_hours / 3600.0, tuple(history))


def needed_sticks(question, frames_per_sec, size):
    """
    Return how many sticks with the mean constants keep a rate below the limit, or None.

    The first guess is the theory's, as no rotation does with less; then the best policy is tried.
    """
    mean = mean_of(question.constants)
    each = mean.sustainable_share(question.settings.switch_temperature)
    if each <= 0.0:
        return None
    least = max(size, math.ceil(frames_per_sec * question.inference_sec / each * (1.0 - 1e-9)))
    for sticks in range(least, MOST_STICKS + 1):
        trial = outcome_of(replace(
            question, constants=(mean,) * sticks, frames_per_sec=frames_per_sec,
            settings=replace(question.settings, cluster_size=size),
            hours=min(question.hours, 20 * mean.time_constant_sec / 3600.0)), POLICIES[0])
        if holds(trial, question.settings) and (
                trial.frames_per_sec >= frames_per_sec * (1.0 - _RATE_TOLERANCE)):
            return sticks
    return None


def holds(outcome, settings):
    """Tell whether the temperatures of an outcome keep to the switch temperature."""
    return outcome.peak_celsius <= settings.switch_temperature + _HOLDS_WITHIN_CELSIUS
