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

"""Tests of calibration files."""

from calibration_file import write
from ncs_cluster_detector.cameras.calibration import Calibration
from ncs_cluster_detector.cameras.calibration import read_calibration
import pytest


def test_the_file_of_camera_calibration_is_read(tmp_path):
    assert read_calibration(write(tmp_path / 'eye.yaml')) == Calibration(
        320, 240, 'plumb_bob', d=(-0.2, 0.1, 0.001, -0.002, 0.0),
        k=(300.5, 0, 160, 0, 301, 120, 0, 0, 1), r=(1, 0, 0, 0, 1, 0, 0, 0, 1),
        p=(290, 0, 161, 0, 0, 292, 119, 0, 0, 0, 1, 0))


@pytest.mark.parametrize('changes, text', [
    ({'image_width': None}, "it has no 'image_width'"),
    ({'camera_matrix': None}, "it has no 'camera_matrix'"),
    ({'camera_matrix': {'data': [1, 2]}}, 'camera_matrix has 2 values, expected 9'),
    ({'projection_matrix': {'data': [0.0] * 9}}, 'projection_matrix has 9 values, expected 12'),
    ({'projection_matrix': [1, 2]}, 'no calibration'),
    ({'distortion_coefficients': {'data': ['a']}}, 'no calibration'),
    ({'distortion_coefficients': {'data': [float('nan')]}}, 'not finite'),
    ({'image_height': 0}, 'image size is 320x0'), ({'image_height': []}, 'no calibration')])
def test_what_is_missing_or_wrong_is_named_in_one_line(tmp_path, changes, text):
    path = write(tmp_path / 'eye.yaml', **changes)
    with pytest.raises(ValueError, match=text) as caught:
        read_calibration(path)
    assert path in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize('content, text', [
    (None, 'No such file'), (b'', 'holds no names'), (b'[1, 2', 'no YAML'),
    (b'\xff\xfe\x00', 'YAML')])
def test_what_is_no_calibration_at_all_is_named_in_one_line(tmp_path, content, text):
    path = tmp_path / 'eye.yaml'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=text) as caught:
        read_calibration(str(path))
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)
