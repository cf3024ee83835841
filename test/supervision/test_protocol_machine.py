# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor, its pool and the protocol of its processes against a model: any history."""

import os

from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.networks.region import WHOLE
from ncs_cluster_detector.policy.ordering import ResultOrder
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.records.stick_register import StickRegister
from ncs_cluster_detector.supervision.starting.bus_cleaner import BusCleaner
from ncs_cluster_detector.supervision.starting.start_turn import StartTurn
from ncs_cluster_detector.supervision.stick_pool import StickPool
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle
from ncs_cluster_detector.wire import messages
from protocol_ends import CleanerEnd
from protocol_ends import WorkerEnd
from protocol_world import ProtocolWorld
import pytest

hypothesis = pytest.importorskip('hypothesis')
stateful = pytest.importorskip('hypothesis.stateful')
rule, st = stateful.rule, hypothesis.strategies
STEPS_OF_ONE = 50
# Set it for a long run: so many steps, other ones in every run (--hypothesis-seed repeats one).
STEPS = int(os.environ.get('PROTOCOL_STEPS', 0))
# In the suite the same histories in every run. No time limit: machines differ. A failing history
# is not made shorter, which takes minutes.
run = hypothesis.settings(
    max_examples=STEPS // STEPS_OF_ONE or 40, stateful_step_count=STEPS_OF_ONE,
    derandomize=not STEPS, deadline=None, database=None, report_multiple_bugs=False,
    phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck))

PORTS = ('1.1', '1.2', '1.3', '1.4', '1.5')
PORT = st.sampled_from(PORTS)
CAMERAS = 3
REGION = st.sampled_from((WHOLE, WHOLE, Region(0.25, 0.5, 0.5, 0.5)))
SOME = st.integers(0, 7)   # which of those that there are
AGES = st.sampled_from((0.0, 0.0, 0.0, 0.25, 0.6))
OUT_OF_TURN = st.sampled_from((
    messages.EnumerationStarted(), messages.DeviceList(('1.1-ma2450',)),
    messages.Ready(messages.Reading(40.0, 0, 100.0)), messages.Reading(41.0, 0, 100.0),
    *map(messages.Step, OpeningStep)))
RANGES = {   # what matters more often first
    'cluster_size': st.sampled_from((2, 1, 3, 0, 5)),
    'cluster_switch_cycle_ms': st.sampled_from((1000, 0, 10000)),
    'switch_temperature': st.sampled_from((65.0, 45.0)),
    'critical_margin': st.sampled_from((10.0, 0.0)),
    'min_dwell_ms': st.sampled_from((0, 2000, 500)),
    'rotation_policy': st.sampled_from(POLICIES),
    'class_filter': st.sampled_from(((), ('cat',))),
    'enabled': st.sampled_from((True, True, True, False)),
    'camera_weights': st.sampled_from(((), (1.0, 2.0, 0.0), (0.0, 0.0, 0.0), (1e-3, 9.0, 1.0))),
    'camera_max_fps': st.sampled_from(((), (0.0, 5.0, 0.5), (100.0, 0.0, 0.0))),
    'max_frame_age_ms': st.sampled_from((500, 0, 100))}


def some(found, index):
    """Return one of those that are there, or None."""
    return found[index % len(found)] if found else None


class Protocol(stateful.RuleBasedStateMachine):
    """Sticks, workers and a bus cleaner that anything may happen to, under one supervisor."""

    starts_together = False

    def __init__(self):
        super().__init__()
        self.world = None

    def teardown(self):
        if self.world is not None:
            self.world.close()

    @stateful.initialize(
        settings=st.builds(Settings, **RANGES), inflight=st.sampled_from((2, 1)),
        max_sticks=st.sampled_from((0, 0, 2)), count=st.sampled_from((3, 5, 2, 4, 1, 0)),
        seconds=st.sampled_from((10.0, 10.0, 0.0)), cameras=st.sampled_from((1, CAMERAS)))
    def begin(self, settings, inflight, max_sticks, count, seconds, cameras):
        self.world = ProtocolWorld(
            settings, inflight, max_sticks, cameras, self.starts_together)
        self.world.plugged |= set(PORTS[:count])
        self.world.live(seconds)

    # Time.

    @rule(seconds=st.sampled_from((1.0, 0.25, 3.0, 10.0)),
          frames_per_sec=st.sampled_from((8, 20, 0)))
    def live(self, seconds, frames_per_sec):
        self.world.live(seconds, frames_per_sec)

    @rule(seconds=st.sampled_from((5.0, 10.0)))
    def recover(self, seconds):
        self.free_the_stuck()
        for process in self.world.processes:
            process.hangs = False
        self.world.live(seconds, 8)

    @rule(seconds=st.sampled_from((1 / 64, 1 / 8, 0.25, 0.5, 1.0, 3.0, 10.0)))
    def wait(self, seconds):
        self.world.pass_time(seconds)

    @rule(seconds=st.sampled_from((1 / 64, 1 / 64, 0.25, 0.25, 0.6, 2.0, 30.0, 1000.0)))
    def wake_up_late(self, seconds):
        self.world.jump(seconds)

    @rule()
    def look(self):
        self.world.step()

    # Frames and people.

    @rule(count=st.sampled_from((1, 2, 3)), size=st.sampled_from(((2, 2), (3, 5), (40, 60))),
          age_sec=AGES, looks=st.booleans(), waits=st.sampled_from((False, False, True)),
          camera=st.integers(0, CAMERAS - 1), encoded=st.sampled_from((False, False, True)),
          region=REGION)
    def offer(self, count, size, age_sec, looks, waits, camera, encoded, region):
        for _ in range(count):
            if waits:
                self.world.step()   # nothing is unheard, as when it begins to wait
            self.world.offer(*size, age_sec, waits, camera, encoded, region)
            if looks or waits:
                self.world.step()

    @rule(change=st.one_of(*(st.tuples(st.just(name), values)
                             for name, values in RANGES.items())))
    def retune(self, change):
        self.world.change(**dict([change]))

    @rule(count=st.sampled_from((1, 1, 2)))
    def switch(self, count):
        for _ in range(count):
            self.world.switch()
        self.world.step()

    @rule(port=PORT)
    def plug_in(self, port):
        self.world.plugged.add(port)

    @rule(port=PORT)
    def unplug(self, port):
        self.world.plugged.discard(port)
        self.world.taken.discard(port)
        self.world.dead.pop(port, None)
        for worker in self.world.workers:
            if worker.opened and worker.opened.startswith(port):
                worker.fail()

    @rule(port=PORT)
    def take(self, port):
        """Let another program take a stick or give it back."""
        self.world.taken ^= {port}

    # Workers.

    @rule(index=SOME)
    def act(self, index):
        process = some(self.world.processes, index)
        if process is not None:
            process.act()

    @rule(index=SOME, frame=SOME, looks=st.booleans(),
          unreadable=st.sampled_from((False, False, False, True)))
    def answer(self, index, frame, looks, unreadable):
        worker = some([worker for worker in self.world.workers if worker.holds], index)
        if worker is not None:
            worker.answer(frame, unreadable=unreadable)
            if looks:
                self.world.step()

    @rule(index=SOME, seconds=st.sampled_from((0.25, 0.5, 1.0)), frame=SOME)
    def answer_late(self, index, seconds, frame):
        worker = some(self.world.at_work, index)
        if worker is not None:
            worker.hangs = True
            self.world.live(seconds, 8)
            worker.hangs = False
            if worker.holds:
                worker.answer(frame)
            self.world.live(0.25, 8)

    @rule(index=SOME, sequence=st.sampled_from((1, 2, 10, 10**9, 0, -1)))
    def answer_what_was_not_asked(self, index, sequence):
        worker = some(self.world.workers, index)
        if worker is not None:
            worker.answer(sequence=sequence)

    @rule(index=SOME, celsius=st.sampled_from((40.0, 64.0, 66.0, 90.0, None)),
          level=st.sampled_from((0, 0, 1, 2)), age_sec=AGES)
    def read(self, index, celsius, level, age_sec):
        worker = some(self.world.at_work, index)
        if worker is not None:
            worker.celsius, worker.level = celsius, level
            worker.read(age_sec)

    @rule(index=SOME, names=st.lists(st.sampled_from(
        [port + kind for port in PORTS for kind in ('-', '-ma2450', '-ma2480')]), max_size=5))
    def list_anything(self, index, names):
        worker = some([worker for worker in self.world.workers if worker.must_list], index)
        if worker is not None:
            worker.list_sticks(tuple(names))

    @rule(index=SOME, in_use=st.booleans(), ends=st.booleans())
    def fail(self, index, in_use, ends):
        worker = some(self.world.workers, index)
        if worker is not None:
            worker.fail(in_use=in_use)
            if ends:
                worker.end(1)

    @rule(index=SOME)
    def refuse(self, index):
        worker = some([worker for worker in self.world.workers if worker.opened], index)
        if worker is not None:
            worker.fail(parameter='graph_paths')

    @rule(index=SOME, code=st.sampled_from((-9, 1, 0, -11, None)), answers=st.booleans())
    def die(self, index, code, answers):
        process = some(self.world.processes, index)
        if process is not None:
            while answers and isinstance(process, WorkerEnd) and process.holds:
                process.answer()
            process.end(code)

    @rule(index=SOME, word=OUT_OF_TURN)
    def say_out_of_turn(self, index, word):
        process = some(self.world.processes, index)
        if isinstance(process, WorkerEnd):
            process.say_out_of_turn(word)
        elif process is not None:
            process.say_out_of_turn()

    @rule(index=SOME, text=st.sampled_from((b'', b'garbage', b'\x80\x05K')))
    def say_garbage(self, index, text):
        self.world.step()   # what was said before may be heard or not
        process = some(self.world.processes, index)
        if process is not None:
            process.say_bytes(text)
            self.world.step()

    @rule(index=SOME)
    def hang(self, index):
        process = some(self.world.processes, index)
        if process is not None:
            process.hangs = not process.hangs

    @rule(index=SOME)
    def get_stuck(self, index):
        process = some(self.world.processes, index)
        if process is not None:
            process.is_stuck = process.hangs = True

    @rule()
    def free_the_stuck(self):
        for process in self.world.processes:
            if process.is_stuck:
                process.is_stuck = False
                if process.kills:
                    process.end(-9)

    @rule(index=SOME)
    def fall_mute(self, index):
        process = some(self.world.processes, index)
        if process is not None:
            process.fall_mute()

    @rule(index=SOME, text=st.sampled_from((b'moved to a new folder\n', b'\xff\x1b[31m', b'')))
    def print_text(self, index, text):
        process = some(self.world.processes, index)
        if process is not None:
            process.print_text(text)

    @rule(seconds=st.sampled_from((0.25, 1.0, 3.0)))
    def start_none(self, seconds):
        self.world.server.fails = True
        self.world.live(seconds, 8)
        self.world.server.fails = False

    # The bus cleaner.

    @rule(port=PORT)
    def find_dead(self, port):
        if port in self.world.plugged:
            self.world.dead[port] = self.world.now

    @rule(port=PORT, by_reset=st.booleans())
    def dead_leaves(self, port, by_reset):
        if self.world.dead.pop(port, None) is not None:
            if not by_reset:
                self.world.plugged.discard(port)
            for cleaner in self.cleaners():
                cleaner.report(revived=(port,) * by_reset)

    @rule(problem=st.sampled_from(('', 'no permission')), usable=st.sampled_from((True, False)))
    def clean(self, problem, usable):
        for cleaner in self.cleaners():
            if cleaner.is_cleaning:
                cleaner.report(cleaned=True, problem=problem, usable=usable)
                if not usable:
                    cleaner.end(0)

    def cleaners(self):
        return [process for process in self.world.processes if isinstance(process, CleanerEnd)]


class ProtocolTogether(Protocol):
    """Sticks that start together, without a bus cleaner, and workers that find dead ones."""

    starts_together = True

    @rule(index=SOME, ends=st.booleans())
    def fail_dead(self, index, ends):
        worker = some(self.world.workers, index)
        if worker is not None:
            worker.fail(dead=True)
            if ends:
                worker.end(1)


@pytest.mark.timeout(0 if STEPS else 300)
@pytest.mark.parametrize('machine', [Protocol, ProtocolTogether])
def test_no_history_breaks_the_rules(machine):
    stateful.run_state_machine_as_test(machine, settings=run)


def _count_lost_twice(self, sequence, stick, original=ResultOrder.lost):
    is_lost = original(self, sequence, stick)
    self.lost_frames += is_lost
    return is_lost


def _forget_lost(self, original=StickPool.take_lost):
    return original(self)[1:]


def _keep_slot(self, result, now, original=WorkerHandle.settle):
    self.slots.release, release = lambda number: None, self.slots.release
    try:
        return original(self, result, now)
    finally:
        self.slots.release = release


def _start_two(self):
    return self._opener.handle is not None


def _give_up(self, now, original=BusCleaner.judge):
    self.deadline = now if self.dead else self.deadline
    return original(self, now)


def _leave_open(self, original=ChildProcess.close):
    os.open(os.devnull, os.O_RDONLY)
    original(self)


def _one_at_a_time(self, now, original=StickRegister.due):
    starts = any(record.state is StickState.STARTING for record in self.records)
    return None if starts else original(self, now)


FAULTS = {
    'a frame is counted twice': (ResultOrder, 'lost', _count_lost_twice, 'counted as dropped'),
    'a lost frame is not counted': (StickPool, 'take_lost', _forget_lost, 'counted as dropped'),
    'a slot is not released': (WorkerHandle, 'settle', _keep_slot, 'pop from empty list'),
    'two workers start at once': (StartTurn, '_is_starting', _start_two, 'two workers start'),
    'the order is broken': (
        ResultOrder, 'release',
        lambda self, now, original=ResultOrder.release: original(self, now)[::-1],
        'out of order'),
    'results do not wait': (
        ResultOrder, '_is_overdue', lambda self, now: bool(self._finished),
        'not waited for'),
    'a claim is given up': (
        BusCleaner, 'judge', _give_up, 'claim of a dead stick|the supervisor cannot wait'),
    'a cleaner is not ended': (BusCleaner, 'judge', lambda self, now: None, 'nobody needs'),
    'a descriptor stays open': (ChildProcess, 'close', _leave_open, 'descriptors are')}
FAULTS_TOGETHER = {
    'one worker starts at a time': (
        StickRegister, 'due', _one_at_a_time, 'waits for its turn|the supervisor cannot wait')}


@pytest.mark.skipif(bool(STEPS), reason='the long run looks for faults that are not planted')
@pytest.mark.parametrize('machine, faults, fault', [
    *((Protocol, FAULTS, fault) for fault in FAULTS),
    *((ProtocolTogether, FAULTS_TOGETHER, fault) for fault in FAULTS_TOGETHER)])
def test_a_planted_fault_is_found(monkeypatch, machine, faults, fault):
    owner, name, faulty, text = faults[fault]
    monkeypatch.setattr(owner, name, faulty)
    with pytest.raises((AssertionError, IndexError), match=text):   # which ends the run
        stateful.run_state_machine_as_test(
            machine, settings=hypothesis.settings(run, max_examples=1000))
