# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of streams, with servers on 127.0.0.1 and with invented captures."""

from contextlib import contextmanager
import os
import socket
import threading
import time
from unittest import mock

from camera_media import jpeg
from camera_media import MjpegServer
from camera_media import number_of
from camera_media import numbered
import cv2
from invented_clock import InventedClock
from ncs_cluster_detector.cameras import stream
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.cameras.stream import believed_fps
from ncs_cluster_detector.cameras.stream import StreamCamera
import pytest
from rtsp_media import mpeg4_packets
from rtsp_media import RtspServer

OPENED_SEC = 4.0   # FFmpeg by itself looks at a stream for five seconds


@pytest.fixture(autouse=True)
def environment():
    """Take back what a stream sets for FFmpeg, so that other tests do not see it."""
    with mock.patch.dict(os.environ):
        yield


@pytest.mark.parametrize('told, picture_format, believed', [
    (30.0, 'H264', 30.0), (25.0, 'H264', 25.0), (25.0, 'MJPG', 0.0), (15.0, 'MJPG', 15.0),
    (90000.0, 'H264', 0.0), (0.0, 'H264', 0.0)])
def test_a_rate_that_was_guessed_is_not_believed(told, picture_format, believed):
    assert believed_fps(told, picture_format) == believed


def test_an_mjpeg_stream_is_read_in_order_until_it_ends():
    with MjpegServer(fps=100.0) as server:
        start = time.monotonic()
        camera = StreamCamera(server.url)
        assert time.monotonic() - start < OPENED_SEC
        assert (camera.width, camera.height, camera.fps) == (160, 120, 0.0)
        assert camera.pixel_format == 'MJPG'
        assert camera.live
        numbers = []
        for _ in range(30):
            assert camera.grab()
            numbers.append(number_of(camera.retrieve()))
    assert numbers == list(range(numbers[0], numbers[0] + 30))
    with pytest.raises(CameraError, match=f'reading from {server.url} failed'):
        while camera.grab():
            continue
    camera.close()


def test_the_picture_that_came_while_the_stream_was_opened_is_not_delivered_late():
    with MjpegServer(fps=5.0) as server:
        camera = SOURCES['usb'].open_camera(server.url, 640, 480, 30.0, warn=None)
        camera.grab()
        assert server.newest - number_of(camera.retrieve()) <= 1
        camera.close()


def test_an_rtsp_stream_opens_quickly_and_comes_back(tmp_path):
    packets, port = mpeg4_packets(tmp_path / 'film.mp4'), 0
    for _ in range(2):
        with RtspServer(packets, port) as server:
            port = server.port
            start = time.monotonic()
            camera = StreamCamera(server.url)
            assert time.monotonic() - start < OPENED_SEC
            assert (camera.width, camera.height, camera.fps) == (160, 120, 25.0)
            numbers = []
            for _ in range(20):
                camera.grab()
                numbers.append(number_of(camera.retrieve()))
            assert numbers == list(range(numbers[0], numbers[0] + 20))
        with pytest.raises(CameraError, match=f'reading from {server.url} failed'):
            while camera.grab():
                continue
        camera.close()


def test_half_a_picture_is_not_delivered():
    with MjpegServer(fps=100.0, cut_after=10) as server:
        camera = StreamCamera(server.url)
        numbers = []
        with pytest.raises(CameraError, match='reading from'):
            while camera.grab():
                numbers.append(number_of(camera.retrieve()))
    assert numbers[-1] == 9
    camera.close()


def shown_by(camera, pictures):
    """Return the pictures of a camera, of those that are grabbed."""
    images = []
    for _ in range(pictures):
        camera.grab()
        images.append(camera.retrieve())
    return images


DAMAGES = {
    'cut': lambda data: data[:len(data) // 2], 'none': lambda data: b'',
    'zeros': lambda data: bytes(len(data)), 'no data': lambda data: b'\xff\xd8\xff\xd9',
    'cut and closed': lambda data: data[:len(data) // 2] + b'\xff\xd9',
    'overwritten': lambda data: data[:len(data) // 2] + b'x' * (len(data) - len(data) // 2)}


@pytest.mark.parametrize('damage', DAMAGES.values(), ids=DAMAGES)
def test_a_broken_picture_is_left_out_and_does_not_end_a_stream(damage, capfd):
    def jpeg_of(number):
        data = jpeg(numbered(number % 256))
        return damage(data) if number % 10 == 9 else data

    with MjpegServer(fps=100.0, jpeg_of=jpeg_of) as server:
        camera = StreamCamera(server.url)
        images = shown_by(camera, 40)
    broken = sum(image is None for image in images)
    assert broken == camera.skipped >= 3
    numbers = [number_of(image) for image in images if image is not None]
    assert numbers == [number for number in range(numbers[0], numbers[-1] + 1) if number % 10 < 9]
    camera.close()
    assert capfd.readouterr() == ('', '')


def test_a_stream_may_turn_to_portrait():
    with MjpegServer(fps=100.0, jpeg_of=lambda number: jpeg(
            numbered(number, *((160, 120) if number < 20 else (120, 160))))) as server:
        camera = StreamCamera(server.url)
        images = shown_by(camera, 40)
    assert [image.shape for image in images[::39]] == [(120, 160, 3), (160, 120, 3)]
    assert (camera.width, camera.height) == (120, 160)
    numbers = [number_of(image) for image in images]
    assert numbers == list(range(numbers[0], numbers[0] + 40))
    camera.close()


class BufferedCapture:
    """A stream of which some pictures lie in a buffer; decoding and waiting take their time."""

    def __init__(self, clock, buffered, wait_sec=0.033):
        """Prepare."""
        self.clock, self.buffered, self.wait_sec = clock, buffered, wait_sec
        self.grabbed = 0

    def isOpened(self):   # noqa: N802 (the name in OpenCV)
        """Tell that it is open."""
        return True

    def get(self, key):
        """Tell nothing."""
        return 0.0

    def grab(self):
        """Decode, and wait if nothing is left in the buffer."""
        self.grabbed += 1
        self.clock.work(0.02)
        if self.grabbed > self.buffered:
            self.clock.wait(self.wait_sec)
        return True


@pytest.mark.parametrize('buffered, wait_sec, first', [
    (0, 0.033, 1), (8, 0.033, 9),   # the first one that was waited for
    (8, 0.0, 25)])                  # the decoder is never idle: half a second of 20 ms each
def test_what_was_buffered_is_dropped_before_the_first_picture(
        monkeypatch, buffered, wait_sec, first):
    clock = InventedClock()
    buffer = BufferedCapture(clock, buffered, wait_sec)
    monkeypatch.setattr(stream, 'time', clock)
    monkeypatch.setattr(cv2, 'VideoCapture', lambda *_: buffer)
    camera = StreamCamera('http://camera/')
    camera.grab()
    assert buffer.grabbed == first
    camera.grab()
    assert buffer.grabbed == first + 1


@contextmanager
def server_that_sends(answer):
    """Yield the URL of a server that sends some bytes to the first who asks, and hangs up."""
    def serve():
        connection = listening.accept()[0]
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with socket.create_server(('127.0.0.1', 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{listening.getsockname()[1]}/stream'
        thread.join()


@pytest.mark.parametrize('answer', [
    b'', b'HTTP/1.0 404 Not Found\r\n\r\nnot found', b'\xff\xd8 rubbish' * 1000,
    b'HTTP/1.0 200 OK\r\n\r\n' + b'rubbish' * 1000,
    b'HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\nrubbish'])
def test_a_server_that_sends_no_video_is_named(answer):
    with server_that_sends(answer) as url:
        with pytest.raises(CameraError, match=f'opening the stream {url} failed: no answer, or '):
            StreamCamera(url)


def test_a_silent_server_is_given_up(monkeypatch):
    monkeypatch.setattr(stream, 'STREAM_TIMEOUT_MS', 200)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        with pytest.raises(CameraError, match='failed: no answer'):
            StreamCamera(f'http://127.0.0.1:{silent.getsockname()[1]}/stream')


def test_a_stream_that_is_not_there_is_named():
    with socket.socket() as unused:
        unused.bind(('127.0.0.1', 0))   # taken, but nobody listens
        url = f'http://127.0.0.1:{unused.getsockname()[1]}/stream'
        with pytest.raises(CameraError, match=f'opening the stream {url} failed: no answer'):
            StreamCamera(url)
