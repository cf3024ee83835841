# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When a stick that computes gets its second frame, in invented time."""

from dataclasses import replace
import math

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.just_in_time import JustInTime
from ncs_cluster_detector.policy.just_in_time import MARGIN_SEC
from ncs_cluster_detector.policy.just_in_time import SPREAD
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.measurement import Work
import pytest

INFERENCE_SEC, TRANSFER_SEC = 0.065, 0.015
IDLE = StickStatus(0, StickState.RUNNING, 40.0, 0.0, inference_sec=INFERENCE_SEC,
                   transfer_sec=TRANSFER_SEC)
BUSY = replace(IDLE, outstanding=1, under_way_since=1.0, busy_since=1.0, last_given_at=1.0)
# When its second frame must leave.
DUE_AT = 1.0 + INFERENCE_SEC - TRANSFER_SEC - MARGIN_SEC


def control_of(*sticks, several_cameras=True):
    """Return a ClusterControl with these sticks at work, and the sticks by number."""
    control = ClusterControl(several_cameras)
    control.update(1.0, sticks, Settings())
    assert control.active == tuple(stick.number for stick in sticks)
    return control, {stick.number: stick for stick in sticks}


def test_an_idle_stick_gets_a_frame_at_once():
    policy = JustInTime()
    for stick in (IDLE, replace(IDLE, inference_sec=None, transfer_sec=None)):
        assert policy.due_at(stick, (0,)) == -math.inf
        policy.on_frame_sent(stick, 1.0)
    policy.on_frame_sent(BUSY, 1.0)
    assert policy.due_at(IDLE, (0,)) == -math.inf


def test_the_second_frame_comes_just_in_time_for_its_transfer():
    assert JustInTime().due_at(BUSY, (0,)) == pytest.approx(DUE_AT)
    # A third one would be needed after two inferences.
    assert JustInTime().due_at(replace(BUSY, outstanding=2), (0,)) == pytest.approx(
        DUE_AT + INFERENCE_SEC)


@pytest.mark.parametrize('unknown', ['inference_sec', 'transfer_sec', 'under_way_since'])
def test_while_its_times_are_unknown_a_stick_has_one_frame(unknown):
    stick = replace(BUSY, **{unknown: None})
    assert JustInTime().due_at(stick, (0,)) == math.inf
    control, sticks = control_of(stick)
    assert control.give_next(99.0, sticks, 2) is None
    assert control.next_frame_due(1.0, sticks, 2) in (None, math.inf)


@pytest.mark.parametrize('active', [(0,), (0, 1), tuple(range(16))])
def test_second_frames_are_spread_over_the_sticks(active):
    policy, apart_sec = JustInTime(), SPREAD * INFERENCE_SEC / len(active)
    policy.on_frame_sent(IDLE, 1.04)   # a first frame keeps nobody waiting
    assert policy.due_at(BUSY, active) == pytest.approx(DUE_AT)
    policy.on_frame_sent(BUSY, 1.041)
    other = replace(BUSY, number=1)
    assert policy.due_at(other, active) == pytest.approx(max(DUE_AT, 1.041 + apart_sec))


def test_the_control_gives_the_second_frame_when_it_is_due_and_says_when():
    control, sticks = control_of(BUSY)
    due_at = control.next_frame_due(1.0, sticks, 2)
    assert due_at == pytest.approx(DUE_AT)
    assert control.give_next(math.nextafter(due_at, 0.0), sticks, 2) is None
    assert control.give_next(due_at, sticks, 2) == 0
    assert control.next_frame_due(due_at, {0: replace(BUSY, outstanding=2)}, 2) is None


def test_a_stick_that_may_hold_one_frame_gets_no_second_one():
    control, sticks = control_of(BUSY)
    assert control.next_frame_due(1.0, sticks, 1) is None
    assert control.give_next(9.0, sticks, 1) is None
    assert control.give_next(1.0, {0: IDLE}, 1) == 0


def test_an_idle_stick_comes_before_one_whose_second_frame_is_due():
    control, sticks = control_of(BUSY, replace(IDLE, number=1, last_given_at=1.02))
    assert control.give_next(1.06, sticks, 2) == 1


def test_two_sticks_that_finish_together_get_their_second_frames_apart():
    control, sticks = control_of(BUSY, replace(BUSY, number=1))
    assert control.give_next(DUE_AT + 1e-9, sticks, 2) == 0
    sticks[0] = replace(BUSY, outstanding=2, last_given_at=DUE_AT)
    assert control.give_next(DUE_AT + 1e-9, sticks, 2) is None
    due_at = control.next_frame_due(DUE_AT + 1e-9, sticks, 2)
    assert due_at == pytest.approx(DUE_AT + SPREAD * INFERENCE_SEC / 2)
    assert control.give_next(due_at, sticks, 2) == 1


def test_with_one_camera_a_stick_gets_its_second_frame_at_once():
    control, sticks = control_of(BUSY, replace(BUSY, number=1), several_cameras=False)
    assert control.next_frame_due(1.0, sticks, 2) is None
    assert control.give_next(1.0, sticks, 2) == 0
    sticks[0] = replace(BUSY, outstanding=2)
    assert control.give_next(1.0, sticks, 2) == 1
    unknown = replace(BUSY, inference_sec=None, transfer_sec=None, under_way_since=None)
    control, sticks = control_of(unknown, several_cameras=False)
    assert control.give_next(1.0, sticks, 2) == 0


class Pool:
    """
    Sticks as they are: 65 ms an inference, 15 ms a transfer, which is possible meanwhile.

    They are measured as the supervisor does. ``latencies`` has those of each camera from the
    arrival of a frame to its result, ``waits`` those from when it was given a place.
    """

    def __init__(self, sticks, periods, several_cameras=True):
        self.control, self.shares = ClusterControl(several_cameras), FairShare()
        self.settings, self.now = Settings(), 0.0
        self.work = [Work() for _ in range(sticks)]
        # Of each stick: (end of its transfer, end, camera, arrival) of each frame that it holds.
        self.held = [[] for _ in range(sticks)]
        self.done_at, self.given_at = [0.0] * sticks, [-math.inf] * sticks
        self.computed_sec = [0.0] * sticks
        self.periods, self.waiting = periods, {}
        self.next_at = [0.29 * number % 1.0 * period for number, period in enumerate(periods)]
        self.latencies = [[] for _ in periods]
        self.waits = []
        self.control.update(0.0, list(self.statuses().values()), self.settings)

    def statuses(self):
        """Return the StickStatus of all sticks."""
        return {number: StickStatus(
            number, StickState.RUNNING, 40.0, self.now, outstanding=len(self.held[number]),
            last_given_at=self.given_at[number], inference_sec=work.inference_sec,
            transfer_sec=work.transfer_sec, under_way_since=work.under_way_since)
            for number, work in enumerate(self.work)}

    def go(self, until):
        """Let time pass."""
        while self.now < until:
            self._take_results()
            self._take_images()
            self._send()
            moments = [*self.next_at, *(held[0][1] for held in self.held if held)]
            if self.waiting:
                due_at = self.control.next_frame_due(self.now, self.statuses(), 2)
                assert due_at is None or due_at > self.now
                moments += [] if due_at is None else [due_at]
            self.now = min(moments)
        return self

    def _take_results(self):
        for number, held in enumerate(self.held):
            while held and held[0][1] <= self.now:
                on_stick_at, end, camera, arrived_at = held.pop(0)
                self.work[number].on_result(end, on_stick_at)
                self.latencies[camera].append(end - arrived_at)

    def _take_images(self):
        for camera, period in enumerate(self.periods):
            while self.next_at[camera] <= self.now:
                self.waiting[camera] = self.next_at[camera]
                self.next_at[camera] += period

    def _send(self):
        while (camera := self.shares.choose(self.now, self.waiting, self.settings)) is not None:
            number = self.control.give_next(self.now, self.statuses(), 2)
            if number is None:
                return
            on_stick_at = self.now + TRANSFER_SEC
            end = max(on_stick_at, self.done_at[number]) + INFERENCE_SEC
            self.held[number].append((on_stick_at, end, camera, self.waiting.pop(camera)))
            self.waits.append(end - self.now)
            self.work[number].on_frame_sent(self.now)
            self.done_at[number], self.given_at[number] = end, self.now
            self.computed_sec[number] += INFERENCE_SEC
            self.shares.on_frame_sent(camera, self.now, self.settings)


@pytest.mark.parametrize('sticks', [2, 3, 5, 8, 16])
def test_saturated_sticks_do_not_idle_and_no_frame_waits_long(sticks):
    # Twice as many images as can be inferred, and a camera that sends two a second.
    busy = math.ceil(2 * sticks / INFERENCE_SEC / 30.0)
    pool = Pool(sticks, [*[1 / 30.0] * busy, 0.5]).go(2.0)
    began, pool.waits = list(pool.computed_sec), []
    pool.latencies = [[] for _ in pool.periods]
    pool.go(32.0)
    for before, after in zip(began, pool.computed_sec):
        assert after - before >= 0.98 * 30.0 - 2 * INFERENCE_SEC
    assert max(pool.waits) <= 0.1
    assert len(pool.latencies[-1]) in (59, 60, 61)
    assert max(pool.latencies[-1]) <= 0.15


def test_sticks_that_are_given_their_second_frames_at_once_make_a_camera_wait():
    """So the simulation shows what the policy is for."""
    pool = Pool(2, [*[1 / 30.0] * 3, 0.5], several_cameras=False).go(32.0)
    assert max(pool.latencies[-1]) > 0.15


@pytest.mark.parametrize('sticks', [1, 2, 5])
def test_cameras_that_send_less_than_can_be_inferred_lose_nothing(sticks):
    pool = Pool(sticks, [0.25, 0.2, 0.5]).go(30.0)
    assert [len(latencies) for latencies in pool.latencies] == pytest.approx(
        [120, 150, 60], abs=1 if sticks > 1 else 3)
    assert max(map(max, pool.latencies)) <= 0.15 + INFERENCE_SEC * (sticks == 1)
