# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A calibration file for the tests, as camera_calibration writes it."""

import yaml

CONTENT = {
    'image_width': 320, 'image_height': 240, 'camera_name': 'eye',
    'camera_matrix': {'rows': 3, 'cols': 3, 'data': [300.5, 0, 160, 0, 301, 120, 0, 0, 1]},
    'distortion_model': 'plumb_bob',
    'distortion_coefficients': {'rows': 1, 'cols': 5, 'data': [-0.2, 0.1, 0.001, -0.002, 0]},
    'rectification_matrix': {'rows': 3, 'cols': 3, 'data': [1, 0, 0, 0, 1, 0, 0, 0, 1]},
    'projection_matrix': {
        'rows': 3, 'cols': 4, 'data': [290, 0, 161, 0, 0, 292, 119, 0, 0, 0, 1, 0]}}


def write(path, **changes):
    """Write a calibration file; None takes an entry away."""
    content = {name: value for name, value in {**CONTENT, **changes}.items() if value is not None}
    path.write_text(yaml.safe_dump(content))
    return str(path)
