# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a binding written for NumPy 1.15 needs of today's NumPy."""

import types
import warnings

from ncs_cluster_detector.sticks import numpy_compatibility
from ncs_cluster_detector.sticks.numpy_compatibility import TensorBytes
import numpy as np
import pytest

# As the vendor's binding reads a result.
READER = """
import numpy
def read(raw, single):
    return numpy.fromstring(raw, dtype=numpy.float32 if single else numpy.float16)
def plain(raw):
    return numpy.frombuffer(raw, numpy.float32)
"""


@pytest.fixture
def binding():
    """Return a module that uses NumPy like the vendor's."""
    module = types.ModuleType('binding')
    exec(READER, vars(module))
    return module


@pytest.mark.parametrize('dtype', [np.float16, np.float32])
def test_a_result_is_a_writable_array_and_nothing_warns(binding, dtype):
    expected = np.array([1.5, -2.0, np.inf], dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        numpy_compatibility.adapt(binding)
        result = binding.read(expected.tobytes(), dtype is np.float32)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)
    result[0] = 7
    assert result[0] == 7


def test_the_rest_of_numpy_is_numpy(binding):
    numpy_compatibility.adapt(binding)
    assert binding.numpy.float16 is np.float16
    assert binding.plain(np.float32(2.5).tobytes()).tolist() == [2.5]


def test_a_second_time_changes_nothing(binding):
    numpy_compatibility.adapt(binding)
    adapted = binding.numpy
    numpy_compatibility.adapt(binding)
    assert binding.numpy is adapted


def test_a_module_without_numpy_gets_none():
    module = types.ModuleType('binding')
    numpy_compatibility.adapt(module)
    assert not hasattr(module, 'numpy')


@pytest.mark.parametrize('tensor', [
    np.arange(12, dtype=np.float16).reshape(2, 2, 3),
    np.arange(24, dtype=np.float16).reshape(2, 4, 3)[:, ::2]])
def test_a_tensor_gives_its_bytes_in_order(tensor):
    data = TensorBytes(tensor).tostring()
    assert type(data) is bytes
    assert np.frombuffer(data, dtype=np.float16).tolist() == tensor.ravel().tolist()
