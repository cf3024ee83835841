# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the vendor's library has once in a process: its lock and its number of connections."""

import signal

from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api.mvncapi import DeviceOption
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from other_process import OtherProcess
import pytest
from stick_bench import in_thread
from stick_bench import load
from stick_bench import StickBench
from stick_bench import tensor

A_WHILE_SEC = 0.2
CYCLE = 'for _ in range(%d): device = devices()["1.1-ma2450"]; device.open(); device.destroy()'


def make_bus(**properties):
    return SimulatedBus(BusSpec(**{'sticks': 2, 'boot_ms': 0.0, **properties}))


def test_while_a_stick_opens_options_of_others_wait_and_inferences_go_on(monkeypatch):
    with StickBench(monkeypatch) as bench:
        bench.plug_in(sticks=2, boot_ms=500.0)
        device = bench.open_listed(0)
        graph, fifo_in, fifo_out = load(device)
        other = mvncapi.Device(mvncapi.enumerate_devices()[1])
        opening, opened = in_thread(other.open)
        wait_until(lambda: not bench.bus.port('1.2').is_visible())
        _, answers = in_thread(device.get_option, DeviceOption.RO_THERMAL_STATS)
        for value in range(3):
            graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), value)
            assert fifo_out.read_elem()[1] == value
        assert opened == answers == []
        opening.join(LIMIT_SEC)
        wait_until(lambda: answers)
        other.destroy()


def test_openings_of_one_process_follow_one_another():
    bus = make_bus(boot_ms=200.0)
    with OtherProcess(bus) as other:
        other.do('import threading, time')
        other.do('found = devices()')
        other.do('threads = [threading.Thread(target=d.open) for d in found.values()]')
        other.do('before = time.monotonic()')
        other.do('for thread in threads: thread.start()')
        other.do('for thread in threads: thread.join()')
        assert other.do('time.monotonic() - before') >= 0.4
        assert [port.holder() for port in bus.ports()[:2]] == [other.pid] * 2


def test_the_17th_opening_aborts_the_process():
    with OtherProcess(make_bus(library_faults=True)) as other:
        assert other.do(CYCLE % 16) is None
        other.begin(CYCLE % 1)
        assert other.wait() == -signal.SIGABRT


def test_without_that_fault_it_does_not():
    with OtherProcess(make_bus()) as other:
        assert other.do(CYCLE % 17) is None


@pytest.mark.parametrize('line', [
    'names()', 'two.get_option(NAME)', 'two.open()', 'one.open()', 'two.destroy() or names()'])
def test_a_stick_lost_in_its_boot_leaves_the_library_locked(line):
    bus = make_bus(library_faults=True)
    bus.inject('1.1', 'fail-open')
    with OtherProcess(bus) as other:
        other.do('one, two = devices().values()')
        assert other.do('one.open()') == 'ERROR'
        bus.inject('1.1', 'clear')
        other.begin(line)
        assert not other.has_answered(A_WHILE_SEC)
    with OtherProcess(bus) as fresh:
        assert fresh.do('names()') == ['1.1-ma2450', '1.2-ma2450']


def test_other_failed_openings_leave_it_free():
    bus = make_bus(library_faults=True)
    with OtherProcess(bus) as other:
        other.do('one, two = devices().values()')
        bus.inject('1.1', 'unplug')
        bus.inject('1.2', 'error', 'open', 'ERROR')
        assert other.do('one.open()') == 'ERROR'
        assert other.do('two.open()') == 'ERROR'
        assert other.do('names()') == ['1.2-ma2450']
