# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Queues of the double of the vendor's API, and what happens to tensors in them."""

import math

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api.mvncapi import FifoDataType
from ncs_cluster_detector.simulation.api.mvncapi import FifoOption
from ncs_cluster_detector.simulation.api.mvncapi import FifoType
from ncs_cluster_detector.simulation.api.mvncapi import Status
import numpy as np
import pytest
from stick_bench import load
from stick_bench import status_of
from stick_bench import StickBench
from stick_bench import tensor


@pytest.fixture
def bench(monkeypatch):
    """Return a bench for sticks."""
    with StickBench(monkeypatch) as bench:
        yield bench


def test_float32_values_are_rounded_to_float16_on_the_way(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    values = np.array([0.1, 1 / 3, 2049.0, 1e6, -1e6, math.nan, 1e-9, 65504, 0, 1, -1, 0.5],
                      dtype=np.float32)
    rounded = np.array([0.1, 1 / 3, 2050.0, math.inf, -math.inf, math.nan, 0.0, 65504, 0, 1, -1,
                        0.5], dtype=np.float16)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, values, None)
    output, _ = fifo_out.read_elem()
    assert output.dtype == np.float32
    assert output.ndim == 1
    np.testing.assert_array_equal(output, rounded.astype(np.float32))


def test_float16_queues(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick(), input_fifo_data_type=FifoDataType.FP16,
                                    output_fifo_data_type=FifoDataType.FP16)
    assert fifo_in.get_option(FifoOption.RO_ELEMENT_DATA_SIZE) == 24
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0.1).astype(np.float16), None)
    output, _ = fifo_out.read_elem()
    assert output.dtype == np.float16
    assert output.tolist() == [np.float16(0.1)] * 12


class Wrapped:
    """An object with the one method that the vendor's module calls."""

    def __init__(self, array):
        self._array = array

    def tostring(self):
        return self._array.tobytes()


def test_whatever_has_tostring_is_a_tensor(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, Wrapped(tensor(0.25)), None)
    assert fifo_out.read_elem()[0].tolist() == [0.25] * 12
    with pytest.raises(AttributeError):
        fifo_in.write_elem(b'bytes have none', None)


@pytest.mark.parametrize('wrong', [
    np.zeros(12, dtype=np.float64), np.zeros(12, dtype=np.float16), np.zeros(11, np.float32)])
def test_the_number_of_bytes_must_match(bench, wrong):
    device = bench.open_stick()
    _, fifo_in, _ = load(device)
    assert status_of(fifo_in.write_elem, wrong, 1) is Status.INVALID_DATA_LENGTH
    assert fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 0
    # As in the vendor's module, what could not be queued is kept.
    assert len(device.userobjs) == 1


def test_the_wrong_end_of_a_queue_is_refused(bench):
    _, fifo_in, fifo_out = load(bench.open_stick())
    assert status_of(fifo_out.write_elem, tensor(0), None) is Status.UNAUTHORIZED
    assert status_of(fifo_in.read_elem) is Status.UNAUTHORIZED
    assert (status_of(fifo_in.get_option, FifoOption.RO_READ_FILL_LEVEL)
            is Status.UNAUTHORIZED)
    assert (status_of(fifo_out.get_option, FifoOption.RO_WRITE_FILL_LEVEL)
            is Status.UNAUTHORIZED)
    assert status_of(fifo_in.remove_elem) is Status.UNSUPPORTED_FEATURE
    assert status_of(fifo_in.get_option, FifoOption.RW_DONT_BLOCK) is Status.UNSUPPORTED_FEATURE


def test_values_of_another_type_are_taken_for_what_their_bits_say(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    integers = np.full(12, 0x3f800000, dtype=np.int32)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, integers, None)
    assert fifo_out.read_elem()[0].tolist() == [1.0] * 12


def test_the_user_objects_of_a_device_hold_what_is_under_way(bench):
    device = bench.open_stick()
    graph, fifo_in, fifo_out = load(device)
    mine = object()
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), mine)
    assert [holder.value for holder in device.userobjs.values()] == [mine]
    assert fifo_out.read_elem()[1] is mine
    assert device.userobjs == {}


def test_a_result_without_its_user_object_is_a_key_error(bench):
    device = bench.open_stick()
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    device.userobjs.clear()
    with pytest.raises(KeyError):
        fifo_out.read_elem()


def test_a_queue_destroyed_with_results_in_it_holds_up_nothing(bench):
    device = bench.open_stick()
    graph, fifo_in, fifo_out = load(device)
    for value in range(4):   # two results in the output queue, a third waits for room
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), None)
    wait_until(lambda: fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL) == 2)
    for part in (fifo_in, fifo_out, graph):
        part.destroy()
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(7), None)
    assert fifo_out.read_elem()[0][0] == 7


def test_fill_levels_count_unreleased_inputs_and_results_on_the_host(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())

    def levels():
        return (fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL),
                fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL))

    bench.network.may_end.clear()
    fifo_in.write_elem(tensor(1), None)
    assert levels() == (1, 0)
    graph.queue_inference(fifo_in, fifo_out)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(2), None)
    assert levels() == (2, 0)
    assert type(levels()[0]) is int
    bench.network.may_end.set()
    wait_until(lambda: levels() == (0, 2))
    fifo_out.read_elem()
    assert levels() == (0, 1)


def test_an_output_can_be_read_once_when_more_consumers_are_announced(bench):
    device = bench.open_stick()
    graph, fifo_in, fifo_out = load(device)
    shared = mvncapi.Fifo('shared', FifoType.HOST_RO)
    shared.set_option(FifoOption.RW_CONSUMER_COUNT, 2)
    shared.allocate(device, fifo_out.get_option(FifoOption.RO_TENSOR_DESCRIPTOR), 2)
    graph.queue_inference_with_fifo_elem(fifo_in, shared, tensor(1), None)
    graph.queue_inference_with_fifo_elem(fifo_in, shared, tensor(2), None)
    shared.read_elem()
    assert status_of(shared.read_elem) is Status.UNAUTHORIZED


def planes(data_type, size):
    """Return the descriptor of an array of channels x height x width."""
    return mvncapi.TensorDescriptor(
        n=1, c=3, w=2, h=2, totalSize=12 * size, cStride=4 * size, hStride=2 * size, wStride=size,
        dataType=data_type.value)


@pytest.mark.parametrize('data_type, dtype', [
    (FifoDataType.FP32, np.float32), (FifoDataType.FP16, np.float16)])
def test_a_host_descriptor_says_how_the_input_lies_in_memory(bench, data_type, dtype):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    descriptor = planes(data_type, np.dtype(dtype).itemsize)
    fifo_in.set_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR, descriptor)
    assert fifo_in.get_option(FifoOption.RW_DATA_TYPE) == data_type.value
    assert fifo_in.get_option(FifoOption.RO_ELEMENT_DATA_SIZE) == descriptor.totalSize
    stored = fifo_in.get_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR)
    assert bytes(stored) == bytes(descriptor)
    picture = np.arange(12, dtype=dtype).reshape(2, 2, 3)
    graph.queue_inference_with_fifo_elem(
        fifo_in, fifo_out, np.ascontiguousarray(picture.transpose(2, 0, 1)), None)
    assert fifo_out.read_elem()[0].tolist() == list(range(12))


def test_a_host_descriptor_with_gaps_in_the_output(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    descriptor = fifo_out.get_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR)
    assert (descriptor.c, descriptor.cStride, descriptor.dataType) == (12, 4, 1)
    descriptor.cStride, descriptor.wStride, descriptor.hStride = 8, 96, 96
    descriptor.totalSize = 96
    fifo_out.set_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR, descriptor)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0.5), None)
    assert fifo_out.read_elem()[0].tolist() == [0.5, 0.0] * 12


def test_wrong_host_descriptors_are_refused(bench):
    device = bench.open_stick()
    _, fifo_in, _ = load(device)
    wrong_size = planes(FifoDataType.FP32, 4)
    wrong_size.totalSize += 4
    wrong_shape = mvncapi.TensorDescriptor(
        n=1, c=3, w=4, h=1, totalSize=48, cStride=4, wStride=12, hStride=48, dataType=1)
    for wrong in (wrong_size, wrong_shape):
        assert (status_of(fifo_in.set_option, FifoOption.RW_HOST_TENSOR_DESCRIPTOR, wrong)
                is Status.INVALID_PARAMETERS)
    with pytest.raises(TypeError):
        fifo_in.set_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR, None)
    early = mvncapi.Fifo('early', FifoType.HOST_WO)
    assert (status_of(early.get_option, FifoOption.RW_HOST_TENSOR_DESCRIPTOR)
            is Status.UNAUTHORIZED)
    early.set_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR, wrong_shape)
    assert early.get_option(FifoOption.RW_HOST_TENSOR_DESCRIPTOR).w == 4
    assert (status_of(early.allocate, device,
                      fifo_in.get_option(FifoOption.RO_GRAPH_TENSOR_DESCRIPTOR), 2)
            is Status.INVALID_PARAMETERS)


def test_options_that_can_be_set_and_when(bench):
    device = bench.open_stick()
    _, fifo_in, _ = load(device)
    early = mvncapi.Fifo('early', FifoType.HOST_RO)
    early.set_option(FifoOption.RW_TYPE, FifoType.HOST_WO)
    early.set_option(FifoOption.RW_DATA_TYPE, FifoDataType.FP16)
    early.set_option(FifoOption.RW_CONSUMER_COUNT, 3)
    assert early.get_option(FifoOption.RW_CONSUMER_COUNT) == 3
    assert (status_of(early.set_option, FifoOption.RW_TYPE, mvncapi.DeviceState.CLOSED)
            is Status.INVALID_PARAMETERS)
    assert (status_of(early.set_option, FifoOption.RW_DONT_BLOCK, 1)
            is Status.UNSUPPORTED_FEATURE)
    assert status_of(early.set_option, FifoOption.RO_NAME, 1) is Status.INVALID_PARAMETERS
    assert status_of(early.set_option, FifoOption.RO_CAPACITY, 1) is Status.UNAUTHORIZED
    assert status_of(fifo_in.set_option, FifoOption.RW_DONT_BLOCK, 1) is Status.UNAUTHORIZED
    with pytest.raises(AttributeError):
        early.set_option(FifoOption.RW_TYPE, 1)
    with pytest.raises(TypeError):
        early.set_option(FifoOption.RW_CONSUMER_COUNT, '1')
    assert status_of(early.get_option, 5) is Status.INVALID_PARAMETERS
    early.allocate(device, fifo_in.get_option(FifoOption.RO_TENSOR_DESCRIPTOR), 2)
    assert early.get_option(FifoOption.RW_TYPE) == FifoType.HOST_WO.value
    assert early.get_option(FifoOption.RO_ELEMENT_DATA_SIZE) == 24


def test_wrong_allocations_are_refused(bench):
    device = bench.open_stick()
    _, fifo_in, _ = load(device)
    descriptor = fifo_in.get_option(FifoOption.RO_TENSOR_DESCRIPTOR)
    fifo = mvncapi.Fifo('fifo', FifoType.HOST_WO)
    assert status_of(fifo.allocate, device, descriptor, 0) is Status.INVALID_PARAMETERS
    assert fifo.device is device
    assert status_of(fifo.write_elem, np.zeros(0), None) is Status.INVALID_PARAMETERS
    assert status_of(fifo.write_elem, tensor(0), None) is Status.NOT_ALLOCATED
    assert status_of(fifo.read_elem) is Status.NOT_ALLOCATED
    empty = mvncapi.TensorDescriptor(n=1, c=3, w=0, h=2, totalSize=24)
    assert status_of(fifo.allocate, device, empty, 2) is Status.INVALID_PARAMETERS
    assert status_of(fifo_in.allocate, device, descriptor, 2) is Status.UNAUTHORIZED
    device.close()
    assert status_of(fifo.allocate, device, descriptor, 2) is Status.INVALID_PARAMETERS
    with pytest.raises(Exception) as caught:
        mvncapi.Fifo('fifo', mvncapi.DeviceState.CLOSED)
    assert caught.value.args == (Status.UNSUPPORTED_FEATURE,)


def test_a_queue_that_is_not_allocated():
    fifo = mvncapi.Fifo('fifo', FifoType.HOST_WO)
    assert fifo.get_option(FifoOption.RO_STATE) == 0
    assert fifo.get_option(FifoOption.RO_NAME) == 'fifo'
    assert status_of(fifo.get_option, FifoOption.RO_CAPACITY) is Status.NOT_ALLOCATED
    with pytest.raises(AttributeError):
        fifo.write_elem(tensor(0), None)
    with pytest.raises(UnicodeEncodeError):
        mvncapi.Fifo('Schlange ü', FifoType.HOST_WO)
    long_name = mvncapi.Fifo('n' * 40, FifoType.HOST_WO)
    assert long_name.get_option(FifoOption.RO_NAME) == 'n' * 28
    fifo.destroy()
    with pytest.raises(TypeError):
        fifo.destroy()


def test_a_queue_without_a_native_part():
    fifo = mvncapi.Fifo(name='fifo', fifo_type=None, skip_init=True)
    assert status_of(fifo.get_option, FifoOption.RO_STATE) is Status.INVALID_HANDLE
    fifo.destroy()
    with pytest.raises(TypeError):
        fifo.destroy()
