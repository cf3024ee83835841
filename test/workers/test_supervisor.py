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

"""The supervisor with real worker processes on simulated sticks."""

import os
import random
import signal
import threading
import time

from ncs_cluster_detector.detection.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation import graphs
from ncs_cluster_detector.simulation.bus import PORTS
from ncs_cluster_detector.simulation.bus import SimulatedBus
from ncs_cluster_detector.simulation.shared_bus import SharedBus
from ncs_cluster_detector.workers import worker_handle
from ncs_cluster_detector.workers.frame import Frame
from ncs_cluster_detector.workers.messages import WorkerConfig
from ncs_cluster_detector.workers.supervisor import Supervisor
from ncs_cluster_detector.workers.supervisor_options import SupervisorOptions
import numpy as np
import pytest

DEADLINE_SEC = 20.0


class Log:
    """A logger that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def info(self, text):
        self.lines.append(('info', text))

    def warning(self, text):
        self.lines.append(('warning', text))

    def error(self, text):
        self.lines.append(('error', text))


class Bench:
    """A supervisor at work in its thread, and what it published."""

    def __init__(self, bus, settings=Settings(), **options):
        self.published = []
        self.log = Log()
        self.bus = SharedBus(bus)
        self.options = SupervisorOptions(
            workers=WorkerConfig(driver='simulated', bus=self.bus, graphs=(
                (graphs.read_graph('shapes'), PASCAL_VOC),)), **options)
        self.supervisor = Supervisor(
            self.options, settings,
            lambda frame, detections: self.published.append((frame, detections)), self.log)
        self._thread = threading.Thread(target=self.supervisor.run)
        self._thread.start()
        self._number = 0

    @property
    def offered(self):
        return self._number

    def offer(self, image):
        self._number += 1
        self.supervisor.offer(Frame(self._number, image, f'header {self._number}',
                                    time.monotonic()))

    def wait_for(self, condition):
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            assert time.monotonic() < deadline, self.log.lines
            threading.Event().wait(0.01)

    def film(self, frames_per_sec, until):
        """Offer pictures at a rate until a condition holds."""
        deadline, image, pause = time.monotonic() + DEADLINE_SEC, picture(), threading.Event()
        while not until():
            assert time.monotonic() < deadline, self.supervisor.snapshot
            self.offer(image)
            pause.wait(1 / frames_per_sec)

    def wait_for_states(self, *states):
        self.wait_for(lambda: [stick.status.state for stick in self.supervisor.snapshot.sticks] ==
                      list(states))

    def close(self):
        self.supervisor.stop()
        self._thread.join(DEADLINE_SEC)
        assert not self._thread.is_alive()


@pytest.fixture
def bench():
    """Return a function that starts a Bench; all are closed after the test."""
    started = []

    def start(*args, **kwargs):
        started.append(Bench(*args, **kwargs))
        return started[-1]

    yield start
    for running in started:
        running.close()


RUNNING = StickState.RUNNING
QUICK = {'boot_ms': 0.0, 'inference_ms': 5.0, 'transfer_ms': 1.0}


def picture(value=0):
    """Return a picture with one blue rectangle."""
    image = np.full((240, 320, 3), value, dtype=np.uint8)
    image[60:120, 80:160] = (255, 0, 0)
    return image


def test_every_stick_becomes_ready_with_a_number_and_its_own_process(bench):
    running = bench(SimulatedBus(sticks=3, **QUICK))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    sticks = running.supervisor.snapshot.sticks
    assert [stick.status.number for stick in sticks] == [0, 1, 2]
    assert [stick.device_name for stick in sticks] == ['1.1-ma2450', '1.2-ma2450', '1.3-ma2450']
    assert len({stick.pid for stick in sticks} | {os.getpid()}) == 4


def test_at_most_max_sticks_are_used(bench):
    running = bench(SimulatedBus(sticks=3, **QUICK), max_sticks=2)
    running.wait_for_states(RUNNING, RUNNING)
    running.wait_for(lambda: all(
        stick.status.celsius is not None for stick in running.supervisor.snapshot.sticks))
    assert len(running.supervisor.snapshot.sticks) == 2


def test_no_stick_is_waited_for_with_one_warning(bench):
    running = bench(SimulatedBus(sticks=0))
    running.wait_for(lambda: running.log.lines)
    (level, text), = running.log.lines
    assert level == 'warning'
    assert text.startswith('no stick found')


def test_results_come_in_the_order_of_the_frames_each_with_its_own(bench):
    running = bench(SimulatedBus(sticks=3, **QUICK), Settings(max_frame_age_ms=0))
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
    running = bench(SimulatedBus(sticks=3, boot_ms=0.0, inference_ms=20.0, transfer_ms=2.0),
                    Settings(cluster_size=2, cluster_switch_cycle_ms=100, min_dwell_ms=0))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    for _ in range(200):
        running.offer(picture())
        threading.Event().wait(0.003)
    offered = 200
    running.wait_for(lambda: len(running.published) +
                     running.supervisor.snapshot.frames_dropped == offered)
    numbers = [frame.number for frame, _ in running.published]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 10
    assert running.supervisor.snapshot.switches > 0


def test_resting_sticks_infer_nothing_and_are_measured(bench):
    running = bench(SimulatedBus(sticks=3, **QUICK), Settings(cluster_size=1))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    for number in range(20):
        running.offer(picture())
        running.wait_for(lambda: len(running.published) == number + 1)
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].inferences == 20)
    snapshot = running.supervisor.snapshot
    assert snapshot.active == (0,)
    assert [stick.inferences for stick in snapshot.sticks] == [20, 0, 0]
    assert all(stick.status.celsius == pytest.approx(30.0, abs=2.0) for stick in snapshot.sticks)


def test_settings_take_effect_at_once(bench):
    running = bench(SimulatedBus(sticks=2, **QUICK), Settings(cluster_size=1))
    running.wait_for_states(RUNNING, RUNNING)
    running.supervisor.change(Settings(cluster_size=2, class_filter=('cat',)))
    running.wait_for(lambda: running.supervisor.snapshot.active == (0, 1))
    running.offer(picture())
    running.wait_for(lambda: running.published)
    assert running.published[0][1] == ()


@pytest.mark.parametrize('policy', POLICIES)
def test_a_change_drops_nothing_and_the_one_that_joins_gets_the_next_frame(bench, policy):
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=300, min_dwell_ms=0,
                        rotation_policy=policy)
    running = bench(SimulatedBus(sticks=5, inference_ms=20.0, transfer_ms=5.0), settings)
    running.wait_for_states(*[RUNNING] * 5)
    supervisor = running.supervisor
    running.film(30, lambda: supervisor.snapshot.switches >= 8)
    # 30 pictures a second are less than two sticks infer: so whatever is missing a change took.
    running.wait_for(lambda: len(running.published) == running.offered)
    assert supervisor.snapshot.frames_dropped == 0
    numbers = [frame.number for frame, _ in running.published]
    assert numbers == sorted(numbers)
    assert sum(stick.inferences > 0 for stick in supervisor.snapshot.sticks) > 2


def test_a_switch_on_request_is_answered(bench):
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=0, min_dwell_ms=600000)
    running = bench(SimulatedBus(sticks=2, **QUICK), settings)
    running.wait_for_states(RUNNING, RUNNING)
    done, text = running.supervisor.switch_cluster().result(DEADLINE_SEC)
    assert done
    assert text == 'stick 0 relieved by stick 1; active: stick 1'
    running.wait_for(lambda: running.supervisor.snapshot.active == (1,))
    assert running.supervisor.snapshot.last_switch_reason == 'asked for by switch_cluster'
    running.bus.inject(PORTS[0], 'heat', '70')
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].status.celsius == 70.0)
    done, text = running.supervisor.switch_cluster().result(DEADLINE_SEC)
    assert not done
    assert text == 'no other stick is fit: stick 0 is too hot (70.0 C, returns below 60.0 C)'
    running.supervisor.change(Settings())
    done, text = running.supervisor.switch_cluster().result(DEADLINE_SEC)
    assert not done
    assert 'returns below' in text or 'all 2 are active' in text


def test_hot_sticks_that_none_can_relieve_are_paced_and_named_once(bench):
    running = bench(SimulatedBus(sticks=2, **QUICK))
    running.wait_for_states(RUNNING, RUNNING)
    for port in PORTS[:2]:
        running.bus.inject(port, 'heat', '66')
    running.film(300, lambda: running.supervisor.snapshot.heat_advice)
    (text,) = [text for level, text in running.log.lines if level == 'warning']
    assert text.startswith('2 of 2 sticks active is too much heat for switch_temperature 65.0 C')
    assert running.supervisor.snapshot.all_hot
    offered, published = running.offered, len(running.published)
    running.film(300, lambda: running.offered >= offered + 300)
    # Pinned at 66 C they count as sticks that no slowness cools: half of what is sustainable.
    assert 0 < len(running.published) - published < 250


def test_the_limit_is_held_where_no_rotation_can_hold_it(bench):
    bus = SimulatedBus(sticks=2, boot_ms=0.0, inference_ms=20.0, transfer_ms=2.0,
                       ambient_celsius=45.0, rise_celsius=45.0, time_constant_sec=8.0)
    running = bench(bus)
    running.wait_for_states(RUNNING, RUNNING)
    for port in PORTS[:2]:   # to be spared the warming up
        running.bus.inject(port, 'heat', '52')
        running.bus.inject(port, 'clear')
    readings = []

    def watch():
        sticks = running.supervisor.snapshot.sticks
        readings.extend(stick.status.celsius or 0.0 for stick in sticks)
        return min(stick.inferences for stick in sticks) >= 220

    running.film(150, watch)
    assert 64.0 < max(readings) < 67.0
    assert running.supervisor.snapshot.heat_advice


def test_any_sequence_of_settings_loses_no_frame_and_the_last_ones_count(bench):
    running = bench(SimulatedBus(sticks=5, **QUICK))
    running.wait_for_states(*[RUNNING] * 5)
    chance, supervisor = random.Random(1), running.supervisor
    image, pause = picture(), threading.Event()
    for _ in range(1000):
        supervisor.change(Settings(
            cluster_size=chance.randint(0, 7),
            cluster_switch_cycle_ms=chance.choice([0, 50, 2000]),
            switch_temperature=chance.uniform(20, 95), resume_margin=chance.uniform(0, 40),
            critical_margin=chance.uniform(0, 40), min_dwell_ms=chance.choice([0, 100, 2000]),
            rotation_policy=chance.choice(POLICIES), score_threshold=chance.random(),
            class_filter=chance.choice([(), ('car',), ('cat',)]),
            max_frame_age_ms=chance.choice([0, 500])))
        running.offer(image)
        pause.wait(0.002)
    supervisor.change(Settings(cluster_size=3, min_dwell_ms=0))
    running.film(100, lambda: len(supervisor.snapshot.active) == 3)
    count = len(running.published)
    running.film(100, lambda: len(running.published) >= count + 20)
    assert [found.label for found in running.published[-1][1]] == ['car']
    running.wait_for(lambda: len(running.published) + supervisor.snapshot.frames_dropped ==
                     running.offered)
    assert supervisor.snapshot.settings == Settings(cluster_size=3, min_dwell_ms=0)
    assert [line for line in running.log.lines if line[0] == 'error'] == []


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV,
                                    signal.SIGRTMIN + 5])
def test_a_killed_worker_is_replaced_and_the_others_go_on(bench, number):
    running = bench(SimulatedBus(sticks=2, **QUICK))
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
    running = bench(SimulatedBus(sticks=1, **QUICK), inference_timeout_sec=0.2)
    running.wait_for_states(RUNNING)
    os.kill(running.supervisor.snapshot.sticks[0].pid, signal.SIGSTOP)
    running.offer(picture())
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].restarts == 1)
    assert 'inference_timeout_ms' in running.supervisor.snapshot.sticks[0].last_error
    running.wait_for_states(RUNNING)
    running.wait_for(lambda: running.supervisor.snapshot.frames_dropped == 1)


def test_a_worker_that_never_becomes_ready_is_given_up(bench):
    running = bench(SimulatedBus(sticks=1, boot_ms=60000.0), startup_timeout_sec=0.5)
    running.wait_for(lambda: any(
        'not ready within 0.5 s' in text for _, text in running.log.lines))
    assert running.supervisor.snapshot.sticks[0].status.state is not RUNNING


def test_what_a_worker_that_cannot_start_had_is_given_back(monkeypatch):
    def fail(*_):
        raise OSError('no more processes')
    before = len(os.listdir('/proc/self/fd'))
    monkeypatch.setattr(worker_handle._context.Process, 'start', fail)
    for _ in range(3):
        with pytest.raises(OSError):
            worker_handle.WorkerHandle(None, 2, 0.0)
    assert len(os.listdir('/proc/self/fd')) == before


def test_an_old_frame_is_not_sent(bench):
    running = bench(SimulatedBus(sticks=1, **QUICK), Settings(max_frame_age_ms=100))
    running.wait_for_states(RUNNING)
    running.supervisor.offer(Frame(1, picture(), 'old', time.monotonic() - 0.2))
    running.wait_for(lambda: running.supervisor.snapshot.frames_dropped == 1)
    assert running.published == []


def test_nothing_is_left_after_the_end(bench):
    before = len(os.listdir('/proc/self/fd'))
    running = bench(SimulatedBus(sticks=3, **QUICK))
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    running.offer(picture())
    running.wait_for(lambda: running.published)
    pids = [stick.pid for stick in running.supervisor.snapshot.sticks]
    running.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    # The wake-up of this supervisor, and the pipes of the fork server and the resource tracker,
    # which all supervisors of a process share.
    assert len(os.listdir('/proc/self/fd')) <= before + 4
