# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the camera node with files and the test pattern, as a process, over DDS."""

import os
import signal
import time
from types import SimpleNamespace

from camera_ear import assert_stops
from camera_ear import cpu_share
from camera_ear import SMALL
from camera_ear import stamps_of
from camera_media import jpeg
from camera_media import numbered
from camera_media import retime
from camera_media import spoil_pictures
from camera_media import write_video
import cv2
from ncs_cluster_detector.camera_node.node import CameraNode
from node_harness import DEADLINE_SEC
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.clock import ClockType
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from rclpy.qos import ReliabilityPolicy
from rclpy.time import Time


def test_test_pattern(start_camera, ear):
    camera = start_camera(source='test_pattern', fps=20.0, frame_id='eye_optical', **SMALL)
    ear.wait_for(lambda: len(ear.images) >= 60 and len(ear.infos) >= 60)
    image = ear.images[0]
    assert (image.width, image.height, image.step) == (320, 240, 960)
    assert (image.encoding, image.is_bigendian, len(image.data)) == ('bgr8', 0, 3 * 320 * 240)
    assert image.header.frame_id == 'eye_optical'
    stamps = stamps_of(ear.images)
    assert all(before < after for before, after in zip(stamps, stamps[1:]))
    # A late host leaves pictures out, so that only the shortest steps tell the rate.
    assert np.percentile(np.diff(stamps), 10) == pytest.approx(1e9 / 20, rel=0.3)
    assert abs(stamps[-1] * 1e-9 - time.time()) < DEADLINE_SEC
    info_headers = {stamp: message.header
                    for stamp, message in zip(stamps_of(ear.infos), ear.infos)}
    pairs = [(message.header, info_headers[stamp])
             for stamp, message in zip(stamps, ear.images) if stamp in info_headers]
    assert len(pairs) >= 0.8 * len(stamps)
    assert all(one == other for one, other in pairs)
    info = ear.infos[0]
    assert (info.width, info.height) == (320, 240)
    assert not info.k.any() and not info.p.any() and not info.r.any() and len(info.d) == 0
    ear.wait_for(lambda: ear.status() and 0.0 < float(ear.status()[2]['fps_measured']) < 25.0)
    level, message, values = ear.status()
    assert level == b'\x00'
    assert message.startswith('320x240 at 20 fps, measured ')
    assert values['fps_requested'] == '20'
    assert values['granted'] == '320x240 at 20 fps'
    assert int(values['frames_published']) > 0
    assert 0 <= int(values['frames_dropped']) < int(values['frames_published'])
    assert values['last_error'] == 'none'
    assert_stops(camera)


def test_the_quality_of_service_is_that_of_the_interface(start_camera, probe):
    start_camera(source='test_pattern', **SMALL)

    def profile(topic):
        publishers = [info for info in probe.node.get_publishers_info_by_topic(topic)
                      if info.node_name == 'camera']
        return publishers[0].qos_profile if publishers else None

    for topic in ('image_raw', 'camera_info', '/diagnostics'):
        deadline = time.monotonic() + DEADLINE_SEC
        while profile(topic) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert profile(topic).reliability == ReliabilityPolicy.RELIABLE
        assert profile(topic).durability == DurabilityPolicy.VOLATILE


def test_a_video_is_published_once_in_order_at_its_rate_and_can_be_started_again(
        start_camera, ear, probe, tmp_path):
    path = write_video(tmp_path / 'film.avi', 40, 25.0)
    camera = start_camera(source='video', device=path, loop='false', fps=5.0)
    camera.wait_for_line('film.avi has ended and loop is false')
    ear.wait_for(lambda: len(ear.images) >= 40)
    assert ear.numbers() == list(range(40))
    stamps = stamps_of(ear.images)
    # At the parameter's rate it would be 7.8 s; a host may be late for a moment.
    assert (stamps[-1] - stamps[0]) * 1e-9 == pytest.approx(39 / 25, abs=1.0)
    assert cpu_share(camera) < 0.1
    assert len(ear.images) == 40
    level, message, _ = ear.status()
    assert (level, message) == (
        b'\x00', f'{path} has ended and loop is false; set loop to true to start it again')
    client = probe.node.create_client(SetParameters, 'camera/set_parameters')
    assert client.wait_for_service(DEADLINE_SEC)
    client.call_async(SetParameters.Request(
        parameters=[Parameter('loop', value=True).to_parameter_msg()]))
    ear.wait_for(lambda: len(ear.images) >= 100)
    assert ear.numbers()[:100] == [*range(40), *range(40), *range(20)]
    stamps = stamps_of(ear.images)[40:100]   # the first picture follows the last in time, too
    assert (stamps[-1] - stamps[0]) * 1e-9 == pytest.approx(59 / 25, abs=1.0)
    assert camera.output.count('has ended') == 1
    assert_stops(camera, signal.SIGTERM)


def test_a_video_that_vanishes_is_reported_once_and_opened_again(start_camera, ear, tmp_path):
    path = write_video(tmp_path / 'film.avi', 10, 25.0)
    camera = start_camera(source='video', device=path)
    ear.wait_for(lambda: len(ear.images) >= 3)
    os.rename(path, path + '.away')
    camera.wait_for_line('film.avi failed: there is no such file')
    ear.wait_for_level(b'\x02')
    count = len(ear.images)
    os.rename(path + '.away', path)
    camera.wait_for_line('film.avi is back')
    ear.wait_for(lambda: len(ear.images) >= count + 12)
    ear.wait_for_level(b'\x00')
    assert camera.output.count('[ERROR]') == 1
    assert ear.status()[2]['reopenings'] == '1'


def test_a_video_is_shown_at_the_times_of_its_pictures(start_camera, ear, tmp_path):
    durations = [50, 50, 50, 1200, 50, 50, 50, 50, 50, 50]
    path = retime(write_video(tmp_path / 'film.mp4', len(durations), 20.0, 'mp4v'), durations)
    start_camera(source='video', device=path)
    ear.wait_for(lambda: len(ear.images) >= 12)
    assert ear.numbers()[:12] == [*range(10), 0, 1]
    times = np.subtract(stamps_of(ear.images)[:10], stamps_of(ear.images)[0]) * 1e-6
    # The rate of all would be up to 690 ms off; a host may be late for a moment.
    assert times == pytest.approx(np.cumsum([0, *durations[:-1]]), abs=600)


def test_a_broken_picture_does_not_end_a_video(start_camera, ear, tmp_path):
    path = spoil_pictures(write_video(tmp_path / 'film.avi', 20, 50.0), [0, 13])
    camera = start_camera(source='video', device=path, loop='false')
    camera.wait_for_line('has ended')
    ear.wait_for(lambda: len(ear.images) >= 18)
    assert ear.numbers() == [number for number in range(20) if number not in (0, 13)]
    ear.wait_for(lambda: ear.status() and ear.status()[2]['pictures_skipped'] == '2')


def test_a_folder_with_any_names_and_cut_pictures(start_camera, ear, tmp_path):
    names = [b'1 caf\xe9', b'2 \xff\xfe', '3 \u202e snow \u2603'.encode(), b'4 \n\x1b[31m',
             b'5 %s{}']
    for number, name in enumerate(names):
        for kind, data in (('.0.jpg', jpeg(numbered(number))),
                           ('.1.jpg', jpeg(numbered(9))[:700])):
            with open(os.fsencode(tmp_path) + b'/' + name + kind.encode(), 'wb') as file:
                file.write(data)
    camera = start_camera(source='images', device=tmp_path, fps=50.0)
    ear.wait_for(lambda: len(ear.images) >= 15)
    assert ear.numbers()[:15] == list(range(5)) * 3
    ear.wait_for(lambda: ear.status() and ear.status()[2]['pictures_skipped'] == '5')
    assert camera.output.count('its end is missing; replace or remove it') == 5
    assert r'caf\xe9' in camera.output
    assert 'JPEG' not in camera.output.replace('.jpg', '')
    assert_stops(camera)


def test_pictures_come_in_order_and_in_their_own_size(start_camera, ear, tmp_path):
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f'frame{number}.png'), numbered(number, 80 + 8 * number, 60))
    (tmp_path / 'frame3.png').write_text('no picture')
    camera = start_camera(source='images', device=tmp_path, fps=20.0)
    ear.wait_for(lambda: len(ear.images) >= 9 and len(ear.infos) >= 9)
    assert ear.numbers()[:9] == [1, 2, 10] * 3
    assert [message.width for message in ear.images[:3]] == [88, 96, 160]
    assert [message.width for message in ear.infos[:3]] == [88, 96, 160]
    ear.wait_for(lambda: ear.status() and ear.status()[2]['pictures_skipped'] == '1')
    assert camera.output.count('frame3.png: it cannot be decoded') == 1
    assert_stops(camera)


def test_simulated_time_that_stands_still_does_no_harm(start_camera, ear):
    camera = start_camera(source='test_pattern', use_sim_time='true', **SMALL)
    ear.wait_for(lambda: len(ear.images) >= 5)
    stamps = stamps_of(ear.images)
    assert all(before < after for before, after in zip(stamps, stamps[1:]))
    assert_stops(camera)


def test_stamps_are_capture_times_and_increase_unless_the_clock_is_set_back():
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '-p', 'source:=test_pattern', '-p', 'width:=64', '-p',
                     'height:=48'], context=context)
    node = CameraNode(context=context)
    try:
        now = Time(seconds=1000, clock_type=ClockType.ROS_TIME)
        node.get_clock = lambda: SimpleNamespace(now=lambda: now)
        stamps = [node._stamp(0.25), node._stamp(0.5)]
        now = Time(seconds=999, nanoseconds=500, clock_type=ClockType.ROS_TIME)
        stamps.append(node._stamp(0.0))
        now = Time(seconds=500, clock_type=ClockType.ROS_TIME)
        stamps += [node._stamp(0.0), node._stamp(0.0)]
    finally:
        assert node.stop()
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert [(stamp.sec, stamp.nanosec) for stamp in stamps] == [
        (999, 750000000), (999, 750000001), (999, 750000002), (500, 0), (500, 1)]
