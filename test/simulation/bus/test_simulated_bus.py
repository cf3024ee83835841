# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The memory that processes share: its properties, ports, locks and the time on the bus."""

import gc
import os
import pickle
import subprocess
import sys
import time

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
import pytest

LIMIT_SEC = 30.0


def test_another_one_at_its_path_has_the_same_properties_and_sticks():
    made = SimulatedBus(BusSpec(sticks=3, inference_ms=0.1, usb_mb_per_sec=30.0,
                                library_faults=True, leftovers='hang', die_rise_celsius=8.0,
                                hub_rise_celsius=10.0, throttle_celsius=70.0))
    joined = SimulatedBus.attach(made.path)
    assert joined.bus == made.bus
    assert type(joined.bus.sticks) is int
    assert joined.bus.library_faults is True
    assert [port.path for port in joined.ports() if port.is_visible()] == ['1.1', '1.2', '1.3']
    made.inject('1.2', 'unplug')
    assert [port.path for port in joined.ports() if port.is_visible()] == ['1.1', '1.3']
    assert joined.maker == os.getpid()


def test_it_is_pickled_as_its_path_and_comes_back_joined():
    made = SimulatedBus(BusSpec(sticks=1))
    joined = pickle.loads(pickle.dumps(made))
    joined.inject('1.1', 'heat', '60')
    assert made.port('1.1').celsius() == 60.0


def test_it_leaves_nothing_behind():
    gc.collect()
    descriptors = os.listdir('/proc/self/fd')
    made = SimulatedBus(BusSpec())
    joined = SimulatedBus.attach(made.path)
    assert os.readlink(made.path).startswith('/memfd:')
    made.close()
    made.close()
    joined.close()
    assert os.listdir('/proc/self/fd') == descriptors


def test_it_is_closed_when_nobody_has_it_any_more():
    gc.collect()
    descriptors = os.listdir('/proc/self/fd')
    made = SimulatedBus(BusSpec())
    assert os.listdir('/proc/self/fd') != descriptors
    del made
    assert os.listdir('/proc/self/fd') == descriptors


def test_paths_that_are_no_bus_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        SimulatedBus.attach('/proc/self/fd/987654')
    (tmp_path / 'file').write_text('text')
    with pytest.raises(ValueError, match='not the memory of a simulated bus'):
        SimulatedBus.attach(str(tmp_path / 'file'))


@pytest.mark.parametrize('path', ['2', '1.0', '1.65', ''])
def test_a_port_that_does_not_exist_is_refused(path):
    bus = SimulatedBus(BusSpec())
    with pytest.raises(ValueError, match=r'use 1\.1, 1\.2 \.\.\. 1\.64'):
        bus.inject(path, 'unplug')


def test_a_port_has_the_name_of_its_stick_too():
    bus = SimulatedBus(BusSpec())
    assert bus.port('1.2-ma2450') is bus.port('1.2-') is bus.port('1.2')


def test_transfers_follow_one_another_on_the_bus():
    made = SimulatedBus(BusSpec(usb_mb_per_sec=0.54))
    joined = SimulatedBus.attach(made.path)
    before = time.monotonic()
    arrivals = [bus.reserve_transfer(540000) for bus in (made, joined, made)]
    after = time.monotonic()
    assert before + 1.0 <= arrivals[0] <= after + 1.0
    assert arrivals[1] == pytest.approx(arrivals[0] + 1.0)
    assert arrivals[2] == pytest.approx(arrivals[1] + 1.0)


def test_a_bus_without_limit_takes_no_time():
    bus = SimulatedBus(BusSpec())
    for _ in range(3):
        assert bus.reserve_transfer(10 ** 12) <= time.monotonic()


def test_a_free_bus_does_not_save_up_time():
    bus = SimulatedBus(BusSpec(usb_mb_per_sec=10000.0))
    first = bus.reserve_transfer(10)
    while time.monotonic() <= first:
        pass
    now = time.monotonic()
    assert bus.reserve_transfer(10) > now


ADD = """
import sys
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
bus = SimulatedBus.attach(sys.argv[1])
for _ in range(2000):
    bus.reserve_transfer(540)
"""


def test_no_reservation_is_lost_between_processes():
    bus = SimulatedBus(BusSpec(usb_mb_per_sec=0.00054))
    first = bus.reserve_transfer(540)
    for process in [subprocess.Popen([sys.executable, '-c', ADD, bus.path]) for _ in range(2)]:
        assert process.wait(LIMIT_SEC) == 0
    # Every one takes a second, so that the bus is never free meanwhile.
    assert bus.reserve_transfer(540) == pytest.approx(first + 4001, abs=0.01)
