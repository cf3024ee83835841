# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor with real worker processes on simulated sticks."""

from dataclasses import dataclass
from functools import partial
import gc
import os
import signal
import threading
import time

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.processes import fork_server
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
import pytest
from supervisor_bench import picture
from supervisor_bench import QUICK
from supervisor_bench import RUNNING


@dataclass(frozen=True)
class BrokenDriver(SimulatedDriver):
    """Fails with an exception of a library."""

    error: Exception = None

    def make_stick(self, graphs):
        """Raise it."""
        raise self.error


@pytest.mark.parametrize('error, shown', [
    (RuntimeError('cannot load:\n  one\r\n\ttwo'), 'RuntimeError: cannot load: one two;'),
    (StickError('cannot load:\n\x1b[31mone'), 'cannot load: \\x1b[31mone;')])
def test_a_failure_of_several_lines_is_logged_in_one(bench, error, shown):
    running = bench(BusSpec(sticks=1, **QUICK), driver=partial(BrokenDriver, error=error))
    running.wait_for(lambda: running.log.lines)
    level, text = running.log.lines[0]
    assert level == 'error'
    assert text.startswith(f'looking for sticks: {shown} trying again in ')
    assert len(text.splitlines()) == 1


def test_every_stick_becomes_ready_with_a_number_and_its_own_process(bench):
    running = bench(BusSpec(sticks=3, **QUICK))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    sticks = running.supervisor.snapshot.sticks
    assert [stick.status.number for stick in sticks] == [0, 1, 2]
    assert [stick.device_name for stick in sticks] == ['1.1-ma2450', '1.2-ma2450', '1.3-ma2450']
    assert len({stick.pid for stick in sticks} | {os.getpid()}) == 4


def test_a_frame_is_sent_by_whoever_offers_it_while_the_supervisor_waits(bench, monkeypatch):
    senders, post = [], WorkerHandle.post

    def note_and_post(handle, frame, now):
        senders.append(threading.current_thread())
        post(handle, frame, now)

    monkeypatch.setattr(WorkerHandle, 'post', note_and_post)
    running = bench(BusSpec(sticks=1, **QUICK))
    running.offer(picture())   # there is no stick yet, so it waits for the supervisor
    running.wait_for_states(RUNNING)
    running.film(50, lambda: threading.current_thread() in senders)
    running.wait_for(lambda: running.offered == (
        len(running.published) + running.supervisor.snapshot.frames.dropped.total))
    running.supervisor.stop()
    running.wait_for(lambda: not running.is_at_work)
    sent = len(senders)
    running.offer(picture())   # which nobody takes any more
    assert len(senders) == sent


def test_at_most_max_sticks_are_used(bench):
    running = bench(BusSpec(sticks=3, **QUICK), max_sticks=2)
    running.wait_for_states(RUNNING, RUNNING)
    running.wait_for(lambda: all(
        stick.status.celsius is not None for stick in running.supervisor.snapshot.sticks))
    assert len(running.supervisor.snapshot.sticks) == 2


def test_no_stick_is_waited_for_with_one_warning(bench):
    running = bench(BusSpec(sticks=0))
    running.wait_for(lambda: running.log.lines)
    (level, text), = running.log.lines
    assert level == 'warning'
    assert text.startswith('no stick found')


def test_results_come_in_the_order_of_the_frames_each_with_its_own(bench):
    running = bench(BusSpec(sticks=3, **QUICK), Settings(max_frame_age_ms=0))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    for number in range(30):
        image = picture()
        image[200:, number * 10:number * 10 + 10] = (0, 0, 255)
        running.offer(image)
        running.wait_for(lambda: len(running.published) == number + 1)
    for number, (frame, detections) in enumerate(running.published, start=1):
        assert frame.header == f'header {number}'
        assert sorted(detection.label for detection in detections) == ['car', 'cat']
        cat = next(detection for detection in detections if detection.label == 'cat')
        assert cat.x_min == pytest.approx((number - 1) / 32, abs=1 / 300)


def test_under_load_order_is_kept_and_every_frame_is_accounted_for(bench):
    running = bench(BusSpec(sticks=3, boot_ms=0.0, inference_ms=20.0, transfer_ms=2.0),
                    Settings(cluster_size=2, cluster_switch_cycle_ms=100, min_dwell_ms=0))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    for _ in range(200):
        running.offer(picture())
        threading.Event().wait(0.003)
    offered = 200
    running.wait_for(lambda: len(running.published) +
                     running.supervisor.snapshot.frames.dropped.total == offered)
    numbers = [frame.sequence for frame, _ in running.published]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 10
    assert running.supervisor.snapshot.switches > 0


def test_resting_sticks_infer_nothing_and_are_measured(bench):
    running = bench(BusSpec(sticks=3, **QUICK), Settings(cluster_size=1))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    for number in range(20):
        running.offer(picture())
        running.wait_for(lambda: len(running.published) == number + 1)
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].inferences == 20)
    snapshot = running.supervisor.snapshot
    assert snapshot.active == (0,)
    assert [stick.inferences for stick in snapshot.sticks] == [20, 0, 0]
    assert all(stick.status.celsius == pytest.approx(30.0, abs=2.0) for stick in snapshot.sticks)


def test_the_frames_of_a_stick_that_rests_take_no_memory(bench):
    running = bench(BusSpec(sticks=1, boot_ms=0.0))
    running.wait_for_states(RUNNING)
    record, = running.supervisor._pool.register.records

    def memory():
        return sum(os.fstat(slot.file).st_blocks for slot in record.worker.slots._slots)

    running.offer(picture())
    running.wait_for(lambda: running.published)
    assert memory() > 0
    running.wait_for(lambda: not memory())
    running.offer(picture())
    running.wait_for(lambda: len(running.published) == 2)
    assert [len(found) for _, found in running.published] == [1, 1]


def test_settings_take_effect_at_once(bench):
    running = bench(BusSpec(sticks=2, **QUICK), Settings(cluster_size=1))
    running.wait_for_states(RUNNING, RUNNING)
    running.supervisor.change(Settings(cluster_size=2, class_filter=('cat',)))
    running.wait_for(lambda: running.supervisor.snapshot.active == (0, 1))
    running.offer(picture())
    running.wait_for(lambda: running.published)
    assert running.published[0][1] == ()


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV,
                                    signal.SIGRTMIN + 5])
def test_a_killed_worker_is_replaced_and_the_others_go_on(bench, number):
    running = bench(BusSpec(sticks=2, **QUICK))
    running.wait_for_states(RUNNING, RUNNING)
    killed = running.supervisor.snapshot.sticks[0].pid
    os.kill(killed, number)
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].restarts == 1)
    running.offer(picture())
    running.wait_for(lambda: running.published)
    running.wait_for_states(RUNNING, RUNNING)
    stick = running.supervisor.snapshot.sticks[0]
    assert stick.pid != killed
    assert getattr(number, 'name', f'signal {number:d}') in stick.last_error
    assert ('error', f'stick 0 (1.1-ma2450): {stick.last_error}; starting again in 0.5 s') in (
        running.log.lines)


def test_a_stopped_worker_counts_as_hung_and_its_frame_as_dropped(bench):
    running = bench(BusSpec(sticks=1, **QUICK), inference_timeout_sec=0.2)
    running.wait_for_states(RUNNING)
    os.kill(running.supervisor.snapshot.sticks[0].pid, signal.SIGSTOP)
    running.offer(picture())
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].restarts == 1)
    assert 'inference_timeout_ms' in running.supervisor.snapshot.sticks[0].last_error
    running.wait_for_states(RUNNING)
    running.wait_for(lambda: running.supervisor.snapshot.frames.dropped.total == 1)


def test_a_worker_that_never_becomes_ready_is_given_up(bench):
    running = bench(BusSpec(sticks=1, boot_ms=60000.0), startup_timeout_sec=0.5)
    running.wait_for(lambda: any(
        'not ready within 0.5 s' in text for _, text in running.log.lines))
    assert running.supervisor.snapshot.sticks[0].status.state is not RUNNING


def test_what_a_worker_that_cannot_start_had_is_given_back(monkeypatch):
    def fail(*_):
        raise OSError('no more processes')
    gc.collect()   # what earlier tests left is not closed in the middle of this one
    before = len(os.listdir('/proc/self/fd'))
    monkeypatch.setattr(fork_server.server, 'start', fail)
    for _ in range(3):
        with pytest.raises(OSError):
            WorkerHandle(None, 2, 0.0)
    assert len(os.listdir('/proc/self/fd')) == before


def test_an_old_frame_is_not_sent(bench):
    running = bench(BusSpec(sticks=1, **QUICK), Settings(max_frame_age_ms=100))
    running.wait_for_states(RUNNING)
    running.supervisor.offer(Frame(1, picture(), 'old', time.monotonic() - 0.2))
    running.wait_for(lambda: running.supervisor.snapshot.frames.dropped.total == 1)
    assert running.published == []


def test_nothing_is_left_after_the_end(bench):
    gc.collect()   # what earlier tests left is not closed in the middle of this one
    before = len(os.listdir('/proc/self/fd'))
    running = bench(BusSpec(sticks=3, **QUICK))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    running.offer(picture())
    running.wait_for(lambda: running.published)
    pids = [stick.pid for stick in running.supervisor.snapshot.sticks]
    running.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    # Two with which this supervisor waits, two of its bus, the memory of its graphs, and the
    # socket of the fork server, which all supervisors of a process share.
    assert len(os.listdir('/proc/self/fd')) <= before + 6
