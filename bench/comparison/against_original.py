# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The script of 2018 and the detector node on the same sticks, one after the other."""

from collections.abc import Iterator

from comparison import original_script
from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import ORIGINAL
from comparison.figures import Row
from comparison.measurements import MAIN
from comparison.measurements import Place
from comparison.side_by_side import side_by_side
from comparison.side_by_side import WINDOW_SEC
from comparison.side_by_side import WINDOWS

FPS = 60.0
CYCLE_MS = 10000   # the default of both
FIRST_RESULTS = 100
RATE, CPU_SHARE = 1.35, 1.0 / 15.0


def original(place: Place) -> Iterator[Row]:
    """Yield rate, CPU time a detection, log and memory."""
    place.say(f'5 sticks, 320x240, {FPS:g}/s')
    with side_by_side(place.traffic, place.folder, MAIN, FPS, with_bare=False) as running:
        logged = running.node.output.stat().st_size
        windows = running.windows()
        logged = running.node.output.stat().st_size - logged
        memory = running.node.pss_mb()
    theirs = _original(place)
    seconds = sum(window.seconds for window in windows)
    rows = (
        ('60 images/s: detections a second', '1/s',
         tuple(window.detections / window.seconds for window in windows),
         Limit(RATE, ORIGINAL, is_least=True)),
        ('60 images/s: all processes, CPU a detection', 'ms',
         tuple(window.node_ms + window.workers_ms for window in windows),
         Limit(CPU_SHARE, ORIGINAL)),
        ('60 images/s: log', 'kB/s', (logged / 1e3 / seconds,), None),
        ('60 images/s: memory of all processes', 'MB', (memory,), None))
    for (name, unit, ours, limit), other in zip(rows, theirs):
        yield Row('original', name, unit, Figure(ours), original=other,
                  limit=limit if other else None, is_more_better=unit == '1/s',
                  least_change=0.1 if unit == 'kB/s' else 0.0)


def _original(place):
    """Return the figures of the script in the order of the rows, None where it is missing."""
    if original_script.why_missing():
        return (None,) * 4
    place.say('the original script')
    with original_script.running(place.folder, sticks=5, active=2,
                                 cycle_ms=CYCLE_MS) as script:
        script.wait_for_results(FIRST_RESULTS)
        windows = [script.window(WINDOW_SEC) for _ in range(WINDOWS)]
        memory = script.pss_mb()
    return (*(Figure(column) for column in zip(*windows)), Figure((memory,)))
