# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When an active stick gets its next frame, in invented time."""

from dataclasses import replace
import math

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.fair_share import FairShare
from ncs_cluster_detector.policy.just_in_time import JustInTime
from ncs_cluster_detector.policy.just_in_time import MARGIN_SEC
from ncs_cluster_detector.policy.just_in_time import MOST_IDLE_SEC
from ncs_cluster_detector.policy.just_in_time import PULL
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.measurement import Work
import pytest

INFERENCE_SEC, TRANSFER_SEC = 0.065, 0.015
IDLE = StickStatus(0, StickState.RUNNING, 40.0, 0.0, compute_sec=INFERENCE_SEC,
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


def give(control, now, sticks, inflight=2):
    """Give a frame to the stick that takes it now, and return its number, or None."""
    number = control.next_stick(now, sticks, inflight)
    if number is not None:
        control.on_frame_sent(now, sticks[number])
    return number


def policy_of(*active):
    """Return a JustInTime that knows these active sticks."""
    policy = JustInTime()
    policy.update(active)
    return policy


def test_an_idle_stick_gets_a_frame_at_once():
    policy = policy_of(IDLE)
    for stick in (IDLE, replace(IDLE, compute_sec=None, transfer_sec=None)):
        assert policy.due_at(stick) == -math.inf
        policy.on_frame_sent(1.0)
    assert policy.due_at(IDLE) == -math.inf


def test_a_stick_idles_for_a_moment_at_most_so_that_frames_are_apart():
    policy = policy_of(IDLE, IDLE)
    policy.on_frame_sent(2.0)
    place_at = 2.0 + INFERENCE_SEC / 2   # in an even row
    for done_at in (1.0, 1.999, 2.0, 2.02, 2.03, place_at - 1e-6, place_at):
        due_at = policy.due_at(replace(IDLE, last_result_at=done_at))
        assert due_at == pytest.approx(
            done_at + min(PULL * (place_at - done_at), MOST_IDLE_SEC))
    assert policy.due_at(replace(IDLE, last_result_at=place_at + 0.01)) == place_at


def test_the_second_frame_comes_just_in_time_for_its_transfer():
    assert policy_of(BUSY).due_at(BUSY) == pytest.approx(DUE_AT)
    # A third one would be needed after two inferences.
    assert policy_of(BUSY).due_at(replace(BUSY, outstanding=2)) == pytest.approx(
        DUE_AT + INFERENCE_SEC)


@pytest.mark.parametrize('unknown', ['compute_sec', 'transfer_sec', 'under_way_since'])
def test_while_its_times_are_unknown_a_stick_has_one_frame(unknown):
    stick = replace(BUSY, **{unknown: None})
    assert policy_of(stick).due_at(stick) == math.inf
    control, sticks = control_of(stick)
    assert control.next_stick(99.0, sticks, 2) is None
    assert control.next_frame_due(1.0, sticks, 2) in (None, math.inf)


@pytest.mark.parametrize('times', [
    [INFERENCE_SEC], [INFERENCE_SEC] * 2, [INFERENCE_SEC] * 16, [0.065, 0.117], [0.02, 0.3, 0.3]])
def test_frames_are_spread_over_the_sticks(times):
    policy = policy_of(*[replace(BUSY, compute_sec=each) for each in times])
    assert policy.due_at(BUSY) == pytest.approx(DUE_AT)
    apart_sec, latest = 1.0 / sum(1.0 / each for each in times), DUE_AT + MARGIN_SEC
    for ahead_sec in (-1.0, -MARGIN_SEC, -0.001, 0.001, 0.004, 0.012, apart_sec):
        policy.on_frame_sent(latest + ahead_sec - apart_sec)
        # It idles for a part of what it is ahead, and for a moment at most.
        assert policy.due_at(BUSY) == pytest.approx(
            max(DUE_AT, latest + min(ahead_sec, PULL * max(ahead_sec, 0.0), MOST_IDLE_SEC)))


def test_sticks_of_unknown_speed_are_not_spread():
    policy = policy_of(replace(IDLE, compute_sec=None))
    policy.on_frame_sent(DUE_AT)
    assert policy.due_at(BUSY) == pytest.approx(DUE_AT)


def test_the_control_gives_the_second_frame_when_it_is_due_and_says_when():
    control, sticks = control_of(BUSY)
    due_at = control.next_frame_due(1.0, sticks, 2)
    assert due_at == pytest.approx(DUE_AT)
    assert control.next_stick(math.nextafter(due_at, 0.0), sticks, 2) is None
    assert control.next_stick(due_at, sticks, 2) == 0
    assert control.next_frame_due(due_at, {0: replace(BUSY, outstanding=2)}, 2) is None


def test_a_stick_that_may_hold_one_frame_gets_no_second_one():
    control, sticks = control_of(BUSY)
    assert control.next_frame_due(1.0, sticks, 1) is None
    assert control.next_stick(9.0, sticks, 1) is None
    assert control.next_stick(1.0, {0: IDLE}, 1) == 0


def test_an_idle_stick_comes_before_one_whose_second_frame_is_due():
    control, sticks = control_of(BUSY, replace(IDLE, number=1, last_given_at=1.02))
    assert control.next_stick(1.06, sticks, 2) == 1


def test_two_sticks_that_finish_together_get_their_second_frames_apart():
    control, sticks = control_of(BUSY, replace(BUSY, number=1))
    now = DUE_AT + 1e-9
    assert give(control, now, sticks) == 0
    sticks[0] = replace(BUSY, outstanding=2, last_given_at=DUE_AT)
    assert give(control, now, sticks) is None
    due_at = control.next_frame_due(now, sticks, 2)
    assert due_at == pytest.approx(DUE_AT + MARGIN_SEC + MOST_IDLE_SEC)
    assert give(control, due_at, sticks) == 1


def test_with_one_camera_a_stick_gets_its_second_frame_at_once():
    control, sticks = control_of(BUSY, replace(BUSY, number=1), several_cameras=False)
    assert control.next_frame_due(1.0, sticks, 2) is None
    assert give(control, 1.0, sticks) == 0
    sticks[0] = replace(BUSY, outstanding=2)
    assert give(control, 1.0, sticks) == 1
    unknown = replace(BUSY, compute_sec=None, transfer_sec=None, under_way_since=None)
    control, sticks = control_of(unknown, several_cameras=False)
    assert give(control, 1.0, sticks) == 0
    idle = replace(IDLE, last_result_at=1.0)
    control, sticks = control_of(idle, replace(idle, number=1), several_cameras=False)
    assert give(control, 1.0, sticks) == 0
    sticks[0] = replace(BUSY, last_given_at=1.0)
    assert give(control, 1.0, sticks, 1) == 1


class Pool:
    """
    Sticks as they are: 65 ms an inference, 15 ms a transfer, which is possible meanwhile.

    They begin all at the same moment, and are measured as the supervisor does. ``latencies`` has
    those of each camera from the arrival of a frame to its result, ``waits`` those from when it
    was given a place.
    """

    def __init__(self, times, periods, several_cameras=True, inflight=2):
        """
        Make sticks and cameras.

        :param times: of an inference on each stick, in seconds.
        :param periods: of the images of each camera, in seconds.
        """
        self.control, self.shares = ClusterControl(several_cameras), FairShare()
        self.settings, self.now, self.inflight = Settings(), 0.0, inflight
        self.times, self.work = times, [Work() for _ in times]
        # Of each stick: (end of its transfer, end, camera, arrival) of each frame that it holds.
        self.held = [[] for _ in times]
        self.done_at, self.given_at = [0.0] * len(times), [-math.inf] * len(times)
        self.computed_sec = [0.0] * len(times)
        self.periods, self.waiting = periods, {}
        self.next_at = [0.0 if number < len(times) else 0.29 * number % 1.0 * period
                        for number, period in enumerate(periods)]
        self.latencies = [[] for _ in periods]
        self.waits = []
        self.decide()

    def decide(self):
        """Let the control look at all sticks."""
        self.control.update(self.now, list(self.statuses().values()), self.settings)

    def statuses(self):
        """Return the StickStatus of all sticks."""
        return {number: StickStatus(
            number, StickState.RUNNING, 40.0, self.now, outstanding=len(self.held[number]),
            last_given_at=self.given_at[number], inference_sec=work.inference_sec,
            compute_sec=work.compute_sec,
            transfer_sec=work.transfer_sec, under_way_since=work.under_way_since,
            last_result_at=work.last_result_at)
            for number, work in enumerate(self.work)}

    def go(self, until):
        """Let time pass; a decision comes twice a second."""
        decides_at = self.now
        while self.now < until:
            if self.now >= decides_at:
                self.decide()
                decides_at += 0.5
            self._take_results()
            self._take_images()
            self._send()
            moments = [*self.next_at, *(held[0][1] for held in self.held if held)]
            if self.waiting:
                due_at = self.control.next_frame_due(self.now, self.statuses(), self.inflight)
                assert due_at is None or due_at > self.now
                moments += [] if due_at is None else [due_at]
            self.now = min(moments)
        return self

    def measure(self, seconds):
        """Let time pass and return which part of it the sticks computed, each."""
        began, self.waits = list(self.computed_sec), []
        self.latencies = [[] for _ in self.periods]
        self.go(self.now + seconds)
        return [(after - before) / seconds
                for before, after in zip(began, self.computed_sec)]

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
            number = give(self.control, self.now, self.statuses(), self.inflight)
            if number is None:
                return
            on_stick_at = self.now + TRANSFER_SEC
            end = max(on_stick_at, self.done_at[number]) + self.times[number]
            self.held[number].append((on_stick_at, end, camera, self.waiting.pop(camera)))
            self.waits.append(end - self.now)
            self.work[number].on_frame_sent(self.now)
            self.done_at[number], self.given_at[number] = end, self.now
            self.computed_sec[number] += self.times[number]
            self.shares.on_frame_sent(camera, self.now, self.settings)


def saturated(times, **options):
    """Return a Pool with twice as many images as it can infer, and a camera with two a second."""
    busy = max(math.ceil(2 * sum(1.0 / each for each in times) / 30.0), len(times))
    pool = Pool(times, [*[1 / 30.0] * busy, 0.5], **options)
    pool.measure(5.0)   # until the sticks are apart
    return pool


@pytest.mark.parametrize('sticks', [2, 3, 8])
def test_saturated_sticks_do_not_idle_and_no_frame_waits_long(sticks):
    pool = saturated([INFERENCE_SEC] * sticks)
    assert min(pool.measure(30.0)) >= 0.98 - 2 * INFERENCE_SEC / 30.0
    assert max(pool.waits) <= 0.1
    assert len(pool.latencies[-1]) in (59, 60, 61)
    assert max(pool.latencies[-1]) <= 0.15


@pytest.mark.parametrize('sticks', [2, 3, 8])
def test_sticks_that_may_hold_one_frame_are_apart_too(sticks):
    pool = saturated([INFERENCE_SEC] * sticks, inflight=1)
    full = INFERENCE_SEC / (INFERENCE_SEC + TRANSFER_SEC)
    assert min(pool.measure(30.0)) >= 0.98 * full - INFERENCE_SEC / 30.0
    assert len(pool.latencies[-1]) in (59, 60, 61)
    assert max(pool.latencies[-1]) <= 0.15


@pytest.mark.parametrize('times', [
    [0.065, 0.117], [0.065, 0.065, 0.117], [0.1, 0.065, 0.09, 0.117],
    [0.06, 0.065, 0.07, 0.075, 0.08, 0.085, 0.09, 0.1], [0.065] * 12 + [0.117] * 4])
def test_sticks_of_different_speeds_do_not_idle(times):
    pool = saturated(times)
    computed = pool.measure(30.0)
    assert sum(part / each for part, each in zip(computed, times)) >= 0.99 * sum(
        1.0 / each for each in times)
    assert len(pool.latencies[-1]) in (59, 60, 61)


@pytest.mark.parametrize('before, after', [
    (1.9, 1.0), (1.25, 1.0), (1.9, 1.2), (1.0, 1.9), (4.0, 1.0)])
@pytest.mark.parametrize('changed', [(0, 1), (1,)])
def test_when_sticks_change_their_speed_they_soon_do_not_idle(before, after, changed):
    pool = saturated([INFERENCE_SEC * (before if number in changed else 1.0)
                      for number in range(2)])
    for number in changed:
        pool.times[number] = INFERENCE_SEC * after
    pool.measure(6.0)
    assert min(pool.measure(10.0)) >= 0.98 - 2 * after * INFERENCE_SEC / 10.0


@pytest.mark.parametrize('weights, sent, gets', [
    ((1.0, 0.0, 0.0), (30.0, 30.0, 30.0), (29.5, 0.6, 0.6)),
    ((1.0, 0.0, 1.0), (30.0, 30.0, 5.0), (25.0, 0.8, 5.0)),
    ((3.0, 1.0), (30.0, 30.0), (23.1, 7.7))])
def test_a_camera_that_needs_all_its_frames_gets_its_share(weights, sent, gets):
    # Their images come in no fixed order.
    pool = Pool([INFERENCE_SEC] * 2, [1.0 / fps * factor for fps, factor in zip(
        sent, (1.0003, 1.0, 0.9997))])
    pool.settings = Settings(camera_weights=weights)
    pool.measure(5.0)
    pool.measure(30.0)
    assert [len(latencies) / 30.0 for latencies in pool.latencies] == pytest.approx(
        gets, rel=0.03, abs=0.4)


def test_sticks_that_are_given_their_second_frames_at_once_make_a_camera_wait():
    """So the simulation shows what the policy is for."""
    pool = saturated([INFERENCE_SEC] * 2, several_cameras=False)
    pool.measure(30.0)
    assert max(pool.latencies[-1]) > 0.15


@pytest.mark.parametrize('sticks', [1, 2, 5])
def test_cameras_that_send_less_than_can_be_inferred_lose_nothing(sticks):
    pool = Pool([INFERENCE_SEC] * sticks, [0.25, 0.2, 0.5]).go(30.0)
    assert [len(latencies) for latencies in pool.latencies] == pytest.approx(
        [120, 150, 60], abs=1 if sticks > 1 else 3)
    assert max(map(max, pool.latencies)) <= 0.15 + INFERENCE_SEC * (sticks == 1)
