# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The strip at the lower edge: what it tells of every stick, and where it has room."""

from ncs_cluster_detector.drawing import colours
from ncs_cluster_detector.drawing.status_strip import lay_on
from ncs_cluster_detector.drawing.status_strip import StickMark
from ncs_cluster_detector.drawing.status_strip import strip_for
from ncs_cluster_detector.drawing.status_strip import StripContent
import numpy as np
import pytest

RESTS = StickMark(0, 41.4, active=False, hot=False, works=True, duty=0.2)
WORKS = RESTS._replace(number=1, active=True)
HOT = WORKS._replace(number=2, celsius=66.0, hot=True)
HOT_AT_REST = HOT._replace(active=False)
GONE = RESTS._replace(number=3, celsius=None, works=False)
SIZES = pytest.mark.parametrize('width, height', [(320, 240), (640, 480), (1920, 1080)])


def share_of(strip, colour):
    """Return the part of a strip's pixels that have a colour."""
    return (strip.colour == colour).all(axis=2).mean()


def of(*marks, width=640, height=480, fps=24.3):
    """Return the strip for some marks."""
    return strip_for(StripContent(marks, 30.0, fps), width, height)


@SIZES
def test_each_state_has_its_colour_and_only_active_ones_are_filled(width, height):
    shares = {}
    for mark, colour in ((RESTS, colours.RESTING), (WORKS, colours.ACTIVE), (HOT, colours.HOT),
                         (HOT_AT_REST, colours.HOT), (GONE, colours.FAILED)):
        strip = of(mark, width=width, height=height)
        for other in {colours.RESTING, colours.ACTIVE, colours.HOT, colours.FAILED} - {colour}:
            assert share_of(strip, other) == 0.0
        shares[mark] = share_of(strip, colour)
    assert shares[WORKS] > 2 * shares[RESTS] > 0
    assert shares[HOT] > 1.5 * shares[HOT_AT_REST] > 0
    assert shares[GONE] > 0


@SIZES
def test_number_temperature_and_rates_are_told(width, height):
    one = of(WORKS, width=width, height=height)
    for other in (of(WORKS._replace(number=2), width=width, height=height),
                  of(WORKS._replace(celsius=42.0), width=width, height=height),
                  of(WORKS._replace(celsius=None), width=width, height=height),
                  of(WORKS._replace(duty=0.9), width=width, height=height),
                  of(WORKS, width=width, height=height, fps=24.4),
                  of(HOT._replace(number=1, celsius=41.4), width=width, height=height)):
        assert not np.array_equal(one.colour, other.colour)


def test_what_is_not_shown_makes_no_new_strip():
    assert of(WORKS) is of(WORKS._replace(celsius=41.0), fps=24.26)


def test_the_duty_is_a_bar():
    widths = []
    for duty in (0.0, 0.5, 1.0):
        strip = of(RESTS._replace(duty=duty))
        row = (strip.colour == colours.RESTING).all(axis=2).sum(axis=1)
        widths.append(int(row[-6:].max()))
    assert widths[0] == 0
    assert widths[2] == pytest.approx(2 * widths[1], abs=2)


@SIZES
def test_the_ground_lets_the_picture_shine_through(width, height):
    image = np.full((height, width, 3), 200, np.uint8)
    strip = of(RESTS, WORKS, width=width, height=height)
    lay_on(image, strip)
    rows = len(strip.colour)
    assert 0 < rows < height / 4
    assert (image[:-rows] == 200).all()
    ground = image[-1, width // 2]
    assert (ground > colours.DARK).all() and (ground < 100).all()
    # What is drawn is not mixed with the picture, so it is as legible on white as on black.
    drawn = (strip.colour == colours.ACTIVE).all(axis=2)
    assert (image[-rows:][drawn] == colours.ACTIVE).all()


@pytest.mark.parametrize('sticks', [0, 1, 5, 16, 64])
@pytest.mark.parametrize('width, height', [(352, 288), (640, 480), (1920, 1080), (288, 352)])
def test_every_stick_has_its_mark(sticks, width, height):
    marks = [RESTS._replace(number=number, duty=0.0) for number in range(sticks)]
    strip = of(*marks, width=width, height=height)
    assert 0 < len(strip.colour) <= 0.4 * height
    without_last = of(*marks[:-1], width=width, height=height)
    last_active = of(*marks[:-1], *(mark._replace(active=True) for mark in marks[-1:]),
                     width=width, height=height)
    if sticks:
        assert share_of(last_active, colours.ACTIVE) > 0
        assert share_of(without_last, colours.RESTING) < share_of(strip, colours.RESTING)


def test_with_too_many_sticks_for_the_picture_there_are_the_rates():
    marks = [RESTS] * 64
    assert np.array_equal(of(*marks, width=240, height=180).colour,
                          of(width=240, height=180).colour)


@pytest.mark.parametrize('width, height', [(16, 16), (64, 20), (20, 400)])
def test_a_picture_without_room_is_left_alone(width, height):
    image = np.full((height, width, 3), 200, np.uint8)
    lay_on(image, of(*[RESTS] * 64, width=width, height=height))
    assert (image == 200).all()
