# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How tensors lie in memory and how their values are rounded, on both sides of every boundary."""

import math

from ncs_cluster_detector.mvnc.api import tensor_layout
from ncs_cluster_detector.simulation.api.mvncapi import TensorDescriptor
import numpy as np
import pytest


def half(value):
    return float(tensor_layout.half(np.array([value], dtype=np.float32))[0])


@pytest.mark.parametrize('value, expected', [
    # Half-way between two values of half precision: away from zero, also below the normal ones.
    (2049.0, 2050.0), (-2049.0, -2050.0), (2051.0, 2052.0), (1 + 2 ** -11, 1 + 2 ** -10),
    (2 ** -25, 2 ** -24), (3 * 2 ** -25, 2 * 2 ** -24),
    # Just beside half-way.
    (np.nextafter(np.float32(2049), np.float32(0)), 2048.0),
    (np.nextafter(np.float32(2 ** -25), np.float32(0)), 0.0),
    # The upper end.
    (65504.0, 65504.0), (np.nextafter(np.float32(65520), np.float32(0)), 65504.0),
    (65520.0, math.inf), (-1e30, -math.inf), (math.inf, math.inf), (-math.inf, -math.inf)])
def test_values_are_rounded_to_the_nearest_and_away_from_zero(value, expected):
    assert half(value) == expected


def test_no_number_and_the_sign_of_zero_are_kept():
    assert math.isnan(half(math.nan))
    assert math.copysign(1.0, half(-0.0)) == -1.0


def test_every_value_of_half_precision_is_kept():
    values = np.arange(65536, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(tensor_layout.half(values.astype(np.float32)), values)


def descriptor(shape, strides, size, data_type=0):
    height, width, channels = shape
    return TensorDescriptor(n=1, h=height, w=width, c=channels, hStride=strides[0],
                            wStride=strides[1], cStride=strides[2], totalSize=size,
                            dataType=data_type)


@pytest.mark.parametrize('shape, strides, size', [
    ((2, 5, 3), (30, 6, 2), 60), ((2, 5, 3), (10, 2, 20), 60), ((2, 5, 3), (2, 4, 20), 60),
    ((1, 1, 7), (14, 14, 2), 14), ((4, 2, 3), (8, 8, 8), 32), ((2, 3, 1), (64, 8, 8), 128)])
def test_the_size_is_the_widest_step_times_its_count(shape, strides, size):
    assert tensor_layout.total_size(descriptor(shape, strides, 0)) == size


def test_a_dense_descriptor():
    dense = tensor_layout.dense_descriptor(descriptor((2, 5, 3), (0, 0, 0), 0), 1)
    assert (dense.hStride, dense.wStride, dense.cStride, dense.totalSize) == (60, 12, 4, 120)


def test_half_precision_in_the_order_of_the_graph_goes_as_it_is_without_steps():
    values = np.arange(30, dtype=np.float16)
    without_steps = descriptor((2, 5, 3), (0, 0, 0), 60)
    host = tensor_layout.dense_descriptor(without_steps, 0)
    tensor = tensor_layout.to_stick(values.tobytes(), host, without_steps)
    assert tensor.tolist() == values.tolist()
    assert tensor_layout.to_host(tensor, without_steps, host).tolist() == values.tolist()


def test_a_graph_that_wants_channels_apart_gets_them_apart():
    picture = np.arange(30, dtype=np.float32).reshape(2, 5, 3)
    graph = descriptor((2, 5, 3), (10, 2, 20), 60)
    host = tensor_layout.dense_descriptor(graph, 1)
    tensor = tensor_layout.to_stick(picture.tobytes(), host, graph)
    assert tensor.tolist() == picture.transpose(2, 0, 1).reshape(-1).tolist()
    back = tensor_layout.to_host(tensor, graph, host)
    assert back.dtype == np.float32
    assert back.tolist() == picture.reshape(-1).tolist()


def test_a_descriptor_that_reaches_beyond_its_size_is_a_value_error():
    graph = tensor_layout.dense_descriptor(descriptor((2, 5, 3), (0, 0, 0), 0), 0)
    host = descriptor((2, 5, 3), (60, 60, 4), 120, data_type=1)
    with pytest.raises(ValueError, match='strides'):
        tensor_layout.to_stick(bytes(120), host, graph)
