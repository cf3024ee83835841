# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The runner with both nodes, from the command line to the report, and stopped by Ctrl-C."""

import contextlib
import json
import os
from pathlib import Path
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid

import cv2
from fetched_networks import network_file
from made_up_run import ROOT
from ncs_cluster_detector.checking.shared_memory import owned_by
from ncs_cluster_detector.checking.shared_memory import shared_memory_names
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.simulation.networks.graphs import is_compiled
import numpy as np
import psutil
import pytest

RUN = [sys.executable, str(ROOT / 'standalone' / 'run.py')]
MARK = 'NCS_TEST_RUN'
# A loaded machine takes its time; an idle one needs a few seconds.
START_PATIENCE_SEC = 60.0
STOP_PATIENCE_SEC = 30.0
# What a run costs is what its networks and its sticks cost.
LIGHT = ['--graphs', 'shapes', '--sticks', '2']
WIDTH, HEIGHT, FPS = 320, 240, 10.0
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not Path(sys.prefix, 'bin', 'camera_node').exists(),
                       reason='no standalone environment'),
]


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Return the path of a small video with moving rectangles."""
    path = tmp_path_factory.mktemp('video') / "it's a [film] #1.mp4"
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*'mp4v'), FPS, (WIDTH, HEIGHT))
    for number in range(30):
        image = np.full((HEIGHT, WIDTH, 3), 160, np.uint8)
        cv2.rectangle(image, (number * 5, 80), (number * 5 + 60, 160), (200, 40, 40), -1)
        writer.write(image)
    writer.release()
    return path


class Runner:
    """A runner under test, and what it and its nodes have in shared memory."""

    def __init__(self, *arguments, **options):
        """Start it."""
        self.mark = uuid.uuid4().hex
        self.shared = set()
        self.process = subprocess.Popen(
            [*RUN, *map(str, arguments)], cwd=ROOT, env={**os.environ, MARK: self.mark}, **options)

    def processes(self):
        """Return the ids of the runner's processes, its own included."""
        return [process.pid for process in psutil.process_iter(['environ'])
                if (process.info['environ'] or {}).get(MARK) == self.mark]

    def nodes(self):
        """Return the process id of each node, by its name."""
        found = {}
        for pid in self.processes():
            with contextlib.suppress(psutil.Error):
                command = psutil.Process(pid).cmdline()
                for name in ('camera', 'detector'):
                    if command[1:2] and command[1].endswith(f'/{name}_node'):
                        found[name] = pid
                if command[1:2] and command[1].endswith('/stick_server'):
                    [namespace] = [word for word in command if word.startswith('__ns:=/')]
                    found[f"{namespace.removeprefix('__ns:=/')}/stick_server"] = pid
        return found

    def until(self, condition, patience_sec):
        """Wait until the condition holds, remembering the shared memory; return its value."""
        deadline = time.monotonic() + patience_sec
        while not (value := condition()):
            assert time.monotonic() < deadline, f'nothing for {patience_sec} s'
            self._look_at_shared_memory()
            time.sleep(0.2)   # looking at all processes takes time, too
        return value

    def ended(self, patience_sec):
        """Wait for its end and return the exit code."""
        self.until(lambda: self.process.poll() is not None, patience_sec)
        return self.process.returncode

    def assert_nothing_is_left(self):
        """Check that no process and no shared memory of the run is left."""
        assert self.shared, 'the nodes were never seen in shared memory'
        assert self.processes() == []
        # All ROS programs of the machine share the ports, and others of them may go on or be
        # killed; that a dead one's port is removed is tested in test_run_processes.py.
        segments = {name for name in self.shared if '_port' not in name}
        assert segments & shared_memory_names() == set()

    def close(self):
        """End whatever runs, after a failed test."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _look_at_shared_memory(self):
        for pid in self.processes():
            self.shared |= owned_by(pid)


@pytest.fixture
def runner():
    """Return a function that starts a runner."""
    started = []

    def start(*arguments, **options):
        started.append(Runner(*arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


def seconds_shown(printed):
    """Return the time of the newest line of figures, in seconds since the run began."""
    return max(map(float, re.findall(r'^ *(\d+\.\d) s ', printed.read_text(), re.M)), default=0.0)


def test_the_report_has_what_was_set_while_it_ran(runner, tmp_path):
    """The limit of the summary is the one in force at the end, and the change is kept."""
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner(*LIGHT, '--out', tmp_path, stdout=file, stderr=subprocess.STDOUT)
        # By then it has asked for the parameters.
        run.until(lambda: seconds_shown(printed) >= 2.0, START_PATIENCE_SEC)
        subprocess.run(
            [sys.executable, str(ROOT / 'standalone' / 'param.py'), '--pid',
             str(run.nodes()['detector']), 'set', 'switch_temperature', '41'], check=True)
        set_at = seconds_shown(printed)
        run.until(lambda: seconds_shown(printed) >= set_at + 2.0, START_PATIENCE_SEC)
        run.process.send_signal(signal.SIGINT)
        code = run.ended(STOP_PATIENCE_SEC)
    assert code == 0, printed.read_text()
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['threshold_celsius'] == 41.0
    (change,) = report['changes']
    assert 0.0 < change.pop('time_sec') < report['cluster']['time_sec'][-1] + 1.0
    assert change == {'node': 'detector', 'name': 'switch_temperature', 'before': 65.0,
                      'after': 41.0}
    assert 'switch temperature 41 °C' in printed.read_text()


def test_a_run_with_a_video_and_a_report(runner, video, tmp_path):
    """Three seconds, then everything asked for is there, readable, and of this run."""
    out = tmp_path / 'deep' / 'out'
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner('--seconds', 3, '--video', video, '--out', out,
                     stdout=file, stderr=subprocess.STDOUT)
        code = run.ended(2 * START_PATIENCE_SEC)
    text = printed.read_text()
    assert code == 0, text
    run.assert_nothing_is_left()
    assert '\033' not in text

    report = json.loads((out / 'report.json').read_text())
    assert report['run']['video'] == str(video)
    duration_sec = report['run']['duration_sec']
    assert 3.0 <= duration_sec < 3.0 + START_PATIENCE_SEC
    assert report['run']['stopped_by'] == 'its 3 s were over'
    assert report['parameters']['detector']['driver'] == 'simulated'
    assert report['parameters']['detector']['cluster_size'] == 2
    assert report['parameters']['camera']['source'] == 'video'
    assert len(report['sticks']) == report['parameters']['detector']['simulated.sticks']
    assert 1 <= len(report['cluster']['time_sec']) <= duration_sec + 5   # one a second
    assert report['detections']['messages'] > 0
    assert report['frames']['drawn'] > 0
    # Those of frames that came before the runner had found the camera have none.
    assert report['detections']['messages'] == sum((
        report['frames']['drawn'], report['frames']['left_out_of_video'],
        report['detections']['messages_without_frame']))

    picture = cv2.imread(str(out / 'report.png'))
    assert picture.shape == (1000, 1600, 3)
    best = cv2.imread(str(out / 'annotated.png'))
    assert best.shape == (HEIGHT, WIDTH, 3)
    film = cv2.VideoCapture(str(out / 'annotated.mp4'))
    assert film.get(cv2.CAP_PROP_FPS) == FPS
    seconds = film.get(cv2.CAP_PROP_FRAME_COUNT) / FPS
    film.release()
    assert 0.0 < seconds < duration_sec + START_PATIENCE_SEC
    assert '[camera] ' in (out / 'run.log').read_text()
    assert '[detector] ' in (out / 'run.log').read_text()
    assert 'detection messages' in text and 'annotated.mp4' in text


def needs_openvino():
    if 'openvino' not in DRIVERS:
        pytest.skip('there is no driver openvino here')
    network_file('ssdlite')


def needs_frozen_graphs():
    if is_compiled(network_file('ssdlite').read_bytes()):
        pytest.skip('simulated sticks take no frozen graph here')


@pytest.mark.parametrize('arguments, needs', [
    (['--driver', 'openvino'], needs_openvino), (['--graphs', 'ssdlite'], needs_frozen_graphs)])
def test_a_real_network_sees_the_people_of_the_street(runner, tmp_path, arguments, needs):
    """With what the camera shows by itself, at the threshold that the robot has."""
    needs()
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner(*arguments, '--seconds', 5, '--out', tmp_path / 'out', stdout=file,
                     stderr=subprocess.STDOUT)
        code = run.ended(2 * START_PATIENCE_SEC)
    text = printed.read_text()
    assert code == 0, text
    run.assert_nothing_is_left()
    driver = 'openvino' if 'openvino' in arguments else 'simulated'
    assert ('Simulated sticks: ' in text) == (driver == 'simulated')
    report = json.loads((tmp_path / 'out' / 'report.json').read_text())
    assert report['run']['sticks'] == report['parameters']['detector']['driver'] == driver
    assert report['parameters']['detector']['label_files'][0].endswith('ssdlite_labels.txt')
    assert set(report['detections']['per_label']) == {'person'}
    assert report['detections']['per_label']['person'] >= report['detections']['messages'] > 0


def test_two_cameras_share_the_sticks(runner, video, tmp_path):
    """Each has its line, its part of the report, and its video; both get detections."""
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner(*LIGHT, '--cameras', 2, '--seconds', 3, '--video', video, '--out', tmp_path,
                     stdout=file, stderr=subprocess.STDOUT)
        code = run.ended(2 * START_PATIENCE_SEC)
    text = printed.read_text()
    assert code == 0, text
    run.assert_nothing_is_left()
    report = json.loads((tmp_path / 'report.json').read_text())
    assert list(report['parameters']['detector']['cameras']) == ['front', 'rear']
    front, rear = report['cameras']
    assert (front['name'], rear['name']) == ('front', 'rear')
    for camera in (front, rear):
        name, found = camera['name'], camera['detections']
        assert report['parameters'][f'{name}/camera']['source'] == 'video'
        assert found['messages'] > 0
        assert camera['time_sec'] and len(camera['time_sec']) == len(camera['frames_dropped'])
        assert camera['frames']['drawn'] > 0
        assert cv2.imread(str(tmp_path / f'annotated_{name}.png')).shape == (HEIGHT, WIDTH, 3)
        film = cv2.VideoCapture(str(tmp_path / f'annotated_{name}.mp4'))
        assert film.get(cv2.CAP_PROP_FRAME_COUNT) >= camera['frames']['drawn'] / 2
        film.release()
        assert re.search(rf'^{name}: [\d.]+ detections a second, latency ', text, re.M)
        assert f'[{name}/camera] ' in (tmp_path / 'run.log').read_text()
    assert report['detections']['messages'] == sum(
        camera['detections']['messages'] for camera in (front, rear))
    assert not (tmp_path / 'annotated.mp4').exists()


def test_the_sticks_are_on_two_hosts(runner, tmp_path):
    """Each has its line and its part of the report; both are needed for 30 images a second."""
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner('--graphs', 'shapes', '--hosts', 2, '--sticks', 1, '--seconds', 3,
                     '--out', tmp_path, stdout=file, stderr=subprocess.STDOUT)
        code = run.ended(2 * START_PATIENCE_SEC)
    text = printed.read_text()
    assert code == 0, text
    run.assert_nothing_is_left()
    # The servers are stopped last, so that the detector misses none of them.
    assert 'its stick server has ended' not in text
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['parameters']['detector']['remote_hosts'] == ['pi1', 'pi2']
    assert report['detections']['messages'] > 0
    assert sorted(stick['device_name'] for stick in report['sticks']) == [
        'pi1/1.1-ma2450', 'pi2/1.1-ma2450']
    for host in report['hosts']:
        name = host['name']
        assert report['parameters'][f'{name}/stick_server']['simulated.sticks'] == 1
        assert host['state'] and len(host['state']) == len(host['time_sec'])
        [number] = host['sticks']
        assert host['inferences'] > 0
        assert re.search(rf'^{name}: stick {number} with {host["inferences"]} inferences$',
                         text, re.M)
        assert f'[{name}/stick_server] ' in (tmp_path / 'run.log').read_text()
    assert [host['name'] for host in report['hosts']] == ['pi1', 'pi2']


def test_a_stick_server_that_dies_ends_the_run(runner, tmp_path):
    """As any node that ends by itself; it is named, and nothing is left behind."""
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner('--graphs', 'shapes', '--hosts', 2, '--sticks', 1, stdout=file,
                     stderr=subprocess.PIPE, text=True)
        run.until(lambda: ' fps ' in printed.read_text(), START_PATIENCE_SEC)
        assert set(run.nodes()) == {
            'camera', 'pi1/stick_server', 'pi2/stick_server', 'detector'}
        os.kill(run.nodes()['pi2/stick_server'], signal.SIGKILL)
        code = run.ended(STOP_PATIENCE_SEC)
    complaint = run.process.stderr.read()
    assert code == 1, complaint
    assert complaint.count('\n') == 1
    assert 'the pi2/stick_server node ended by itself by SIGKILL' in complaint
    run.assert_nothing_is_left()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(runner, tmp_path, number):
    """The runner stops both nodes, leaves nothing behind and exits with 0."""
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner(*LIGHT, stdout=file, stderr=subprocess.STDOUT)
        run.until(lambda: ' fps ' in printed.read_text(), START_PATIENCE_SEC)
        assert set(run.nodes()) == {'camera', 'detector'}
        run.process.send_signal(number)
        code = run.ended(STOP_PATIENCE_SEC)
    assert code == 0, printed.read_text()
    assert f'stopped by {number.name}' in printed.read_text()
    run.assert_nothing_is_left()


def test_a_folder_that_is_removed_meanwhile_is_told_in_one_line(runner, tmp_path):
    """Nothing is said to be written there, and the sum of the run is told all the same."""
    printed, out = tmp_path / 'printed', tmp_path / 'out'
    with printed.open('w') as file:
        run = runner(*LIGHT, '--out', str(out), stdout=file, stderr=subprocess.STDOUT)
        run.until(lambda: ' fps ' in printed.read_text(), START_PATIENCE_SEC)
        shutil.rmtree(out)
        run.process.send_signal(signal.SIGINT)
        assert run.ended(STOP_PATIENCE_SEC) == 1
    text = printed.read_text()
    assert 'stopped by SIGINT' in text and 'written to' not in text
    assert [line for line in text.splitlines() if line.startswith('run: ')] == [
        f'run: OUT={out}: the folder was removed during the run, so there is no report; leave it '
        'alone until a run ends']
    run.assert_nothing_is_left()


def test_ctrl_c_in_a_terminal(runner, monkeypatch):
    """The picture is redrawn in place, Ctrl-C ends the run, and the cursor comes back."""
    master, slave = pty.openpty()
    shown = bytearray()
    os.set_blocking(master, False)

    def read():
        with contextlib.suppress(OSError):   # nothing new, or the other side is closed
            shown.extend(os.read(master, 65536))
        return bytes(shown)

    try:
        monkeypatch.setenv('TERM', 'xterm')
        run = runner(*LIGHT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        run.until(lambda: b'inferences' in read(), START_PATIENCE_SEC)
        assert shown.count(b'\033[?25l') == 1 and b'\033[?25h' not in shown
        os.killpg(run.process.pid, signal.SIGINT)   # as a terminal does: the nodes are not in it
        run.until(lambda: read() and run.process.poll() is not None, STOP_PATIENCE_SEC)
        read()
        assert run.process.returncode == 0
        assert shown.endswith(b'\033[?25h')
        run.assert_nothing_is_left()
    finally:
        os.close(master)


def test_a_node_that_dies_ends_the_run(runner, tmp_path):
    """One line names the node and how it ended; the exit code is 1; nothing is left behind."""
    printed = tmp_path / 'printed'
    with printed.open('w') as file:
        run = runner(*LIGHT, stdout=file, stderr=subprocess.PIPE, text=True)
        run.until(lambda: ' fps ' in printed.read_text(), START_PATIENCE_SEC)
        os.kill(run.nodes()['detector'], signal.SIGKILL)
        code = run.ended(STOP_PATIENCE_SEC)
    complaint = run.process.stderr.read()
    assert code == 1, complaint
    assert complaint.count('\n') == 1
    assert 'the detector node ended by itself by SIGKILL' in complaint
    run.assert_nothing_is_left()


def test_wrong_arguments_start_nothing(runner):
    """Exit code 2 and one line, from the program itself."""
    run = runner('--seconds', 'soon', stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.ended(START_PATIENCE_SEC) == 2
    assert run.process.stdout.read() == ''
    assert run.process.stderr.read().count('\n') == 1
