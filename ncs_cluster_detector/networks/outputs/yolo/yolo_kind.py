# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What all networks called YOLO have in common."""

from collections.abc import Sequence
from typing import ClassVar

from ncs_cluster_detector.networks.coco import COCO_80
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.outputs.output_kind import OutputKind
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
from ncs_cluster_detector.networks.outputs.yolo.cells import Head
from ncs_cluster_detector.networks.outputs.yolo.cells import head_of
import numpy as np

# Boxes with a lower score are left out before any other work: of the thousands that a head gives
# nearly all are far below. It is lower than what anybody shows (0.25 by default in the programs
# that come with these networks), and above the 0.001 that those use to measure precision only.
LOWEST_SCORE = np.float32(0.01)


class YoloKind(OutputKind):
    """
    One output of boxes, in pixels of the input or in fractions of it.

    YOLOv5 and v7 exports give further outputs of five dimensions, the grids as they are before
    decoding, which are ignored. Networks for masks and poses are not told from their shapes.
    """

    has_background = False
    input_format = InputFormat(mean=0.0, scale=1 / 255, order='rgb')
    usual_size = 640, 640
    head: ClassVar[Head]
    # How many values a box has beside those of its classes; None: it has one class by its number.
    values_beside_classes: ClassVar[int | None]

    def __init__(self, index: int, class_count: int | None, input_size: tuple[int, int]) -> None:
        """
        Read the boxes from one of the outputs.

        :param index: of the output with the boxes.
        :param class_count: None if the outputs do not tell.
        :param input_size: (width, height) of the input in pixels.
        """
        self._index = index
        self.class_count = class_count
        self._input_size = input_size

    @classmethod
    def recognise(cls, outputs: Sequence[TensorForm],
                  input_size: tuple[int, int]) -> 'YoloKind | None':
        """Return an object for a network with these outputs, or None."""
        found = [index for index, form in enumerate(outputs) if len(form.shape) != 5]
        if len(found) != 1 or head_of(outputs[found[0]].shape, input_size) is not cls.head:
            return None
        classes = None
        if cls.values_beside_classes is not None:
            sides = outputs[found[0]].shape
            values = sides[2] if cls.head is Head.OBJECTNESS else sides[1]
            assert values is not None   # only the side of the boxes may be open
            classes = values - cls.values_beside_classes
        return cls(found[0], classes, input_size)

    def default_labels(self, graph_name: str) -> tuple[str, ...]:
        """Return those of COCO for 80 or an unknown number of classes, or else numbered ones."""
        if self.class_count in (None, len(COCO_80) - 1):
            return COCO_80
        if self.class_count == 1 and 'face' in graph_name.rsplit('/', 1)[-1].lower():
            return FACE
        return ('background', *(f'class {index}' for index in range(self.class_count or 0)))
