# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Detections on a picture: boxes where they belong, labels that can be read."""

from ncs_cluster_detector.drawing.annotation import annotate
from ncs_cluster_detector.drawing.annotation import draw_detections
from ncs_cluster_detector.drawing.annotation import label_text
from ncs_cluster_detector.drawing.annotation import place_of_label
from ncs_cluster_detector.drawing.colours import DARK
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.drawing.status_strip import strip_for
from ncs_cluster_detector.drawing.status_strip import StripContent
from ncs_cluster_detector.drawing.text import text_height
from ncs_cluster_detector.drawing.text import text_tile
from ncs_cluster_detector.networks.detection import Detection
import numpy as np
import pytest

GREY = 90
PERSON = Detection('person', 0.93, 0.25, 0.25, 0.5, 0.75)
NOTHING = StripContent((), 30.0, 24.3)


def picture(width=640, height=480):
    """Return a plain picture."""
    return np.full((height, width, 3), GREY, np.uint8)


def places_of(image, tile):
    """Return the upper left corners (x, y) of all places where a tile is in a picture."""
    height, width = tile.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(image, (height, width, 3))[:, :, 0]
    # Rows first, because a comparison of all windows would need gigabytes.
    found = [(x, y) for y, x in np.argwhere((windows[:, :, 0, 0] == tile[0, 0]).all(axis=2))
             if (windows[y, x] == tile).all()]
    return found


@pytest.mark.parametrize('width, height', [(320, 240), (640, 480), (1920, 1080)])
def test_a_box_runs_along_the_edges_of_the_object(width, height):
    image = picture(width, height)
    draw_detections(image, [PERSON], [None], height)
    colour = np.array(label_colour('person'))
    rows, columns = np.nonzero((image == colour).all(axis=2))
    assert abs(int(columns.min()) - width // 4) <= height / 200 + 1
    assert abs(int(columns.max()) - width // 2) <= height / 200 + 1
    assert abs(int(rows.max()) - height * 3 // 4) <= height / 200 + 1
    middle = image[height // 2, width * 3 // 8]
    assert (middle == GREY).all(), 'the object itself stays visible'


def test_the_label_says_what_how_sure_and_how_far():
    assert label_text(PERSON, None) == 'person 93%'
    assert label_text(PERSON, 1.236) == 'person 93%  1.24 m'
    assert label_text(PERSON._replace(score=0.6), 12.04) == 'person 60%  12.0 m'
    assert len(label_text(PERSON._replace(label='x' * 5000), 1.0)) < 60


@pytest.mark.parametrize('width, height', [(320, 240), (640, 480), (1920, 1080)])
def test_the_label_stands_above_its_box(width, height):
    image = picture(width, height)
    draw_detections(image, [PERSON], [1.5], height)
    tile = text_tile('person 93%  1.50 m', text_height(width, height), DARK,
                     label_colour('person'))
    assert places_of(image, tile) == [(width // 4, height // 4 - tile.shape[0])]


def test_text_grows_with_the_picture_and_never_gets_too_small():
    heights = [text_height(width, height) for width, height in
               ((64, 48), (320, 240), (640, 480), (1280, 720), (1920, 1080))]
    assert heights[0] == heights[1] == 11
    assert heights == sorted(heights)
    assert 24 <= heights[4] <= 30
    assert text_height(240, 320) == text_height(320, 240)


def test_text_is_dark_on_its_colour():
    tile = text_tile('person', 14, DARK, label_colour('person'))
    values = tile.reshape(-1, 3).astype(int)
    assert (values == label_colour('person')).all(axis=1).mean() > 0.5
    assert np.abs(values - DARK).sum(axis=1).min() < 60


def test_letters_that_the_font_lacks_are_question_marks():
    shown = text_tile('Straße 人', 14, DARK, (255, 255, 255))
    assert np.array_equal(shown, text_tile('Stra?e ?', 14, DARK, (255, 255, 255)))


def test_every_text_of_a_size_is_as_high():
    assert {text_tile(text, 14, DARK, (255, 255, 255)).shape[0]
            for text in ('ace', 'person 93%', 'gjpqy', '°')} == {
        text_tile('A', 14, DARK, (255, 255, 255)).shape[0]}


def test_common_labels_have_colours_of_their_own():
    labels = ('person', 'face', 'bicycle', 'car', 'dog', 'cat', 'bottle', 'chair')
    assert len({label_colour(label) for label in labels}) == len(labels)


def test_labels_do_not_cover_each_other():
    tile, room = (20, 100, 3), (480, 640)
    box = (200, 150, 260, 350)
    above = place_of_label(box, tile, room, [])
    assert above == (200, 130, 300, 150)
    below = place_of_label(box, tile, room, [above])
    assert below == (200, 351, 300, 371)
    assert place_of_label(box, tile, room, [above, below]) == (200, 150, 300, 170)


def test_a_label_stays_in_its_room():
    tile = (20, 100, 3)
    assert place_of_label((600, 5, 639, 470), tile, (440, 640), []) == (540, 5, 640, 25)
    assert place_of_label((0, 430, 50, 479), tile, (400, 640), []) == (0, 380, 100, 400)
    assert place_of_label((0, 0, 50, 9), tile, (8, 640), []) == (0, 0, 100, 8)
    assert place_of_label((0, 0, 10, 10), tile, (480, 60), []) == (0, 11, 60, 31)


def test_the_surest_label_is_never_covered():
    image = picture(320, 240)
    crowd = [PERSON._replace(label=f'person {number}', score=0.9 - number / 100)
             for number in range(12)]
    draw_detections(image, crowd, [None] * 12, 240)
    tile = text_tile('person 0 90%', text_height(320, 240), DARK, label_colour('person 0'))
    assert len(places_of(image, tile)) == 1


def test_labels_keep_above_the_strip():
    image = picture(320, 240)
    low = PERSON._replace(y_min=0.02, y_max=0.9)
    status = NOTHING
    annotate(image, [low, low._replace(x_min=0.3, score=0.8)], [None, None], status)
    rows = len(strip_for(status, 320, 240).colour)
    labels = (image[240 - rows:] == label_colour('person')).all(axis=2)
    assert rows > 10 and not labels.any()


def test_the_surest_lies_on_top():
    image = picture()
    unsure = Detection('chair', 0.61, 0.25, 0.25, 0.5, 0.75)
    for order in ([PERSON, unsure], [unsure, PERSON]):
        draw_detections(image, order, [None, None], 480)
        assert (image[300, 160] == label_colour('person')).all()


@pytest.mark.parametrize('width, height', [(16, 16), (64, 48), (241, 321), (3840, 2160)])
def test_any_size_and_any_box(width, height):
    image = picture(width, height)
    found = [Detection('person', 1.0, 0.0, 0.0, 1.0, 1.0),
             Detection('a very long label for a narrow picture', 0.7, 0.99, 0.99, 1.0, 1.0),
             Detection('', 0.0, 0.5, 0.5, 0.500001, 0.500001)]
    annotate(image, found, [0.0, 123.456, None], NOTHING)
    assert (image != GREY).any()
