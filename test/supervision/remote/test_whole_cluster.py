# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A whole cluster without ROS: a supervisor, sticks of its own, and those of two stick servers.

All run in this process on real workers of simulated sticks; only the links between are doubles.
"""

from collections import Counter
import contextlib
import os
import random
import signal
import threading
import time

from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.remote.remote_host import SILENCE_SEC
from ncs_cluster_detector.supervision.snapshot import HostState
from ncs_cluster_detector.supervision.supervisor_options import RemoteOptions
from ncs_cluster_detector.wire.host_messages import networks_of
import psutil
import pytest
from server_bench import DirectLink
from server_bench import JPEG
from server_bench import ServerBench
from supervisor_bench import Bench
from supervisor_bench import picture

RUNNING, ABSENT = StickState.RUNNING, StickState.ABSENT
QUICK = {'boot_ms': 0.0, 'inference_ms': 20.0, 'transfer_ms': 2.0}
PICTURES_PER_SEC = 100.0
# In pictures of the camera, which a late machine delays as well.
MOST_PICTURES_IN_A_GAP = 0.5 * PICTURES_PER_SEC
BACK_SEC = 15.0   # bench/several_hosts.py measures it; this machine may be busy


class Cluster:
    """The supervisor, a camera that never stops, and the stick servers ``a`` and ``b``."""

    def __init__(self, local=1, servers=(2, 2), settings=Settings(), inference_ms=20.0,
                 jpeg_quality=90):
        self.chance = None   # how likely a message is to be lost
        self._random = random.Random(1)
        self._spec = {**QUICK, 'inference_ms': inference_ms}
        self.benches, self.links = {}, {}
        for host, sticks in zip('ab', servers):
            self.benches[host] = self._serve(host, sticks)
        networks = networks_of(self.benches['a'].options.workers)
        self.main = Bench(
            BusSpec(sticks=local, **self._spec), settings, local_sticks=local > 0,
            remote=RemoteOptions(('*',), '/detector', networks, jpeg_quality))
        for host in self.benches:
            self._connect(host)
        self.supervisor = self.main.supervisor
        self.pictures_at = []   # how many pictures the camera had taken when each result came
        self._over = threading.Event()
        self._camera = threading.Thread(target=self._film)

    def _serve(self, host, sticks):
        return ServerBench(BusSpec(sticks=sticks, **self._spec), host, inference_timeout_sec=1.0)

    def _connect(self, host):
        self.links[host] = DirectLink(
            self.benches[host], self.main.supervisor.remote,
            lambda: self.chance is not None and self._random.random() < self.chance)

    def start_again(self, host):
        """Kill a server without a word, and start another one with as many sticks."""
        bench = self.benches[host]
        self.links[host].is_cut = True
        bench.close()
        self.benches[host] = self._serve(host, len(bench.reports[-1].sticks))
        self._connect(host)

    def film(self):
        """Start the camera."""
        self._camera.start()

    def _film(self):
        image = picture()
        while not self._over.wait(1 / PICTURES_PER_SEC):
            self.main.offer(image)

    def wait_until_all_run(self, sticks, timeout=60.0):
        def all_run():
            states = [stick.status.state for stick in self.supervisor.snapshot.sticks]
            return states.count(RUNNING) == sticks
        deadline = time.monotonic() + timeout
        while not all_run():
            assert time.monotonic() < deadline, self.supervisor.snapshot
            threading.Event().wait(0.01)

    def wait_for_frames(self, number):
        """Wait until so many further frames are published."""
        before = len(self.main.published)
        self.main.wait_for(lambda: len(self.main.published) >= before + number)

    def stick(self, device_name):
        """Return the StickSnapshot of a device."""
        return next(stick for stick in self.supervisor.snapshot.sticks
                    if stick.device_name == device_name)

    def host(self, name):
        """Return the HostSnapshot of a host."""
        return next(host for host in self.supervisor.snapshot.hosts if host.name == name)

    def longest_gap(self, since):
        """Return the most pictures between two results since so many were published."""
        numbers = [frame.sequence for frame, _ in self.main.published[since - 1:]]
        return max(after - before for before, after in zip(numbers, numbers[1:]))

    def check_stream(self):
        """Check that no frame came twice or after a later one, and that all are right."""
        numbers = [frame.sequence for frame, _ in self.main.published]
        assert numbers == sorted(set(numbers))
        assert {frame.header for frame, _ in self.main.published} == {
            f'header {number}' for number in numbers}
        assert {tuple(found.label for found in detections)
                for _, detections in self.main.published} == {('car',)}

    def stop_camera(self):
        """Stop it; wait until each frame is published, or counted as dropped."""
        if self._camera.ident is not None and not self._over.is_set():
            self._over.set()
            self._camera.join()
        self.main.wait_for(lambda: self.main.offered == len(
            self.main.published) + self.supervisor.snapshot.frames.dropped.total)

    def close(self):
        """End everything."""
        self._over.set()
        if self._camera.ident is not None:
            self._camera.join()
        self.main.close()
        for bench in self.benches.values():
            bench.close()


@pytest.fixture
def cluster():
    """Return a function that starts a Cluster, which is closed after the test."""
    started = []

    def start(*args, **kwargs):
        started.append(Cluster(*args, **kwargs))
        return started[-1]

    yield start
    for running in started:
        running.close()


def test_sticks_here_and_there_make_one_ordered_stream(cluster):
    running = cluster()
    running.wait_until_all_run(5)
    running.film()
    running.wait_for_frames(150)
    running.stop_camera()
    running.check_stream()
    assert sorted(stick.device_name for stick in running.supervisor.snapshot.sticks) == [
        '1.1-ma2450', 'a/1.1-ma2450', 'a/1.2-ma2450', 'b/1.1-ma2450', 'b/1.2-ma2450']
    assert [stick.status.number for stick in running.supervisor.snapshot.sticks] == [0, 1, 2, 3, 4]
    assert min(stick.inferences for stick in running.supervisor.snapshot.sticks) > 10
    assert running.supervisor.snapshot.asked_size == 5
    assert running.supervisor.snapshot.active == (0, 1, 2, 3, 4)
    assert running.supervisor.snapshot.frames.dropped.lost == 0


def test_without_sticks_of_its_own_the_detector_starts_no_worker(cluster):
    running = cluster(local=0)
    running.wait_until_all_run(4)
    running.film()
    running.wait_for_frames(50)
    running.stop_camera()
    running.check_stream()
    assert running.supervisor._pool is running.supervisor.remote


@pytest.mark.parametrize('quality', [90, 0])
def test_a_box_is_where_it_is_whatever_way_a_picture_travels(cluster, quality):
    running = cluster(local=0, servers=(1,), jpeg_quality=quality)
    running.wait_until_all_run(1)
    running.main.offer(picture())
    running.main.wait_for(lambda: len(running.main.published) == 1)
    running.main.offer(JPEG, kind=EncodedFrame)
    running.main.wait_for(lambda: len(running.main.published) == 2)
    for frame, [found] in running.main.published:
        assert frame.size == (240, 320)
        assert found[2:] == pytest.approx((0.25, 0.25, 0.5, 0.5), abs=0.02)
    running.main.offer(JPEG[:50], kind=EncodedFrame)
    running.main.wait_for(lambda: running.main.unreadable)


@pytest.mark.parametrize('coolest', ['1.1-ma2450', 'a/1.2-ma2450', 'b/1.1-ma2450'])
def test_the_coolest_stick_anywhere_is_chosen(cluster, coolest):
    running = cluster(settings=Settings(
        cluster_size=1, cluster_switch_cycle_ms=200, min_dwell_ms=0, switch_temperature=60.0))
    running.wait_until_all_run(5)
    buses = {'': running.main.bus, 'a': running.benches['a'].bus, 'b': running.benches['b'].bus}
    for stick in running.supervisor.snapshot.sticks:
        host, _, device = stick.device_name.rpartition('/')
        buses[host].inject(device.partition('-')[0], 'heat',
                           '35' if stick.device_name == coolest else '50')
    running.main.wait_for(lambda: sorted(
        round(stick.status.celsius or 0) for stick in running.supervisor.snapshot.sticks) == [
            35, 50, 50, 50, 50])
    number = running.stick(coolest).status.number
    running.film()
    running.main.wait_for(lambda: running.supervisor.snapshot.active == (number,))
    running.wait_for_frames(20)


def test_the_size_of_the_cluster_counts_all_sticks(cluster):
    running = cluster(settings=Settings(cluster_size=3, cluster_switch_cycle_ms=300,
                                        min_dwell_ms=0, rotation_policy='round_robin'))
    running.wait_until_all_run(5)
    running.film()
    worked = set()

    def all_have_worked():
        active = running.supervisor.snapshot.active
        assert len(active) <= 3
        worked.update(active)
        return worked == {0, 1, 2, 3, 4}

    running.main.wait_for(all_have_worked)
    running.stop_camera()
    running.check_stream()


def test_a_server_that_vanishes_makes_no_gap_and_is_back_soon(cluster):
    running = cluster(inference_ms=40.0)
    running.wait_until_all_run(5)
    running.film()
    running.wait_for_frames(50)
    for _ in range(3):
        since = len(running.main.published)
        running.links['a'].is_cut = True
        running.main.wait_for(lambda: running.host('a').state is HostState.SILENT)
        assert running.stick('a/1.1-ma2450').status.outstanding == 0
        running.wait_for_frames(50)
        assert running.stick('a/1.1-ma2450').status.state is ABSENT
        assert running.stick('b/1.1-ma2450').status.state is RUNNING
        running.links['a'].is_cut = False
        running.wait_until_all_run(5, BACK_SEC)
        inferences = running.stick('a/1.1-ma2450').inferences
        running.main.wait_for(lambda: running.stick('a/1.1-ma2450').inferences > inferences)
        assert running.longest_gap(since) < MOST_PICTURES_IN_A_GAP
    running.stop_camera()
    running.check_stream()
    assert Counter(line.partition(';')[0] for level, line in running.main.log.lines
                   if level == 'error') == {'host a is not heard': 3}


def test_the_frames_of_a_host_that_vanishes_go_to_others_at_once(cluster):
    """None of them is lost, unless it is too old by then."""
    running = cluster(local=0, servers=(1, 2), inference_ms=100.0,
                      settings=Settings(max_frame_age_ms=0))
    running.wait_until_all_run(3)
    running.film()
    running.wait_for_frames(30)
    before = running.supervisor.snapshot.frames.dropped
    running.links['a'].is_cut = True
    running.main.wait_for(lambda: running.host('a').state is HostState.SILENT)
    running.wait_for_frames(20)
    running.stop_camera()
    running.check_stream()
    assert running.supervisor.snapshot.frames.dropped.lost == before.lost


def test_a_detector_without_any_stick_left_works_again_when_one_is_back(cluster):
    running = cluster(local=0, servers=(1,))
    running.wait_until_all_run(1)
    running.film()
    running.wait_for_frames(10)
    running.links['a'].is_cut = True
    running.main.wait_for(lambda: running.supervisor.snapshot.active == ())
    time.sleep(SILENCE_SEC)
    running.links['a'].is_cut = False
    running.wait_for_frames(10)
    running.stop_camera()
    running.check_stream()


def test_a_server_started_again_serves_on_with_the_same_numbers(cluster):
    running = cluster()
    running.wait_until_all_run(5)
    numbers = {stick.device_name: stick.status.number
               for stick in running.supervisor.snapshot.sticks}
    running.film()
    running.start_again('a')
    running.wait_until_all_run(5)
    running.wait_for_frames(20)
    running.stop_camera()
    running.check_stream()
    assert {stick.device_name: stick.status.number
            for stick in running.supervisor.snapshot.sticks} == numbers


def test_a_detector_that_ends_leaves_the_sticks_to_the_next_at_once(cluster):
    running = cluster()
    running.wait_until_all_run(5)
    running.main.close()
    for bench in running.benches.values():
        bench.wait_for(lambda bench=bench: not bench.reports[-1].owner, 0.5)


def disturb(running, chance):
    """Do one thing that may happen, chosen by chance."""
    host = chance.choice('ab')
    what = chance.choice(('cut', 'cut', 'join', 'lossy', 'clean', 'kill', 'kill own', 'restart',
                          'switch', 'size', 'size'))
    if what in ('cut', 'join'):
        running.links[host].is_cut = what == 'cut'
    elif what in ('lossy', 'clean'):
        running.chance = 0.1 if what == 'lossy' else None
    elif what.startswith('kill'):
        sticks = running.supervisor.snapshot.sticks if what == 'kill own' else (
            running.benches[host].server.sticks)
        own = [stick.pid for stick in sticks if stick.pid and '/' not in stick.device_name]
        alive = {child.pid for child in psutil.Process().children(recursive=True)}
        if own and (pid := chance.choice(own)) in alive:
            with contextlib.suppress(ProcessLookupError):   # it may have ended by itself
                os.kill(pid, signal.SIGKILL)
    elif what == 'restart':
        if session := running.benches[host].server.owner.session:
            running.benches[host].claim(
                session, restarts=((chance.randrange(3), chance.randrange(10**6)),))
    elif what == 'switch':
        running.supervisor.switch_cluster()
    else:
        running.supervisor.change(Settings(
            cluster_size=chance.randrange(6), min_dwell_ms=chance.choice((0, 100)),
            cluster_switch_cycle_ms=chance.choice((0, 50, 500))))


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_the_stream_survives_hundreds_of_disturbances(cluster, seed):
    chance = random.Random(seed)
    running = cluster()
    running.wait_until_all_run(5)
    running.film()
    for _ in range(150):
        disturb(running, chance)
        threading.Event().wait(chance.uniform(0.0, 0.08))
    running.chance = None
    for link in running.links.values():
        link.is_cut = False
    running.supervisor.change(Settings(min_dwell_ms=0))
    running.wait_until_all_run(5)
    running.wait_for_frames(50)
    running.stop_camera()
    running.check_stream()
    assert running.main.is_at_work
    assert all(bench.is_at_work for bench in running.benches.values())
    assert len(running.supervisor.snapshot.sticks) == 5
