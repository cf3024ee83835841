# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Leaves out boxes that overlap a better one of their class."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs.box_rows import best_first
import numpy as np
import numpy.typing as npt

# The best ones at most are compared with each other, as the work grows with their square: 5 ms
# for 1000 on one core of a server. 100 of them are kept at most.
MOST_CANDIDATES = 1000
_FIRST_CANDIDATES = 2 * ssd.MOST_BOXES


def without_overlaps(rows: npt.NDArray[np.float32],
                     highest_overlap: float) -> npt.NDArray[np.float32]:
    """
    Return the rows that remain, best first, at most 100; each hides what overlaps it too much.

    Only boxes of the same class hide each other. What a box reaches beyond the picture counts for
    one width and height of the picture.

    :param rows: usable rows (see :func:`box_rows.usable`) with scores above 0, N x 7.
    :param highest_overlap: of two boxes that both remain, intersection over union.
    """
    candidates = best_first(rows, MOST_CANDIDATES)
    kept = candidates[:0]
    # Which of the first remain does not depend on the others, and they often are enough.
    for most in (_FIRST_CANDIDATES, MOST_CANDIDATES):
        kept = _kept(candidates[:most], highest_overlap)
        if len(kept) >= ssd.MOST_BOXES or len(candidates) <= most:
            break
    return kept[:ssd.MOST_BOXES]


def _kept(candidates: npt.NDArray[np.float32],
          highest_overlap: float) -> npt.NDArray[np.float32]:
    import cv2   # late, as the detector node knows the kinds and runs no network
    corners = np.clip(candidates[:, 3:].astype(np.float64), -1.0, 2.0)
    # Boxes of different classes get places of their own, so that they do not overlap.
    corners[:, 0::2] += 4.0 * candidates[:, 1:2]
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    remaining = cv2.dnn.NMSBoxes(boxes.tolist(), candidates[:, 2].tolist(), 0.0, highest_overlap)
    # Old releases have them in a column, and nothing is an empty tuple.
    return candidates[np.asarray(remaining, dtype=np.intp).reshape(-1)]
