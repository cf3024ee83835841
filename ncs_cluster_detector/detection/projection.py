# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Where in front of a camera something is that a pixel shows."""

import cv2
import numpy as np


def position_of(pixel, distance, k, d, distortion_model):
    """
    Return the position in the optical frame (x right, y down, z forward) in metres.

    The pinhole model with the lens's distortion taken off, as OpenCV defines it and
    sensor_msgs/CameraInfo holds it.

    :param pixel: ``(u, v)`` in pixels of the raw picture.
    :param distance: along the optical axis, in metres.
    :param k: intrinsic matrix, 9 values row by row, in pixels.
    :param d: coefficients of the distortion model.
    :param distortion_model: ``equidistant``, or one of those of cv2.undistortPoints.
    """
    matrix = np.reshape(k, (3, 3)).astype(float)
    points = np.array([[pixel]], dtype=float)
    if not np.any(d):
        coefficients, undistort = None, cv2.undistortPoints
    elif distortion_model == 'equidistant':
        coefficients, undistort = np.array(d[:4], float), cv2.fisheye.undistortPoints
    else:
        coefficients, undistort = np.array(d, float), cv2.undistortPoints
    x, y = undistort(points, matrix, coefficients)[0, 0]
    return float(x) * distance, float(y) * distance, distance
