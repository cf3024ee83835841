# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The hub that all sticks warm: from any process, and seen by every stick."""

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.heat.body import Hub
from other_process import OtherProcess
import pytest

# Hub and case are so slow that nothing fades during a test.
SLOW = {'hub_rise_celsius': 10.0, 'hub_time_constant_sec': 1e9, 'time_constant_sec': 1e9}


def test_no_work_is_lost_between_processes():
    bus = SimulatedBus(BusSpec(sticks=2, **SLOW))
    times = 3000
    work = ('from ncs_cluster_detector.simulation.api import process_state; import itertools; '
            'port = process_state.initialised_bus().port("{}"); '
            f'[port.work(1000.0, 1100.0) for _ in range({times})]')
    with OtherProcess(bus) as one, OtherProcess(bus) as two:
        one.begin(work.format('1.1'))
        two.begin(work.format('1.2'))
        assert (one.answer(), two.answer()) == (None, None)
    piece = Hub(10.0, 1e9).after(0.0, 1 / 2, 100.0)
    assert bus.hub.heat().hub_celsius == pytest.approx(2 * times * piece)


def test_a_stick_that_works_in_one_process_warms_one_that_rests_in_another():
    # Inferences so long that the stick is at work most of the time on a late host, too.
    bus = SimulatedBus(BusSpec(sticks=2, inference_ms=200.0, transfer_ms=0.0, boot_ms=0.0,
                               rise_celsius=0.0, time_constant_sec=0.1, hub_rise_celsius=40.0,
                               hub_time_constant_sec=0.5, leftovers='none'))
    resting = 'float(device.get_option(THERMAL)[0])'
    with OtherProcess(bus) as worker, OtherProcess(bus) as idle:
        idle.do('device = devices()["1.2-ma2450"]')
        idle.do('device.open()')
        assert idle.do(resting) == 30.0
        worker.do('graph, fifos, picture = ready("1.1")')

        def it_is_warm():
            worker.do('graph.queue_inference_with_fifo_elem(*fifos, picture, None)')
            worker.do('fifos[1].read_elem() and None')
            return idle.do(resting) > 35.0

        wait_until(it_is_warm)
        worker.kill()
        # Half of the hub's rise is the most that one of two sticks can do.
        assert bus.port('1.2').celsius() <= 50.0
        wait_until(lambda: idle.do(resting) < 31.0)


def test_without_a_rise_a_hub_is_nothing():
    bus = SimulatedBus(BusSpec(sticks=1))
    bus.port('1.1').work(1000.0, 2000.0)
    assert bus.hub.heat().updated_at == 0.0
    assert bus.hub.case_celsius() == 0.0
