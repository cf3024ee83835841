# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Addresses that are of the web and of no stream: they are told as what they are."""

import base64
import os
import socket
from unittest import mock

from camera_media import jpeg
from camera_media import MjpegServer
from camera_media import noise
from camera_media import numbered
import cv2
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.http_answer import ask
from ncs_cluster_detector.cameras.http_answer import TIMEOUT_SEC
from ncs_cluster_detector.cameras.registry import check_address
from ncs_cluster_detector.cameras.stream import is_snapshot
from ncs_cluster_detector.cameras.stream import StreamCamera
import pytest
from web_server import WebServer

PNG = cv2.imencode('.png', numbered(3))[1].tobytes()
ANSWERS = {
    'shot.jpg': ('image/jpeg', jpeg(numbered(3))), 'large.jpg': ('image/jpeg', jpeg(noise())),
    'shot.png': ('image/png', PNG), 'untyped': (None, jpeg(numbered(3))), 'untyped2': (None, PNG),
    'octets': ('application/octet-stream', jpeg(numbered(3))),
    'page': ('text/html; charset=utf-8', b'<html>camera</html>' * 50),
    'json': ('application/json', b'{}'), 'empty': (None, b'')}


@pytest.fixture(autouse=True)
def environment():
    """Take back what a stream sets for FFmpeg, so that other tests do not see it."""
    with mock.patch.dict(os.environ):
        yield


@pytest.mark.parametrize('path', [
    'shot.jpg', 'large.jpg', 'shot.png', 'untyped', 'untyped2', 'octets'])
def test_a_snapshot_is_told_as_one_and_never_delivered(path):
    with WebServer(ANSWERS) as server:
        for _ in range(3):
            camera = StreamCamera(server.url(path))
            with pytest.raises(CameraError) as error:
                camera.grab()
            camera.close()
            assert str(error.value) == (
                f'a snapshot is no stream: {server.url(path)} gives one picture an answer; use '
                "the camera's stream address (MJPEG or RTSP)")


def test_a_camera_that_takes_seconds_for_a_picture_is_known_by_it():
    with WebServer(ANSWERS, delay_sec=TIMEOUT_SEC + 0.2) as server:
        assert is_snapshot(server.url('shot.jpg'))


@pytest.mark.parametrize('path, told', [
    ('page', ' (it answers text/html)'), ('json', ' (it answers application/json)'),
    ('none', ' (it answers 404 Not Found)'), ('empty', '')])
def test_what_is_no_video_is_told_with_what_it_is(path, told):
    with WebServer(ANSWERS) as server, pytest.raises(CameraError) as error:
        StreamCamera(server.url(path))
    assert str(error.value) == (
        f'opening the stream {server.url(path)} failed: no answer, or none that is a video{told}; '
        'check the address and the server')


def test_several_pictures_in_an_answer_are_no_snapshot():
    pictures = b''.join(jpeg(numbered(number)) for number in range(3))
    with WebServer({'three': ('image/jpeg', pictures)}) as server:
        camera = StreamCamera(server.url('three'))
        with pytest.raises(CameraError, match='failed: it was unplugged, stopped or is silent'):
            while camera.grab():
                continue
        camera.close()


def test_a_stream_that_ends_after_its_first_picture_is_no_snapshot():
    with MjpegServer(fps=100.0, cut_after=1) as server:
        camera = StreamCamera(server.url)
        with pytest.raises(CameraError, match='failed: it was unplugged, stopped or is silent'):
            camera.grab()
            camera.grab()
        camera.close()


@pytest.mark.parametrize('challenge, begin', [
    ('Basic realm="cam"', 'Basic ' + base64.b64encode(b'me:a b@c').decode()),
    ('Digest realm="cam", nonce="n", qop="auth", algorithm=MD5', 'Digest username="me"')])
def test_a_server_is_asked_with_user_and_password(challenge, begin):
    with WebServer(ANSWERS, challenge, begin) as server:
        assert str(ask(f'http://me:a%20b%40c@{server.address}/shot.jpg')) == 'image/jpeg'
        assert server.requests[0] is None and server.requests[-1].startswith(begin)
        assert str(ask(server.url('shot.jpg'))) == '401 Unauthorized'
        assert ask(server.url('shot.jpg')).is_refusal


def test_a_stream_is_left_when_its_head_has_come():
    with MjpegServer() as server:
        assert ask(server.url).is_stream


@pytest.mark.parametrize('url', ['rtsp://127.0.0.1/x', 'http://[', 'http://127.0.0.1:x/', 'http:',
                                 'http://127.0.0.1:1/', 'file:///proc/self/status'])
def test_what_cannot_be_asked_gives_nothing(url):
    assert ask(url) is None


def test_a_silent_server_is_not_waited_for():
    with socket.create_server(('127.0.0.1', 0)) as silent:
        assert ask(f'http://127.0.0.1:{silent.getsockname()[1]}/', timeout_sec=0.1) is None


@pytest.mark.parametrize('source', ['video', 'images', 'realsense'])
@pytest.mark.parametrize('device', [
    'rtsp://h/x', 'HTTP://h/x', ' https://h', 'udp://@:1', 'tcp://h', 'rtmp://h/a', 'srt://h:1'])
def test_a_source_that_opens_no_addresses_is_not_given_one(source, device):
    with pytest.raises(ValueError, match=f'{device} is the address of a stream, which source='
                                         f'{source} cannot open; use source:=usb'):
        check_address(source, device)


def test_a_path_is_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs('odd:')
    with open('odd:/film.mp4', 'wb'):
        pass
    for device in ('/film.mp4', '12:30.avi', 'odd://film.mp4', 'C:\\film.avi', ''):
        check_address('video', device)
    check_address('usb', 'rtsp://h/x')
    with pytest.raises(ValueError, match='is a URL, which source=images cannot open; give the'):
        check_address('images', 'file:///pictures')
