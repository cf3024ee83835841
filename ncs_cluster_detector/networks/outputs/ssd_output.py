# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks whose last layer is the DetectionOutput of SSD."""

from collections.abc import Sequence
from typing import Any

from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.labels import default_labels
from ncs_cluster_detector.networks.outputs.box_rows import vector_of
from ncs_cluster_detector.networks.outputs.output_kind import OutputKind
from ncs_cluster_detector.networks.outputs.ssd_rows import has_rows
from ncs_cluster_detector.networks.outputs.ssd_rows import rows_before_end
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
import numpy as np
import numpy.typing as npt


class SsdOutput(OutputKind):
    """
    One output of rows of seven values: image, class, score, left, top, right, bottom.

    Three dimensions, 1xNx7, are not taken: those are a YOLOv5 of two classes. Two are, if they are
    fixed: a number of rows that is known only afterwards is that of networks which suppress boxes
    themselves and give image, corners, class and score (YOLOv7).
    """

    title = 'SSD'
    form = '1x1xNx7 (image, class, score, left, top, right, bottom)'
    has_background = True
    input_format = InputFormat()
    usual_size = 300, 300

    @classmethod
    def recognise(cls, outputs: Sequence[TensorForm],
                  input_size: tuple[int, int]) -> 'SsdOutput | None':
        """Return an object for a network with these outputs, or None."""
        if len(outputs) != 1:
            return None
        shape = outputs[0].shape
        if len(shape) == 4:
            shape = shape[0] or 1, *shape[1:]   # a batch of any size may be one of 1
        is_known = len(shape) == 4 or len(shape) == 2 and None not in shape
        return cls() if is_known and has_rows(shape) else None

    def vector(self, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return the vector of :mod:`ssd`."""
        return vector_of(rows_before_end(outputs[0]))

    def default_labels(self, graph_name: str) -> tuple[str, ...]:
        """Return those of faces or of Pascal VOC, by the graph's name."""
        return default_labels(graph_name)
