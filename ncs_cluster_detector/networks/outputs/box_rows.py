# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Arranges boxes as the vector of :mod:`ssd`, the best first."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs.ssd_rows import with_header
import numpy as np
import numpy.typing as npt


def rows_of(classes: npt.ArrayLike, scores: npt.ArrayLike,
            corners: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """
    Return boxes as rows of seven values, as in the vector of :mod:`ssd`.

    :param classes: N numbers, 0 being the background.
    :param scores: N numbers.
    :param corners: N x 4: left, top, right and bottom as fractions of the picture.
    :return: float32 array, N x 7; a value beyond the range of float32 is infinite.
    """
    with np.errstate(over='ignore'):
        rows = np.zeros((np.size(scores), ssd.VALUES_PER_BOX), dtype=np.float32)
        rows[:, 1], rows[:, 2], rows[:, 3:] = classes, scores, corners
    return rows


def usable(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """
    Return for each row whether :func:`ssd.decode` takes it if its class has a label.

    :param rows: float32 array, N x 7.
    """
    _, classes, scores, left, top, right, bottom = rows.T
    # No comparison with NaN is true.
    good: npt.NDArray[np.bool_] = (
        np.isfinite(rows).all(axis=1) & (classes > ssd.BACKGROUND) & (np.trunc(classes) == classes)
        & (scores >= 0) & (scores <= ssd.HIGHEST_SCORE)
        & (np.maximum(left, 0) < np.minimum(right, 1))
        & (np.maximum(top, 0) < np.minimum(bottom, 1)))
    return good


def best_first(rows: npt.NDArray[np.float32], most: int) -> npt.NDArray[np.float32]:
    """Return at most this many of the rows, those with the highest scores first."""
    return rows[np.argsort(-rows[:, 2], kind='stable')[:most]]


def vector_of(rows: npt.NDArray[np.float32], missing: int = 0) -> npt.NDArray[np.float32]:
    """
    Return the vector of :mod:`ssd` for rows in any order: a float32 array of 707 values.

    It holds 100 boxes: first the usable ones by their scores, then the others, so that they are
    counted and yet in nobody's way.

    :param rows: float32 array, N x 7.
    :param missing: boxes that were announced and did not come; they are counted, too.
    """
    good = usable(rows)
    held = np.concatenate([best_first(rows[good], ssd.MOST_BOXES), rows[~good]])
    vector = with_header(held[:ssd.MOST_BOXES], ssd.MOST_BOXES)
    vector[0] += missing   # rows of zeros follow, which are invalid, and then the vector ends
    return vector
