# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What several processes see of the sticks of one bus, and what a killed one leaves behind."""

import os
import time

from blocking_calls import in_less_than
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api.mvncapi import DeviceOption
from ncs_cluster_detector.simulation.api.mvncapi import Status
from other_process import OtherProcess
import pytest
from stick_bench import in_thread
from stick_bench import load
from stick_bench import status_of
from stick_bench import StickBench
from stick_bench import tensor


@pytest.fixture
def bench(monkeypatch):
    """Return a bench for sticks."""
    with StickBench(monkeypatch) as bench:
        yield bench


def listed():
    """Return this process's view: a dictionary of devices by their names."""
    devices = [mvncapi.Device(handle) for handle in mvncapi.enumerate_devices()]
    return {device.get_option(DeviceOption.RO_DEVICE_NAME): device for device in devices}


def timed(call, *arguments):
    """Return what a call returns and how long it took, in seconds."""
    before = time.monotonic()
    value = call(*arguments)
    return value, time.monotonic() - before


def test_an_open_stick_has_no_chip_anywhere_and_is_free_again_when_it_is_closed(bench):
    bench.plug_in(sticks=2)
    early = listed()
    with OtherProcess(bench.bus) as other:
        other.do('device = devices()["1.2-ma2450"]')
        assert other.do('device.open()') is None
        assert list(listed()) == ['1.1-ma2450', '1.2-']
        assert bench.bus.port('1.2').holder() == other.pid
        assert status_of(listed()['1.2-'].open) is Status.ERROR
        assert status_of(early['1.2-ma2450'].open) is Status.ERROR
        assert other.do('device.get_option(NAME)') == '1.2-ma2450'
        other.do('device.close()')
        assert list(listed()) == ['1.1-ma2450', '1.2-ma2450']
        assert bench.bus.port('1.2').holder() is None
        early['1.2-ma2450'].open()
        assert other.do('names()') == ['1.1-ma2450', '1.2-']
        early['1.2-ma2450'].destroy()


def test_a_stick_that_boots_or_is_reset_is_in_no_list(bench):
    bench.plug_in(sticks=2, boot_ms=300.0)
    with OtherProcess(bench.bus) as other:
        other.do('device = devices()["1.1-ma2450"]')
        for begun, result in (('device.open()', '1.1-'), ('device.close()', '1.1-ma2450')):
            other.begin(begun)
            wait_until(lambda: list(listed()) == ['1.2-ma2450'])
            assert not other.has_answered()
            assert other.answer() is None
            assert list(listed()) == [result, '1.2-ma2450']


def test_the_times_scale_with_the_boot_time(bench):
    bench.plug_in(sticks=2, boot_ms=140.0)
    with OtherProcess(bench.bus) as other:
        device = listed()['1.1-ma2450']
        stale = listed()['1.1-ma2450']
        _, open_sec = timed(device.open)
        assert open_sec >= 0.14
        assert device.get_option(DeviceOption.RO_DEVICE_STATE) == 1
        status, failed_sec = timed(status_of, stale.open)
        assert status is Status.ERROR
        assert failed_sec >= 0.21
        assert in_less_than(0.6, status_of, stale.open) is Status.ERROR
        assert in_less_than(0.2, status_of, listed()['1.1-'].open) is Status.ERROR
        # In use elsewhere is the same.
        other.do('stale = devices()["1.2-ma2450"]')
        second = listed()['1.2-ma2450']
        second.open()
        answer, failed_sec = timed(other.do, 'stale.open()')
        assert answer == 'ERROR'
        assert failed_sec >= 0.21
        assert in_less_than(0.6, other.do, 'stale.open()') == 'ERROR'
        _, close_sec = timed(device.close)
        assert close_sec >= 0.1
        in_less_than(1.2, lambda: (device.open(), device.close()))
        second.destroy()


def test_a_stale_name_can_be_opened_when_its_holder_closes_in_time(bench):
    bench.plug_in(boot_ms=300.0)
    with OtherProcess(bench.bus) as other:
        other.do('stale = devices()["1.1-ma2450"]')
        device = listed()['1.1-ma2450']
        device.open()
        other.begin('stale.open()')
        device.close()
        assert other.answer() is None
        assert bench.bus.port('1.1').holder() == other.pid


def test_one_of_two_processes_gets_the_stick(bench):
    bench.plug_in(boot_ms=50.0)
    with OtherProcess(bench.bus) as one, OtherProcess(bench.bus) as two:
        for other in (one, two):
            other.do('device = devices()["1.1-ma2450"]')
        for other in (one, two):
            other.begin('device.open()')
        assert sorted(map(str, (one.answer(), two.answer()))) == ['ERROR', 'None']


def test_a_stick_left_booted_is_reset_by_the_next_new_process_and_by_no_other(bench):
    bench.plug_in(sticks=3, boot_ms=200.0)
    mine = bench.open_listed(2)
    with OtherProcess(bench.bus) as killed:
        killed.do('devices()["1.1-ma2450"].open()')
        assert bench.bus.port('1.1').holder() == killed.pid
        killed.kill()
    assert bench.bus.port('1.1').holder() is None
    names = in_less_than(0.2, listed)
    assert list(names) == ['1.1-', '1.2-ma2450', '1.3-']
    assert status_of(names['1.1-'].open) is Status.ERROR
    with OtherProcess(bench.bus) as fresh:
        names, seconds = timed(fresh.do, 'names()')
        assert names == ['1.1-ma2450', '1.2-ma2450', '1.3-']
        assert seconds >= 0.2
        in_less_than(0.2, fresh.do, 'names()')
        assert fresh.do('devices()["1.1-ma2450"].open()') is None
    assert mine.get_option(DeviceOption.RO_CURRENT_MEMORY_USED) == 0


def test_a_process_killed_while_it_boots_a_stick_leaves_it_booted(bench):
    bench.plug_in(boot_ms=200.0)
    with OtherProcess(bench.bus) as killed:
        killed.do('device = devices()["1.1-ma2450"]')
        killed.begin('device.open()')
        wait_until(lambda: not listed())
        killed.kill()
    wait_until(lambda: list(listed()) == ['1.1-'])
    with OtherProcess(bench.bus) as fresh:
        assert fresh.do('names()') == ['1.1-ma2450']


def test_a_stick_stays_warm_when_its_process_is_killed_and_cools(bench):
    bench.plug_in(inference_ms=400.0, rise_celsius=200.0, time_constant_sec=1.0,
                  leftovers='none')
    port = bench.bus.port('1.1')
    with OtherProcess(bench.bus) as killed:
        killed.do('graph, fifos, picture = ready("1.1")')
        killed.do('graph.queue_inference_with_fifo_elem(*fifos, picture, None)')
        wait_until(lambda: port.celsius() > 40.0)
        killed.kill()
    assert port.celsius() > 35.0
    readings = []

    # It computes the rest of its inference, and then rests although nobody said so.
    def it_cools():
        readings.append(port.celsius())
        return readings[-1] < max(readings) - 1.0

    wait_until(it_cools)
    with OtherProcess(bench.bus) as fresh:
        bench.bus.inject('1.1', 'heat', '75')
        bench.bus.inject('1.1', 'clear')
        fresh.do('graph, fifos, picture = ready("1.1")')
        celsius = fresh.do('float(graph.device.get_option(THERMAL)[0])')
        assert 30.0 < celsius < 75.0


def test_all_sticks_share_the_bus(bench):
    # 0.54 MB of a picture take 54 ms.
    bench.plug_in(sticks=2, usb_mb_per_sec=10.0)
    send = 'graph.queue_inference_with_fifo_elem(*fifos, picture, None)'
    with OtherProcess(bench.bus) as one, OtherProcess(bench.bus) as two:
        for index, other in enumerate((one, two), start=1):
            other.do(f'graph, fifos, picture = ready("1.{index}")')
        before = time.monotonic()
        for other in (one, two):
            other.begin(send)
        assert [one.answer(), two.answer()] == [None, None]
        assert time.monotonic() - before >= 0.108
        # Whoever is killed while it sends is waited for no longer than its transfer takes.
        one.begin(send)
        wait_until(lambda: bench.bus.reserve_transfer(0) > time.monotonic())
        one.kill()
        answer, seconds = timed(two.do, send)
        assert answer is None
        assert seconds >= 0.054


def test_a_process_can_get_its_bus_from_the_environment(bench):
    bench.plug_in(sticks=2)
    with OtherProcess(NCS_SIMULATED_BUS=bench.bus.path) as other:
        assert other.do('names()') == ['1.1-ma2450', '1.2-ma2450']
        other.do('mvncapi.plug_in(mvncapi.BusSpec(sticks=1))')
        assert other.do('names()') == ['1.1-ma2450']
    with OtherProcess(NCS_SIMULATED_BUS='') as other:
        assert other.do('names()') == []
    with OtherProcess(NCS_SIMULATED_BUS='/proc/1/no-bus') as other:
        assert 'NCS_SIMULATED_BUS=/proc/1/no-bus: ' in other.do('names()')


def test_a_second_opening_in_the_same_process_is_refused(bench):
    bench.plug_in()
    one, two = listed()['1.1-ma2450'], listed()['1.1-ma2450']
    one.open()
    assert status_of(two.open) is Status.ERROR
    graph, fifo_in, fifo_out = load(one)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(1), None)
    assert fifo_out.read_elem()[0].tolist() == [1.0] * 12
    one.destroy()
    assert bench.bus.port('1.1').holder() is None


def test_a_stopped_process_holds_up_only_the_port_that_it_is_changing(bench):
    bench.plug_in(sticks=2)
    first, second = bench.bus.port('1.1'), bench.bus.port('1.2')
    with OtherProcess(bench.bus) as other:
        other.do('from ncs_cluster_detector.simulation.api import process_state')
        other.do('port = process_state.initialised_bus().port("1.1")')
        other.do('lock = port._part.locked()')
        other.do('lock.__enter__()')
        _, reading = in_thread(first.celsius)
        other.stop()
        assert second.celsius() == bench.bus.bus.ambient_celsius
        second.inject('heat', '70')
        assert reading == []
        other.kill()
        wait_until(lambda: reading)


def test_a_forked_process_has_locks_of_its_own(bench):
    bench.plug_in(usb_mb_per_sec=1.0)
    transfers = 200
    begun_at = time.monotonic()
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            for _ in range(transfers):
                bench.bus.reserve_transfer(1000)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    free_at = bench.bus.reserve_transfer(0)
    assert free_at >= begun_at + len(children) * transfers * 0.001


def test_a_stick_closed_by_a_process_with_children_is_free(bench):
    device = bench.open_stick()
    may_end, ends = os.pipe()
    child = os.fork()
    if not child:
        os.close(ends)
        os.read(may_end, 1)
        os._exit(0)
    device.close()
    assert bench.bus.port('1.1').holder() is None
    bench.open_listed(0)
    assert bench.bus.port('1.1').holder() == os.getpid()
    os.close(ends)
    os.waitpid(child, 0)
    os.close(may_end)
