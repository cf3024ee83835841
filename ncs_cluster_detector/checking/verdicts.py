# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Compare measured figures with what is expected of real sticks; pure functions."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import statistics
from typing import Any

OK, NOT_OK, SKIPPED = 'ok', 'not ok', 'skipped'
REPLUG = 'unplug it and plug it in again'


@dataclass(frozen=True)
class Limit:
    """The limit of a figure: at most (or at least) ``bound``, and the reason for this value."""

    bound: float
    unit: str
    reason: str
    at_least: bool = False

    def holds(self, value: float | None) -> bool:
        """Return whether a value is within the limit; None is not."""
        if value is None:
            return False
        return value >= self.bound if self.at_least else value <= self.bound

    def text(self) -> str:
        """Return the limit in words, such as ``at most 5 s``."""
        return f'at {"least" if self.at_least else "most"} {self.bound:g}{self.unit}'


# The one table of all thresholds.
LIMITS = {
    'first_detection_sec': Limit(
        20.0, ' s', 'a stick boots and loads its network in 2 s, a Raspberry Pi loads ROS in 6'),
    'stick_start_sec': Limit(
        5.0, ' s', 'a real stick was seen to open in 1.5 s, and 30 MB of network take 1 s more'),
    'scaling_percent': Limit(
        70.0, ' %', 'sticks work independently: twice as many give twice the rate, unless a bus '
        'or the CPU is full', at_least=True),
    'inference_percent': Limit(
        125.0, ' %', 'sticks of one kind need the same time; a slower one throttles itself, or '
        'shares a slow port'),
    'gap_sec': Limit(
        1.0, ' s', 'the other sticks go on, and the node waits 0.5 s for a lost result'),
    'gap_of_the_only_stick_sec': Limit(
        9.0, ' s', 'nothing else can infer until the only stick is back'),
    'back_after_kill_sec': Limit(
        8.0, ' s', 'noticed at once, a wait of 0.5 s, a reset of 1.5 s, a boot of 2 s, and one '
        'attempt that may fail'),
    'back_after_plug_sec': Limit(
        8.0, ' s', 'looked for once a second, a boot of 2 s, and one attempt that may fail'),
    'detection_after_restart_sec': Limit(
        8.0, ' s', 'loading ROS takes 2 s, and the sticks of the killed node must be reset'),
    'absent_after_unplug_sec': Limit(
        10.0, ' s', 'sticks are listed once a second, and a worker may wait for 2 s'),
    'throttle_level': Limit(
        1.0, '', 'at level 2 the stick pauses for seconds: it must be cooled better'),
    'rate_when_hot_percent': Limit(
        80.0, ' %', 'of the rate at the beginning; with less, sticks throttle themselves, or the '
        'node rests those above switch_temperature', at_least=True),
    'temperature_readings_percent': Limit(
        90.0, ' %', 'every stick reports its temperature once a second', at_least=True),
    'stop_sec': Limit(5.0, ' s', 'launch and systemd kill a node that takes longer'),
}


@dataclass(frozen=True)
class Verdict:
    """One line of the report: what was checked, the outcome, what was seen and expected."""

    step: str
    what: str
    outcome: str
    seen: str = ''
    expected: str = ''

    def text(self) -> str:
        """Return ``ok``, ``not ok: <seen>, expected <...>`` or ``skipped: <why>``."""
        if self.outcome == OK:
            return OK
        if self.outcome == SKIPPED:
            return f'{SKIPPED}: {self.seen}'
        return f'{NOT_OK}: {self.seen}' + (f', expected {self.expected}' if self.expected else '')


def judge(
        step: str, what: str, value: float | None, limit_name: str,
        remark: str = '') -> Verdict:
    """
    Return the Verdict on a figure.

    :param value: the figure, None when the event never happened.
    :param limit_name: key of LIMITS.
    :param remark: a hint for a figure outside the limit, such as what to do.
    """
    limit = LIMITS[limit_name]
    seen = 'it did not happen' if value is None else f'{value:.3g}{limit.unit}'
    holds = limit.holds(value)
    expected = limit.text() + (f'; {remark}' if remark and not holds else '')
    return Verdict(step, what, OK if holds else NOT_OK, seen, expected)


def skipped(step: str, what: str, why: str) -> Verdict:
    """Return the Verdict on a check that was left out."""
    return Verdict(step, what, SKIPPED, why)


def failed(step: str, what: str, seen: str, expected: str = '') -> Verdict:
    """Return the Verdict on something that is not ok."""
    return Verdict(step, what, NOT_OK, seen, expected)


def judge_states(step: str, sticks: Sequence[Any]) -> list[Verdict]:
    """Return a Verdict for each stick that does not run, or one for all when all do."""
    found = [failed(step, f'stick {stick.number} at port {stick.port} runs',
                    _state_and_reason(stick), _what_to_do(stick))
             for stick in sticks if stick.state not in ('RUNNING', 'DEAD')]
    if found or any(stick.state == 'DEAD' for stick in sticks):
        return found   # judge_replug_needed() reports the dead ones
    return [Verdict(step, 'all sticks run', OK, f'{len(sticks)} sticks')]


def judge_replug_needed(reports: Iterable[Any]) -> list[Verdict]:
    """Return a Verdict for each stick that was DEAD at any time: booted, and silent on USB."""
    dead = {}
    for report in reports:
        for stick in report.sticks:
            if stick.state == 'DEAD':
                dead.setdefault(stick.number, stick)
    return [failed('all', f'stick {stick.number} at port {stick.port} answers',
                   'it was DEAD: booted, and silent on USB', f'an answer; {REPLUG}')
            for _, stick in sorted(dead.items())]


def _state_and_reason(stick):
    return f'{stick.state} ({stick.last_error})' if stick.last_error else stick.state


def _what_to_do(stick):
    return f'RUNNING; {REPLUG}' if stick.state == 'FATAL' else 'RUNNING'


def judge_failures(step: str, reports: Iterable[Any]) -> list[Verdict]:
    """
    Return a Verdict for each stick that failed by itself, or one when none did.

    :param reports: of a time without kills and unplugging.
    """
    first, last = {}, {}
    for report in reports:
        for stick in report.sticks:
            first.setdefault(stick.number, stick.restarts)
            last[stick.number] = stick
    found = [failed(step, f'stick {number} at port {stick.port} goes on',
                    f'it failed {stick.restarts - first[number]} times ({stick.last_error})',
                    'no failure; is its power too weak?')
             for number, stick in sorted(last.items()) if stick.restarts > first[number]]
    return found or [Verdict(step, 'no stick fails by itself', OK, f'{len(last)} sticks')]


def slow_sticks(inference_ms: Mapping[int, float | None]) -> list[int]:
    """Return the numbers of the sticks that are slower, by their median times in ms."""
    known = {number: value for number, value in inference_ms.items() if value}
    if len(known) < 2:
        return []
    median = statistics.median_low(known.values())
    return sorted(number for number, value in known.items()
                  if not LIMITS['inference_percent'].holds(100 * value / median))


def exit_code(verdicts: Iterable[Verdict], was_interrupted: bool) -> int:
    """Return 0 when all is ok, 1 when something is not, or the check was interrupted."""
    return int(was_interrupted or any(verdict.outcome == NOT_OK for verdict in verdicts))


def gap_limit(sticks: int) -> str:
    """Return the key of the limit for a gap when one of ``sticks`` sticks is lost."""
    return 'gap_sec' if sticks > 1 else 'gap_of_the_only_stick_sec'
