# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Let the vendor's binding, as it is shipped, work with every NumPy from 1.26 on.

It was written for NumPy 1.15: it calls ``tostring()`` of its input arrays and
``numpy.fromstring()`` on the bytes of a result. Both warn, and are gone from NumPy 2.3 on. This
module provides them for all versions; the binding's file stays untouched.
"""

import types
from typing import Any

import numpy as np
import numpy.typing as npt


class TensorBytes:
    """A tensor as the binding takes it: an object with ``tostring()``."""

    def __init__(self, tensor: npt.NDArray[Any]) -> None:
        """Hold an array."""
        self._tensor = tensor

    def tostring(self) -> bytes:
        """Return the bytes of the array's values in their order."""
        return self._tensor.tobytes()


class _Numpy(types.ModuleType):
    """NumPy with a ``fromstring`` for bytes."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def fromstring(data: bytes, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Return a writable array of the values in the bytes."""
        return np.frombuffer(data, dtype=dtype).copy()


def adapt(binding: Any) -> None:
    """Replace the name ``numpy``, if any, inside the module ``mvnc.mvncapi`` or its double."""
    if getattr(binding, 'numpy', None) is np:
        binding.numpy = _Numpy('numpy')
