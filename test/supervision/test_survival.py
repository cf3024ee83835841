# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Whatever one stick does, the detections go on: real workers, faults of the double and of processes.

Four sticks of which two are active, and more frames than they can take.
"""

from contextlib import suppress
import os
import signal
import threading
import time

from filming_cluster import Cluster
from filming_cluster import DEADLINE_SEC
from filming_cluster import FRAME_PERIOD_SEC
from filming_cluster import Log
from filming_cluster import make_bus
from filming_cluster import TIMEOUT_SEC
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.supervision.starting import bus_cleaner
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
from ncs_cluster_detector.wire.messages import WorkerConfig
import psutil
import pytest
from stick_users import leave_booted
from stick_users import start_supervisor
from stick_users import usb_stick

# Another stick steps in before the one that hangs is ended. Counted in pictures of the camera,
# which a late host delays as well.
MOST_PICTURES_IN_A_GAP = TIMEOUT_SEC / FRAME_PERIOD_SEC
PORTS = ('1.1', '1.2', '1.3', '1.4')
# A supervisor is there, has found that a stick is dead, and has booted another one: within less
# than the 20 s after which a start that hangs is given up.
FIRST_DETECTION_SEC = BACK_SEC = 15.0
MUTE_SEC = 0.01   # how long a stick that is always mute is not at the most, after a reset


@pytest.fixture
def start_cluster():
    """Return a function that starts a Cluster; it is closed after the test."""
    started = []

    def start(*arguments):
        started.append(Cluster(*arguments))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
def cluster(start_cluster):
    """Return a Cluster at work."""
    return start_cluster()


def kill(cluster, number):
    os.kill(cluster.stick(number).pid, signal.SIGKILL)


def stop(cluster, number):
    os.kill(cluster.stick(number).pid, signal.SIGSTOP)


def inject(*fault):
    """Return a function that brings a fault upon a stick, which is to be ended afterwards."""
    def bring(cluster, number):
        cluster.bus.inject(PORTS[number], *fault)
    bring.__name__ = '-'.join(fault)
    return bring


def unheard_unplug(cluster, number):
    """Unplug a stick, of which none of the calls that wait is told."""
    cluster.bus.inject(PORTS[number], 'unheard')
    cluster.bus.inject(PORTS[number], 'unplug')


FAULTS = [kill, stop, inject('unplug'), inject('hang', 'all'), inject('hang', 'read'),
          inject('hang', 'write'), inject('hang', 'trigger'), inject('hang', 'option'),
          inject('error', 'read', 'ERROR'), inject('error', 'write', 'MYRIAD_ERROR'),
          inject('error', 'trigger', 'ERROR'), inject('error', 'option', 'ERROR'),
          inject('mute'), inject('nak'), unheard_unplug]


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.__name__)
def test_detections_go_on_and_the_stick_comes_back(cluster, fault):
    cluster.wait_until_all_run()
    number = cluster.wait_for_work()
    detections = len(cluster.came_at)
    fault(cluster, number)
    cluster.wait_for(lambda: cluster.stick(number).restarts >= 1)
    assert cluster.stick(number).last_error
    if fault is not kill and fault is not stop:
        cluster.bus.inject(PORTS[number], 'clear')
    if fault.__name__.endswith('unplug'):
        cluster.wait_for(lambda: cluster.stick(number).status.state is StickState.ABSENT)
        cluster.bus.inject(PORTS[number], 'plug')
    over_at = time.monotonic()
    inferences = cluster.stick(number).inferences
    cluster.wait_until_all_run()
    assert time.monotonic() < over_at + BACK_SEC
    assert cluster.longest_gap_since(detections) < MOST_PICTURES_IN_A_GAP
    cluster.wait_for(lambda: cluster.stick(number).inferences > inferences)


def test_garbage_is_dropped_counted_and_never_published(cluster):
    cluster.wait_until_all_run()
    number = cluster.wait_for_work()
    cluster.bus.inject(PORTS[number], 'garbage')
    cluster.wait_for(lambda: cluster.stick(number).unusable_boxes)
    assert cluster.stick(number).restarts == 0


def test_a_temperature_that_is_no_number_is_unknown(cluster):
    cluster.wait_until_all_run()
    cluster.bus.inject('1.3', 'nan-temperature')
    cluster.wait_for(lambda: cluster.stick(2).status.celsius is None)
    cluster.bus.inject('1.3', 'clear')
    cluster.wait_for(lambda: cluster.stick(2).status.celsius is not None)
    assert cluster.stick(2).restarts == 0


def test_a_stick_plugged_in_while_the_others_work_joins_them(cluster):
    cluster.wait_until_all_run()
    cluster.bus.inject('1.9', 'plug')
    cluster.wait_for(lambda: len(cluster.supervisor.snapshot.sticks) == 5 and
                     cluster.stick(4).inferences > 0)
    assert cluster.stick(4).device_name == '1.9-ma2450'


def own_descriptors():
    """Return the number of this process's slots for frames, and of its other descriptors."""
    slots = others = 0
    for descriptor in os.listdir('/proc/self/fd'):
        with suppress(FileNotFoundError):   # that of the list itself
            is_slot = 'ncs_frame_slot' in os.readlink(f'/proc/self/fd/{descriptor}')
            slots, others = slots + is_slot, others + (not is_slot)
    return slots, others


def test_nothing_leaks(cluster, monkeypatch):
    monkeypatch.setattr(bus_cleaner, 'IDLE_SEC', 0.5)   # there is another for almost every start
    cluster.wait_until_all_run()
    own = psutil.Process()

    def has_all_children():
        # Fork server, four workers, and the one that looks for further sticks; the bus cleaner is
        # not needed any more.
        return (cluster.supervisor._pool._starts._cleaner.process is None
                and len(own.children(recursive=True)) == 6)

    def kill_one():
        number = cluster.wait_for_work()
        restarts = cluster.stick(number).restarts
        kill(cluster, number)
        cluster.wait_for(lambda: cluster.stick(number).restarts > restarts)
        cluster.wait_until_all_run()

    cluster.wait_for(has_all_children)
    # The last child is there before all is closed that its start needs; it is after another start.
    kill_one()
    cluster.wait_for(has_all_children)
    _, others = own_descriptors()
    # Two slots for each worker and for the one that looks, mapped with their first frame; a
    # mapping holds a descriptor of its own.
    most_slots = 5 * 2 * 2
    for _ in range(10):
        kill_one()
    cluster.wait_for(has_all_children)
    cluster.wait_for(lambda: own_descriptors()[1] == others)
    assert own_descriptors()[0] <= most_slots


def test_with_a_dead_stick_on_the_bus_all_others_are_started(start_cluster, monkeypatch):
    monkeypatch.setattr(bus_cleaner, 'IDLE_SEC', 0.05)   # shorter than the start of the others
    bus = make_bus()
    leave_booted(bus, '1.1', 1)
    bus.inject('1.1', 'mute')
    bus.inject('1.1', 'no-usb-reset')
    began_at = time.monotonic()
    cluster = start_cluster(bus)
    cluster.wait_for(lambda: cluster.came_at)
    assert cluster.came_at[0] - began_at < FIRST_DETECTION_SEC
    cluster.wait_for(lambda: cluster.states() == [StickState.DEAD] + [StickState.RUNNING] * 3)
    assert cluster.stick(0).dead_since > began_at
    usb, stick = usb_stick(bus, '1.1')
    with pytest.raises(UsbBusyError):   # it stays claimed
        usb.claim(stick)
    (told,) = cluster.log.errors
    assert 'unplug it and plug it in again' in told
    assert cluster.log.warnings == []
    # A hand does help.
    bus.inject('1.1', 'unplug')
    cluster.wait_for(lambda: cluster.states()[0] is StickState.ABSENT)
    bus.inject('1.1', 'plug')
    cluster.wait_until_all_run()


@pytest.mark.parametrize('fault', ['mute', 'nak'])
def test_one_that_falls_mute_at_work_is_brought_back_by_a_reset(cluster, fault):
    cluster.wait_until_all_run()
    number = cluster.wait_for_work()
    detections = len(cluster.came_at)
    cluster.bus.inject(PORTS[number], fault)
    cluster.wait_for(lambda: cluster.stick(number).restarts == 1)
    cluster.wait_until_all_run()
    assert cluster.stick(number).restarts == 1
    assert cluster.longest_gap_since(detections) < MOST_PICTURES_IN_A_GAP
    assert not cluster.bus.port(PORTS[number]).state().faults.silent


@pytest.mark.parametrize('leftovers', ['abort', 'hang'])
def test_no_fresh_worker_stumbles_over_what_a_killed_one_left(start_cluster, leftovers):
    # No host is so late that a result which comes counts as one that does not.
    cluster = start_cluster(make_bus(leftovers=leftovers), BACK_SEC)
    cluster.wait_until_all_run()
    for kills in range(1, 11):
        number = cluster.wait_for_work()
        restarts = cluster.stick(number).restarts
        killed_at = time.monotonic()
        kill(cluster, number)
        cluster.wait_for(lambda: cluster.stick(number).restarts > restarts)
        cluster.wait_until_all_run()
        assert time.monotonic() - killed_at < BACK_SEC
        assert sum(stick.restarts for stick in cluster.supervisor.snapshot.sticks) == kills
    assert [line for line in cluster.log.errors if 'SIGKILL' not in line] == []


@pytest.fixture
def always_mute():
    """Return a function that keeps a stick mute whatever is done to it, until the test ends."""
    is_over, threads = threading.Event(), []

    def keep_mute(bus, port):
        while not is_over.wait(MUTE_SEC):
            if not bus.port(port).state().faults.mute:
                bus.inject(port, 'mute')

    def start(bus, port):
        threads.append(threading.Thread(target=keep_mute, args=(bus, port)))
        threads[-1].start()

    yield start
    is_over.set()
    for thread in threads:
        thread.join()


def test_one_that_is_mute_at_every_boot_keeps_no_killed_neighbour_away(start_cluster, always_mute):
    bus = make_bus()
    bus.inject('1.1', 'mute')
    always_mute(bus, '1.1')
    cluster = start_cluster(bus)
    cluster.wait_for(lambda: cluster.states()[1:] == [StickState.RUNNING] * 3)
    # While it is being opened again, after it has held up the others once.
    cluster.wait_for(lambda: cluster.stick(0).restarts and
                     cluster.states()[0] is StickState.STARTING)
    number = cluster.wait_for_work()
    restarts = cluster.stick(number).restarts
    killed_at, detections = time.monotonic(), len(cluster.came_at)
    kill(cluster, number)
    cluster.wait_for(lambda: cluster.stick(number).restarts > restarts)
    cluster.wait_for(lambda: cluster.states()[1:] == [StickState.RUNNING] * 3)
    assert time.monotonic() - killed_at < BACK_SEC
    assert cluster.longest_gap_since(detections) < MOST_PICTURES_IN_A_GAP


def test_when_the_supervisor_is_killed_its_workers_close_their_sticks():
    bus = make_bus()
    process = start_supervisor(bus)
    children = psutil.Process(process.pid).children(recursive=True)
    try:
        assert all(bus.port(port).has_booted() for port in PORTS)
    finally:
        process.kill()
        process.wait(DEADLINE_SEC)
        process.stdout.close()
    # Nobody is there who would reset what was left booted.
    _, alive = psutil.wait_procs(children, BACK_SEC)
    assert alive == []
    deadline = time.monotonic() + BACK_SEC
    while not all(bus.port(port).in_rom() for port in PORTS):
        assert time.monotonic() < deadline, [bus.port(port).name() for port in PORTS]
        threading.Event().wait(0.01)
    bus.close()


def test_a_graph_that_is_refused_leaves_no_stick_booted():
    bus = make_bus()
    log = Log()
    supervisor = Supervisor(
        SupervisorOptions(WorkerConfig(SimulatedDriver(bus), (b'no graph',), (PASCAL_VOC,))),
        Settings(), lambda frame, detections: None, log)
    outcome = []

    def run():
        try:
            supervisor.run()
        except UnusableParameterError as error:
            outcome.append(error.parameter)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(DEADLINE_SEC)
    assert outcome == ['graph_paths']
    # It is back in its ROM state some time after it is closed.
    deadline = time.monotonic() + BACK_SEC
    while not all(bus.port(port).in_rom() for port in PORTS):
        assert time.monotonic() < deadline, [bus.port(port).name() for port in PORTS]
        threading.Event().wait(0.01)
    bus.close()


def test_sticks_that_wait_for_their_turn_to_start_are_queued_and_one_starts_at_a_time(
        start_cluster):
    cluster = start_cluster(make_bus(boot_ms=200.0))
    seen = set()

    def all_run():
        states = cluster.states()
        seen.add(tuple(states))
        return states == [StickState.RUNNING] * 4

    cluster.wait_for(all_run)
    assert {state for states in seen for state in states} == {
        StickState.QUEUED, StickState.STARTING, StickState.RUNNING}
    assert all(states.count(StickState.STARTING) <= 1 for states in seen)
    # While the first one starts, all others wait for their turn.
    assert (StickState.STARTING, *[StickState.QUEUED] * 3) in seen
