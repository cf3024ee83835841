# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the detector node costs: CPU time, memory, and the same without images."""

from collections.abc import Callable
from collections.abc import Iterator
import itertools
from pathlib import Path
from typing import NamedTuple

from comparison.figures import BARE
from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import Row
from comparison.side_by_side import side_by_side
from comparison.side_by_side import Window
from comparison.traffic import Traffic

# The main case: five sticks of which two work, as in the article.
NODE, WORKERS = 'node, CPU a detection', 'workers, CPU a detection'
MAIN = {'simulated.sticks': 5, 'cluster_size': 2, 'simulated.boot_ms': 0.0}
FPS = 30.0
SIZES = ((320, 240), (640, 480), (1280, 720))
# One stick must do all images by itself, so that each number of sticks has the same work.
FAST = {'simulated.inference_ms': 20.0, 'simulated.transfer_ms': 5.0, 'simulated.boot_ms': 0.0}
STICKS = (1, 2, 5, 8, 16, 32, 64)
SCALE_FROM, SCALE_LIMITS = 2, {32: 1.15, 64: 1.25}
# Those with limits are measured in two rounds, by turns, as the machine changes with time.
ROUNDS, ROUND_WINDOWS = (STICKS, (SCALE_FROM, *SCALE_LIMITS)), 2
IDLE_STICKS, IDLE_SEC, IDLE_WINDOWS = 32, 5.0, 3


class Place(NamedTuple):
    """Where a measurement works: the ROS side, a folder for files, and who hears of progress."""

    traffic: Traffic
    folder: Path
    say: Callable[[str], object]


def cpu(place: Place) -> Iterator[Row]:
    """Yield CPU time a detection for each size of image, and the memory of the main case."""
    for width, height in SIZES:
        name = f'5 sticks, {width}x{height}'
        place.say(f'{name}, {FPS:g}/s')
        with side_by_side(place.traffic, place.folder, MAIN, FPS, (width, height)) as running:
            windows = running.windows()
            memory = Figure((running.node.pss_mb(),))
            bare_memory = Figure((running.bare.pss_mb(),))
        limit = Limit(1.3, BARE) if (width, height) == SIZES[0] else None
        yield Row('cpu', f'{name}: {NODE}', 'ms', node_ms(windows),
                  bare=bare_ms(windows), limit=limit, is_paired=True)
        yield Row('cpu', f'{name}: {WORKERS}', 'ms', workers_ms(windows))
        if limit is not None:
            yield Row('cpu', f'{name}: memory of all processes', 'MB', memory, bare=bare_memory,
                      limit=Limit(130.0))


def scale(place: Place) -> Iterator[Row]:
    """Yield CPU time a detection for each number of sticks, half of them active."""
    windows = {sticks: [] for sticks in STICKS}
    for sticks in itertools.chain(*ROUNDS):
        place.say(fast_sticks(sticks))
        parameters = {**FAST, 'simulated.sticks': sticks, 'cluster_size': max(sticks // 2, 1)}
        with side_by_side(place.traffic, place.folder, parameters, FPS) as running:
            windows[sticks] += running.windows(ROUND_WINDOWS)
    for sticks, found in windows.items():
        limit = SCALE_LIMITS.get(sticks)
        yield Row('scale', f'{fast_sticks(sticks)}: {NODE}', 'ms', node_ms(found),
                  bare=bare_ms(found), is_paired=True, limit=None if limit is None else Limit(
                      limit, f'{fast_sticks(SCALE_FROM)}: {NODE}'))
    for sticks, found in windows.items():
        yield Row('scale', f'{fast_sticks(sticks)}: {WORKERS}', 'ms', workers_ms(found))


def idle(place: Place) -> Iterator[Row]:
    """Yield the CPU of all processes while no images come, in percent of a core."""
    for sticks in (MAIN['simulated.sticks'], IDLE_STICKS):
        place.say(f'{sticks} sticks, no images')
        parameters = {'simulated.sticks': sticks, 'simulated.boot_ms': 0.0}
        with side_by_side(place.traffic, place.folder, parameters, 0.0) as running:
            windows = running.windows(IDLE_WINDOWS, IDLE_SEC)
        yield Row(
            'idle', f'{sticks} sticks, no images: all processes', '% CPU',
            Figure(tuple(100 * (one.node_sec + one.workers_sec) / one.seconds
                         for one in windows)),
            bare=Figure(tuple(100 * one.bare_sec / one.seconds for one in windows)),
            limit=Limit(2.0) if sticks == IDLE_STICKS else None, least_change=0.2)


def node_ms(windows: list[Window]) -> Figure:
    """Return the CPU time of the node's own process a detection."""
    return Figure(tuple(window.node_ms for window in windows))


def workers_ms(windows: list[Window]) -> Figure:
    """Return the CPU time of the node's other processes a detection."""
    return Figure(tuple(window.workers_ms for window in windows))


def bare_ms(windows: list[Window]) -> Figure:
    """Return the CPU time of the bare node a detection."""
    return Figure(tuple(window.bare_ms for window in windows))


def fast_sticks(sticks: int) -> str:
    """Return how many sticks, which take 20 ms, in words."""
    return f"{sticks} fast stick{'s' * (sticks > 1)}"
