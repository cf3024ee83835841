# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A run with several cameras: how they are started, shown, and told of in the report."""

import re

import cv2
from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import DOG
from made_up_run import made_up_state
from made_up_run import PERSON
from made_up_run import ROOT
from made_up_run import share_status
from made_up_run import stick_status
from ncs_cluster_detector.parameters.camera_names import check_camera_names
import numpy as np
import pytest
from rich.cells import cell_len
from runner import arguments as run_arguments
from runner import nodes
from runner.names import below
from runner.names import CAMERA_NAMES
from runner.names import node_names
from runner.report import chart
from runner.report import report
from runner.report import summary
from runner.report.recorder import Recorder
from runner.state import RunState
from runner.view.live_view import plain_line
from test_run_report import FACTS as REPORT_FACTS   # noqa: I100 (they are read in this order)
from test_run_view import drawn
from test_run_view import FACTS

TWO = CAMERA_NAMES[:2]


def parameters_of(command):
    """Return the parameters and remappings in a node's command, as texts by their names."""
    return dict(word.split(':=', 1) for word in command if ':=' in word)


@pytest.mark.parametrize('text', ['1', None])
def test_one_camera_has_no_name_and_all_is_as_without_the_argument(text):
    options = run_arguments.parse([] if text is None else ['--cameras', text])
    assert options == run_arguments.parse([])
    commands = nodes.node_commands(options)
    assert list(commands) == ['camera', 'detector']
    for command in commands.values():
        assert not {'cameras', 'frame_id', '__ns'} & set(parameters_of(command))


@pytest.mark.parametrize('count', range(2, len(CAMERA_NAMES) + 1))
def test_each_of_several_cameras_has_a_node_in_the_namespace_of_its_name(count, tmp_path):
    video = tmp_path / 'film.mp4'
    options = run_arguments.Options(None, video, 24.0, None, cameras=CAMERA_NAMES[:count])
    assert run_arguments.parse(['--cameras', f' {count} ']).cameras == options.cameras
    commands = nodes.node_commands(options)
    assert tuple(commands) == node_names(options.cameras)
    for name in options.cameras:
        given = parameters_of(commands[f'{name}/camera'])
        assert given['__ns'] == f'/{name}'
        assert given['frame_id'] == f'"{name}_color_optical_frame"'
        assert given['diagnostic_updater.use_fqn'] == 'true'
        assert (given['source'], given['device']) == ('"video"', f'"{video}"')
    names = ', '.join(f'"{name}"' for name in options.cameras)
    assert parameters_of(commands['detector'])['cameras'] == f'[{names}]'
    check_camera_names(options.cameras)


@pytest.mark.parametrize('text', ['0', '9', '-1', '1.5', 'two', 'front', '', '9' * 5000])
def test_another_number_of_cameras_is_refused_in_one_line(text, capfd):
    with pytest.raises(SystemExit) as ending:
        run_arguments.parse([f'--cameras={text}'])
    printed = capfd.readouterr().err
    assert ending.value.code == 2 and printed.count('\n') == 1
    assert 'whole number of cameras, 1 to 8; use for example CAMERAS=2' in printed


def test_all_nodes_are_up_when_each_camera_has_reported():
    state = RunState(100.0, TWO)
    state.take_statuses([cluster_status(), share_status('front'), share_status('rear'),
                         stick_status(0, 30.0)], 101.0)
    state.take_statuses([camera_status(camera='front')], 102.0)
    state.take_statuses([camera_status(camera='front')], 103.0)
    assert state.up_at is None
    state.take_statuses([camera_status(camera='rear')], 104.0)
    assert state.up_at == 104.0


def table_of(lines):
    """Return the lines of the table of cameras, from the headline on."""
    head = next(index for index, line in enumerate(lines) if line.startswith(' camera '))
    return lines[head:head + 1 + len(CAMERA_NAMES)]


def test_two_cameras_and_five_sticks_have_room_in_a_usual_terminal():
    """With space to spare for a complaint of each node."""
    lines = drawn(made_up_state(cameras=TWO))
    assert len(lines) <= 18
    head, front, rear, *_ = table_of(lines)
    assert head.split() == ['camera', 'input', 'detection', 'latency', '[ms]', 'dropped', 'seen']
    assert front.split() == ['front', '24.0', '11.7', '87', '/', '143', '8', 'person', '87', '%']
    assert rear.split() == ['rear', *front.split()[1:7], 'no', 'detections', 'yet']
    assert sum('▕' in line for line in lines) == 5
    assert sum('seen' in line for line in lines) == 1


def test_one_camera_has_no_table_and_what_was_seen_below():
    lines = drawn(made_up_state())
    assert not any('dropped' in line and 'seen' in line for line in lines)
    assert lines[-1] == ' seen person 87 %'


@pytest.mark.parametrize('encoding', ['utf-8', 'ascii'])
@pytest.mark.parametrize('sticks', [0, 1, 5, 64])
@pytest.mark.parametrize('count', [2, 3, 8])
@pytest.mark.parametrize('size', [
    (20, 4), (24, 14), (40, 10), (45, 12), (60, 24), (80, 10), (80, 24), (132, 50)])
def test_it_fits_the_terminal(size, count, sticks, encoding):
    columns, rows = size
    state = made_up_state(sticks, cameras=CAMERA_NAMES[:count])
    state.take_detections((PERSON, DOG) * 9, 0.1, 105.0, 'rear')
    lines = drawn(state, columns, rows, encoding=encoding)
    assert len(lines) <= rows - 1
    assert max(map(cell_len, lines)) <= columns


@pytest.mark.parametrize('rows', range(4, 40))
@pytest.mark.parametrize('count', [2, 8])
def test_at_every_height_cameras_are_shown_or_counted(count, rows):
    lines = drawn(made_up_state(cameras=CAMERA_NAMES[:count]), rows=rows)
    shown = [line for line in lines if ' 87 / 143  ' in line and 'latency' not in line]
    more = re.search(r'and (\d) more cameras', '\n'.join(lines))
    assert len(shown) + (int(more[1]) if more else 0) == (count if more or shown else 0)
    assert rows < 9 or more or shown
    assert rows < count + 10 or len(shown) == count
    assert rows < 13 + count or sum('▕' in line for line in lines) == 5


def test_columns_are_left_out_one_after_the_other():
    """First what was seen, then the latency, then what was dropped; the name always stays."""
    state = made_up_state(cameras=TWO)
    heads = [table_of(drawn(state, columns))[0].split() for columns in (69, 68, 52, 51, 37, 36)]
    assert heads == [
        ['camera', 'input', 'detection', 'latency', '[ms]', 'dropped', 'seen'],
        ['camera', 'input', 'detection', 'latency', '[ms]', 'dropped'],
        ['camera', 'input', 'detection', 'latency', '[ms]', 'dropped'],
        ['camera', 'input', 'detection', 'dropped'],
        ['camera', 'input', 'detection', 'dropped'],
        ['camera', 'input', 'detection']]


def test_the_camera_that_fails_is_named():
    """By the detector, which gets no images, and by its own node, which says why."""
    state = made_up_state(cameras=TWO)
    state.take_statuses([cluster_status(), share_status('front'), share_status(
        'rear', 0.0, level=1, message='no image for 6 s')], 106.0)
    state.take_statuses([camera_status(level=2, message='it is away', camera='rear')], 106.0)
    text = '\n'.join(drawn(state))
    assert ' camera rear: no image for 6 s\n rear/camera: it is away\n' in text
    assert 'camera front: ' not in text and 'front/camera: ' not in text
    line = plain_line(state, FACTS)
    assert line.endswith('  WARN camera rear: no image for 6 s  ERROR rear/camera: it is away')
    rear = next(line for line in drawn(state, colour=True) if 'rear ' in line and '0.0' in line)
    assert '\033[33m' in rear


def test_a_camera_of_which_nothing_is_known_yet_has_question_marks():
    state = made_up_state(cameras=TWO)
    state.take_statuses([cluster_status(), share_status('front')], 106.0)
    assert table_of(drawn(state))[2].split()[:6] == ['rear', '?', '?', '?', '?', 'no']


def test_the_plain_line_has_the_figures_of_each_camera():
    line = plain_line(made_up_state(cameras=TWO), FACTS)
    assert 'dropped 16  front 24.0>11.7 fps 87/143 ms dropped 8  rear 24.0>11.7 fps ' in line
    assert line.endswith('  seen front: person 87 %; rear: nothing')


@pytest.fixture
def made():
    """Return the report of a made-up run with two cameras, the second of which saw a dog."""
    state = made_up_state(cameras=TWO)
    for second in (103.2, 103.7, 104.2):
        state.take_detections((DOG,), 0.2, second, 'rear')
    state.take_statuses([camera_status(700, camera='rear')], 105.0)
    return report.make_report(state, REPORT_FACTS, {}, ROOT)


def test_the_report_has_each_camera_and_the_sum_of_all(made):
    front, rear = made['cameras']
    assert (front['name'], rear['name']) == TWO
    assert [camera['detections']['messages'] for camera in made['cameras']] == [3, 3]
    assert front['detections']['per_label'] == {'person': 2, 'dog': 1}
    assert rear['detections']['per_label'] == {'dog': 3}
    assert rear['detections']['mean_detection_fps'] == 2.0
    assert (front['detections']['latency_p50_sec'], rear['detections']['latency_p50_sec']) == (
        0.1, 0.2)
    assert rear['frames']['published_at_least'] == 700
    assert rear['frames_dropped'] == [0, 4, 8] and rear['detection_fps'] == [11.7] * 3
    assert {len(value) for value in rear.values() if isinstance(value, list)} == {3}
    assert made['detections']['messages'] == 6
    assert made['detections']['per_label'] == {'dog': 4, 'person': 2}
    assert made['frames']['published_at_least'] == 500 + 700


def test_without_names_the_report_has_no_cameras():
    made = report.make_report(made_up_state(), REPORT_FACTS, {}, ROOT)
    assert 'cameras' not in made
    assert 'since the camera started' in '\n'.join(summary.summary_lines(made))


def test_the_last_lines_name_each_cameras_rate(made):
    lines = summary.summary_lines(made)
    assert ('front: 2 detections a second, latency 100 / 120 ms (p50 / p95), 8 frames dropped, '
            'boxes: 2 person, 1 dog') in lines
    assert ('rear: 2 detections a second, latency 200 / 200 ms (p50 / p95), 8 frames dropped, '
            'boxes: 3 dog') in lines
    assert lines[1].startswith('frames in: at least 1200 since the cameras started; ')


def test_a_camera_without_detections_has_a_line_too():
    for state, end in ((RunState(100.0, TWO), 'before all nodes were up'),
                       (made_up_state(cameras=TWO), 'its 3 s were over')):
        lines = summary.summary_lines(report.make_report(state, REPORT_FACTS, {}, ROOT))
        assert lines[0].endswith(end)
        assert 'rear: no detection message' in lines


@pytest.mark.parametrize('count', [2, 8])
def test_the_chart_has_a_line_for_each_camera(count, tmp_path, monkeypatch):
    figures = []
    savefig = 'matplotlib.figure.Figure.savefig'
    names = CAMERA_NAMES[:count]
    made = report.make_report(made_up_state(cameras=names), REPORT_FACTS, {}, ROOT)
    chart.draw_chart(made, tmp_path / 'report.png')
    assert cv2.imread(str(tmp_path / 'report.png')).shape == (1000, 1600, 3)
    monkeypatch.setattr(savefig, lambda *all: figures.append(all[0]))
    chart.draw_chart(made, tmp_path / 'report.png')
    rates = figures[0].axes[2]
    assert [line.get_label() for line in rates.get_lines()] == ['input', 'detection', *names]
    assert [list(line.get_ydata()) for line in rates.get_lines()[2:]] == [[11.7] * 3] * count
    assert len({line.get_color() for line in rates.get_lines()}) == 2 + count


def test_each_camera_has_a_video_and_a_picture_of_its_own(tmp_path):
    recorders = {camera: Recorder(tmp_path, 10.0, camera) for camera in TWO}
    for camera, grey in zip(TWO, (60, 180)):
        for number in range(3):
            recorders[camera].take_detections((1, number * 10 ** 8), (PERSON,), 2)
            recorders[camera].take_picture(
                (1, number * 10 ** 8), np.full((48, 64, 3), grey, np.uint8))
    written = [path.name for recorder in recorders.values() for path in recorder.close()[0]]
    assert written == ['annotated_front.mp4', 'annotated_front.png',
                       'annotated_rear.mp4', 'annotated_rear.png']
    assert [round(cv2.imread(str(tmp_path / f'annotated_{camera}.png')).mean())
            for camera in TWO] == [60, 180]
    made = report.make_report(made_up_state(cameras=TWO), REPORT_FACTS, recorders, ROOT)
    assert made['frames']['drawn'] == 6
    assert [camera['frames']['drawn'] for camera in made['cameras']] == [3, 3]


def test_names_of_topics():
    assert below('front', 'detections') == 'front/detections'
    assert below('', 'detections') == 'detections'
    assert node_names(()) == ('camera', 'detector')
