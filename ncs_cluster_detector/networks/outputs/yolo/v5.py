# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""YOLOv5, and v3 and v7 in the same form: three boxes a cell, with objectness."""

from ncs_cluster_detector.networks.outputs.yolo.cells import Head
from ncs_cluster_detector.networks.outputs.yolo.dense_head import Candidates
from ncs_cluster_detector.networks.outputs.yolo.dense_head import DenseHead
from ncs_cluster_detector.networks.outputs.yolo.yolo_kind import LOWEST_SCORE
import numpy as np
import numpy.typing as npt


class YoloV5(DenseHead):
    """
    1 x N x (5 + C): centre x, centre y, width, height, objectness, and a value for each class.

    The score of a class is its value times the objectness.
    """

    title = 'YOLOv5'
    form = '1xNx(5+C)'
    head = Head.OBJECTNESS
    values_beside_classes = 5
    # The default of its own detect.py (--iou-thres), beside a confidence of 0.25.
    highest_overlap = 0.45

    def candidates(self, output: npt.NDArray[np.float32]) -> Candidates:
        """Return the candidates in the output."""
        values = output.reshape(-1, output.shape[-1])
        # No class has a value above 1, so that the objectness alone rules most boxes out.
        indices = np.flatnonzero(~(values[:, 4] < LOWEST_SCORE))
        of_classes = values[indices, 5:]
        classes = of_classes.argmax(axis=1)   # NaN, if there is one
        scores = of_classes[np.arange(len(indices)), classes] * values[indices, 4]
        high = ~(scores < LOWEST_SCORE)
        return Candidates(values[:, :4], indices[high], classes[high], scores[high])
