# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of showing pictures."""

import os
import shutil

from camera_media import jpeg
from camera_media import noise
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
    assert warnings == [f'skipped {broken}: its end is missing; replace or remove it']


def test_names_of_any_bytes_are_read(tmp_path, warnings):
    random = np.random.default_rng(0)
    folder = os.fsencode(tmp_path)
    content = {}
    for number in range(500):
        bad = {0, ord('/')}
        name = bytes(byte for byte in random.integers(1, 256, 20) if byte not in bad)
        path = folder + b'/' + name + b'.png'
        content[path] = number % 256
        with open(path, 'wb') as file:
            file.write(cv2.imencode('.png', numbered(number % 256))[1].tobytes())
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    assert sorted(show(camera)) == sorted(content.values())
    assert warnings == []
    for path, number in list(content.items())[:5]:
        assert show(Pictures(os.fsdecode(path), 2.0, warnings.append)) == [number]


@pytest.mark.parametrize('ending', ['jpg', 'png', 'bmp', 'tif', 'webp'])
def test_a_cut_picture_is_skipped(tmp_path, warnings, capfd, ending):
    whole = cv2.imencode('.' + ending, noise())[1].tobytes()
    cuts = [1, 20, 30, 700, len(whole) // 2, len(whole) - 700, len(whole) - 2]
    for cut in cuts:
        (tmp_path / f'{cut}.{ending}').write_bytes(whole[:cut])
    (tmp_path / f'whole.{ending}').write_bytes(whole)
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    for _ in range(3):
        assert camera.grab()
        assert not camera.grab()
        camera.rewind()
    assert camera.skipped == len(warnings) == len(cuts)
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('options', [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
                                     [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]])
def test_a_jpeg_of_which_a_part_is_missing_is_skipped(tmp_path, warnings, capfd, options):
    whole = cv2.imencode('.jpg', noise(), options)[1].tobytes()
    half = len(whole) // 2
    for name, data in {'1': whole[:half] + b'\xff\xd9', '2': whole[:half] + bytes(half),
                       '3': whole[:half] + whole}.items():
        (tmp_path / f'{name}.jpg').write_bytes(data)
    (tmp_path / '4.jpg').write_bytes(whole[:-2] + bytes(6) + whole[-2:])   # as cameras do
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    shown = []
    while camera.grab():
        shown.append(camera.retrieve())
    assert [text.split()[1] for text in warnings] == [f'{tmp_path}/{n}.jpg:' for n in '123']
    assert len(shown) == 1
    np.testing.assert_array_equal(shown[0], cv2.imdecode(np.frombuffer(whole, np.uint8), 1))
    assert capfd.readouterr() == ('', '')


def decoded(data):
    """Return what OpenCV itself makes of the content of a file."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def shown_picture(path, data, warn):
    """Return what is shown of a file with this content."""
    path.write_bytes(data)
    camera = Pictures(str(path), 2.0, warn)
    assert camera.grab()
    return camera.retrieve()


def test_a_jpeg_with_fill_bytes_before_its_markers_is_shown(tmp_path, warnings):
    whole = jpeg(noise())
    marker = whole.index(b'\xff\xda')
    for at in (2, marker):
        image = shown_picture(
            tmp_path / '1.jpg', whole[:at] + b'\xff\xff\xff' + whole[at:], warnings.append)
        np.testing.assert_array_equal(image, decoded(whole))
    assert warnings == []


@pytest.mark.parametrize('before, extra', [(0xd0, 1), (0xd5, 4), (0xd7, 16), (0xd9, 600)])
def test_a_jpeg_with_bytes_between_its_parts_is_shown(tmp_path, warnings, capfd, before, extra):
    whole = cv2.imencode('.jpg', noise(), [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes()
    at = whole.index(bytes([0xff, before]))
    image = shown_picture(
        tmp_path / '1.jpg', whole[:at] + bytes(extra) + whole[at:], warnings.append)
    np.testing.assert_array_equal(image, decoded(whole))
    assert warnings == []
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('options', [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
                                     [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]])
def test_a_jpeg_of_which_a_part_was_overwritten_is_skipped(tmp_path, warnings, options):
    whole = cv2.imencode('.jpg', noise(), options)[1].tobytes()
    for share in range(10, 81, 10):
        keep = len(whole) * share // 100
        (tmp_path / f'{share}.jpg').write_bytes(
            whole[:keep] + bytes(len(whole) - keep - 2) + whole[-2:])
    (tmp_path / 'whole.jpg').write_bytes(whole)
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    assert camera.grab()
    np.testing.assert_array_equal(camera.retrieve(), decoded(whole))
    assert not camera.grab()
    assert camera.skipped == 8


def test_a_picture_that_is_replaced_by_a_whole_one_is_shown(tmp_path, warnings):
    cv2.imwrite(str(tmp_path / '1.png'), numbered(1))
    half = tmp_path / '2.jpg'   # somebody is still writing it
    half.write_bytes(jpeg(numbered(2))[:500])
    camera = Pictures(str(tmp_path), 2.0, warnings.append)
    assert show(camera) == [1]
    half.write_bytes(jpeg(numbered(2)))
    camera.rewind()
    assert show(camera) == [1, 2]


def test_what_is_no_file_is_skipped(tmp_path, warnings):
    cv2.imwrite(str(tmp_path / '1.png'), numbered(1))
    os.mkfifo(tmp_path / '2.png')
    (tmp_path / '3.png').mkdir()
    (tmp_path / '4.png').symlink_to(tmp_path / 'nowhere')
    (tmp_path / '5.png').touch()
    assert show(Pictures(str(tmp_path), 2.0, warnings.append)) == [1]
    assert [text.partition(': ')[2].partition(';')[0] for text in warnings] == [
        'it is no file', 'it is no file', 'No such file or directory',
        'it cannot be decoded as a picture']


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
