# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that start together: who is started, asked and heard when, in invented time."""

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.reliability.presence import AWAY_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.starting import parallel_starts
from ncs_cluster_detector.supervision.starting.parallel_starts import LIST_SEC
from ncs_cluster_detector.supervision.starting.parallel_starts import RESET_SEC
from ncs_cluster_detector.supervision.starting.parallel_starts import RETURN_LOOK_SEC
from ncs_cluster_detector.supervision.starting.starts import LOOK_PERIOD_SEC
from ncs_cluster_detector.supervision.starting.unassigned_worker import LISTING_SEC
from ncs_cluster_detector.wire.messages import DeviceList
from ncs_cluster_detector.wire.messages import EnumerationStarted
from ncs_cluster_detector.wire.messages import Fault
from ncs_cluster_detector.wire.messages import ListSticks
from ncs_cluster_detector.wire.messages import Open
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import Step
import pytest
from test_stick_pool import ABSENT
from test_stick_pool import BACKOFF
from test_stick_pool import DEAD
from test_stick_pool import READY
from test_stick_pool import refusal
from test_stick_pool import REMEDY
from test_stick_pool import RUNNING
from test_stick_pool import STARTING
from test_stick_pool import THREE
from test_stick_pool import TWO
from test_stick_pool import Worker
from test_stick_pool import World

PORTS = ('1.1', '1.2', '1.3')
MUTE = Fault('opening stick 1.1-ma2450: no answer after its boot and a USB reset', dead=True)
IN_USE = Fault('opening stick 1.1-ma2450: another program has it', in_use=True)
FIRST_DEAD = ('1.1-ma2450', '1.2-')   # the bus shows a dead one as one that nobody has
DEAD_PERIOD_SEC = restart.DEAD_PERIOD_SEC


class Together(World):
    """A World whose sticks start together; the lister is its first worker."""

    def __init__(self, monkeypatch, **options):
        super().__init__(monkeypatch, make_cleaner=lambda logger: None, **options)
        self.no_more_processes = False
        self.lists = 0   # that the lister has given
        monkeypatch.setattr(parallel_starts, 'WorkerHandle', self._start)

    def _start(self, config, inflight, now):
        if self.no_more_processes:
            raise OSError('no more processes')
        return Worker(self.workers, now)

    def list_first(self, names, now=0.0):
        """Have the lister give its first list; return the lister and the workers that it got."""
        self.step(now)
        (lister,) = self.workers
        self.step(now, EnumerationStarted(), by=lister)
        self.step(now, DeviceList(names), by=lister)
        self.lists = 1
        return self.workers[:]

    def run_all(self, names):
        """Have all sticks RUNNING at second 1, when they are listed again."""
        lister, *openers = self.list_first(names)
        for worker in openers:
            worker.says.append(READY)
        self.step(1.0)
        self.step(1.0, DeviceList(tuple(f'{port}-' for port in PORTS[:len(names)])), by=lister)
        self.lists = 2
        assert self.states() == [RUNNING] * len(names)
        return lister, *openers

    def read(self, now, *workers):
        """Have workers send a temperature, so that they do not count as hung."""
        for worker in workers:
            worker.says.append(Reading(30.0, 0, now))

    def live(self, until, names, *workers):
        """Let time pass in which the lister gives this list and workers send temperatures."""
        while self.now < until:
            self.read(self.now, *workers)
            lister = next(worker for worker in self.workers if ListSticks() in worker.told)
            is_asked = lister.told.count(ListSticks()) > self.lists
            self.lists += is_asked
            self.step(self.now, *[DeviceList(names)] * is_asked, by=lister)
            self.step(min(self.now + 0.125, until))

    def opener_of(self, port):
        """Return the newest worker that was told to open the stick at a port."""
        return [worker for worker in self.workers for word in worker.told
                if isinstance(word, Open) and word.device_name.startswith(port)][-1]

    def sticks(self):
        """Return the StickSnapshot of each stick."""
        return self.pool.views.snapshots(self.now, ())


@pytest.fixture
def world(monkeypatch):
    """Return a function that makes a World whose sticks start together."""
    return lambda **options: Together(monkeypatch, **options)


def test_the_lister_is_asked_as_soon_as_it_can_list_and_then_at_every_look(world):
    world = world()
    (lister,) = world.list_first(())
    assert lister.told == [ListSticks()]
    for look in range(1, 4):
        assert world.next_due() == pytest.approx(look * LOOK_PERIOD_SEC)
        world.step(look * LOOK_PERIOD_SEC)
        assert lister.told == [ListSticks()] * (look + 1)
        world.step(look * LOOK_PERIOD_SEC, DeviceList(()), by=lister)
    assert world.workers == [lister]
    assert len(world.told_of('no stick found')) == 1


def test_each_listed_stick_has_its_worker_at_once_and_the_lister_stays(world):
    world = world()
    lister, *openers = world.list_first(THREE)
    assert [worker.told for worker in openers] == [
        [Open('1.1-ma2450', ('1.2', '1.3'))], [Open('1.2-ma2450', ('1.1', '1.3'))],
        [Open('1.3-ma2450', ('1.1', '1.2'))]]
    assert world.states() == [STARTING] * 3
    assert set(world.pool.newest_processes()) == {lister, *openers}
    assert world.pool.newest_processes() == [lister]   # the others are watched by now


def test_sticks_that_are_away_for_their_boot_are_not_missed(world):
    world = world()
    lister, *_ = world.list_first(THREE)
    world.step(LOOK_PERIOD_SEC)
    world.step(LOOK_PERIOD_SEC, DeviceList(()), by=lister)   # all are booting
    assert world.states() == [STARTING] * 3
    assert world.told_of('no stick found') == []


def test_one_that_was_unplugged_is_missed_when_its_worker_cannot_have_reset_it(world):
    world = world()
    lister, first = world.run_all(TWO[:1])
    world.live(2.0, (), first)
    assert world.told_of('no stick found') == []   # its worker has not noticed yet
    world.step(2.0, Fault('lost'), by=first)
    world.live(2.0 + RESET_SEC, ())
    assert world.told_of('no stick found') == []   # it may be back any moment
    world.live(5.0 + RESET_SEC, ())
    assert len(world.told_of('no stick found')) == 1


def test_only_those_that_are_not_ready_may_be_killed_when_the_node_ends(world):
    world = world()
    _, first, second, third = world.list_first(THREE)
    world.step(0.5, READY, by=second)
    world.step(0.5, Step(OpeningStep.OPENING), Step(OpeningStep.BOOTED), by=third)
    assert world.pool._starts.opening() == [first, third]


def test_at_most_max_sticks_are_opened_and_nobody_looks_when_they_run(world):
    world = world(max_sticks=2)
    lister, *openers = world.list_first(THREE)
    assert [worker.told for worker in openers] == [
        [Open('1.1-ma2450', ('1.2', '1.3'))], [Open('1.2-ma2450', ('1.1', '1.3'))]]
    for worker in openers:
        worker.says.append(READY)
    world.step(0.5)
    for now in (1.5, 2.5, 3.5):
        world.read(now, *openers)
        world.step(now)
    assert lister.told == [ListSticks()]
    assert world.states() == [RUNNING] * 2


@pytest.mark.parametrize('step', [None, *OpeningStep])
def test_a_start_may_take_what_the_user_allows_whatever_the_others_did(world, step):
    world = world(startup_timeout_sec=30.0)
    lister, slow, quick = world.list_first(TWO)
    world.step(0.5, READY, by=quick)
    if step not in (None, OpeningStep.WAITING, OpeningStep.READY):
        world.step(1.0, Step(step), by=slow)
    lister.ended = True
    due = 31 if step is OpeningStep.OPENING else 30   # it counts from when the opening begins
    for now in range(1, due):
        world.read(float(now), quick)
        world.step(float(now))
    assert world.states() == [STARTING, RUNNING]
    world.step(float(due))
    assert world.states() == [BACKOFF, RUNNING]
    assert slow.closed
    assert world.told_of('not ready within 30 s (startup_timeout_ms); starting again in 0.5 s')


def test_one_that_hangs_in_its_boot_rests_no_longer_than_another_failure(world):
    world = world()
    _, slow, _ = world.list_first(TWO)
    world.step(0.1, Step(OpeningStep.OPENING), Step(OpeningStep.BOOTED), by=slow)
    world.step(9.0, Fault('no answer'), by=slow)
    assert world.told_of('no answer; starting again in 0.5 s')


def test_a_killed_worker_is_replaced_after_its_delay_and_needs_no_look(world):
    world = world()
    lister, first, second = world.run_all(TWO)
    first.ended, first.was_killed = True, lambda: True
    world.step(1.5)
    assert world.states() == [BACKOFF, RUNNING]
    assert lister.told == [ListSticks()] * 3   # at the start, after a second, and now
    world.step(1.51, DeviceList(FIRST_DEAD), by=lister)
    due_at = 1.5 + restart.KILLED_DELAY_SEC
    world.step(due_at - 0.01)
    assert world.workers == [lister, first, second]
    assert world.next_due() == due_at
    world.step(due_at)
    assert world.states() == [STARTING, RUNNING]
    assert world.last.told == [Open('1.1-ma2450', ('1.2',))]   # by its whole name
    world.last.ended, world.last.was_killed = True, lambda: True
    world.step(2.0)
    world.step(2.01, DeviceList(FIRST_DEAD), by=lister)
    assert world.sticks()[0].start_at == 2.0 + 2 * restart.FIRST_DELAY_SEC   # it was not at work


def test_an_unplugged_stick_is_absent_when_its_worker_cannot_have_reset_it(world):
    world = world()
    lister, first, second = world.run_all(TWO)
    world.step(1.5, Fault('lost'), by=first)
    world.live(1.5 + RESET_SEC, ('1.2-',), second)
    assert world.states() == [BACKOFF, RUNNING]   # it may be back any moment
    world.live(1.6 + RESET_SEC + RETURN_LOOK_SEC, ('1.2-',), second)
    assert world.states() == [ABSENT, RUNNING]
    assert len(world.workers) == 3
    world.live(world.now + 2 * LOOK_PERIOD_SEC, TWO[:1], second)
    assert world.states() == [STARTING, RUNNING]


def test_one_that_its_worker_has_reset_starts_when_it_is_back_and_its_rest_is_over(world):
    world = world()
    lister, first, second = world.run_all(TWO)
    world.step(1.5, Fault('lost'), by=first)
    world.live(2.3, ('1.2-',), second)
    assert world.states() == [BACKOFF, RUNNING]
    assert world.sticks()[0].start_at is None
    world.live(2.3 + 2 * RETURN_LOOK_SEC, FIRST_DEAD, second)
    assert world.states() == [STARTING, RUNNING]
    for rest_sec in (0.8, 1.0, 2.0, 4.0):   # the first one is over when the stick is back
        world.step(world.now, refusal(TWO[0]))
        failed_at, started = world.now, len(world.workers)
        world.live(failed_at + 0.75, ('1.2-',), second)
        while len(world.workers) == started:
            world.live(world.now + 0.125, FIRST_DEAD, second)
        assert rest_sec <= world.now - failed_at < rest_sec + RETURN_LOOK_SEC + 0.125


@pytest.mark.parametrize('lister_is', ['slow', 'gone'])
def test_a_stick_whose_worker_has_ended_waits_for_a_list_but_not_for_long(world, lister_is):
    world = world()
    lister, first, second = world.run_all(TWO)
    lister.ended = lister_is == 'gone'
    first.says.append(Fault('lost'))
    world.step(1.5)                  # then it closes its stick
    world.read(3.0, second)
    world.step(3.0)
    first.ended = True
    world.step(3.1)
    assert world.states() == [BACKOFF if lister_is == 'slow' else STARTING, RUNNING]
    world.step(3.1 + LIST_SEC)       # there is no list
    assert world.states() == [STARTING, RUNNING]


def test_a_list_made_while_a_worker_had_the_stick_says_nothing_of_it(world):
    world = world()
    lister, first, second = world.run_all(TWO)
    world.read(2.0, first, second)
    world.step(2.0)
    assert lister.told == [ListSticks()] * 3
    first.ended = True
    world.step(2.1)
    assert world.states() == [BACKOFF, RUNNING]
    world.step(2.2, DeviceList(('1.1-', '1.2-')), by=lister)   # it is not another program's
    assert not world.sticks()[0].in_use
    assert lister.told == [ListSticks()] * 4
    second.ended = True
    world.step(2.3)
    world.step(2.4, DeviceList(('1.1-ma2450',)), by=lister)    # it was being reset
    assert world.states() == [BACKOFF, BACKOFF]
    world.step(2.5, DeviceList(('1.1-ma2450',)), by=lister)    # which this list would show
    assert [stick.start_at is None for stick in world.sticks()] == [False, True]


def test_a_lister_that_dies_is_replaced_and_meanwhile_due_sticks_start(world):
    world = world()
    lister, first, second = world.run_all(TWO)
    lister.ended = True
    world.step(1.2, Fault('lost'), by=first)
    assert world.states() == [BACKOFF, RUNNING]
    world.step(1.7)
    assert world.states() == [STARTING, RUNNING]
    assert len(world.workers) == 5                    # a new lister, too
    (new,) = [worker for worker in world.workers[3:] if not worker.told]
    world.step(1.8, EnumerationStarted(), by=new)
    assert new.told == [ListSticks()]
    world.step(1.9, DeviceList(('1.1-', '1.2-', '1.3-ma2450')), by=new)
    assert world.states() == [STARTING, RUNNING, STARTING]
    assert world.told_of('looking for sticks: was killed by SIGKILL; trying again in 0.5 s')


def test_a_lister_that_hangs_is_replaced_and_not_asked_again_meanwhile(world):
    world = world()
    lister, worker = world.run_all(TWO[:1])
    for now in (2.0, 3.0, 4.0):
        world.read(now, worker)
        world.step(now)
    assert lister.told == [ListSticks()] * 3
    assert world.next_due() == 2.0 + LISTING_SEC
    world.step(2.0 + LISTING_SEC)
    assert lister.closed
    world.step(6.0)
    assert len(world.workers) == 3
    assert world.states() == [RUNNING]


def test_a_driver_that_cannot_be_used_ends_the_node(world):
    world = world()
    world.step(0.0)
    world.step(0.1, Fault('no USB library', 'driver'))
    assert world.pool.unusable == ('driver', 'no USB library')


def test_what_all_sticks_refuse_ends_the_node(world):
    world = world()
    _, first, second = world.list_first(TWO)
    world.step(0.5, refusal(TWO[0]), by=first)
    assert world.pool.unusable is None
    world.step(0.6, refusal(TWO[1]), by=second)
    assert world.pool.unusable == ('graph_paths', refusal(TWO[1]).text)


def dead_first(world, **options):
    """Have the first of two sticks found dead at second 0.5; return the world and its workers."""
    world = world(**options)
    _, first, second = world.list_first(TWO)
    world.step(0.4, READY, by=second)
    world.step(0.5, MUTE, by=first)
    return world, first, second


def test_a_dead_stick_is_left_out_told_once_and_tried_again_beside_the_others(world):
    world, first, second = dead_first(world)
    assert first.closed
    for attempt in range(1, 4):
        due_at = 0.5 + attempt * DEAD_PERIOD_SEC
        world.live(due_at - 0.01, FIRST_DEAD, second)
        assert len(world.workers) == 2 + attempt
        assert world.states() == [DEAD, RUNNING]
        world.step(due_at)
        assert world.last.told == [Open('1.1-ma2450', ('1.2',))]
        assert world.states() == [DEAD, RUNNING]   # as far as is known
        world.step(due_at, MUTE)
    dead, _ = world.sticks()
    assert (dead.dead_since, dead.restarts, dead.last_error) == (0.5, 0, MUTE.text)
    assert len(world.told_of(REMEDY)) == 1
    assert not world.told_of('starting again')


def test_a_dead_stick_that_answers_again_works_at_once(world):
    world, first, second = dead_first(world)
    world.live(10.6, FIRST_DEAD, second)
    world.step(12.0, READY, Reading(30.0, 0, 12.0))
    assert world.states() == [RUNNING, RUNNING]
    assert world.sticks()[0].dead_since is None
    assert world.told_of('stick 0 (1.1-ma2450) is ready')
    world.step(12.5, Fault('lost'))   # and what follows is as after any other failure
    assert world.told_of('lost; starting again in 0.5 s')


def test_a_dead_stick_that_fails_otherwise_when_it_is_tried_is_dead_no_more(world):
    world, first, second = dead_first(world)
    world.live(10.6, FIRST_DEAD, second)
    world.step(10.7, Fault('its firmware is missing'))
    assert world.states() == [BACKOFF, RUNNING]
    assert world.told_of('its firmware is missing; starting again in 0.5 s')


def test_a_dead_stick_that_is_unplugged_is_absent_and_starts_when_it_is_plugged_in(world):
    world, first, second = dead_first(world)
    world.live(2.0, FIRST_DEAD, second)
    world.live(4.0, ('1.2-',), second)
    assert world.states() == [ABSENT, RUNNING]
    assert world.sticks()[0].dead_since is None
    world.live(4.0 + 2 * LOOK_PERIOD_SEC, FIRST_DEAD, second)
    assert world.states() == [STARTING, RUNNING]


def test_a_dead_stick_that_another_program_uses_is_dead_no_more(world):
    world, first, second = dead_first(world)
    world.live(2.0, FIRST_DEAD, second)
    world.live(4.0, ('1.1-', '1.2-'), second)
    assert world.states() == [RUNNING]   # it is not ours
    assert world.pool.register.busy_elsewhere == ('1.1-',)
    world.live(14.0, ('1.1-', '1.2-'), second)
    assert len(world.workers) == 3
    world.live(16.0, FIRST_DEAD, second)
    assert world.states() == [STARTING, RUNNING]


def test_the_place_of_a_dead_stick_goes_to_another_and_it_is_tried_when_there_is_room(world):
    world = world(max_sticks=1)
    _, first = world.list_first(TWO)
    world.step(0.5, MUTE, by=first)
    world.live(1.0, TWO)
    assert world.states() == [DEAD, STARTING]
    second = world.opener_of('1.2')
    world.step(1.0, READY, by=second)
    world.live(30.0, FIRST_DEAD, second)
    assert len(world.workers) == 3                  # there is no place for it
    world.step(30.0, Fault('lost'), by=second)
    world.live(34.0, FIRST_DEAD[:1])
    assert world.states() == [DEAD, ABSENT]
    assert len(world.workers) == 3                  # the other one may be back any moment
    world.live(34.0 + AWAY_SEC, FIRST_DEAD[:1])
    assert world.states() == [DEAD]
    assert world.last is world.opener_of('1.1') is not first


def test_what_another_program_has_is_opened_when_it_gives_it_back(world):
    world = world()
    _, first, second = world.list_first(TWO)
    world.step(0.4, READY, by=second)
    world.step(0.5, IN_USE, by=first)
    world.live(5.0, ('1.1-', '1.2-'), second)
    assert world.states() == [RUNNING]
    assert len(world.workers) == 3
    assert world.pool.register.busy_elsewhere == ('1.1-',)
    world.live(5.0 + 2 * LOOK_PERIOD_SEC, TWO, second)
    assert world.states() == [STARTING, RUNNING]
    assert world.sticks()[0].restarts == 0


def test_a_list_made_while_it_was_tried_does_not_give_back_what_another_program_has(world):
    world = world()
    lister, first, second = world.list_first(TWO)
    world.step(0.4, READY, by=second)
    world.step(1.0)
    assert lister.told == [ListSticks()] * 2
    world.step(1.1, IN_USE, by=first)
    world.step(1.2, DeviceList(TWO), by=lister)
    assert world.pool.register.busy_elsewhere == ('1.1-',)
    assert len(world.workers) == 3


def test_a_stick_that_is_listed_as_in_use_at_first_waits_without_a_number(world):
    world = world()
    world.list_first(('1.1-', '1.2-ma2450'))
    assert [stick.device_name for stick in world.sticks()] == ['1.2-ma2450']
    world.live(2.0, ('1.1-ma2450', '1.2-'))
    assert [stick.device_name for stick in world.sticks()] == ['1.2-ma2450', '1.1-ma2450']
    assert world.states() == [STARTING] * 2


def test_without_further_processes_each_attempt_is_later_and_told(world):
    world = world()
    world.no_more_processes = True
    lister, = world.list_first(TWO)
    told = []
    for delay_sec in (0.5, 1.0, 1.5, 1.5):
        assert world.states() == [StickState.QUEUED] * 2
        told.append('starting a worker process for stick 0 (1.1-ma2450): OSError: no more '
                    f'processes; trying again in {delay_sec:g} s')
        assert world.log == told
        due_at = world.now + delay_sec
        world.live(due_at - 0.001, TWO)
        assert world.log == told
        world.step(due_at)
    world.no_more_processes = False
    world.live(world.now + 1.5, TWO)
    assert world.states() == [STARTING] * 2
