# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that hang or are slow at work: real workers on simulated sticks."""

import time

from ncs_cluster_detector.policy.reliability import standing
from ncs_cluster_detector.policy.reliability.promptness import USELESS_FACTOR
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.sensor import blind_restart
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.bus_spec import PORTS
import pytest
from supervisor_bench import picture
from supervisor_bench import RUNNING

# Three times the usual time of 40 ms is less than a stick has in any case: 0.25 s.
TIMES = {'boot_ms': 50.0, 'inference_ms': 40.0, 'transfer_ms': 2.0}
FRAMES_PER_SEC = 40
# No stick that hangs is ended within a test.
PATIENT = {'inference_timeout_sec': 60.0}
ONE_ACTIVE = Settings(cluster_size=1, cluster_switch_cycle_ms=0, max_frame_age_ms=0)


def one_of_two_at_work(bench, settings=ONE_ACTIVE, **options):
    """Return a Bench of two sticks that have both worked, and number and port of the active."""
    running = bench(BusSpec(sticks=2, **TIMES), settings, **options)
    running.wait_for_states(RUNNING, RUNNING)
    supervisor = running.supervisor
    for _ in range(2):
        before = len(running.published)
        running.film(FRAMES_PER_SEC, lambda: len(running.published) >= before + 10)
        supervisor.switch_cluster().result()
    running.film(FRAMES_PER_SEC, lambda: len(running.published) >= before + 20)
    (number,) = supervisor.snapshot.active
    return running, number, PORTS[number]


def numbers_of(published):
    return [frame.sequence for frame, _ in published]


def longest_gap(running, number_of_frames):
    """Film until this number of frames is published; return the longest gap in seconds."""
    times, count = [time.monotonic()], len(running.published)
    target = count + number_of_frames

    def take_note():
        nonlocal count
        if len(running.published) > count:
            count = len(running.published)
            times.append(time.monotonic())
        return count >= target

    running.film(200, take_note)
    return max(later - before for before, later in zip(times, times[1:]))


@pytest.mark.parametrize('call', ['read', 'write', 'trigger'])
def test_a_stick_that_hangs_is_relieved_at_once(bench, call):
    running, number, port = one_of_two_at_work(bench, **PATIENT)
    running.bus.inject(port, 'hang', call)
    assert longest_gap(running, 15) > 0.25
    snapshot = running.supervisor.snapshot
    assert snapshot.active == (1 - number,)
    assert snapshot.sticks[number].condition.standing is Standing.LATE
    assert snapshot.sticks[number].status.state is RUNNING
    assert snapshot.sticks[number].restarts == 0
    assert numbers_of(running.published) == sorted(set(numbers_of(running.published)))


def test_the_frames_that_it_holds_go_to_another_one(bench):
    running, number, port = one_of_two_at_work(bench, **PATIENT)
    running.wait_for(lambda: not any(
        stick.status.outstanding for stick in running.supervisor.snapshot.sticks))
    running.bus.inject(port, 'hang', 'read')
    published = len(running.published)
    for frames in (1, 2):
        running.offer(picture())
        running.wait_for(lambda: (
            running.supervisor.snapshot.sticks[number].status.outstanding == frames))
    running.wait_for(lambda: len(running.published) == published + 2)
    assert numbers_of(running.published[-2:]) == [running.offered - 1, running.offered]
    assert running.supervisor.snapshot.active == (1 - number,)


def test_one_that_hangs_at_every_inference_is_tried_but_never_depended_on(bench):
    running, number, port = one_of_two_at_work(bench, inference_timeout_sec=0.5)
    running.bus.inject(port, 'hang', 'read')
    longest_gap(running, 10)
    supervisor = running.supervisor
    switches = supervisor.snapshot.switches
    running.film(FRAMES_PER_SEC, lambda: supervisor.snapshot.sticks[number].restarts >= 3)
    stick = supervisor.snapshot.sticks[number]
    assert 'no result within' in stick.last_error
    assert supervisor.snapshot.switches == switches
    assert supervisor.snapshot.active == (1 - number,)
    assert stick.status.doubt_sec > 100.0
    # Once it is well it shows that it is, beside the other's work.
    running.bus.inject(port, 'clear')
    inferences = stick.inferences
    # On a late host it is slow for a moment.
    running.film(FRAMES_PER_SEC, lambda: (
        supervisor.snapshot.sticks[number].inferences >= inferences + 4 and
        supervisor.snapshot.sticks[number].condition.standing is Standing.DOUBTED))
    assert supervisor.snapshot.sticks[number].status.trials_left == 0
    assert supervisor.snapshot.active == (1 - number,)
    assert numbers_of(running.published) == sorted(set(numbers_of(running.published)))


def test_when_it_is_alone_it_is_depended_on_all_the_same(bench):
    running, number, port = one_of_two_at_work(bench, inference_timeout_sec=0.5)
    running.bus.inject(port, 'hang', 'read')
    longest_gap(running, 10)
    supervisor = running.supervisor
    running.film(FRAMES_PER_SEC, lambda: supervisor.snapshot.sticks[number].restarts >= 1)
    running.bus.inject(port, 'clear')
    running.bus.inject(PORTS[1 - number], 'unplug')
    running.film(FRAMES_PER_SEC, lambda: supervisor.snapshot.active == (number,))
    before = len(running.published)
    running.film(FRAMES_PER_SEC, lambda: len(running.published) >= before + 10)


def test_a_slow_stick_is_named_and_rests(bench):
    running, number, port = one_of_two_at_work(bench)
    running.bus.inject(port, 'slow', '10')
    supervisor = running.supervisor
    running.film(FRAMES_PER_SEC, lambda: supervisor.snapshot.sticks[number].condition.slowness)
    slow = supervisor.snapshot.sticks[number]
    assert slow.condition.standing is Standing.USELESS
    # A late host adds to the times of both sticks.
    assert USELESS_FACTOR <= slow.condition.slowness.factor
    assert supervisor.snapshot.active == (1 - number,)
    numbers = numbers_of(running.published)
    assert numbers == sorted(set(numbers))
    # It is tried until it is quick again.
    running.bus.inject(port, 'clear')
    running.film(FRAMES_PER_SEC, lambda: not supervisor.snapshot.sticks[number].condition.slowness)
    assert supervisor.snapshot.sticks[number].restarts == 0


def test_a_slow_stick_that_is_needed_takes_what_the_others_cannot(bench, monkeypatch):
    # Between slow and useless is little room for what a late host adds.
    monkeypatch.setattr(standing, 'USELESS_FACTOR', 100.0)
    running = bench(BusSpec(sticks=2, **TIMES), Settings())
    running.wait_for_states(RUNNING, RUNNING)
    running.bus.inject(PORTS[0], 'slow', '5')
    supervisor = running.supervisor
    running.film(100, lambda: supervisor.snapshot.sticks[0].condition.slowness and (
        supervisor.snapshot.sticks[0].inferences >= 20))
    assert supervisor.snapshot.active == (0, 1)
    # With fewer frames than the other one can take it has next to nothing to do.
    running.wait_for(lambda: not any(
        stick.status.outstanding for stick in supervisor.snapshot.sticks))
    before, published = supervisor.snapshot.sticks[0].inferences, len(running.published)
    running.film(5, lambda: len(running.published) >= published + 20)
    assert supervisor.snapshot.sticks[0].inferences <= before + 4


def test_every_frame_is_accounted_for_once(bench):
    running, number, port = one_of_two_at_work(bench, inference_timeout_sec=0.5)
    running.bus.inject(port, 'hang', 'read')
    longest_gap(running, 20)
    running.bus.inject(port, 'clear')
    supervisor = running.supervisor
    running.film(FRAMES_PER_SEC, lambda: (
        supervisor.snapshot.sticks[number].restarts and
        supervisor.snapshot.sticks[number].status.state is StickState.RUNNING and
        not supervisor.snapshot.sticks[number].status.trials_left))
    running.wait_for(lambda: (
        not any(stick.status.outstanding for stick in supervisor.snapshot.sticks) and
        len(running.published) + supervisor.snapshot.frames.dropped.total == running.offered))


@pytest.mark.parametrize('sticks', [1, 2])
def test_blind_sticks_are_started_again_while_frames_come(bench, monkeypatch, sticks):
    monkeypatch.setattr(blind_restart, 'FIRST_AFTER_SEC', 0.5)
    running = bench(BusSpec(sticks=sticks, **TIMES), Settings())
    running.wait_for_states(*[RUNNING] * sticks)
    for port in PORTS[:sticks]:
        running.bus.inject(port, 'nan-temperature')
    supervisor = running.supervisor
    running.film(FRAMES_PER_SEC, lambda: all(
        stick.restarts for stick in supervisor.snapshot.sticks))
    assert 'started again' in supervisor.snapshot.sticks[0].last_error
    for port in PORTS[:sticks]:
        running.bus.inject(port, 'clear')
    running.film(FRAMES_PER_SEC, lambda: all(
        stick.condition.standing is Standing.TRUSTED for stick in supervisor.snapshot.sticks))
    published = len(running.published)
    running.film(FRAMES_PER_SEC, lambda: len(running.published) >= published + 5)


def test_results_behind_one_that_is_too_old_to_be_given_on_do_not_wait_for_it(bench):
    settings = Settings(max_frame_age_ms=100)
    running = bench(BusSpec(sticks=2, **TIMES), settings, **PATIENT)
    running.wait_for_states(RUNNING, RUNNING)
    running.film(FRAMES_PER_SEC, lambda: len(running.published) >= 20)
    running.bus.inject(PORTS[0], 'hang', 'read')
    before = len(running.published)
    longest_gap(running, 20)
    assert running.supervisor.snapshot.sticks[0].restarts == 0
    numbers = numbers_of(running.published[before:])
    assert numbers == sorted(set(numbers))
