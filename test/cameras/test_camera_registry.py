# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of choosing the class for a source."""

from camera_media import numbered
from camera_media import write_video
import cv2
from ncs_cluster_detector.cameras.camera import DepthCamera
from ncs_cluster_detector.cameras.registry import shown_name
from ncs_cluster_detector.cameras.registry import SOURCES
import pytest


@pytest.mark.parametrize('source, name', [
    ('video', 'VideoFile'), ('images', 'Pictures'), ('test_pattern', 'SyntheticStreet')])
def test_each_source_has_its_class(tmp_path, source, name):
    device = write_video(tmp_path / 'film.avi', 1, 10.0)
    if source == 'images':
        device = str(tmp_path / 'one.png')
        cv2.imwrite(device, numbered(1))
    camera = SOURCES[source].open_camera(device, 64, 48, 5.0, warn=pytest.fail)
    assert type(camera).__name__ == name
    assert camera.grab()
    assert camera.retrieve().shape[2] == 3
    camera.close()


@pytest.mark.parametrize('source, camera', SOURCES.items(), ids=SOURCES)
def test_every_source_is_described(source, camera):
    assert camera.description
    # The documents say no more about which source has depth.
    assert ('depth' in camera.description) == issubclass(camera, DepthCamera), (
        'the description must say whether it gives depth')


def test_the_name_of_a_source():
    assert shown_name('usb', '0') == '/dev/video0'
    assert shown_name('test_pattern', '/dev/video0') == 'test_pattern'
    assert shown_name('video', 'film.mp4') == 'film.mp4'


@pytest.mark.parametrize('source, one, other', [
    ('usb', '0', '/dev/video0'), ('usb', '/dev/video2', ' 2 '),
    ('realsense', '', '/dev/video0'), ('realsense', '0141', ' 0141')])
def test_two_names_of_one_device_are_known_for_one(source, one, other):
    assert SOURCES[source].hardware(one)
    assert SOURCES[source].hardware(one) == SOURCES[source].hardware(other)


def test_a_link_to_a_device_is_known_for_it(tmp_path):
    link = tmp_path / 'by-path'
    link.symlink_to('/dev/video7')
    assert SOURCES['usb'].hardware(str(link)) == '/dev/video7'


@pytest.mark.parametrize('source, device', [
    ('usb', 'rtsp://me:pw@cam/live'), ('realsense', '/a b/street.db3'), ('video', '/a.mp4'),
    ('images', '/dev/video0'), ('test_pattern', '/dev/video0')])
def test_what_several_can_read_is_no_hardware(source, device):
    assert SOURCES[source].hardware(device) == ''


@pytest.mark.parametrize('source, one, other', [
    ('usb', '0', '1'), ('realsense', '0141', '0142'), ('realsense', '0141', '')])
def test_two_devices_are_told_apart(source, one, other):
    assert SOURCES[source].hardware(one) != SOURCES[source].hardware(other)
