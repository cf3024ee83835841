# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How the double of OpenVINO names its sticks, and what it tells of them."""

from ncs_cluster_detector.simulation.openvino import runtime
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
from openvino_bench import FIRST
from openvino_bench import OpenvinoBench
from openvino_bench import SECOND
from openvino_bench import skip_without_openvino
from openvino_bench import twice
from other_process import OtherProcess
import pytest

skip_without_openvino()


@pytest.fixture
def bench():
    """Return a bench for sticks."""
    with OpenvinoBench() as bench:
        yield bench


def sticks_of(core):
    """Return the devices that are no others."""
    return [name for name in core.available_devices if name.startswith('MYRIAD')]


@pytest.mark.parametrize('count, names', [
    (0, []), (1, ['MYRIAD']), (2, [FIRST, SECOND])])
def test_a_single_stick_has_no_number(bench, count, names):
    core = bench.plug_in(sticks=count)
    assert sticks_of(core) == names
    assert core.get_property('MYRIAD', 'AVAILABLE_DEVICES') == [
        '1.1-ma2480', '1.2-ma2480'][:count]


def test_the_other_devices_are_the_real_ones(bench):
    core, real = bench.plug_in(sticks=2), import_openvino().Core()
    assert sorted([*real.available_devices, FIRST, SECOND]) == core.available_devices
    assert core.get_property('CPU', 'FULL_DEVICE_NAME') == real.get_property(
        'CPU', 'FULL_DEVICE_NAME')
    assert core.compile_model(twice(), 'CPU').get_property('NETWORK_NAME') == 'twice'


def test_without_a_bus_all_is_the_real_one(monkeypatch):
    monkeypatch.setattr(runtime.process_state, '_plugged_in', None)
    monkeypatch.delenv('NCS_SIMULATED_BUS', raising=False)
    core = runtime.Core()
    assert sticks_of(core) == []
    with pytest.raises(RuntimeError, match='MYRIAD'):
        core.compile_model(twice(), FIRST)
    assert runtime.Tensor is import_openvino().Tensor
    assert not hasattr(runtime, 'no_such_thing')


def test_a_stick_that_another_process_has_booted_is_not_listed(bench):
    core = bench.plug_in(sticks=3)
    with OtherProcess(bench.bus) as other:
        other.do('from openvino_bench import There')
        other.do('there = There()')
        assert other.do('there.load("MYRIAD.1.2-ma2480")') is None
        assert sticks_of(core) == ['MYRIAD.1.1-ma2480', 'MYRIAD.1.3-ma2480']
        assert other.do('there.core.get_property("MYRIAD", "AVAILABLE_DEVICES")') == [
            '1.1-ma2480', '1.2-ma2480', '1.3-ma2480']


def test_sticks_in_reset_or_boot_are_not_listed(bench):
    core = bench.plug_in(sticks=3, boot_ms=60000.0)
    bench.bus.port('1.1').boot(1)
    bench.bus.port('1.2').reset(1, 60.0)
    assert sticks_of(core) == ['MYRIAD']


def test_a_fault_can_end_the_list(bench):
    core = bench.plug_in(sticks=3)
    bench.bus.inject('1.2', 'error', 'enumerate', 'ERROR')
    assert sticks_of(core) == ['MYRIAD']


def test_a_stick_without_permission_is_listed(bench):
    core = bench.plug_in()
    bench.bus.inject('1.1', 'no-access')
    assert sticks_of(core) == ['MYRIAD']


def test_properties_of_a_stick(bench):
    core = bench.plug_in(sticks=2)
    assert core.get_property(FIRST, 'FULL_DEVICE_NAME') == 'Intel Movidius Myriad X VPU'
    assert core.get_property(FIRST, 'OPTIMIZATION_CAPABILITIES') == ['FP16', 'EXPORT_IMPORT']
    assert core.get_property('MYRIAD', 'RANGE_FOR_ASYNC_INFER_REQUESTS') == (3, 6, 1)
    with pytest.raises(RuntimeError, match='NO_SUCH'):
        core.get_property(FIRST, 'NO_SUCH')


def test_a_core_tells_only_the_temperature_of_a_stick_that_it_has_opened(bench):
    core = bench.plug_in(sticks=2, ambient_celsius=41.0)
    with pytest.raises(TypeError, match='Failed to convert parameter'):
        core.get_property(FIRST, 'DEVICE_THERMAL')
    compiled = core.compile_model(twice(), FIRST)
    assert core.get_property(FIRST, 'DEVICE_THERMAL') == 41.0
    assert compiled.get_property('DEVICE_THERMAL') == 41.0
    with pytest.raises(TypeError):
        core.get_property(SECOND, 'DEVICE_THERMAL')
    with pytest.raises(TypeError):
        bench.core().get_property(FIRST, 'DEVICE_THERMAL')


def test_a_name_without_a_stick_is_for_a_single_one(bench):
    core = bench.plug_in(sticks=2)
    with pytest.raises(RuntimeError, match='KEY_DEVICE_ID is undefined'):
        core.get_property('MYRIAD', 'FULL_DEVICE_NAME')
    bench.bus.inject('1.2', 'unplug')
    assert core.get_property('MYRIAD', 'FULL_DEVICE_NAME')
    bench.bus.inject('1.1', 'unplug')
    with pytest.raises(RuntimeError, match='No devices available'):
        core.get_property('MYRIAD', 'FULL_DEVICE_NAME')


@pytest.mark.parametrize('config, requests', [
    ({}, 4), ({'NUM_STREAMS': '1'}, 2), ({'MYRIAD_THROUGHPUT_STREAMS': 3}, 6),
    ({'PERFORMANCE_HINT': 'LATENCY'}, 1), ({'PERFORMANCE_HINT': 'THROUGHPUT'}, 4),
    ({'PERFORMANCE_HINT_NUM_REQUESTS': '3'}, 3), ({'PERFORMANCE_HINT_NUM_REQUESTS': '9'}, 4)])
def test_how_many_requests_keep_a_stick_busy(bench, config, requests):
    compiled = bench.plug_in().compile_model(twice(), 'MYRIAD', config)
    assert compiled.get_property('OPTIMAL_NUMBER_OF_INFER_REQUESTS') == requests
    with pytest.raises(RuntimeError, match='NO_SUCH'):
        compiled.get_property('NO_SUCH')


def test_properties_that_are_set_count_for_later_networks_and_less_than_their_own(bench):
    core = bench.plug_in()
    core.set_property('MYRIAD', {'PERFORMANCE_HINT': 'LATENCY', 'LOG_LEVEL': 'LOG_NONE'})
    for config, requests in (({}, 1), ({'PERFORMANCE_HINT': 'THROUGHPUT'}, 4)):
        compiled = core.compile_model(twice(), 'MYRIAD', config)
        assert compiled.get_property('OPTIMAL_NUMBER_OF_INFER_REQUESTS') == requests


@pytest.mark.parametrize('name, value', [
    ('NO_SUCH', '1'), ('MYRIAD_WATCHDOG', '1000'), ('MYRIAD_DEVICE_CONNECT_TIMEOUT', '-1'),
    ('NUM_STREAMS', '4'), ('MYRIAD_THROUGHPUT_STREAMS', '0')])
def test_what_cannot_be_set_is_refused(bench, name, value):
    core = bench.plug_in()
    with pytest.raises(RuntimeError, match=name):
        core.set_property('MYRIAD', {name: value})
    with pytest.raises(RuntimeError, match=name):
        core.compile_model(twice(), 'MYRIAD', {name: value})
