# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detectors ``people`` and ``faces`` on real pictures."""

from importlib.machinery import ModuleSpec
import logging
from pathlib import Path

import cv2
from ncs_cluster_detector.networks import preprocessing
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.simulation.networks import cascade
from ncs_cluster_detector.simulation.networks.faces import FaceDetector
from ncs_cluster_detector.simulation.networks.people import PeopleDetector
from ncs_cluster_detector.simulation.networks.people import score_of_margin
import numpy as np
import pytest

MEDIA = Path(__file__).resolve().parents[4] / 'shared' / 'media'
THRESHOLD = 0.6


def media(name):
    """Return the path of a picture or video outside the package, or skip the test."""
    path = MEDIA / name
    if not path.exists():
        pytest.skip(f'{name} is not in {MEDIA}')
    return str(path)


def network_picture(image):
    """Return what a network sees of an image."""
    tensor = preprocessing.Preprocessor().network_input(image, NetworkInput((300, 300)))
    return preprocessing.image_of_network_input(tensor, (300, 300), 'bgr')


def sure(rows):
    """Return the rows that pass the default threshold."""
    return [row for row in rows if row[1] >= THRESHOLD]


def covers(row, x, y):
    """Tell whether a box covers a point, all in fractions of the image."""
    return row[2] < x < row[4] and row[3] < y < row[5]


def street_frames(step):
    """Yield every ``step``-th frame of the street video as a network sees it."""
    video = cv2.VideoCapture(media('street_people.mp4'))
    assert video.isOpened()
    index = 0
    while True:
        found, frame = video.read()
        if not found:
            break
        if index % step == 0:
            yield network_picture(frame)
        index += 1
    video.release()


def test_pedestrians_are_found_in_most_frames_of_a_street():
    detect = PeopleDetector()
    counts = [len(sure(detect(picture))) for picture in street_frames(16)]
    assert np.mean(np.array(counts) > 0) >= 0.9
    assert np.mean(counts) >= 2.0


def test_a_pedestrian_has_the_box_of_a_person():
    rows = [row for picture in street_frames(64) for row in sure(PeopleDetector()(picture))]
    for class_index, score, x_min, y_min, x_max, y_max in rows:
        assert class_index == 15
        assert score <= 1.0
        assert 0.0 <= x_min < x_max <= 1.0
        assert 0.0 <= y_min < y_max <= 1.0
        # The video is 480 x 270: a person is about a third as wide as high.
        assert 0.2 < (x_max - x_min) * 480 / ((y_max - y_min) * 270) < 0.6


def test_two_near_people_are_found_once_each():
    rows = sure(PeopleDetector()(network_picture(cv2.imread(media('two_people.jpg')))))
    assert len(rows) == 2
    left, right = sorted(rows, key=lambda row: row[2])
    assert covers(left, 0.32, 0.4) and covers(left, 0.2, 0.8)
    assert covers(right, 0.57, 0.4) and covers(right, 0.6, 0.8)


@pytest.mark.parametrize('name', ['car_bicycle.jpg', 'living_room.jpg'])
def test_no_people_and_no_faces_are_found_where_there_are_none(name):
    picture = network_picture(cv2.imread(media(name)))
    assert sure(PeopleDetector()(picture)) == []
    assert FaceDetector()(picture) == []


def test_two_faces_are_found():
    rows = FaceDetector()(network_picture(cv2.imread(media('two_people.jpg'))))
    assert [row[0] for row in rows] == [1, 1]
    left, right = sorted(rows, key=lambda row: row[2])
    assert covers(left, 0.32, 0.42) and covers(right, 0.57, 0.42)
    assert all(THRESHOLD <= row[1] < 1.0 for row in rows)


def test_nothing_is_found_in_a_blank_picture():
    blank = np.full((300, 300, 3), 128, dtype=np.uint8)
    assert PeopleDetector()(blank) == []
    assert FaceDetector()(blank) == []


def test_the_score_grows_with_the_margin_and_passes_the_threshold_from_where_people_begin():
    assert score_of_margin(0.0) < score_of_margin(0.39) < THRESHOLD < score_of_margin(0.41)
    assert score_of_margin(50.0) <= 1.0


def test_without_the_cascade_faces_say_what_to_install(monkeypatch):
    monkeypatch.setattr(cascade, 'find_spec', lambda name: None)
    monkeypatch.setattr(cascade, '_SYSTEM_FOLDERS', ('/nowhere',))
    with pytest.raises(FileNotFoundError, match='install the package opencv-data') as caught:
        FaceDetector()
    assert '\n' not in str(caught.value)


def test_without_the_cascade_people_are_still_found_in_full(monkeypatch, caplog):
    monkeypatch.setattr(cascade, 'find_spec', lambda name: None)
    monkeypatch.setattr(cascade, '_SYSTEM_FOLDERS', ('/nowhere',))
    # The package launch, where it is installed, keeps loggers from passing their lines on.
    monkeypatch.setattr(logging.getLogger(cascade.__name__), 'propagate', True)
    detect = PeopleDetector()
    assert 'opencv-data' in caplog.text
    assert sum(len(sure(detect(picture))) for picture in street_frames(64)) > 0


def test_the_cascade_of_the_system_is_found_too(monkeypatch, tmp_path):
    (tmp_path / 'haarcascade_frontalface_alt2.xml').write_text('')
    # As where OpenCV is one file, without folders of its own.
    monkeypatch.setattr(cascade, 'find_spec', lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(cascade, '_SYSTEM_FOLDERS', (str(tmp_path),))
    assert cascade.find_cascade() == str(tmp_path / 'haarcascade_frontalface_alt2.xml')
