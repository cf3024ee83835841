# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""No credentials of an address leave a camera node, whatever goes wrong with it."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

from camera_ear import Ear
from node_harness import NodeProcess
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from refusals import start_refused
from secret_urls import random_urls
from secret_urls import revealed

ANSWERS = (
    b'', b'\xff\xd8 rubbish' * 1000,
    b'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="cam"\r\n\r\nno',
    b'HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:9/x\r\n\r\n',
    b'RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm="cam"\r\n\r\n',
    b'HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\nrubbish')
SECRET = 'Qw3rtz7uiop'


@contextlib.contextmanager
def answering_server():
    """Yield the port of a server that gives everybody who asks another useless answer."""
    def serve():
        asked = 0
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return   # it was closed
            with connection, contextlib.suppress(OSError):   # the other side hung up
                connection.settimeout(2.0)
                connection.recv(4096)
                connection.sendall(ANSWERS[asked % len(ANSWERS)])
            asked += 1

    with socket.create_server(('127.0.0.1', 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a camera node whose ROS log files are in tmp_path."""
    processes = []

    def start_camera(**parameters):
        processes.append(NodeProcess(
            'camera_node', {name: json.dumps(value, ensure_ascii=False)
                            for name, value in parameters.items()},
            {'ROS_LOG_DIR': str(tmp_path)}))
        return processes[-1]

    yield start_camera
    for process in processes:
        process.end()


def logged(tmp_path):
    """Return the texts of all ROS log files."""
    return ''.join(path.read_text() for path in tmp_path.rglob('*.log'))


@pytest.mark.parametrize('source, name, text', [
    ('video', 'device', 'there is no such file|use source:=usb'),
    ('images', 'device', 'No such file|use source:=usb'),
    ('webcam', 'device', 'source=webcam'),
    ('test_pattern', 'camera_info_url', 'must be empty, file://')])
def test_a_start_up_error_shows_none(
        refusal, start, monkeypatch, tmp_path, source, name, text):
    urls = random_urls(3, seed=len(source)) + [
        ('user:Qw3rtz7uiop@cam/x', [SECRET]), (f' rtsp://me:{SECRET[:6]} {SECRET}@cam', [SECRET])]
    process = start(source=source, **{name: urls[0][0]})
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path))
    lines = [refusal('camera_node', source=source, **{name: json.dumps(url, ensure_ascii=False)})
             for url, _ in urls]
    assert process.wait() == 2
    lines.append(process.output)
    for line, (url, secrets) in zip(lines, [*urls, urls[0]]):
        assert re.search(text, line)
        assert line.count('\n') == 0
        assert revealed(line, secrets) == [], url
        assert revealed(logged(tmp_path), secrets) == [], url
    assert logged(tmp_path).count('[FATAL]') == len(lines)


@pytest.mark.parametrize('source, name', [
    ('video', 'device'), ('images', 'device'), ('webcam', 'device'),
    ('test_pattern', 'camera_info_url')])
def test_of_a_parameter_file_none_is_shown_whatever_it_holds(started, tmp_path, source, name):
    path = tmp_path / 'camera.yaml'
    path.write_text(json.dumps({'camera': {'ros__parameters': {
        'source': source, name: f'http://cam/x?a=\'b\' "c" {SECRET}; {SECRET}'}}}))
    printed = started('camera_node', '--params-file', path)
    assert printed.count('\n') == 1
    assert SECRET not in printed


@pytest.mark.parametrize('source, device', [
    ('realsense', f'rtsp://me:{SECRET}@cam/x'), ('realsense', f'http://cam/x?key={SECRET}'),
    ('realsense', f'me:{SECRET}@cam'), ('usb', f'me:{SECRET} {SECRET}@cam/x'),
    ('usb', f'rtsp:/me:{SECRET}@cam/x'), ('usb', f'cam/x?token={SECRET}')])
def test_a_camera_that_is_not_there_shows_none(start, probe, tmp_path, source, device):
    camera, ear = start(source=source, device=device), Ear(probe)
    if source == 'realsense' and (
            '://' in device or importlib.util.find_spec('pyrealsense2') is None):
        assert camera.wait() == 2
    else:
        camera.wait_for_line('[ERROR]')
        ear.wait_for_level(b'\x02')
    for text in (camera.output, logged(tmp_path), str(probe.diagnostics)):
        assert SECRET not in text


@pytest.mark.parametrize('scheme', ['http', 'rtsp', 'https', 'rtmp'])
def test_a_stream_that_fails_shows_none_anywhere(start, probe, tmp_path, scheme):
    with answering_server() as port:
        url = f'{scheme}://admin:{SECRET}@127.0.0.1:{port}/live/{SECRET}?loginpas={SECRET}'
        camera, ear = start(source='usb', device=url), Ear(probe)
        camera.wait_for_line(f'opening the stream {scheme}://127.0.0.1:{port}/live/... failed')
        ear.wait_for_level(b'\x02')
        probe.wait_for(lambda: len(probe.diagnostics) >= 4, 20.0)   # it goes on trying
        answers = [probe.call(SetParameters, 'camera/set_parameters', SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])).results[0]
            for name, value in (('device', f'{url}2'), ('device', f'rtsp://x:{SECRET} y@h'),
                                ('fps', 3.0), ('loop', url), (url, 1), ('frame_id', url))]
        camera.signal(signal.SIGINT)
        assert camera.wait() == 0
    assert not any(answer.successful for answer in answers)
    for text in (camera.output, logged(tmp_path), str(probe.diagnostics), str(answers)):
        assert SECRET not in text
    assert f'device={scheme}://127.0.0.1:{port}/live/...: cannot change' in answers[0].reason
    assert probe.diagnostics[-1].status[0].hardware_id == f'{scheme}://127.0.0.1:{port}/live/...'
    for line in camera.output.splitlines():
        assert re.match(r'\[(INFO|WARN|ERROR)\] \[\d+\.\d+\] \[camera\]: ', line), line


@pytest.mark.parametrize('arguments', [
    ['-p', f'device:={{rtsp://me:{SECRET}@cam'], ['-p', f'device=rtsp://me:{SECRET} {SECRET}@cam'],
    [f'rtsp://me:{SECRET}@cam'], ['--params-file', f'rtsp://me:{SECRET}@cam/x'],
    ['-p', f'device:=[rtsp://me:{SECRET}@cam, http://cam/?key={SECRET}]'],
    ['-r', f'a:=rtsp://me:{SECRET}@cam'], ['--log-level', f'rtsp://me:{SECRET}@cam']])
def test_an_unfit_ros_argument_shows_none(started, arguments):
    printed = started('camera_node', *arguments)
    assert printed.count('[FATAL]') == 1 and 'Traceback' not in printed
    assert SECRET not in printed


@pytest.fixture
def started(monkeypatch, capfd):
    """Return a function that starts a node with unfit words, some bytes; it returns the output."""
    return lambda executable, *words: start_refused(monkeypatch, capfd, executable, words)


def test_a_process_has_words_that_are_not_utf8_too():
    code = ('from ncs_cluster_detector.executables import camera_node as main; '
            'raise SystemExit(main())')
    ended = subprocess.run(
        [sys.executable, '-c', code, '--ros-args', '-p', f'device:=rtsp://me:{SECRET}@cam',
         '-p', b'camera_info_url:=file:///tmp/caf\xe9'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20.0)
    assert ended.returncode == 2
    printed = ended.stdout.decode()   # what is shown is UTF-8
    assert printed.count('\n') == 1 and '[FATAL]' in printed
    assert 'caf\\xe9' in printed and 'is not valid UTF-8' in printed
    assert SECRET not in printed


def test_a_traceback_shows_none():
    code = ('from ncs_cluster_detector.ros.run_node import run_node\n'
            'def make_node():\n    raise RuntimeError(f"broken: {device}")\n'
            f'device = "rtsp://me:{SECRET}@cam/x"\n'
            'raise SystemExit(run_node("camera", make_node, []))')
    ended = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith('Traceback')
    assert 'RuntimeError: broken: rtsp://cam/x' in ended.stderr
    assert SECRET not in ended.stderr + ended.stdout


@pytest.mark.parametrize('executable, arguments', [
    ('camera_node', ['-p', b'device:=/tmp/caf\xe9', '-p', 'source:=video']),
    ('camera_node', ['-p', b'camera_info_url:=file:///tmp/caf\xe9']),
    ('detector_node', ['-p', b'label_files:=["/tmp/caf\xe9"]']),
    ('detector_node', ['-p', b'graph_paths:=["/tmp/caf\xe9"]']),
    ('camera_node', ['--params-file', b'/tmp/caf\xe9'])])
def test_a_name_that_is_not_utf8_is_refused_in_one_line(started, executable, arguments):
    printed = started(executable, *arguments)
    assert printed.count('\n') == 1
    assert '[FATAL]' in printed and 'caf\\xe9' in printed
    assert 'is not valid UTF-8' in printed


@pytest.mark.parametrize('executable, parameters', [
    ('camera_node', ['camera_info_url:=file:///none/caf%E9.yaml']),
    ('camera_node', ['source:=video', 'device:=~/none.mp4']),
    ('camera_node', ['source:=images', 'device:=~/none']),
    ('detector_node', ['driver:=simulated', 'graph_paths:=["~/none"]']),
    ('detector_node', ['driver:=simulated', 'label_files:=["~/none"]'])])
def test_a_path_that_is_not_utf8_is_named(started, monkeypatch, executable, parameters):
    monkeypatch.setenv('HOME', os.fsdecode(b'/none/caf\xe9'))
    printed = started(
        executable, *(word for parameter in parameters for word in ('-p', parameter)))
    assert printed.count('\n') == 1
    assert '[FATAL]' in printed
    assert 'Traceback' not in printed


def test_a_parameter_file_that_is_not_utf8_is_a_start_up_error(started, tmp_path):
    path = tmp_path / 'camera.yaml'
    path.write_bytes(b'camera:\n  ros__parameters:\n    device: /tmp/caf\xe9\n')
    printed = started('camera_node', '--params-file', path)
    assert printed.count('[FATAL]') == 1
    assert str(path) in printed and 'Traceback' not in printed
