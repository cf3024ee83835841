# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Runs of the bench that are kept, and what is called a loss."""

from datetime import datetime
from datetime import timezone
import json
import subprocess

from comparison import history
from comparison.figures import BARE
from comparison.figures import Figure
from comparison.figures import Limit
from comparison.figures import refer
from comparison.figures import Row
import pytest

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=timezone.utc)


def row(*samples, unit='ms', **more):
    """Return a row with these samples of ours."""
    return Row('group', 'a row', unit, Figure(samples), **more)


def kept(old, tmp_path):
    """Return a row as a kept run, written and read again."""
    history.keep(history.report_of([old], tmp_path, NOW, 3.4), tmp_path / 'history')
    return history.last_kept(tmp_path / 'history')


def loss(new, old, tmp_path):
    """Return what is said of a row after another run was kept."""
    return history.loss_of(new, kept(old, tmp_path))


@pytest.mark.parametrize('new, old, is_loss', [
    ((1.0, 1.1, 0.9), (1.0, 1.1, 0.9), False),
    ((1.5, 1.6, 1.4), (1.0, 1.1, 0.9), True),
    ((0.5, 0.6, 0.4), (1.0, 1.1, 0.9), False),    # a gain
    ((1.5, 2.0, 1.0), (1.0, 1.1, 0.9), False),    # within the spread of both runs
    ((1.14,), (1.0,), False),                     # within what the machine moves
    ((1.17,), (1.0,), True),
])
def test_a_loss_is_more_than_the_noise(new, old, is_loss, tmp_path):
    text = loss(row(*new), row(*old), tmp_path)
    assert text.startswith('slower: ') if is_loss else text == ''


def test_a_loss_is_told_with_both_figures(tmp_path):
    assert loss(row(2.0), row(1.0), tmp_path) == 'slower: 2.00 ms, it was 1.00 (noise 0.15)'


def test_less_is_worse_of_what_should_be_much(tmp_path):
    assert loss(row(20.0, unit='1/s', is_more_better=True),
                row(30.0, unit='1/s', is_more_better=True), tmp_path).startswith('slower: 20.0')
    assert loss(row(40.0, unit='1/s', is_more_better=True),
                row(30.0, unit='1/s', is_more_better=True), tmp_path) == ''


def test_a_machine_that_became_slower_is_no_loss_beside_a_bare_node(tmp_path):
    old = row(2.0, 2.1, bare=Figure((1.0, 1.05)), is_paired=True)
    assert loss(row(4.0, 4.2, bare=Figure((2.0, 2.1)), is_paired=True), old, tmp_path) == ''
    text = loss(row(4.0, 4.2, bare=Figure((1.0, 1.05)), is_paired=True), old, tmp_path)
    assert text == f'slower: 4.00 times the {BARE}, it was 2.00 (noise 0.10)'


def test_memory_is_larger_and_not_slower(tmp_path):
    assert loss(row(140.0, unit='MB'), row(130.0, unit='MB'), tmp_path).startswith('larger: ')
    assert loss(row(134.0, unit='MB'), row(130.0, unit='MB'), tmp_path) == ''


def test_a_change_that_nobody_can_notice_is_no_loss(tmp_path):
    assert loss(row(0.03, least_change=0.05), row(0.01), tmp_path) == ''
    assert loss(row(0.3, least_change=0.05), row(0.01), tmp_path) != ''


def test_only_a_ratio_is_compared_with_a_run_on_another_machine(monkeypatch, tmp_path):
    paired = {'bare': Figure((1.0,)), 'is_paired': True}
    alone, beside = kept(row(1.0), tmp_path), kept(row(1.0, **paired), tmp_path)
    here = history.machine()
    monkeypatch.setattr(history, 'machine', lambda: here.replace(', Linux', ', Another Linux'))
    assert history.loss_of(row(9.0), alone) != ''
    monkeypatch.setattr(history, 'machine', lambda: '64 cores of another processor, Linux')
    assert history.loss_of(row(9.0), alone) == ''
    assert history.loss_of(row(9.0, **paired), beside) != ''


def test_a_new_row_and_a_row_that_is_compared_otherwise_are_no_loss(tmp_path):
    assert history.loss_of(row(9.0), {'rows': {}}) == ''
    assert history.loss_of(row(9.0), None) == ''
    assert history.change_of(row(9.0), None) is None
    old = row(1.0, bare=Figure((1.0,)))
    assert loss(row(9.0, bare=Figure((1.0,)), is_paired=True), old, tmp_path) == ''


def test_the_change_is_that_of_the_ratio_where_there_is_one(tmp_path):
    old = kept(row(2.0, bare=Figure((1.0,)), is_paired=True), tmp_path)
    assert history.change_of(
        row(6.0, bare=Figure((2.0,)), is_paired=True), old) == pytest.approx(0.5)
    assert history.change_of(row(3.0, limit=Limit(2.0)), kept(row(2.0, limit=Limit(9.0)), tmp_path)
                             ) == pytest.approx(0.5)


def test_the_newest_run_counts(tmp_path):
    folder = tmp_path / 'history'
    assert history.last_kept(folder) is None
    for year, value in ((2026, 2.0), (2027, 3.0), (2025, 1.0)):
        report = history.report_of([row(value)], tmp_path, NOW.replace(year=year), 0.0)
        path = history.keep(report, folder)
    assert path.name == '20250504T030201.json'
    assert history.last_kept(folder)['rows']['a row']['ours'] == [3.0]


def test_a_run_says_where_and_of_what_it_is(tmp_path):
    def git(*words):
        subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b', *words], cwd=tmp_path,
                       check=True, stdout=subprocess.DEVNULL)
    report = history.report_of([row(1.0)], tmp_path, NOW, 3.4)
    assert report['commit'] is None
    assert report['date'] == '2026-05-04T03:02:01+00:00'
    assert report['busy_percent'] == 3
    assert 'cores of' in report['machine'] and 'Python 3.' in report['machine']
    git('init', '-q')
    (tmp_path / 'file').write_text('one')
    git('add', 'file')
    git('commit', '-qm', 'one')
    commit = history.report_of([], tmp_path, NOW, 0.0)['commit']
    assert len(commit) == 12
    (tmp_path / 'file').write_text('two')
    assert history.report_of([], tmp_path, NOW, 0.0)['commit'] == f'{commit}+'


def test_a_run_holds_every_figure_and_its_limit(tmp_path):
    two = Row('group', 'two', 'ms', Figure((2.0,)))
    many = Row('group', 'many', 'ms', Figure((3.0,)), limit=Limit(1.15, 'two'))
    refer([two, many])
    found = json.loads(history.keep(
        history.report_of([two, many], tmp_path, NOW, 0.0), tmp_path).read_text())
    assert found['rows']['many']['ratio'] == [1.5]
    assert found['rows']['many']['limit'] == {'value': 1.15, 'of': 'two', 'is_least': False}
    assert found['rows']['many']['beyond_limit'].startswith('1.50 times')
    assert found['rows']['two']['bare'] is None


@pytest.mark.parametrize('text', ['', '{', '[]', '{"rows": 3}', '{"date": "today"}'])
def test_a_damaged_file_is_named(text, tmp_path):
    (tmp_path / '2026.json').write_text(text)
    with pytest.raises(ValueError, match='2026.json.*restore or remove') as raised:
        history.last_kept(tmp_path)
    assert '\n' not in str(raised.value)
