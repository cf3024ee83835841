# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which worker is started, asked, heard and ended when: invented time, invented workers."""

from types import SimpleNamespace

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.endings import STOP_GRACE_SEC
from ncs_cluster_detector.supervision.starting import unassigned_worker
from ncs_cluster_detector.supervision.starting.start_turn import FRESH_LOOK_PERIOD_SEC
from ncs_cluster_detector.supervision.starting.starts import LOOK_PERIOD_SEC
from ncs_cluster_detector.supervision.starting.unassigned_worker import LISTING_SEC
from ncs_cluster_detector.supervision.starting.unassigned_worker import LONGEST_LISTING_SEC
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.wire.messages import DeadStick
from ncs_cluster_detector.wire.messages import DeviceList
from ncs_cluster_detector.wire.messages import EnumerationStarted
from ncs_cluster_detector.wire.messages import Fault
from ncs_cluster_detector.wire.messages import ListSticks
from ncs_cluster_detector.wire.messages import Open
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import Ready
from ncs_cluster_detector.wire.messages import Result
from ncs_cluster_detector.wire.messages import StandBy
from ncs_cluster_detector.wire.messages import Step
import pytest

OPENING, BOOTED, OPENED = OpeningStep.OPENING, OpeningStep.BOOTED, OpeningStep.OPENED
ONE = ('1.1-ma2450',)
TWO = ('1.1-ma2450', '1.2-ma2450')
THREE = (*TWO, '1.3-ma2450')
RUNNING, BACKOFF, STARTING = StickState.RUNNING, StickState.BACKOFF, StickState.STARTING
DEAD, ABSENT, STOPPING = StickState.DEAD, StickState.ABSENT, StickState.STOPPING
QUEUED = StickState.QUEUED
READY = Ready(Reading(30.0, 0, 0.0))
REMEDY = 'unplug it and plug it in again'


class Worker:
    """Stands for a worker process that says what a test has it say."""

    def __init__(self, made, now):
        self.pid = 100 + len(made)
        self.started_at = self.turn_at = self.heard_at = now
        self.busy_since = None
        self.step, self.step_at = OpeningStep.WAITING, now
        self.outstanding, self.frames = (), {}
        self.told = []
        self.says = []
        self.ended = self.closed = self.had_turn = False
        self.rejections = []
        self.obeys_kill = True
        made.append(self)

    def messages(self):
        said, self.says = self.says, []
        return iter(said)

    def send(self, message):
        self.told.append(message)

    def extend_deadlines(self, delay_sec):
        self.heard_at += delay_sec

    def on_reading(self, now):
        self.heard_at = now

    on_step = WorkerHandle.on_step

    def was_killed(self):
        return False

    def has_ended(self):
        return self.ended

    def how_it_ended(self):
        return 'was killed by SIGKILL'

    def kill(self):
        self.ended = self.obeys_kill

    def reject(self, reason):
        self.rejections.append(reason)
        self.kill()

    def close(self):
        assert self.ended
        self.closed = True


class Cleaner:
    """Stands for a bus cleaner: there is none, or it does what a test has it do."""

    def __init__(self):
        self.dead = {}
        self.asked = []
        self.spared = frozenset()
        self.is_usable = False
        self.is_done = False
        self._is_at_it = False
        self._left = {}

    def leaves(self, port, by_reset):
        """Have a dead stick leave the bus at the next step, by a reset or by a hand."""
        self._left = {port: by_reset}

    deadline = float('inf')

    def clean(self, own_ports, now):
        if not self._is_at_it:
            self.asked.append(own_ports)
            self.spared = frozenset(own_ports)
        self._is_at_it = self.is_usable
        return self.is_usable

    def hear(self, now):
        heard = self.is_done, self._left
        self.dead = {port: stick for port, stick in self.dead.items() if port not in self._left}
        self._is_at_it &= not self.is_done
        self.is_done, self._left = False, {}
        return heard

    def judge(self, now):
        return None


class World:
    """A pool whose workers are all in ``workers``, in the order of their start."""

    def __init__(self, monkeypatch, make_cleaner=lambda logger: Cleaner(), **options):
        self.workers = []
        self.log = []
        monkeypatch.setattr(unassigned_worker, 'WorkerHandle',
                            lambda config, inflight, now: Worker(self.workers, now))
        say = self.log.append
        logger = SimpleNamespace(info=say, warning=say, error=say)
        self.options = SupervisorOptions(None, **options)
        self.cleaner = make_cleaner(logger)
        self.pool = StickPool(self.options, self.cleaner, logger)

    @property
    def last(self):
        return self.workers[-1]

    def states(self):
        return [status.state for status in self.pool.views.statuses.values()]

    def next_due(self):
        return self.pool.next_due(self.now)

    def step(self, now, *says, by=None):
        """Let a worker say something, the newest if no other, and the pool do what is due."""
        self.now = now
        if says:
            worker = by or self.last
            if isinstance(says[0], DeviceList) and not worker.had_turn:
                self.give_turn(worker, now)
            worker.had_turn |= isinstance(says[0], EnumerationStarted)
            worker.says += says
            # As a rule a worker ends right after it has said why it fails.
            worker.ended |= any(isinstance(word, Fault) for word in says)
        self.pool.receive(now)
        self.pool.judge(now)
        self.pool.views.refresh(now)

    def give_turn(self, worker, now):
        """Have a worker told to list the sticks, which most tests leave out."""
        asked = self.cleaner.asked[:]
        worker.had_turn = True
        worker.says.append(EnumerationStarted())
        self.pool.receive(now)
        worker.told.remove(ListSticks())
        self.cleaner.asked[:] = asked

    def told_of(self, text):
        """Return the lines of the log that have this text in them."""
        return [line for line in self.log if text in line]

    def start_all(self, names, now=0.0):
        """Have all sticks RUNNING 2 s after ``now``; return their workers and the lister."""
        self.step(now)
        for _ in names:
            self.step(now, DeviceList(names))
            self.step(now, READY)
            self.step(now + LOOK_PERIOD_SEC / 2)
        for worker in self.workers:
            worker.says.append(Reading(30.0, 0, now))
        self.step(now + 2.0)
        self.step(now + 2.0, DeviceList(names))
        assert self.last.told == [StandBy()]
        assert self.states() == [RUNNING] * len(names)
        return self.workers[:]


@pytest.fixture
def world(monkeypatch):
    """Return a function that makes a World."""
    return lambda **options: World(monkeypatch, **options)


def test_the_temperature_of_a_fresh_stick_is_known_at_once(world):
    world = world()
    world.step(0.0)
    world.step(0.1, DeviceList(ONE))
    world.step(1.5, Ready(Reading(71.0, 1, 1.4)))
    (status,) = [stick.status for stick in world.pool.views.snapshots(1.5, ())]
    assert status.state is RUNNING
    assert (status.reading(1.5), status.throttle_level) == (71.0, 1)


def test_one_worker_is_in_start_up_at_a_time(world):
    world = world()
    world.step(0.0)
    assert len(world.workers) == 1
    world.step(0.1, DeviceList(TWO))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(0.2)
    assert len(world.workers) == 1
    world.step(1.5, READY)
    assert len(world.workers) == 2
    world.step(1.6, DeviceList(('1.1-', '1.2-ma2450')))
    assert world.last.told == [Open('1.2-ma2450', ('1.1',))]
    world.step(2.5, READY)
    assert len(world.workers) == 2
    assert world.states() == [RUNNING, RUNNING]


def test_without_a_stick_the_worker_stays_and_looks_again_and_again(world):
    world = world()
    world.step(0.0)
    world.step(0.1, DeviceList(()))
    assert world.last.told == [StandBy()]
    for look in range(1, 4):
        now = 0.1 + look * LOOK_PERIOD_SEC
        assert world.next_due() == pytest.approx(now)
        world.step(now)
        assert world.last.told == [StandBy()] + [ListSticks()] * look
        world.step(now, DeviceList(()))
    assert len(world.workers) == 1


def test_a_stick_that_comes_to_an_empty_machine_is_opened_by_a_fresh_worker(world):
    world = world()
    world.step(0.0)
    world.step(0.1, DeviceList(()))
    world.step(2.1)
    world.step(2.2, DeviceList(ONE))
    lister, opener = world.workers
    world.step(2.3, DeviceList(ONE))
    assert opener.told == [Open('1.1-ma2450')]
    assert lister.told == [StandBy(), ListSticks()]
    assert not lister.ended


def test_a_stick_that_comes_to_others_is_found_by_the_lister(world):
    world = world()
    first, second, lister = world.start_all(TWO)
    world.step(4.0)
    assert lister.told == [StandBy(), ListSticks()]
    assert first.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(4.1, DeviceList(('1.1-', '1.2-', '1.7-ma2450')))
    assert len(world.workers) == 4
    world.step(4.2, DeviceList(('1.1-', '1.2-', '1.7-ma2450')))
    assert world.last.told == [Open('1.7-ma2450', ('1.1', '1.2'))]
    world.step(4.9, READY)
    assert world.states() == [RUNNING] * 3


def test_nothing_is_looked_for_when_max_sticks_run(world):
    world = world(max_sticks=1)
    world.step(0.0)
    world.step(0.0, DeviceList(TWO))
    world.step(0.0, READY)
    assert world.next_due() == 3.0   # the reading that the worker owes
    world.step(2.9, Reading(30.0, 0, 2.9))
    assert len(world.workers) == 1


def test_an_unplugged_stick_is_absent_and_back_soon_after_it_is_plugged_in_again(world):
    world = world()
    first, second, lister = world.start_all(TWO)
    world.step(2.1, Fault('reading a result: ERROR'), by=first)
    assert world.states() == [BACKOFF, RUNNING]
    world.step(2.6)
    world.step(2.7, DeviceList(('1.2-',)))
    assert world.states() == [StickState.ABSENT, RUNNING]
    assert world.last.closed                 # there is a lister already
    second.says.append(Reading(30.0, 0, 4.7))
    world.step(4.7)
    assert lister.told == [StandBy(), ListSticks()]
    world.step(4.8, DeviceList(('1.1-ma2450', '1.2-')), by=lister)
    world.step(4.9, DeviceList(('1.1-ma2450', '1.2-')))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(6.3, READY)
    assert world.states() == [RUNNING, RUNNING]


def test_a_lister_that_hangs_is_replaced_and_harms_no_stick(world):
    world = world()
    stick, lister = world.start_all(ONE)
    for now in (4.0, 6.0):
        world.step(now, Reading(30.0, 0, now), by=stick)
    assert lister.told == [StandBy(), ListSticks()]    # not asked again while it owes the answer
    world.step(4.0 + LISTING_SEC)
    assert lister.closed
    assert world.states() == [RUNNING]
    world.step(8.0)
    world.step(8.1, DeviceList(ONE))
    assert world.last.told == [StandBy()]


def test_a_worker_that_is_not_ready_in_time_is_replaced(world):
    world = world(startup_timeout_sec=5.0)
    world.step(0.0)
    world.step(1.0, DeviceList(ONE))   # it was another program's turn before
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
        world.step(began_at, EnumerationStarted())
        patience.append(world.next_due() - began_at)
        world.step(world.next_due())
        assert world.last.closed
        world.step(world.next_due())
    assert patience == [LISTING_SEC, 2 * LISTING_SEC, LONGEST_LISTING_SEC]
    world.step(world.last.started_at, DeviceList(ONE))
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
    world.pool.extend_deadlines(60.0)
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
    assert world.states() == [QUEUED]
    assert worker.closed


def refusal(name, status='UNSUPPORTED_GRAPH_FILE'):
    """Return what a stick says that refuses the networks."""
    return Fault(f'loading graph 0 on stick {name}: {status}', 'graph_paths')


ANSWER_SEC = 0.05


class Sticks:
    """Sticks by port, and what each says when it is opened; they answer every worker soon."""

    def __init__(self, world, **_):
        self.world = world
        self.say = {}          # port -> message, or None for one that hangs
        self.taken = set()     # ports of those that another program has open
        self.now = 0.0
        self._heard = {}       # pid -> how many words the worker was told when it answered

    def names(self):
        used = self.taken | {self._port_of(worker) for worker in self.world.workers
                             if not worker.ended}
        return tuple(f'{port}-' if port in used else f'{port}-ma2450' for port in self.say)

    def opened(self):
        """Return the ports of all sticks that a worker was told to open."""
        return list(filter(None, map(self._port_of, self.world.workers)))

    @staticmethod
    def _port_of(worker):
        opens = [word for word in worker.told if isinstance(word, Open)]
        return opens[0].device_name.partition('-')[0] if opens else None

    def play(self, until):
        """Do all that is due until the time ``until``, or until the node must end."""
        while self.now < until and self.world.pool.unusable is None:
            for worker in [worker for worker in self.world.workers if not worker.ended]:
                self._answer(worker)
            self.world.step(self.now)
            self.now += ANSWER_SEC

    def _answer(self, worker):
        port, told = self._port_of(worker), len(worker.told)
        if port is not None and port not in self.say:
            worker.says.append(Fault('pulled out'))
            worker.ended = True
        elif self._heard.get(worker.pid) != told:
            self._heard[worker.pid] = told
            if port is None and worker.told != [StandBy()]:
                if not worker.had_turn:
                    self.world.give_turn(worker, self.now)
                worker.says.append(DeviceList(self.names()))
            elif port is not None and self.say[port] is not None:
                worker.says.append(self.say[port])
                worker.ended = isinstance(self.say[port], Fault)
        elif port is not None and self.say[port] is READY:
            worker.says.append(Reading(30.0, 0, self.now))


@pytest.fixture
def sticks(world):
    """Return a function that makes Sticks in a World, with what they say by port."""
    def make(say, **options):
        made = Sticks(world(**options))
        made.say = dict(say)
        return made
    return make


UNFIT, BAD_CABLE = 'UNSUPPORTED_GRAPH_FILE', 'OUT_OF_MEMORY'


def refusals(status, *ports):
    """Return the refusal of each port's stick, in a dictionary."""
    return {port: refusal(f'{port}-ma2450', status) for port in ports}


@pytest.mark.parametrize('max_sticks', [0, 1])
@pytest.mark.parametrize('ports', [
    ('1.1', '1.2'), ('1.1',), tuple(f'1.{port}' for port in range(1, 6))])
def test_a_graph_that_all_sticks_refuse_ends_the_node_within_seconds(sticks, ports, max_sticks):
    sticks = sticks(refusals(UNFIT, *ports), max_sticks=max_sticks)
    sticks.play(until=10.0)
    parameter, text = sticks.world.pool.unusable
    assert (parameter, UNFIT in text) == ('graph_paths', True)
    assert len(sticks.opened()) == max(len(ports), 2)
    assert sticks.world.log == []   # the line that ends the node says it all


@pytest.mark.parametrize('bad, good', [
    (['1.1'], ['1.2']), (['1.2'], ['1.1']), (['1.1', '1.2'], ['1.3']),
    (['1.1', '1.2'], ['1.3', '1.4', '1.5']), (['1.4', '1.5'], ['1.1', '1.2', '1.3']),
    (['1.1', '1.2', '1.3', '1.4'], ['1.5'])])
@pytest.mark.parametrize('max_sticks', [0, 1, 3])
def test_bad_cables_end_nothing_while_one_stick_takes_the_graph(sticks, bad, good, max_sticks):
    sticks = sticks({**refusals(BAD_CABLE, *bad), **dict.fromkeys(good, READY)},
                    max_sticks=max_sticks)
    sticks.play(until=60.0)
    assert sticks.world.pool.unusable is None
    runs = sticks.world.states().count(RUNNING)
    assert runs == min(len(good), max_sticks or 5)


def test_one_with_a_bad_cable_is_back_soon_after_it_is_mended_however_late_that_is(sticks):
    sticks = sticks({**refusals(BAD_CABLE, '1.1'), '1.2': READY})
    sticks.play(until=restart.FIRST_DELAY_SEC)
    assert len(sticks.world.told_of(BAD_CABLE)) == 1
    sticks.play(until=900.0)
    assert sticks.world.states() == [BACKOFF, RUNNING]
    assert len(sticks.world.told_of(BAD_CABLE)) == 1
    sticks.say['1.1'] = READY
    sticks.play(until=911.0)
    assert sticks.world.states() == [RUNNING, RUNNING]


def test_two_reasons_are_none_until_one_is_given_twice_by_a_stick_and_none_has_worked(sticks):
    sticks = sticks({**refusals(BAD_CABLE, '1.1'), **refusals(UNFIT, '1.2')})
    sticks.play(until=10.0)
    assert sticks.world.pool.unusable is not None
    assert len(sticks.opened()) == 4   # both have failed twice


def test_when_a_stick_has_loaded_the_graph_no_refusal_ends_the_node_even_without_it(sticks):
    sticks = sticks({**refusals(BAD_CABLE, '1.1', '1.3'), '1.2': READY})
    sticks.play(until=10.0)
    assert sticks.world.states()[1] is RUNNING
    del sticks.say['1.2']
    sticks.play(until=60.0)
    assert sticks.world.pool.unusable is None
    assert sticks.world.states()[1] is ABSENT


def test_one_that_hangs_is_waited_for_twice_before_a_single_one_is_believed(sticks):
    sticks = sticks({**refusals(UNFIT, '1.1'), '1.2': None}, startup_timeout_sec=5.0)
    sticks.play(until=60.0)
    assert sticks.world.pool.unusable is not None
    assert sticks.opened().count('1.2') == 2
    assert len(sticks.world.told_of('not ready within')) == 1


def test_what_is_listed_as_in_use_is_not_opened(sticks):
    sticks = sticks({'1.1': READY, '1.2': READY, '1.3': READY})
    sticks.play(until=2 * ANSWER_SEC)
    assert len(sticks.world.states()) == 3
    sticks.taken.add('1.2')
    sticks.play(until=5.0)
    assert sticks.opened() == ['1.1', '1.3']
    assert sticks.world.states() == [RUNNING, RUNNING]
    assert sticks.world.log == [line for line in sticks.world.log if 'is ready' in line]
    sticks.taken.clear()
    sticks.play(until=8.0)
    assert sticks.world.states() == [RUNNING] * 3


def test_what_another_program_has_taken_meanwhile_is_no_failure_and_the_next_is_opened(sticks):
    sticks = sticks({'1.1': Fault('in use by another program', in_use=True), '1.2': READY},
                    max_sticks=1)
    sticks.play(until=2 * ANSWER_SEC)
    sticks.taken.add('1.1')
    sticks.play(until=LOOK_PERIOD_SEC / 2)
    assert sticks.world.told_of('in use') == []
    (stick,) = sticks.world.pool.views.snapshots(2.0, ())
    assert (stick.status.number, stick.device_name) == (0, '1.2-ma2450')
    assert (stick.status.state, stick.restarts) == (RUNNING, 0)


def test_an_open_stick_that_is_called_in_use_has_failed_and_starts_again(world):
    world = world()
    first, *_ = world.start_all(TWO)
    world.step(3.0, Fault('in use by another program', in_use=True), by=first)
    assert [one.restarts for one in world.pool.views.snapshots(3.0, ())] == [1, 0]
    assert world.states() == [BACKOFF, RUNNING]
    assert len(world.told_of('in use')) == 1


def test_a_graph_that_worked_on_another_stick_is_this_ones_trouble(world):
    world = world()
    world.step(0.0)
    world.step(0.1, DeviceList(TWO))
    world.step(1.0, READY)
    world.step(1.1, DeviceList(TWO))
    world.step(2.0, Fault('graph 0: UNSUPPORTED_GRAPH_FILE', 'graph_paths'))
    assert world.pool.unusable is None
    assert world.states() == [RUNNING, BACKOFF]
    assert world.told_of('UNSUPPORTED_GRAPH_FILE; starting again in 0.5 s')


def test_a_graph_that_worked_on_this_stick_is_tried_on_it_again(world):
    world = world()
    stick, _ = world.start_all(ONE)
    stick.post = lambda frame, now: None
    world.pool.post(0, SimpleNamespace(sequence=1), 2.0)
    stick.settle = lambda result, now: SimpleNamespace(sequence=1)
    world.step(2.1, Result(1, (), 0, 0.1, 2.1),
               Fault('INVALID_DATA_LENGTH', 'graph_paths'), by=stick)
    assert world.states() == [BACKOFF]


def test_the_same_reason_is_told_once_until_the_stick_is_given_up(world):
    world = world()
    worker, lister = world.start_all(ONE)
    now = 2.5
    world.step(now, Fault('opening stick 1.1-ma2450: ERROR'), by=worker)
    while world.states() == [BACKOFF]:
        now = world.next_due()
        started = len(world.workers)
        world.step(now)
        if len(world.workers) == started:
            world.step(now, DeviceList(ONE), by=lister)   # that was a look
        else:
            world.step(now, DeviceList(ONE))
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
    world.step(3.4, DeviceList(TWO))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]


@pytest.mark.parametrize('word', [
    READY, Step(OpeningStep.BOOTED)], ids=['ready again', 'a step back'])
def test_a_worker_at_work_that_says_what_it_cannot_is_replaced(world, word):
    world = world()
    world.start_all(['1.1-ma2450', '1.2-ma2450'])
    first = world.workers[0]
    world.step(3.0, word, by=first)
    assert 'sent a message at a wrong time' in first.rejections[0]
    world.step(3.1)
    assert world.states() == [StickState.BACKOFF, StickState.RUNNING]


def test_a_temperature_before_the_stick_is_open_ends_its_worker_only(world):
    world = world()
    world.step(0.0)
    world.step(0.0, DeviceList(('1.1-ma2450',)))
    world.step(0.1, Reading(30.0, 0, 0.1))
    assert 'sent a message at a wrong time' in world.last.rejections[0]
    world.step(0.2)
    assert world.states() == [StickState.BACKOFF]


@pytest.mark.parametrize('word', [DeviceList(()), EnumerationStarted()])
def test_a_worker_without_a_stick_that_says_what_it_cannot_is_replaced(world, word):
    world = world()
    world.step(0.0)
    world.last.had_turn = True   # so that it is not given one
    world.step(0.1, EnumerationStarted())
    world.last.told.clear()
    world.step(0.2, DeviceList(()))
    world.step(0.3, word)   # it waits for a command
    assert 'sent a message at a wrong time' in world.last.rejections[0]
    world.step(0.4)
    world.step(60.0)
    assert len(world.workers) == 2


def test_what_a_worker_said_last_is_heard_although_it_has_ended(world):
    world = world()
    stick, _ = world.start_all(ONE)
    stick.ended = True
    world.step(2.1, Fault('reading a result: ERROR'), by=stick)
    assert 'reading a result: ERROR' in world.log[-1]


def test_sticks_that_a_killed_process_left_behind_are_reset_by_a_fresh_worker(world):
    world = world()
    world.step(0.0)
    world.step(0.1, DeviceList(('1.1-',)))   # in use by another process, as yet
    lister = world.last
    world.step(1.1)
    world.step(1.2, DeviceList(('1.1-',)), by=lister)
    now = 1.2
    while len(world.workers) == 1:
        assert now < 2 * FRESH_LOOK_PERIOD_SEC
        now = world.next_due()
        world.step(now)
        if len(world.workers) == 1:
            world.step(now, DeviceList(('1.1-',)), by=lister)
    assert now == 1.2 + FRESH_LOOK_PERIOD_SEC
    world.step(now + 1.5, DeviceList(ONE))
    assert world.last.told == [Open('1.1-ma2450')]


def test_a_list_that_was_begun_before_a_worker_was_killed_does_not_take_its_stick_away(world):
    world = world()
    first, second, lister = world.start_all(TWO)
    world.step(2.1, Fault('lost'), by=second)
    world.step(2.6)
    opener = world.last
    world.step(2.7, EnumerationStarted())
    assert opener.told == [ListSticks()]
    first.ended = True   # it had its stick when that was listed
    world.step(2.8)
    world.step(2.9, DeviceList(('1.1-', '1.2-ma2450')), by=opener)
    assert opener.told[1:] == [Open('1.2-ma2450', ('1.1',))]
    world.step(3.5, READY, by=opener)
    world.step(3.6)
    assert world.last is not opener
    world.step(3.7, DeviceList(('1.1-ma2450', '1.2-')))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]


def test_a_list_made_while_a_stick_is_being_opened_makes_none_absent(world):
    world = world()
    first, second, lister = world.start_all(TWO)
    world.step(2.9, Fault('lost'), by=first)
    world.step(3.0)
    assert lister.told == [StandBy(), ListSticks()]
    world.step(3.4)
    world.step(3.5, DeviceList(('1.2-',)), by=lister)   # the new worker resets the first one
    assert world.states() == [QUEUED, RUNNING]


def test_when_its_turn_has_come_the_opener_waits_for_a_clean_bus(world):
    world = world(startup_timeout_sec=5.0)
    world.cleaner.is_usable = True
    world.step(0.0)
    assert world.cleaner.asked == []   # another program is starting its sticks
    world.step(3.0, EnumerationStarted())
    assert world.cleaner.asked == [()]
    world.step(60.0)                   # only the cleaner has a deadline meanwhile
    assert (len(world.workers), world.last.told, world.last.closed) == (1, [], False)
    world.cleaner.is_done = True
    world.step(61.0)
    assert world.last.told == [ListSticks()]
    assert world.next_due() == 61.0 + LISTING_SEC
    world.step(61.1, DeviceList(ONE))
    assert world.last.told == [ListSticks(), Open(ONE[0])]


def test_without_a_usable_cleaner_the_opener_lists_the_sticks_at_once(world):
    world = world()
    world.step(0.0)
    world.step(3.0, EnumerationStarted())
    assert world.cleaner.asked == [()]
    assert world.last.told == [ListSticks()]
    world.step(3.1)
    assert world.last.told == [ListSticks()]


def test_a_bus_that_was_cleaned_for_one_that_has_ended_is_cleaned_again_for_the_next(world):
    world = world()
    world.cleaner.is_usable = True
    world.step(0.0)
    world.step(0.1, EnumerationStarted())
    world.last.ended = True
    world.cleaner.is_done = True
    world.step(0.2)
    world.step(world.next_due())
    assert len(world.workers) == 2
    world.step(2.0, EnumerationStarted())
    assert world.last.told == []
    world.cleaner.is_done = True
    world.step(2.5)
    assert world.last.told == [ListSticks()]


def test_the_bus_is_cleaned_again_when_a_worker_was_killed_meanwhile(world):
    world = world()
    first, second, *_ = world.start_all(TWO)
    world.cleaner.is_usable = True
    world.step(2.1, Fault('lost'), by=first)
    world.step(2.6)
    world.step(2.7, EnumerationStarted())
    second.ended = True
    world.step(2.8)
    world.step(2.9)
    world.cleaner.is_done = True   # it has not looked at what the second one left
    world.step(3.5)
    assert world.last.told == []
    assert world.cleaner.asked == [('1.2',), ()]
    world.cleaner.is_done = True
    world.step(4.5)
    assert world.last.told == [ListSticks()]


def test_sticks_with_a_worker_are_no_leftovers(world):
    world = world()
    first, *_ = world.start_all(THREE)
    world.step(2.1, Fault('lost'), by=first)
    world.step(2.6)
    world.step(2.7, EnumerationStarted())
    assert world.cleaner.asked == [('1.2', '1.3')]


def start_beside_dead(world):
    """Have stick 0 dead since 0.5, known since 1.0, and stick 1 RUNNING; return the lister."""
    world.cleaner.dead = {'1.1': DeadStick('1.1', 0.5)}
    world.step(0.0)
    world.step(1.0, DeviceList(('1.1-', '1.2-ma2450')))
    assert world.states() == [DEAD, STARTING]
    assert world.last.told == [Open('1.2-ma2450', ('1.1',))]
    world.step(2.0, READY)
    # The lister, for which it is time to look.
    world.step(2.0, DeviceList(('1.1-', '1.2-')))
    assert world.last.told == [StandBy()]
    return world.last


def test_a_dead_stick_is_known_and_told_of_once_and_only_the_others_are_started(world):
    world = world()
    lister = start_beside_dead(world)
    dead, alive = world.pool.views.snapshots(2.0, (1,))
    assert (dead.device_name, dead.dead_since) == ('1.1-', 0.5)
    assert (dead.start_at, dead.pid) == (None, None)
    assert alive.dead_since is None
    for now in range(3, 3 + 2 * int(FRESH_LOOK_PERIOD_SEC)):
        world.step(float(now), Reading(30.0, 0, float(now)), by=world.workers[0])
        world.step(now + 0.1, DeviceList(('1.1-', '1.2-')), by=lister)
    assert world.states() == [DEAD, RUNNING]
    assert len(world.workers) == 2   # it is nobody's whose end a fresh worker would notice
    assert [line.startswith('stick 0 (1.1-)') for line in world.told_of(REMEDY)] == [True]


def test_one_that_a_reset_has_brought_back_waits_and_lets_the_others_go_first(world):
    world = world()
    lister = start_beside_dead(world)
    world.cleaner.leaves('1.1', by_reset=True)
    world.step(2.5)
    assert lister.told == [StandBy(), ListSticks()]
    assert world.told_of('a reset by USB has helped')
    world.step(2.6, DeviceList(('1.1-ma2450', '1.2-')), by=lister)
    due_at = 1.0 + restart.FIRST_HOLD_UP_DELAY_SEC
    assert (world.states(), world.pool.views.snapshots(2.6, ())[0].start_at) == (
        [BACKOFF, RUNNING], due_at)
    for now in (3.5, 4.5):
        world.step(now, Reading(30.0, 0, now), by=world.workers[0])
        world.step(now + 0.1, DeviceList(('1.1-ma2450', '1.2-')), by=lister)
    assert len(world.workers) == 2
    world.step(due_at - restart.FIRST_DELAY_SEC, Fault('lost'), by=world.workers[0])
    world.step(due_at)
    world.step(due_at, DeviceList(TWO))
    assert world.last.told == [Open('1.2-ma2450', ('1.1',))]
    world.step(due_at + 1.0, READY)
    world.step(due_at + 1.0, DeviceList(('1.1-ma2450', '1.2-')))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]


@pytest.mark.parametrize('is_seen_absent', [True, False])
def test_a_dead_one_that_was_pulled_out_and_put_in_again_is_due_at_once(world, is_seen_absent):
    world = world()
    lister = start_beside_dead(world)
    world.cleaner.leaves('1.1', by_reset=False)
    world.step(2.5)
    assert lister.told == [StandBy(), ListSticks()]
    if is_seen_absent:
        world.step(2.6, DeviceList(('1.2-',)), by=lister)
        assert world.states() == [ABSENT, RUNNING]
        world.step(3.5)
    world.step(3.6, DeviceList(('1.1-ma2450', '1.2-')), by=lister)
    world.step(3.7, DeviceList(('1.1-ma2450', '1.2-')))
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]
    assert world.told_of('a reset by USB') == []


def test_one_that_is_mute_after_its_boot_is_given_up_soon_and_rests_longer_each_time(world):
    world = world(startup_timeout_sec=60.0)
    world.step(0.0)
    now, waited = 0.0, []
    for _ in range(3):
        world.step(now + 0.1, DeviceList(ONE))
        mute = world.last
        world.step(now + 0.2, Step(OPENING))
        world.step(now + 1.7, Step(BOOTED))
        given_up_at = now + 1.7 + restart.ANSWER_SEC
        assert world.next_due() == given_up_at
        world.step(given_up_at - 0.01)
        assert world.states() == [STARTING]
        world.step(given_up_at)
        assert (world.states(), mute.closed) == ([BACKOFF], True)
        now = world.pool.views.snapshots(given_up_at, ())[0].start_at
        waited.append(now - given_up_at)
        # Who looks for further sticks meanwhile becomes the lister.
        world.step(given_up_at, DeviceList(ONE), by=world.workers[1])
        assert StandBy() in world.workers[1].told
        world.step(now)
    assert waited == pytest.approx([5.0, 10.0, 20.0])
    assert world.told_of('it has booted, and has not answered for 3 s; starting again in 5 s')


def test_one_that_has_answered_may_take_its_time_to_load_the_networks(world):
    world = world(startup_timeout_sec=20.0)
    world.step(0.0)
    world.step(0.1, DeviceList(ONE))
    for now, step in ((0.2, OPENING), (1.7, BOOTED), (2.8, OPENED)):
        world.step(now, Step(step))
    assert world.next_due() == 20.1
    world.step(20.0)
    assert world.states() == [STARTING]


def test_one_that_is_slow_to_boot_yields_to_two_others_and_not_to_the_last(world):
    world = world(startup_timeout_sec=20.0)
    world.step(0.0)
    world.step(0.1, DeviceList(THREE))
    slow = world.last
    world.step(0.2, Step(OPENING))
    assert world.next_due() == 0.2 + restart.BOOT_SEC
    world.step(5.1)
    assert world.states() == [STARTING, QUEUED, QUEUED]
    world.step(5.2)
    assert slow.closed
    assert world.told_of('not back from its boot within 5 s, and others wait; starting again in')
    world.step(5.3, DeviceList(THREE))
    good = world.last
    assert good.told == [Open('1.2-ma2450', ('1.1', '1.3'))]
    world.step(6.8, READY)
    world.step(6.9, DeviceList(('1.1-ma2450', '1.2-', '1.3-ma2450')))
    # Its second try: while there is another one that has not booted, the library waits longer.
    assert world.last.told == [Open('1.1-ma2450', ('1.2', '1.3'))]
    slow = world.last
    world.step(7.0, Step(OPENING))
    for now in range(8, 25):
        world.step(float(now), Reading(30.0, 0, float(now)), by=good)
    assert world.states() == [STARTING, RUNNING, QUEUED]
    world.step(24.1, Step(BOOTED), by=slow)
    world.step(25.0, READY, by=slow)
    world.step(25.1, DeviceList(('1.1-', '1.2-', '1.3-ma2450')))
    assert world.last.told == [Open('1.3-ma2450', ('1.1', '1.2'))]


def test_one_that_is_slow_to_boot_is_waited_for_while_nobody_else_waits(world):
    world = world(startup_timeout_sec=20.0)
    world.step(0.0)
    world.step(0.1, DeviceList(ONE))
    world.step(0.2, Step(OPENING))
    world.step(20.0)
    assert world.states() == [STARTING]


def test_a_start_that_has_held_up_the_others_yields_when_one_of_them_waits(world):
    world = world(startup_timeout_sec=20.0)
    world.step(0.0)
    world.step(0.1, DeviceList(TWO))
    world.step(0.2, Step(OPENING))
    world.step(1.0, Step(BOOTED))
    world.step(4.0)   # mute; it rests until 9.0
    world.step(4.0, DeviceList(TWO))
    good = world.last
    assert good.told == [Open('1.2-ma2450', ('1.1',))]
    world.step(5.5, READY)   # the longest start took 1.5 s
    world.step(5.5)
    world.step(5.5, DeviceList(('1.1-ma2450', '1.2-')))
    lister = world.last
    for now in (6.5, 8.0):
        world.step(now, Reading(30.0, 0, now), by=good)
        world.step(now, DeviceList(('1.1-ma2450', '1.2-')), by=lister)
    world.step(9.0, Reading(30.0, 0, 9.0), by=good)
    world.step(9.1, DeviceList(('1.1-ma2450', '1.2-')))
    bad = world.last
    assert bad.told == [Open('1.1-ma2450', ('1.2',))]
    world.step(9.2, Step(OPENING), by=bad)
    world.step(9.3, Fault('lost'), by=good)
    assert world.states() == [STARTING, BACKOFF]
    world.step(world.next_due())   # the other one waits from now on
    assert (world.now, world.next_due()) == (9.3 + restart.FIRST_DELAY_SEC, 9.1 + 1.5)
    world.step(10.59)
    assert not bad.ended
    world.step(10.6)
    assert bad.closed
    world.step(10.7, DeviceList(TWO))
    assert world.last.told == [Open('1.2-ma2450', ('1.1',))]


@pytest.mark.parametrize('ends_by_itself', [True, False])
def test_a_worker_that_has_said_why_it_fails_has_time_to_close_its_stick(world, ends_by_itself):
    world = world()
    stick, lister = world.start_all(ONE)
    stick.says.append(Fault('lost'))
    world.step(2.1)
    assert (world.states(), stick.ended) == ([STOPPING], False)
    world.step(2.1 + STOP_GRACE_SEC - 0.01)
    assert (world.states(), stick.ended, len(world.workers)) == ([STOPPING], False, 2)
    if ends_by_itself:
        stick.ended = True
        world.step(2.1 + STOP_GRACE_SEC - 0.005)
    else:
        assert world.next_due() == 2.1 + STOP_GRACE_SEC
        world.step(2.1 + STOP_GRACE_SEC)
    assert (world.states(), stick.closed) == ([QUEUED], True)
