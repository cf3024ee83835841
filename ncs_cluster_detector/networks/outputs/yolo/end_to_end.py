# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""YOLOv10 and other exports that suppress overlapping boxes themselves."""

from collections.abc import Sequence
from typing import Any

from ncs_cluster_detector.networks.outputs.box_rows import rows_of
from ncs_cluster_detector.networks.outputs.box_rows import vector_of
from ncs_cluster_detector.networks.outputs.yolo.cells import Head
from ncs_cluster_detector.networks.outputs.yolo.units import divisors_of
from ncs_cluster_detector.networks.outputs.yolo.yolo_kind import LOWEST_SCORE
from ncs_cluster_detector.networks.outputs.yolo.yolo_kind import YoloKind
import numpy as np
import numpy.typing as npt


class YoloEndToEnd(YoloKind):
    """
    1 x N x 6: left, top, right, bottom, score and class.

    N is 300 as Ultralytics exports them (``max_det``), filled up with low scores or zeros.
    """

    title = 'YOLOv10 and others end to end'
    form = '1xNx6 (left, top, right, bottom, score, class)'
    head = Head.END_TO_END
    values_beside_classes = None

    def vector(self, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return the vector of :mod:`ssd`."""
        # The values may be of any size, and what comes of them is checked.
        with np.errstate(over='ignore', invalid='ignore'):
            values = np.asarray(outputs[self._index], dtype=np.float32).reshape(-1, 6)
            divisors = divisors_of(values[:, :4], self._input_size)
            found = values[~(values[:, 4] < LOWEST_SCORE)]
            corners = found[:, :4] if divisors is None else found[:, :4] / divisors
            return vector_of(rows_of(found[:, 5] + 1, found[:, 4], corners))
