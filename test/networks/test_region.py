# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The part of a picture that the networks see."""

import math
import sys

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.region import parse_region
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.networks.region import WHOLE
import numpy as np
import pytest

hypothesis = pytest.importorskip('hypothesis')
given, st = hypothesis.given, hypothesis.strategies
# The same examples in every run, and no time limit: machines differ.
thorough = hypothesis.settings(max_examples=1000, derandomize=True, deadline=None, database=None)

NO_NUMBERS = "must be four numbers 'x,y,w,h'; use for example '0.25,0,0.5,1'"
OUTSIDE = ('must lie in the picture: x and y from 0, w and h above 0, x+w and y+h up to 1; the '
           "whole picture is '0,0,1,1'")
SIZES = st.tuples(st.integers(1, 4096), st.integers(1, 4096))


@st.composite
def lines(draw):
    """Return start and length of a part of a line from 0 to 1."""
    length = draw(st.sampled_from((1.0, 0.5, 1e-9)) | st.floats(
        sys.float_info.min, 1.0, exclude_min=True))
    return draw(st.sampled_from((0.0, 1.0 - length)) | st.floats(0.0, 1.0 - length)), length


@st.composite
def regions(draw):
    (x, width), (y, height) = draw(lines()), draw(lines())
    return Region(x, y, width, height)


@st.composite
def boxes(draw):
    """Return a Detection as a network gives it, in numbers of 32 bits."""
    (x_min, x_max), (y_min, y_max) = (sorted(draw(st.lists(
        st.floats(0.0, 1.0, width=32), min_size=2, max_size=2, unique=True))) for _ in range(2))
    return Detection('car', 0.9, x_min, y_min, x_max, y_max)


@pytest.mark.parametrize('text, region', [
    ('0,0,1,1', WHOLE), ('', WHOLE), ('  ', WHOLE), ('0.25,0,0.5,1', (0.25, 0.0, 0.5, 1.0)),
    (' 0.25 , 0.5, .5,5e-1 ', (0.25, 0.5, 0.5, 0.5)), ('0.1,0.7,0.9,0.3', (0.1, 0.7, 0.9, 0.3)),
    ('0.9,0.9,0.1,0.1', (0.9, 0.9, 0.1, 0.1)), ('0,0,1e-300,1', (0.0, 0.0, 1e-300, 1.0)),
    ('0,0,1.000000001,1', (0.0, 0.0, 1.000000001, 1.0))])
def test_a_text_becomes_a_region(text, region):
    assert parse_region(text) == region


@pytest.mark.parametrize('text, rule', [
    *((text, NO_NUMBERS) for text in (
        '0,0,1', '0,0,1,1,0', ',,,', 'a,b,c,d', '0;0;1;1', '0 0 1 1', '0,0,1,', '0,0,nan,1',
        'nan,0,1,1', '0,0,inf,1', '-inf,0,1,1', '0,0,1e999,1', '0,0,1,0x1', 'front', '1')),
    *((text, OUTSIDE) for text in (
        '-0.001,0,1,1', '0,-1e-9,1,1', '0,0,0,1', '0,0,1,0', '0,0,-0.5,1', '0.5,0,0.51,1',
        '0,0.5,1,0.501', '0,0,1.00001,1', '1,0,0.1,1', '0,0,640,480'))])
def test_any_other_text_is_refused(text, rule):
    with pytest.raises(ValueError) as error:
        parse_region(text)
    assert str(error.value) == rule


@thorough
@given(text=st.text(max_size=20) | st.lists(
    st.floats(width=16).map(str), max_size=5).map(','.join))
def test_a_text_is_a_region_in_the_picture_or_refused(text):
    try:
        region = parse_region(text)
    except ValueError as error:
        assert str(error) in (NO_NUMBERS, OUTSIDE)
    else:
        assert min(region[:2]) >= 0.0 and min(region[2:]) > 0.0
        assert max(region.x + region.width, region.y + region.height) <= 1.0 + 1e-8


@pytest.mark.parametrize('region, size, pixels', [
    (WHOLE, (480, 640), (0, 480, 0, 640)), (Region(0.25, 0.0, 0.5, 1.0), (480, 640),
                                            (0, 480, 160, 480)),
    # 0.1 + 0.2 is no less than 0.3: no pixel more for that.
    (Region(0.1, 0.1, 0.2, 0.2), (100, 100), (10, 30, 10, 30)),
    (Region(0.7, 0.7, 0.3, 0.3), (10, 10), (7, 10, 7, 10)),
    # Pixels that are partly in it.
    (Region(0.05, 0.05, 0.1, 0.1), (10, 10), (0, 2, 0, 2)),
    # Never empty.
    (Region(0.5, 0.5, 1e-12, 1e-12), (480, 640), (240, 241, 320, 321)),
    (Region(0.999999999, 0.999999999, 1e-9, 1e-9), (480, 640), (479, 480, 639, 640)),
    (Region(0.5, 0.5, 0.5, 0.5), (1, 1), (0, 1, 0, 1))])
def test_the_pixels_of_a_region(region, size, pixels):
    assert region.pixels(*size) == pixels


@thorough
@given(region=regions(), size=SIZES)
def test_there_are_always_pixels_in_the_picture_and_all_of_the_region(region, size):
    height, width = size
    top, bottom, left, right = region.pixels(height, width)
    for first, end, start, length, pixels in ((top, bottom, region.y, region.height, height),
                                              (left, right, region.x, region.width, width)):
        assert 0 <= first < end <= pixels
        # Which part of it lies outside is rounding.
        assert first - 2e-6 <= start * pixels < first + 1.0 or first == pixels - 1
        assert end - 1.0 - 2e-6 <= (start + length) * pixels <= end + 2e-6 or end - first == 1


def test_the_whole_picture_is_left_as_it_is():
    image = np.zeros((48, 64, 3), np.uint8)
    found = (Detection('car', 0.9, 0.1, 0.2, 0.3, 0.4),)
    assert WHOLE.cut(image) is image
    assert WHOLE.in_whole(list(found), (48, 64)) == found


@pytest.mark.parametrize('region', [Region(0.25, 0.5, 0.5, 0.25), Region(0.03, 0.41, 0.77, 0.59)])
def test_a_part_is_cut_out_without_a_copy(region):
    image = np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    top, bottom, left, right = region.pixels(48, 64)
    part = region.cut(image)
    assert np.shares_memory(part, image)
    assert (part == image[top:bottom, left:right]).all()
    assert part.shape == (bottom - top, right - left, 3)


@hypothesis.settings(thorough, max_examples=300)
@given(region=regions(), size=st.tuples(st.integers(1, 200), st.integers(1, 200)), data=st.data())
def test_what_a_network_finds_in_the_part_is_where_it_is_in_the_picture(region, size, data):
    """A rectangle is drawn, found in the part that is cut out, and named in the whole picture."""
    height, width = size
    top, bottom, left, right = region.pixels(height, width)
    (y_first, y_end), (x_first, x_end) = (sorted(data.draw(st.lists(
        st.integers(first, end), min_size=2, max_size=2, unique=True)))
        for first, end in ((top, bottom), (left, right)))
    image = np.zeros((height, width, 3), np.uint8)
    image[y_first:y_end, x_first:x_end] = 255
    part = region.cut(image)
    rows, columns = np.nonzero(part[..., 0])
    in_part = Detection(
        'car', 0.9, columns.min() / part.shape[1], rows.min() / part.shape[0],
        (columns.max() + 1) / part.shape[1], (rows.max() + 1) / part.shape[0])
    (found,) = region.in_whole([in_part], size)
    assert found[:2] == in_part[:2]
    assert found[2:] == pytest.approx(
        (x_first / width, y_first / height, x_end / width, y_end / height), abs=1e-9)


@thorough
@given(region=regions(), size=SIZES, box=boxes())
@hypothesis.example(Region(0.5, 0.5, 0.5, 0.5), (480, 640),
                    Detection('car', 0.9, 0.0, 0.0, 1e-40, 1e-40))
@hypothesis.example(Region(0.1, 0.2, 0.9, 0.8), (333, 777),
                    Detection('car', 0.9, 1.0 - 2**-24, 1.0 - 2**-24, 1.0, 1.0))
def test_boxes_stay_boxes_in_the_picture(region, size, box):
    for found in region.in_whole([box], size):
        assert 0.0 <= found.x_min < found.x_max <= 1.0
        assert 0.0 <= found.y_min < found.y_max <= 1.0
    if min(box.x_max - box.x_min, box.y_max - box.y_min) > 1e-9:
        assert len(region.in_whole([box], size)) == 1


def test_several_boxes_keep_their_order():
    found = [Detection(name, 0.5, 0.0, 0.0, 1.0, 1.0) for name in 'abc']
    inside = Region(0.5, 0.5, 0.5, 0.5).in_whole(found, (480, 640))
    assert inside == tuple(Detection(name, 0.5, 0.5, 0.5, 1.0, 1.0) for name in 'abc')
    assert all(math.isfinite(edge) for each in inside for edge in each[2:])
