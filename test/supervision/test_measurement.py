# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Rates, percentiles and duty with invented time."""

from ncs_cluster_detector.supervision.measurement import COMPUTED
from ncs_cluster_detector.supervision.measurement import Durations
from ncs_cluster_detector.supervision.measurement import Duty
from ncs_cluster_detector.supervision.measurement import Rate
from ncs_cluster_detector.supervision.measurement import Work
import pytest


def test_a_steady_rate_is_measured_from_the_second_event_on():
    rate = Rate()
    rate.count(0.0)
    assert rate.per_second(0.0) == 0.0
    for tick in range(1, 101):
        rate.count(tick * 0.1)
        assert rate.per_second(tick * 0.1) == pytest.approx(10.0)


def test_a_rate_falls_when_nothing_comes_and_ends_at_zero():
    rate = Rate()
    for tick in range(51):
        rate.count(tick * 0.1)
    assert rate.per_second(5.1) == pytest.approx(10.0)
    assert 5.0 < rate.per_second(7.0) < 10.0
    assert rate.per_second(11.0) == 0.0


def test_percentiles():
    durations = Durations()
    assert durations.percentile(50) is None
    for value in range(1, 101):
        durations.add(float(value))
    assert durations.percentile(50) == 51.0
    assert durations.percentile(95) == 96.0
    assert durations.percentile(100) == 100.0


def test_only_the_last_durations_count():
    durations = Durations()
    for value in [1000.0] * 300 + [1.0] * 200:
        durations.add(value)
    assert durations.percentile(99) == 1.0


def test_duty_is_the_busy_share_since_the_start_at_first():
    duty = Duty(100.0)
    assert duty.share(100.0) == 0.0
    duty.begin(101.0)
    duty.begin(102.0)   # busy already
    assert duty.share(102.0) == pytest.approx(0.5)
    duty.end(103.0)
    duty.end(103.5)     # idle already
    assert duty.share(104.0) == pytest.approx(0.5)


def test_duty_forgets_what_is_older_than_a_minute():
    duty = Duty(0.0)
    duty.begin(0.0)
    duty.end(30.0)
    assert duty.share(60.0) == pytest.approx(0.5)
    assert duty.share(75.0) == pytest.approx(0.25)
    assert duty.share(90.0) == 0.0


def test_work_counts_each_inference_at_full_speed():
    work = Work()
    assert (work.total_sec(0.0), work.inference_sec) == (0.0, None)
    work.on_frame_sent(0.0)
    work.on_frame_sent(0.01)
    work.on_result(0.08, 0.01)     # with the transfer of a stick that held nothing
    assert work.inference_sec == pytest.approx(0.08)
    assert work.transfer_sec == pytest.approx(0.01)
    work.on_frame_sent(0.08)
    work.on_result(0.145, 0.08)   # had been waiting: the time of an inference alone
    work.on_result(0.210, 0.210)
    assert work.inference_sec == pytest.approx(0.065)
    total_sec = work.total_sec(0.21)
    for start in (1.0, 2.0, 3.0):   # single ones heat no more than others
        work.on_frame_sent(start)
        work.on_result(start + 0.08, start + 0.08)
    assert work.total_sec(9.0) == pytest.approx(total_sec + 3 * 0.065)


def test_a_frame_that_came_late_does_not_count_as_one_that_had_been_waiting():
    work = Work()
    work.on_frame_sent(0.0)
    work.on_result(0.080, 0.015)
    work.on_frame_sent(0.080)
    work.on_frame_sent(0.090)
    work.on_result(0.160, 0.095)
    work.on_result(0.225, 0.160)   # there in the very moment
    assert work.inference_sec == pytest.approx(0.065)
    for start in (0.3, 0.5, 0.7):   # sent in time, but not there in time
        work.on_frame_sent(start)
        work.on_frame_sent(start + 0.079)
        work.on_result(start + 0.080, start + 0.015)
        work.on_result(start + 0.159, start + 0.094)
    assert work.inference_sec == pytest.approx(0.065)


def test_the_time_without_transfer_follows_the_stick_also_if_its_frames_come_late():
    work, now = Work(), 0.0
    assert work.compute_sec is None
    # Each frame is on the stick 0.02 s after it was sent, and that 0.01 s too late.
    for number in range(60):
        compute_sec = 0.2 if number < 30 else 0.1
        work.on_frame_sent(now - 0.01)
        now += 0.01 + compute_sec
        work.on_result(now, now - compute_sec)
        if number in (0, 29, 37, 59):
            assert work.compute_sec == pytest.approx(compute_sec)
    # One that waited is computed from the result before on.
    for _ in range(COMPUTED):
        work.on_frame_sent(now - 0.05)
        work.on_result(now + 0.3, now - 0.03)
        now += 0.3
    assert work.compute_sec == pytest.approx(0.3)


def test_work_under_way_counts_as_far_as_it_has_come():
    work = Work()
    work.on_frame_sent(0.0)
    assert work.total_sec(0.04) == 0.0   # nobody knows yet how long one takes
    work.on_result(0.1, 0.1)
    work.on_frame_sent(1.0)
    assert work.total_sec(1.04) == pytest.approx(0.14)
    assert work.total_sec(9.0) == pytest.approx(0.2)   # it hangs, which heats nothing
    work.on_frames_lost()
    assert work.total_sec(9.0) == pytest.approx(0.1)


def test_the_speed_of_late_is_the_median_of_three():
    work, now = Work(), 0.0
    assert work.recent_sec is None
    for took_sec, recent_sec in ((0.1, None), (0.1, None), (0.1, 0.1), (0.9, 0.1), (0.9, 0.9),
                                 (0.1, 0.9), (0.1, 0.1)):
        work.on_frame_sent(now)
        work.on_result(now + took_sec, now + took_sec)
        now += 1.0
        assert work.recent_sec == (recent_sec and pytest.approx(recent_sec))
