# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The figures in what cluster_listener has written: rates, order, gaps, latencies and states."""

from itertools import pairwise
import json
import math
from pathlib import Path
from typing import NamedTuple

from numbered_camera import box_of
from numbered_camera import WIDTH

SECOND = 10**9
# What a box may be off: one and a half pixels of the network's input, 300 of them.
OFF_PIXELS = 1.5 * WIDTH / 300


class Found(NamedTuple):
    """Detections of a frame: number and stamp of the frame, arrival, both in ns, and boxes."""

    number: int
    stamp: int
    arrival: int
    boxes: list


class Shown(NamedTuple):
    """A status on /diagnostics."""

    arrival: int
    name: str
    hardware_id: str
    level: int
    message: str
    values: dict


class ClusterRecord:
    """What was heard so far; times are wall clock in ns, None means from the first to the last."""

    def __init__(self, path):
        """Read nothing yet."""
        self._path, self._read_bytes = Path(path), 0
        self.found, self.shown, self.results = [], [], []

    def read(self):
        """Read what is new in the file; return the record."""
        if not self._path.exists():
            return self
        with self._path.open('rb') as lines:
            lines.seek(self._read_bytes)
            for line in lines:
                if not line.endswith(b'\n'):   # it is being written
                    break
                self._read_bytes += len(line)
                self._take(json.loads(line))
        return self

    def _take(self, entry):
        arrival = entry['arrival']
        if entry['kind'] == 'detections':
            self.found.append(Found(int(entry['frame']), entry['stamp'], arrival, entry['boxes']))
        elif entry['kind'] == 'status':
            self.shown.append(Shown(arrival, entry['name'], entry['hardware_id'], entry['level'],
                                    entry['message'], entry['values']))
        else:
            self.results.append((arrival, entry['host']))

    def between(self, begin=None, end=None):
        """Return the Found that arrived from ``begin`` on and before ``end``."""
        return [found for found in self.found
                if (begin is None or found.arrival >= begin) and (
                    end is None or found.arrival < end)]

    def rate(self, begin, end):
        """Return how many detections arrived a second."""
        return len(self.between(begin, end)) * SECOND / (end - begin)

    def window_rates(self, begin, end, window_sec=1.0):
        """Return the least and the largest rate in a window, moved in steps of a quarter."""
        step = round(window_sec * SECOND / 4)
        rates = [self.rate(start, start + 4 * step)
                 for start in range(begin, end - 4 * step + 1, step)]
        return min(rates), max(rates)

    def duplicates(self):
        """Return how many detections have a stamp that came before."""
        return len(self.found) - len({found.stamp for found in self.found})

    def steps_back(self):
        """Return how many detections have a stamp below that of the one before."""
        return sum(after.stamp < before.stamp for before, after in pairwise(self.found))

    def wrong(self):
        """Return the numbers of the frames whose detections are not what was in them."""
        return [found.number for found in self.found if not _is_right(found)]

    def largest_gap_sec(self, begin, end):
        """Return the longest time without detections, in seconds."""
        times = [begin, *(found.arrival for found in self.between(begin, end)), end]
        return max(after - before for before, after in pairwise(times)) / SECOND

    def latencies_ms(self, begin=None, end=None):
        """Return the times from stamp to arrival, in ms, the shortest first."""
        return sorted((found.arrival - found.stamp) / 1e6 for found in self.between(begin, end))

    def sticks(self, host=None):
        """
        Return what the detector showed of sticks: lists of Shown by hardware_id, oldest first.

        :param host: only those of this host; '' = those of the detector itself; None = all.
        """
        found = {}
        for shown in self.shown:
            if 'detector: stick ' in shown.name and host in (None, host_of(shown.hardware_id)):
                found.setdefault(shown.hardware_id, []).append(shown)
        return found

    def states(self, host=None, after=0):
        """Return the newest state of each stick that was shown after a time, by hardware_id."""
        return {name: shown[-1].values['state'] for name, shown in self.sticks(host).items()
                if shown[-1].arrival >= after}

    def when_all(self, state, host, after):
        """Return when the last of a host's sticks was first shown in a state, or None."""
        times = [next((one.arrival for one in shown
                       if one.arrival >= after and one.values['state'] == state), None)
                 for shown in self.sticks(host).values()]
        return max(times) if times and None not in times else None

    def stick_rate(self, host, begin, end):
        """Return the inferences a second of a host's sticks, by their counts in diagnostics."""
        total = 0.0
        for shown in self.sticks(host).values():
            inside = [one for one in shown if begin <= one.arrival < end]
            if len(inside) > 1:
                first, last = inside[0], inside[-1]
                count = int(last.values['inferences']) - int(first.values['inferences'])
                total += count * SECOND / (last.arrival - first.arrival)
        return total

    def first_result(self, host, after):
        """Return when the first result of a host was heard after a time, or None."""
        return next((arrival for arrival, name in self.results
                     if name == host and arrival >= after), None)


def host_of(hardware_id):
    """Return the host in a hardware_id such as ``h1/1.2-ma2450``; '' for the detector's own."""
    return hardware_id.rpartition('/')[0]


def percentile(values, share):
    """Return the smallest of sorted values that so large a share does not exceed; nan of none."""
    return values[math.ceil(len(values) * share) - 1] if values else math.nan


def _is_right(found):
    if [label for label, *_ in found.boxes] != ['car']:
        return False
    return all(abs(edge - expected) <= OFF_PIXELS
               for edge, expected in zip(found.boxes[0][2:], box_of(found.number)))
