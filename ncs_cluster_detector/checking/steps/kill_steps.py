# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The steps that end processes: kill workers, kill the node, and stop the node cleanly."""

import signal

from ncs_cluster_detector.checking.bench import Bench
from ncs_cluster_detector.checking.node_process import members_left
from ncs_cluster_detector.checking.verdicts import gap_limit

# How long to wait: for a stick or detection to come back, for a stick to infer, for workers to
# end, for the node to end.
BACK_SEC = 40.0
WORKS_SEC = 10.0
GONE_SEC = 3.0
END_SEC = 15.0
# A gap in detections is looked for from before the kill to after the stick is back.
BEFORE_SEC = 0.2
AFTER_SEC = 1.0
ABORTED_LISTING = 'looking for sticks:'   # the node's log line about one
COMPUTES_SEC = 3.0   # the oldest report by which a stick counts as inferring now


def worker_step(bench: Bench) -> None:
    """Kill a worker while its stick infers, several times, each time another one."""
    figures = bench.begin('kill a worker')
    kills = figures['kills'] = []
    began = bench.clock()
    numbers = [stick.number for stick in bench.running()]
    bench.publish_for(len(numbers))
    for index in range(bench.times.kills):
        number = numbers[index % len(numbers)]
        worker = bench.wait(lambda: _worker_at_work(bench, number), WORKS_SEC)
        kill = {'stick': number, 'gap_sec': None, 'back_sec': None}
        kills.append(kill)
        if not worker or not bench.node.signal_worker(worker.pid, signal.SIGKILL):
            bench.terminal.say(f'   stick {number} did no work within {WORKS_SEC:g} s')
            continue
        killed_at = bench.clock()
        back_at = bench.wait_for_running(number, killed_at, BACK_SEC, worker.pid)
        bench.pause(AFTER_SEC)
        kill['gap_sec'] = round(bench.history.longest_gap(
            killed_at - BEFORE_SEC, bench.clock())[0], 3)
        if back_at is not None:
            kill['back_sec'] = round(back_at - killed_at, 3)
        bench.terminal.say(f"   stick {number} killed: gap {kill['gap_sec']:.2f} s, back after "
                           f"{kill['back_sec']} s")
    figures['aborted_listings'] = bench.node.count_lines(ABORTED_LISTING, began)
    bench.judge(f'longest gap in detections of {len(kills)} kills', _worst(kills, 'gap_sec'),
                gap_limit(len(numbers)))
    bench.judge('longest time until the stick runs again', _worst(kills, 'back_sec'),
                'back_after_kill_sec',
                f"{figures['aborted_listings']} lists of sticks were broken off")


def _worker_at_work(bench, number):
    """Return a stick that has inferred since the report before, or None."""
    reports = bench.history.reports[-2:]
    if len(reports) < 2 or bench.clock() - reports[0].time_sec > COMPUTES_SEC:
        return None
    before, now = (next((stick for stick in report.sticks if stick.number == number), None)
                   for report in reports)
    if not before or not now or now.state != 'RUNNING' or not now.pid:
        return None
    return now if now.inferences > before.inferences else None


def _worst(kills, name):
    """Return the largest value, or None when one is missing."""
    values = [kill[name] for kill in kills]
    return None if None in values or not values else max(values)


def node_step(bench: Bench) -> None:
    """Kill the node, start it again, and wait for the first detection and all sticks."""
    figures = bench.begin('kill the node')
    sticks = len(bench.running())
    old = bench.node
    bench.note_shared_memory()
    old.signal(signal.SIGKILL)
    old.wait(END_SEC)
    bench.start_node()
    began = bench.node.started_at
    first = bench.wait(lambda: bench.history.first_detection(began), BACK_SEC)
    figures['first_detection_sec'] = None if not first else round(first - began, 3)
    bench.judge('first detection of the next one', figures['first_detection_sec'],
                'detection_after_restart_sec')
    all_run = bench.wait(lambda: len(bench.running(began)) >= sticks, BACK_SEC + 10.0 * sticks)
    figures['all_running_sec'] = round(bench.clock() - began, 3) if all_run else None
    bench.check('all sticks run again', all_run, f'{len(bench.running(began))} of {sticks} after '
                f'{bench.clock() - began:.1f} s', f'{sticks}')
    left = members_left(old.pid, GONE_SEC)
    figures['workers_left'] = len(left)
    if left:
        old.end_by_force()
    bench.check('its workers end with it', not left, f'{len(left)} left', 'none')


def end_step(bench: Bench) -> None:
    """Stop the node by SIGINT; this step is taken in any case."""
    figures = bench.begin('end')
    node = bench.node
    bench.note_shared_memory()
    began = bench.clock()
    node.signal(signal.SIGINT)
    ended = node.wait(END_SEC)
    took = bench.clock() - began
    figures['stop_sec'] = round(took, 3) if ended else None
    figures['exit_code'] = node.exit_code()
    left = members_left(node.pid, GONE_SEC if ended else 0.0)
    figures['processes_left'] = len(left)
    node.end_by_force()
    bench.judge('time to stop', figures['stop_sec'], 'stop_sec')
    bench.check('exit code, processes left', figures['exit_code'] == 0 and not left,
                f"exit code {figures['exit_code']}, {len(left)} left", 'exit code 0, 0 left')
