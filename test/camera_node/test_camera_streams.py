# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the camera node with streams and devices that come and go."""

from collections import Counter
import signal
import socket
import time

from camera_ear import assert_stops
from camera_ear import cpu_share
from camera_ear import Ear
from camera_ear import stamps_of
from camera_media import jpeg
from camera_media import MjpegServer
from camera_media import numbered
from node_harness import DEADLINE_SEC
import psutil
import pytest
from web_server import WebServer

# The frames of a stream come again half a second after it is back, however often it was away; if
# each time took twice as long as the one before, the tenth would take minutes.
BACK_SEC = 20.0


def test_a_stream_may_come_late_and_go_and_come_back(start_camera, ear):
    with MjpegServer() as first:
        port = first.port
    camera = start_camera(source='usb', device=first.url)
    camera.wait_for_line('failed: no answer')
    ear.wait_for_level(b'\x02')
    assert not ear.images
    with MjpegServer(port):
        ear.wait_for(lambda: len(ear.images) >= 20)
        numbers = ear.numbers()
        assert max(Counter(numbers).values()) == 1
        assert numbers == sorted(numbers)
        ear.wait_for_level(b'\x00')
    camera.wait_for_line('failed: it was unplugged, stopped or is silent')
    ear.wait_for_level(b'\x02')
    count = len(ear.images)
    time.sleep(0.2)
    assert len(ear.images) == count
    with MjpegServer(port):
        camera.wait_for_line('is back: 160x120', count=2)
        ear.wait_for(lambda: len(ear.images) >= count + 10)
    assert camera.output.count('[ERROR]') in (2, 3)   # the third if it hears the end in time
    assert 'asked for' not in camera.output   # a stream cannot be asked
    assert_stops(camera)


def test_a_stream_may_stop_and_return_ten_times(start_camera, ear):
    with MjpegServer() as server:
        port = server.port
        camera = start_camera(source='usb', device=server.url)
        ear.wait_for(lambda: len(ear.images) >= 5)
    process = psutil.Process(camera.pid)
    used = []
    for times in range(1, 11):
        camera.wait_for_line('is silent; plug it in or start it again; trying', count=times)
        with MjpegServer(port):
            # Images of the stream before may still be on their way to the ear.
            camera.wait_for_line('is back: 160x120 MJPG', count=times)
            heard = len(ear.images)
            ear.wait_for(lambda heard=heard: len(ear.images) >= heard + 3, BACK_SEC)
            used.append((process.num_threads(), process.num_fds(), process.memory_info().rss))
    camera.wait_for_line('is silent; plug it in or start it again; trying', count=11)
    assert cpu_share(camera) < 0.1   # a percent, but the machine may be busy
    threads, files, memory = zip(*used)
    assert threads[-1] <= threads[0]
    assert files[-1] <= files[0]
    assert memory[-1] - memory[0] < 5e6   # the allocator's noise is about 1 MB
    assert camera.output.count('is back: 160x120 MJPG') == 10
    stamps = stamps_of(ear.images)
    assert stamps == sorted(set(stamps))
    assert_stops(camera)


def test_a_stream_that_nobody_saw_is_not_stale(start_camera, probe):
    with MjpegServer() as server:
        start_camera(source='usb', device=server.url)
        ear = Ear(probe)
        ear.wait_for(lambda: ear.status() and 'nobody subscribes' in ear.status()[1]
                     and float(ear.status()[2]['fps_measured']) > 0.0 and server.newest > 30)
        assert ear.status()[2]['frames_published'] == '0'
        before = server.newest
        ear.listen()
        ear.wait_for(lambda: ear.images)
        # Not one of the 30 and more that were sent before, which would be below 0 or high up.
        assert (ear.numbers()[0] - before + 3) % 256 < 128


def test_a_stream_may_turn_and_have_broken_pictures(start_camera, ear):
    def jpeg_of(number):
        data = jpeg(numbered(number % 256, *((160, 120) if number < 60 else (120, 160))))
        return data[:len(data) // 2] if number % 10 == 9 else data

    with MjpegServer(fps=50.0, jpeg_of=jpeg_of) as server:
        camera = start_camera(source='usb', device=server.url)
        ear.wait_for(lambda: len(ear.images) >= 100)
        camera.wait_for_line('now delivers: 120x160 MJPG')
        ear.wait_for(lambda: int(ear.status()[2]['pictures_skipped']) >= 10)
        status = ear.status()[2]
        assert (status['granted'], status['reopenings']) == ('120x160 MJPG', '0')
    numbers = ear.numbers()
    assert not any(number % 10 == 9 for number in numbers)
    assert len(numbers) > 0.2 * (numbers[-1] - numbers[0])   # a late host leaves some out
    assert {(image.width, image.height) for image in ear.images} == {(160, 120), (120, 160)}
    assert 'unplugged' not in camera.output.partition('now delivers')[0]


def test_a_snapshot_is_told_once_in_the_log_and_in_the_status(start_camera, ear):
    with WebServer({'shot.jpg': ('image/jpeg', jpeg(numbered(3)))}) as server:
        camera = start_camera(source='usb', device=server.url('shot.jpg'))
        camera.wait_for_line(
            f'a snapshot is no stream: {server.url("shot.jpg")} gives one picture an answer; use '
            "the camera's stream address (MJPEG or RTSP); trying again until it is back")
        ear.wait_for_level(b'\x02')
        tried = len(server.requests)
        ear.wait_for(lambda: len(server.requests) >= tried + 10)
        status = ear.status()
        assert 'a snapshot is no stream' in status[1]
        assert status[2]['last_error'].endswith('stream address (MJPEG or RTSP)')
        assert_stops(camera)
    assert len(camera.output.splitlines()) == 1
    assert not ear.images


@pytest.mark.parametrize('source', ['video', 'images', 'realsense'])
def test_the_address_of_a_stream_wants_another_source(refusal, source):
    line = refusal('camera_node', source=source, device='rtsp://me:secret7xQ9@host/live')
    assert line.endswith(
        f'device=rtsp://host/live is the address of a stream, which source={source} cannot open; '
        'use source:=usb')


def test_a_missing_device_is_an_error_that_costs_nothing(start_camera, ear):
    camera = start_camera(device=63)
    camera.wait_for_line('opening /dev/video63 failed: there is no such device; plug the camera '
                         'in or choose one of those that exist: ')
    ear.wait_for_level(b'\x02')
    assert '/dev/video63 is away' in ear.status()[1]
    assert cpu_share(camera) < 0.1
    assert camera.output.count('[ERROR]') == 1
    assert_stops(camera, signal.SIGTERM)


def test_a_camera_that_hangs_does_not_delay_the_end(start_camera):
    with socket.create_server(('127.0.0.1', 0)) as silent:
        port = silent.getsockname()[1]
        camera = start_camera(source='usb', device=f'http://127.0.0.1:{port}/stream')
        silent.settimeout(DEADLINE_SEC)
        with silent.accept()[0]:   # the node is connected now, and waits for an answer
            assert_stops(camera)
