# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Inferences on the sticks of the double of OpenVINO: results, order, heat, and lost sticks."""

import time

from blocking_calls import in_thread
from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.openvino import runtime
import numpy as np
from openvino_bench import computed
from openvino_bench import FIRST
from openvino_bench import OpenvinoBench
from openvino_bench import ops
from openvino_bench import picture
from openvino_bench import SHAPE
from openvino_bench import skip_without_openvino
from openvino_bench import twice
from openvino_bench import value_of
from other_process import OtherProcess
import pytest

skip_without_openvino()

QUEUE = 'Failed to queue inference: '
READ = 'Failed to read output from FIFO: '


@pytest.fixture
def bench():
    """Return a bench for sticks."""
    with OpenvinoBench() as bench:
        yield bench


def text_of(call, *arguments):
    """Return the text of the error with which a call fails."""
    with pytest.raises(RuntimeError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize('inputs', [
    lambda compiled: {0: picture(7)}, lambda compiled: {'x': picture(7)},
    lambda compiled: {compiled.inputs[0]: picture(7)}, lambda compiled: [picture(7)],
    lambda compiled: picture(7), lambda compiled: {'x': runtime.Tensor(picture(7))},
    lambda compiled: {'x': picture(7, np.float32)}])
def test_an_input_is_given_in_any_form(bench, inputs):
    compiled = bench.compiled()
    request = compiled.create_infer_request()
    results = request.infer(inputs(compiled))
    for output in (results[compiled.outputs[0]], request.get_output_tensor(0).data):
        assert output.shape == SHAPE
        assert output.dtype == np.float32
        assert (output == 14.0).all()


def test_an_input_may_be_in_its_tensor_already(bench):
    request = bench.compiled().create_infer_request()
    request.get_input_tensor().data[...] = 9
    request.start_async()
    request.wait()
    assert (request.get_output_tensor(0).data == 18.0).all()


@pytest.mark.parametrize('inputs', [picture(1)[0], np.zeros((1, 3, 2, 1), np.uint8)])
def test_an_input_of_another_shape_is_refused(bench, inputs):
    request = bench.compiled().create_infer_request()
    assert 'has the shape' in text_of(request.infer, inputs)
    assert (computed(request, picture(2)) == 4.0).all()


def test_it_computes_in_half_precision(bench):
    compiled = bench.plug_in().compile_model(twice(np.float32), 'MYRIAD')
    request = compiled.create_infer_request()
    results = [computed(request, picture(value, np.float32)).flat[0]
               for value in (1024.5, 1025.0, 2049.0, 40000.0)]
    # 2049 is rounded to even, and 80000 is beyond half precision.
    assert results == [2048.0, 2050.0, 4096.0, np.inf]


def test_several_inputs_and_outputs_keep_their_shapes_and_precisions(bench):
    op = ops()
    left = op.parameter([2, 3], np.float32, name='left')
    right = op.parameter([2, 3], np.int32, name='right')
    total = op.add(left, op.convert(right, 'f32'))
    model = runtime.Model(
        [total, op.convert(op.reduce_sum(right, op.constant(np.array([1])), True), 'i64'),
         op.non_zero(right, 'i64')], [left, right], 'several')
    compiled = bench.plug_in().compile_model(model, 'MYRIAD')
    right_value = np.array([[1, 0, 2], [0, 0, 3]], np.int32)
    results = compiled.create_infer_request().infer([np.ones((2, 3), np.float32), right_value])
    assert results[compiled.outputs[0]].tolist() == [[2, 1, 3], [1, 1, 4]]
    assert results[compiled.outputs[1]].tolist() == [[3], [3]]
    assert results[compiled.outputs[1]].dtype == np.int64
    # This one is as long as there are values.
    assert results[compiled.outputs[2]].tolist() == [[0, 0, 1], [0, 2, 2]]


def test_requests_are_computed_in_the_order_of_their_start(bench):
    compiled = bench.compiled(inference_ms=30.0)
    requests = [compiled.create_infer_request() for _ in range(6)]
    begun_at = time.monotonic()
    for value, request in enumerate(requests):
        request.start_async(picture(value))
    assert not requests[-1].wait_for(0)
    requests[-1].wait()
    assert time.monotonic() - begun_at >= 0.18
    for value, request in enumerate(requests):
        assert request.wait_for(0)
        assert request.get_output_tensor().data.flat[0] == 2.0 * value


def test_a_request_that_computes_is_busy(bench):
    request = bench.compiled(inference_ms=60000.0).create_infer_request()
    request.wait()   # nothing was started
    request.start_async(picture(1))
    for call in (lambda: request.start_async(picture(2)), lambda: request.results,
                 request.get_output_tensor, request.get_input_tensor):
        assert 'REQUEST_BUSY' in text_of(call)
    bench.bus.inject('1.1', 'unplug')
    text_of(request.wait)


@pytest.mark.parametrize('dtype, seconds', [(np.uint8, 0.012), (np.float32, 0.048)])
def test_an_input_takes_the_bus_for_its_bytes(bench, dtype, seconds):
    core = bench.plug_in(usb_mb_per_sec=0.001)
    request = core.compile_model(twice(dtype), 'MYRIAD').create_infer_request()
    before = bench.bus.reserve_transfer(0)
    request.infer(picture(1, dtype))
    # Nothing else was on the bus, so it was busy for these bytes.
    assert bench.bus.reserve_transfer(0) - before >= seconds


def test_the_temperature_rises_with_the_work_and_falls_without(bench):
    compiled = bench.compiled(inference_ms=50.0, rise_celsius=100.0, time_constant_sec=0.5)
    request = compiled.create_infer_request()
    assert compiled.get_property('DEVICE_THERMAL') == 30.0

    def is_warm():
        request.infer(picture(1))
        return compiled.get_property('DEVICE_THERMAL') > 50.0

    wait_until(is_warm)
    wait_until(lambda: compiled.get_property('DEVICE_THERMAL') < 40.0)


def test_a_hot_stick_pauses(bench):
    request = bench.compiled().create_infer_request()
    bench.bus.inject('1.1', 'heat', '90')
    begun_at = time.monotonic()
    for _ in range(3):
        request.infer(picture(1))
    assert time.monotonic() - begun_at >= 0.2


@pytest.mark.parametrize('kind', ['nan', 'random'])
def test_a_faulty_stick_gives_garbage(bench, kind):
    request = bench.compiled().create_infer_request()
    bench.bus.inject('1.1', 'garbage', kind)
    wait_until(lambda: not (computed(request, picture(1)) == 2.0).all())
    if kind == 'nan':
        assert np.isnan(request.get_output_tensor().data).all()


def test_all_inferences_fail_when_the_stick_is_unplugged(bench):
    compiled = bench.compiled(inference_ms=60000.0)
    requests = [compiled.create_infer_request() for _ in range(6)]
    for request in requests:
        request.start_async(picture(1))
    waits = [in_thread(request.wait) for request in requests]
    wait_until(lambda: compiled._stick.connection.unit.calls.waiting())
    bench.bus.inject('1.1', 'unplug')
    for thread, _ in waits:
        thread.join(LIMIT_SEC)
    texts = [str(outcome[0]) for _, outcome in waits]
    # The first four have places on the stick.
    assert texts == [READ + 'NC_ERROR'] * 4 + [QUEUE + 'NC_ERROR'] * 2
    assert text_of(requests[0].infer, picture(1)) == QUEUE + 'NC_ERROR'
    assert text_of(compiled.get_property, 'DEVICE_THERMAL') == (
        'Failed to get thermal stats: NC_ERROR')


def test_a_mute_stick_says_nothing_until_it_is_unplugged(bench):
    compiled = bench.compiled(inference_ms=60000.0)
    request = compiled.create_infer_request()
    request.start_async(picture(1))
    wait_until(lambda: compiled._stick.connection.unit.calls.waiting())
    bench.bus.inject('1.1', 'mute')
    assert not request.wait_for(100)
    bench.bus.inject('1.1', 'unplug')
    assert text_of(request.wait) == READ + 'NC_ERROR'


def test_a_core_has_no_use_for_a_stick_that_it_has_lost(bench):
    core = bench.plug_in(sticks=2)
    core.compile_model(twice(), FIRST)
    bench.bus.inject('1.1', 'unplug')
    ids = ['1.1-ma2480', '1.2-ma2480']
    assert core.get_property('MYRIAD', 'AVAILABLE_DEVICES') == ids   # as if nothing had happened
    bench.bus.inject('1.1', 'plug')
    assert core.get_property('MYRIAD', 'AVAILABLE_DEVICES') == ['1.1-ma2480', *ids]
    assert text_of(core.compile_model, twice(), FIRST) == 'Failed to allocate graph: NC_ERROR'
    fresh = bench.core()
    assert fresh.get_property('MYRIAD', 'AVAILABLE_DEVICES') == ids
    request = fresh.compile_model(twice(), FIRST).create_infer_request()
    assert value_of(request, 8) == 16.0


@pytest.mark.parametrize('call, status, text', [
    ('write', 'TIMEOUT', QUEUE + 'NC_TIMEOUT'), ('trigger', 'ERROR', QUEUE + 'NC_ERROR'),
    ('read', 'MYRIAD_ERROR', READ + 'NC_MYRIAD_ERROR'),
    ('read', 'INVALID_HANDLE', READ + 'UNKNOWN MVNC STATUS')])
def test_a_status_of_the_library_is_told(bench, call, status, text):
    request = bench.compiled().create_infer_request()
    bench.bus.inject('1.1', 'error', call, status)
    texts = []

    def has_failed():
        try:
            request.infer(picture(1))
        except RuntimeError as error:
            texts.append(str(error))
        return texts

    wait_until(has_failed)   # the thread that notices faults needs a moment
    assert texts == [text]


def test_a_temperature_that_is_refused_is_an_error(bench):
    compiled = bench.compiled()
    bench.bus.inject('1.1', 'error', 'option', 'TIMEOUT')
    wait_until(lambda: compiled._stick.connection.unit.calls.faults.errors)
    assert text_of(compiled.get_property, 'DEVICE_THERMAL') == (
        'Failed to get thermal stats: NC_TIMEOUT')


def test_a_network_that_a_stick_refuses_takes_no_place_on_it(bench):
    core = bench.plug_in()
    bench.bus.inject('1.1', 'error', 'allocate', 'OUT_OF_MEMORY')
    assert text_of(core.compile_model, twice(), FIRST) == (
        'Failed to allocate graph: NC_OUT_OF_MEMORY')
    bench.bus.inject('1.1', 'clear')
    (stick,) = core._myriad._pool
    wait_until(lambda: not stick.connection.unit.calls.faults.errors)
    assert stick.networks == 0
    assert stick.connection.unit.memory.bytes_used() == 0
    compiled = core.compile_model(twice(weights=1000), FIRST)
    # Its weights in half precision, and four places for inputs and for outputs.
    assert stick.connection.unit.memory.bytes_used() == 2 * 1000 + 4 * 12 + 4 * 2 * 12 * 1000
    assert computed(compiled.create_infer_request(), picture(1)).shape == (1000, 3, 2, 2)


@pytest.mark.parametrize('fault', [('hang', 'read'), ('hang', 'write'), ('mute',)])
def test_nothing_ends_a_wait_for_a_stick_that_hangs_but_the_end_of_the_process(bench, fault):
    bench.plug_in(sticks=2, watchdog_sec=2.0)
    with OtherProcess(bench.bus) as hanging:
        hanging.do('from openvino_bench import There')
        hanging.do('there = There()')
        assert hanging.do('there.load()') is None
        assert hanging.do('there.infer(1)') == 2.0
        bench.bus.inject('1.1', *fault)
        hanging.do('unit = there.core._myriad._pool[0].connection.unit')
        wait_until(lambda: hanging.do(f'unit.calls.faults.hangs("{fault[-1]}") or '
                                      'unit.calls.faults.mute'))
        hanging.begin('there.infer(1)')
        # Longer than its watchdog has patience: the process still gives signs of life.
        assert not hanging.has_answered(2.5)
        assert bench.bus.port('1.1').has_booted()
        hanging.kill()
    bench.bus.inject('1.1', 'clear')
    wait_until(bench.bus.port('1.1').in_rom)
