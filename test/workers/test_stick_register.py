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

"""Numbers for sticks, by their USB ports."""

from types import SimpleNamespace

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.workers.stick_register import StickRegister
import pytest


IDLE = SimpleNamespace(outstanding=(), step=None, step_at=0.0)   # a worker


class Log(list):
    """A logger that keeps its warnings."""

    warning = list.append


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
    register.records[0].starting(IDLE)
    assert register.due(2.0).number == 1


def test_one_in_use_by_another_program_gets_its_number_when_it_is_free(register, log):
    register.listed(['1.1-'], 1.0, {})
    assert register.records == []
    assert log == ['no free stick found, 1 in use by other programs (1.1-); waiting for one']
    register.listed(['1.1-ma2450'], 2.0, {})
    assert names(register) == ['1.1-ma2450']


def test_no_more_than_max_sticks_are_registered(log):
    register = StickRegister(2, log)
    register.listed(['1.1-ma2450', '1.2-ma2450', '1.3-ma2450'], 1.0, {})
    assert len(register.records) == 2
    for record in register.records:
        record.starting(IDLE)
    assert not register.expects_sticks()
    register.records[0].failed('hung', 2.0)
    register.records[0].ended()
    assert register.expects_sticks()   # it may be replugged, and is back at once then


def test_a_stick_that_moved_to_another_port_beyond_max_sticks_is_told_of_once(log):
    register = StickRegister(2, log)
    register.listed(['1.1-ma2450', '1.2-ma2450', '1.3-ma2450'], 1.0, {})
    assert log == []
    for now in (2.0, 3.0):
        register.listed(['1.1-ma2450', '1.5-ma2450'], now, {})
    assert log == ['stick 1 is missing at port 1.2, and what is at port 1.5 is not used '
                   '(max_sticks=2, known by their ports); plug it into its own port, or start the '
                   'node again']
    register.listed(['1.1-ma2450', '1.5-'], 4.0, {})   # another program's
    assert len(log) == 1


def test_sticks_of_other_programs_are_strangers_while_there_is_room(log):
    register = StickRegister(1, log)
    register.listed(['1.1-', '1.2-'], 1.0, {})
    assert register.strangers == ('1.1-', '1.2-')
    register.listed(['1.1-ma2450', '1.2-'], 2.0, {})
    assert register.strangers == ()


def test_without_a_limit_sticks_are_always_expected(register):
    register.listed(['1.1-ma2450'], 1.0, {})
    assert register.expects_sticks()


def test_one_that_has_failed_waits_behind_those_not_tried_yet(register):
    register.listed(['1.1-ma2450', '1.2-ma2450'], 1.0, {})
    first = register.records[0]
    first.starting(IDLE)
    first.failed('hung', 5.0)
    first.ended()
    assert register.due(100.0).number == 1
    register.records[1].starting(IDLE)
    assert register.due(100.0).number == 0
    assert register.next_due() == first.waits_until()


def test_nothing_is_due_when_all_have_workers_or_are_away(register):
    register.listed(['1.1-ma2450', '1.2-ma2450'], 1.0, {})
    register.records[0].starting(IDLE)
    register.records[1].seen({}, 2.0, {})
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
