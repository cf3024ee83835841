# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tells whether boxes are in pixels of the input or in fractions of it."""

import numpy as np
import numpy.typing as npt

# In fractions of the picture no usual box ends beyond this, and in pixels nearly all do.
_FARTHEST_FRACTION = 2.0


def divisors_of(corners: npt.NDArray[np.floating], input_size: tuple[int, int],
                ) -> npt.NDArray[np.float64] | None:
    """
    Return by what the corners of boxes are divided to get fractions, 4 values; None: no telling.

    Exports to ONNX, OpenVINO and saved models of Ultralytics are in pixels, those of YOLOv5 to any
    format of TensorFlow and those of v8 and later to TensorFlow Lite are in fractions, and no name
    tells. But a head gives a box for every cell, whatever is in the picture, so half of all boxes
    end beyond its middle or near it: in pixels that is far beyond 2, in fractions it is below.
    Rows without any extent only fill up, and do not count. Sources: ``models/tf.py`` of YOLOv5,
    ``nn/autobackend.py`` of Ultralytics and its pull request 1695.

    :param corners: N x 4: left, top, right and bottom of the boxes in an output, whatever their
        scores are.
    :param input_size: (width, height) of the input in pixels.
    """
    left, top, right, bottom = corners.T
    far = np.maximum(right, bottom)[(right > left) & (bottom > top)]
    far = far[np.isfinite(far)]
    if not len(far):
        return None
    width, height = input_size if np.median(far) > _FARTHEST_FRACTION else (1, 1)
    return np.array([width, height, width, height], dtype=np.float64)
