# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the RealSense camera on librealsense's software device and on its recordings."""

import time
from types import SimpleNamespace

from ncs_cluster_detector.cameras import realsense
from ncs_cluster_detector.cameras import realsense_sdk
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.realsense import RealSenseCamera
import numpy as np
import psutil
import pytest
from realsense_double import CENTRE
from realsense_double import COLOR_FOCAL
from realsense_double import DEPTH_FOCAL
from realsense_double import HEIGHT
from realsense_double import NAME
from realsense_double import SERIAL
from realsense_double import SoftwareCamera
from realsense_double import WIDTH

ASKED = (WIDTH, HEIGHT, 30.0)


def flat(units):
    """Return a depth picture of one distance."""
    return np.full((HEIGHT, WIDTH), units, np.uint16)


def plain(level):
    """Return a colour picture of one level."""
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


@pytest.fixture
def opened():
    """Return a function that opens a RealSenseCamera; all are closed after the test."""
    cameras = []

    def open_it(device, context=None, asked=ASKED):
        cameras.append(RealSenseCamera(device, *asked, context=context))
        return cameras[-1]

    yield open_it
    for camera in cameras:
        camera.close()


def test_a_camera_gives_colour_depth_and_the_calibration_of_its_factory(opened):
    double = SoftwareCamera()
    camera = opened(SERIAL, double.context())
    color = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    double.deliver(flat(1500), color, time.time() * 1000 - 40.0)
    assert camera.live and camera.grab()
    assert 0.04 <= camera.age_sec() < 10.0
    np.testing.assert_array_equal(camera.retrieve(), color)
    depth = camera.retrieve_depth()
    assert (depth.dtype, depth.shape) == (np.uint16, (HEIGHT, WIDTH))
    assert (camera.width, camera.height, camera.fps) == ASKED
    assert camera.pixel_format == 'BGR8'
    calibration = camera.calibration
    assert (calibration.width, calibration.height) == (WIDTH, HEIGHT)
    assert calibration.k == (COLOR_FOCAL[0], 0, CENTRE[0], 0, COLOR_FOCAL[1], CENTRE[1], 0, 0, 1)
    assert calibration.distortion_model == 'plumb_bob'


@pytest.mark.parametrize('milliseconds', [0.0, 1e15])
def test_the_time_of_another_clock_is_no_age(opened, milliseconds):
    double = SoftwareCamera()
    camera = opened(SERIAL, double.context())
    double.deliver(flat(1500), plain(0), milliseconds)
    camera.grab()
    assert camera.age_sec() == 0.0


def test_depth_is_seen_from_the_colour_camera(opened):
    double = SoftwareCamera()
    camera = opened('', double.context())
    depth = flat(3000)
    depth[200:300, 100:250] = 1000   # a box, as the depth sensor sees it
    double.deliver(depth, plain(0))
    camera.grab()
    aligned = camera.retrieve_depth()
    # The same box through the longer lens of the colour camera.
    left, right = (round((x - CENTRE[0]) * COLOR_FOCAL[0] / DEPTH_FOCAL[0] + CENTRE[0])
                   for x in (100, 250))
    top, bottom = (round((y - CENTRE[1]) * COLOR_FOCAL[1] / DEPTH_FOCAL[1] + CENTRE[1])
                   for y in (200, 300))
    expected = np.full((HEIGHT, WIDTH), 3000, np.uint16)
    expected[top:bottom, max(0, left):right] = 1000
    assert np.mean(aligned != expected) < 0.01   # edges are a pixel wide


def test_units_of_the_camera_become_millimetres(opened):
    double = SoftwareCamera(units=0.0001, focal=COLOR_FOCAL)
    camera = opened('', double.context())
    depth = flat(12345)
    depth[:, :100] = 0
    double.deliver(depth, plain(0))
    camera.grab()
    aligned = camera.retrieve_depth()
    assert aligned[HEIGHT // 2, WIDTH // 2] == 1234
    assert aligned[HEIGHT // 2, 50] == 0


def test_what_millimetres_cannot_hold_is_unknown():
    depth = np.array([[0, 1, 65, 66, 1000]], np.uint16)
    np.testing.assert_array_equal(
        realsense_sdk.millimetres(depth, 1.0), [[0, 1000, 65000, 0, 0]])


def test_a_recording_is_played_in_order_and_each_frame_once(opened, tmp_path):
    path = SoftwareCamera().record(
        tmp_path / 'scene.db3', ((flat(1000 + number), plain(number)) for number in range(20)))
    camera = opened(path)
    assert not camera.live and camera.fps == 30.0
    for _ in range(2):
        heard = []
        while camera.grab():
            heard.append((camera.retrieve()[0, 0, 0], camera.retrieve_depth()[240, 320]))
        assert heard == [(number, 1000 + number) for number in range(20)]
        camera.rewind()


def test_a_picture_stays_as_it_was_while_others_come(opened, tmp_path):
    path = SoftwareCamera().record(
        tmp_path / 'scene.db3', ((flat(1000 + number), plain(number)) for number in range(40)))
    camera = opened(path)
    assert camera.grab()
    image, depth = camera.retrieve(), camera.retrieve_depth()
    then = image.copy(), depth.copy()
    assert (image == 0).all() and set(np.unique(depth)) <= {0, 1000}
    while camera.grab():
        camera.retrieve_depth()
    camera.close()
    np.testing.assert_array_equal(image, then[0])
    np.testing.assert_array_equal(depth, then[1])


def test_a_recording_starts_with_its_first_picture_and_is_closed_without_traces(tmp_path):
    path = SoftwareCamera().record(
        tmp_path / 'scene.db3', ((flat(1000), plain(number)) for number in range(3)))
    process = psutil.Process()
    used = []
    for _ in range(20):
        camera = RealSenseCamera(path, *ASKED)
        assert camera.grab()
        assert (camera.retrieve() == 0).all()   # the SDK may lose the first, once in 10 to 75
        camera.close()
        used.append((process.num_threads(), process.num_fds()))
    # The SDK's own come and go by one or two; a leak would have added one each time.
    threads, files = (last - first for first, last in zip(used[0], used[-1]))
    assert threads < 10 and files < 10


def test_colour_in_another_order_becomes_bgr(opened, tmp_path):
    color = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    path = SoftwareCamera(color_format='rgb8').record(
        tmp_path / 'scene.db3', [(flat(1000), color)] * 2)
    camera = opened(path)
    assert camera.grab()
    np.testing.assert_array_equal(camera.retrieve(), color[:, :, ::-1])


def test_a_picture_may_come_without_depth(opened, tmp_path):
    pairs = [(None if number == 2 else flat(1000), plain(number)) for number in range(5)]
    camera = opened(SoftwareCamera().record(tmp_path / 'scene.db3', pairs))
    known = {}
    while camera.grab():
        known[int(camera.retrieve()[0, 0, 0])] = camera.retrieve_depth() is not None
    assert known == {number: number != 2 for number in range(5)}


def test_a_silent_camera_counts_as_gone(opened, monkeypatch):
    monkeypatch.setattr(realsense, 'SILENT_SEC', 0.05)
    camera = opened(SERIAL, SoftwareCamera().context())
    with pytest.raises(CameraError, match=f'reading from {NAME} {SERIAL} failed: no colour frame'):
        camera.grab()


@pytest.mark.parametrize('given', [SERIAL, SERIAL.lstrip('0')])
def test_a_number_that_lost_its_zeros_is_understood(opened, given):
    assert opened(given, SoftwareCamera().context())._shown == f'{NAME} {SERIAL}'


def test_a_number_that_was_read_as_octal_is_understood():
    assert '17322071705' in realsense_sdk.meanings(str(0o17322071705))


@pytest.mark.parametrize('device, asked, text', [
    ('815', ASKED, rf'camera 815 failed: .* connected: {SERIAL} \({NAME}\)'),
    (SERIAL, (1920, 1080, 30.0),
     'no colour of 1920x1080 at 30 fps .* choose one of its modes: 640x480 at 30')])
def test_what_is_not_there_is_answered_by_what_is(device, asked, text):
    with pytest.raises(CameraError, match=text):
        RealSenseCamera(device, *asked, context=SoftwareCamera().context())


@pytest.mark.parametrize('content, text', [
    (None, 'there is no such file'), (b'no recording', 'give the path of a recording')])
@pytest.mark.parametrize('name', ['scene.db3', 'scene.bag'])
def test_an_unusable_recording_is_named_in_one_line(tmp_path, name, content, text):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=text) as caught:
        RealSenseCamera(str(path), *ASKED)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_without_a_camera_the_answer_is_quick():
    started = time.monotonic()
    with pytest.raises(CameraError, match='none is connected; plug one in'):
        RealSenseCamera('', *ASKED)
    assert time.monotonic() - started < 12.0   # the SDK itself would look for 15 s


@pytest.mark.parametrize('error, text', [
    (ModuleNotFoundError("No module named 'pyrealsense2'"), 'pip install pyrealsense2'),
    (ImportError('libudev.so.1: cannot open\nshared object file'),
     'failed: libudev.so.1: cannot open shared object file; install what is missing')])
def test_without_the_sdk_the_remedy_is_named(monkeypatch, error, text):
    def fail(_):
        raise error

    monkeypatch.setattr(realsense_sdk.importlib, 'import_module', fail)
    with pytest.raises(CameraError, match=text):
        realsense_sdk.load_sdk()


def test_an_error_of_the_sdk_is_one_of_the_camera(opened, monkeypatch):
    double = SoftwareCamera()
    context = double.context()
    camera = opened(SERIAL, context)
    double.deliver(flat(1500), plain(0))
    camera.grab()

    def fail(*_):
        raise RuntimeError('failed to set\npower state')

    camera._align = SimpleNamespace(process=fail)
    camera._queue = SimpleNamespace(try_wait_for_frame=fail)
    for call in (camera.grab, camera.retrieve_depth):
        with pytest.raises(CameraError, match='failed: failed to set power state; close other'):
            call()
    monkeypatch.setattr(realsense, 'chosen_camera', fail)
    with pytest.raises(CameraError, match='opening the RealSense camera failed: failed to set'):
        RealSenseCamera('', *ASKED, context=context)


def test_a_camera_without_bgr_serves_too(opened):
    double = SoftwareCamera(color_format='rgb8')
    camera = opened(SERIAL, double.context())
    color = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    double.deliver(flat(1500), color)
    camera.grab()
    np.testing.assert_array_equal(camera.retrieve(), color[:, :, ::-1])
