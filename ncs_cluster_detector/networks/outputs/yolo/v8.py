# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""YOLOv8, v9, v11 and later: one box a cell, without objectness."""

from ncs_cluster_detector.networks.outputs.yolo.cells import Head
from ncs_cluster_detector.networks.outputs.yolo.dense_head import Candidates
from ncs_cluster_detector.networks.outputs.yolo.dense_head import DenseHead
from ncs_cluster_detector.networks.outputs.yolo.yolo_kind import LOWEST_SCORE
import numpy as np
import numpy.typing as npt


class YoloV8(DenseHead):
    """1 x (4 + C) x N: centre x, centre y, width, height, and the score of each class."""

    title = 'YOLOv8 to v12'
    form = '1x(4+C)xN'
    head = Head.CLASSES
    values_beside_classes = 4
    # The default of Ultralytics' predictions (iou in cfg/default.yaml), beside a conf of 0.25.
    highest_overlap = 0.7

    def candidates(self, output: npt.NDArray[np.float32]) -> Candidates:
        """Return the candidates in the output."""
        values = output.reshape(output.shape[-2], -1)
        best = values[4:].max(axis=0)   # NaN, if there is one
        indices = np.flatnonzero(~(best < LOWEST_SCORE))
        return Candidates(values[:4].T, indices, values[4:, indices].argmax(axis=0), best[indices])
