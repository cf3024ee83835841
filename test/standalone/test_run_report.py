# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The report of a run is complete, valid JSON, and drawn."""

import json

import cv2
from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import DOG
from made_up_run import made_up_state
from made_up_run import PERSON
from made_up_run import ROOT
from made_up_run import stick_status
import pytest
import report
import report_chart
from run_state import RunState

FACTS = {'source': 'street.mp4', 'sticks': 'simulated', 'duration_sec': 3.0,
         'stopped_by': 'its 3 s were over'}


@pytest.fixture
def made():
    """Return the report of a made-up run without a recorder."""
    return report.make_report(made_up_state(), FACTS, None, ROOT)


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
        'mean_detection_fps': 2.0, 'largest_gap_sec': 0.5, 'latency_p50_sec': 0.1,
        'latency_p95_sec': 0.12, 'latency_max_sec': 0.12}


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
    made = report.make_report(state, FACTS, None, ROOT)
    report.write_report(made, tmp_path / 'report.json')
    assert json.loads((tmp_path / 'report.json').read_text()) == made
    assert report.summary_lines(made)[0].startswith('ran 3.0 s with')


def test_summary(made):
    """A few lines say what counts."""
    text = '\n'.join(report.summary_lines(made))
    for part in ('5 simulated sticks on street.mp4', 'frames in: at least 500 since',
                 'messages: 3 in 1.0 s (2 a second), longest gap 0.50 s',
                 'boxes: 2 person, 1 dog in 3 frames (1.0 a frame; objects are not tracked)',
                 'stick 4 with 39.4 °C', 'switches: 1'):
        assert part in text


@pytest.mark.parametrize('found, text', [
    ([(PERSON, PERSON), (PERSON, PERSON, PERSON)],
     'boxes: 5 person in 2 frames (2.5 a frame; people are not tracked)'),
    ([(PERSON,)], 'boxes: 1 person in 1 frame (1.0 a frame; people are not tracked)'),
    ([(DOG,), (), ()], 'boxes: 1 dog in 3 frames (0.3 a frame; objects are not tracked)'),
    ([(), ()], 'boxes: none in 2 frames'), ([], 'boxes: none in 0 frames')])
def test_boxes_are_told_as_boxes(found, text):
    """Nobody is to take them for so many people."""
    state = RunState(100.0)
    for second, detections in enumerate(found):
        state.take_detections(detections, 0.1, 101.0 + second)
    assert text in report.summary_lines(report.make_report(state, FACTS, None, ROOT))


@pytest.mark.parametrize('published, messages, least', [
    (171, 176, 176), (500, 176, 500), (None, 3, 3), (None, 0, 0)])
def test_there_are_no_fewer_frames_than_detection_messages(published, messages, least):
    """The camera tells its count once a second; by then there may be more messages."""
    state = RunState(100.0)
    if published is not None:
        state.take_statuses([camera_status(published)], 101.0)
    for number in range(messages):
        state.take_detections((), 0.1, 101.0 + number / 10)
    made = report.make_report(state, FACTS, None, ROOT)
    assert made['frames']['published_at_least'] == least
    assert made['frames']['published_at_last_diagnostics'] == published
    text = '\n'.join(report.summary_lines(made))
    assert f'at least {least} since the camera started; detection messages: {messages}' in text


@pytest.mark.parametrize('state', [made_up_state(), made_up_state(16), RunState(0.0)])
def test_the_chart_is_drawn(state, tmp_path):
    """The picture has its size and is not empty, whatever the number of sticks."""
    made = report.make_report(state, {**FACTS, 'source': 'a$b$.mp4'}, None, ROOT)
    report_chart.draw_chart(made, tmp_path / 'report.png')
    picture = cv2.imread(str(tmp_path / 'report.png'))
    assert picture.shape == (1000, 1600, 3)
    assert picture.std() > 5


def test_active_spans_join_and_end():
    """A state holds until the next message, and not through a long silence."""
    times = [1.0, 2.0, 3.0, 4.0, 5.0, 15.0, 16.0]
    active = [False, True, True, False, True, True, False]
    assert report_chart.active_spans(times, active) == [(2.0, 4.0), (5.0, 7.5), (15.0, 16.0)]
    assert report_chart.active_spans([1.0], [True]) == [(1.0, 2.0)]
    assert report_chart.active_spans([], []) == []
