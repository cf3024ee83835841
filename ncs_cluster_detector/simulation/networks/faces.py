# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The built-in detector ``faces``: frontal faces by a cascade of Haar features."""

import cv2
from ncs_cluster_detector.networks.ssd import Box
from ncs_cluster_detector.simulation.networks.cascade import find_cascade
import numpy as np
import numpy.typing as npt

FACE_CLASS = 1

# The step between the sizes of faces, and how many windows must agree on a face. With these values
# the cascade finds no face in pictures without one, and a clear face in four windows or more.
_SIZE_STEP = 1.2
_LEAST_WINDOWS = 3


class FaceDetector:
    """Finds upright frontal faces of at least about a twelfth of the picture's width."""

    def __init__(self, width: int = 240, height: int = 180) -> None:
        """
        Load the cascade, which is a file of OpenCV.

        :param width: pixels to which the picture is scaled; the smallest face has 20 of them. The
            default shape undoes the stretch of a picture of 4:3.
        :raises FileNotFoundError: the file is not installed.
        """
        self._size = (width, height)
        self._cascade = cv2.CascadeClassifier(find_cascade())

    def __call__(self, image: npt.NDArray[np.uint8]) -> list[Box]:
        """
        Return the boxes of the faces in an image (height x width x 3, blue-green-red).

        The score is n / (n + 2) for a face on which n windows agree: the cascade itself gives no
        probability, and all faces that it finds must pass the usual threshold of 0.6.
        """
        width, height = self._size
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        grey = cv2.resize(grey, self._size, interpolation=cv2.INTER_AREA)
        boxes, windows = self._cascade.detectMultiScale2(
            grey, scaleFactor=_SIZE_STEP, minNeighbors=_LEAST_WINDOWS)
        return [(FACE_CLASS, float(count / (count + 2)),
                 x / width, y / height, (x + box_width) / width, (y + box_height) / height)
                for (x, y, box_width, box_height), count in zip(boxes, np.ravel(windows))]
