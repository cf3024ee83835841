# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector ``shapes``: where it finds rectangles, and where it finds nothing."""

import cv2
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import image_of_network_input
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes
import numpy as np
import pytest

NETWORK_SIZE = 300
COLOURS = {'car': (255, 0, 0), 'person': (0, 255, 0), 'cat': (0, 0, 255)}
SIZES = [(320, 240), (640, 480), (1280, 720)]


def through_the_network(image):
    """Return the detections in an image, with all the rounding on the way to a stick and back."""
    size = NETWORK_SIZE, NETWORK_SIZE
    tensor = Preprocessor().network_input(image, NetworkInput(size)).astype(np.float32)
    rows = detect_shapes(image_of_network_input(tensor, size, 'bgr'))
    output = ssd.encode(rows).astype(np.float16).astype(np.float32)
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert dropped == 0
    return detections


def draw(image, left, top, width, height, label):
    """Draw a rectangle and return (label, box in network pixels)."""
    image[top:top + height, left:left + width] = COLOURS[label]
    rows, columns = image.shape[:2]
    return label, np.array([left / columns, top / rows, (left + width) / columns,
                            (top + height) / rows]) * NETWORK_SIZE


def worst_error(detections, drawn):
    """Return the largest distance of an edge, in network pixels; all objects must be there."""
    assert len(detections) == len(drawn)
    errors = []
    for label, box in drawn:
        distances = [np.abs(np.array(found[2:]) * NETWORK_SIZE - box).max()
                     for found in detections if found.label == label]
        assert distances, f'no {label} in {detections}'
        errors.append(min(distances))
    return max(errors, default=0.0)


def background(kind, width, height, random):
    """Return a picture without rectangles."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    along = np.linspace(0.0, 1.0, width)[np.newaxis, :, np.newaxis]
    if kind == 'white':
        image[:] = 255
    elif kind == 'grey':
        image[:] = random.integers(256)
    elif kind == 'coloured':
        image[:] = random.integers(0, 180, 3)
    elif kind == 'gradient':
        first, last = random.integers(0, 180, (2, 3))
        image[:] = first + (last - first) * along
    elif kind == 'grey noise':
        image[:] = random.integers(0, 256, (height, width, 1))
    return image


def random_rectangles(image, random):
    """Draw up to five rectangles that keep some pixels apart; return them."""
    height, width = image.shape[:2]
    least_width, least_height = -(-3 * width // 300), -(-3 * height // 300)
    taken, drawn = [], []
    for _ in range(5):
        box_width = int(random.integers(least_width, random.choice([5 * least_width, width // 2])))
        box_height = int(random.integers(
            least_height, random.choice([5 * least_height, height // 2])))
        left = int(random.choice([0, width - box_width, random.integers(width - box_width)]))
        top = int(random.choice([0, height - box_height, random.integers(height - box_height)]))
        if all(left + box_width + least_width <= other[0]
               or other[0] + other[2] + least_width <= left
               or top + box_height + least_height <= other[1]
               or other[1] + other[3] + least_height <= top for other in taken):
            taken.append((left, top, box_width, box_height))
            drawn.append(draw(image, *taken[-1], random.choice(list(COLOURS))))
    return drawn


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('kind', ['black', 'white', 'grey', 'coloured', 'gradient', 'grey noise'])
def test_random_rectangles_are_found_to_the_pixel(kind, size):
    random = np.random.default_rng(20)
    for _ in range(12):
        image = background(kind, *size, random)
        drawn = random_rectangles(image, random)
        assert worst_error(through_the_network(image), drawn) <= 1.0


@pytest.mark.parametrize('label', COLOURS)
@pytest.mark.parametrize('least', [(10, 100), (100, 8)])
def test_three_network_pixels_are_enough_at_every_place(label, least):
    for offset in range(40, 60):
        image = np.full((720, 1280, 3), 90, dtype=np.uint8)
        width, height = max(13, least[0]), max(8, least[1])
        drawn = [draw(image, 3 * offset, 5 * offset, width, height, label)]
        assert worst_error(through_the_network(image), drawn) <= 1.0


def test_rectangles_of_two_colours_may_touch():
    image = np.full((480, 640, 3), 255, dtype=np.uint8)
    drawn = [draw(image, 100, 100, 101, 77, 'car'), draw(image, 201, 100, 99, 77, 'cat'),
             draw(image, 100, 177, 101, 33, 'person')]
    assert worst_error(through_the_network(image), drawn) <= 1.0


def test_a_whole_picture_of_one_colour_is_one_rectangle():
    image = np.zeros((480, 640, 3), dtype=np.uint8)
    drawn = [draw(image, 0, 0, 640, 480, 'person')]
    assert worst_error(through_the_network(image), drawn) == 0.0


def test_the_score_is_90_percent():
    image = np.zeros((480, 640, 3), dtype=np.uint8)
    draw(image, 100, 100, 100, 100, 'person')
    (found,) = through_the_network(image)
    assert found.score == pytest.approx(0.9, abs=0.001)


def test_a_compressed_picture_keeps_its_rectangles():
    image = np.full((480, 640, 3), 90, dtype=np.uint8)
    drawn = [draw(image, 100, 100, 200, 100, 'car'), draw(image, 50, 300, 20, 20, 'person'),
             draw(image, 400, 250, 100, 170, 'cat')]
    _, jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    detections = through_the_network(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    assert worst_error(detections, drawn) <= 1.0


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('kind', ['black', 'white', 'grey', 'coloured', 'gradient', 'grey noise'])
def test_nothing_is_found_in_a_background(kind, size):
    random = np.random.default_rng(21)
    for _ in range(5):
        assert through_the_network(background(kind, *size, random)) == []


def test_nothing_is_found_in_coloured_noise():
    noise = np.random.default_rng(22).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert through_the_network(noise) == []


@pytest.mark.parametrize('channel', [0, 1, 2])
def test_nothing_is_found_in_a_gradient_up_to_a_pure_colour(channel):
    image = np.zeros((480, 640, 3), dtype=np.uint8)
    image[:, :, channel] = np.linspace(0, 255, 640)
    assert through_the_network(image) == []


def test_other_shapes_and_other_colours_are_not_found():
    image = np.full((480, 640, 3), 90, dtype=np.uint8)
    cv2.circle(image, (100, 100), 60, COLOURS['cat'], -1)
    cv2.ellipse(image, (300, 100), (80, 40), 0, 0, 360, COLOURS['car'], -1)
    cv2.fillPoly(image, [np.array([[450, 50], [600, 60], [500, 180]])], COLOURS['person'])
    image[250:450, 50:80] = COLOURS['cat']
    image[420:450, 50:250] = COLOURS['cat']
    for left, colour in ((300, (255, 255, 0)), (400, (255, 0, 255)), (500, (255, 255, 255)),
                         (560, (128, 0, 0))):
        image[300:400, left:left + 40] = colour
    assert through_the_network(image) == []


def test_a_thin_line_is_not_found():
    image = np.zeros((480, 640, 3), dtype=np.uint8)
    draw(image, 0, 100, 640, 2, 'car')
    draw(image, 100, 0, 2, 90, 'cat')
    assert through_the_network(image) == []
