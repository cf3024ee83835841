# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Graphs of the double of the vendor's API."""

import ctypes

from blocking_calls import LIMIT_SEC
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api import simulated_sticks
from ncs_cluster_detector.simulation.api.mvncapi import DeviceOption
from ncs_cluster_detector.simulation.api.mvncapi import FifoDataType
from ncs_cluster_detector.simulation.api.mvncapi import FifoOption
from ncs_cluster_detector.simulation.api.mvncapi import FifoType
from ncs_cluster_detector.simulation.api.mvncapi import GraphOption
from ncs_cluster_detector.simulation.api.mvncapi import Status
import numpy as np
import pytest
from stick_bench import GRAPH
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


def test_a_graph_describes_itself(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    (input_descriptor,) = graph.get_option(GraphOption.RO_INPUT_TENSOR_DESCRIPTORS)
    assert (input_descriptor.n, input_descriptor.c, input_descriptor.w, input_descriptor.h) == (
        1, 3, 2, 2)
    assert input_descriptor.totalSize == 24
    (output_descriptor,) = graph.get_option(GraphOption.RO_OUTPUT_TENSOR_DESCRIPTORS)
    assert output_descriptor.c == 12
    assert fifo_in.get_option(FifoOption.RO_ELEMENT_DATA_SIZE) == 48
    assert fifo_out.get_option(FifoOption.RO_ELEMENT_DATA_SIZE) == 48
    assert graph.get_option(GraphOption.RO_GRAPH_NAME) == 'graph'
    assert graph.get_option(GraphOption.RO_GRAPH_STATE) == 1
    assert graph.get_option(GraphOption.RO_INPUT_COUNT) == 1
    assert graph.get_option(GraphOption.RO_TIME_TAKEN).tolist() == [0.0]
    assert graph.get_option(GraphOption.RO_TIME_TAKEN_ARRAY_SIZE) == 4


def test_the_time_taken_is_that_of_the_stick(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick(inference_ms=20.0))
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    fifo_out.read_elem()
    (time_taken_ms,) = graph.get_option(GraphOption.RO_TIME_TAKEN)
    assert time_taken_ms >= 19.99


def test_before_allocation_a_graph_knows_little():
    graph = mvncapi.Graph('graph')
    assert graph.get_option(GraphOption.RO_GRAPH_STATE) == 0
    assert status_of(graph.get_option, GraphOption.RO_TIME_TAKEN) is Status.NOT_ALLOCATED


def test_a_graph_file_that_cannot_be_run_is_refused_with_its_cause(bench, monkeypatch):
    device = bench.open_stick()

    def refuse(data):
        raise ValueError('why')

    monkeypatch.setattr(simulated_sticks, 'load_network', refuse)
    with pytest.raises(Exception) as caught:
        load(device)
    assert caught.value.args == (Status.UNSUPPORTED_GRAPH_FILE,)
    assert str(caught.value.__cause__) == 'why'
    assert device.get_option(DeviceOption.RO_ALLOCATED_GRAPH_NUM) == 0


def test_wrong_allocations_are_refused(bench):
    device = bench.open_stick()
    assert status_of(mvncapi.Graph('a').allocate, device, b'') is Status.ERROR
    with pytest.raises(ctypes.ArgumentError):
        mvncapi.Graph('a').allocate(device, bytearray(GRAPH))
    assert (status_of(mvncapi.Graph('a').allocate_with_fifos, device, GRAPH, FifoType.HOST_WO, 0)
            is Status.INVALID_PARAMETERS)
    assert (status_of(mvncapi.Graph('a').allocate_with_fifos, device, GRAPH, FifoType.HOST_RO)
            is Status.INVALID_PARAMETERS)
    with pytest.raises(TypeError):
        mvncapi.Graph('a').allocate(device, None)
    device.close()
    assert status_of(mvncapi.Graph('a').allocate, device, GRAPH) is Status.INVALID_PARAMETERS
    destroyed = mvncapi.Graph('a')
    destroyed.destroy()
    assert status_of(destroyed.allocate, device, GRAPH) is Status.INVALID_HANDLE
    assert (status_of(destroyed.allocate_with_fifos, device, GRAPH)
            is Status.INVALID_PARAMETERS)


def test_text_as_a_graph_is_taken_for_its_wide_characters(bench, monkeypatch):
    seen = []
    monkeypatch.setattr(simulated_sticks, 'load_network',
                        lambda data: seen.append(data) or bench.network)
    mvncapi.Graph('graph').allocate(bench.open_stick(), 'abcdef')
    assert seen == [b'a\0\0\0b\0']


def test_a_stick_takes_ten_graphs(bench):
    device = bench.open_stick()
    graphs = [mvncapi.Graph(f'{index}') for index in range(10)]
    for graph in graphs:
        graph.allocate(device, GRAPH)
    assert device.get_option(DeviceOption.RO_ALLOCATED_GRAPH_NUM) == 10
    assert device.get_option(DeviceOption.RO_CURRENT_MEMORY_USED) == 10 * len(GRAPH)
    assert status_of(mvncapi.Graph('more').allocate, device, GRAPH) is Status.ERROR
    graphs[0].destroy()
    mvncapi.Graph('more').allocate(device, GRAPH)


def test_queues_can_be_made_one_by_one(bench):
    device = bench.open_stick()
    graph = mvncapi.Graph('graph')
    graph.allocate(device, GRAPH)
    fifo_in = mvncapi.Fifo('in', FifoType.HOST_WO)
    fifo_out = mvncapi.Fifo('out', FifoType.HOST_RO)
    fifo_in.set_option(FifoOption.RW_DATA_TYPE, FifoDataType.FP16)
    (descriptor,) = graph.get_option(GraphOption.RO_INPUT_TENSOR_DESCRIPTORS)
    fifo_in.allocate(device, descriptor, 3)
    (descriptor,) = graph.get_option(GraphOption.RO_OUTPUT_TENSOR_DESCRIPTORS)
    fifo_out.allocate(device, descriptor, 2)
    assert device.get_option(DeviceOption.RO_ALLOCATED_FIFO_NUM) == 2
    assert fifo_in.get_option(FifoOption.RO_CAPACITY) == 3
    assert status_of(graph.queue_inference, fifo_in, fifo_out) is Status.UNAUTHORIZED
    fifo_in.write_elem(tensor(0.5).astype(np.float16), 'mine')
    graph.queue_inference(fifo_in, fifo_out)
    output, user_object = fifo_out.read_elem()
    assert output.tolist() == [0.5] * 12
    assert user_object == 'mine'


def test_destroying_twice_is_a_type_error_as_in_the_vendors_module(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    for thing in (fifo_in, fifo_out, graph):
        thing.destroy()
        with pytest.raises(TypeError):
            thing.destroy()
    assert status_of(fifo_out.read_elem) is Status.INVALID_HANDLE


def test_a_graph_whose_state_was_read_while_it_ran_fills_its_queue_until_a_call_blocks(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    fifo_out.read_elem()
    assert graph.get_option(GraphOption.RO_GRAPH_STATE) == 2
    for level in (1, 2):
        assert (status_of(graph.queue_inference_with_fifo_elem, fifo_in, fifo_out, tensor(0), None)
                is Status.NOT_ALLOCATED)
        assert fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == level
    assert status_of(graph.queue_inference, fifo_in, fifo_out) is Status.NOT_ALLOCATED
    thread, outcome = in_thread(
        graph.queue_inference_with_fifo_elem, fifo_in, fifo_out, tensor(0), None)
    thread.join(0.05)
    assert thread.is_alive() and not outcome
    fifo_in.device.close()
    thread.join(LIMIT_SEC)
    assert outcome == [Status.ERROR]


def test_the_state_may_be_read_before_the_first_inference(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    assert graph.get_option(GraphOption.RO_GRAPH_STATE) == 1
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    assert fifo_out.read_elem()[0].tolist() == [0.0] * 12


def test_queues_that_do_not_fit_the_graph_are_refused(bench):
    device = bench.open_stick()
    graph, fifo_in, fifo_out = load(device)
    fifo_in.write_elem(tensor(0), None)
    assert status_of(graph.queue_inference, fifo_in, fifo_in) is Status.INVALID_PARAMETERS
    assert status_of(graph.queue_inference, fifo_out, fifo_out) is Status.INVALID_PARAMETERS
    early = mvncapi.Fifo('early', FifoType.HOST_RO)
    assert status_of(graph.queue_inference, fifo_in, early) is Status.NOT_ALLOCATED
    (descriptor,) = graph.get_option(GraphOption.RO_OUTPUT_TENSOR_DESCRIPTORS)
    descriptor.totalSize *= 2
    early.allocate(device, descriptor, 2)
    assert status_of(graph.queue_inference, fifo_in, early) is Status.INVALID_PARAMETERS


def test_destroyed_queues_and_graphs_are_told_apart_from_wrong_types(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    fifo_out.destroy()
    with pytest.raises(TypeError):
        graph.queue_inference(fifo_in, fifo_out)
    # The tensor is written before anything else is looked at.
    assert (status_of(graph.queue_inference_with_fifo_elem, fifo_in, fifo_out, tensor(0), None)
            is Status.INVALID_HANDLE)
    assert fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 1
    graph.destroy()
    assert status_of(graph.get_option, GraphOption.RO_GRAPH_NAME) is Status.INVALID_HANDLE
    assert (status_of(graph.set_option, GraphOption.RW_EXECUTORS_NUM, 1)
            is Status.INVALID_HANDLE)


def test_options_of_a_graph(bench):
    device = bench.open_stick()
    graph = mvncapi.Graph('graph')
    most = device.get_option(DeviceOption.RO_MAX_EXECUTORS_NUM)
    graph.set_option(GraphOption.RW_EXECUTORS_NUM, most + 1)
    assert graph.get_option(GraphOption.RW_EXECUTORS_NUM) == most + 1
    assert status_of(graph.allocate, device, GRAPH) is Status.INVALID_PARAMETERS
    graph.set_option(GraphOption.RW_EXECUTORS_NUM, most)
    graph.allocate(device, GRAPH)
    assert (status_of(graph.set_option, GraphOption.RW_EXECUTORS_NUM, 1)
            is Status.UNAUTHORIZED)
    assert status_of(graph.set_option, GraphOption.RO_TIME_TAKEN, 1) is Status.UNAUTHORIZED
    assert (status_of(graph.set_option, DeviceOption.RO_DEVICE_NAME, 1)
            is Status.INVALID_PARAMETERS)
    with pytest.raises(TypeError):
        graph.set_option(GraphOption.RO_TIME_TAKEN, 'text')
    assert status_of(graph.get_option, FifoOption.RO_NAME) is Status.INVALID_PARAMETERS
    assert graph.get_option(GraphOption.RO_DEBUG_INFO) == ''
    assert graph.get_option(GraphOption.RO_GRAPH_VERSION).dtype == np.uint32
    device.close()
    assert status_of(graph.get_option, GraphOption.RO_TIME_TAKEN) is Status.ERROR
    assert status_of(graph.get_option, GraphOption.RO_DEBUG_INFO) is Status.ERROR
    assert graph.get_option(GraphOption.RO_INPUT_COUNT) == 1


def test_when_the_second_queue_does_not_fit_the_first_is_taken_back(bench):
    device = bench.open_stick()
    graph, fifo_in, _ = load(device)
    (descriptor,) = graph.get_option(GraphOption.RO_INPUT_TENSOR_DESCRIPTORS)
    most = device.get_option(DeviceOption.RO_MAX_FIFO_NUM)
    for index in range(most - 3):
        mvncapi.Fifo(f'{index}', FifoType.HOST_WO).allocate(device, descriptor, 1)
    second = mvncapi.Graph('second')
    assert status_of(second.allocate_with_fifos, device, GRAPH) is Status.ERROR
    assert device.get_option(DeviceOption.RO_ALLOCATED_FIFO_NUM) == most - 1
    assert device.get_option(DeviceOption.RO_ALLOCATED_GRAPH_NUM) == 2
