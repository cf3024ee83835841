# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Nodes that are started where something is missing, closed, or a person's own."""

import os
import pty
import signal
import subprocess
import sys

from node_harness import complaints
from node_harness import DEADLINE_SEC
from node_harness import NodeProcess
import psutil
import pytest

ONE_STICK = {'driver': 'simulated', 'simulated.sticks': '1', 'simulated.boot_ms': '0'}
READY = 'is ready'
OPEN = 'test_pattern is open'
# What a person calls a script, and what the nodes, the workers and their libraries import.
OTHERS = ('numpy', 'cv2', 'usb', 'rclpy', 'yaml', 'mvnc', 'sensor_msgs', 'vision_msgs')
# Those that a Python which starts with such a PYTHONPATH imports by itself are left out: nobody
# can help that.
BY_CHANCE = ('queue', 'random', 'socket', 'numpy', 'cv2', 'selectors', 'json', 'pickle', 'usb',
             'rclpy', 'yaml', 'multiprocessing', 'subprocess')


class Trap:
    """A folder with a person's own modules, each of which leaves a mark when it is run."""

    def __init__(self, folder, names):
        self.folder = folder / 'scripts'
        self._marks = folder / 'marks'
        for made in (self.folder, self._marks):
            made.mkdir()
        for name in names:
            (self.folder / f'{name}.py').write_text(
                f'open({str(self._marks / name)!r}, "w").close()\nraise SystemExit(77)\n')

    def sprung(self):
        """Return the names of the modules that were run."""
        return sorted(os.listdir(self._marks))


@pytest.fixture
def start():
    """Return a function that starts a NodeProcess; all are ended after the test."""
    started = []

    def start(*args, **kwargs):
        started.append(NodeProcess(*args, **kwargs))
        return started[-1]

    yield start
    for process in started:
        process.end()


def start_one(start, executable, **how):
    """Start a node that needs nothing; return it and what it says when it works."""
    if executable == 'camera_node':
        return start(executable, {'source': 'test_pattern', 'width': 64, 'height': 48},
                     **how), OPEN
    return start(executable, ONE_STICK, **how), READY


def stop(node):
    node.signal(signal.SIGTERM)
    assert node.wait() == 0, node.output


@pytest.mark.parametrize('executable', ['camera_node', 'detector_node'])
def test_no_module_of_the_current_folder_is_run(start, tmp_path, executable):
    trap = Trap(tmp_path, (*sys.stdlib_module_names, *OTHERS))
    node, word = start_one(start, executable, cwd=trap.folder)
    node.wait_for_line(word)
    stop(node)
    assert trap.sprung() == []


@pytest.mark.parametrize('entry', ['', '.', '../scripts'])
def test_nor_by_a_relative_entry_of_pythonpath(start, tmp_path, entry):
    trap = Trap(tmp_path, BY_CHANCE)
    paths = os.pathsep.join([entry, *filter(None, sys.path)])
    node, word = start_one(start, 'detector_node', cwd=trap.folder,
                           environment={'PYTHONPATH': paths})
    node.wait_for_line(word)
    stop(node)
    assert trap.sprung() == []


@pytest.mark.parametrize('module', [
    'simulation', 'simulation.faults', 'planning.thermal_plan', 'checking.check_sticks'])
def test_nor_by_a_command_that_is_run_as_a_module(tmp_path, module):
    # What Python itself imports, to look for a command.
    (tmp_path / 'first.py').write_text('import sys\nprint(*sys.modules)\n')
    by_itself = subprocess.run(
        [sys.executable, '-m', 'first'], cwd=tmp_path, text=True, check=True,
        stdout=subprocess.PIPE).stdout.split()
    trap = Trap(tmp_path, {*sys.stdlib_module_names, *OTHERS}.difference(by_itself))
    done = subprocess.run(
        [sys.executable, '-m', f'ncs_cluster_detector.{module}', '--help'], cwd=trap.folder,
        capture_output=True, text=True, timeout=DEADLINE_SEC,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))})
    assert (done.returncode, trap.sprung()) == (0, []), done.stderr
    assert 'usage' in done.stdout


def test_a_file_that_is_named_counts_from_the_current_folder(start, tmp_path):
    (tmp_path / 'graph').write_text('detector: shapes\n')
    node = start('detector_node', {**ONE_STICK, 'graph_paths': "['graph']"}, cwd=tmp_path)
    node.wait_for_line(READY)


@pytest.mark.parametrize('name', ['x' * 85, 'missing'])
def test_any_folder_for_temporary_files(start, tmp_path, name):
    folder = tmp_path / name
    if name != 'missing':
        folder.mkdir()
    node, word = start_one(start, 'detector_node', environment={'TMPDIR': str(folder)})
    node.wait_for_line(word)
    stop(node)


@pytest.mark.parametrize('executable', ['camera_node', 'detector_node'])
def test_a_current_folder_that_was_deleted(start, tmp_path, executable):
    gone = tmp_path / 'gone'
    gone.mkdir()
    node, word = start_one(
        start, executable, through=['bash', '-c', f'cd {gone} && rmdir {gone} && exec "$@"', '-'])
    node.wait_for_line(word)
    stop(node)
    assert len(node.output.splitlines()) == 1, node.output


@pytest.mark.parametrize('closed', ['<&-', '>&-', '2>&-', '<&- >&- 2>&-'])
def test_standard_streams_that_are_closed(probe, start, closed):
    node, _ = start_one(start, 'detector_node',
                        through=['bash', '-c', f'exec "$@" {closed}', '-'])
    probe.wait_for_running(1)
    # A socket or a worker's memory there would get whatever a library prints.
    for process in node.family():
        for number in (0, 1, 2):
            target = os.readlink(f'/proc/{process.pid}/fd/{number}')
            assert target.startswith(('/dev/', 'pipe:')), (process, number, target)
    stop(node)
    assert 'Traceback' not in node.output


@pytest.mark.parametrize('environment, words', [
    ({'HOME': '', 'ROS_LOG_DIR': '', 'ROS_HOME': ''}, 'HOME and ROS_LOG_DIR are not set'),
    ({'HOME': '/dev/null', 'ROS_LOG_DIR': '', 'ROS_HOME': ''},
     'writing log files to /dev/null/.ros/log failed (Not a directory)'),
    ({'ROS_LOG_DIR': '/proc/here'},
     'writing log files to /proc/here failed (No such file or directory)'),
    ({'ROS_LOG_DIR': '', 'ROS_HOME': '/dev/null'},
     'writing log files to /dev/null/log failed (Not a directory)')])
def test_without_a_place_for_log_files_a_node_works_and_says_so(
        start, environment, words):
    node, word = start_one(start, 'camera_node', environment=environment)
    node.wait_for_line(word)
    (warning,) = [line for line in node.output.splitlines() if '[WARN]' in line]
    assert words in warning
    assert warning.endswith('set ROS_LOG_DIR to a folder that can be written')
    assert 'rcutils' not in node.output


def test_a_log_file_is_written_where_ros_log_dir_says(start, tmp_path):
    node, word = start_one(start, 'camera_node', environment={'ROS_LOG_DIR': str(tmp_path / 'a')})
    node.wait_for_line(word)
    stop(node)
    assert any(OPEN in path.read_text() for path in (tmp_path / 'a').iterdir())


def test_a_terminal_that_is_closed_stops_the_node_and_its_workers_close_their_sticks(
        probe, start):
    ours, terminal = pty.openpty()
    attach = ('import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); '
              'os.execv(sys.argv[1], sys.argv[1:])')
    node, _ = start_one(start, 'detector_node', stdin=terminal,
                        through=[sys.executable, '-c', attach])
    os.close(terminal)
    probe.wait_for_running(1)
    family = node.family()
    os.close(ours)
    assert node.wait(5.0) == 0
    assert psutil.wait_procs(family, timeout=2.0)[1] == []
    assert complaints(node.output) == []


def test_after_nohup_a_node_outlives_its_terminal(probe, start):
    node, _ = start_one(start, 'detector_node',
                        through=['bash', '-c', 'trap "" HUP; exec "$@"', '-'])
    probe.wait_for_running(1)
    os.killpg(node.pid, signal.SIGHUP)
    probe.diagnostics.clear()
    probe.wait_for_running(1)
    stop(node)
    assert complaints(node.output) == []
