# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds calibrations by their URL, and makes CameraInfo messages."""

from collections.abc import Callable
from urllib.parse import unquote

from ament_index_python.packages import get_package_share_directory
from ament_index_python.packages import PackageNotFoundError
from ncs_cluster_detector.geometry.calibration import Calibration
from ncs_cluster_detector.geometry.calibration_file import read_calibration
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header


def calibration_at(url: str,
                   warn: Callable[[str], object] = lambda text: None) -> Calibration | None:
    """
    Return the Calibration in the file that a URL names, or None for an empty URL.

    :param url: a calibration URL as camera_info_manager knows it: ``file:///path``,
        ``package://package/path``, or empty; %E9 in a path is a byte of it, in any encoding.
    :param warn: called with one line if the file names no distortion model.
    :raises ValueError: there is no such file, or it is no calibration; the text is one line.
    """
    scheme, separator, rest = url.strip().partition('://')
    if not url.strip():
        return None
    if separator and scheme.lower() == 'file' and rest.startswith('/'):
        return read_calibration(_path(rest), warn)
    package, _, path = rest.partition('/')
    if separator and scheme.lower() == 'package' and package and path:
        try:
            share = get_package_share_directory(package)
        except (PackageNotFoundError, ValueError):
            raise ValueError(f'there is no package {package}; build and source it, or name the '
                             'file with file://') from None
        return read_calibration(f'{share}/{_path(path)}', warn)
    raise ValueError('must be empty, file:///path/of/calibration.yaml or '
                     'package://name_of_package/path/of/calibration.yaml')


def _path(quoted):
    return unquote(quoted, errors='surrogateescape')


def camera_info_of(header: Header, width: int, height: int,
                   calibration: Calibration | None) -> CameraInfo:
    """Return the message for a picture; without a calibration all its matrices are zero."""
    info = CameraInfo(header=header, width=width, height=height)
    if calibration is not None:
        info.width, info.height = calibration.width, calibration.height
        info.binning_x, info.binning_y = calibration.binning_x, calibration.binning_y
        info.roi = RegionOfInterest(**vars(calibration.roi))
        info.distortion_model = calibration.distortion_model
        info.d, info.k, info.r, info.p = (
            calibration.d, calibration.k, calibration.r, calibration.p)
    return info
