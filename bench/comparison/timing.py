# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How long things take: latency, start, gaps at a change, and the supervisor's steps."""

from collections.abc import Iterator
from itertools import pairwise
import sys
import time

from comparison import original_script
from comparison.figures import BARE
from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import Row
from comparison.measurements import fast_sticks
from comparison.measurements import MAIN
from comparison.measurements import Place
from comparison.processes import BenchError
from comparison.processes import POLL_SEC
from comparison.processes import Program
from comparison.side_by_side import node_command
from comparison.side_by_side import PROGRAMS
from comparison.side_by_side import READY_SEC
from comparison.side_by_side import ros_arguments
from comparison.side_by_side import side_by_side
from comparison.side_by_side import with_programs
from comparison.traffic import BARE as BARE_LANE
from comparison.traffic import OURS
from comparison.traffic import Traffic
from programs import timed_start

LATENCY_FPS, LATENCY_SEC, LATENCY_WINDOWS = 10.0, 6.0, 4
STICK_MS = 65.0 + 15.0   # an inference and its transfer, as simulated by default
CYCLE_MS, CHANGES_SEC, GAP_FPS = 2000, 12.0, 60.0
STARTS, START_FPS = 5, 60.0
PHASES = ('python', 'imports', 'node made', 'sticks listed', 'stick ready', 'first detection')
CPU = 'CPU'   # of all processes of the node, in seconds
STEP_STICKS, STEP_FPS, STEP_SEC, STEP_WINDOWS = (2, 32, 64), 30.0, 3.0, 3


def latency(place: Place) -> Iterator[Row]:
    """Yield the time from an image to its detections, without that of the stick."""
    place.say(f'latency at {LATENCY_FPS:g}/s')
    found = {OURS: [], BARE_LANE: []}
    with side_by_side(place.traffic, place.folder, MAIN, LATENCY_FPS) as running:
        for _ in range(LATENCY_WINDOWS):
            began = time.monotonic()
            running.window(LATENCY_SEC)
            for name, windows in found.items():
                windows.append(sorted(1e3 * late for _, late in place.traffic.lanes[name].between(
                    began, time.monotonic())))
    for share in (50, 95):
        ours, bare = (Figure(tuple(percentile(late, share) for late in windows))
                      for windows in found.values())
        yield Row('latency', f'latency beyond the stick, p{share}', 'ms',
                  Figure(tuple(late - STICK_MS for late in ours.samples)), bare=bare,
                  is_paired=True, limit=Limit(1.5, BARE) if share == 50 else None)


def percentile(ordered: list[float], share: int) -> float:
    """Return a percentile of ordered values, an existing one."""
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


def start(place: Place) -> Iterator[Row]:
    """Yield the time from the start of the process to the first detection, by phase."""
    ours, bare = [], []
    for number in range(STARTS):
        place.say(f'start {number + 1} of {STARTS}')
        # With a participant of its own, as one that knew other nodes finds a new one later.
        for found, started in ((ours, _started), (bare, _bare_started)):
            traffic = Traffic()
            try:
                found.append(started(place._replace(traffic=traffic)))
            finally:
                traffic.close()
    bare_at, bare_cpu = (Figure(column) for column in zip(*bare))
    before, since = '', dict.fromkeys(range(STARTS), 0.0)
    for phase in PHASES[:-1]:
        if all(phase in run for run in ours):
            yield Row('start', f'start, {before or "exec"} to {phase}', 's', Figure(tuple(
                run[phase] - since[number] for number, run in enumerate(ours))), least_change=0.05)
            before, since = phase, {number: run[phase] for number, run in enumerate(ours)}
    yield Row('start', f'start, {before} to {PHASES[-1]}', 's', Figure(tuple(
        run[PHASES[-1]] - since[number] for number, run in enumerate(ours))), least_change=0.05)
    yield Row('start', 'start to first detection', 's',
              Figure(tuple(run[PHASES[-1]] for run in ours)), original=_original_start(place),
              bare=bare_at, limit=Limit(1.0), least_change=0.1)
    yield Row('start', 'all processes, CPU until the first detection', 's',
              Figure(tuple(run[CPU] for run in ours)), bare=bare_cpu, least_change=0.1)


def _started(place):
    """Return when a node reached each phase, in seconds after its start, and its CPU time."""
    notes = place.folder / 'start_notes'
    notes.write_text('')
    with Program('detector', node_command(MAIN, timed_start.NODE), place.folder,
                 with_programs(**{timed_start.FILE_VARIABLE: str(notes)})) as node:
        at, cpu_sec = _first_detection(place, node, OURS)
    phases = timed_start.phases_of(notes.read_text())
    reached = {phase: at_sec - node.started_at
               for phase, at_sec in {**phases, PHASES[-1]: at}.items()}
    return {**reached, CPU: cpu_sec}


def _bare_started(place):
    with Program('bare', [sys.executable, str(PROGRAMS / 'bare_node.py'),
                          *ros_arguments(BARE_LANE)], place.folder) as node:
        at, cpu_sec = _first_detection(place, node, BARE_LANE)
        return at - node.started_at, cpu_sec


def _first_detection(place, node, lane):
    place.traffic.begin(START_FPS, (320, 240), (lane,))
    deadline, detections = time.monotonic() + READY_SEC, place.traffic.lanes[lane].detections
    while not detections:
        node.check_running()
        if time.monotonic() > deadline:
            raise BenchError(f'{node.name}: no detection within {READY_SEC:g} s')
        time.sleep(POLL_SEC)
    cpu_sec = sum(node.cpu_sec().values())
    place.traffic.end_sending()
    return detections[0][0], cpu_sec


def _original_start(place):
    if original_script.why_missing():
        return None
    with original_script.running(place.folder, sticks=5, active=2, cycle_ms=10000,
                                 boot_ms=0.0) as script:
        script.wait_for_results(1)
        return Figure((script.result_times()[0] - script.started_at,))


def gap(place: Place) -> Iterator[Row]:
    """Yield the largest gap between two results while the active cluster changes often."""
    place.say(f'a change every {CYCLE_MS} ms')
    ours, original = [], None
    parameters = {**MAIN, 'cluster_switch_cycle_ms': CYCLE_MS}
    with side_by_side(place.traffic, place.folder, parameters, GAP_FPS,
                      with_bare=False) as running:
        for _ in range(2):
            began = time.monotonic()
            running.window(CHANGES_SEC)
            ours.append(largest_gap_ms([came for came, _ in place.traffic.lanes[OURS].between(
                began, time.monotonic())]))
    if not original_script.why_missing():
        with original_script.running(place.folder, sticks=5, active=2,
                                     cycle_ms=CYCLE_MS) as script:
            script.wait_for_results(50)
            began = time.monotonic()
            time.sleep(CHANGES_SEC)
            original = Figure((largest_gap_ms(
                [came for came in script.result_times() if came >= began]),))
    yield Row('gap', 'largest gap, a change every 2 s', 'ms', Figure(tuple(ours)),
              original=original, least_change=50.0)


def largest_gap_ms(times: list[float]) -> float:
    """Return the longest time between two that follow each other, in ms."""
    return 1e3 * max(after - before for before, after in pairwise(times))


def steps(place: Place) -> Iterator[Row]:
    """Yield what the steps of the supervisor take, without ROS; they should never wait."""
    for sticks in STEP_STICKS:
        place.say(f'steps of the supervisor, {fast_sticks(sticks)}')
        command = [sys.executable, str(PROGRAMS / 'timed_steps.py'),
                   *map(str, (sticks, STEP_FPS, STEP_SEC, STEP_WINDOWS))]
        with Program('supervisor', command, place.folder) as program:
            program.wait(READY_SEC + 2 * STEP_SEC * STEP_WINDOWS)
            lines = [[float(word) for word in line.split()]
                     for line in program.output.read_text().splitlines()]
        wall, waits, cpu = (Figure(tuple(column)) for column in zip(*lines, strict=True))
        name = fast_sticks(sticks)
        yield Row('steps', f'{name}: a step of the supervisor by the clock', 'ms', wall,
                  least_change=0.05)
        yield Row('steps', f'{name}: a step by the clock, times its CPU', 'x', waits,
                  limit=Limit(2.0))
        yield Row('steps', f"{name}: supervisor's thread, CPU a detection", 'ms', cpu,
                  least_change=0.1)
