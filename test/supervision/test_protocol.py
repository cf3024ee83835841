# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Single histories of the protocol that went wrong once; the machine looks for further ones."""

from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.starting.bus_cleaner import IDLE_SEC
from ncs_cluster_detector.wire import messages
from protocol_ends import CleanerEnd
from protocol_world import ProtocolWorld
import pytest

READING = messages.Reading(41.0, 0, 100.0)
PORTS = ('1.1', '1.2', '1.3')


@pytest.fixture
def make_world():
    """Return a function that makes a world with three sticks; all are closed, and so checked."""
    made = []

    def make(seconds=10.0, **settings):
        made.append(ProtocolWorld(Settings(**settings)))
        made[-1].plugged |= set(PORTS)
        made[-1].live(seconds)
        return made[-1]

    yield make
    for world in made:
        world.close()


def cleaners(world):
    return [process for process in world.processes if isinstance(process, CleanerEnd)]


def states(world):
    return [stick.status.state for stick in world.supervisor.snapshot.sticks]


def test_each_of_several_requests_at_once_has_its_own_answer_at_once(make_world):
    world = make_world(cluster_size=1, cluster_switch_cycle_ms=0)
    for _ in range(3):
        world.switch()
    world.step()   # which checks that all are answered
    assert world.supervisor.snapshot.switches == 3


@pytest.mark.parametrize('word', [
    messages.Ready(READING), *map(messages.Step, OpeningStep)], ids=str)
def test_a_worker_that_opens_its_stick_again_is_replaced_and_the_others_work_on(make_world, word):
    world = make_world()
    first, *others = world.at_work
    first.say_out_of_turn(word)
    world.step()
    assert first.is_over
    assert world.at_work == others
    assert 'a defect of the program' in world.supervisor.snapshot.sticks[0].last_error
    world.live(10.0)
    assert states(world) == [StickState.RUNNING] * 3


@pytest.mark.parametrize('lives', [1, 2])
def test_a_worker_that_tells_a_temperature_before_its_stick_is_open_is_replaced(
        make_world, lives):
    world = make_world(0.0)
    for _ in range(lives):
        world.live(10.0 * (lives - 1))
        for worker in world.at_work:
            worker.end(1)
        while not any(worker.opened and not worker.is_ready for worker in world.workers):
            world.live(0.125)
        (worker,) = [worker for worker in world.workers if worker.opened and not worker.is_ready]
    worker.say_out_of_turn(READING)
    world.step()
    assert worker.is_over
    world.live(20.0)
    assert states(world) == [StickState.RUNNING] * 3


def test_a_stick_that_another_program_took_is_given_up_at_once_whatever_its_worker_prints(
        make_world):
    world = make_world(0.0)
    while not any(worker.opened for worker in world.workers):
        world.live(0.125)
    (worker,) = [worker for worker in world.workers if worker.opened]
    world.taken.add('1.1')
    worker.fail(in_use=True)
    worker.print_text(b'the stick is in use\n')
    world.step()
    assert states(world)[0] is StickState.STOPPING
    worker.print_text(b'closing\n')
    world.step()
    world.live(10.0)
    assert states(world) == [StickState.RUNNING] * 2   # the other one is not shown


@pytest.mark.parametrize('word', [messages.EnumerationStarted(), messages.DeviceList(())], ids=str)
def test_a_lister_that_says_what_nobody_asked_for_is_replaced(make_world, word):
    world = make_world(max_frame_age_ms=0)
    (lister,) = [worker for worker in world.workers if worker.stands_by]
    world.step()
    lister.say_out_of_turn(word)
    world.step()
    assert lister.is_over
    assert states(world) == [StickState.RUNNING] * 3
    world.plugged.add('1.4')
    world.live(10.0)
    assert states(world) == [StickState.RUNNING] * 4


def test_a_bus_cleaner_that_says_what_nobody_asked_for_is_replaced(make_world):
    world = make_world(seconds=3.0)
    (cleaner,) = cleaners(world)
    cleaner.say_out_of_turn()
    world.step()
    assert cleaner.is_over
    world.at_work[0].end(1)
    world.live(3.0)
    assert states(world) == [StickState.RUNNING] * 3
    (another,) = cleaners(world)
    assert another is not cleaner


def test_the_bus_cleaner_is_there_while_it_is_needed(make_world):
    world = make_world(seconds=3.0)
    (first,) = cleaners(world)
    world.live(2 * IDLE_SEC)
    assert (first.is_over, cleaners(world)) == (True, [])
    world.dead['1.1'] = world.now
    world.at_work[0].end(1)
    world.live(5 * IDLE_SEC)
    (second,) = cleaners(world)
    assert [stick.port for stick in second.holds] == ['1.1']
    assert world.log == [line for line in world.log if 'bus' not in line]
    del world.dead['1.1']
    second.report(revived=('1.1',))
    world.live(1.0)
    assert cleaners(world) == [second]
    world.live(100.0)
    assert (second.is_over, cleaners(world)) == (True, [])
    assert states(world) == [StickState.RUNNING] * 3


@pytest.mark.parametrize('size, left', [(1, 1), (0, 2)])
def test_while_no_sensor_works_a_restart_for_it_leaves_sticks_at_work(make_world, size, left):
    world = make_world(cluster_size=size, cluster_switch_cycle_ms=0)
    for worker in world.at_work:
        worker.celsius = None
        worker.read()
    while not any(worker.is_asked_to_stop for worker in world.workers):
        world.live(0.125)   # which checks in each step that active sticks run
    assert len(world.supervisor.snapshot.active) == left
