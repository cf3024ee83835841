# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Rows, limits and ratios of the bench."""

from comparison.figures import BARE
from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import ORIGINAL
from comparison.figures import refer
from comparison.figures import Row
from comparison.figures import shown
import pytest


def row(*samples, name='a row', **more):
    """Return a row with these samples of ours."""
    return Row('group', name, 'ms', Figure(samples), **more)


def test_a_figure_is_its_median_and_the_farthest_sample():
    figure = Figure((2.0, 1.0, 5.0))
    assert (figure.median, figure.spread) == (2.0, 3.0)


def test_samples_that_were_taken_side_by_side_are_compared_one_by_one():
    # The machine was half as fast in the second window.
    compared = row(2.0, 4.0, bare=Figure((1.0, 2.0)), is_paired=True)
    assert compared.ratio.samples == (2.0, 2.0)
    assert compared.compared_with == BARE


def test_samples_of_different_runs_are_compared_with_the_other_median():
    compared = row(2.0, 4.0, original=Figure((1.0, 2.0, 9.0)))
    assert compared.ratio.samples == (1.0, 2.0)
    assert compared.compared_with == ORIGINAL


@pytest.mark.parametrize('samples, more, is_kept', [
    ((1.3,), {'bare': Figure((1.0,)), 'limit': Limit(1.3, BARE)}, True),
    ((1.31,), {'bare': Figure((1.0,)), 'limit': Limit(1.3, BARE)}, False),
    ((30.0,), {'original': Figure((20.0,)), 'limit': Limit(1.35, ORIGINAL, is_least=True)}, True),
    ((26.0,), {'original': Figure((20.0,)), 'limit': Limit(1.35, ORIGINAL, is_least=True)}, False),
    # A limit in the unit of the row, whatever a bare node has.
    ((129.0,), {'bare': Figure((50.0,)), 'limit': Limit(130.0)}, True),
    ((131.0,), {'bare': Figure((500.0,)), 'limit': Limit(130.0)}, False),
    ((1000.0,), {'bare': Figure((1.0,))}, True),
    # The script is not here.
    ((1.0,), {'limit': Limit(1.35, ORIGINAL, is_least=True)}, True),
])
def test_limits(samples, more, is_kept):
    assert (row(*samples, **more).beyond_limit() == '') == is_kept


def test_a_missed_limit_is_told_in_words():
    text = row(2.0, bare=Figure((1.0,)), limit=Limit(1.3, BARE)).beyond_limit()
    assert text == '2.00 times the bare node, expected at most 1.30'
    assert row(2.0, limit=Limit(1.0)).beyond_limit() == '2.00 ms, expected at most 1.00'


def test_a_limit_may_be_a_multiple_of_another_row():
    of_two = row(2.0, name='2 sticks: CPU')
    of_many = row(3.0, name='32 sticks: CPU', limit=Limit(1.15, '2 sticks: CPU'),
                  bare=Figure((1.0,)), is_paired=True)
    refer([of_two, of_many])
    assert (of_many.ratio.median, of_many.beside_bare.median) == (1.5, 3.0)
    assert of_many.beyond_limit() == '1.50 times that of 2 sticks, expected at most 1.15'


def test_without_the_other_row_there_is_no_ratio_and_no_limit():
    alone = row(3.0, limit=Limit(1.15, '2 sticks'))
    refer([alone])
    assert alone.ratio is None
    assert alone.beyond_limit() == ''


def test_nothing_is_divided_by_zero():
    assert row(3.0, original=Figure((0.0,))).ratio is None
    assert row(3.0, bare=Figure((0.0,)), is_paired=True).ratio is None


@pytest.mark.parametrize('value, text', [
    (0.0, '0'), (0.0667, '0.067'), (0.5, '0.50'), (2.345, '2.35'), (23.45, '23.4'),
    (1234.5, '1234')])
def test_three_digits_are_shown(value, text):
    assert shown(value) == text
