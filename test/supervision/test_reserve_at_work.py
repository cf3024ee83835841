# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The reserve beside sticks: real workers on two simulated buses, one for the reserve."""

from dataclasses import dataclass
import os
import signal

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.supervision.supervisor_options import RemoteOptions
from ncs_cluster_detector.supervision.supervisor_options import ReserveOptions
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.messages import WorkerConfig
import pytest
from remote_bench import FakeServer
from remote_bench import NETWORKS
from supervisor_bench import Log
from supervisor_bench import picture
from supervisor_bench import QUICK
from supervisor_bench import RUNNING

FPS = 50.0
ABSENT = StickState.ABSENT


@dataclass(frozen=True)
class RefusingDriver(SimulatedDriver):
    """Cannot run its networks, or has no SDK."""

    error: Exception = None

    def make_stick(self, graphs):
        """Return a stick that refuses, or raise that there is no SDK."""
        if isinstance(self.error, SdkMissingError):
            raise self.error
        stick = super().make_stick(graphs)

        def refuse(*arguments, **named):
            raise self.error
        stick.open_stick = refuse
        return stick


class Cluster:
    """Sticks on one bus, the reserve on another one, in a supervisor at work."""

    def __init__(self, start, sticks=1, warm=True, settings=Settings(),
                 driver=SimulatedDriver, error=None, inference_ms=5.0,
                 reserve_inference_ms=5.0, **options):
        bus = SimulatedBus(BusSpec(sticks=1, **{**QUICK, 'inference_ms': reserve_inference_ms}))
        workers = WorkerConfig(driver(bus, error) if error else driver(bus),
                               GraphFiles([graphs.read_graph('shapes')]), (PASCAL_VOC,))
        self.bench = start(
            BusSpec(sticks=sticks, **{**QUICK, 'inference_ms': inference_ms}), settings,
            reserve=ReserveOptions(workers, warm), **options)
        self.sticks = sticks

    @property
    def snapshot(self):
        return self.bench.supervisor.snapshot

    @property
    def reserve(self):
        return self.snapshot.reserve

    @property
    def works(self):
        return self.reserve.works_since is not None

    def wait_for_sticks(self, state=RUNNING):
        self.bench.wait_for_states(*[state] * self.sticks)

    def inject(self, fault, *sticks):
        for number in sticks or range(self.sticks):
            self.bench.bus.inject(f'1.{number + 1}', *fault.split())

    def film_until_reserve_infers(self, images=5):
        wanted = self.reserve.worker.inferences + images
        self.bench.film(FPS, lambda: self.works and self.reserve.worker.inferences >= wanted)

    def settled(self):
        """Wait until every picture is published or dropped; return the numbers, in their order."""
        self.bench.wait_for(lambda: self.bench.offered == (
            len(self.bench.published) + self.snapshot.frames.dropped.total))
        return [frame.sequence for frame, _ in self.bench.published]


@pytest.fixture
def cluster(bench):
    """Return a function that starts a Cluster."""
    return lambda **options: Cluster(bench, **options)


def test_frames_go_on_while_all_sticks_are_gone_and_the_reserve_leaves_when_one_is_back(cluster):
    running = cluster(sticks=2)
    running.wait_for_sticks()
    running.bench.wait_for(lambda: running.reserve.worker.status.state is RUNNING)
    running.bench.film(FPS, lambda: len(running.bench.published) >= 10)
    assert not running.works
    assert running.reserve.worker.inferences == running.reserve.uses == 0

    running.inject('unplug')
    running.film_until_reserve_infers()
    running.bench.film(FPS, lambda: [stick.status.state for stick in running.snapshot.sticks] == [
        ABSENT, ABSENT])
    assert running.snapshot.active == ()
    assert (running.reserve.usable, running.reserve.uses) == (0, 1)
    assert running.reserve.worker.active
    found = running.bench.published[-1][1]
    assert [each.label for each in found] == [
        each.label for each in running.bench.published[0][1]] != []

    running.inject('plug', 0)
    running.bench.film(FPS, lambda: not running.works)
    assert running.snapshot.sticks[0].status.state is RUNNING
    running.settled()
    by_reserve = running.reserve.worker.inferences
    by_stick = running.snapshot.sticks[0].inferences
    running.bench.film(FPS, lambda: running.snapshot.sticks[0].inferences >= by_stick + 20)
    numbers = running.settled()
    assert running.reserve.worker.inferences == by_reserve
    assert not running.reserve.worker.active
    assert running.reserve.worker.status.state is RUNNING   # it stays loaded
    assert numbers == sorted(set(numbers))
    assert [stick.status.number for stick in running.snapshot.sticks] == [0, 1]


def test_a_cold_one_has_no_process_before_it_is_needed_and_keeps_it_afterwards(cluster):
    running = cluster(warm=False)
    running.wait_for_sticks()
    running.bench.film(FPS, lambda: len(running.bench.published) >= 10)
    assert not running.reserve.has_begun
    assert running.reserve.worker.pid is None
    running.inject('unplug')
    running.film_until_reserve_infers()
    pid = running.reserve.worker.pid
    running.inject('plug')
    running.bench.film(FPS, lambda: not running.works)
    running.inject('unplug')
    running.film_until_reserve_infers()
    assert running.reserve.worker.pid == pid
    assert running.reserve.worker.restarts == 0
    assert running.reserve.uses == 2
    numbers = running.settled()
    assert numbers == sorted(set(numbers))


def test_a_worker_of_the_reserve_that_is_killed_at_work_is_replaced(cluster):
    running = cluster()
    running.wait_for_sticks()
    running.inject('unplug')
    running.film_until_reserve_infers()
    killed = running.reserve.worker.pid
    os.kill(killed, signal.SIGKILL)
    running.bench.film(FPS, lambda: running.reserve.worker.restarts == 1)
    running.film_until_reserve_infers()
    assert running.reserve.worker.pid not in (killed, None)
    assert 'SIGKILL' in running.reserve.worker.last_error
    numbers = running.settled()
    assert numbers == sorted(set(numbers))
    lost_on = [one.frames_lost for one in (*running.snapshot.sticks, running.reserve.worker)]
    assert running.snapshot.frames.dropped.lost == sum(lost_on)
    assert lost_on[-1] <= 1   # it has one at a time
    assert any(line.startswith('reserve (1.1-ma2450): ') and 'SIGKILL' in line
               for _, line in running.bench.log.lines)


def test_it_works_beside_what_is_left_of_the_sticks(cluster):
    running = cluster(sticks=2, settings=Settings(reserve_below=2), inference_ms=60.0)
    running.wait_for_sticks()
    running.inject('unplug', 0)
    running.bench.wait_for(lambda: running.works)
    before = running.snapshot.sticks[1].inferences

    def both_have_worked():
        # Several at once, for a stick alone takes what comes at a slow rate.
        for _ in range(4):
            running.bench.offer(picture())
        return (running.reserve.worker.inferences >= 5
                and running.snapshot.sticks[1].inferences >= before + 5)

    running.bench.film(FPS, both_have_worked)
    assert (running.reserve.usable, running.snapshot.active) == (1, (1,))
    numbers = running.settled()
    assert numbers == sorted(set(numbers))
    running.bench.supervisor.change(Settings(reserve_below=1))
    running.bench.wait_for(lambda: not running.works)
    running.bench.supervisor.change(Settings(reserve_below=3))
    running.bench.wait_for(lambda: running.works)
    running.bench.supervisor.change(Settings(reserve_below=3, enabled=False))
    running.bench.wait_for(lambda: not running.works)


def test_one_that_is_much_slower_than_the_sticks_is_only_tried_beside_them(cluster):
    running = cluster(sticks=2, settings=Settings(reserve_below=2), inference_ms=20.0,
                      reserve_inference_ms=400.0)
    running.wait_for_sticks()
    running.inject('unplug', 0)
    running.bench.wait_for(lambda: running.works)
    # Its time is known from the third image on, those after it are on trial.
    running.bench.film(2 * FPS, lambda: running.reserve.worker.inferences >= 6)
    before = running.snapshot.frames.dropped
    tried = running.reserve.worker.inferences
    published = len(running.bench.published)
    running.bench.film(2 * FPS, lambda: running.reserve.worker.inferences >= tried + 2)
    by_stick = len(running.bench.published) - published
    assert by_stick > 3 * (running.reserve.worker.inferences - tried)
    numbers = running.settled()
    assert numbers == sorted(set(numbers))
    # A stick had each of them too, so that none of its results was late.
    assert running.snapshot.frames.dropped.late == before.late
    running.inject('unplug', 1)
    running.film_until_reserve_infers()


def test_a_stick_that_gives_no_answer_is_relieved_by_the_reserve(cluster):
    running = cluster()
    running.wait_for_sticks()
    running.bench.wait_for(lambda: running.reserve.worker.status.state is RUNNING)
    running.bench.film(FPS, lambda: len(running.bench.published) >= 10)
    running.inject('hang all')
    running.film_until_reserve_infers()
    numbers = running.settled()
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize('error, shown', [
    (SdkMissingError('the module is missing; install it'), 'the module is missing; install it'),
    (GraphRejectedError('the network cannot be loaded'), 'the network cannot be loaded')])
def test_one_that_can_never_work_is_given_up_and_the_sticks_go_on(cluster, error, shown):
    running = cluster(driver=RefusingDriver, error=error)
    running.bench.wait_for(lambda: running.reserve.failure)
    assert shown in running.reserve.failure
    running.wait_for_sticks()
    running.bench.film(FPS, lambda: len(running.bench.published) >= 10)
    told = [line for level, line in running.bench.log.lines
            if level == 'error' and 'given up until the node is started again' in line]
    assert len(told) == 1
    assert told[0].startswith('reserve: ')
    running.inject('unplug')
    running.bench.film(FPS, lambda: running.works)   # as far as it can
    assert running.reserve.worker.inferences == 0
    running.inject('plug')
    published = len(running.bench.published)
    running.bench.film(FPS, lambda: len(running.bench.published) >= published + 10)


def test_it_works_while_the_only_other_host_is_not_heard(cluster):
    running = cluster(sticks=0, local_sticks=False,
                      remote=RemoteOptions(('pi2',), '/detector', NETWORKS))
    running.film_until_reserve_infers()   # nobody was heard for some seconds
    server = FakeServer(running.bench.supervisor.remote, 'pi2', sticks=1)

    def serve_until(condition):
        def is_done():
            server.report()
            while server.frames:
                ticket, *_ = server.frames.pop(0)
                server.answer(ticket=ticket)
            return condition()
        running.bench.film(FPS, is_done)

    serve_until(lambda: not running.works and not running.reserve.worker.status.outstanding)
    by_reserve = running.reserve.worker.inferences
    serve_until(lambda: running.snapshot.sticks[0].inferences >= 20)
    assert running.reserve.worker.inferences == by_reserve
    server.is_cut = True
    running.film_until_reserve_infers()
    running.bench.film(FPS, lambda: running.snapshot.sticks[0].away)
    assert running.reserve.uses == 2
    numbers = running.settled()
    assert numbers == sorted(set(numbers))


def test_without_a_reserve_there_is_none(bench):
    running = bench(BusSpec(sticks=1, **QUICK))
    running.wait_for_states(RUNNING)
    assert running.supervisor.snapshot.reserve is None


def test_its_log_lines_name_it(cluster):
    running = cluster()
    running.bench.wait_for(lambda: running.reserve.worker.status.state is RUNNING)
    assert isinstance(running.bench.log, Log)
    running.bench.wait_for(lambda: any(
        line.startswith('reserve (1.1-ma2450) is ready, worker process ')
        for _, line in running.bench.log.lines))
    assert not any('stick -' in line for _, line in running.bench.log.lines)
