# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of playing a video file."""

import os

from camera_media import noise
from camera_media import number_of
from camera_media import numbered
from camera_media import retime
from camera_media import spoil_pictures
from camera_media import write_video
import cv2
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.opencv import capture
from ncs_cluster_detector.cameras.video import VideoFile
import numpy as np
import pytest


def play(camera):
    """Return the numbers of all whole pictures up to the end."""
    numbers = []
    while camera.grab():
        image = camera.retrieve()
        if image is not None:
            numbers.append(number_of(image))
    return numbers


@pytest.mark.parametrize('name, code', [('film.avi', 'MJPG'), ('film.mp4', 'mp4v')])
def test_every_picture_comes_once_and_in_order(tmp_path, name, code):
    camera = VideoFile(write_video(tmp_path / name, 40, 12.5, code), fps=30.0)
    assert (camera.width, camera.height, camera.fps) == (160, 120, 12.5)
    assert not camera.live
    assert play(camera) == list(range(40))
    assert not camera.grab()
    camera.close()


def test_rewind_starts_again(tmp_path):
    camera = VideoFile(write_video(tmp_path / 'film.avi', 5, 10.0), fps=30.0)
    play(camera)
    camera.rewind()
    assert play(camera) == [0, 1, 2, 3, 4]
    camera.grab()
    camera.rewind()
    assert play(camera) == [0, 1, 2, 3, 4]


def test_pictures_are_blue_green_red(tmp_path):
    path = str(tmp_path / 'blue.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10.0, (64, 48))
    writer.write(np.full((48, 64, 3), (250, 10, 10), np.uint8))
    writer.release()
    camera = VideoFile(path, fps=30.0)
    assert camera.grab()
    image = camera.retrieve()
    assert image.dtype == np.uint8
    assert image.shape == (48, 64, 3)
    assert image[..., 0].min() > 200
    assert image[..., 1:].max() < 60


@pytest.mark.parametrize('broken', [[0], [20], [48], [7, 8, 9, 10, 11], range(10, 48)])
@pytest.mark.parametrize('name, code', [('film.avi', 'MJPG'), ('mpeg4.avi', 'mp4v')])
def test_a_broken_picture_is_left_out_and_counted(tmp_path, broken, name, code):
    path = spoil_pictures(write_video(tmp_path / name, 50, 10.0, code), broken)
    camera = VideoFile(path, fps=30.0)
    whole = [number for number in range(50) if number not in broken]
    for rounds in (1, 2):
        shown = play(camera)
        if code == 'MJPG':   # which has no pictures that only tell what has changed
            assert shown == whole
        assert len(shown) == len(whole)
        assert camera.skipped == rounds * len(broken)
        camera.rewind()


def test_a_picture_of_which_a_part_is_missing_is_left_out_and_counted(tmp_path):
    path = str(tmp_path / 'noise.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10.0, (160, 120))
    for number in range(10):
        writer.write(noise(number))
    writer.release()
    camera = VideoFile(spoil_pictures(path, [0, 5, 9], share=0.5), fps=30.0)
    shown = 0
    while camera.grab():
        shown += camera.retrieve() is not None
    assert (shown, camera.skipped) == (7, 3)


def test_interlaced_pictures_are_put_together(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'film.avi', 3, 10.0)
    half = cv2.imencode('.jpg', numbered(1, 160, 60))[1].ravel()
    with monkeypatch.context() as patch:   # one that holds half of the lines
        patch.setattr(capture, 'decode_picture', lambda data: cv2.imdecode(half, 1))
        camera = VideoFile(path, fps=30.0)
    assert play(camera) == [0, 1, 2]


def test_a_broken_picture_at_the_end_is_counted(tmp_path):
    camera = VideoFile(spoil_pictures(write_video(tmp_path / 'film.avi', 5, 10.0), [4]), fps=30.0)
    assert play(camera) == [0, 1, 2, 3]
    assert camera.skipped == 1


def test_a_file_without_a_whole_picture_is_named(tmp_path):
    path = spoil_pictures(write_video(tmp_path / 'film.avi', 20, 10.0), range(20))
    with pytest.raises(CameraError, match='it is not a video that OpenCV can decode'):
        VideoFile(path, fps=30.0)


def test_every_picture_has_its_own_time(tmp_path):
    durations = [40, 40, 500, 33, 1200, 10, 200, 40]
    path = retime(write_video(tmp_path / 'film.mp4', len(durations), 25.0, 'mp4v'), durations)
    camera = VideoFile(path, fps=30.0)
    times = []
    while camera.grab():
        times.append(camera.time_sec())
    assert times == pytest.approx([sum(durations[:count]) / 1000
                                   for count in range(len(durations))], abs=0.0015)


@pytest.mark.parametrize('name', ['12:30.avi', 'http:.avi', 'a%03d.avi', 'a|b.avi', '- ?#.avi',
                                  'concat:.avi', 'é.avi'])
def test_a_name_is_no_address_and_no_pattern(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_video('film.avi', 3, 10.0)
    os.rename('film.avi', name)
    for path in (name, str(tmp_path / name)):
        assert play(VideoFile(path, fps=30.0)) == [0, 1, 2]


def test_a_name_that_opencv_cannot_take_is_refused(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b'/caf\xe9.avi')
    write_video(tmp_path / 'film.avi', 3, 10.0)
    os.rename(tmp_path / 'film.avi', path)
    with pytest.raises(CameraError, match='its name is not UTF-8; rename it'):
        VideoFile(path, fps=30.0)


def test_a_rate_that_the_file_does_not_tell_is_the_given_one(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'film.avi', 2, 10.0)
    monkeypatch.setattr('ncs_cluster_detector.cameras.video.BELIEVABLE_FPS', (20.0, 240.0))
    assert VideoFile(path, fps=7.5).fps == 7.5


def test_a_missing_file_is_named(tmp_path):
    path = str(tmp_path / 'none.mp4')
    with pytest.raises(CameraError, match=f'{path} failed: there is no such file; give'):
        VideoFile(path, fps=30.0)


def test_a_file_that_is_no_video_is_named(tmp_path):
    path = tmp_path / 'notes.mp4'
    path.write_text('not a video\n' * 100)
    with pytest.raises(CameraError, match=f'{path} failed: it is not a video'):
        VideoFile(str(path), fps=30.0)


def test_a_file_that_is_cut_while_it_plays_is_an_error_and_no_end(tmp_path):
    path = str(tmp_path / 'noise.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10.0, (320, 240))
    random = np.random.default_rng(0)
    for _ in range(60):   # noise, so that little of the file is read in advance
        writer.write(random.integers(0, 256, (240, 320, 3), np.uint8))
    writer.release()
    camera = VideoFile(path, fps=30.0)
    for _ in range(10):
        assert camera.grab()
    os.truncate(path, os.path.getsize(path) // 2)
    with pytest.raises(CameraError, match='the file has changed or is gone; put it back'):
        while camera.grab():
            continue


def test_a_file_that_vanished_cannot_be_rewound(tmp_path):
    path = write_video(tmp_path / 'film.avi', 3, 10.0)
    camera = VideoFile(path, fps=30.0)
    os.remove(path)
    assert play(camera) == [0, 1, 2]
    with pytest.raises(CameraError, match='there is no such file'):
        camera.rewind()
    camera.close()
