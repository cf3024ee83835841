# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Numbers for sticks, by their USB ports."""

from random import Random
from types import SimpleNamespace

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.reliability.presence import AWAY_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.records.setbacks import Cause
from ncs_cluster_detector.supervision.records.stick_register import StickRegister
from ncs_cluster_detector.wire.messages import DeadStick
import pytest

OPENING, BOOTED = OpeningStep.OPENING, OpeningStep.BOOTED

IDLE = SimpleNamespace(outstanding=(), step=None, step_at=0.0)   # a worker


class Log(list):
    """A logger that keeps what it is told."""

    info = warning = error = list.append


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def register(log):
    return StickRegister(0, log)


def names(register):
    return [record.device_name for record in register.records]


def test_numbers_follow_the_ports_in_their_natural_order(register):
    register.listed(['1.10-ma2450', '1.9-ma2450', '1.2.1-ma2480'], 1.0, {})
    assert names(register) == ['1.2.1-ma2480', '1.9-ma2450', '1.10-ma2450']
    assert [record.number for record in register.records] == [0, 1, 2]


def test_one_plugged_in_later_gets_the_next_number_whatever_its_port(register):
    register.listed(['1.3-ma2450'], 1.0, {})
    register.listed(['1.1-ma2450', '1.3-'], 2.0, {})
    assert names(register) == ['1.3-ma2450', '1.1-ma2450']
    assert register.due(1.5).number == 0
    assert register.due(2.0).number == 0
    register.records[0].on_start(IDLE)
    assert register.due(2.0).number == 1


class Sticks:
    """Lists of sticks, one a second, in which those that a register has opened have no chip."""

    def __init__(self, register):
        self.register = register
        self.now = 0.0
        self.there = set()    # ports
        self.taken = set()    # ports of those that another program has open

    def list_once(self, is_first=False):
        """List the sticks that are there."""
        self.now += 1.0
        used = self.taken | {record.port for record in self.register.records
                             if record.state is StickState.RUNNING}
        self.register.listed([f'{port}-' if port in used else f'{port}-ma2450'
                              for port in self.there], self.now, {}, is_first)

    def plug(self, *ports):
        """Put sticks in, and open all that may be opened."""
        self.there |= set(ports)
        self.run()

    def pull(self, *ports, after_sec=AWAY_SEC):
        """Pull sticks out; the workers notice, and ``after_sec`` go by."""
        self.there -= set(ports)
        for record in self.register.records:
            if record.port in ports and record.state is StickState.RUNNING:
                record.on_failure('lost', self.now)
                record.on_end()
        for _ in range(1 + int(after_sec)):
            self.list_once()

    def run(self):
        """List and open sticks until there is none to open."""
        self.list_once(is_first=True)
        while (record := self.register.due(self.now + 1000.0)) is not None:
            record.on_start(IDLE)
            record.on_ready(self.now)
            self.list_once(is_first=True)

    def shown(self):
        """Return the ports of the sticks that are told of, by number."""
        return {record.number: record.port for record in self.register.shown()}

    def runs(self):
        """Return the same of those that are open."""
        return {record.number: record.port for record in self.register.records
                if record.state is StickState.RUNNING}


@pytest.fixture
def sticks(log):
    """Return a function that makes Sticks for a number of places, 0 for any."""
    return lambda max_sticks: Sticks(StickRegister(max_sticks, log))


@pytest.mark.parametrize('max_sticks', [0, 2])
def test_a_stick_at_a_new_port_takes_the_number_of_one_that_has_left(sticks, log, max_sticks):
    sticks = sticks(max_sticks)
    sticks.plug('1.1', '1.2')
    sticks.pull('1.1')
    assert sticks.shown() == {0: '1.1', 1: '1.2'}
    sticks.plug('1.7')
    assert sticks.shown() == sticks.runs() == {0: '1.7', 1: '1.2'}
    assert log == ['stick 0 is the one at port 1.7 from now on, in the place of the one at port '
                   '1.1']
    sticks.pull('1.7')
    sticks.plug('1.1')
    assert sticks.runs() == {0: '1.1', 1: '1.2'}


@pytest.mark.parametrize('max_sticks', [0, 2])
def test_it_keeps_its_number_for_some_seconds_and_as_long_as_nobody_needs_it(sticks, max_sticks):
    sticks = sticks(max_sticks)
    sticks.plug('1.1', '1.2')
    sticks.pull('1.1', after_sec=1.0)
    sticks.plug('1.7')
    assert sticks.runs() == {1: '1.2'}
    sticks.plug('1.1')   # it was only being reset
    assert sticks.runs() == ({0: '1.1', 1: '1.2', 2: '1.7'} if max_sticks == 0 else
                             {0: '1.1', 1: '1.2'})
    sticks.pull('1.7')
    sticks.pull('1.1', after_sec=1000.0)
    sticks.plug('1.1')
    assert sticks.runs()[0] == '1.1'


def test_one_that_was_not_tried_yet_does_not_give_way_to_a_newcomer(sticks):
    sticks = sticks(2)
    for ports in ({'1.2', '1.3'}, {'1.1', '1.2', '1.3'}):
        sticks.there = ports
        sticks.list_once()
    assert sticks.shown() == {0: '1.2', 1: '1.3'}
    assert len(sticks.register.records) == 2


def fail(record, now, **about):
    record.on_start(IDLE)
    record.on_failure('lost', now, **about)
    record.on_end()


def test_one_that_has_refused_waits_behind_those_that_have_failed_less_often(sticks):
    sticks = sticks(0)
    sticks.there = {'1.1', '1.2'}
    sticks.list_once()
    first, second = sticks.register.records
    for _ in range(3):
        fail(first, 1.0, cause=Cause.REFUSAL)
    fail(second, 50.0)
    assert sticks.register.due(100.0) is second


@pytest.mark.parametrize('starts_before', [True, False])
def test_one_that_left_the_bus_as_a_stick_was_started_was_not_pulled_out(sticks, starts_before):
    sticks = sticks(0)
    sticks.plug('1.1', '1.2')
    record = sticks.register.records[0]
    record.on_failure('lost', sticks.now)
    record.on_end()
    fail(record, sticks.now)
    sticks.list_once()
    if starts_before:
        fail(record, sticks.now)
    failures = record.setbacks.failures
    sticks.there -= {'1.1'}
    sticks.list_once()
    sticks.there |= {'1.1'}
    sticks.list_once()
    assert record.setbacks.failures == (failures if starts_before else 0)


def test_a_hub_that_was_moved_leaves_nothing_behind(sticks):
    for max_sticks in (0, 3, 5):
        for one_by_one in (False, True):
            moved = sticks(max_sticks)
            moved.plug('1.1', '1.2', '1.3')
            for ports in ([('1.1',), ('1.2',), ('1.3',)] if one_by_one else
                          [('1.1', '1.2', '1.3')]):
                moved.pull(*ports)
                moved.plug(*(port.replace('1.', '2.') for port in ports))
            assert moved.runs() == moved.shown() == {0: '2.1', 1: '2.2', 2: '2.3'}


def test_sticks_that_are_pulled_out_before_their_workers_notice_are_waited_for(sticks):
    sticks = sticks(0)
    sticks.plug('1.1', '1.2')
    sticks.there = {'2.1', '2.2'}
    sticks.list_once()
    assert sticks.shown() == {0: '1.1', 1: '1.2'}
    sticks.pull('1.1', '1.2')
    sticks.run()
    assert sticks.runs() == {0: '2.1', 1: '2.2'}


def test_one_that_is_still_missing_is_told_of(sticks):
    for max_sticks in (0, 3):
        missing = sticks(max_sticks)
        missing.plug('1.1', '1.2', '1.3')
        missing.pull('1.1', '1.2', '1.3')
        missing.plug('1.7', '1.8')
        assert missing.shown() == {0: '1.7', 1: '1.8', 2: '1.3'}
        assert missing.register.records[2].state is StickState.ABSENT


def test_one_whose_place_was_taken_waits_unseen_until_there_is_one_again(sticks):
    sticks = sticks(2)
    sticks.plug('1.1', '1.2')
    sticks.pull('1.1')
    sticks.plug('1.7')
    sticks.plug('1.1')
    assert sticks.shown() == {0: '1.7', 1: '1.2'}
    sticks.pull('1.2')
    sticks.run()
    assert sticks.runs() == {0: '1.7', 1: '1.1'}


@pytest.mark.parametrize('max_sticks', [0, 2])
def test_what_another_program_was_faster_to_open_has_no_number(sticks, max_sticks):
    sticks = sticks(max_sticks)
    register = sticks.register
    sticks.there = {'1.1', '1.2', '1.3'}
    sticks.list_once(is_first=True)
    register.due(sticks.now).on_start(IDLE)
    register.records[0].on_ready(sticks.now)
    sticks.taken = {'1.2'}
    sticks.run()
    assert register.expects_sticks() is (max_sticks == 0)
    assert sticks.shown() == sticks.runs() == (
        {0: '1.1', 2: '1.3'} if max_sticks == 0 else {0: '1.1', 1: '1.3'})
    assert register.busy_elsewhere == (('1.2-',) if max_sticks == 0 else ())
    sticks.taken = set()
    sticks.run()
    assert sticks.runs() == ({0: '1.1', 1: '1.2', 2: '1.3'} if max_sticks == 0 else
                             {0: '1.1', 1: '1.3'})


def test_what_was_ours_before_another_program_took_it_is_waited_for_unless_one_is_free(sticks):
    sticks = sticks(2)
    sticks.plug('1.1', '1.2')
    sticks.pull('1.2', after_sec=1.0)
    sticks.taken = {'1.2'}
    sticks.plug('1.2')
    assert (sticks.shown(), sticks.runs()) == ({0: '1.1', 1: '1.2'}, {0: '1.1'})
    assert sticks.register.busy_elsewhere == ('1.2-',)
    sticks.plug('1.5')
    assert sticks.shown() == sticks.runs() == {0: '1.1', 1: '1.5'}


@pytest.mark.parametrize('seed', range(40))
def test_places_follow_the_sticks_that_are_there_whatever_happens(sticks, seed):
    rng = Random(seed)
    max_sticks = rng.choice([0, 1, 2, 3])
    sticks = sticks(max_sticks)
    ports = [f'1.{number}' for number in range(1, 7)]
    for _ in range(60):
        port = rng.choice(ports)
        if port in sticks.there:
            sticks.taken.discard(port)
            sticks.pull(port, after_sec=rng.choice([0.0, 6.0]))
        else:
            if rng.random() < 0.3:
                sticks.taken.add(port)
            sticks.plug(port)
        shown = sticks.shown()
        assert len(shown) <= (max_sticks or 6)
        assert len(set(shown.values())) == len(shown)
        assert sticks.runs().items() <= shown.items()
    for _ in range(7):
        sticks.run()
    free = len(sticks.there - sticks.taken)
    assert len(sticks.runs()) == min(free, max_sticks or 6)


def test_one_in_use_by_another_program_gets_its_number_when_it_is_free(register, log):
    register.listed(['1.1-'], 1.0, {})
    assert register.records == []
    assert log == ['no free stick found, 1 in use by other programs (1.1-); waiting for one']
    register.listed(['1.1-ma2450'], 2.0, {})
    assert names(register) == ['1.1-ma2450']


def test_sticks_of_other_programs_are_told_of_once_in_whatever_order_they_are_listed(
        register, log):
    for names in (['1.10-', '1.9-'], ['1.9-', '1.10-']):
        register.listed(names, 1.0, {})
    assert log == ['no free stick found, 2 in use by other programs (1.9-, 1.10-); '
                   'waiting for one']


def test_where_sticks_start_together_none_is_missed_while_a_worker_may_have_it_away(log):
    for starts_together, complaints in ((True, 0), (False, 1)):
        register = StickRegister(0, log, starts_together=starts_together)
        register.listed(['1.1-ma2450'], 1.0, {})
        register.records[0].on_start(IDLE)
        register.listed([], 2.0, {})
        assert len(log) == complaints


def test_where_sticks_start_together_one_empty_list_may_show_them_during_a_reset(log):
    register = StickRegister(0, log, starts_together=True)
    for names in ([], ['1.1-ma2450'], []):
        register.listed(names, 1.0, {})
        assert log == []
    for _ in range(3):
        register.listed([], 2.0, {})
        assert len(log) == 1


def test_no_more_than_max_sticks_are_registered(log):
    register = StickRegister(2, log)
    register.listed(['1.1-ma2450', '1.2-ma2450', '1.3-ma2450'], 1.0, {})
    assert len(register.records) == 2
    for record in register.records:
        record.on_start(IDLE)
    assert not register.expects_sticks()
    register.records[0].on_failure('hung', 2.0)
    register.records[0].on_end()
    assert register.expects_sticks()   # it may be replugged, and is back at once then


def test_sticks_of_other_programs_are_busy_elsewhere_while_there_is_room(log):
    register = StickRegister(1, log)
    register.listed(['1.1-', '1.2-'], 1.0, {})
    assert register.busy_elsewhere == ('1.1-', '1.2-')
    register.listed(['1.1-ma2450', '1.2-'], 2.0, {})
    assert register.busy_elsewhere == ()


def test_without_a_limit_sticks_are_always_expected(register):
    register.listed(['1.1-ma2450'], 1.0, {})
    assert register.expects_sticks()


def test_one_that_has_failed_waits_behind_those_not_tried_yet(register):
    register.listed(['1.1-ma2450', '1.2-ma2450'], 1.0, {})
    first = register.records[0]
    first.on_start(IDLE)
    first.on_failure('hung', 5.0)
    first.on_end()
    assert register.due(100.0).number == 1
    register.records[1].on_start(IDLE)
    assert register.due(100.0).number == 0
    assert register.next_due() == first.waits_until()


def test_nothing_is_due_when_all_have_workers_or_are_away(register):
    register.listed(['1.1-ma2450', '1.2-ma2450'], 1.0, {})
    register.records[0].on_start(IDLE)
    register.records[1].on_listing({}, 2.0, {})
    assert register.records[1].state is StickState.ABSENT
    assert register.due(1000.0) is None
    assert register.next_due() == float('inf')


def test_no_stick_is_said_once_and_again_after_there_was_one(register, log):
    for now in (1.0, 2.0, 3.0):
        register.listed([], now, {})
    assert len(log) == 1
    assert log[0].startswith('no stick found')
    register.listed(['1.1-ma2450'], 4.0, {})
    register.listed([], 5.0, {})
    assert len(log) == 2


def test_two_sticks_of_one_name_are_told_of_and_count_as_one(register, log):
    register.listed(['1.2-ma2450', '1.2-ma2450'], 1.0, {})
    assert len(register.records) == 1
    assert 'cannot be told apart' in log[0]


def dead(*ports):
    """Return the dictionary of sticks at these ports that are dead since second 0.5."""
    return {port: DeadStick(port, 0.5) for port in ports}


@pytest.mark.parametrize('max_sticks, expected', [
    (0, ['1.1-', '1.2-ma2450', '1.3-ma2450']),
    (1, ['1.1-', '1.2-ma2450']),
    (2, ['1.1-', '1.2-ma2450', '1.3-ma2450'])])
def test_a_dead_one_has_a_number_and_takes_no_room_from_a_good_one(log, max_sticks, expected):
    register = StickRegister(max_sticks, log)
    register.listed(['1.1-', '1.2-ma2450', '1.3-ma2450'], 1.0, dead('1.1'))
    assert names(register) == expected
    assert [record.number for record in register.records] == list(range(len(expected)))
    assert [record.state is StickState.DEAD for record in register.records] == [
        name == '1.1-' for name in expected]


def test_a_dead_one_is_told_of_once_and_is_never_due(register, log):
    for now in (1.0, 2.0, 3.0):
        register.listed(['1.1-'], now, dead('1.1'))
    assert len(log) == 1
    assert log[0].startswith('stick 0 (1.1-): it has booted and does not answer on USB')
    assert 'unplug it and plug it in again' in log[0]
    assert register.due(1000.0) is None
    assert register.next_due() == float('inf')
    assert register.expects_sticks()


def test_a_dead_one_is_no_stranger(register):
    register.listed(['1.1-', '1.2-', '1.3-ma2450'], 1.0, dead('1.1'))
    assert register.busy_elsewhere == ('1.2-',)


def test_a_good_one_that_comes_later_has_the_room_of_a_dead_one_which_is_spare_then(log):
    register = StickRegister(2, log)
    register.listed(['1.1-ma2450', '1.2-'], 1.0, dead('1.2'))
    register.listed(['1.1-ma2450', '1.2-', '1.3-ma2450'], 2.0, dead('1.2'))
    assert names(register) == ['1.1-ma2450', '1.2-', '1.3-ma2450']
    register.revived('1.2', False, 3.0)
    register.listed(['1.1-ma2450', '1.2-ma2450', '1.3-ma2450'], 3.1, {})
    assert [record.has_place for record in register.records] == [True, False, True]
    assert [record.number for record in register.shown()] == [0, 2]
    first, _, third = register.records
    first.on_start(IDLE)
    third.on_start(IDLE)
    assert register.due(1000.0) is None
    assert register.next_due() == float('inf')


def test_one_that_answers_again_has_its_room_if_nobody_took_it(log):
    register = StickRegister(2, log)
    register.listed(['1.1-ma2450', '1.2-'], 1.0, dead('1.2'))
    register.records[0].on_start(IDLE)
    register.revived('1.2', False, 3.0)
    register.listed(['1.1-', '1.2-ma2450'], 3.1, {})
    assert register.due(4.0) is register.records[1]


def test_one_that_is_full_of_life_again_is_due_later_by_a_reset_and_at_once_by_a_hand(log):
    for by_reset, due_at in ((True, 1.0 + restart.FIRST_HOLD_UP_DELAY_SEC), (False, 3.0)):
        register = StickRegister(0, log)
        register.listed(['1.1-', '1.2-'], 1.0, dead('1.1', '1.2'))
        register.revived('1.2', by_reset, 3.0)
        register.listed(['1.1-', '1.2-ma2450'], 3.1, dead('1.1'))
        first, second = register.records
        assert (first.state, second.state) == (StickState.DEAD, StickState.BACKOFF)
        assert register.next_due() == due_at
    assert len([line for line in log if 'a reset by USB has helped' in line]) == 1


def test_a_port_that_is_nobodys_can_be_revived(register, log):
    register.revived('1.7', True, 1.0)
    register.revived('1.7', False, 1.0)
    assert (register.records, log) == ([], [])


def hold_up(record, step, now):
    """Have a start of a stick stand still for five seconds, until ``now``."""
    record.on_start(SimpleNamespace(outstanding=(), step=step, step_at=now - 5.0))
    record.on_failure('stood still', now)
    record.on_end()


def test_one_that_has_held_up_the_others_waits_behind_those_that_have_failed_more_often(register):
    register.listed(['1.1-ma2450', '1.2-ma2450'], 1.0, {})
    first, second = register.records
    hold_up(first, BOOTED, 6.0)
    for now in (10.0, 11.0, 12.0):
        second.on_start(IDLE)
        second.on_failure('lost', now)
        second.on_end()
    assert register.due(100.0) is second
    assert register.waiting(100.0) == [second]
    second.on_start(IDLE)
    assert register.due(100.0) is first
    assert register.waiting(100.0) == []


def test_one_that_was_slow_once_has_its_second_try_before_the_last_of_the_others(register):
    register.listed(['1.1-ma2450', '1.2-ma2450', '1.3-ma2450'], 1.0, {})
    first, second, third = register.records
    hold_up(first, OPENING, 6.0)
    assert register.due(100.0) is second
    second.on_start(IDLE)
    assert register.due(100.0) is first
    hold_up(first, OPENING, 12.0)   # not a third one
    assert register.due(100.0) is third
