# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Calibration files, YAML and INI, and their URLs."""

from pathlib import Path
import tempfile

from fuzz_door import ANY_TEXT
from fuzz_door import door
from fuzz_door import NUMBER_WORDS
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.camera_node.camera_info import calibration_at
from ncs_cluster_detector.camera_node.camera_info import camera_info_of
from ncs_cluster_detector.geometry.calibration_file import read_calibration
import numpy as np
from std_msgs.msg import Header

FOLDER = tempfile.TemporaryDirectory()
NAMES = ['image_width', 'image_height', 'distortion_model', 'camera_matrix', 'roi', 'rows', 'cols',
         'distortion_coefficients', 'rectification_matrix', 'projection_matrix', 'data',
         'binning_x', 'binning_y', 'x_offset', 'do_rectify', 'camera_name']
MATRIX = '{name}:\n  rows: {rows}\n  cols: {cols}\n  data: [{data}]\n'


def yaml_of(width='640', height='480', model='plumb_bob', d='0, 0, 0, 0, 0',
            k='500, 0, 320, 0, 500, 240, 0, 0, 1', rows='3', more=''):
    """Return the text of a calibration file."""
    return (f'image_width: {width}\nimage_height: {height}\ncamera_name: eye\n'
            f'distortion_model: {model}\n{more}'
            + MATRIX.format(name='camera_matrix', rows=rows, cols=3, data=k)
            + MATRIX.format(name='distortion_coefficients', rows=1, cols=5, data=d)
            + MATRIX.format(name='rectification_matrix', rows=3, cols=3,
                            data='1, 0, 0, 0, 1, 0, 0, 0, 1')
            + MATRIX.format(name='projection_matrix', rows=3, cols=4,
                            data='500, 0, 320, 0, 0, 500, 240, 0, 0, 0, 1, 0'))


INI = """[image]
width
640
height
480
[eye]
camera matrix
500 0 320
0 500 240
0 0 1
distortion
0 0 0 0 0
rectification
1 0 0
0 1 0
0 0 1
projection
500 0 320 0
0 500 240 0
0 0 1 0
"""
WORDS = NUMBER_WORDS | ANY_TEXT.map(lambda text: text.encode(errors='replace').decode())
PIECES = st.sampled_from(
    [*(f'{name}: ' for name in NAMES), *(f'\n{name}: ' for name in NAMES), '\n', '\n  ', '- ',
     '{', '}', '[', ']', ',', '&a ', '*a', '!!float ', '!!opencv-matrix ', '%YAML:1.0\n', '---\n',
     '"', "'", '|\n', '>\n', '? ', '<<: ', '\t', '#', '[' * 2000, '{a: ' * 2000, '\\UFFFFFFFF',
     '"\\UFFFFFFFF"', '!<a> ', '!%41 ', '!%zz ', '1, ' * 9, '\0', '\ufeff', '...\n'])


def read(content, ending):
    """Read a file with this content; check what is read."""
    path = Path(FOLDER.name, 'calibration' + ending)
    path.write_bytes(content)
    warnings = []
    calibration = taken_or_refused(lambda: read_calibration(str(path), warnings.append),
                                   ValueError)
    if calibration is not None:
        info = camera_info_of(Header(), 640, 480, calibration)
        assert np.isfinite([*info.k, *info.r, *info.p, *info.d]).all()
        assert len(warnings) <= 1


@door(60, width=WORDS, height=WORDS, model=WORDS, d=WORDS, k=WORDS, rows=WORDS,
      more=st.lists(PIECES, max_size=4).map(''.join))
def test_a_yaml_file_with_any_values_is_read_or_refused(width, height, model, d, k, rows, more):
    read(yaml_of(width, height, model, d, k, rows, more).encode(), '.yaml')


@door(60, data=spoilt([yaml_of().encode(), yaml_of(more='roi:\n  width: 8\n').encode()])
      | st.lists(PIECES | WORDS, max_size=30).map(lambda parts: ''.join(parts).encode()))
def test_a_yaml_file_of_any_form_is_read_or_refused(data):
    read(data, '.yaml')


@door(150, data=spoilt([INI.encode()]) | st.lists(
    st.sampled_from(INI.splitlines()) | WORDS, max_size=30).map(
        lambda lines: '\n'.join(lines).encode()))
def test_an_ini_file_is_read_or_refused(data):
    read(data, '.ini')


SCHEMES = st.sampled_from(['file://', 'FILE:///', 'package://', 'http://', 'file:/', ''])
PLACES = st.sampled_from(
    ['', '/', '/%E9', '/%00', 'rclpy/a', 'rclpy/%00', '../a/b', '/dev/zero', '~', '/tmp',
     'ncs_cluster_detector/', 'ncs_cluster_detector/%2e%2e'])


@door(200, url=ANY_TEXT | st.tuples(SCHEMES, PLACES | ANY_TEXT).map(''.join))
def test_a_calibration_url_is_found_or_refused(url):
    taken_or_refused(lambda: calibration_at(url), ValueError)
