# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the heads of YOLO have in common that give a box for every cell."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any
from typing import ClassVar
from typing import NamedTuple

from ncs_cluster_detector.networks.outputs.box_rows import rows_of
from ncs_cluster_detector.networks.outputs.box_rows import usable
from ncs_cluster_detector.networks.outputs.box_rows import vector_of
from ncs_cluster_detector.networks.outputs.yolo.suppression import without_overlaps
from ncs_cluster_detector.networks.outputs.yolo.units import divisors_of
from ncs_cluster_detector.networks.outputs.yolo.yolo_kind import YoloKind
import numpy as np
import numpy.typing as npt

_SAMPLE = 1000   # boxes are enough to tell their unit, if they have any extent


class Candidates(NamedTuple):
    """
    Boxes that are not certainly below the lowest score.

    ``boxes`` are all of the output, N x 4: centre x and y, width and height; ``indices`` are those
    of the candidates, and ``classes`` (from 0 on) and ``scores`` are theirs.
    """

    boxes: npt.NDArray[np.float32]
    indices: npt.NDArray[np.intp]
    classes: npt.NDArray[np.intp]
    scores: npt.NDArray[np.float32]


class DenseHead(YoloKind):
    """Boxes by their centre and size; overlapping ones are suppressed here."""

    highest_overlap: ClassVar[float]

    @abstractmethod
    def candidates(self, output: npt.NDArray[np.float32]) -> Candidates:
        """Return the candidates in the output, whose score may be NaN or infinite."""

    def vector(self, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return the vector of :mod:`ssd`; a candidate that is no box is an invalid one."""
        # The values may be of any size, and what comes of them is checked.
        with np.errstate(over='ignore', invalid='ignore'):
            output = np.asarray(outputs[self._index], dtype=np.float32)
            boxes, indices, classes, scores = self.candidates(output)
            if not len(indices):
                return vector_of(rows_of([], [], np.zeros((0, 4))))
            corners = _corners(boxes[indices].astype(np.float64)) / self._divisors(boxes)
            rows = rows_of(classes + 1, scores, corners)
            good = usable(rows)
            kept = without_overlaps(rows[good], self.highest_overlap)
            return vector_of(np.concatenate([kept, rows[~good]]))

    def _divisors(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        for some in (boxes[::len(boxes) // _SAMPLE or 1], boxes):
            divisors = divisors_of(_corners(some), self._input_size)
            if divisors is not None:
                return divisors
        return np.ones(4)


def _corners(boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    centres, halves = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)
