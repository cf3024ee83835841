# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Queues of the double of the vendor's API, and what happens to tensors in them."""

import math

from ncs_cluster_detector.simulation import mvncapi
from ncs_cluster_detector.simulation.mvncapi import FifoDataType
from ncs_cluster_detector.simulation.mvncapi import FifoOption
from ncs_cluster_detector.simulation.mvncapi import FifoType
from ncs_cluster_detector.simulation.mvncapi import Status
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
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, values, None)
    output, _ = fifo_out.read_elem()
    assert output.dtype == np.float32
    assert output.ndim == 1
    with np.errstate(over='ignore'):
        np.testing.assert_array_equal(output, values.astype(np.float16).astype(np.float32))


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


def test_a_queue_that_is_not_allocated():
    fifo = mvncapi.Fifo('fifo', FifoType.HOST_WO)
    assert fifo.get_option(FifoOption.RO_STATE) == 0
    assert fifo.get_option(FifoOption.RO_NAME) == 'fifo'
    assert status_of(fifo.get_option, FifoOption.RO_CAPACITY) is Status.NOT_ALLOCATED
    with pytest.raises(AttributeError):
        fifo.write_elem(tensor(0), None)
    with pytest.raises(UnicodeEncodeError):
        mvncapi.Fifo('Schlange ü', FifoType.HOST_WO)
