# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the bench of JPEG counts as a change, as the same box, and as lost or gained."""

from functools import partial

import cv2
from drawn_objects import picture
import jpeg_scores
from jpeg_scores import HEADS
from jpeg_scores import Tally
from ncs_cluster_detector.networks.detection import Detection
import numpy as np
import pytest


def person(score, left=0.2, label='person'):
    """Return a box of a fifth of the picture."""
    return Detection(label, score, left, 0.4, left + 0.2, 0.6)


def tally_of(raw, sent):
    """Return a Tally with one picture."""
    tally = Tally()
    tally.note(raw, sent)
    return tally


@pytest.mark.parametrize(('left', 'share'), [(0.2, 1.0), (0.3, 1 / 3), (0.4, 0.0), (0.7, 0.0)])
def test_the_overlap_of_two_boxes(left, share):
    assert jpeg_scores.overlap(person(1.0), person(1.0, left)) == pytest.approx(share)


def test_a_box_belongs_to_the_one_that_it_covers_best():
    near, far = person(0.7, 0.21), person(0.9, 0.25)
    pairs = list(jpeg_scores.matches([person(0.8)], [far, near]))
    assert pairs == [(person(0.8), near), (None, far)]


def test_boxes_of_two_classes_are_two_objects():
    pairs = list(jpeg_scores.matches([person(0.8)], [person(0.8, label='car')]))
    assert pairs == [(person(0.8), None), (None, person(0.8, label='car'))]


def test_the_change_of_a_box_that_stays_above_the_threshold():
    tally = tally_of([person(0.8)], [person(0.75)])
    assert tally.changes == pytest.approx([0.05])
    assert (tally.raw_boxes, tally.lost, tally.gained) == (1, 0, 0)


def test_a_box_that_crosses_the_threshold_is_changed_and_lost_or_gained():
    assert tally_of([person(0.62)], [person(0.58)]).changes == pytest.approx([0.04])
    assert tally_of([person(0.62)], [person(0.58)]).lost == 1
    assert tally_of([person(0.58)], [person(0.62)]).gained == 1


def test_a_box_without_another_one_is_lost_or_gained_without_a_change():
    lost, gained = tally_of([person(0.62)], []), tally_of([], [person(0.62)])
    assert (lost.lost, lost.gained, lost.changes) == (1, 0, [])
    assert (gained.lost, gained.gained, gained.changes) == (0, 1, [])
    assert (lost.raw_boxes, gained.raw_boxes) == (1, 0)


def test_boxes_below_the_threshold_do_not_count():
    tally = tally_of([person(0.3), person(0.4, 0.7)], [person(0.5)])
    assert (tally.raw_boxes, tally.lost, tally.gained, tally.changes) == (0, 0, 0, [])


def test_a_graph_and_pictures_make_a_table(tmp_path):
    path = tmp_path / 'shapes.png'
    cv2.imwrite(str(path), picture())
    rows = jpeg_scores.measure('shapes', [path, path], 1, [127.5], 0.007843)
    assert all(len(row) == len(HEADS) for row in rows)
    table = {row[0]: dict(zip(HEADS, row)) for row in rows}
    assert len(table) == 1 + 2 * len(jpeg_scores.QUALITIES)
    assert {row['boxes'] for row in table.values()} == {'6'}
    assert (table['95, 4:4:4']['lost'], table['95, 4:4:4']['gained']) == ('0', '0')
    assert float(table['95, 4:2:0']['KB']) < float(table['95, 4:4:4']['KB'])
    assert float(table['50, 4:4:4']['KB']) < float(table['95, 4:4:4']['KB'])


def test_every_so_many_pictures_of_a_video_are_taken(tmp_path):
    path = tmp_path / 'video.avi'
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 30.0, (64, 48))
    for level in range(7):
        video.write(np.full((48, 64, 3), 30 * level, np.uint8))
    video.release()
    taken = [round(float(image.mean()) / 30) for image in jpeg_scores.pictures([path], 3)]
    assert taken == [0, 3, 6]


def test_what_is_neither_picture_nor_video_ends_the_bench(tmp_path):
    path = tmp_path / 'text.txt'
    path.write_text('no video')
    with pytest.raises(SystemExit, match='has no pictures'):
        list(jpeg_scores.pictures([path], 1))


def test_noise_changes_pixels_by_what_it_says():
    image = np.full((100, 100, 3), 128, np.uint8)
    noisy = jpeg_scores.with_noise(image, np.random.default_rng(2), Tally())
    assert np.std(noisy.astype(float) - image) == pytest.approx(jpeg_scores.NOISE, rel=0.1)
    full = jpeg_scores.with_noise(np.full_like(image, 255), np.random.default_rng(2), Tally())
    assert full.dtype == np.uint8 and full.min() > 200   # nothing wraps around


def test_the_way_as_jpeg_is_timed_and_weighed():
    tally = Tally()
    way = partial(jpeg_scores.as_jpeg, quality=90, colours=jpeg_scores.COLOURS['4:4:4'])
    sent = way(picture(), tally=tally)
    assert sent.shape == picture().shape
    assert len(tally.sizes) == len(tally.encode_sec) == len(tally.decode_sec) == 1
    assert 1000 < tally.sizes[0] < picture().size
