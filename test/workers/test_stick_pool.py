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

"""Which worker is started, asked, heard and ended when: invented time, invented workers."""

from types import SimpleNamespace

from ncs_cluster_detector.policy import restart
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.workers import stick_finder
from ncs_cluster_detector.workers.messages import Fault
from ncs_cluster_detector.workers.messages import Found
from ncs_cluster_detector.workers.messages import Listing
from ncs_cluster_detector.workers.messages import Look
from ncs_cluster_detector.workers.messages import Open
from ncs_cluster_detector.workers.messages import Reading
from ncs_cluster_detector.workers.messages import Ready
from ncs_cluster_detector.workers.messages import Result
from ncs_cluster_detector.workers.messages import Wait
from ncs_cluster_detector.workers.stick_finder import LISTING_SEC
from ncs_cluster_detector.workers.stick_finder import LONGEST_LISTING_SEC
from ncs_cluster_detector.workers.stick_pool import FRESH_LOOK_PERIOD_SEC
from ncs_cluster_detector.workers.stick_pool import LOOK_PERIOD_SEC
from ncs_cluster_detector.workers.stick_pool import StickPool
from ncs_cluster_detector.workers.supervisor_options import SupervisorOptions
import pytest

ONE = ('1.1-ma2450',)
TWO = ('1.1-ma2450', '1.2-ma2450')
RUNNING, BACKOFF = StickState.RUNNING, StickState.BACKOFF


class Worker:
    """Stands for a worker process that says what a test has it say."""

    def __init__(self, made, now):
        self.pid = 100 + len(made)
        self.started_at = self.heard_at = now
        self.busy_since = None
        self.step, self.step_at = None, now
        self.outstanding = ()
        self.told = []
        self.says = []
        self.ended = self.closed = False
        self.obeys_kill = True
        made.append(self)

    def messages(self):
        said, self.says = self.says, []
        return iter(said)

    def send(self, message):
        self.told.append(message)

    def forgive(self, delay_sec):
        self.heard_at += delay_sec

    def has_ended(self):
        return self.ended

    def how_it_ended(self):
        return 'was killed by SIGKILL'

    def kill(self):
        self.ended = self.obeys_kill

    def close(self):
        assert self.ended
        self.closed = True


class Cleaner:
    """Stands for a bus cleaner: there is none, or it does what a test has it do."""

    def __init__(self):
        self.dead = {}
        self.asked = []
        self.is_usable = False
        self.is_done, self.revived = False, ()

    def clean(self, own_ports, now):
        self.asked.append(own_ports)
        return self.is_usable

    def hear(self, now):
        heard = self.is_done, self.revived
        self.is_done, self.revived = False, ()
        return heard

    def deadline(self):
        return float('inf')

    def forgive(self, delay_sec):
        pass

    def waitables(self):
        return []


class World:
    """A pool whose workers are all in ``workers``, in the order of their start."""

    def __init__(self, monkeypatch, **options):
        self.workers = []
        self.log = []
        monkeypatch.setattr(stick_finder, 'WorkerHandle',
                            lambda config, inflight, now: Worker(self.workers, now))
        say = self.log.append
        self.options = SupervisorOptions(None, **options)
        self.cleaner = Cleaner()
        self.pool = StickPool(self.options, self.cleaner,
                              SimpleNamespace(info=say, warning=say, error=say))

    @property
    def last(self):
        return self.workers[-1]

    def states(self):
        return [status.state for status in self.pool.statuses(0.0)]

    def next_due(self):
        return self.pool.next_due(self.now)

    def step(self, now, *says, by=None):
        """Let a worker say something, the newest if no other, and the pool do what is due."""
        self.now = now
        if says:
            (by or self.last).says += says
            # As a rule a worker ends right after it has said why it fails.
            (by or self.last).ended |= any(isinstance(word, Fault) for word in says)
        self.pool.receive(now)
        self.pool.judge(now)

    def start_all(self, names, now=0.0):
        """Have all sticks RUNNING 2 s after ``now``; return their workers and the scout."""
        self.step(now)
        for _ in names:
            self.step(now, Found(names))
            self.step(now, Ready())
            self.step(now + LOOK_PERIOD_SEC / 2)
        for worker in self.workers:
            worker.says.append(Reading(30.0, 0, now))
        self.step(now + 2.0)
        self.step(now + 2.0, Found(names))
        assert self.last.told == [Wait()]
        assert self.states() == [RUNNING] * len(names)
        return self.workers[:]


@pytest.fixture
def world(monkeypatch):
    """Return a function that makes a World."""
    return lambda **options: World(monkeypatch, **options)


def test_one_worker_is_in_start_up_at_a_time(world):
    world = world()
    world.step(0.0)
    assert len(world.workers) == 1
    world.step(0.1, Found(TWO))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(0.2)
    assert len(world.workers) == 1
    world.step(1.5, Ready())
    assert len(world.workers) == 2
    world.step(1.6, Found(('1.1-', '1.2-ma2450')))
    assert world.last.told == [Open('1.2-ma2450', ('1.1',))]
    world.step(2.5, Ready())
    assert len(world.workers) == 2
    assert world.states() == [RUNNING, RUNNING]


def test_without_a_stick_the_worker_stays_and_looks_again_and_again(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Found(()))
    assert world.last.told == [Wait()]
    for look in range(1, 4):
        now = 0.1 + look * LOOK_PERIOD_SEC
        assert world.next_due() == pytest.approx(now)
        world.step(now)
        assert world.last.told == [Wait()] + [Look()] * look
        world.step(now, Found(()))
    assert len(world.workers) == 1


def test_a_stick_that_comes_to_an_empty_machine_is_opened_by_a_fresh_worker(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Found(()))
    world.step(2.1)
    world.step(2.2, Found(ONE))
    scout, starter = world.workers
    world.step(2.3, Found(ONE))
    assert starter.told == [Open('1.1-ma2450')]
    assert scout.told == [Wait(), Look()]
    assert not scout.ended


def test_a_stick_that_comes_to_others_is_found_by_the_scout(world):
    world = world()
    first, second, scout = world.start_all(TWO)
    world.step(4.0)
    assert scout.told == [Wait(), Look()]
    assert first.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(4.1, Found(('1.1-', '1.2-', '1.7-ma2450')))
    assert len(world.workers) == 4
    world.step(4.2, Found(('1.1-', '1.2-', '1.7-ma2450')))
    assert world.last.told == [Open('1.7-ma2450', ('1.1', '1.2'))]
    world.step(4.9, Ready())
    assert world.states() == [RUNNING] * 3


def test_nothing_is_looked_for_when_max_sticks_run(world):
    world = world(max_sticks=1)
    world.step(0.0)
    world.step(0.0, Found(TWO))
    world.step(0.0, Ready())
    assert world.next_due() == 3.0   # the reading that the worker owes
    world.step(2.9, Reading(30.0, 0, 2.9))
    assert len(world.workers) == 1


def test_an_unplugged_stick_is_absent_and_back_soon_after_it_is_plugged_in_again(world):
    world = world()
    first, second, scout = world.start_all(TWO)
    world.step(2.1, Fault('reading a result: ERROR'), by=first)
    assert world.states() == [BACKOFF, RUNNING]
    world.step(2.6)
    world.step(2.7, Found(('1.2-',)))
    assert world.states() == [StickState.ABSENT, RUNNING]
    assert world.last.closed                 # there is a scout already
    second.says.append(Reading(30.0, 0, 4.7))
    world.step(4.7)
    assert scout.told == [Wait(), Look()]
    world.step(4.8, Found(('1.1-ma2450', '1.2-')), by=scout)
    world.step(4.9, Found(('1.1-ma2450', '1.2-')))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(6.3, Ready())
    assert world.states() == [RUNNING, RUNNING]


def test_a_scout_that_hangs_is_replaced_and_harms_no_stick(world):
    world = world()
    stick, scout = world.start_all(ONE)
    for now in (4.0, 6.0):
        world.step(now, Reading(30.0, 0, now), by=stick)
    assert scout.told == [Wait(), Look()]    # not asked again while it owes the answer
    world.step(4.0 + LISTING_SEC)
    assert scout.closed
    assert world.states() == [RUNNING]
    world.step(8.0)
    world.step(8.1, Found(ONE))
    assert world.last.told == [Wait()]


def test_a_worker_that_is_not_ready_in_time_is_replaced(world):
    world = world(startup_timeout_sec=5.0)
    world.step(0.0)
    world.step(1.0, Found(ONE))   # it was another program's turn before
    world.step(5.9)
    assert world.states() == [StickState.STARTING]
    world.step(6.0)
    assert world.states() == [BACKOFF]
    assert world.workers[0].closed
    world.step(6.5)
    assert len(world.workers) == 2


def test_a_worker_that_lists_no_sticks_in_time_is_replaced_later_and_later(world):
    world = world(startup_timeout_sec=5.0)
    world.step(0.0)
    started = []
    for _ in range(3):
        world.step(world.last.started_at + 5.0)
        assert world.workers[-1].closed
        world.step(world.next_due())
        started.append(world.last.started_at)
    assert started == [5.5, 11.5, 18.0]
    assert world.log[0].startswith('looking for sticks: no answer within 5 s')


def test_a_list_has_a_deadline_of_its_own_from_when_no_other_program_is_at_it(world):
    world = world(startup_timeout_sec=60.0)
    world.step(0.0)
    patience = []
    for _ in range(3):
        began_at = world.last.started_at + 50.0   # so long another program started its sticks
        world.step(began_at, Listing())
        patience.append(world.next_due() - began_at)
        world.step(world.next_due())
        assert world.last.closed
        world.step(world.next_due())
    assert patience == [LISTING_SEC, 2 * LISTING_SEC, LONGEST_LISTING_SEC]
    world.step(world.last.started_at, Listing(), Found(ONE))
    assert world.last.told == [Open(ONE[0])]


@pytest.mark.parametrize('silent, timeout', [('busy', 2.0), ('idle', 3.0)])
def test_a_silent_worker_is_given_up_busy_or_idle(world, silent, timeout):
    world = world(inference_timeout_sec=2.0)
    worker, _ = world.start_all(ONE, now=10.0)   # it gave a reading at 12.0
    if silent == 'busy':
        worker.busy_since = 12.0
    world.step(12.0 + timeout - 0.01)
    assert world.states() == [RUNNING]
    assert world.next_due() == pytest.approx(12.0 + timeout)
    world.step(12.0 + timeout)
    assert world.states() == [BACKOFF]


def test_readings_keep_an_idle_worker_alive(world):
    world = world()
    worker, _ = world.start_all(ONE)
    for second in range(3, 20):
        world.step(float(second), Reading(30.0, 0, float(second)), by=worker)
    assert world.states() == [RUNNING]


def test_time_in_which_this_process_stood_still_does_not_count(world):
    world = world()
    world.start_all(ONE)
    world.pool.forgive(60.0)
    world.step(64.0)
    assert world.states() == [RUNNING]
    world.step(65.0)
    assert world.states() == [BACKOFF]


def test_a_worker_that_survives_its_kill_keeps_its_stick_stopping(world):
    world = world()
    worker, _ = world.start_all(ONE)
    worker.obeys_kill = False
    world.step(5.0)
    assert world.states() == [StickState.STOPPING]
    world.step(60.0)
    assert (world.states(), len(world.workers)) == ([StickState.STOPPING], 2)
    worker.ended = True
    world.step(60.1)
    assert world.states() == [BACKOFF]
    assert worker.closed


def test_a_graph_that_the_first_stick_refuses_cannot_be_used(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Found(TWO))
    world.step(1.0, Fault('graph 0: UNSUPPORTED_GRAPH_FILE', 'graph_paths'))
    assert world.pool.unusable == ('graph_paths', 'graph 0: UNSUPPORTED_GRAPH_FILE')


def test_a_graph_that_worked_on_another_stick_is_this_ones_trouble(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Found(TWO))
    world.step(1.0, Ready())
    world.step(1.1, Found(TWO))
    world.step(2.0, Fault('graph 0: UNSUPPORTED_GRAPH_FILE', 'graph_paths'))
    assert world.pool.unusable is None
    assert world.states() == [RUNNING, StickState.FATAL]


def test_a_graph_that_worked_on_this_stick_is_tried_on_it_again(world):
    world = world()
    stick, _ = world.start_all(ONE)
    stick.post = lambda number, frame, now: None
    world.pool.post(0, SimpleNamespace(number=1), 2.0)
    stick.settle = lambda result, now: SimpleNamespace(number=1)
    world.step(2.1, Result(1, (), 0, 0.1), Fault('INVALID_DATA_LENGTH', 'graph_paths'), by=stick)
    assert world.states() == [BACKOFF]


def test_the_same_reason_is_told_once_until_the_stick_is_given_up(world):
    world = world()
    worker, scout = world.start_all(ONE)
    now = 2.5
    world.step(now, Fault('opening stick 1.1-ma2450: ERROR'), by=worker)
    while world.states() == [BACKOFF]:
        now = world.next_due()
        started = len(world.workers)
        world.step(now)
        if len(world.workers) == started:
            world.step(now, Found(ONE), by=scout)   # that was a look
        else:
            world.step(now, Found(ONE))
            world.step(now, Fault('opening stick 1.1-ma2450: ERROR'))
    assert len(world.workers) == 1 + restart.BUDGET
    told = [text for text in world.log if 'ERROR' in text]
    assert told == [
        'stick 0 (1.1-ma2450): opening stick 1.1-ma2450: ERROR; starting again in 0.5 s',
        'stick 0 (1.1-ma2450): opening stick 1.1-ma2450: ERROR; given up for 300 s']


def test_an_sdk_that_cannot_be_loaded_is_told_before_there_is_a_stick(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Fault('libmvnc.so: no such file', 'driver'))
    assert world.pool.unusable == ('driver', 'libmvnc.so: no such file')


def test_an_sdk_that_fails_to_load_later_ends_nothing(world):
    world = world()
    stick, _ = world.start_all(TWO)[:2]
    world.step(2.1, Fault('lost'), by=stick)
    world.step(2.6, Reading(30.0, 0, 2.6), by=world.workers[1])
    world.step(2.7, Fault('libmvnc.so: too many open files', 'driver'))
    world.last.ended = True
    world.step(2.8)
    assert world.pool.unusable is None
    world.step(3.3)
    world.step(3.4, Found(TWO))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]


def test_what_a_worker_said_last_is_heard_although_it_has_ended(world):
    world = world()
    stick, _ = world.start_all(ONE)
    stick.ended = True
    world.step(2.1, Fault('reading a result: ERROR'), by=stick)
    assert 'reading a result: ERROR' in world.log[-1]


def test_sticks_that_a_killed_process_left_behind_are_reset_by_a_fresh_worker(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Found(('1.1-',)))   # in use by another process, as yet
    scout = world.last
    world.step(1.1)
    world.step(1.2, Found(('1.1-',)), by=scout)
    now = 1.2
    while len(world.workers) == 1:
        assert now < 2 * FRESH_LOOK_PERIOD_SEC
        now = world.next_due()
        world.step(now)
        if len(world.workers) == 1:
            world.step(now, Found(('1.1-',)), by=scout)
    assert now == 1.2 + FRESH_LOOK_PERIOD_SEC
    world.step(now + 1.5, Found(ONE))
    assert world.last.told == [Open('1.1-ma2450')]


def test_a_list_made_while_a_stick_is_being_opened_makes_none_absent(world):
    world = world()
    first, second, scout = world.start_all(TWO)
    world.step(2.1, Fault('lost'), by=first)
    world.step(2.6)
    world.step(2.7, Found(('1.2-',)), by=scout)   # the fresh worker is resetting the first one
    assert world.states() == [BACKOFF, RUNNING]
