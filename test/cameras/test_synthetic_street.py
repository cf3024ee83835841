# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the synthetic street scene."""

import time

import cv2
from ncs_cluster_detector.cameras.test_pattern import PANELS
from ncs_cluster_detector.cameras.test_pattern import SyntheticStreet
import numpy as np
import pytest

# From about here on a pedestrian counts as found.
SCORE = 0.6


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    """Keep OpenCV from threads that wait for each other on a machine with other work."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.fixture(scope='module')
def street():
    """Return the scene at the node's default size."""
    return SyntheticStreet(640, 480, 30.0)


def test_a_frame_depends_on_its_number_alone(street):
    again = SyntheticStreet(640, 480, 30.0)
    for number in (0, 7, 1000):
        assert np.array_equal(street.picture(number), again.picture(number))
    again.grab()
    assert np.array_equal(again.retrieve(), street.picture(0))
    again.grab()
    assert np.array_equal(again.retrieve(), street.picture(1))
    assert np.array_equal(again.retrieve(), street.picture(1))


def test_something_moves_in_every_frame(street):
    pictures = [street.picture(number) for number in range(20)]
    assert all(np.any(before != after) for before, after in zip(pictures, pictures[1:]))


@pytest.mark.parametrize('width, height', [(320, 240), (640, 480), (1280, 720)])
def test_a_pedestrian_is_found_in_nine_of_ten_frames(width, height):
    scene = SyntheticStreet(width, height, 30.0)
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    found = 0
    for number in range(0, 40 * 23, 23):
        image = cv2.resize(scene.picture(number), (300, 300), interpolation=cv2.INTER_LINEAR)
        _, weights = hog.detectMultiScale(image, scale=1.1)
        found += len(weights) > 0 and float(np.max(weights)) >= SCORE
    assert found >= 36


@pytest.mark.parametrize('width, height', [(64, 48), (640, 480), (1280, 720)])
def test_every_frame_has_one_solid_rectangle_of_each_pure_colour(width, height):
    scene = SyntheticStreet(width, height, 30.0)
    for number in range(0, 400, 37):
        picture = scene.picture(number)
        for panel in PANELS:
            rows, columns = np.nonzero((picture == panel.colour).all(axis=2))
            right, bottom = columns.max() + 1, rows.max() + 1
            assert right - columns.min() >= 0.08 * width
            assert len(rows) == (right - columns.min()) * (bottom - rows.min())


@pytest.mark.parametrize('width, height', [(16, 16), (4096, 16), (16, 400), (17, 23)])
def test_odd_sizes(width, height):
    scene = SyntheticStreet(width, height, 0.1)
    for _ in range(10):
        assert scene.grab()
        assert scene.retrieve().shape == (height, width, 3)


def test_a_walker_larger_than_its_poses_is_scaled_up(street, monkeypatch):
    fine = street.picture(50)
    monkeypatch.setattr('ncs_cluster_detector.cameras.test_pattern.TALLEST_DRAWN', 150)
    coarse = SyntheticStreet(640, 480, 30.0).picture(50)
    difference = cv2.absdiff(coarse, fine)
    assert 0.0 < difference.mean() < 1.0


def test_it_is_cheap(street):
    drawn, encoded = [], []
    for number in range(100):
        start = time.perf_counter()
        picture = street.picture(number)
        drawn.append(time.perf_counter() - start)
        cv2.imencode('.jpg', picture)
        encoded.append(time.perf_counter() - start - drawn[-1])
    # By what a compressed picture costs; the quarter that other programs disturb least.
    assert np.percentile(drawn, 25) < np.percentile(encoded, 25)
