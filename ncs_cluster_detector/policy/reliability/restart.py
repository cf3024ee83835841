# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When a failed worker is started again."""

from dataclasses import dataclass

FIRST_DELAY_SEC = 0.5
# After a kill, which is not the stick's fault, where nobody else waits for a start.
KILLED_DELAY_SEC = 0.25
# Short enough that a stick is back within five seconds of the end of its fault, its reset and its
# boot of 1.5 s each included.
LONGEST_DELAY_SEC = 1.5
# A stick that fails this often, a minute or more, without recovering in between gets a long rest:
# a person must see to it, and each attempt keeps the others from being started.
BUDGET = 20
REST_SEC = 300.0
# A stick has recovered when it gives a result; one that failed while it rested also when it gives
# temperatures for so long, since nothing else is asked of it.
WELL_AFTER_SEC = 2.0
# A stick that refuses the networks is never given up: it answers, so that its start delays the
# others no longer than a good one does, and it is back soon after its cable was changed.
LONGEST_REFUSED_DELAY_SEC = 10.0
FIRST_HOLD_UP_DELAY_SEC = 5.0
# How often a stick that has booted and does not answer is tried, where nobody waits for it.
DEAD_PERIOD_SEC = 5.0
# A start has held up the others when it came no further for so long.
HELD_UP_SEC = 2.0
# A start may take so many times the longest successful start of any stick, four seconds in any
# case, and twice as long after every five failures, up to the limit that the user sets.
START_PATIENCE = 3.0
LEAST_START_SEC = 4.0
FAILURES_TO_PATIENCE = 5
# The vendor's library waits five seconds for a stick to come back from its boot, then tries all
# others in its place, five seconds more for each that has not booted (mvnc_api.c:545).
BOOT_SEC = 5.0
# After a boot it asks whether the stick is there, sleeps a second and asks for its abilities: a
# healthy one has answered after 1.1 s (mvnc_api.c:580).
ANSWER_SEC = 3.0


@dataclass(frozen=True)
class RestartPlan:
    """What follows a failure: how long to wait, and whether the stick counts as broken."""

    delay_sec: float
    fatal: bool


def after_failure(failures: int, hold_ups: int = 0, rest_sec: float = 0.0) -> RestartPlan:
    """
    Return what follows the latest failure of a stick's worker.

    The delay grows from half a second up to one and a half; after twenty failures in a row the
    stick is FATAL and is tried again after five minutes. A stick that held up the others in vain
    (it did not come back from its boot, or gave no answer after it, and for these seconds no other
    could be started) will hardly recover by itself: it rests five seconds, and twice as long each
    time. The rest of one that failed at work comes from its Trust.

    :param failures: failures since the stick last recovered, this one included, at least 1.
    :param hold_ups: how often its starts have held up the others since then.
    :param rest_sec: for how long it has to rest in any case.
    """
    delay_sec = min(FIRST_DELAY_SEC * _doubled(failures - 1), LONGEST_DELAY_SEC)
    if hold_ups:
        delay_sec = FIRST_HOLD_UP_DELAY_SEC * _doubled(hold_ups - 1)
    delay_sec = max(delay_sec, rest_sec)
    if failures >= BUDGET or delay_sec >= REST_SEC:
        return RestartPlan(REST_SEC, fatal=True)
    return RestartPlan(delay_sec, fatal=False)


def after_refusal(refusals: int) -> RestartPlan:
    """
    Return what follows when a stick refuses the networks: half a second, doubled up to ten.

    :param refusals: how often it has refused them since it last loaded them, at least 1.
    """
    return RestartPlan(
        min(FIRST_DELAY_SEC * _doubled(refusals - 1), LONGEST_REFUSED_DELAY_SEC), fatal=False)


def after_kill() -> RestartPlan:
    """Return what follows when the worker of a stick that works well was killed."""
    return RestartPlan(KILLED_DELAY_SEC, fatal=False)


def after_dead() -> RestartPlan:
    """Return what follows when a stick has booted and does not answer; the others go on."""
    return RestartPlan(DEAD_PERIOD_SEC, fatal=False)


def start_deadline_sec(failures: int, longest_start_sec: float | None,
                       limit_sec: float) -> float:
    """
    Return how long a worker may take to open its stick before it counts as failed.

    A call of the SDK that hangs in one stick keeps all others from being started, so that a start
    that takes two seconds otherwise does not get twenty.

    :param failures: failures since the stick last recovered.
    :param longest_start_sec: the longest successful start so far; None when there was none.
    :param limit_sec: what the user sets.
    """
    if longest_start_sec is None:
        return limit_sec
    least_sec = max(START_PATIENCE * longest_start_sec, LEAST_START_SEC)
    return min(least_sec * _doubled(failures // FAILURES_TO_PATIENCE), limit_sec)


def load_deadline_sec(failures: int, longest_start_sec: float) -> float:
    """
    Return how long the networks may take to load on a stick that has answered.

    As long as the longest whole start so far, three seconds in any case: when a stick is unplugged
    just then, the library waits for ever. With failures the patience grows as above.
    """
    return max(longest_start_sec, ANSWER_SEC) * _doubled(failures // FAILURES_TO_PATIENCE)


def _doubled(times: int) -> float:
    """Return 2 to the power of ``times``, within reason: it may have grown for weeks."""
    return 2.0 ** min(times, 16)
