# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures the control of heat on bodies that differ from the policies' model, in invented time.

``.venv/bin/python bench/heat_control.py`` runs the detector node's control, and simpler ones to
compare, on all bodies; ``--bodies 'noise-*' fast --control ours pi`` only some. Prints one table
of what happened after the first ten minutes, and a line for each group of bodies and control.
``--out`` writes the same as JSON.
"""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from dataclasses import dataclass
from fnmatch import fnmatch
import json
from pathlib import Path

from heat_bodies import Case
from heat_bodies import cases
from heat_bodies import GROUPS
from heat_controls import Control
from heat_controls import CONTROLS
from ncs_cluster_detector.planning.real_cluster import RealCluster
from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.settings import Settings

SETTLING_SEC = 600.0
FAR_ABOVE_CELSIUS = 1.5
INFERENCE_SEC = 0.065
# The optimum changes slowly.
_OPTIMUM_PERIOD_SEC = 10.0


@dataclass(frozen=True)
class Outcome:
    """
    The result of a control in a case.

    ``peak_celsius`` is above the limit, and ``far_above`` the share of the time at 1.5 C or more
    above it. ``share`` is the work done, divided by the most that the limit permits. ``alarm`` is
    the share of the time with a warning. ``told_size`` is how many sticks' full speed the control
    says that the limit permits in the end (None for unknown), ``true_size`` how many it really
    does. ``standstill_sec`` is the longest time in which no stick worked although images came.
    """

    case: str
    group: str
    control: str
    seed: int
    peak_celsius: float
    far_above: float
    share: float
    alarm: float
    told_size: float | None
    true_size: float
    changes_per_hour: float
    standstill_sec: float


def run(case: Case, name: str, control: Control, hours: float, seed: int = 0,
        settling_sec: float = SETTLING_SEC) -> Outcome:
    """
    Return the Outcome of a Case after some hours, of which the first seconds do not count.

    :param name: of the control.
    :param seed: number from which the noise of the sensors follows.
    :param settling_sec: those seconds, ten minutes by default.
    """
    settings = Settings(cluster_size=case.size, switch_temperature=case.limit_celsius)
    cluster = RealCluster(case.sticks, settings, case.surroundings,
                          inference_sec=INFERENCE_SEC, control=control, seed=seed,
                          step_sec=case.step_sec)
    cluster.run_until(settling_sec)
    cluster.forget_peaks()
    end_sec = 3600.0 * hours
    counted_sec = end_sec - settling_sec
    far_above_sec = alarm_sec = wanted = permitted = still_sec = longest_still_sec = 0.0
    reckoned_at, size = -_OPTIMUM_PERIOD_SEC, 0.0
    while cluster.now < end_sec:
        before, frames_before = cluster.now, cluster.frames
        if before >= reckoned_at + _OPTIMUM_PERIOD_SEC:
            reckoned_at, size = before, min(case.optimum(before), case.size)
        cluster.step(end_sec)
        elapsed_sec = cluster.now - before
        far_above_sec += elapsed_sec * (
            max(cluster.celsius) >= case.limit_celsius + FAR_ABOVE_CELSIUS)
        alarm_sec += elapsed_sec * control.in_trouble
        wanted += elapsed_sec * case.size * case.surroundings.frames(before)
        stands_still = cluster.frames == frames_before and case.surroundings.frames(before)
        still_sec = still_sec + elapsed_sec if stands_still else 0.0
        longest_still_sec = max(longest_still_sec, still_sec)
        permitted += elapsed_sec * size
    told = control.heat.sustainable_size(case.limit_celsius) if isinstance(
        control, ClusterControl) else None
    return Outcome(
        case.name, case.group, name, seed, max(cluster.peaks) - case.limit_celsius,
        far_above_sec / counted_sec, cluster.frames * INFERENCE_SEC / min(wanted, permitted),
        alarm_sec / counted_sec, told, case.optimum(end_sec),
        cluster.changes * 3600.0 / counted_sec, longest_still_sec)


def run_named(name: str, control: str, hours: float, seed: int = 0,
              settling_sec: float = SETTLING_SEC) -> Outcome:
    """Return the Outcome of a case and a control by their names."""
    return run(cases()[name], control, CONTROLS[control](), hours, seed, settling_sec)


def row(outcome: Outcome) -> str:
    """Return a line of the table."""
    told = 'unknown'
    if outcome.told_size is not None:
        wrong = outcome.told_size / outcome.true_size - 1.0 if outcome.true_size else float('inf')
        told = f'{outcome.told_size:.2f} ({wrong:+.0%})'
    return (f'{outcome.case:25} {outcome.control:10} {outcome.seed:4} '
            f'{outcome.peak_celsius:+7.2f} {outcome.far_above:7.1%} {outcome.share:6.3f} '
            f'{outcome.alarm:6.0%} {told:>14} {outcome.true_size:5.2f} '
            f'{outcome.changes_per_hour:5.0f} {outcome.standstill_sec:5.1f}')


HEADER = (f'{"body":25} {"control":10} seed  peak K > 1.5 K  share  alarm '
          f'{"stated size":>14}  true  ch/h  still')


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line for each group and control."""
    lines = [f'{"":25} {"":10} runs  mean peak  worst  mean share']
    for group in GROUPS:
        for control in CONTROLS:
            found = [each for each in outcomes
                     if (each.group, each.control) == (group, control)]
            if found:
                peaks = [each.peak_celsius for each in found]
                share = sum(each.share for each in found) / len(found)
                lines.append(f'{group:25} {control:10} {len(found):4} '
                             f'{sum(peaks) / len(peaks):+10.2f} {max(peaks):+6.2f} {share:11.3f}')
    return lines


def chosen(words: Iterable[str]) -> list[str]:
    """Return the names of the cases that names, patterns of names and groups stand for."""
    found = [case.name for case in cases().values()
             if any(word == case.group or fnmatch(case.name, word) for word in words)]
    if not found:
        raise ValueError(f'no body is called {" or ".join(words)}; groups are '
                         f'{", ".join(GROUPS)}, bodies {", ".join(cases())}')
    return found


def main() -> None:
    """Run what was asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--bodies', nargs='+', default=['*'], metavar='NAME',
                        help='names, patterns such as "noise-*", or groups: ' + ', '.join(GROUPS))
    parser.add_argument('--control', nargs='+', default=list(CONTROLS), choices=CONTROLS)
    parser.add_argument('--hours', type=float, default=0.5,
                        help='simulated time of each run, 0.5 by default, above 1/6')
    parser.add_argument('--seeds', type=int, default=1, help='how many runs of each, 1 by default')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args()
    if options.hours * 3600.0 <= SETTLING_SEC:
        parser.error(f'--hours is {options.hours:g}, and the first ten minutes do not count')
    try:
        names = chosen(options.bodies)
    except ValueError as error:
        parser.error(str(error))
    jobs = [(name, control, options.hours, seed) for name in names
            for control in options.control for seed in range(options.seeds)]
    outcomes = []
    print(HEADER)
    with ProcessPoolExecutor() as pool:
        for outcome in pool.map(run_named, *zip(*jobs)):
            outcomes.append(outcome)
            print(row(outcome), flush=True)
    print('\n'.join(summary(outcomes)))
    if options.out:
        options.out.write_text(json.dumps([asdict(each) for each in outcomes], indent=1) + '\n')


if __name__ == '__main__':
    main()
