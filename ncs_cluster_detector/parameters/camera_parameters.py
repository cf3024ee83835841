# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters of the camera node, each with its default, limits and meaning."""

from typing import Any

from ncs_cluster_detector.cameras.registry import DEFAULT
from ncs_cluster_detector.cameras.registry import device_descriptions
from ncs_cluster_detector.cameras.registry import source_descriptions
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.parameters.parameter_spec import USE_FQN


class DeviceSpec(ParameterSpec):
    """A text that may be given as a number without quotes, which ROS reads as an int or float."""

    def accept(self, value: Any) -> Any:
        """Return the device as a text."""
        whole = type(value) is int or (type(value) is float and value.is_integer())
        return super().accept(str(int(value)) if whole else value)


PARAMETERS = (
    ParameterSpec(
        'source', DEFAULT, f'Where the pictures come from: {source_descriptions()}.',
        choices=tuple(SOURCES)),
    DeviceSpec(
        'device', '/dev/video0', f'What to open {device_descriptions()}; not used by the others.'),
    ParameterSpec(
        'width', 640,
        'Width in pixels to ask a camera for, and of the test pattern; files keep their own.',
        low=16, high=4096),
    ParameterSpec(
        'height', 480,
        'Height in pixels to ask a camera for, and of the test pattern; files keep their own.',
        low=16, high=4096),
    ParameterSpec(
        'fps', 30.0,
        'Frames a second to ask a camera for, of pictures and of the test pattern; a video has '
        'its own rate.', low=0.1, high=240.0),
    ParameterSpec(
        'loop', True,
        'Whether a video or the pictures start again at the end.', live=True),
    ParameterSpec(
        'frame_id', 'camera_color_optical_frame',
        'Optical frame in the header of every message.'),
    ParameterSpec(
        'camera_info_url', '',
        'Calibration file, YAML or INI, as ROS reads it: file:///path or '
        'package://package/path. Empty = not calibrated: all matrices of camera_info are zero, '
        'except those of a RealSense, which its factory measured.'),
    USE_FQN,
)
