# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads each stick's temperature and work from a recording."""

from dataclasses import dataclass
import json
from pathlib import Path

from ncs_cluster_detector.planning.fitting.bag import inference_count
from ncs_cluster_detector.planning.fitting.bag import read_bag
from ncs_cluster_detector.planning.fitting.bag import RecordedStick
from ncs_cluster_detector.policy.heat.stick_heat import LEAST_INTERVAL_SEC
from ncs_cluster_detector.regular_file import read_file
import numpy as np

# Full speed is what a stick at work reaches in the best quarter of the time, so that pacing and
# waiting for pictures do not count. It is counted over up to so many reports in a row with the
# stick active, since in one second a single frame matters.
_FULL_SPEED_PERCENT = 75
_LEAST_INTERVALS, _MOST_INTERVALS = 2, 5
_LARGEST_BYTES = 2**28   # of a report: a day of 64 sticks has 100 MB
# A sensor reports nothing beyond, and no recording is so long.
_MOST_CELSIUS, _MOST_SEC = 1000.0, 1e10
_LONGEST_REASON = 200   # characters; an error may quote what the file holds
# A report is written once a second with the last reading of each stick, which is also taken once a
# second: it is at most so old.
_LATE_IN_REPORT_SEC = 1.0


@dataclass(frozen=True)
class StickSeries:
    """
    One stick's readings.

    ``time_sec`` and ``celsius`` have an entry for each reading; ``share`` has one for each
    interval between two: the share of full speed, 0 to 1 but for a frame more or less in a single
    second, or None when the recording does not tell. All readings may have been taken up to
    ``late_sec`` earlier.
    """

    number: int
    time_sec: list[float]
    celsius: list[float]
    share: list[float] | None = None
    late_sec: float = 0.0


@dataclass(frozen=True)
class Recording:
    """
    The StickSeries of all sticks by number, and the time of one inference at full speed.

    ``inference_sec`` is None when the recording does not tell; of sticks that waited for a slow
    camera it is too long.
    """

    series: tuple[StickSeries, ...]
    inference_sec: float | None


def read_recording(path: Path, inference_sec: float | None = None) -> Recording:
    """
    Return the Recording in a file.

    :param path: a report.json of ``make run``, or a bag.
    :param inference_sec: time of an inference at full speed, if it is known from elsewhere.
    :raises ValueError: it is no recording, or has no temperatures; one line of text.
    :raises OSError: it cannot be read.
    :raises ImportError: no library to read a bag with.
    """
    records = _read_report(path) if path.suffix == '.json' else read_bag(path)
    rates = {number: 1.0 / inference_sec if inference_sec else _full_speed(record.inferences)
             for number, record in records.items()}
    known = [rate for rate in rates.values() if rate]
    others = float(np.median(known)) if known else 0.0
    series = tuple(_series(number, record, rates[number] or others)
                   for number, record in sorted(records.items()) if record.readings)
    if not series:
        raise ValueError(f'{path}: no temperature of any stick in it; record /diagnostics and the '
                         'topics that end in stick_0/temperature and so on')
    return Recording(series, 1.0 / others if others else None)


def _read_report(path):
    try:
        report = json.loads(read_file(str(path), _LARGEST_BYTES))
        return {int(stick['stick']): RecordedStick(
            [(_seconds(time_sec), float(celsius)) for time_sec, celsius in zip(
                stick['time_sec'], stick['temperature_celsius']) if celsius is not None],
            [(_seconds(time_sec), inference_count(count), bool(active))
             for time_sec, count, active in zip(
                stick['time_sec'], stick['inferences'], stick['active'])],
            _LATE_IN_REPORT_SEC) for stick in report['sticks']}
    except (ArithmeticError, RecursionError, ValueError, KeyError, TypeError) as error:
        reason = f'{type(error).__name__}: {error}'[:_LONGEST_REASON]
        raise ValueError(f'{path}: no report of make run ({reason}); expected report.json or a '
                         'bag') from None


def _seconds(value):
    seconds = float(value)
    if not abs(seconds) <= _MOST_SEC:   # nor is NaN
        raise ValueError(f'the time {value}')
    return seconds


def _full_speed(inferences):
    """Return a stick's inferences a second at full speed, or 0 when it was hardly ever active."""
    rates, run = [], []
    for now, count, active in inferences:
        if not active or run and (now <= run[-1][0] or count < run[-1][1]):
            run = []
        if active:
            run = [*run, (now, count)][-_MOST_INTERVALS - 1:]
        if len(run) > _LEAST_INTERVALS:
            (began, done), (ended, later) = run[0], run[-1]
            rates.append((later - done) / (ended - began))
    return float(np.percentile(rates, _FULL_SPEED_PERCENT)) if rates else 0.0


def _series(number, record, full_speed):
    """Return the StickSeries of the time in which both temperatures and work are known."""
    tells_work = len(record.inferences) > 1
    readings = []
    for now, celsius in sorted(record.readings):
        if abs(celsius) <= _MOST_CELSIUS and (   # not NaN
                not readings or now - readings[-1][0] >= LEAST_INTERVAL_SEC) and (
                not tells_work or record.inferences[0][0] <= now <= record.inferences[-1][0]):
            readings.append((now, celsius))
    times, celsius = [now for now, _ in readings], [value for _, value in readings]
    if not tells_work:
        return StickSeries(number, times, celsius)
    counted_at, counts, _ = zip(*record.inferences)
    # A count that goes back has begun anew.
    more = np.diff(counts)
    done = np.concatenate([[0], np.cumsum(np.where(more < 0, counts[1:], more))])
    rates = np.diff(np.interp(times, counted_at, done)) / np.diff(times)
    # Not cut off at 1: a frame too many in one second is missing in another.
    shares = rates / full_speed if full_speed else np.zeros(len(rates))
    return StickSeries(number, times, celsius, shares.tolist(), record.late_sec)
