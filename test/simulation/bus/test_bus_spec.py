# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The properties of the simulated bus, and what is not accepted."""

import pickle

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
import pytest


def test_it_can_be_sent_to_another_process():
    bus = BusSpec(sticks=2, inference_ms=10)
    assert pickle.loads(pickle.dumps(bus)) == bus


def test_with_a_boot_time_of_1400_ms_it_takes_the_times_of_a_real_stick():
    bus = BusSpec(boot_ms=1400.0)
    times = bus.open_sec, bus.close_sec, bus.failed_open_sec, bus.lost_boot_sec
    assert times == pytest.approx((1.4, 1.0, 2.1, 5.0))


@pytest.mark.parametrize('name, value', [
    ('sticks', 0), ('sticks', 64), ('inference_ms', 0), ('inference_ms', 60000.0),
    ('transfer_ms', 0.0), ('boot_ms', 60000), ('ambient_celsius', -20), ('rise_celsius', 0),
    ('time_constant_sec', 0.001), ('die_rise_celsius', 8), ('die_time_constant_sec', 0.1),
    ('hub_rise_celsius', 10.0), ('hub_time_constant_sec', 1.0), ('throttle_celsius', 70),
    ('usb_mb_per_sec', 0), ('usb_mb_per_sec', 10000.0), ('library_faults', True),
    ('leftovers', 'none'), ('leftovers', 'abort'), ('leftovers', 'hang'),
    ('chip', 'ma2450'), ('chip', 'ma2480'), ('watchdog_sec', 0.001), ('watchdog_sec', 86400.0)])
def test_a_value_at_the_edge_is_accepted(name, value):
    assert getattr(BusSpec(**{name: value}), name) == value


@pytest.mark.parametrize('name, value', [
    ('sticks', -1), ('sticks', 65), ('sticks', 1.0), ('sticks', True), ('inference_ms', -0.1),
    ('inference_ms', 60000.1), ('transfer_ms', float('nan')), ('boot_ms', '200'),
    ('boot_ms', False), ('ambient_celsius', float('inf')), ('rise_celsius', -1),
    ('time_constant_sec', 0), ('die_rise_celsius', -1), ('die_time_constant_sec', 0),
    ('hub_rise_celsius', -0.1), ('hub_time_constant_sec', 0), ('throttle_celsius', float('nan')),
    ('throttle_celsius', '70'), ('usb_mb_per_sec', -1), ('usb_mb_per_sec', 10001),
    ('usb_mb_per_sec', False), ('library_faults', 1), ('leftovers', 'some'),
    ('leftovers', True), ('chip', ''), ('chip', 2480), ('watchdog_sec', 0),
    ('watchdog_sec', 86401.0)])
def test_a_value_outside_is_refused_with_its_name_and_value(name, value):
    with pytest.raises(ValueError, match=f'{name}=') as caught:
        BusSpec(**{name: value})
    assert str(value) in str(caught.value)
    assert 'expected' in str(caught.value)
