# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a worker costs beyond the double of the sticks, whose work a chip does in earnest."""

from collections.abc import Iterator
from typing import NamedTuple

from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import Row
from comparison.measurements import FPS
from comparison.measurements import MAIN
from comparison.measurements import Place
from comparison.side_by_side import side_by_side
from comparison.side_by_side import WINDOWS
from comparison.side_by_side import with_programs
from programs import clocked_driver

WINDOW_SEC = 6.0   # a worker writes its line once a second


class Sample(NamedTuple):
    """What a worker has used until a time, in seconds, and how many results it had."""

    time_sec: float
    process_sec: float
    double_sec: float
    results: float


def worker(place: Place) -> Iterator[Row]:
    """Yield the CPU time a detection of the workers, and that of the double in them."""
    place.say('workers with clocks around the double')
    folder = place.folder / 'clocked'
    folder.mkdir()
    environment = with_programs(**{clocked_driver.FOLDER_VARIABLE: str(folder)})
    with side_by_side(place.traffic, place.folder, MAIN, FPS, program=clocked_driver.NODE,
                      environment=environment) as running:
        running.windows(WINDOWS, WINDOW_SEC)
    by_worker = [samples_of(path.read_text()) for path in sorted(folder.iterdir())]
    ended = max(samples[-1].time_sec for samples in by_worker)
    found = [used_in(by_worker, ended - (number + 1) * WINDOW_SEC, ended - number * WINDOW_SEC)
             for number in reversed(range(WINDOWS))]
    own, double = (Figure(tuple(column)) for column in zip(*found))
    yield Row('worker', 'worker beyond the double, CPU a detection', 'ms', own, limit=Limit(1.0))
    yield Row('worker', 'the double in a worker, CPU a detection', 'ms', double)


def samples_of(text: str) -> list[Sample]:
    """Return what a worker has written, oldest first; a line that is not complete is left out."""
    return [Sample(*map(float, line.split())) for line in text.split('\n')[:-1]]


def used_in(by_worker: list[list[Sample]], begin: float, end: float) -> tuple[float, float]:
    """Return the CPU ms a result of the workers themselves, and of the double in them."""
    own_sec = double_sec = results = 0.0
    for samples in by_worker:
        inside = [sample for sample in samples if begin <= sample.time_sec <= end]
        if len(inside) > 1:
            first, last = inside[0], inside[-1]
            double = last.double_sec - first.double_sec
            double_sec += double
            own_sec += last.process_sec - first.process_sec - double
            results += last.results - first.results
    return 1e3 * own_sec / max(results, 1.0), 1e3 * double_sec / max(results, 1.0)
