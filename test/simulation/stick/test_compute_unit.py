# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Order, blocking and time of the inferences of a stick."""

import time

from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api.mvncapi import DeviceOption
from ncs_cluster_detector.simulation.api.mvncapi import FifoOption
from ncs_cluster_detector.simulation.api.mvncapi import Status
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


def test_results_come_in_order_with_their_user_objects(bench):
    device = bench.open_stick(inference_ms=1.0, transfer_ms=1.0)
    graph, fifo_in, fifo_out = load(device)

    def write():
        for value in range(30):
            graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), [value])

    writer, outcome = in_thread(write)
    for value in range(30):
        output, user_object = fifo_out.read_elem()
        assert output.tolist() == [value] * 12
        assert user_object == [value]
    writer.join(LIMIT_SEC)
    assert outcome == [None]
    assert device.userobjs == {}


def test_a_write_blocks_until_the_first_of_two_inferences_has_ended(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick(inference_ms=100.0))
    before = time.monotonic()
    for value in range(3):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), None)
    assert time.monotonic() - before >= 0.1


def test_the_fill_levels(bench):
    bench.network.may_end.clear()
    graph, fifo_in, fifo_out = load(bench.open_stick())
    for value in range(2):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), None)
    assert fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 2
    assert fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL) == 0
    bench.network.may_end.set()
    wait_until(lambda: fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL) == 2)
    assert fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 0
    fifo_out.read_elem()
    assert fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL) == 1


def test_nothing_is_lost_when_nobody_reads(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())

    def write():
        for value in range(10):
            graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), None)

    writer, outcome = in_thread(write)
    # Two results in the output queue, one in the stick, two inputs in the input queue.
    wait_until(lambda: fifo_out.get_option(FifoOption.RO_READ_FILL_LEVEL) == 2
               and fifo_in.get_option(FifoOption.RO_WRITE_FILL_LEVEL) == 2)
    assert outcome == []
    assert [fifo_out.read_elem()[0][0] for _ in range(10)] == list(range(10))
    writer.join(LIMIT_SEC)
    assert outcome == [None]


def test_one_at_a_time_takes_transfer_and_inference(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick(inference_ms=20.0, transfer_ms=10.0))
    before = time.monotonic()
    for _ in range(3):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
        fifo_out.read_elem()
    assert time.monotonic() - before >= 0.09


def test_a_tensor_that_was_left_is_computed_from_the_command_on(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick(inference_ms=100.0))
    fifo_in.write_elem(tensor(1), None)   # without a command
    time.sleep(0.15)
    before = time.monotonic()
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(2), None)
    output, _ = fifo_out.read_elem()
    assert output[0] == 1
    assert time.monotonic() - before >= 0.1


def test_a_stick_never_beats_its_inference_time(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick(inference_ms=10.0))

    def write():
        for value in range(10):
            graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(value), None)

    before = time.monotonic()
    writer, _ = in_thread(write)
    for _ in range(10):
        fifo_out.read_elem()
    assert time.monotonic() - before >= 0.1
    writer.join(LIMIT_SEC)


def test_two_graphs_share_one_compute_unit(bench):
    device = bench.open_stick(inference_ms=50.0)
    loaded = [load(device), load(device)]
    before = time.monotonic()
    for graph, fifo_in, fifo_out in loaded:
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    for _, _, fifo_out in loaded:
        fifo_out.read_elem()
    assert time.monotonic() - before >= 0.1


def test_options_answer_while_a_read_is_blocked(bench):
    bench.network.may_end.clear()
    device = bench.open_stick()
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    reader, outcome = in_thread(fifo_out.read_elem)
    assert device.get_option(DeviceOption.RO_THERMAL_STATS)[0] >= 30.0
    assert outcome == []
    bench.network.may_end.set()
    reader.join(LIMIT_SEC)
    assert len(outcome) == 1


def test_closing_wakes_a_blocked_reader_and_a_blocked_writer(bench):
    device = bench.open_stick(inference_ms=60000.0)
    graph, fifo_in, fifo_out = load(device)
    for _ in range(2):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    calls = [in_thread(fifo_out.read_elem), in_thread(fifo_in.write_elem, tensor(0), None)]
    device.close()
    for thread, outcome in calls:
        thread.join(LIMIT_SEC)
        assert outcome == [Status.ERROR]
    assert status_of(fifo_out.read_elem) is Status.ERROR
    assert status_of(fifo_out.get_option, FifoOption.RO_READ_FILL_LEVEL) is Status.UNAUTHORIZED
    assert status_of(fifo_in.get_option, FifoOption.RO_WRITE_FILL_LEVEL) is Status.ERROR


def test_a_network_that_breaks_down_is_an_error_for_who_waits(bench):
    graph, fifo_in, fifo_out = load(bench.open_stick())
    bench.network.fault = RuntimeError('broken')
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    with pytest.raises(Exception) as caught:
        fifo_out.read_elem()
    assert caught.value.args == (Status.ERROR,)
    assert caught.value.__cause__.__cause__ is bench.network.fault
