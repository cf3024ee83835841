# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The bus cleaner: the hold on it with an invented process, and real ones on a made-up bus."""

from multiprocessing import connection
import queue
import threading
import time
from types import SimpleNamespace

from blocking_calls import in_less_than
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.policy.reliability.restart import REST_SEC
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.supervision.starting import bus_cleaner
from ncs_cluster_detector.supervision.starting.bus_cleaner import ANSWER_SEC
from ncs_cluster_detector.supervision.starting.bus_cleaner import BusCleaner
from ncs_cluster_detector.supervision.starting.bus_cleaner import IDLE_SEC
from ncs_cluster_detector.supervision.starting.bus_cleaner import MOST_FAILURES
from ncs_cluster_detector.supervision.worker_handle import prepare
from ncs_cluster_detector.wire.messages import BusReport
from ncs_cluster_detector.wire.messages import Clean
from ncs_cluster_detector.wire.messages import DeadStick
from ncs_cluster_detector.wire.messages import DeviceList
from ncs_cluster_detector.wire.messages import EnumerationStarted
from ncs_cluster_detector.wire.messages import Fault
from ncs_cluster_detector.wire.messages import ListSticks
from ncs_cluster_detector.wire.messages import Open
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import StandBy
from ncs_cluster_detector.worker import bus_cleaner_main
import pytest
from stick_users import boot
from stick_users import leave_booted
from stick_users import OtherProcess
from stick_users import QUEUE
from stick_users import usb_stick
from test_stick_pool import READY
from test_stick_pool import World

DEADLINE_SEC = 20.0
DEAD_WITHIN_SEC = 1.2
CLEANED = BusReport(cleaned=True)
DEAD = DeadStick('1.1', 7.0)


class Process:
    """Stands for the process of a bus cleaner that says what a test has it say."""

    def __init__(self, made, main, driver):
        assert main is bus_cleaner_main.main
        self.told, self.says = [], []
        self.ended = self.closed = self.killed = self.is_silent = False
        self.obeys_kill = True
        made.append(self)

    def send(self, message):
        self.told.append(message)

    def messages(self):
        said, self.says = self.says, []
        return iter(said)

    def has_ended(self):
        return self.ended

    def how_it_ended(self):
        return 'was killed by SIGSEGV'

    def kill(self):
        self.killed = True
        self.ended |= self.obeys_kill

    def close(self):
        assert self.ended
        self.closed = True


class Hold:
    """A BusCleaner whose processes are all in ``made``, in the order of their start."""

    def __init__(self, monkeypatch):
        self.made, self.log = [], []
        self.no_more_processes = False
        monkeypatch.setattr(bus_cleaner, 'ChildProcess', self._start)
        self.cleaner = BusCleaner(None, SimpleNamespace(warning=self.log.append))
        self.clean, self.hear = self.cleaner.clean, self.cleaner.hear
        self.judge = self.cleaner.judge

    def _start(self, main, driver):
        if self.no_more_processes:
            raise OSError('no more processes')
        return Process(self.made, main, driver)

    def says(self, *reports, ended=False):
        self.made[-1].says += reports
        self.made[-1].ended |= ended


@pytest.fixture
def hold(monkeypatch):
    """Return a Hold."""
    return Hold(monkeypatch)


def test_its_process_is_started_when_it_is_needed_and_stays_for_a_while(hold):
    assert hold.hear(0.0) == (False, {})
    assert (hold.made, hold.cleaner.process) == ([], None)
    assert hold.cleaner.deadline == float('inf')
    assert hold.clean(('1.3',), 1.0)
    assert [hold.cleaner.process] == hold.made
    assert hold.clean((), 1.5)   # it is at it
    assert hold.made[0].told == [Clean(('1.3',))]
    assert hold.cleaner.spared == {'1.3'}
    assert hold.cleaner.deadline == 1.0 + ANSWER_SEC
    assert hold.hear(2.0) == (False, {})
    hold.says(CLEANED)
    assert hold.hear(2.5) == (True, {})
    assert hold.hear(2.6) == (False, {})
    assert hold.cleaner.deadline == 2.5 + IDLE_SEC
    assert hold.judge(2.49 + IDLE_SEC) is None
    assert hold.clean((), 2.49 + IDLE_SEC)
    assert hold.made[0].told == [Clean(('1.3',)), Clean(())]
    assert hold.cleaner.spared == set()
    assert (len(hold.made), hold.log) == (1, [])


def test_one_that_is_not_needed_ends_which_is_no_failure_and_the_next_is_another(hold):
    for number in range(2 * MOST_FAILURES):
        now = 100.0 * number
        assert hold.clean((), now)
        hold.says(CLEANED)
        assert hold.hear(now + 1.0) == (True, {})
        process = hold.cleaner.process
        assert hold.judge(now + 1.0 + IDLE_SEC) is process
        assert (hold.cleaner.process, hold.cleaner.deadline) == (None, float('inf'))
        assert hold.judge(now + 2.0 + IDLE_SEC) is None
        assert hold.hear(now + 2.0 + IDLE_SEC) == (False, {})
    assert (len(hold.made), hold.log) == (2 * MOST_FAILURES, [])


def test_one_that_must_answer_is_not_dismissed(hold):
    assert hold.clean((), 1.0)
    hold.says(CLEANED)
    assert hold.hear(1.1) == (True, {})
    assert hold.clean((), 1.0 + IDLE_SEC)
    assert hold.judge(1.1 + IDLE_SEC) is None
    assert hold.judge(1.0 + IDLE_SEC + ANSWER_SEC) is None
    assert hold.hear(1.0 + IDLE_SEC + ANSWER_SEC) == (True, {})
    assert len(hold.log) == 1


def test_one_that_holds_a_dead_stick_stays_until_a_while_after_that_has_left(hold):
    assert hold.clean((), 1.0)
    other = DeadStick('1.4', 8.0)
    hold.says(BusReport(dead=(DEAD, other), cleaned=True))
    assert hold.hear(1.1) == (True, {})
    assert hold.clean((), 10.0)
    hold.says(BusReport(dead=(DEAD, other), cleaned=True))
    assert hold.hear(10.1) == (True, {})
    hold.says(BusReport(dead=(other,), revived=('1.1',)))
    assert hold.hear(20.0) == (False, {'1.1': True})
    assert hold.cleaner.deadline == float('inf')
    assert hold.judge(1e6) is None
    hold.says(BusReport())
    assert hold.hear(1e6) == (False, {'1.4': False})
    assert hold.judge(1e6 - 0.1 + IDLE_SEC) is None
    assert hold.judge(1e6 + IDLE_SEC) is hold.made[0]


@pytest.mark.parametrize('ended', [True, False])
def test_without_a_usb_library_there_is_one_warning_and_the_sticks_go_on(hold, ended):
    assert hold.clean((), 1.0)
    hold.says(BusReport(problem='libusb cannot be used', usable=False), ended=ended)
    assert hold.hear(1.1) == (True, {})
    hold.made[0].ended = True
    assert hold.hear(1.2) == (False, {})
    assert hold.made[0].closed
    for now in (2.0, 60.0):
        assert not hold.clean((), now)
        assert hold.hear(now) == (False, {})
    assert len(hold.made) == 1
    (warning,) = hold.log
    assert 'libusb cannot be used' in warning


def test_a_problem_is_told_once_and_keeps_it_from_nothing_else(hold):
    for now, problem in ((1.0, 'no permission'), (2.0, 'no permission'), (3.0, 'no bus')):
        assert hold.clean((), now)
        hold.says(BusReport(cleaned=True, problem=problem))
        assert hold.hear(now) == (True, {})
    assert len(hold.made) == 1
    assert ['no permission' in line for line in hold.log] == [True, False]
    assert 'no bus' in hold.log[1]


def test_one_that_gives_no_answer_is_killed_and_replaced(hold):
    assert hold.clean((), 1.0)
    assert hold.hear(0.99 + ANSWER_SEC) == (False, {})
    assert hold.hear(1.0 + ANSWER_SEC) == (True, {})
    assert hold.made[0].ended
    assert hold.log == [
        'cleaning the USB bus: no answer within 4 s; sticks are started without it']
    assert hold.hear(5.1) == (False, {})
    assert hold.made[0].closed
    assert hold.clean((), 6.0)
    assert (len(hold.made), len(hold.log)) == (2, 1)


def test_one_that_cannot_be_killed_is_not_asked_and_its_late_answer_is_no_answer(hold):
    assert hold.clean((), 1.0)
    hold.made[0].obeys_kill = False
    assert hold.hear(1.0 + ANSWER_SEC) == (True, {})
    assert not hold.clean((), 6.0)
    hold.says(CLEANED)
    assert hold.hear(6.5) == (False, {})
    assert not hold.clean((), 7.0)
    assert len(hold.made) == 1
    hold.made[0].ended = True
    assert hold.hear(8.0) == (False, {})
    assert hold.clean((), 9.0)
    assert len(hold.made) == 2
    assert len(hold.log) == 1


def test_time_in_which_this_process_stood_still_does_not_count(hold):
    hold.cleaner.deadline += 10.0
    assert hold.clean((), 1.0)
    hold.cleaner.deadline += 10.0
    assert hold.hear(10.99 + ANSWER_SEC) == (False, {})
    assert hold.hear(11.0 + ANSWER_SEC) == (True, {})


def test_one_that_ends_is_replaced_when_it_is_needed_and_left_alone_for_a_while_at_last(hold):
    for failure in range(1, MOST_FAILURES + 1):
        assert hold.clean((), float(failure))
        hold.says(ended=True)
        assert hold.hear(failure + 0.1) == (True, {})
        assert hold.hear(failure + 0.2) == (False, {})
        assert len(hold.made) == len(hold.log) == failure
    given_up_at = MOST_FAILURES + 0.1
    assert not hold.clean((), given_up_at + REST_SEC - 0.1)
    assert len(hold.made) == MOST_FAILURES
    assert hold.clean((), given_up_at + REST_SEC)
    assert hold.log[0] == (
        'cleaning the USB bus: was killed by SIGSEGV; sticks are started without it')
    assert hold.log[-1].endswith('sticks are started without it for 300 s')
    assert all(process.closed for process in hold.made[:-1])


def test_an_answer_wipes_the_failures_out(hold):
    for failure in range(2 * MOST_FAILURES):
        assert hold.clean((), float(failure))
        if failure % (MOST_FAILURES - 1) == 0:
            hold.says(CLEANED)
            assert hold.hear(failure + 0.1) == (True, {})
        hold.says(ended=True)
        hold.hear(failure + 0.2)
    assert not any('for 300 s' in line for line in hold.log)


def test_one_that_cannot_be_started_is_done_without(hold):
    hold.no_more_processes = True
    for now in range(2 * MOST_FAILURES):
        assert not hold.clean((), float(now))
        assert hold.hear(float(now)) == (False, {})
    assert len(hold.log) == MOST_FAILURES
    assert 'starting its process: OSError: no more processes' in hold.log[0]


def test_it_knows_the_dead_ones_and_tells_who_is_revived(hold):
    assert hold.clean((), 1.0)
    other = DeadStick('1.4', 8.0)
    hold.says(BusReport(dead=(DEAD, other), cleaned=True))
    assert hold.hear(1.9) == (True, {})
    assert hold.cleaner.dead == {'1.1': DEAD, '1.4': other}
    hold.says(BusReport(dead=(other,), revived=('1.1',)))
    assert hold.hear(11.0) == (False, {'1.1': True})
    assert hold.cleaner.dead == {'1.4': other}
    hold.says(BusReport())   # that one was pulled out
    assert hold.hear(12.0) == (False, {'1.4': False})
    assert hold.cleaner.dead == {}


def test_what_is_revived_meanwhile_is_no_answer(hold):
    assert hold.clean((), 1.0)
    hold.says(BusReport(dead=(DEAD,), cleaned=True))
    assert hold.hear(1.1) == (True, {})
    assert hold.clean((), 2.0)
    hold.says(BusReport(revived=(DEAD.port,)))
    assert hold.hear(2.1) == (False, {DEAD.port: True})
    assert hold.cleaner.deadline == 2.0 + ANSWER_SEC


def test_what_it_says_after_it_was_given_up_comes_too_late(hold):
    assert hold.clean((), 1.0)
    assert hold.hear(1.0 + ANSWER_SEC) == (True, {})
    hold.says(BusReport(dead=(DEAD,), cleaned=True))
    assert hold.hear(6.0) == (False, {})
    assert hold.cleaner.dead == {}


def test_nobody_is_held_any_more_when_its_process_has_ended(hold):
    assert hold.clean((), 1.0)
    hold.says(BusReport(dead=(DEAD,), cleaned=True), ended=True)
    assert hold.hear(1.1) == (True, {})   # not that it was pulled out
    assert hold.cleaner.dead == {}


def test_an_opener_is_not_held_up_for_longer_than_the_deadline(pool_and_cleaners):
    world, made = pool_and_cleaners
    world.step(0.0)
    world.step(1.0, EnumerationStarted())
    assert made[0].told == [Clean(())]
    assert world.next_due() == 1.0 + ANSWER_SEC
    world.step(0.99 + ANSWER_SEC)
    assert world.last.told == []
    world.step(1.0 + ANSWER_SEC)
    assert world.last.told == [ListSticks()]
    world.step(5.5, DeviceList(('1.1-ma2450', '1.2-ma2450')))
    assert world.last.told == [ListSticks(), Open('1.1-ma2450', ('1.2',))]
    assert len(world.told_of('no answer within')) == 1


@pytest.fixture
def pool_and_cleaners(monkeypatch):
    """Return the World of a pool, and the list of all processes of its bus cleaner."""
    made = []
    monkeypatch.setattr(bus_cleaner, 'ChildProcess',
                        lambda main, driver: Process(made, main, driver))
    return World(monkeypatch, lambda logger: BusCleaner(None, logger)), made


def start_one(world, cleaners, names, now):
    """Have the newest worker list the sticks, after a cleaning, and open one if it may."""
    world.step(now, EnumerationStarted())
    cleaners[-1].says.append(CLEANED)
    world.step(now)
    world.step(now, DeviceList(names))
    if isinstance(world.last.told[-1], Open):
        world.step(now + 2.0, READY)


def all_read(world, now):
    """Have all workers with an open stick send a temperature."""
    for worker in world.workers:
        if any(isinstance(order, Open) for order in worker.told):
            worker.says.append(Reading(30.0, 0, now))
    world.step(now)


def test_the_start_of_many_sticks_takes_one_process_which_then_is_no_more(pool_and_cleaners):
    world, cleaners = pool_and_cleaners
    names = tuple(f'1.{port}-ma2450' for port in range(1, 65))
    world.step(0.0)
    for number in range(65):
        start_one(world, cleaners, names, 2.0 * number)
        all_read(world, 2.0 * number + 2.0)
    assert StandBy() in world.last.told
    (cleaner,) = cleaners
    assert not cleaner.killed
    ends_at = 128.0 + IDLE_SEC
    while world.now < ends_at:
        assert not cleaner.killed
        assert world.next_due() <= ends_at
        all_read(world, min(world.now + 1.0, ends_at))
        world.step(world.now, DeviceList(names), by=world.last)
    assert cleaner.killed and cleaner.closed
    assert len(cleaners) == 1
    assert not [line for line in world.log if 'is ready' not in line]


@pytest.mark.parametrize('obeys_kill', [True, False])
def test_a_request_at_the_moment_of_its_end_is_served_by_another_at_once(
        pool_and_cleaners, obeys_kill):
    world, cleaners = pool_and_cleaners
    world.step(0.0)
    start_one(world, cleaners, ('1.1-ma2450',), 1.0)
    old, worker = cleaners[0], world.last
    old.obeys_kill = obeys_kill   # else it takes its time to end
    world.step(1.0 + IDLE_SEC - 0.5, Fault('lost'), by=worker)
    world.step(1.0 + IDLE_SEC)
    assert old.killed
    world.step(1.0 + IDLE_SEC, EnumerationStarted())
    assert [process.told for process in cleaners] == [[Clean()]] * 2
    cleaners[1].says.append(CLEANED)
    world.step(1.1 + IDLE_SEC)
    assert world.last.told == [ListSticks()]
    old.ended = True
    world.step(1.2 + IDLE_SEC)
    assert old.closed
    assert world.told_of('USB bus') == []


@pytest.fixture(scope='module', autouse=True)
def fork_server():
    """Have the fork server loaded as a supervisor does."""
    prepare(SimulatedDriver(SimulatedBus(BusSpec())))


class Cleaning:
    """A BusCleaner with its real process on a simulated bus."""

    def __init__(self, **properties):
        self.bus = SimulatedBus(BusSpec(**{
            'sticks': 3, 'boot_ms': 100.0, 'inference_ms': 60000.0, **properties}))
        self.log, self.revived, self._is_done = [], [], False
        self.cleaner = BusCleaner(SimulatedDriver(self.bus),
                                  SimpleNamespace(warning=self.log.append))

    def wait_for(self, condition):
        """Hear what it says until a condition holds."""
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            assert time.monotonic() < deadline, self.log
            process = self.cleaner.process
            connection.wait(process.waitables() if process else [], 0.01)
            is_done, left = self.cleaner.hear(time.monotonic())
            self._is_done |= is_done
            self.revived += [port for port, by_reset in left.items() if by_reset]

    def clean(self, own_ports=()):
        """Have the bus cleaned; return when it was asked for."""
        self._is_done, asked_at = False, time.monotonic()
        assert self.cleaner.clean(own_ports, asked_at)
        self.wait_for(lambda: self._is_done)
        return asked_at

    def plugs(self, port):
        """Return a number that changes when the stick is reset or replugged."""
        state, link = self.bus.port(port).look()
        return state.plugs, link.enumeration

    def close(self):
        self.cleaner.stop()
        self.bus.close()


@pytest.fixture
def cleaning():
    """Return a function that makes a Cleaning; all are ended after the test."""
    made = []

    def make(**properties):
        made.append(Cleaning(**properties))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize('leftovers', ['none', 'abort', 'hang'])
@pytest.mark.parametrize('inferences', [0, 2])
def test_one_that_a_killed_process_left_behind_is_reset(cleaning, leftovers, inferences):
    cleaning = cleaning(leftovers=leftovers)
    leave_booted(cleaning.bus, '1.2', inferences)
    assert cleaning.bus.port('1.2').unread() == 3 * inferences
    untouched = cleaning.plugs('1.1')
    cleaning.clean()
    assert cleaning.bus.port('1.2').in_rom()
    with OtherProcess(cleaning.bus) as other:
        assert other.do('names()') == [f'1.{number}-ma2450' for number in (1, 2, 3)]
    assert (cleaning.cleaner.dead, cleaning.revived, cleaning.log) == ({}, [], [])
    assert cleaning.plugs('1.1') == untouched


@pytest.mark.parametrize('words', [('mute',), ('nak',), ('swallow', '8000000')])
def test_one_that_falls_silent_is_dead_whatever_it_takes(cleaning, words):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    cleaning.bus.inject('1.1', *words)
    cleaning.bus.inject('1.1', 'no-usb-reset')
    cleaning.clean()
    assert list(cleaning.cleaner.dead) == ['1.1']


def test_one_whose_host_was_killed_within_a_tensor_is_reset(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    cleaning.bus.inject('1.1', 'swallow', '540000')
    cleaning.bus.inject('1.1', 'no-usb-reset')
    cleaning.clean()
    assert cleaning.bus.port('1.1').in_rom()
    assert (cleaning.cleaner.dead, cleaning.revived) == ({}, [])


def test_one_whose_host_was_killed_within_a_graph_is_revived_by_and_by(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    cleaning.bus.inject('1.1', 'swallow', '8000000')
    cleaning.bus.inject('1.1', 'no-usb-reset')
    cleaning.clean()
    cleaning.wait_for(lambda: cleaning.revived)
    assert (cleaning.revived, cleaning.cleaner.dead) == (['1.1'], {})
    assert cleaning.bus.port('1.1').in_rom()


def test_a_clean_bus_is_left_alone_at_once(cleaning):
    cleaning = cleaning()
    before = [cleaning.plugs(port) for port in ('1.1', '1.2', '1.3')]
    cleaning.clean()
    in_less_than(0.5, cleaning.clean)
    assert [cleaning.plugs(port) for port in ('1.1', '1.2', '1.3')] == before


def test_one_that_another_process_has_open_is_never_touched(cleaning):
    cleaning = cleaning(inference_ms=5.0, transfer_ms=1.0)
    leave_booted(cleaning.bus, '1.2')
    with OtherProcess(cleaning.bus) as user:
        user.do('graph, fifos, picture = ready("1.1")')
        before = cleaning.plugs('1.1')
        for _ in range(3):
            assert user.do(QUEUE) is None   # its result waits on the stick meanwhile
            cleaning.clean()
            assert user.do('fifos[1].read_elem() and None') is None
        assert cleaning.plugs('1.1') == before
        assert cleaning.bus.port('1.1').holder() == user.pid
    assert cleaning.bus.port('1.2').in_rom()
    assert (cleaning.cleaner.dead, cleaning.log) == ({}, [])


def test_one_that_a_worker_of_ours_has_is_not_even_tried(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')   # as if its worker had just been killed
    before = cleaning.plugs('1.1')
    cleaning.clean(('1.1',))
    assert cleaning.plugs('1.1') == before
    cleaning.clean()
    assert cleaning.bus.port('1.1').in_rom()


def test_mute_ones_are_dead_soon_and_others_are_reset_meanwhile(cleaning):
    cleaning = cleaning()
    cleaning.clean()   # its process runs
    leave_booted(cleaning.bus, '1.1', 1)
    leave_dead(cleaning.bus)
    boot(cleaning.bus, '1.2')
    boot(cleaning.bus, '1.3')
    leave_dead(cleaning.bus, '1.3')
    asked_at = cleaning.clean()
    assert sorted(cleaning.cleaner.dead) == ['1.1', '1.3']
    for stick in cleaning.cleaner.dead.values():
        assert 0.0 < stick.since - asked_at < DEAD_WITHIN_SEC
    assert cleaning.bus.port('1.2').in_rom()
    assert cleaning.log == []


def leave_dead(bus, port='1.1'):
    """Let a stick fall mute, which no USB reset helps."""
    bus.inject(port, 'mute')
    bus.inject(port, 'no-usb-reset')


def test_a_dead_one_is_held_as_long_as_the_cleaner_lives(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    leave_dead(cleaning.bus)
    cleaning.clean()
    usb, stick = usb_stick(cleaning.bus, '1.1')
    with pytest.raises(UsbBusyError):
        usb.claim(stick)
    # So the library of another process does not wait for it.
    with OtherProcess(cleaning.bus) as other:
        assert other.do('names()') == ['1.1-', '1.2-ma2450', '1.3-ma2450']
    # It stays dead, and held.
    since = cleaning.cleaner.dead['1.1'].since
    cleaning.clean()
    assert cleaning.cleaner.dead['1.1'].since == since
    cleaning.cleaner.stop()
    assert cleaning.cleaner.dead == {}
    usb.claim(stick).close()


def test_a_reset_by_usb_revives_one(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    cleaning.bus.inject('1.1', 'mute')
    cleaning.clean()
    cleaning.wait_for(lambda: cleaning.revived)
    assert (cleaning.revived, cleaning.cleaner.dead) == (['1.1'], {})
    assert cleaning.bus.port('1.1').in_rom()


def test_one_that_no_reset_helps_stays_dead_until_it_is_unplugged(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    leave_dead(cleaning.bus)
    cleaning.clean()
    cleaning.clean()
    assert list(cleaning.cleaner.dead) == ['1.1']
    cleaning.bus.inject('1.1', 'unplug')
    cleaning.wait_for(lambda: not cleaning.cleaner.dead)
    assert cleaning.revived == []
    cleaning.bus.inject('1.1', 'plug')
    cleaning.clean()
    assert cleaning.bus.port('1.1').in_rom()
    assert cleaning.cleaner.dead == {}


def test_one_that_nobody_may_open_is_told_of_once_and_the_others_are_reset(cleaning):
    cleaning = cleaning()
    leave_booted(cleaning.bus, '1.1')
    cleaning.bus.inject('1.1', 'no-access')
    boot(cleaning.bus, '1.2')
    for _ in range(2):
        cleaning.clean()
    (warning,) = cleaning.log
    assert 'USB port 1.1' in warning
    assert '97-usbboot.rules' in warning
    assert cleaning.bus.port('1.2').in_rom()


class StuckBus:
    """A bus with a booted stick that can be claimed, and read only when it is let go."""

    def __init__(self):
        self.may_return = threading.Event()

    def sticks(self):
        return [UsbStick('1.1', (1, 5), True)]

    def claim(self, stick):
        return self

    def read(self, timeout_sec):
        self.may_return.wait()
        raise UsbGoneError('it has left')

    def close(self):
        pass


def test_one_on_which_a_usb_call_does_not_return_is_dead_until_it_does():
    bus, told = StuckBus(), queue.SimpleQueue()
    cleaner = bus_cleaner_main._Cleaner(bus, told.put)
    cleaner.clean(())
    report = told.get(timeout=DEADLINE_SEC)
    assert report.cleaned
    assert [stick.port for stick in report.dead] == ['1.1']
    cleaner.clean(())   # without waiting for it again
    assert told.get(timeout=DEADLINE_SEC).dead == report.dead
    bus.may_return.set()
    assert told.get(timeout=DEADLINE_SEC) == BusReport()


class SlowToClaim(StuckBus):
    """A bus on which a claim takes its time, and so is got when nobody waits for it."""

    def claim(self, stick):
        self.may_return.wait()
        return self

    def read(self, timeout_sec):
        raise UsbGoneError('it has left')


class InUse(SlowToClaim):
    """The same, and another process has the stick."""

    def claim(self, stick):
        super().claim(stick)
        raise UsbBusyError('in use')


@pytest.mark.parametrize('bus', [SlowToClaim(), InUse()])
def test_one_that_may_be_claimed_when_nobody_waits_for_it_is_reported_until_then(bus):
    told = queue.SimpleQueue()
    bus_cleaner_main._Cleaner(bus, told.put).clean(())
    assert [stick.port for stick in told.get(timeout=DEADLINE_SEC).dead] == ['1.1']
    bus.may_return.set()
    assert told.get(timeout=DEADLINE_SEC) == BusReport()


class BrokenBus:
    """A bus that cannot be listed, for a reason of several lines."""

    def sticks(self):
        raise UsbError('no bus:\n\tno permission')


def test_a_problem_of_several_lines_is_told_in_one():
    told = queue.SimpleQueue()
    bus_cleaner_main._Cleaner(BrokenBus(), told.put).clean(())
    assert told.get(timeout=DEADLINE_SEC) == BusReport(
        cleaned=True, problem='listing the USB bus: no bus: no permission')
