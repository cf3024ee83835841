# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table and the verdict of the bench, and its picture."""

from comparison import history
from comparison import picture
from comparison import table
from comparison.figures import BARE
from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import ORIGINAL
from comparison.figures import Row
import cv2
import pytest


@pytest.fixture
def rows():
    """Return a row that keeps its limit, one that does not, and one without any."""
    return [
        Row('cpu', 'node', 'ms', Figure((2.0, 2.2)), bare=Figure((1.0, 1.0)),
            limit=Limit(1.3, BARE), is_paired=True),
        Row('original', 'rate', '1/s', Figure((31.0,)), original=Figure((20.0,)),
            limit=Limit(1.35, ORIGINAL, is_least=True), is_more_better=True),
        Row('original', 'log', 'kB/s', Figure((0.0,)), original=Figure((3900.0,)))]


@pytest.fixture
def kept():
    """Return a kept run in which the rate was higher."""
    return {'date': '2026-01-02', 'commit': 'abc', 'machine': history.machine(), 'rows': {
        'rate': {'ours': [40.0], 'ratio': [2.0], 'ratio_to': ORIGINAL}}}


def test_every_row_has_its_figures(rows):
    lines = table.table_lines(rows, None)
    assert [line for line in lines if line.startswith('--')][0].startswith('-- cpu --')
    assert len([line for line in lines if line.startswith('--')]) == 2
    node, rate, log = (next(line for line in lines if line.startswith(name))
                       for name in ('node', 'rate', 'log'))
    for text in ('node [ms]', '2.10 ±0.10', '1.00 ±0', '<= 1.30 x', '2.10 x bare', 'BEYOND'):
        assert text in node
    for text in ('31.0', '20.0', '>= 1.35 x', '1.55 x original'):
        assert text in rate
    assert 'BEYOND' not in rate
    assert '3900' in log


def test_a_loss_stands_in_its_row(rows, kept):
    rate = next(line for line in table.table_lines(rows, kept) if line.startswith('rate'))
    assert '-22 %' in rate
    assert 'slower: 31.0 1/s, it was 40.0' in rate


def test_the_verdict_names_what_is_beyond_and_what_is_lost(rows, kept):
    lines = table.verdict_lines(rows, kept)
    assert lines == [
        'Beyond the limit: node (2.10 times the bare node, expected at most 1.30)',
        'Worse since 2026-01-02, commit abc: rate: slower: 31.0 1/s, it was 40.0 (noise 6.00)']


@pytest.mark.parametrize('chosen, with_kept, is_good', [
    (slice(0, 1), False, False), (slice(1, 3), False, True), (slice(1, 3), True, False)])
def test_what_fails_a_run(rows, kept, chosen, with_kept, is_good):
    kept = kept if with_kept else None
    assert table.is_good(rows[chosen], kept) == is_good
    assert table.verdict_lines(rows[chosen], kept)[0].startswith('All rows keep') == is_good


def test_an_empty_column_says_why(rows):
    lines = table.table_lines(rows, None, 'it is not here')
    assert lines[-1] == 'The column of the original script is empty: it is not here'


def test_the_picture_is_drawn(rows, kept, tmp_path):
    path = tmp_path / 'bench.png'
    picture.draw(rows, kept, path)
    image = cv2.imread(str(path))
    assert image.shape[1] == 1400
    reds = (image.astype(int) - [0x28, 0x28, 0xc6]) == 0   # what is beyond its limit, in BGR
    assert reds.all(axis=2).any()
