# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The steps that measure an undisturbed node: its start, and the rates of 1, 2, ... sticks."""

import statistics

from ncs_cluster_detector.checking import verdicts
from ncs_cluster_detector.checking.bench import Bench
from ncs_cluster_detector.checking.bench import IMAGES_PER_DETECTION
from ncs_cluster_detector.checking.bench import MOST_IMAGES
from ncs_cluster_detector.checking.environment import CannotRunError
from ncs_cluster_detector.drivers.registry import DRIVERS
import psutil

HEARD_SEC = 40.0    # for the node's first diagnostics
LISTED_SEC = 15.0   # for the first sticks; a listing takes 7 s when one has to be aborted
A_STICK_MORE_SEC = 15.0
UNCHANGED_REPORTS = 2
UNDER_WAY = ('STARTING', 'STOPPING', 'BACKOFF', 'QUEUED')
BUSY = 0.8   # of all cores
SPEED_LIMITED = 0.95   # of the images are inferred: more images would give a higher rate


def start_step(bench: Bench) -> None:
    """
    Start the node, and wait for its first detection and for every stick.

    :raises CannotRunError: no stick runs.
    """
    figures = bench.begin('start')
    bench.publish_for(1)
    bench.start_node()
    history, began = bench.history, bench.node.started_at
    bench.wait(lambda: history.reports_between(began), HEARD_SEC)
    if bench.wait(lambda: history.newest_sticks(began), LISTED_SEC):
        _wait_for_all(bench, began)
    running = bench.running(began)
    if not running:
        raise CannotRunError(_why_none(bench))
    first = bench.wait(lambda: history.first_detection(began), 5.0)
    figures['first_detection_sec'] = _since(first, began)
    bench.judge('first detection', figures['first_detection_sec'], 'first_detection_sec')
    moments = {stick.number: bench.node.ready_at(stick.number, began) for stick in running}
    ready = sorted((moment, number) for number, moment in moments.items() if moment is not None)
    figures['sticks_ready_sec'] = {number: _since(moment, began) for moment, number in ready}
    for verdict in verdicts.judge_states('start', history.newest_sticks(began)):
        bench.add(verdict)
    # Not of the first one: that time includes the start of the node itself.
    if ready[1:] and DRIVERS[bench.options.driver].starts_together:
        (first_at, _), (last_at, last) = ready[0], ready[-1]
        figures['last_after_first_sec'] = round(last_at - first_at, 3)
        bench.judge(f'from the first stick that is ready to the last, stick {last}',
                    figures['last_after_first_sec'], 'stick_start_sec')
    elif ready[1:]:
        starts = figures['stick_start_sec'] = {
            number: round(moment - before, 3)
            for (before, _), (moment, number) in zip(ready, ready[1:])}
        longest = max(starts, key=starts.get)
        figures['longest_start_sec'] = starts[longest]
        bench.judge(f'longest start, stick {longest}', starts[longest], 'stick_start_sec')


def _wait_for_all(bench, began):
    """Wait until each known stick runs, or is in a state that does not change by itself."""
    known = len(bench.history.newest_sticks(began))

    def settled():
        reports = bench.history.reports_between(began)[-UNCHANGED_REPORTS:]
        states = [tuple(stick.state for stick in report.sticks) for report in reports]
        # A stick that is being reset may appear only in a later report.
        return (len(states) == UNCHANGED_REPORTS and len(set(states)) == 1 and states[0]
                and not set(states[0]) & set(UNDER_WAY))
    bench.wait(settled, HEARD_SEC + A_STICK_MORE_SEC * known)


def _why_none(bench):
    reports = bench.history.reports[-1:]
    if not reports:
        return (f'the node was silent for {HEARD_SEC:g} s; does ROS 2 work here? See node.log in '
                f'{bench.options.out}')
    errors = [f'stick {stick.number} at port {stick.port} is {stick.state}'
              f'{f" ({stick.last_error})" if stick.last_error else ""}'
              for stick in reports[0].sticks]
    if any(stick.state == 'DEAD' for stick in reports[0].sticks):
        errors.append(verdicts.REPLUG)
    return '; '.join([reports[0].message, *errors])


def rates_step(bench: Bench) -> None:
    """Measure the rate of 1, 2, ... all sticks, and each stick's inference time."""
    figures = bench.begin('rates')
    count = len(bench.running())
    sizes = range(1, count + 1) if bench.times.all_sizes else sorted({1, count})
    rows = figures['sizes'] = []
    for size in sizes:
        if len(rows) == 1:
            bench.images_per_stick = IMAGES_PER_DETECTION * max(rows[0]['detections_per_sec'], 5.0)
        bench.publish_for(size)
        # 0 for all: if a stick is lost meanwhile, all others still work.
        refusal = bench.set_cluster_size(0 if size == count else size)
        if refusal:
            bench.check(f'cluster_size {size}', False, refusal, 'to be set')
            return
        bench.pause(bench.times.settle_sec)
        row = _measure(bench, size)
        while size == 1 and _is_limited(row) and bench.images_per_stick < MOST_IMAGES:
            bench.images_per_stick *= 2
            bench.publish_for(size)
            row = _measure(bench, size)
        rows.append(row)
        bench.terminal.say(f"   {size} at work: {row['detections_per_sec']:.1f} a second, latency "
                           f"{_ms(row['latency_p50_ms'])} (95 %: {_ms(row['latency_p95_ms'])})")
    sticks = {stick.number: stick for stick in bench.running()}
    figures['inference_ms'] = {number: stick.inference_ms for number, stick in sticks.items()}
    _judge_rates(bench, figures, sticks)


def _measure(bench, size):
    history, began = bench.history, bench.clock()
    psutil.cpu_percent()   # the next call returns the load since this one
    bench.pause(bench.times.rate_sec)
    now = bench.clock()
    rates = history.stick_rates(began, now)
    return {
        'cluster_size': size,
        'detections_per_sec': round(history.rate(began, now), 2),
        'images_per_sec': round(history.image_rate(began, now), 2),
        'latency_p50_ms': _milliseconds(history.latency(50, began, now)),
        'latency_p95_ms': _milliseconds(history.latency(95, began, now)),
        'inferences_per_sec': {number: round(rate, 2) for number, rate in rates.items()},
        'cpu_busy': round(psutil.cpu_percent() / 100, 3)}


def _judge_rates(bench, figures, sticks):
    rows = figures['sizes']
    single, most = rows[0]['detections_per_sec'], rows[-1]['detections_per_sec']
    if not single:
        bench.check('one stick infers', False, 'no detection', 'some; see node.log')
        return
    count = rows[-1]['cluster_size']
    if count == 1:
        bench.skip('more sticks, more detections', 'there is one stick')
    else:
        figures['scaling_percent'] = round(100 * most / single / count, 1)
        bench.judge(f'{count} sticks, {most:.1f} a second, of {count} x {single:.1f}',
                    figures['scaling_percent'], 'scaling_percent', _what_limits(rows[-1]))
    slow = figures['slow_sticks'] = verdicts.slow_sticks(figures['inference_ms'])
    busy = rows[-1]['cpu_busy']
    if slow and busy > BUSY:
        bench.skip('all sticks are alike',
                   f'the CPU is {busy:.0%} busy, so their times say little')
        return
    for number in slow:
        median = statistics.median_low(filter(None, figures['inference_ms'].values()))
        bench.judge(f'stick {number} at port {sticks[number].port} is as fast as the others',
                    100 * figures['inference_ms'][number] / median, 'inference_percent',
                    'is it hot, or at a slower port?')
    if not slow and count > 1:
        bench.check('all sticks are alike', True, ', '.join(
            f'{value:.0f}' for value in figures['inference_ms'].values() if value) + ' ms')


def _is_limited(row):
    """Return whether more images might give more detections."""
    return row['detections_per_sec'] > SPEED_LIMITED * row['images_per_sec']


def _what_limits(row):
    if _is_limited(row):
        return f"only {row['images_per_sec']:.0f} images a second could be published"
    if row['cpu_busy'] > BUSY:
        return f"the CPU is {row['cpu_busy']:.0%} busy"
    return 'is it the USB bus? See speed and hub of the sticks'


def _since(moment, began):
    return None if not moment else round(moment - began, 3)


def _milliseconds(seconds):
    return None if seconds is None else round(seconds * 1000, 1)


def _ms(value):
    return 'unknown' if value is None else f'{value:.0f} ms'
