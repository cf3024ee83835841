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

"""Tests of devices and streams."""

import glob
import socket

from camera_media import MjpegServer
from camera_media import number_of
import cv2
from ncs_cluster_detector.cameras import usb
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.usb import device_path
from ncs_cluster_detector.cameras.usb import shown_device
from ncs_cluster_detector.cameras.usb import UsbCamera
import pytest


@pytest.mark.parametrize('device, path', [
    ('0', '/dev/video0'), (' 12 ', '/dev/video12'), ('/dev/video3', '/dev/video3'),
    ('/dev/v4l/by-id/usb-cam', '/dev/v4l/by-id/usb-cam')])
def test_a_number_means_a_device_file(device, path):
    assert device_path(device) == path
    assert shown_device(device) == path


@pytest.mark.parametrize('url, shown', [
    ('rtsp://user:secret@camera/stream', 'rtsp://camera/stream'),
    ('http://camera:81/a@b', 'http://camera:81/a@b')])
def test_a_password_is_not_shown(url, shown):
    assert shown_device(url) == shown


def test_a_missing_device_is_named_with_those_that_exist(monkeypatch):
    monkeypatch.setattr(glob, 'glob', lambda _: ['/dev/video4', '/dev/video2'])
    with pytest.raises(CameraError, match='opening /dev/video63 failed: there is no such device; '
                       '.* those that exist: /dev/video2, /dev/video4$'):
        UsbCamera('63', 640, 480, 30.0)
    monkeypatch.setattr(glob, 'glob', lambda _: [])
    with pytest.raises(CameraError, match='those that exist: none$'):
        UsbCamera('/dev/video63', 640, 480, 30.0)


def test_a_file_that_is_no_camera_is_refused(tmp_path):
    path = tmp_path / 'file'
    path.write_text('not a camera')
    with pytest.raises(CameraError, match=f'opening {path} failed: another program holds it, or'):
        UsbCamera(str(path), 640, 480, 30.0)


class AskedCapture:
    """Takes what a device is asked for and grants something else."""

    def __init__(self):
        """Start with no wishes."""
        self.asked = {}

    def set(self, key, value):   # noqa: A003 (the name in OpenCV)
        """Note a wish."""
        self.asked[key] = value

    def get(self, key):
        """Grant 320x240 at 15 frames a second."""
        return {cv2.CAP_PROP_FRAME_WIDTH: 320.0, cv2.CAP_PROP_FRAME_HEIGHT: 240.0,
                cv2.CAP_PROP_FPS: 15.0}[key]


@pytest.mark.parametrize('size, compressed', [((640, 480), False), ((1280, 720), True)])
def test_what_is_asked_for_and_granted(monkeypatch, size, compressed):
    capture = AskedCapture()
    monkeypatch.setattr(usb, 'open_device', lambda path: capture)
    camera = UsbCamera('0', *size, 30.0)
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == size[0]
    assert capture.asked[cv2.CAP_PROP_FRAME_HEIGHT] == size[1]
    assert capture.asked[cv2.CAP_PROP_FPS] == 30.0
    assert (cv2.CAP_PROP_FOURCC in capture.asked) == compressed
    assert (camera.width, camera.height, camera.fps) == (320, 240, 15.0)
    assert camera.live


def test_a_stream_is_read_in_order_until_it_ends():
    with MjpegServer(fps=100.0) as server:
        camera = UsbCamera(server.url, 640, 480, 30.0)
        assert (camera.width, camera.height) == (160, 120)
        numbers = []
        for _ in range(30):
            assert camera.grab()
            numbers.append(number_of(camera.retrieve()))
    assert numbers == list(range(numbers[0], numbers[0] + 30))
    with pytest.raises(CameraError, match=f'reading from {server.url} failed'):
        while camera.grab():
            continue
    camera.close()


def test_a_stream_that_is_not_there_is_named():
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))   # taken, but nobody listens
        url = f'http://127.0.0.1:{unused.getsockname()[1]}/stream'
        with pytest.raises(CameraError, match=f'opening the stream {url} failed: no answer'):
            UsbCamera(url, 640, 480, 30.0)
