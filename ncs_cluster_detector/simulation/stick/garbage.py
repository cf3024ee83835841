# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Wrong results of a faulty simulated stick; the same ones in every run."""

import random

import numpy as np
import numpy.typing as npt

# The greatest finite number in half precision: far more boxes than a result has room for.
_HUGE_COUNT = 65504.0


def spoil(output: npt.NDArray[np.float16], kind: str, number: int) -> npt.NDArray[np.float16]:
    """
    Return a wrong result.

    :param output: flat float16 array with the right result; it is not changed.
    :param kind: a word of :data:`fault_words.GARBAGE`; ``counts`` changes the first value only,
        which is the number of boxes in a detector's result.
    :param number: of the inference: the seed of random bytes.
    """
    if kind == 'nan':
        return np.full_like(output, np.nan)
    if kind == 'inf':
        return np.full_like(output, np.inf)
    if kind == 'random':
        return np.frombuffer(random.Random(number).randbytes(output.nbytes), dtype=output.dtype)
    spoiled = output.copy()
    spoiled[:1] = _HUGE_COUNT
    return spoiled
