# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that answer nothing: what hangs, for whom, and what ends it."""

import time

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api.mvncapi import Status
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from other_process import OtherProcess
import pytest
from stick_bench import in_thread
from stick_bench import load
from stick_bench import status_of
from stick_bench import StickBench
from stick_bench import tensor
from usb_bench import UsbBench

# Long enough for a call that wrongly returns to show it.
A_WHILE_SEC = 0.2
SILENT = ('mute', 'nak', 'swallow 1000')


def make_bus(**properties):
    return SimulatedBus(BusSpec(**{'sticks': 2, 'boot_ms': 0.0, **properties}))


def leave_booted(bus, path):
    """Let a process open a stick and be killed."""
    with OtherProcess(bus) as other:
        assert other.do(f'devices()["{path}-ma2450"].open()') is None
        other.kill()


@pytest.mark.parametrize('word', SILENT)
def test_one_that_was_left_booted_hangs_the_first_listing_of_each_process(word):
    bus = make_bus(sticks=3)
    with OtherProcess(bus) as third:
        assert third.do('devices()["1.3-ma2450"].open()') is None
        leave_booted(bus, '1.1')
        bus.inject('1.1', *word.split())
        third.kill()
    with OtherProcess(bus) as first, OtherProcess(bus) as second:
        first.begin('names()')
        assert not first.has_answered(A_WHILE_SEC)
        # The silent stick is claimed meanwhile, which lets others pass; 1.3 was connected before
        # the library of the first could reset it, or never, for it comes after the silent one.
        second.begin('names()')
        assert second.answer() == ['1.1-', '1.2-ma2450', '1.3-ma2450']
        # Nothing wakes the first one.
        bus.inject('1.1', 'clear')
        bus.inject('1.1', 'unplug')
        assert not first.has_answered(A_WHILE_SEC)
        first.kill()
    with OtherProcess(bus) as other:
        assert other.do('names()') == ['1.2-ma2450', '1.3-ma2450']


def test_it_hangs_one_process_after_the_other():
    bus = make_bus()
    leave_booted(bus, '1.1')
    bus.inject('1.1', 'mute')
    for _ in range(2):
        with OtherProcess(bus) as other:
            other.begin('names()')
            assert not other.has_answered(A_WHILE_SEC)


@pytest.mark.parametrize('word', SILENT)
def test_one_that_is_in_use_or_claimed_is_skipped(word):
    bench = UsbBench()
    with OtherProcess(bench.bus) as user:
        user.do('graph, fifos, picture = ready("1.1")')
        bench.bus.inject('1.1', *word.split())
        with OtherProcess(bench.bus) as other:
            assert other.do('names()') == ['1.1-', '1.2-ma2450']
        user.kill()
    handle = bench.claimed(1)
    with OtherProcess(bench.bus) as other:
        assert other.do('names()') == ['1.1-', '1.2-ma2450']
    bench.backend.close_device(handle)


def test_a_listing_that_hangs_has_reset_no_other_stick():
    bus = make_bus()
    leave_booted(bus, '1.1')
    leave_booted(bus, '1.2')
    # The listing of the second process has reset the first stick.
    leave_booted(bus, '1.1')
    bus.port('1.2').boot(1)
    bus.inject('1.2', 'mute')
    with OtherProcess(bus) as other:
        other.begin('names()')
        assert not other.has_answered(A_WHILE_SEC)
        assert bus.port('1.1').name() == '1.1-'
        other.kill()


def test_a_mute_stick_boots_and_then_hangs_its_opening_and_the_library():
    bus = make_bus()
    bus.inject('1.1', 'mute')
    with OtherProcess(bus) as other:
        other.do('import threading')
        other.do('one, two = devices().values()')
        other.do('threading.Thread(target=one.open, daemon=True).start()')
        wait_until(bus.port('1.1').has_booted)
        other.begin('two.open()')
        assert not other.has_answered(A_WHILE_SEC)


def test_a_stick_that_takes_nothing_is_not_booted():
    bus = make_bus(boot_ms=14.0)
    bus.inject('1.1', 'nak')
    with OtherProcess(bus) as other:
        assert other.do('devices()["1.1-ma2450"].open()') == 'ERROR'
        assert other.do('names()') == ['1.1-ma2450', '1.2-ma2450']


@pytest.mark.parametrize('line', [
    'fifos[0].write_elem(picture, None)',
    'graph.queue_inference(*fifos)',
    'fifos[1].read_elem()',
    'graph.device.get_option(THERMAL)',
    'graph.get_option(mvncapi.GraphOption.RO_TIME_TAKEN)',
    'mvncapi.Graph("g").allocate(graph.device, b"detector: shapes")',
    'fifos[0].destroy()', 'graph.destroy()', 'graph.device.close()', 'graph.device.destroy()'])
def test_every_call_that_asks_the_stick_hangs_also_when_the_fault_ends(line):
    bus = make_bus()
    with OtherProcess(bus) as other:
        other.do('graph, fifos, picture = ready("1.1")')
        # A result that has arrived is of no use: the library gives its place back to the stick
        # and waits for the answer (XLink.c:1261).
        other.do('graph.queue_inference_with_fifo_elem(*fifos, picture, None)')
        other.do('LEVEL = mvncapi.FifoOption.RO_READ_FILL_LEVEL')
        wait_until(lambda: other.do('fifos[1].get_option(LEVEL)') == 1)
        other.do('fifos[0].write_elem(picture, None)')
        bus.inject('1.1', 'mute')
        wait_until(lambda: other.do('graph._stick.unit.calls.faults.silent') is True)
        # What the host knows by itself it still tells.
        assert other.do('graph.device.get_option(NAME)') == '1.1-ma2450'
        assert other.do('fifos[1].get_option(LEVEL)') == 1
        other.begin(line)
        assert not other.has_answered(A_WHILE_SEC)
        bus.inject('1.1', 'clear')
        assert not other.has_answered(A_WHILE_SEC)


@pytest.mark.parametrize('word', SILENT)
def test_nothing_comes_from_a_stick_that_falls_silent(monkeypatch, word):
    with StickBench(monkeypatch) as bench:
        device = bench.open_stick()
        graph, fifo_in, fifo_out = load(device)
        calls = device.opened_stick().unit.calls
        bench.network.may_end.clear()
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(1), 1)
        _, outcome = in_thread(fifo_out.read_elem)
        wait_until(lambda: calls.waiting() == 1)
        bench.bus.inject('1.1', *word.split())
        wait_until(lambda: calls.faults.silent)
        bench.network.may_end.set()
        time.sleep(A_WHILE_SEC)
        assert outcome == []
        # It waited before, so it is told of the unplug; and what is gone hangs nothing any more.
        bench.bus.inject('1.1', 'unplug')
        wait_until(lambda: outcome)
        assert outcome == [Status.ERROR]
        assert status_of(graph.destroy) is Status.ERROR
        device.close()


@pytest.mark.parametrize('word', SILENT)
def test_it_ends_when_the_power_does_and_other_faults_stay(word):
    bus = make_bus()
    for fault in (word, 'no-usb-reset', 'no-access', 'unheard', 'slow-boot 7'):
        bus.inject('1.1', *fault.split())
    bus.inject('1.1', 'unplug')
    bus.inject('1.1', 'plug')
    faults = bus.port('1.1').state().faults
    assert not faults.silent
    assert str(faults) == 'slow-boot 7, no-usb-reset, no-access, unheard'
