# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Where a picture's values go, held against the vendor's rules as the double has them."""

from ncs_cluster_detector.mvnc.api import tensor_layout
from ncs_cluster_detector.simulation.api.mvncapi import TensorDescriptor
from ncs_cluster_detector.sticks.input_layout import InputLayout
import numpy as np
import pytest


def descriptor(strides, height=4, width=5, channels=3, pictures=1):
    """Return a descriptor of a graph's input."""
    made = TensorDescriptor(n=pictures, c=channels, h=height, w=width, hStride=strides[0],
                            wStride=strides[1], cStride=strides[2])
    made.totalSize = tensor_layout.total_size(made)
    return made


DENSE = (30, 6, 2)


@pytest.mark.parametrize('strides', [
    DENSE, (32, 6, 2), (64, 6, 2), (40, 8, 2), (10, 2, 40), (16, 2, 64), (30, 2, 10), (2, 24, 8),
    (6, 24, 2), (2, 8, 40)])
@pytest.mark.filterwarnings('ignore:invalid value')
def test_what_is_arranged_arrives_as_it_is_and_in_its_place(strides):
    graph = descriptor(strides)
    layout = InputLayout(graph)
    assert layout.size == (5, 4)
    host = tensor_layout.dense_descriptor(graph, 0)
    assert layout.describe_host(host) == (strides != DENSE)
    assert host.totalSize == tensor_layout.total_size(host)
    picture = np.random.default_rng(1).uniform(-1, 1, (4, 5, 3)).astype(np.float16)
    data = layout.arranged(picture).tobytes()
    assert len(data) == host.totalSize == graph.totalSize
    sent = tensor_layout.to_stick(data, host, graph)
    assert sent.tobytes() == data
    there = np.ndarray((4, 5, 3), np.float16, sent, strides=strides)
    np.testing.assert_array_equal(there, picture)


def test_the_gaps_hold_zeros_and_the_next_picture_replaces_the_last():
    layout = InputLayout(descriptor((40, 8, 2)))
    for value in (1.0, 2.0):
        values = layout.arranged(np.full((4, 5, 3), value, np.float16)).view(np.float16)
        assert values.reshape(4, 5, 4)[:, :, 3].tolist() == [[0.0] * 5] * 4
        assert (values.reshape(4, 5, 4)[:, :, :3] == value).all()


def test_a_dense_picture_is_not_copied():
    picture = np.zeros((4, 5, 3), np.float16)
    assert InputLayout(descriptor(DENSE)).arranged(picture) is picture


@pytest.mark.parametrize('strides', [(0, 6, 2), (30, 6, 0), (30, 4, 2), (28, 6, 2), (30, 6, 1),
                                     (31, 6, 2), (10, 2, 38)])
def test_a_layout_whose_values_overlap_is_none(strides):
    with pytest.raises(ValueError, match='^1x3x4x5 with values that overlap, in steps of '
                       + ', '.join(map(str, strides)) + ' bytes'):
        InputLayout(descriptor(strides))


@pytest.mark.parametrize('channels, pictures', [(1, 1), (4, 1), (3, 2)])
def test_what_is_not_one_picture_of_three_channels_is_refused(channels, pictures):
    with pytest.raises(ValueError, match=f'^{pictures}x{channels}x4x5$'):
        InputLayout(descriptor((200, 40, 2), channels=channels, pictures=pictures))


def test_a_side_of_one_pixel_may_have_any_step():
    layout = InputLayout(descriptor((2, 6, 2), height=1))
    assert layout.size == (5, 1)
    assert InputLayout(descriptor((6, 0, 2), width=1)).size == (1, 4)
