# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the schedule of frames and of their rate."""

from ncs_cluster_detector.cameras.grabbing.playback_schedule import LONGEST_GAP_SEC
from ncs_cluster_detector.cameras.grabbing.playback_schedule import MAX_LAG_SEC
from ncs_cluster_detector.cameras.grabbing.playback_schedule import PlaybackSchedule
from ncs_cluster_detector.cameras.grabbing.playback_schedule import RateMeter
import pytest


def test_the_first_frame_is_due_at_once_and_the_others_a_period_apart():
    pace = PlaybackSchedule()
    assert pace.until_next(None, 0.1, 50.0) == 0.0
    assert pace.until_next(None, 0.1, 50.0) == pytest.approx(0.1)
    assert pace.until_next(None, 0.1, 50.15) == pytest.approx(0.05)


def test_a_late_frame_does_not_delay_the_next():
    pace = PlaybackSchedule()
    pace.until_next(None, 0.1, 50.0)
    assert pace.until_next(None, 0.1, 50.19) == 0.0
    assert pace.until_next(None, 0.1, 50.19) == pytest.approx(0.01)


def test_lost_time_is_caught_up_at_twice_the_rate():
    pace = PlaybackSchedule()
    pace.until_next(None, 0.1, 50.0)
    pace.handed_over(50.5)   # a slow taker
    now, times = 50.5, []
    for _ in range(12):
        now += pace.until_next(None, 0.1, now)
        pace.handed_over(now)
        times.append(now)
    # From 50.5 on every 0.05 s, until the frames are on their times again: 50.1 + 0.1 n.
    assert times[:9] == pytest.approx([50.55 + 0.05 * number for number in range(9)])
    assert times[9:] == pytest.approx([51.0, 51.1, 51.2])


def test_there_is_no_drift():
    pace = PlaybackSchedule()
    now = 0.0
    for _ in range(10001):
        now += pace.until_next(None, 1 / 30, now) + 0.001   # each frame takes its time
    assert now == pytest.approx(10000 / 30 + 0.001, abs=1e-6)


def test_a_long_pause_is_not_caught_up():
    pace = PlaybackSchedule()
    pace.until_next(None, 0.1, 50.0)
    late = 50.1 + MAX_LAG_SEC
    assert pace.until_next(None, 0.1, late + 0.01) == 0.0
    assert pace.until_next(None, 0.1, late + 0.01) == pytest.approx(0.1)


def test_a_frame_is_due_at_its_own_time():
    pace = PlaybackSchedule()
    assert pace.until_next(7.0, 0.1, 50.0) == 0.0
    assert pace.until_next(7.03, 0.1, 50.0) == pytest.approx(0.03)
    assert pace.until_next(9.5, 0.1, 50.5) == pytest.approx(2.0)
    pace.rewind()
    assert pace.until_next(7.0, 0.1, 52.5) == pytest.approx(0.1)
    assert pace.until_next(7.03, 0.1, 52.6) == pytest.approx(0.03)


@pytest.mark.parametrize('time_sec', [None, 7.0, 6.0, 7.1 + LONGEST_GAP_SEC])
def test_a_frame_whose_time_cannot_be_is_due_after_a_period(time_sec):
    pace = PlaybackSchedule()
    pace.until_next(7.0, 0.1, 50.0)
    assert pace.until_next(time_sec, 0.1, 50.0) == pytest.approx(0.1)


def test_after_the_end_the_first_frame_is_due_a_period_after_the_last():
    pace = PlaybackSchedule()
    for _ in range(3):
        pace.until_next(None, 0.1, 50.0)
    pace.rewind()
    assert pace.until_next(None, 0.1, 50.0) == pytest.approx(0.3)


def test_restart_begins_anew():
    pace = PlaybackSchedule()
    for _ in range(3):
        pace.until_next(None, 0.1, 50.0)
    pace.restart()
    assert pace.until_next(None, 0.1, 50.0) == 0.0


def test_the_rate_is_that_of_the_last_seconds():
    meter = RateMeter()
    assert meter.fps(0.0) == 0.0
    for number in range(10):
        meter.count(number * 1.0)
    for number in range(101):
        meter.count(20.0 + number * 0.02)
    assert meter.fps(22.0) == pytest.approx(50.0)
    assert meter.fps(28.0) == 0.0


def test_one_frame_has_no_rate():
    meter = RateMeter()
    meter.count(1.0)
    assert meter.fps(1.0) == 0.0
