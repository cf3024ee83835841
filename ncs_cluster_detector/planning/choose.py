# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Chooses settings of the detector node for a wanted rate, by simulating candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
import math

from ncs_cluster_detector.planning.bodies import bodies_of
from ncs_cluster_detector.planning.bodies import BodyWords
from ncs_cluster_detector.planning.plan import BODIES_HOLD_WITHIN_CELSIUS
from ncs_cluster_detector.planning.plan import Question
from ncs_cluster_detector.planning.plan import RATE_TOLERANCE
from ncs_cluster_detector.planning.real_cluster import RealCluster
from ncs_cluster_detector.planning.theory import floor_celsius
from ncs_cluster_detector.planning.theory import sustainable_size
from ncs_cluster_detector.policy.settings import LIMITS
from ncs_cluster_detector.policy.settings import Settings

# Settings are chosen with so many times the heat of the sticks, to have something to spare for a
# warm day, dust in the fan, and what the recording did not tell.
RESERVE = 1.1
CYCLES_MS = (0, 2000, 5000, 10000, 20000, 60000)
RESUME_MARGINS = (0.0, 2.0, 5.0, 10.0)
# Candidates are about equally good when they are no more than so much hotter than the coolest, or
# give no more than such a share less than the best. Among these the one with the fewest changes is
# chosen, or the usual one if it has hardly more.
_HOTTER_CELSIUS, _SLOWER, _HARDLY_MORE = 2.0, 0.03, 0.1
# Candidates start warm. They are counted after some time in which the policies learn. Both times
# are multiples of the slowest time constant, within seconds (least, most).
_SETTLING, _COUNTING = (1.5, 300.0, 900.0), (1.5, 600.0, 1200.0)
_SAMPLE_SEC = 1.0
# Limits are tried in whole degrees.
_LIMIT_STEP_CELSIUS = 1.0


@dataclass(frozen=True)
class Candidate:
    """
    Settings, and what they lead to.

    ``swing_celsius`` is the most that the temperature of a stick goes up and down;
    ``frames_per_sec`` counts only the time in which images come in.
    """

    settings: Settings
    peak_celsius: float
    swing_celsius: float
    switches_per_hour: float
    frames_per_sec: float


@dataclass(frozen=True)
class Choice:
    """
    The recommended Candidate, and how it was found.

    ``tables`` are pairs (name of a setting, Candidates that differ in it). ``is_enough`` tells
    whether the wanted rate is reached with the reserve; ``as_they_are`` is the same without it.
    """

    wanted_frames_per_sec: float
    recommended: Candidate
    tables: tuple[tuple[str, tuple[Candidate, ...]], ...]
    is_enough: bool
    as_they_are: Candidate

    @property
    def gives_rate(self) -> bool:
        """Tell whether the wanted rate is reached with nothing to spare."""
        return _gives(self.as_they_are, self.wanted_frames_per_sec)


def choose(question: Question) -> Choice:
    """
    Return the Choice for a Question with a wanted rate.

    The switch temperature of the question is the highest that is recommended. First the cycle is
    chosen at that limit. Then for each resume margin the coolest limit that still gives the rate
    is looked for. The best of these is taken, or the settings of the question if they do as well.
    """
    wanted = question.frames_per_sec
    sticks = len(question.constants)
    size = min(max(1, math.ceil(wanted * question.inference_sec * (1.0 - 1e-9))), sticks)
    now = replace(question.settings, cluster_size=size)
    trial = _Trial(question)
    cycles = [trial.of(replace(now, cluster_switch_cycle_ms=cycle_ms))
              for cycle_ms in sorted({*CYCLES_MS, now.cluster_switch_cycle_ms})]
    cycle_ms = best_of(cycles, wanted, trial.of(now)).settings.cluster_switch_cycle_ms
    margins = []
    for margin in sorted({*RESUME_MARGINS, now.resume_margin}):
        # The larger the margin, the higher the limit that the rate needs.
        least = margins[-1].settings.switch_temperature if margins else None
        margins.append(trial.coolest(replace(
            now, cluster_switch_cycle_ms=cycle_ms, resume_margin=margin), least))
    # The cooler limit stays, unless the former settings do clearly better.
    usual = next(each for each in margins if each.settings.resume_margin == now.resume_margin)
    chosen = best_of(margins, wanted, usual)
    recommended = best_of([chosen, trial.of(now)], wanted, chosen)
    return Choice(wanted, recommended,
                  (('cluster_switch_cycle_ms', tuple(cycles)), ('resume_margin', tuple(margins))),
                  _gives(recommended, wanted),
                  _Trial(question, reserve=1.0).of(recommended.settings))


def best_of(candidates: Sequence[Candidate], wanted: float, usual: Candidate) -> Candidate:
    """
    Return the best of several Candidates.

    Where some give the wanted rate within their limits: the one with the fewest changes among the
    coolest of these. Otherwise: that among those that give the most. The usual one is preferred if
    it is among them and has hardly more changes.
    """
    holding = [each for each in candidates if each.peak_celsius <= (
        each.settings.switch_temperature + BODIES_HOLD_WITHIN_CELSIUS)] or candidates
    enough = [each for each in holding if _gives(each, wanted)]
    if enough:
        most_celsius = min(each.peak_celsius for each in enough) + _HOTTER_CELSIUS
        near = [each for each in enough if each.peak_celsius <= most_celsius]
        return _calmest(near, usual)
    least = max(each.frames_per_sec for each in holding) * (1.0 - _SLOWER)
    near = [each for each in holding if each.frames_per_sec >= least]
    return _calmest(near, usual)


def _calmest(candidates, usual):
    best = min(candidates, key=lambda each: (each.switches_per_hour, each.peak_celsius))
    is_as_calm = usual.switches_per_hour <= best.switches_per_hour * (1.0 + _HARDLY_MORE)
    return usual if usual in candidates and is_as_calm else best


def _gives(candidate, wanted):
    return candidate.frames_per_sec >= wanted * (1.0 - RATE_TOLERANCE)


class _Trial:
    """Tries settings on the sticks of a question, heated more than they are."""

    def __init__(self, question, reserve=RESERVE):
        bodies = question.bodies or bodies_of(
            question.constants, [None] * len(question.constants), BodyWords())
        self._bodies = bodies.in_the_end(reserve)
        self._question = question
        self._load = question.frames_per_sec * question.inference_sec * question.camera_share
        self._hub_celsius = self._bodies.words.hub.rise_celsius
        self._settling_sec, self._counting_sec = (
            min(max(times * question.slowest_sec, least), most)
            for times, least, most in (_SETTLING, _COUNTING))
        self._tried = {}   # Settings -> Candidate

    def of(self, settings):
        """Return the Candidate of given Settings."""
        if settings not in self._tried:
            self._tried[settings] = self._simulated(settings)
        return self._tried[settings]

    def coolest(self, settings, least=None):
        """
        Return the Candidate with the coolest limit that gives the rate, or else the highest one.

        :param least: no limit below this is tried.
        """
        highest = settings.switch_temperature
        if not self._suffices(settings, highest):
            return self.of(settings)
        if least is not None:
            while least < highest and not self._suffices(settings, least):
                least += _LIMIT_STEP_CELSIUS
            return self.of(replace(settings, switch_temperature=min(least, highest)))
        # No rotation can be cooler than this, so nothing below needs to be tried.
        low = max(floor_celsius(self._bodies.constants(), self._load, self._hub_celsius),
                  LIMITS['switch_temperature'][0])
        low, high = float(math.floor(low)), highest
        while high - low > _LIMIT_STEP_CELSIUS:
            middle = float(math.floor((low + high) / 2))
            low, high = (low, middle) if self._suffices(settings, middle) else (middle, high)
        return self.of(replace(settings, switch_temperature=high))

    def _suffices(self, settings, limit):
        return _gives(self.of(replace(settings, switch_temperature=limit)),
                      self._question.frames_per_sec)

    def _simulated(self, settings):
        question, count = self._question, len(self._bodies.sticks)
        cluster = RealCluster(
            self._bodies.sticks, settings, self._bodies.surroundings(0.0, count),
            question.frames_per_sec, question.inference_sec)
        sustainable = sustainable_size(self._bodies.constants(), settings.switch_temperature,
                                       self._hub_celsius)
        cluster.warm_up(min(self._load, sustainable, settings.cluster_size) / count)
        cluster.run_until(self._settling_sec)
        cluster.forget_peaks()
        lows = cluster.celsius[:]
        end_sec = self._settling_sec + self._counting_sec
        while cluster.now < end_sec:
            cluster.run_until(min(cluster.now + _SAMPLE_SEC, end_sec))
            lows = list(map(min, lows, cluster.celsius))
        hours = self._counting_sec / 3600.0
        return Candidate(
            settings, max(cluster.peaks),
            max(peak - low for peak, low in zip(cluster.peaks, lows)), cluster.changes / hours,
            cluster.frames / (self._counting_sec * question.camera_share))
