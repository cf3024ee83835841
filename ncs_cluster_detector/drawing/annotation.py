# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The whole annotation of a picture: boxes, labels and the strip."""

from collections.abc import Sequence
from typing import Any

from ncs_cluster_detector.drawing.boxes import draw_detections
from ncs_cluster_detector.drawing.status_strip import lay_on
from ncs_cluster_detector.drawing.status_strip import Status
from ncs_cluster_detector.drawing.status_strip import strip_for
import numpy as np
import numpy.typing as npt


def annotate(image: npt.NDArray[np.uint8], detections: Sequence[Any],
             distances: Sequence[float | None], status: Status) -> None:
    """
    Draw detections and the state of the sticks on the picture itself.

    :param image: uint8 array, height x width x 3, blue-green-red; drawn on.
    :param detections: sequence of Detection.
    :param distances: of each detection in metres, None where it is not known.
    :param status: the Status for the strip.
    """
    height, width = image.shape[:2]
    strip = strip_for(status, width, height)
    draw_detections(image, detections, distances, height - len(strip.colour))
    lay_on(image, strip)
