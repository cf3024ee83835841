# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Frames for sticks of other hosts, and what becomes of them; in invented time."""

import cv2
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.remote.remote_stick import LOST_SEC
from ncs_cluster_detector.wire.messages import Unreadable
import numpy as np
import pytest
from remote_bench import CAR
from remote_bench import PERIOD_SEC
from remote_bench import RemoteBench
from remote_bench import RUNNING

LEFT = Region(0.0, 0.0, 0.5, 1.0)


def picture(height=40, width=60):
    """Return a picture whose left half is blue and whose right half is red."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :width // 2, 0] = image[:, width // 2:, 2] = 255
    return image


def test_a_result_comes_with_its_frame_and_its_times_are_ours():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(1)
    status = bench.pool.views.statuses[1]
    assert (status.outstanding, status.busy_since, status.last_given_at) == (
        1, bench.now, bench.now)
    assert bench.pool.frames_of(1) == {frame.sequence: frame}
    bench.step(0.1)
    server.answer(result_age_sec=0.01, on_stick_age_sec=0.06, inference_sec=0.07,
                  unusable_boxes=2)
    bench.step()
    [(number, result, returned)] = bench.results
    assert (number, returned) == (1, frame)
    assert result.detections == (CAR,)
    assert result.sequence == frame.sequence
    assert result.finished_at == pytest.approx(bench.now - 0.01)
    assert result.on_stick_at == pytest.approx(bench.now - 0.06)
    status = bench.pool.views.statuses[1]
    assert (status.outstanding, status.busy_since) == (0, None)
    assert status.last_result_at == pytest.approx(bench.now - 0.01)
    assert status.transfer_sec == pytest.approx(0.04)
    shown = bench.snapshots()[1]
    assert (shown.inferences, shown.unusable_boxes) == (1, 2)
    assert shown.inference_p50_sec == 0.07
    assert bench.lost == []


def test_each_of_two_frames_on_a_stick_has_its_own_result():
    bench = RemoteBench()
    server = bench.serving()
    frames = [bench.send(0), bench.send(0)]
    assert list(bench.pool.frames_of(0)) == [frame.sequence for frame in frames]
    server.answer(0)
    bench.step(0.05)
    assert bench.pool.views.statuses[0].busy_since == bench.now
    server.answer(1)
    bench.step()
    assert [frame for _, _, frame in bench.results] == frames


def test_an_answer_that_comes_twice_or_late_or_to_nobody_changes_nothing():
    bench = RemoteBench()
    server = bench.serving()
    bench.send(0)
    ticket = server.frames[0][0]
    server.answer()
    server.answer()   # sent again
    bench.step()
    assert len(bench.results) == 1
    for values in ({'server': 'another'}, {'session': 'another'}, {'stick': 77},
                   {'sequence': 4711}):
        fields = {'server': ticket.server, 'session': ticket.session, 'stick': 0,
                  'sequence': ticket.sequence}
        bench.send(0)
        server.answer(ticket=type(ticket)(**{**fields, **values}))
        bench.step()
    assert len(bench.results) == 1
    assert bench.pool.views.statuses[0].outstanding == 4


def test_a_frame_that_its_server_lost_is_lost():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(0)
    server.answer(lost=True)
    bench.step()
    assert bench.lost == [(0, frame)]
    assert bench.results == []
    bench.pool.note_lost(0)
    assert bench.pool.views.statuses[0].outstanding == 0
    bench.step()
    assert bench.snapshots()[0].frames_lost == 1


def test_a_picture_that_is_none_is_no_fault_of_the_stick():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(0, EncodedFrame(1, np.ones(9, np.uint8), 'header', bench.now))
    server.answer(unreadable='it is damaged')
    bench.step()
    assert bench.results == [(0, Unreadable(1, 'it is damaged'), frame)]
    assert bench.lost == []


def test_a_frame_lost_in_transit_is_given_up_after_two_reports_without_it():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(0)
    server.held.clear()
    sent_at = bench.now
    while not bench.lost:
        server.report()
        bench.step(PERIOD_SEC / 4)
        assert bench.now < sent_at + 2.0
    assert bench.lost == [(0, frame)]
    assert LOST_SEC <= bench.now - sent_at <= LOST_SEC + PERIOD_SEC
    assert bench.pool.views.statuses[0].outstanding == 0
    bench.let_report(5)
    assert len(bench.lost) == 1


def test_a_frame_is_not_given_up_while_its_server_has_it_or_its_answer_may_be_under_way():
    bench = RemoteBench()
    server = bench.serving()
    bench.send(0)
    bench.let_report(20)   # the stick takes long, and says so in each report
    assert bench.lost == []
    server.held.clear()
    server.report()    # the result is under way, and this report is faster
    bench.step()
    assert bench.lost == []
    server.answer()
    server.report()
    bench.step()
    assert bench.lost == []
    assert len(bench.results) == 1


def test_a_stick_goes_on_after_lost_frames_with_the_right_times():
    """Of three frames the first is lost in transit: the others are not charged for it."""
    bench = RemoteBench()
    server = bench.serving()
    bench.send(0)
    server.held.clear()
    server.frames.clear()
    bench.let_report(6)
    assert len(bench.lost) == 1
    for _ in range(3):
        bench.send(0)
        bench.step(0.05)
        server.answer(-1, result_age_sec=0.0, on_stick_age_sec=0.04)
        bench.step()
    status = bench.pool.views.statuses[0]
    assert status.recent_sec == pytest.approx(0.05)
    assert status.compute_sec == pytest.approx(0.04)


def test_a_reading_counts_once_at_the_time_when_it_was_measured():
    bench = RemoteBench()
    server = bench.serving()
    server.change(0, celsius=55.5, reading=2, reading_age_sec=0.15, throttle_level=1)
    server.report()
    bench.step()
    status = bench.pool.views.statuses[0]
    assert (status.celsius, status.throttle_level) == (55.5, 1)
    assert status.measured_at == pytest.approx(bench.now - 0.15)
    measured_at = status.measured_at
    bench.now += PERIOD_SEC
    server.change(0, reading_age_sec=0.35 + 0.07)   # this report took less long
    server.report()
    bench.step()
    assert bench.pool.views.statuses[0].measured_at == measured_at
    assert bench.pool.views.statuses[0].reading(bench.now + 10.0) is None


def test_the_trust_of_a_stick_is_what_its_server_and_this_detector_know():
    bench = RemoteBench()
    server = bench.serving()
    server.change(0, doubt_sec=30.0, trials_left=3)
    bench.let_report(1)
    assert bench.pool.views.statuses[0].doubt_sec == 30.0
    assert bench.pool.views.statuses[0].trials_left == 3
    server.change(0, doubt_sec=0.0, trials_left=0)
    bench.pool.note_late(0)
    bench.let_report(1)
    assert bench.pool.views.statuses[0].doubt_sec > 0
    assert bench.pool.views.statuses[0].trials_left == 0


def test_what_a_dead_or_waiting_stick_is_up_to_is_shown():
    bench = RemoteBench()
    server = bench.serving()
    server.change(0, state=StickState.DEAD, dead_sec=7.0, start_in_sec=3.0)
    server.change(1, state=StickState.BACKOFF, in_use=True)
    server.report()
    bench.step()
    now, shown = bench.now, bench.snapshots()
    assert shown[0].dead_since == pytest.approx(now - 7.0)
    assert shown[0].start_at == pytest.approx(now + 3.0)
    assert shown[1].in_use
    assert shown[1].start_at is None


@pytest.mark.parametrize('region, width', [(Region(), 30), (LEFT, 30)])
def test_a_picture_travels_in_the_size_of_the_network(region, width):
    bench = RemoteBench()
    server = bench.serving()
    bench.send(0, Frame(1, picture(), 'header', bench.now, 0, region))
    ticket, data, header = server.frames[0]
    assert (ticket.size, ticket.region, header) == (None, Region(), 'header')
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image.shape == (20, width, 3)
    left, right = image[10, 2], image[10, -3]
    assert left[0] > 200 and left[2] < 50
    assert (right[2] > 200) == (region == Region())


@pytest.mark.parametrize('height, width, sent', [
    (40, 60, (20, 30)), (20, 30, (20, 30)), (10, 20, (10, 20)), (1, 1, (1, 1))])
def test_raw_pixels_travel_with_their_size_and_are_never_made_larger(height, width, sent):
    bench = RemoteBench(jpeg_quality=0)
    server = bench.serving()
    bench.send(0, Frame(1, picture(height, width), 'header', bench.now))
    ticket, data, _ = server.frames[0]
    assert ticket.size == sent
    assert data.shape == (*sent, 3)
    assert data.dtype == np.uint8


def test_a_better_jpeg_is_larger_and_nearer_to_the_picture():
    sizes = []
    for quality in (20, 95):
        bench = RemoteBench(jpeg_quality=quality)
        server = bench.serving()
        noise = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)
        bench.send(0, Frame(1, noise, 'header', bench.now))
        sizes.append(len(server.frames[0][1]))
    assert sizes[0] * 2 < sizes[1]


@pytest.mark.parametrize('height, width', [(1, 65600), (65600, 1)])
def test_a_picture_that_no_jpeg_can_hold_travels_smaller(height, width):
    bench = RemoteBench()
    server = bench.serving(input_size=(300, 300))
    bench.send(0, Frame(1, np.zeros((height, width, 3), np.uint8), 'header', bench.now))
    assert cv2.imdecode(server.frames[0][1], cv2.IMREAD_COLOR).shape == (300, 300, 3)


def test_a_picture_for_networks_of_unknown_size_travels_whole():
    bench = RemoteBench()
    server = bench.serving(input_size=None)
    bench.send(0, Frame(1, picture(), 'header', bench.now))
    assert cv2.imdecode(server.frames[0][1], cv2.IMREAD_COLOR).shape == (40, 60, 3)


def test_an_encoded_picture_travels_as_it_came_with_its_region():
    bench = RemoteBench(jpeg_quality=0)
    server = bench.serving()
    data = np.arange(9, dtype=np.uint8)
    frame = bench.send(0, EncodedFrame(1, data, 'header', bench.now, 0, LEFT))
    ticket, sent, _ = server.frames[0]
    assert sent is data
    assert ticket.size is None
    assert Region(*ticket.region) == LEFT
    server.answer(picture_size=(480, 640))
    bench.step()
    assert [returned for _, _, returned in bench.results] == [frame]
    assert frame.size == (480, 640)


def test_the_result_of_an_encoded_picture_without_its_size_is_none():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(0, EncodedFrame(1, np.ones(9, np.uint8), 'header', bench.now))
    server.answer()
    bench.step()
    assert bench.results == []
    bench.let_report(6)
    assert bench.lost == [(0, frame)]
    assert bench.states()[0] is RUNNING


def test_frames_are_not_given_up_because_this_process_was_suspended():
    bench = RemoteBench()
    server = bench.serving()
    bench.send(0)
    held = dict(server.held)
    server.held.clear()
    bench.now += 5.0
    bench.pool.extend_deadlines(5.0)
    server.report()
    bench.step(PERIOD_SEC)
    server.report()
    bench.step()
    assert bench.lost == []
    server.held = held
    bench.let_report(5)
    assert bench.lost == []
