# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""No state is left for one that may not follow: every pair of states, of every state machine."""

import itertools
from types import SimpleNamespace

from ncs_cluster_detector.policy.reliability.restart import BUDGET
from ncs_cluster_detector.policy.reliability.restart import DEAD_PERIOD_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.records.setbacks import Cause
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.starting import bus_cleaner
from ncs_cluster_detector.supervision.starting import unassigned_worker
from ncs_cluster_detector.supervision.starting.bus_cleaner import BusCleaner
from ncs_cluster_detector.supervision.starting.bus_cleaner import CleanerState
from ncs_cluster_detector.supervision.starting.unassigned_worker import UnassignedState
from ncs_cluster_detector.supervision.starting.unassigned_worker import UnassignedWorker
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.transitions import WrongTransitionError
from ncs_cluster_detector.wire.messages import BusReport
from ncs_cluster_detector.wire.messages import DeadStick
from ncs_cluster_detector.wire.messages import DeviceList
from ncs_cluster_detector.wire.messages import EnumerationStarted
import pytest

ABSENT, BACKOFF, DEAD, FATAL, QUEUED, RUNNING, STARTING, STOPPING = (
    StickState[name] for name in (
        'ABSENT', 'BACKOFF', 'DEAD', 'FATAL', 'QUEUED', 'RUNNING', 'STARTING', 'STOPPING'))
NAME = '1.2-ma2450'
DEAD_STICKS = {'1.2': DeadStick('1.2', 5.0)}
HERE, AWAY = {'1.2': NAME}, {}


class Process:
    """A child process that says what a test has it say, and ends when it is told to."""

    pid = sentinel = 0
    step, step_at, outstanding, started_at = OpeningStep.WAITING, 0.0, (), 0.0

    is_silent = False

    def __init__(self, *_):
        self.says = []
        self.ended = False

    def messages(self):
        said, self.says = self.says, []
        return iter(said)

    def send(self, message):
        pass

    def has_ended(self):
        return self.ended

    def how_it_ended(self):
        return 'ended'

    def kill(self):
        pass

    def close(self):
        pass

    def reject(self, reason):
        raise WrongTransitionError(reason)


def silent():
    return SimpleNamespace(info=lambda _: None, warning=lambda _: None, error=lambda _: None)


def outcome(machine, event):
    """Return the state of a machine after an event, or None if that cannot happen in its state."""
    try:
        event(machine)
    except WrongTransitionError as error:
        assert '\n' not in str(error) and 'expected from' in str(error)
        return None
    return machine.state


def record_in(state, starts_together=False):
    """Return a record in a state, with a worker where a stick has one."""
    record = StickRecord(3, NAME, 0.0, starts_together)
    record.state = state
    record.handle = Process() if state in (STARTING, RUNNING) else None
    return record


# What each event makes of the states in which it can happen.
EVENTS_OF_A_STICK = {
    'on_start': (lambda record: record.on_start(Process()), {
        BACKOFF: STARTING, FATAL: STARTING}),
    'on_ready': (lambda record: record.on_ready(1.0), {STARTING: RUNNING}),
    'on_taken': (lambda record: record.on_taken(1.0), {STARTING: STOPPING}),
    'on_failure': (lambda record: record.on_failure('hung', 1.0), {
        STARTING: STOPPING, RUNNING: STOPPING}),
    'on_failure, refused': (lambda record: record.on_failure('bad', 1.0, Cause.REFUSAL), {
        STARTING: STOPPING, RUNNING: STOPPING}),
    'on_end': (lambda record: record.on_end(), {STOPPING: BACKOFF}),
    'on_move': (lambda record: record.on_move('1.3-ma2450', 1.0), {
        ABSENT: BACKOFF, BACKOFF: BACKOFF}),
    'on_listing, here': (lambda record: record.on_listing(HERE, 1.0, {}), {
        BACKOFF: BACKOFF, FATAL: FATAL, ABSENT: BACKOFF, DEAD: BACKOFF, STARTING: STARTING,
        RUNNING: RUNNING, STOPPING: STOPPING}),
    'on_listing, away': (lambda record: record.on_listing(AWAY, 1.0, {}), {
        BACKOFF: ABSENT, FATAL: ABSENT, ABSENT: ABSENT, DEAD: ABSENT, STARTING: STARTING,
        RUNNING: RUNNING, STOPPING: STOPPING}),
    'on_listing, dead': (lambda record: record.on_listing({'1.2': '1.2-'}, 1.0, DEAD_STICKS), {
        BACKOFF: DEAD, FATAL: DEAD, ABSENT: DEAD, DEAD: DEAD, STARTING: STARTING,
        RUNNING: RUNNING, STOPPING: STOPPING}),
    'on_listing, in use': (lambda record: record.on_listing({'1.2': '1.2-'}, 1.0, {}, True), {
        BACKOFF: BACKOFF, FATAL: BACKOFF, ABSENT: BACKOFF, DEAD: BACKOFF, STARTING: STARTING,
        RUNNING: RUNNING, STOPPING: STOPPING}),
    'on_stop': (lambda record: record.on_stop(), {
        state: STOPPING for state in StickState})}


@pytest.mark.parametrize('state', [state for state in StickState if state is not QUEUED])
@pytest.mark.parametrize('name', list(EVENTS_OF_A_STICK))
def test_a_stick_takes_each_event_in_its_states_only(name, state):
    event, expected = EVENTS_OF_A_STICK[name]
    record = record_in(state)
    assert outcome(record, event) is expected.get(state)


@pytest.mark.parametrize('state', [state for state in StickState if state is not QUEUED])
def test_where_sticks_start_together_a_worker_may_try_a_dead_one(state):
    record = record_in(state, starts_together=True)
    expected = {**EVENTS_OF_A_STICK['on_start'][1], DEAD: STARTING}
    assert outcome(record, EVENTS_OF_A_STICK['on_start'][0]) is expected.get(state)


def test_what_is_found_dead_is_dead_when_its_worker_has_ended_and_not_given_up():
    record = record_in(STARTING, starts_together=True)
    for _ in range(BUDGET + 1):
        record.on_failure('no answer', 7.0, Cause.DEAD)
        assert (record.state, record.shown_state(7.0)) == (STOPPING, DEAD)
        record.on_end()
        assert (record.state, record.dead_since) == (DEAD, 7.0)
        assert record.waits_until() == 7.0 + DEAD_PERIOD_SEC
        record.on_start(Process())


def test_what_a_stick_refuses_changes_nothing():
    record = record_in(BACKOFF)
    with pytest.raises(WrongTransitionError) as caught:
        record.on_failure('hung', 1.0)
    assert str(caught.value) == (
        'changing stick 3 from BACKOFF to STOPPING: expected from RUNNING, STARTING; this is a '
        'defect of the program: report it with its log')
    assert (record.state, record.restarts, record.last_error) == (BACKOFF, 0, '')
    assert record.setbacks.tries() == 0


@pytest.mark.parametrize('before, after', list(itertools.product(OpeningStep, OpeningStep)))
def test_the_steps_of_an_opening_go_forward_only(before, after):
    steps = tuple(OpeningStep)
    handle = Process()
    handle.step = before
    if steps.index(after) > steps.index(before):
        WorkerHandle.on_step(handle, after, 7.0)
        assert (handle.step, handle.step_at) == (after, 7.0)
    else:
        with pytest.raises(WrongTransitionError):
            WorkerHandle.on_step(handle, after, 7.0)
        assert (handle.step, handle.step_at) == (before, 0.0)


@pytest.fixture
def place(monkeypatch):
    """Return a function that makes the place of a worker without a stick, in a state."""
    monkeypatch.setattr(unassigned_worker, 'WorkerHandle', Process)

    def make(state):
        made = UnassignedWorker(SupervisorOptions(None), silent())
        made.state = state
        made.handle = None if state is UnassignedState.EMPTY else Process()
        return made
    return make


def hears(message):
    """Return the event that a process says something, which its owner hears."""
    def event(machine):
        process = machine.handle if isinstance(machine, UnassignedWorker) else machine.process
        if process is None:
            raise WrongTransitionError('nobody is there to say it: expected from a process')
        process.says.append(message)
        machine.hear(1.0)
    return event


EMPTY, PLACE_STARTING, HAS_TURN, LISTING, LISTED = UnassignedState
EVENTS_OF_A_PLACE = {
    'start': (lambda place: place.start(1.0), {EMPTY: PLACE_STARTING}),
    'take_over': (lambda place: place.take_over(Process()), {EMPTY: LISTED}),
    'its turn': (hears(EnumerationStarted()), {PLACE_STARTING: HAS_TURN}),
    'list_sticks': (lambda place: place.list_sticks(1.0), {HAS_TURN: LISTING}),
    'look': (lambda place: place.look(1.0), {LISTED: LISTING, LISTING: LISTING}),
    'a list': (hears(DeviceList(())), {LISTING: LISTED}),
    'dismiss': (lambda place: place.dismiss(), {
        PLACE_STARTING: EMPTY, HAS_TURN: EMPTY, LISTING: EMPTY, LISTED: EMPTY})}


@pytest.mark.parametrize('state', list(UnassignedState))
@pytest.mark.parametrize('name', EVENTS_OF_A_PLACE)
def test_a_worker_without_a_stick_takes_each_event_in_its_states_only(place, name, state):
    event, expected = EVENTS_OF_A_PLACE[name]
    assert outcome(place(state), event) is expected.get(state)


@pytest.fixture
def cleaner(monkeypatch):
    """Return a function that makes a BusCleaner, in a state."""
    monkeypatch.setattr(bus_cleaner, 'ChildProcess', Process)

    def make(state):
        made = BusCleaner(None, silent())
        made.state = state
        made.process = None if state is CleanerState.ENDED else Process()
        made.deadline = 5.0 if state in (IDLE, CLEANING) else float('inf')
        return made
    return make


def ends(machine):
    """Have the cleaner's process end."""
    if machine.process is not None:
        machine.process.ended = True
        machine.hear(1.0)


ENDED, IDLE, CLEANING, KILLED, UNUSABLE = CleanerState
EVENTS_OF_THE_CLEANER = {
    'clean': (lambda cleaner: cleaner.clean((), 1.0), {
        ENDED: CLEANING, IDLE: CLEANING, CLEANING: CLEANING, KILLED: KILLED, UNUSABLE: UNUSABLE}),
    'is clean': (hears(BusReport(cleaned=True)), {CLEANING: IDLE, KILLED: KILLED}),
    'a dead one is gone': (hears(BusReport()), {
        IDLE: IDLE, CLEANING: CLEANING, KILLED: KILLED, UNUSABLE: UNUSABLE}),
    'no USB library': (hears(BusReport(usable=False)), {
        IDLE: UNUSABLE, CLEANING: UNUSABLE, KILLED: KILLED}),
    'no answer': (lambda cleaner: cleaner.hear(6.0), {
        ENDED: ENDED, IDLE: IDLE, CLEANING: KILLED, KILLED: KILLED, UNUSABLE: UNUSABLE}),
    'not needed': (lambda cleaner: cleaner.judge(6.0), {
        ENDED: ENDED, IDLE: ENDED, CLEANING: CLEANING, KILLED: KILLED, UNUSABLE: UNUSABLE}),
    'its end': (ends, {
        ENDED: ENDED, IDLE: ENDED, CLEANING: ENDED, KILLED: ENDED, UNUSABLE: UNUSABLE})}


@pytest.mark.parametrize('state', list(CleanerState))
@pytest.mark.parametrize('name', EVENTS_OF_THE_CLEANER)
def test_the_bus_cleaner_takes_each_event_in_its_states_only(cleaner, name, state):
    event, expected = EVENTS_OF_THE_CLEANER[name]
    assert outcome(cleaner(state), event) is expected.get(state)
