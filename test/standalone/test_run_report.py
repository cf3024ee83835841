# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The report of a run is complete, valid JSON, and drawn."""

import json
import math

import cv2
from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import DOG
from made_up_run import made_up_state
from made_up_run import PERSON
from made_up_run import ROOT
from made_up_run import stick_status
import pytest
from runner.report import chart
from runner.report import report
from runner.report import summary
from runner.state import RunState

FACTS = {'source': 'street.mp4', 'sticks': 'simulated', 'duration_sec': 3.0,
         'stopped_by': 'its 3 s were over'}


@pytest.fixture
def made():
    """Return the report of a made-up run without a recorder."""
    return report.make_report(made_up_state(), FACTS, {}, ROOT)


def summary_of(state):
    """Return the lines that sum a run up, as one text."""
    return '\n'.join(summary.summary_lines(report.make_report(state, FACTS, {}, ROOT)))


def test_times_count_from_the_start_of_the_nodes(made):
    """Up is when the camera and a running stick have been heard of."""
    assert made['run'] == {**FACTS, 'up_after_sec': 2.0, 'first_detection_after_sec': 2.0}
    assert made['cluster']['time_sec'] == [2.0, 3.0, 4.0]


def test_a_run_lasts_no_shorter_than_its_detections_came():
    """That a stick runs is told once a second; the first detection may come before that."""
    state = RunState(100.0)
    state.take_statuses([camera_status()], 101.0)
    state.take_detections((), 0.1, 101.2)
    assert state.up_at is None   # how many sticks there are is not known yet
    state.take_statuses([cluster_status(), stick_status(0, 30.0)], 102.0)
    assert state.up_at == state.first_detection_at == 101.2


def test_detections_are_counted(made):
    """Rates, gaps and latencies come from the messages that arrived."""
    assert made['detections'] == {
        'messages': 3, 'messages_without_frame': None, 'per_label': {'person': 2, 'dog': 1},
        'first_to_last_sec': 1.0, 'mean_detection_fps': 2.0, 'largest_gap_sec': 0.5,
        'latency_p50_sec': 0.1, 'latency_p95_sec': 0.12, 'latency_max_sec': 0.12}


def test_series_have_one_entry_a_second(made):
    """Cluster and sticks are lists of equal length."""
    assert made['cluster']['active_sticks'] == [[0, 3], [0, 3], [1, 3]]
    assert made['cluster']['last_switch_reason'] == ['', '', 'switch cycle']
    assert made['cluster']['latency_p50_sec'] == [0.0873] * 3
    assert [stick['stick'] for stick in made['sticks']] == [0, 1, 2, 3, 4]
    assert made['sticks'][1]['temperature_celsius'] == [32.4, 34.4, 36.4]
    assert made['sticks'][1]['active'] == [False, False, True]
    assert made['sticks'][1]['inferences'] == [0, 10, 20]
    for series in [made['cluster'], *made['sticks']]:
        assert {len(value) for value in series.values() if isinstance(value, list)} == {3}


def test_hottest_and_threshold(made):
    """The hottest stick, its temperature and the threshold stand beside each other."""
    assert (made['hottest_stick'], made['hottest_celsius']) == (4, 39.4)
    assert made['threshold_celsius'] == 65.0
    assert made['switches'] == 1


def test_versions(made):
    """The package's version is that of package.xml; what is not installed is null."""
    assert made['versions']['ncs_cluster_detector'].count('.') == 2
    assert made['versions']['python'].startswith('3.')
    assert 'rclpy' in made['versions']


@pytest.mark.parametrize('state', [made_up_state(), made_up_state(0), RunState(0.0)])
def test_the_file_is_json_of_the_same_content(state, tmp_path):
    """Also a run of which nothing was heard has a report, and a summary."""
    made = report.make_report(state, FACTS, {}, ROOT)
    report.write_report(made, tmp_path / 'report.json')
    assert json.loads((tmp_path / 'report.json').read_text()) == made
    assert summary.summary_lines(made)[0].startswith('ran 3.0 s with')


def test_summary(made):
    """A few lines say what counts."""
    text = '\n'.join(summary.summary_lines(made))
    for part in ('5 simulated sticks on street.mp4', 'frames in: at least 500 since',
                 'messages: 3 in 1.0 s (2 a second), longest gap 0.50 s',
                 'boxes: 2 person, 1 dog in 3 frames (1.0 a frame; objects are not tracked)',
                 'stick 4 with 39.4 °C', 'switches: 1'):
        assert part in text


def test_figures_of_a_long_run_do_not_contradict_each_other():
    """The time is not reckoned back from the rounded rate."""
    state = RunState(100.0)
    for number in range(23416):
        state.take_detections((), 0.1, 101.0 + number / 6.504)
    assert 'messages: 23416 in 3600.1 s (6.5 a second)' in summary_of(state)


def test_a_run_that_never_was_up_says_why_all_is_zero():
    """Ctrl-C may come while the nodes start."""
    assert 'ended: its 3 s were over, before both nodes were up\n' in summary_of(RunState(100.0))
    assert 'before both nodes' not in summary_of(made_up_state())


@pytest.mark.parametrize('messages', [0, 1])
def test_there_is_no_gap_without_two_messages(messages):
    """A gap of 0.00 s would be said of a run in which nothing was detected at all."""
    state = RunState(100.0)
    for _ in range(messages):
        state.take_detections((), 0.1, 101.0)
    assert f'detection messages: {messages}\n' in summary_of(state)


def test_a_limit_that_was_set_live_is_that_of_the_end():
    """What was hotter before was not above the limit."""
    state = made_up_state()
    assert '(switch temperature 65 °C);' in summary_of(state)
    state.take_changes('detector', {'switch_temperature': 30.0}, 110.0)
    assert '(switch temperature 30 °C at the end);' in summary_of(state)


@pytest.mark.parametrize('found, text', [
    ([(PERSON, PERSON), (PERSON, PERSON, PERSON)],
     'boxes: 5 person in 2 frames (2.5 a frame; people are not tracked)'),
    ([(PERSON,)], 'boxes: 1 person in 1 frame (1.0 a frame; people are not tracked)'),
    ([(DOG,), (), ()], 'boxes: 1 dog in 3 frames (0.3 a frame; objects are not tracked)'),
    ([(), ()], 'boxes: none in 2 frames'), ([], 'boxes: none in 0 frames')])
def test_boxes_are_told_as_boxes(found, text):
    """Boxes are not counted as people."""
    state = RunState(100.0)
    for second, detections in enumerate(found):
        state.take_detections(detections, 0.1, 101.0 + second)
    assert text in summary_of(state).splitlines()


@pytest.mark.parametrize('published, messages, least', [
    (171, 176, 176), (500, 176, 500), (None, 3, 3), (None, 0, 0)])
def test_there_are_no_fewer_frames_than_detection_messages(published, messages, least):
    """The camera tells its count once a second; by then there may be more messages."""
    state = RunState(100.0)
    if published is not None:
        state.take_statuses([camera_status(published)], 101.0)
    for number in range(messages):
        state.take_detections((), 0.1, 101.0 + number / 10)
    made = report.make_report(state, FACTS, {}, ROOT)
    assert made['frames']['published_at_least'] == least
    assert made['frames']['published_at_last_diagnostics'] == published
    text = '\n'.join(summary.summary_lines(made))
    assert f'at least {least} since the camera started; detection messages: {messages}' in text


@pytest.mark.parametrize('state', [made_up_state(), made_up_state(16), RunState(0.0)])
def test_the_chart_is_drawn(state, tmp_path):
    """The picture has its size and is not empty, whatever the number of sticks."""
    made = report.make_report(state, {**FACTS, 'source': 'a$b$.mp4'}, {}, ROOT)
    chart.draw_chart(made, tmp_path / 'report.png')
    picture = cv2.imread(str(tmp_path / 'report.png'))
    assert picture.shape == (1000, 1600, 3)
    assert picture.std() > 5


def test_spans_join_and_end():
    """A state holds until the next message, and not through a long silence."""
    times = [1.0, 2.0, 3.0, 4.0, 5.0, 15.0, 16.0]
    kinds = ['a', 'b', 'b', 'a', 'b', 'b', 'a']
    assert chart.spans(times, kinds) == [
        ('a', 1.0, 2.0), ('b', 2.0, 4.0), ('a', 4.0, 5.0), ('b', 5.0, 7.5), ('b', 15.0, 16.0),
        ('a', 16.0, 17.0)]
    assert chart.spans([1.0], ['a']) == [('a', 1.0, 2.0)]
    assert chart.spans([], []) == []


def change(time_sec, before, after, name='switch_temperature', node='detector'):
    """Return a change as the report has it."""
    return {'time_sec': time_sec, 'node': node, 'name': name, 'before': before, 'after': after}


@pytest.mark.parametrize('changes, steps', [
    ([], [(0.0, 65.0)]),
    ([change(2.0, 60.0, 40.0), change(3.0, 2, 3, 'cluster_size'), change(5.0, 40.0, 65.0)],
     [(0.0, 60.0), (2.0, 40.0), (5.0, 65.0)]),
    ([change(2.0, None, 65.0)], [(2.0, 65.0)]),
    ([change(2.0, True, False, 'switch_temperature', 'camera')], [(0.0, 65.0)])])
def test_the_limit_is_in_steps(made, changes, steps):
    """Each value holds over its own time; one that is not known is not drawn."""
    assert chart.limit_steps({**made, 'changes': changes}) == steps


def test_a_line_ends_where_a_stick_is_gone_or_nothing_was_heard():
    """No line is drawn through what is not known."""
    times, values = chart.with_gaps([1.0, 2.0, 3.0, 9.0], [30.0, None, 32.0, 33.0])
    assert times == (1.0, 2.0, 3.0, 9.0, 9.0)
    assert [math.isnan(value) for value in values] == [False, True, False, True, False]


def test_live_changes_are_kept():
    """Each is one entry with both values; the same value again is none."""
    state = made_up_state()
    state.take_changes('detector', {'switch_temperature': 40.0}, 103.0)
    state.take_changes('detector', {'switch_temperature': 40.0, 'cluster_size': 3}, 104.5)
    # The camera has not told its parameters yet, and is asked before it has changed one.
    state.take_changes('camera', {'loop': False}, 105.0)
    state.take_parameters('camera', {'loop': True, 'source': 'video'})
    made = report.make_report(state, FACTS, {}, ROOT)
    assert made['changes'] == [
        change(3.0, 65.0, 40.0), change(4.5, None, 3, 'cluster_size'),
        change(5.0, True, False, 'loop', 'camera')]
    assert made['parameters']['camera'] == {'loop': False, 'source': 'video'}
    assert (made['threshold_celsius'], made['parameters']['detector']['cluster_size']) == (40.0, 3)


def test_the_chart_shows_an_unplugged_stick_and_the_changes(tmp_path, monkeypatch):
    """What does not run has neither a temperature nor the look of a resting stick."""
    state = made_up_state(sticks=2)
    for second in range(3, 12):
        state.take_statuses([cluster_status((0,)), stick_status(0, 40.0, True), stick_status(
            1, 55.5, state='ABSENT')], 102.0 + second)
    state.take_changes('detector', {'switch_temperature': 40.0, 'class_filter': ['a$b'] * 40}, 106)
    made = report.make_report(state, FACTS, {}, ROOT)
    figures = []
    monkeypatch.setattr('matplotlib.figure.Figure.savefig', lambda *all: figures.append(all[0]))
    chart.draw_chart(made, tmp_path / 'report.png')
    temperatures, bars, _ = figures[0].axes
    line = next(line for line in temperatures.get_lines() if line.get_label() == 'stick 1')
    assert 55.5 not in list(line.get_ydata())
    texts = [text.get_text() for text in temperatures.texts + bars.texts]
    assert 'ABSENT' in texts
    (mark,) = [text for text in texts if text.startswith('switch_temperature=40.0')]
    assert max(map(len, mark.splitlines())) <= chart.LONGEST_MARK
    assert {text.get_text() for text in bars.get_legend().get_texts()} == {
        'active', 'resting', 'not running'}
    limits = [list(line.get_ydata()) for line in temperatures.get_lines()
              if line.get_color() == chart.picture.LIMIT_COLOUR]
    assert limits == [[65.0, 65.0], [40.0, 40.0]]
    # The longest step has room for the words.
    assert {'65 °C', 'switch temperature 40 °C'} <= set(texts)


@pytest.mark.parametrize('sticks, named', [(24, 24), (25, 13), (64, 22)])
def test_of_many_sticks_the_names_do_not_lie_on_each_other(sticks, named, tmp_path, monkeypatch):
    """As many as a run may have."""
    state = made_up_state(sticks)
    figures = []
    monkeypatch.setattr('matplotlib.figure.Figure.savefig', lambda *all: figures.append(all[0]))
    chart.draw_chart(report.make_report(state, FACTS, {}, ROOT), tmp_path / 'report.png')
    bars = figures[0].axes[1]
    assert len(bars.get_yticklabels()) == named
    assert bars.get_yticklabels()[-1].get_text() == f'stick {round(bars.get_yticks()[-1])}'
