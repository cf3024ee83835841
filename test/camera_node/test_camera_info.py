# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the camera node's camera_info and compressed pictures, as a process, over DDS."""

import os

from calibration_file import write
from camera_ear import SMALL
from camera_ear import stamps_of
import cv2
from ncs_cluster_detector.camera_node import camera_info
from ncs_cluster_detector.camera_node.camera_info import calibration_at
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage


def test_a_calibration_file_fills_camera_info(start_camera, ear, tmp_path):
    path = write(tmp_path / 'the eye.yaml')
    start_camera(source='test_pattern', camera_info_url=f'file://{path}', **SMALL)
    ear.wait_for(lambda: ear.infos and ear.images)
    info = ear.infos[-1]
    assert (info.width, info.height, info.distortion_model) == (320, 240, 'plumb_bob')
    assert list(info.d) == [-0.2, 0.1, 0.001, -0.002, 0.0]
    assert list(info.k) == [300.5, 0, 160, 0, 301, 120, 0, 0, 1]
    assert list(info.r) == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert list(info.p) == [290, 0, 161, 0, 0, 292, 119, 0, 0, 0, 1, 0]
    assert (info.binning_x, info.roi.width, info.roi.do_rectify) == (0, 0, False)


def test_an_old_file_with_a_name_that_is_not_utf8_fills_it_too(start_camera, ear, tmp_path):
    path = write(tmp_path / 'eye.yaml', distortion_model=None, camera_model='plumb_bob',
                 binning_x=2, binning_y=2, image_width=640, image_height=480)
    os.rename(path, os.fsencode(tmp_path) + b'/caf\xe9.yaml')
    camera = start_camera(source='test_pattern', camera_info_url=f'file://{tmp_path}/caf%E9.yaml',
                          **SMALL)
    camera.wait_for_line('caf\\xe9.yaml names no distortion_model: plumb_bob is assumed')
    ear.wait_for(lambda: ear.infos and ear.images)
    info = ear.infos[-1]
    assert (info.width, info.height, info.distortion_model) == (640, 480, 'plumb_bob')
    assert list(info.k) == [300.5, 0, 160, 0, 301, 120, 0, 0, 1]
    assert (info.binning_x, info.binning_y, info.roi.width) == (2, 2, 0)
    assert (ear.images[-1].width, ear.images[-1].height) == (320, 240)


def test_a_calibration_for_another_size_is_not_used_and_told_once(start_camera, ear, tmp_path):
    path = write(tmp_path / 'eye.yaml')
    camera = start_camera(source='test_pattern', camera_info_url=f'file://{path}', width=160,
                          height=120)
    camera.wait_for_line('the calibration is for 320x240, the pictures are 160x120')
    ear.wait_for(lambda: len(ear.infos) >= 5)
    assert (ear.infos[-1].width, ear.infos[-1].height) == (160, 120)
    assert not ear.infos[-1].k.any()
    assert camera.output.count('the calibration is for') == 1


@pytest.mark.parametrize('url, text', [
    ('file:///there/is/none.yaml', 'No such file'), ('none.yaml', 'must be empty, file:///')])
def test_an_unusable_calibration_is_a_start_up_error(refusal, url, text):
    line = refusal('camera_node', source='test_pattern', camera_info_url=url)
    assert f'camera_info_url={url}: ' in line and text in line


def test_a_package_has_calibrations_too(tmp_path, monkeypatch):
    (tmp_path / 'config').mkdir()
    write(tmp_path / 'config' / 'eye.yaml')
    monkeypatch.setattr(camera_info, 'get_package_share_directory', {'robot': tmp_path}.get)
    assert calibration_at('package://robot/config/eye.yaml').width == 320
    assert calibration_at('') is None


@pytest.mark.parametrize('url', [
    'package://no_such_package_anywhere/eye.yaml', 'package://', 'package://robot',
    'file://eye.yaml', 'http://robot/eye.yaml', '/eye.yaml'])
def test_a_url_that_names_nothing_is_refused_in_one_line(url):
    with pytest.raises(ValueError) as caught:
        calibration_at(url)
    assert '\n' not in str(caught.value)


def test_a_compressed_picture_is_the_same_picture(start_camera, ear, probe):
    heard = []
    probe.listen(CompressedImage, 'image_raw/compressed', heard)
    start_camera(source='test_pattern', **SMALL)
    ear.wait_for(lambda: set(stamps_of(heard)) & set(stamps_of(ear.images)))
    stamps = stamps_of(heard)
    image, message = next((image, heard[stamps.index(stamp)]) for image, stamp in zip(
        list(ear.images), stamps_of(ear.images)) if stamp in stamps)
    assert message.header == image.header
    assert message.format == 'bgr8; jpeg compressed bgr8'
    picture = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    raw = np.frombuffer(image.data, np.uint8).reshape(picture.shape)
    assert np.mean(cv2.absdiff(picture, raw)) < 3.0
