# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Reads what a recording tells of each stick's temperature and work."""

from dataclasses import dataclass
import json
import math
from typing import Optional

from ncs_cluster_detector.planning.bag import read_bag

# Full speed is the median rate of a stick at work: single seconds are counted to a frame or more.
_FULL_SPEED_PERCENT = 50
# A report is written once a second with the last reading of each stick, which is taken once a
# second too: so old it is on average.
_AGE_IN_REPORT_SEC = 0.5


@dataclass(frozen=True)
class StickSeries:
    """
    One stick's readings.

    ``time_sec`` and ``celsius`` have an entry for each reading; ``share`` has one for the time
    between each two: at which share of full speed, 0 to 1, the stick worked. It is None when the
    recording does not tell.
    """

    number: int
    time_sec: list
    celsius: list
    share: Optional[list] = None


@dataclass(frozen=True)
class StickRecord:
    """
    What was recorded of one stick.

    ``readings`` are pairs (seconds, degrees Celsius), ``inferences`` triples (seconds, inferences
    done until then, whether the stick was active); both may be empty.
    """

    readings: list
    inferences: list


@dataclass(frozen=True)
class Recording:
    """
    The StickSeries of all sticks by number, and the time of one inference at full speed.

    ``inference_sec`` is None when the recording does not tell; of sticks that waited for a slow
    camera it is too long.
    """

    series: tuple
    inference_sec: Optional[float]


def read_recording(path, inference_sec=None):
    """
    Return the Recording in a file.

    :param path: pathlib.Path of a report.json of ``make run``, or of a bag.
    :param inference_sec: time of an inference at full speed, if it is known from elsewhere.
    :raises ValueError: it is none, or tells no temperatures; one line of text.
    :raises OSError: it cannot be read.
    :raises ImportError: no library to read a bag with.
    """
    records = _read_report(path) if path.suffix == '.json' else read_bag(path, StickRecord)
    full_speed = 1.0 / inference_sec if inference_sec else _full_speed(records.values())
    series = tuple(_series(number, record, full_speed)
                   for number, record in sorted(records.items()) if record.readings)
    if not series:
        raise ValueError(f'{path}: no temperature of any stick in it; record /diagnostics and the '
                         'topics that end in stick_0/temperature and so on')
    return Recording(series, 1.0 / full_speed if full_speed else None)


def _read_report(path):
    try:
        report = json.loads(path.read_text(encoding='utf-8'))
        return {stick['stick']: StickRecord(
            [(time_sec - _AGE_IN_REPORT_SEC, float(celsius)) for time_sec, celsius in zip(
                stick['time_sec'], stick['temperature_celsius']) if celsius is not None],
            [(time_sec, int(count), active) for time_sec, count, active in zip(
                stick['time_sec'], stick['inferences'], stick['active'])])
            for stick in report['sticks']}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path}: no report of make run ({type(error).__name__}: {error}); '
                         'expected report.json or a bag') from None


def _full_speed(records):
    """Return the inferences a second of a stick at full speed, or 0 when none ever worked."""
    rates = []
    for record in records:
        for (before, count, active), (after, later, still_active) in zip(
                record.inferences, record.inferences[1:]):
            if active and still_active and after > before and later > count:
                rates.append((later - count) / (after - before))
    return sorted(rates)[len(rates) * _FULL_SPEED_PERCENT // 100] if rates else 0.0


def _series(number, record, full_speed):
    times, celsius = [], []
    for time_sec, value in sorted(record.readings):
        if math.isfinite(value) and (not times or time_sec > times[-1]):
            times.append(time_sec)
            celsius.append(value)
    if len(record.inferences) < 2:
        return StickSeries(number, times, celsius)
    done = [_done_until(record.inferences, time_sec) for time_sec in times]
    shares = []
    for before, after, count, later in zip(times, times[1:], done, done[1:]):
        rate = max(later - count, 0.0) / (after - before)
        shares.append(min(rate / full_speed, 1.0) if full_speed else 0.0)
    return StickSeries(number, times, celsius, shares)


def _done_until(inferences, time_sec):
    """Return how many inferences were done at a time, between two counts by proportion."""
    for (before, count, _), (after, later, _) in zip(inferences, inferences[1:]):
        if time_sec <= after:
            part = (time_sec - before) / (after - before) if after > before else 1.0
            return count + max(part, 0.0) * (later - count)
    return inferences[-1][1]
