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

"""The calibration of a camera: how it projects the world, and the YAML files that hold it."""

from dataclasses import dataclass
import math
import os

import yaml

# Number of values in each matrix, row by row.
MATRICES = {'camera_matrix': 9, 'rectification_matrix': 9, 'projection_matrix': 12}


@dataclass(frozen=True)
class Calibration:
    """
    What a sensor_msgs/CameraInfo holds of a calibrated camera, with the names it has there.

    ``width`` and ``height`` in pixels; ``k`` (3 x 3), ``r`` (3 x 3) and ``p`` (3 x 4) row by row,
    lengths in pixels; ``d`` are the coefficients of ``distortion_model``.
    """

    width: int
    height: int
    distortion_model: str
    d: tuple
    k: tuple
    r: tuple
    p: tuple


def pinhole(width, height, focal, centre, distortion_model, coefficients):
    """
    Return the Calibration of a single camera whose image is not rectified.

    :param focal: ``(fx, fy)`` in pixels.
    :param centre: ``(cx, cy)`` in pixels.
    """
    (fx, fy), (cx, cy) = focal, centre
    return Calibration(
        width, height, distortion_model, tuple(coefficients),
        k=(fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0),
        r=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
        p=(fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0))


def read_calibration(path):
    """
    Read the file that ROS's camera_calibration writes and its camera drivers read.

    :param path: a YAML file with ``image_width``, ``image_height``, ``distortion_model``,
        ``distortion_coefficients``, ``camera_matrix``, ``rectification_matrix`` and
        ``projection_matrix``, as described by camera_calibration_parsers.
    :return: a Calibration.
    :raises ValueError: the file cannot be read or lacks something; the text is one line.
    """
    try:
        with open(os.path.expanduser(path), encoding='utf-8') as file:
            content = yaml.safe_load(file)
    except OSError as error:
        raise ValueError(f'reading {path} failed: {error.strerror}; name a calibration file that '
                         'can be read') from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(f'{path} is no YAML file ({reason}); give the file that '
                         'camera_calibration wrote') from None
    try:
        return _calibration(content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f'it has no {error}' if isinstance(error, KeyError) else str(error)
        raise ValueError(f'{path} is no calibration of a camera: {what}; give the file that '
                         'camera_calibration wrote') from None


def _calibration(content):
    if not isinstance(content, dict):
        raise ValueError('it holds no names and values')
    width, height = (int(content[name]) for name in ('image_width', 'image_height'))
    if width < 1 or height < 1:
        raise ValueError(f'the image size is {width}x{height}, expected at least 1x1')
    k, r, p = (_numbers(content, name, size) for name, size in MATRICES.items())
    return Calibration(width, height, str(content['distortion_model']),
                       _numbers(content, 'distortion_coefficients'), k, r, p)


def _numbers(content, name, size=None):
    numbers = tuple(float(value) for value in content[name]['data'])
    if size is not None and len(numbers) != size:
        raise ValueError(f'{name} has {len(numbers)} values, expected {size}')
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f'{name} holds a value that is not finite')
    return numbers
