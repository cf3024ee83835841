# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What faults do to the program that has the stick open."""

import math
import time

from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api.mvncapi import DeviceOption
from ncs_cluster_detector.simulation.api.mvncapi import FifoOption
from ncs_cluster_detector.simulation.api.mvncapi import GraphOption
from ncs_cluster_detector.simulation.api.mvncapi import Status
import numpy as np
from other_process import OtherProcess
import pytest
from stick_bench import in_thread
from stick_bench import load
from stick_bench import status_of
from stick_bench import StickBench
from stick_bench import tensor

# Long enough for a call that is wrongly woken to show it.
A_WHILE_SEC = 0.15


@pytest.fixture
def bench(monkeypatch):
    """Return a bench for sticks."""
    with StickBench(monkeypatch) as bench:
        yield bench


@pytest.fixture
def rig(bench):
    """Return a bench with an open stick and its device, graph and queues as attributes."""
    return set_up(bench)


def set_up(bench, **properties):
    bench.device = bench.open_stick(**properties)
    bench.graph, bench.fifo_in, bench.fifo_out = load(bench.device)
    bench.calls = bench.device.opened_stick().unit.calls
    return bench


def inject(rig, *words):
    """Set a fault and wait until the process that has the stick open knows of it."""
    before = rig.calls.faults
    rig.bus.inject('1.1', *words)
    wait_until(lambda: rig.calls.faults != before or rig.calls.stopped)


def infer(rig, value=0):
    rig.graph.queue_inference_with_fifo_elem(rig.fifo_in, rig.fifo_out, tensor(value), value)


def level_in(rig):
    return rig.fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL)


def level_out(rig):
    return rig.fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL)


def blocked(rig, *calls):
    """Begin calls in threads, and return their outcomes when they all wait for the stick."""
    outcomes = []
    for call in calls:
        before = rig.calls.waiting()
        outcomes.append(in_thread(*call)[1])
        wait_until(lambda: rig.calls.waiting() > before)
    return outcomes


def fill(rig):
    """Let the stick compute without an end, so that the next write and every read block."""
    rig.network.may_end.clear()
    infer(rig)
    infer(rig)


def test_an_unplugged_stick_tells_one_of_the_calls_that_wait(rig):
    fill(rig)
    read, write, other_read = blocked(
        rig, (rig.fifo_out.read_elem,), (rig.fifo_in.write_elem, tensor(0), None),
        (rig.fifo_out.read_elem,))
    rig.bus.inject('1.1', 'unplug')
    wait_until(lambda: read)
    assert read == [Status.ERROR]
    rig.network.may_end.set()
    rig.device.close()
    time.sleep(A_WHILE_SEC)
    assert write == other_read == []


@pytest.mark.parametrize('call', ['read', 'write'])
def test_the_only_call_that_waits_is_told(rig, call):
    fill(rig)
    calls = {'read': (rig.fifo_out.read_elem,), 'write': (rig.fifo_in.write_elem, tensor(0), 1)}
    (outcome,) = blocked(rig, calls[call])
    rig.bus.inject('1.1', 'unplug')
    wait_until(lambda: outcome)
    assert outcome == [Status.ERROR]
    rig.network.may_end.set()


def test_an_unplugging_may_be_told_to_none_of_the_calls_that_wait(rig):
    inject(rig, 'unheard')
    fill(rig)
    read, write = blocked(
        rig, (rig.fifo_out.read_elem,), (rig.fifo_in.write_elem, tensor(0), None))
    inject(rig, 'unplug')
    wait_until(lambda: rig.calls.stopped)
    # The next call fails, and so does each one after it.
    for _ in range(2):
        assert status_of(rig.fifo_out.read_elem) is Status.ERROR
    rig.network.may_end.set()
    rig.device.close()
    time.sleep(A_WHILE_SEC)
    assert read == write == []


def test_after_the_unplugging(rig):
    infer(rig)
    wait_until(lambda: level_out(rig) == 1)
    inject(rig, 'unplug')
    assert status_of(infer, rig) is Status.ERROR
    assert status_of(rig.fifo_out.read_elem) is Status.ERROR
    assert status_of(rig.device.get_option, DeviceOption.RO_THERMAL_STATS) is Status.ERROR
    assert status_of(rig.graph.get_option, GraphOption.RO_TIME_TAKEN) is Status.ERROR
    assert status_of(level_out, rig) is Status.UNAUTHORIZED
    assert status_of(level_in, rig) is Status.ERROR
    assert status_of(mvncapi.Graph('g').allocate, rig.device, b'g') is Status.ERROR
    assert rig.device.get_option(DeviceOption.RO_DEVICE_NAME) == '1.1-ma2450'
    assert rig.device.get_option(DeviceOption.RO_DEVICE_STATE) == 1
    for thing in (rig.fifo_in, rig.fifo_out, rig.graph):
        assert status_of(thing.destroy) is Status.ERROR
    assert mvncapi.enumerate_devices() == []
    rig.device.close()
    assert rig.device.get_option(DeviceOption.RO_DEVICE_STATE) == 2
    rig.device.destroy()


def test_a_stick_that_is_put_in_again_is_another_one(rig):
    rig.bus.inject('1.1', 'heat', '60')
    rig.bus.inject('1.1', 'clear')
    inject(rig, 'unplug')
    rig.bus.inject('1.1', 'plug')
    assert 50.0 < rig.bus.port('1.1').celsius() < 60.0
    assert rig.bus.port('1.1').name() == '1.1-ma2450'
    # The former one is still open, and still lost; its closing leaves the new one alone.
    again = rig.open_listed(0)
    assert status_of(rig.fifo_out.read_elem) is Status.ERROR
    rig.device.close()
    assert rig.bus.port('1.1').name() == '1.1-'
    graph, fifo_in, fifo_out = load(again)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(1), None)
    assert fifo_out.read_elem()[0].tolist() == [1.0] * 12


def test_a_loose_contact_is_noticed_too(rig):
    rig.bus.inject('1.1', 'unplug')
    rig.bus.inject('1.1', 'plug')
    wait_until(lambda: rig.calls.stopped)
    assert status_of(rig.fifo_out.read_elem) is Status.ERROR


def test_a_new_stick_can_be_put_into_a_free_port(rig):
    rig.bus.inject('1.64', 'plug')
    assert [port.path for port in rig.bus.ports() if port.is_visible()] == ['1.1', '1.64']
    device = rig.open_listed(1)
    assert device.get_option(DeviceOption.RO_DEVICE_NAME) == '1.64-ma2450'
    for path, word in (('1.64', 'plug'), ('1.63', 'unplug'), ('1.63', 'fail-open')):
        with pytest.raises(ValueError, match=f'port {path} is '):
            rig.bus.inject(path, word)


def test_a_stick_that_is_unplugged_while_it_boots(bench):
    bench.plug_in(boot_ms=140.0)
    device = mvncapi.Device(mvncapi.enumerate_devices()[0])
    _, outcome = in_thread(device.open)
    wait_until(lambda: not bench.bus.port('1.1').is_visible())
    bench.bus.inject('1.1', 'unplug')
    wait_until(lambda: outcome)
    assert outcome == [Status.ERROR]
    bench.bus.inject('1.1', 'plug')
    bench.open_listed(0)


def test_a_call_that_hangs_does_not_return_when_the_fault_is_cleared(rig):
    inject(rig, 'hang', 'write')
    _, outcome = in_thread(rig.fifo_in.write_elem, tensor(0), None)
    time.sleep(A_WHILE_SEC)
    assert outcome == []
    inject(rig, 'clear')
    infer(rig, 5)
    assert rig.fifo_out.read_elem()[1] == 5
    assert outcome == []


@pytest.mark.parametrize('word, call', [
    ('read', lambda rig: rig.fifo_out.read_elem()),
    ('write', lambda rig: rig.fifo_in.write_elem(tensor(0), None)),
    ('trigger', lambda rig: infer(rig)),
    ('option', lambda rig: rig.device.get_option(DeviceOption.RO_THERMAL_STATS)),
    ('option', lambda rig: rig.graph.get_option(GraphOption.RO_TIME_TAKEN)),
    ('allocate', lambda rig: mvncapi.Graph('g').allocate(rig.device, b'g')),
    ('close', lambda rig: rig.graph.destroy()),
    ('close', lambda rig: rig.fifo_in.destroy()),
    ('close', lambda rig: rig.device.close()),
])
def test_a_call_fails_with_the_status_that_was_set(rig, word, call):
    inject(rig, 'error', word, 'BUSY')
    assert status_of(call, rig) is Status.BUSY
    inject(rig, 'clear')


def test_a_transfer_that_fails_leaves_no_place_taken(bench):
    device = bench.open_stick(transfer_ms=60000.0)
    _, fifo_in, _ = load(device)
    for _ in range(2):
        thread, outcome = in_thread(fifo_in.write_elem, tensor(1), None)
        wait_until(lambda: fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 1)
        bench.bus.inject('1.1', 'error', 'write', 'BUSY')
        thread.join(LIMIT_SEC)
        assert outcome == [Status.BUSY]
        bench.bus.inject('1.1', 'clear')
        wait_until(lambda: not device.opened_stick().unit.calls.faults.errors)
    assert fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 0


def test_a_read_that_waits_is_ended_by_an_error(rig):
    (outcome,) = blocked(rig, (rig.fifo_out.read_elem,))
    rig.bus.inject('1.1', 'error', 'read', 'ERROR')
    wait_until(lambda: outcome)
    assert outcome == [Status.ERROR]


def test_a_read_that_waits_when_the_hang_begins_gets_no_result(rig):
    (outcome,) = blocked(rig, (rig.fifo_out.read_elem,))
    inject(rig, 'hang', 'read')
    infer(rig)
    time.sleep(A_WHILE_SEC)
    # As of a hung firmware: the input stays in the stick, and nothing comes out.
    assert (outcome, level_in(rig), level_out(rig)) == ([], 1, 0)
    assert rig.device.get_option(DeviceOption.RO_THERMAL_STATS)[0] == 30.0
    inject(rig, 'clear')
    wait_until(lambda: level_out(rig) == 1)
    assert rig.fifo_out.read_elem()[1] == 0
    assert outcome == []


def test_an_error_in_the_enumeration_ends_the_list(bench):
    bench.plug_in(sticks=3)
    bench.bus.inject('1.2', 'error', 'enumerate', 'ERROR')
    assert len(mvncapi.enumerate_devices()) == 1
    bench.bus.inject('1.2', 'clear')
    assert len(mvncapi.enumerate_devices()) == 3


def test_an_error_in_the_opening(bench):
    bench.plug_in()
    bench.bus.inject('1.1', 'error', 'open', 'MVCMD_NOT_FOUND')
    device = mvncapi.Device(mvncapi.enumerate_devices()[0])
    assert status_of(device.open) is Status.MVCMD_NOT_FOUND
    bench.bus.inject('1.1', 'clear')
    device.open()
    device.destroy()


def test_a_stick_that_does_not_come_back_from_its_boot(bench):
    bench.plug_in(boot_ms=14.0)
    bench.bus.inject('1.1', 'fail-open')
    for _ in range(2):
        device = mvncapi.Device(mvncapi.enumerate_devices()[0])
        before = time.monotonic()
        assert status_of(device.open) is Status.ERROR
        assert time.monotonic() - before >= 0.05
    bench.bus.inject('1.1', 'clear')
    bench.open_listed(0)


def test_a_slow_stick(bench):
    set_up(bench, inference_ms=20.0)
    inject(bench, 'slow', '5')
    infer(bench)
    bench.fifo_out.read_elem()
    (time_taken_ms,) = bench.graph.get_option(GraphOption.RO_TIME_TAKEN)
    assert time_taken_ms >= 99.9
    inject(bench, 'slow', '0.5')
    # It is what the clock tells, to which a late host adds.
    taken_ms = []

    def is_quick():
        infer(bench)
        bench.fifo_out.read_elem()
        taken_ms.extend(bench.graph.get_option(GraphOption.RO_TIME_TAKEN))
        return taken_ms[-1] < 99.9

    wait_until(is_quick)
    assert min(taken_ms) >= 9.9


@pytest.mark.parametrize('kind, is_so', [
    ('nan', lambda output: np.isnan(output).all()),
    ('inf', lambda output: np.isinf(output).all()),
    ('counts', lambda output: output.tolist() == [65504.0] + [1.0] * 11),
    ('random', lambda output: output.tolist() != [1.0] * 12),
])
def test_garbage_comes_out(rig, kind, is_so):
    inject(rig, 'garbage', kind)
    infer(rig, 1)
    output, key = rig.fifo_out.read_elem()
    assert is_so(output)
    assert (output.dtype, output.shape, key) == (np.float32, (12,), 1)
    inject(rig, 'clear')
    infer(rig, 1)
    assert rig.fifo_out.read_elem()[0].tolist() == [1.0] * 12


def test_temperatures_that_are_no_numbers_and_one_that_is_set(rig):
    rig.bus.inject('1.1', 'nan-temperature')
    assert math.isnan(rig.device.get_option(DeviceOption.RO_THERMAL_STATS)[0])
    rig.bus.inject('1.1', 'clear')
    rig.bus.inject('1.1', 'heat', '86')
    assert rig.device.get_option(DeviceOption.RO_THERMAL_STATS)[0] == 86.0
    assert rig.device.get_option(DeviceOption.RO_THERMAL_THROTTLING_LEVEL) == 1


def test_a_fault_from_another_process_wakes_this_one(rig):
    (outcome,) = blocked(rig, (rig.fifo_out.read_elem,))
    with OtherProcess(rig.bus) as other:
        other.do(f'SimulatedBus.attach({rig.bus.path!r}).inject("1.1", "unplug")')
        wait_until(lambda: outcome)
    assert outcome == [Status.ERROR]


@pytest.mark.parametrize('word, line', [
    ('enumerate', 'names()'), ('open', 'device.open()'),
    ('option', 'graph.device.get_option(THERMAL)'),
    ('allocate', 'mvncapi.Graph("g").allocate(graph.device, b"detector: shapes")'),
    ('trigger', 'graph.queue_inference_with_fifo_elem(*fifos, picture, None)'),
    ('close', 'graph.device.close()'), ('close', 'graph.destroy()'),
    ('all', 'device.open()')])
def test_a_call_that_hangs_in_another_process(bench, word, line):
    bench.plug_in(sticks=2)
    with OtherProcess(bench.bus) as other:
        other.do('graph, fifos, picture = ready("1.1")')
        other.do('device = devices()["1.2-ma2450"]')
        for path in ('1.1', '1.2'):
            bench.bus.inject(path, 'hang', word)
        if word not in ('enumerate', 'open', 'all'):
            # The hang must have arrived: it does so in the order of the file's writes.
            wait_until(lambda: other.do(
                f'graph._stick.unit.calls.faults.hang == {{{word!r}}}') is True)
        other.begin(line)
        assert not other.has_answered(A_WHILE_SEC)
        bench.bus.inject('1.1', 'clear')
        bench.bus.inject('1.2', 'clear')
        assert not other.has_answered(A_WHILE_SEC)
