# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of calibration files: read is what ROS's own parser reads, with the same values."""

import os
import time

from calibration_file import write
from ncs_cluster_detector.geometry.calibration import Calibration
from ncs_cluster_detector.geometry.calibration import Region
from ncs_cluster_detector.geometry.calibration_file import read_calibration
import pytest


EYE = Calibration(
    320, 240, 'plumb_bob', d=(-0.2, 0.1, 0.001, -0.002, 0.0),
    k=(300.5, 0, 160, 0, 301, 120, 0, 0, 1), r=(1, 0, 0, 0, 1, 0, 0, 0, 1),
    p=(290, 0, 161, 0, 0, 292, 119, 0, 0, 0, 1, 0))
PLAIN = """image_width: 320
image_height: 240
camera_name: the eye
camera_matrix:
  rows: 3
  cols: 3
  data: [300.5, 0, 160, 0, 301, 120, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.2, 0.1, 0.001, -0.002, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [290, 0, 161, 0, 0, 292, 119, 0, 0, 0, 1, 0]
"""
# What the old stereo calibration ("oST") and camera_calibration_parsers write as INI.
INI = """# oST version 5.0 parameters


[image]

width
320

height
240

[the eye]

camera matrix
300.500000 0.000000 160.000000
0.000000 301.000000 120.000000
0.000000 0.000000 1.000000

distortion
-0.200000 0.100000 0.001000 -0.002000 0.000000\x20

rectification
1.000000 0.000000 0.000000
0.000000 1.000000 0.000000
0.000000 0.000000 1.000000

projection
290.000000 0.000000 161.000000 0.000000
0.000000 292.000000 119.000000 0.000000
0.000000 0.000000 1.000000 0.000000
"""


def read(path, text):
    """Return the calibration in a text, which is written to a file, and the warnings."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    warnings = []
    return read_calibration(str(path), warnings.append), warnings


def test_the_file_of_camera_calibration_is_read(tmp_path):
    assert read_calibration(write(tmp_path / 'eye.yaml')) == EYE
    assert read(tmp_path / 'eye.yaml', PLAIN) == (EYE, [])


OPENCV_MATRIX = ': !!opencv-matrix\n  rows'


@pytest.mark.parametrize('text', [
    PLAIN.replace(',', ''),
    PLAIN.replace(', ', '\n    , '),
    PLAIN.replace(', ', ',\n    '),
    PLAIN.replace('[', '\n    - ').replace(']', '').replace(', ', '\n    - '),
    PLAIN.replace('[', '').replace(']', '').replace(',', ''),
    '%YAML:1.0\n' + PLAIN.replace(':\n  rows', OPENCV_MATRIX).replace('  data', '  dt: d\n  data'),
    '%YAML:1.0\n---\n' + PLAIN.replace(':\n  rows', OPENCV_MATRIX),
    '---\n' + PLAIN + '...\n---\n[another, document',
    PLAIN.replace('\n', '\r\n'),
    '\ufeff' + PLAIN,
    PLAIN.replace('the eye', 'caf\xe9').encode('latin-1'),
    PLAIN.replace('the eye', 'caf\x93').encode('latin-1'),
    PLAIN.replace('320', '&width 320').replace('camera_name: the eye', 'other: *width'),
    PLAIN.replace('0.001', '1e-3').replace('-0.2', '-.2').replace('160', '+1.6e2'),
    PLAIN + 'image_width: 77\n',   # ROS takes the first one
    PLAIN + 'calibration_time: !!python/object/apply:os.abort []\n',
    PLAIN + 'binning_x: 0\nbinning_y: 0\nroi: {x_offset: 0, y_offset: 0, height: 0, width: 0, '
            'do_rectify: false}\n'])
def test_whatever_wrote_it_the_values_are_the_same(tmp_path, text):
    assert read(tmp_path / 'eye.yml', text) == (EYE, [])


@pytest.mark.parametrize('model', ['', 'camera_model: plumb_bob\n', 'camera_model: pinhole\n',
                                   'distortion_model:\n', 'distortion_model: ~\n'])
def test_without_a_model_it_is_the_one_that_ros_assumes_and_that_is_told(tmp_path, model):
    path = tmp_path / 'eye.yaml'
    calibration, warnings = read(path, PLAIN.replace('distortion_model: plumb_bob\n', model))
    assert calibration == EYE
    assert len(warnings) == 1
    assert warnings[0].startswith(f'{path} names no distortion_model: plumb_bob is assumed')


def test_other_models_and_numbers_of_coefficients_are_kept(tmp_path):
    text = PLAIN.replace('plumb_bob', 'equidistant').replace('cols: 5', 'cols: 4')
    calibration, _ = read(tmp_path / 'eye.yaml', text)   # ROS reads as many as rows and cols tell
    assert (calibration.distortion_model, calibration.d) == (
        'equidistant', (-0.2, 0.1, 0.001, -0.002))


def test_binning_and_region_are_read(tmp_path):
    calibration, _ = read(
        tmp_path / 'eye.yaml', PLAIN + 'binning_x: 2\nbinning_y: 4\nroi:\n  x_offset: 20\n'
        '  y_offset: 40\n  height: 80\n  width: 200\n  do_rectify: true\n')
    assert (calibration.binning_x, calibration.binning_y) == (2, 4)
    assert calibration.roi == Region(20, 40, 80, 200, True)
    assert calibration.picture_size == (100, 20)
    assert EYE.picture_size == (320, 240)


@pytest.mark.parametrize('text', [
    INI, INI.replace('\n', '\r\n'), INI.replace('\n\n', '\n; a comment\n'),
    INI + '\n[externals]\n\ntranslation\n0.0 0.0 0.0\n\nrotation\n0.0 0.0 0.0\n',
    INI.replace('the eye', 'caf\xe9').encode('latin-1'),
    INI.replace('[the eye]', '[left eye]\n\ncamera matrix\n1 2 3\n[right eye]')])
def test_an_ini_file_is_read(tmp_path, text):
    assert read(tmp_path / 'ost.ini', text) == (EYE, [])


def test_eight_coefficients_of_an_ini_file_are_a_rational_polynomial(tmp_path):
    calibration, _ = read(tmp_path / 'ost.ini', INI.replace('-0.002000 0.0', '-0.002 0.0 6 7 8.0'))
    assert calibration.distortion_model == 'rational_polynomial'
    assert calibration.d == (-0.2, 0.1, 0.001, -0.002, 0.0, 6.0, 7.0, 8.0)


@pytest.mark.parametrize('old, new, text', [
    ('[image]', '', 'it has no section [image]'), ('width\n', '', "it has no 'width'"),
    ('[the eye]', '[externals]', 'it has no section of a camera'),
    ('projection', 'projektion', "it has no 'projection'"),
    ('301.000000 120.000000', '301.000000', 'camera matrix has 2 values, expected 3'),
    ('-0.200000 ', '', 'distortion has 4 values, expected 5 or 8'),
    ('301.000000', 'nan', 'camera matrix holds a value that is not finite'),
    ('0.000000 292.000000 119.000000 0.000000\n0.000000 0.000000 1.000000 0.000000\n', '',
     'projection ends after 1 lines'),
    (INI, '', 'it has no section [image]')])
def test_what_an_ini_file_lacks_is_named_in_one_line(tmp_path, old, new, text):
    path = tmp_path / 'ost.ini'
    with pytest.raises(ValueError) as caught:
        read(path, INI.replace(old, new))
    assert text in str(caught.value)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_a_file_with_a_name_of_any_bytes_is_read(tmp_path):
    path = os.fsencode(tmp_path) + b'/caf\xe9.yaml'
    with open(path, 'w') as file:
        file.write(PLAIN)
    assert read_calibration(os.fsdecode(path)) == EYE


@pytest.mark.parametrize('text', [
    'a: &a [x, x]\n' + ''.join(
        f'{after}: &{after} [{", ".join([f"*{before}"] * 9)}]\n'
        for before, after in zip('abcdefghijklm', 'bcdefghijklmn')) + PLAIN.replace(
            'plumb_bob', '*n'),
    'camera_matrix: &a {data: [*a]}', '[' * 20000, 'a: ' * 20000, '- ' * 40000,
    ' ' * 200000, '\x00', '"' + 'x' * 99000, '!!python/object/apply:os.abort []',
    '? [a]\n: b\n', PLAIN.replace('300.5', 'x' * 50000)])
def test_a_hostile_file_is_refused_at_once_in_one_line(tmp_path, text):
    path = tmp_path / 'eye.yaml'
    start = time.monotonic()
    with pytest.raises(ValueError) as caught:
        read(path, text)
    assert time.monotonic() - start < 20.0   # some would take hours
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / 'eye.yaml'
    os.mkfifo(path)
    with pytest.raises(ValueError, match='it is no file'):
        read_calibration(str(path))


@pytest.mark.parametrize('changes, text', [
    ({'image_width': None}, "it has no 'image_width'"),
    ({'camera_matrix': None}, "it has no 'camera_matrix'"),
    ({'camera_matrix': {'data': [1, 2]}}, 'camera_matrix has 2 values, expected 9'),
    ({'projection_matrix': {'data': [0.0] * 9}}, 'projection_matrix has 9 values, expected 12'),
    ({'projection_matrix': [1, 2]}, 'no calibration'),
    ({'distortion_coefficients': {'data': ['a']}}, 'no calibration'),
    ({'distortion_coefficients': {'data': [float('nan')]}}, 'not finite'),
    ({'distortion_coefficients': {'rows': 1, 'cols': 9, 'data': [0.0]}}, 'expected 1'),
    ({'camera_matrix': {'rows': 4, 'cols': 3, 'data': [0.0] * 9}}, 'has 12 values by its rows'),
    ({'distortion_model': ['a']}, 'distortion_model is no single value'),
    ({'binning_x': -1}, 'binning_x is -1'), ({'image_width': 1e300}, 'the image size is 1'),
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
