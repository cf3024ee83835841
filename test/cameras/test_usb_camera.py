# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of devices; a capture object stands in for V4L2."""

import time

import cv2
from ncs_cluster_detector.cameras import usb
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.opencv.capture import MOST_SKIPPED
from ncs_cluster_detector.cameras.usb import device_path
from ncs_cluster_detector.cameras.usb import open_device
from ncs_cluster_detector.cameras.usb import UsbCamera
import numpy as np
import pytest


class V4l2Capture:
    """
    A camera with some modes, through OpenCV's V4L2 backend.

    As there, the size changes when both sides are given, an unknown format changes to the first
    one, and a change of format or size takes the rate with it.
    """

    def __init__(self, modes):
        """
        Open it.

        :param modes: format -> {(width, height): frames a second}.
        """
        self.modes = modes
        self.fps = 30
        self.size, self.width = (640, 480), None
        self.name = next(iter(modes))
        self.pos_msec = 0.0
        self.reset()

    def reset(self):
        """Let the camera grant what is nearest."""
        sizes = self.modes[self.name]
        self.size = min(sizes, key=lambda size: abs(size[0] - self.size[0]))
        self.fps = min(self.fps, sizes[self.size])

    def set(self, key, value):   # noqa: A003 (the name in OpenCV)
        """Take a wish."""
        if key == cv2.CAP_PROP_FOURCC:
            name = int(value).to_bytes(4, 'little').decode()
            self.name = name if name in self.modes else next(iter(self.modes))
        elif key == cv2.CAP_PROP_FRAME_WIDTH:
            self.width = value
            return
        elif key == cv2.CAP_PROP_FRAME_HEIGHT:
            self.size, self.width = (self.width, value), None
        elif key == cv2.CAP_PROP_FPS:
            self.fps = value
        self.reset()

    def get(self, key):
        """Tell what is granted."""
        return {cv2.CAP_PROP_FRAME_WIDTH: float(self.size[0]),
                cv2.CAP_PROP_FRAME_HEIGHT: float(self.size[1]),
                cv2.CAP_PROP_FPS: float(self.fps), cv2.CAP_PROP_POS_MSEC: self.pos_msec,
                cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter_fourcc(*self.name))}[key]

    def retrieve(self):
        """Return a grey picture."""
        return True, np.full((2, 2), 7, np.uint8)


@pytest.fixture
def opened(monkeypatch):
    """Return a function that opens a camera with some modes; it returns camera and warnings."""
    def open_with(modes, width=640, height=480, fps=30.0):
        monkeypatch.setattr(usb, 'open_device', lambda path: V4l2Capture(modes))
        warnings = []
        return UsbCamera('0', width, height, fps, warnings.append), warnings
    return open_with


def granted(camera):
    """Return all that a camera grants."""
    return camera.width, camera.height, camera.pixel_format, camera.fps


@pytest.mark.parametrize('device, path', [
    ('0', '/dev/video0'), (' 12 ', '/dev/video12'), ('/dev/video3', '/dev/video3'),
    ('/dev/v4l/by-id/usb-cam', '/dev/v4l/by-id/usb-cam')])
def test_a_number_means_a_device_file(device, path):
    assert device_path(device) == path
    assert UsbCamera.shown_name(device) == path


@pytest.mark.parametrize('modes, mode', [
    ({'YUYV': {(640, 480): 30}, 'MJPG': {(640, 480): 30}}, 'YUYV'),   # raw needs no decoding
    ({'MJPG': {(640, 480): 30}}, 'MJPG'),
    ({'YUYV': {(640, 480): 15}, 'MJPG': {(640, 480): 30}}, 'MJPG'),
    ({'YUYV': {(320, 240): 30}, 'MJPG': {(640, 480): 30}}, 'MJPG'),
    ({'YUYV': {(640, 480): 29.97}, 'MJPG': {(640, 480): 30}}, 'YUYV'),
    ({'UYVY': {(640, 480): 30}}, 'UYVY')])
def test_raw_pictures_are_taken_unless_compressed_ones_grant_more(opened, modes, mode):
    camera, warnings = opened(modes)
    assert granted(camera) == (640, 480, mode, pytest.approx(30.0, abs=0.05))
    assert camera.live
    assert not warnings


def test_what_does_not_fit_through_usb_2_is_asked_for_compressed(opened):
    both = {'YUYV': {(1280, 720): 30}, 'MJPG': {(1280, 720): 30}}
    assert opened(both, 1280, 720)[0].pixel_format == 'MJPG'
    assert opened({'YUYV': {(1280, 720): 30}}, 1280, 720)[0].pixel_format == 'YUYV'


@pytest.mark.parametrize('modes, text', [
    ({'YUYV': {(640, 480): 10}, 'MJPG': {(320, 240): 30}}, '640x480 YUYV at 10 fps'),
    ({'YUYV': {(640, 480): 10}, 'MJPG': {(640, 480): 15}}, '640x480 MJPG at 15 fps'),
    ({'YUYV': {(320, 240): 30}, 'MJPG': {(320, 240): 30}}, '320x240 YUYV at 30 fps')])
def test_the_better_grant_is_kept_and_the_difference_named(opened, modes, text):
    camera, warnings = opened(modes)
    assert '{}x{} {} at {:g} fps'.format(*granted(camera)) == text
    assert warnings == [f'/dev/video0 was asked for 640x480 at 30 fps and grants {text}; ask for '
                        'a mode that it has (v4l2-ctl --list-formats-ext)']


@pytest.mark.parametrize('told', [-1.0, 0.0, float('nan'), float('inf')])
def test_a_rate_that_the_driver_does_not_know_is_not_believed(opened, told):
    camera, warnings = opened({'YUYV': {(640, 480): told}}, fps=1e9)
    camera._capture.fps = told
    assert usb.granted_fps(camera._capture) == 0.0


@pytest.mark.parametrize('age_sec, told', [(0.05, 0.05), (0.9, 0.9), (1.1, 0.0), (-0.1, 0.0)])
def test_the_drivers_stamp_tells_the_age(opened, age_sec, told):
    camera, _ = opened({'YUYV': {(640, 480): 30}})
    camera._capture.pos_msec = (time.monotonic() - age_sec) * 1000.0
    assert camera.age_sec() == pytest.approx(told, abs=0.05)


def test_no_stamp_is_no_age(opened):
    assert opened({'YUYV': {(640, 480): 30}})[0].age_sec() == 0.0


def test_a_grey_picture_becomes_a_coloured_one(opened):
    assert opened({'GREY': {(640, 480): 30}})[0].retrieve().tolist() == [[[7] * 3] * 2] * 2


def test_a_damaged_picture_is_left_out_and_only_many_in_a_row_are_a_fault(opened, monkeypatch):
    camera, _ = opened({'YUYV': {(640, 480): 30}})
    whole = camera._capture.retrieve
    damaged = (False, None)
    for _ in range(MOST_SKIPPED - 1):
        monkeypatch.setattr(camera._capture, 'retrieve', lambda: damaged)
        assert camera.retrieve() is None
    monkeypatch.setattr(camera._capture, 'retrieve', whole)
    assert camera.retrieve() is not None
    assert camera.skipped == MOST_SKIPPED - 1
    monkeypatch.setattr(camera._capture, 'retrieve', lambda: damaged)
    assert [camera.retrieve() for _ in range(MOST_SKIPPED - 1)] == [None] * (MOST_SKIPPED - 1)
    with pytest.raises(CameraError, match=f'decoding {MOST_SKIPPED} pictures in a row'):
        camera.retrieve()


@pytest.fixture
def two_devices(monkeypatch, tmp_path):
    """Stand in for /dev and sysfs: two devices, one of which has a name."""
    for number in (10, 2):
        (tmp_path / f'video{number}').touch()
    (tmp_path / 'names' / 'video10').mkdir(parents=True)
    (tmp_path / 'names' / 'video10' / 'name').write_text('HD Camera: front\n')
    monkeypatch.setattr(usb, 'DEVICES', tmp_path)
    monkeypatch.setattr(usb, 'DEVICE_NAMES', tmp_path / 'names')
    return f'{tmp_path}/video2, {tmp_path}/video10 (HD Camera: front)'


def refusal(path):
    """Return the text of the error when a device is opened."""
    with pytest.raises(CameraError) as error:
        open_device(str(path))
    return str(error.value)


def test_a_missing_device_is_named_with_those_that_exist(two_devices, tmp_path):
    assert refusal('/dev/video63') == (
        'opening /dev/video63 failed: there is no such device; plug the camera in or choose one '
        f'of those that exist: {two_devices}')
    for number in (2, 10):
        (tmp_path / f'video{number}').unlink()
    assert refusal('/dev/video63').endswith('those that exist: none')


@pytest.mark.parametrize('path', ['/dev/null', __file__, '/dev'])
def test_what_is_no_video_device_is_refused(two_devices, path):
    assert refusal(path) == (f'opening {path} failed: it is no video device; choose one of those '
                             f'that exist: {two_devices}')


def test_a_device_that_cannot_be_opened_is_refused(two_devices, monkeypatch):
    monkeypatch.setattr(usb, 'is_video_device', lambda status: True)
    assert refusal('/dev/null') == (
        'opening /dev/null failed: another program holds it, or it delivers no pictures; close '
        f'the other program or choose one of those that exist: {two_devices}')
    monkeypatch.setattr(usb.os, 'access', lambda path, mode: False)
    assert refusal('/dev/null') == ('opening /dev/null failed: this user may not use it; add the '
                                    'user to the group video')
