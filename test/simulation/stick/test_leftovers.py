# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a killed process leaves in its stick, and what that does to the next one."""

import signal

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from other_process import OtherProcess
import pytest
from usb_bench import code_of
from usb_bench import TIMEOUT
from usb_bench import UsbBench

A_WHILE_SEC = 0.2
QUEUE = 'graph.queue_inference_with_fifo_elem(*fifos, picture, None)'
ALL = ['1.1-ma2450', '1.2-ma2450']


def make_bus(**properties):
    return SimulatedBus(BusSpec(**{
        'sticks': 2, 'boot_ms': 0.0, 'inference_ms': 60000.0, **properties}))


def kill_at_work(bus, inferences, ending='kill'):
    """Let a process that waits for results of the first stick end without closing it."""
    with OtherProcess(bus) as other:
        other.do('import os')
        other.do('graph, fifos, picture = ready("1.1")')
        for _ in range(inferences):
            other.do(QUEUE)
        if ending == 'kill':
            other.kill()
        else:
            other.begin(ending)
            other.wait()


@pytest.mark.parametrize('ending', ['kill', 'os._exit(0)', 'os.abort()'])
def test_the_next_listings_die_of_it_until_it_is_used_up(ending):
    bus = make_bus(leftovers='abort')
    kill_at_work(bus, 1, ending)
    for left in (3, 2, 1):
        assert bus.port('1.1').unread() == left
        with OtherProcess(bus) as other:
            other.begin('names()')
            assert other.wait() == -signal.SIGABRT
    with OtherProcess(bus) as other:
        assert other.do('names()') == ALL


def test_each_inference_under_way_leaves_as_much():
    bus = make_bus(leftovers='abort')
    kill_at_work(bus, 2)
    assert bus.port('1.1').unread() == 6


def test_with_hang_the_next_listing_does_not_return():
    bus = make_bus(leftovers='hang')
    kill_at_work(bus, 1)
    with OtherProcess(bus) as other:
        other.begin('names()')
        assert not other.has_answered(A_WHILE_SEC)
        # It has claimed the stick.
        with OtherProcess(bus) as second:
            assert second.do('names()') == ['1.1-', '1.2-ma2450']
    assert bus.port('1.1').unread() == 2   # it has taken one, for the next one to have less


def test_with_none_the_stick_drops_it():
    bus = make_bus(leftovers='none')
    kill_at_work(bus, 2)
    with OtherProcess(bus) as other:
        assert other.do('names()') == ALL
    assert bus.port('1.1').unread() == 0


@pytest.mark.parametrize('lines', [
    [], ['fifos[0].write_elem(picture, None)'],
    [QUEUE, 'fifos[1].read_elem() and None'],
    # The library had taken it from the stick, though the program had not read it.
    [QUEUE, 'wait()']])
def test_a_stick_that_has_nothing_under_way_leaves_nothing(lines):
    bus = make_bus(leftovers='abort', inference_ms=0.0)
    with OtherProcess(bus) as other:
        other.do('LEVEL = mvncapi.FifoOption.RO_READ_FILL_LEVEL')
        other.do('graph, fifos, picture = ready("1.1")')
        for line in lines:
            if line == 'wait()':
                wait_until(lambda: other.do('fifos[1].get_option(LEVEL)') == 1)
            else:
                assert other.do(line) is None
        other.kill()
    assert bus.port('1.1').name() == '1.1-'
    with OtherProcess(bus) as other:
        assert other.do('names()') == ALL


def test_what_is_read_over_usb_harms_nobody_any_more():
    bench = UsbBench(leftovers='abort', inference_ms=60000.0)
    kill_at_work(bench.bus, 2)
    handle = bench.claimed(1)
    for _ in range(6):
        bench.read(handle)
    assert code_of(bench.read, handle) == TIMEOUT
    bench.backend.close_device(handle)
    with OtherProcess(bench.bus) as other:
        assert other.do('names()') == ALL


@pytest.mark.parametrize('end', [
    lambda bus: bus.port('1.1').reset_over_usb(bus.port('1.1').look()[1].enumeration),
    lambda bus: [bus.inject('1.1', word) for word in ('unplug', 'plug')]])
def test_it_ends_with_what_ran_on_the_stick(end):
    bus = make_bus(leftovers='abort')
    kill_at_work(bus, 1)
    end(bus)
    assert bus.port('1.1').unread() == 0
    with OtherProcess(bus) as other:
        assert other.do('names()') == ALL


def test_the_stick_that_is_open_in_a_living_process_harms_nobody():
    bus = make_bus(leftovers='abort')
    with OtherProcess(bus) as user:
        user.do('graph, fifos, picture = ready("1.1")')
        user.do(QUEUE)
        with OtherProcess(bus) as other:
            assert other.do('names()') == ['1.1-', '1.2-ma2450']
        # A process that closes its stick resets it.
        assert user.do('graph.device.close()') is None
    assert bus.port('1.1').unread() == 0


def test_a_silent_stick_hangs_the_listing_whatever_it_has():
    bus = make_bus(leftovers='abort')
    kill_at_work(bus, 1)
    bus.inject('1.1', 'mute')
    with OtherProcess(bus) as other:
        other.begin('names()')
        assert not other.has_answered(A_WHILE_SEC)
    assert bus.port('1.1').unread() == 3
