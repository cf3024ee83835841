# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rows of boxes that the last layer of an SSD network gives, and their end."""

from collections.abc import Sequence
from typing import Any

from ncs_cluster_detector.networks import ssd
import numpy as np
import numpy.typing as npt

_IMAGE_NUMBER = 0
_SCORE = 2


def has_rows(shape: Sequence[int | None]) -> bool:
    """
    Return whether an output is rows of boxes; a single row must have four dimensions.

    :param shape: its dimensions; None is one that is not fixed.
    """
    rows = [side for side in shape[:-1] if side != 1]
    return (len(shape) > 0 and shape[-1] == ssd.VALUES_PER_BOX and len(rows) <= 1
            and (len(rows) == 1 or len(shape) == 4))


def rows_before_end(output: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """
    Return the rows of boxes in an output: float32, N x 7.

    An image number of -1 or a score of 0 ends the rows. Source: the description of the operation
    DetectionOutput of OpenVINO for the first; other frameworks' layers fill up with zeros.

    :param output: its number of values is a multiple of 7.
    """
    rows = output.reshape(-1, ssd.VALUES_PER_BOX)
    ends = (rows[:, _IMAGE_NUMBER] == -1) | (rows[:, _SCORE] == 0)
    count = int(np.argmax(ends)) if ends.any() else len(rows)
    with np.errstate(over='ignore'):
        before: npt.NDArray[np.float32] = rows[:count].astype(np.float32)
    return before


def with_header(rows: npt.NDArray[np.float32], room: int) -> npt.NDArray[np.float32]:
    """
    Return rows of boxes as the vendor's graph compiler arranges them: their number comes first.

    :param rows: float32 array of 7 values a row, at most ``room`` rows.
    :return: flat float32 array of (room + 1) * 7 values.
    """
    vector = np.zeros((room + 1, ssd.VALUES_PER_BOX), dtype=np.float32)
    vector[0, 0] = len(rows)
    vector[1:len(rows) + 1] = rows
    return vector.reshape(-1)
