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

"""Tests of showing pictures."""

import os
import shutil

from camera_media import number_of
from camera_media import numbered
import cv2
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.images import natural_key
from ncs_cluster_detector.cameras.images import Pictures
import numpy as np
import pytest


def show(camera):
    """Return the numbers of all pictures up to the end."""
    numbers = []
    while camera.grab():
        numbers.append(number_of(camera.retrieve()))
    return numbers


@pytest.fixture
def warnings():
    """Return the list that takes the warnings."""
    return []


def test_natural_order():
    names = ['b2', '10', 'frame10.png', '9', 'Frame9.png', 'a', '1a', 'frame09x.png']
    assert sorted(names, key=natural_key) == [
        '1a', '9', '10', 'a', 'b2', 'Frame9.png', 'frame09x.png', 'frame10.png']


def test_a_folder_is_shown_in_natural_order(tmp_path, warnings):
    for number, ending in enumerate(['jpg', 'JPEG', 'png', 'bmp', 'tif', 'tiff', 'webp']):
        cv2.imwrite(str(tmp_path / f'{number + 5}.{ending}'), numbered(number))
    (tmp_path / 'notes.txt').write_text('no picture')
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    assert (camera.fps, camera.width, camera.height, camera.live) == (2.0, 160, 120, False)
    assert show(camera) == list(range(7))
    assert not camera.grab()
    camera.rewind()
    assert show(camera) == list(range(7))
    assert warnings == []


def test_one_picture_is_shown_at_its_own_size(tmp_path, warnings):
    path = str(tmp_path / 'one.png')
    image = np.random.default_rng(0).integers(0, 256, (7, 11, 3), np.uint8)
    cv2.imwrite(path, image)
    camera = Pictures(path, 2.0, warnings.append)
    for _ in range(2):
        assert camera.grab()
        assert np.array_equal(camera.retrieve(), image)
        assert not camera.grab()
        camera.rewind()


def test_a_changed_picture_is_read_again(tmp_path, warnings):
    path = str(tmp_path / 'one.png')
    cv2.imwrite(path, numbered(1))
    camera = Pictures(path, 2.0, warnings.append)
    assert show(camera) == [1]
    cv2.imwrite(path, numbered(2))
    os.utime(path, (1, 1))
    camera.rewind()
    assert show(camera) == [2]


def test_grey_and_transparent_pictures_have_three_channels(tmp_path, warnings):
    cv2.imwrite(str(tmp_path / '1.png'), np.full((4, 4), 77, np.uint8))
    cv2.imwrite(str(tmp_path / '2.png'), np.full((4, 4, 4), 88, np.uint8))
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    for level in (77, 88):
        assert camera.grab()
        assert np.array_equal(camera.retrieve(), np.full((4, 4, 3), level, np.uint8))


def test_a_broken_picture_is_named_once_and_skipped(tmp_path, warnings):
    cv2.imwrite(str(tmp_path / '1.png'), numbered(1))
    broken = tmp_path / '2.jpg'
    broken.write_bytes(b'\xff\xd8 not much of a picture')
    cv2.imwrite(str(tmp_path / '3.png'), numbered(3))
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    for _ in range(3):
        assert show(camera) == [1, 3]
        camera.rewind()
    assert camera.skipped == 1
    assert warnings == [f'skipped {broken}: it cannot be decoded as a picture; replace or '
                        'remove it']


def test_pictures_that_are_added_are_shown_in_the_next_round(tmp_path, warnings):
    cv2.imwrite(str(tmp_path / '1.png'), numbered(1))
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    assert show(camera) == [1]
    cv2.imwrite(str(tmp_path / '0.png'), numbered(0))
    camera.rewind()
    assert show(camera) == [0, 1]


def test_nothing_usable_is_an_error(tmp_path, warnings):
    with pytest.raises(CameraError, match='none failed: No such file or directory; give the path'):
        Pictures(str(tmp_path / 'none'), 2.0, warnings.append)
    with pytest.raises(CameraError, match=f'the folder {tmp_path} holds no pictures; put some'):
        Pictures(str(tmp_path), 2.0, warnings.append)
    (tmp_path / '1.png').write_text('no picture')
    with pytest.raises(CameraError, match='holds no usable picture'):
        Pictures(str(tmp_path), 2.0, warnings.append)
    with pytest.raises(CameraError, match='holds no usable picture'):
        Pictures(str(tmp_path / '1.png'), 2.0, warnings.append)


def test_a_folder_that_vanishes_is_an_error(tmp_path, warnings):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    cv2.imwrite(str(folder / '1.png'), numbered(1))
    camera = Pictures(str(folder), 2.0, warnings.append)
    assert show(camera) == [1]
    shutil.rmtree(folder)
    with pytest.raises(CameraError, match='No such file or directory'):
        camera.rewind()
