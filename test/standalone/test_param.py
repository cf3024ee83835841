# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters of a run as a second terminal sees and sets them."""

import contextlib
import os
import re
import signal
import subprocess
import sys

from made_up_run import ROOT
from ncs_cluster_detector.checking.environment import claim_domain
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
from node_harness import NodeProcess
import pytest
from runner import finder
from runner import nodes
from runner import param

START_PATIENCE_SEC = 60.0
# Beside it other tests may run nodes of the same program, so each test names its own by --pid.
DETECTOR = nodes.EXECUTABLES / 'detector_node'
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not DETECTOR.exists(), reason='no standalone environment'),
]


@pytest.fixture
def stand_in(tmp_path):
    """Return a function that starts a program that waits; its path is ``stand_in.path``."""
    path = tmp_path / 'detector_node'
    path.write_text("print('ready', flush=True)\ninput()\n")
    with contextlib.ExitStack() as stack:
        def start(script=path, **variables):
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, str(script)], cwd=tmp_path, env={**os.environ, **variables},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout.readline() == 'ready\n'
            return process.pid

        start.path = path
        yield start


def test_it_starts_without_numpy_which_takes_longer_than_all_else():
    subprocess.run(
        [sys.executable, '-c', 'import runner.param, sys; sys.exit("numpy" in sys.modules)'],
        cwd=ROOT / 'standalone', check=True, timeout=60)


def test_runs_are_found_by_their_program(stand_in, tmp_path):
    """Those of this very file, the newest first, each with its environment; no namesake."""
    namesake = tmp_path / 'other' / 'detector_node'
    namesake.parent.mkdir()
    namesake.write_text(stand_in.path.read_text())
    first = stand_in(ROS_DOMAIN_ID='7')
    stand_in(namesake)
    second = stand_in('detector_node', ROS_DOMAIN_ID='8')   # relative, as from a shell
    found = finder.find_runs(stand_in.path)
    assert [(run.pid, run.environment['ROS_DOMAIN_ID']) for run in found] == [
        (second, '8'), (first, '7')]


def test_the_newest_of_several_runs_is_chosen_and_named(capsys):
    """The line names the others, too, and how to choose one; a single run needs no word."""
    runs = [finder.FoundRun(pid, 10 - pid, {}) for pid in (3, 4, 5)]
    assert finder.choose_run(runs[:1], None) is runs[0]
    assert finder.choose_run(runs, 4) is runs[1]
    assert capsys.readouterr().err == ''
    assert finder.choose_run(runs, None) is runs[0]
    said = capsys.readouterr().err
    assert 'detector node 3' in said and '--pid' in said and '4, 5' in said
    assert said.count('\n') == 1
    with pytest.raises(finder.Failure, match='--pid 6: .*3, 4, 5'):
        finder.choose_run(runs, 6)


def test_the_environment_is_that_of_the_run_but_never_leaves_the_machine(monkeypatch):
    """Its domain and its transport profile, and loopback whatever either side has."""
    monkeypatch.setenv('ROS_DOMAIN_ID', '64')
    monkeypatch.setenv('ROS_STATIC_PEERS', '192.0.2.1')
    run = finder.FoundRun(1, 1, {
        'ROS_DOMAIN_ID': '9', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
        'FASTRTPS_DEFAULT_PROFILES_FILE': '/a/profile.xml'})
    environment = finder.environment_of(run)
    assert environment['ROS_DOMAIN_ID'] == '9'
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 'ROS_STATIC_PEERS' not in environment
    for name in PROFILE_VARIABLES:
        assert environment[name] == '/a/profile.xml'
    without = finder.environment_of(finder.FoundRun(1, 1, {}))
    assert without['ROS_DOMAIN_ID'] == '0'
    assert not set(PROFILE_VARIABLES) & set(without)


@pytest.mark.parametrize('arguments', [
    ['frobnicate'], ['get'], ['describe'], ['set', 'a'], ['get', 'a', 'b'], ['--pid', 'x'],
    ['get', 'a\udcff'], ['get', '/front/camera'], ['describe', '/front/camera'],
    ['set', '/front/camera', 'loop'], ['get', '/front/camera', 'loop', 'false']])
def test_wrong_usage(arguments, capfd):
    """Status 2 and one line, without a look for runs."""
    with pytest.raises(SystemExit) as ending:
        param.main(arguments)
    assert ending.value.code == 2
    printed = capfd.readouterr()
    assert printed.out == '' and printed.err.count('\n') == 1
    assert printed.err.startswith('param: ')


@pytest.mark.parametrize('arguments, node, name, value', [
    ('get loop', None, 'loop', None), ('get /front/camera loop', '/front/camera', 'loop', None),
    ('describe front/camera loop', 'front/camera', 'loop', None),
    ('set loop false', None, 'loop', ['false']),
    ('set /front/camera loop false', '/front/camera', 'loop', ['false']),
    ('set class_filter [person, car]', None, 'class_filter', ['[person,', 'car]']),
    ('set class_filter [person, car, dog]', None, 'class_filter', ['[person,', 'car,', 'dog]']),
    ('set /detector class_filter [person, car]', '/detector', 'class_filter',
     ['[person,', 'car]']),
    ('set device /dev/video0', None, 'device', ['/dev/video0']),
    ('set device /my file', None, 'device', ['/my', 'file'])])
def test_a_first_word_with_a_slash_is_the_node(arguments, node, name, value):
    given = param.parse(arguments.split())
    assert (given.node, given.name, vars(given).get('value')) == (node, name, value)


@pytest.mark.parametrize('arguments', [[], ['get', 'cluster_size'], ['set', 'cluster_size', '3']])
def test_without_a_run(arguments, capfd, tmp_path):
    """Status 1 and one line that says how to start one."""
    assert param.main(arguments, tmp_path / 'detector_node') == 1
    printed = capfd.readouterr()
    assert printed.out == '' and printed.err.count('\n') == 1
    assert 'no run is going on; start `make run` in another terminal' in printed.err


@pytest.mark.parametrize('text, expected', [
    ('3', 3), ('-3', -3), ('60.5', 60.5), ('true', True), ('coolest', 'coolest'), ("'3'", '3'),
    ('[person, car]', ['person', 'car']), ('[]', []),
    ('', ''), ('{a: b}', '{a: b}'), ('[a', '[a'), ("it's: 'so", "it's: 'so"), ('[1, a]', '[1, a]'),
    ('2024-01-01', '2024-01-01'), ('9' * 30, '9' * 30), (f'[{"9" * 30}]', f'[{"9" * 30}]')])
def test_values_are_yaml(text, expected):
    """What is no value of a parameter arrives as a text, for the node to refuse it."""
    from rclpy.parameter import parameter_value_to_python
    from rclpy.serialization import serialize_message
    value = param.value_in(text)
    serialize_message(value)
    assert parameter_value_to_python(value) == expected


def test_a_description_has_all_that_the_node_tells():
    """Type, meaning, limits or choices, live or not, and the value."""
    from rcl_interfaces.msg import FloatingPointRange
    from rcl_interfaces.msg import ParameterDescriptor
    limited = ParameterDescriptor(
        name='warmth', type=3, description='How warm.', floating_point_range=[
            FloatingPointRange(from_value=20.0, to_value=95.0)])
    assert param.description('detector', limited, param.value_in('65.0')) == [
        'Parameter name: warmth', '  Node: detector', '  Type: double',
        '  Description: How warm.', '  Constraints: 20.0 to 95.0', '  Live: yes', '  Value: 65.0']
    chosen = ParameterDescriptor(
        name='driver', type=4, additional_constraints='one of a, b', read_only=True)
    lines = param.description('detector', chosen, param.value_in(''))
    assert {'  Constraints: one of a, b', '  Live: no, read only', "  Value: ''"} <= set(lines)
    assert param.table('detector', [(limited, param.value_in('true')), (
        chosen, param.value_in('a'))]) == ['detector:', '  * warmth  true', '    driver  a']


@pytest.fixture(scope='module')
def detector():
    """Start the nodes of a run, small ones; return the process id of the detector."""
    camera = NodeProcess(nodes.EXECUTABLES / 'camera_node', {
        'source': 'test_pattern', 'width': 64, 'height': 48, 'fps': 1.0})
    detector = NodeProcess(DETECTOR, {
        'driver': 'simulated', 'simulated.sticks': 3, 'cluster_size': 2,
        'graph_paths': "['people', 'faces']"})
    camera.wait_for_line('is open')
    detector.wait_for_line('is ready')
    yield detector.pid
    for node in (detector, camera):
        node.end()


@pytest.fixture
def ask(detector, monkeypatch, capfd):
    """Return a function that does what the program does; it returns code, stdout and stderr."""
    def main(*arguments):
        capfd.readouterr()
        handlers = {number: signal.getsignal(number) for number in stop_signals()}
        try:
            with monkeypatch.context() as patch:
                patch.setattr(os, 'environ', os.environ.copy())
                code = param.main(['--pid', str(detector), *arguments])
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        # Fast DDS says so when another ROS program of the machine takes the same port just now.
        printed, complaints = (''.join(
            line for line in text.splitlines(keepends=True) if 'RTPS_TRANSPORT_SHM' not in line)
            for text in capfd.readouterr())
        return code, printed, complaints
    return main


def test_the_list_shows_both_nodes(detector):
    """Every parameter with its value, the live ones with a star."""
    done = subprocess.run(
        [sys.executable, str(ROOT / 'standalone' / 'param.py'), '--pid', str(detector)],
        capture_output=True, text=True, timeout=START_PATIENCE_SEC)
    code, listed, complaints = done.returncode, done.stdout, done.stderr
    assert (code, complaints) == (0, '')
    detector, _, camera = listed.partition('camera:\n')
    assert re.search(r'^  \* min_dwell_ms +2000$', detector, re.M)
    assert re.search('^    graph_paths +' + re.escape("['people', 'faces']") + '$', detector, re.M)
    assert re.search(r'^  \* loop +true$', camera, re.M)
    assert re.search(r'^    source +test_pattern$', camera, re.M)
    assert camera.endswith('* live: can be set while the node runs\n')


def test_a_parameter_is_described_by_its_node(ask):
    """Of the camera, too, without saying that it is the camera's."""
    code, printed, complaints = ask('describe', 'switch_temperature')
    assert (code, complaints) == (0, '')
    assert 'Type: double' in printed and 'Constraints: 20.0 to 95.0' in printed
    assert 'is relieved' in printed and 'Live: yes' in printed
    code, printed, _ = ask('describe', 'source')
    assert code == 0 and 'Node: camera' in printed and 'Live: no' in printed


def test_a_live_change_shows(ask):
    """What was set is there for whoever asks afterwards, of either node."""
    assert ask('get', 'cluster_size') == (0, 'Integer value is: 2\n', '')
    assert ask('set', 'cluster_size', '3') == (0, 'Set parameter successful\n', '')
    assert ask('get', 'cluster_size') == (0, 'Integer value is: 3\n', '')
    assert ask('set', 'class_filter', '[person,', 'face]')[0] == 0
    assert ask('get', 'class_filter')[1] == "String values are: ['person', 'face']\n"
    assert ask('set', 'loop', 'false')[0] == 0
    assert ask('get', 'loop')[1] == 'Boolean value is: false\n'


def test_the_node_may_be_named_where_one_camera_has_no_name(ask):
    assert ask('get', '/camera', 'loop')[1].startswith('Boolean value is: ')
    assert ask('set', '/detector', 'cluster_size', '2')[0] == 0
    code, _, complaint = ask('get', '/front/camera', 'loop')
    assert (code, complaint) == (
        1, 'param: /front/camera: no such node; use one of /detector, /camera\n')
    assert 'no such parameter' in ask('get', '/camera', 'cluster_size')[2]


@pytest.mark.parametrize('name, value, reason', [
    ('switch_temperature', '150', 'must be a number, 20.0 to 95.0'),
    ('score_threshold', 'high', 'must be a number, 0.0 to 1.0'),
    ('max_frame_age_ms', '9' * 30, 'must be a whole number'),
    ('class_filter', '[persn]', "did you mean 'person'?"),
    ('driver', 'mvnc', 'cannot change while the node runs'),
    ('switch_temprature', '50', 'no such parameter; did you mean switch_temperature?')])
def test_a_refusal_has_the_reason(ask, name, value, reason):
    """Status 1 and one line with the node's own reason; nothing has changed."""
    before = ask()[1]
    code, printed, complaints = ask('set', name, value)
    assert (code, printed) == (1, '')
    assert complaints.startswith(f'Setting parameter failed: {name}')
    assert reason in complaints and complaints.count('\n') == 1
    assert ask()[1] == before


@pytest.mark.parametrize('name, hint', [
    ('cluster_sise', 'did you mean cluster_size?'), ('lop', 'did you mean loop?'),
    ('xyzzy', '`make param` lists them')])
def test_a_typo_is_named(ask, name, hint):
    """Whichever node the parameter that was meant belongs to."""
    for command in ('get', 'describe'):
        assert ask(command, name) == (1, '', f'param: {name}: no such parameter; {hint}\n')


@contextlib.contextmanager
def nodes_in_own_domain():
    """Yield a function that starts a node of a run whose nodes no other run of a test sees."""
    domain = {'ROS_DOMAIN_ID': str(claim_domain(os.getpid()))}
    with contextlib.ExitStack() as stack:
        def start(*arguments, **more):
            node = NodeProcess(*arguments, environment=domain, **more)
            stack.callback(node.end)
            return node

        yield start


@pytest.fixture(scope='module')
def two_cameras():
    """Start the nodes of a run with two cameras, in a domain of its own; return a process id."""
    with nodes_in_own_domain() as start:
        cameras = [start(nodes.EXECUTABLES / 'camera_node', {
            'source': 'test_pattern', 'width': 64, 'height': 48, 'fps': 1.0},
            remappings={'__ns': f'/{name}'}) for name in ('front', 'rear')]
        detector = start(DETECTOR, {
            'driver': 'simulated', 'simulated.sticks': 1, 'graph_paths': "['shapes']",
            'cameras': "['front', 'rear']"})
        for camera in cameras:
            camera.wait_for_line('is open')
        detector.wait_for_line('is ready')
        yield detector.pid


def asked_from(pid):
    """Return a function as ``ask``, for the run with this detector, which runs the program."""
    def ask(*arguments):
        done = subprocess.run(
            [sys.executable, str(ROOT / 'standalone' / 'param.py'), '--pid', str(pid),
             *arguments], capture_output=True, text=True, timeout=START_PATIENCE_SEC)
        return done.returncode, done.stdout, done.stderr
    return ask


@pytest.fixture
def ask_two(two_cameras):
    """Return a function as ``ask``, for a run with two cameras."""
    return asked_from(two_cameras)


def test_a_parameter_of_one_of_several_cameras_is_set(ask_two):
    """The list shows that it is that camera's alone; without a camera it is nobody's."""
    assert ask_two('set', '/front/camera', 'loop', 'false') == (
        0, 'Set parameter successful\n', '')
    _, listed, _ = ask_two()
    assert re.findall(r'^(\S*camera|detector):$|^  \* loop +(\w+)$', listed, re.M) == [
        ('detector', ''), ('front/camera', ''), ('', 'false'), ('rear/camera', ''), ('', 'true')]
    assert ask_two('set', 'loop', 'true') == (
        1, '', 'Setting parameter failed: loop: 2 cameras have it; put one of /front/camera, '
        '/rear/camera before it, such as /front/camera loop\n')
    assert ask_two('get', 'diagnostic_updater.use_fqn')[1] == 'Boolean value is: false\n'


def test_the_stick_servers_of_several_hosts_are_asked_by_name():
    """The detector is found as ever, and what only it has needs no name."""
    with nodes_in_own_domain() as start:
        camera = start(nodes.EXECUTABLES / 'camera_node', {
            'source': 'test_pattern', 'width': 64, 'height': 48, 'fps': 1.0})
        sticks = {'driver': 'simulated', 'graph_paths': "['shapes']"}
        servers = [start(nodes.EXECUTABLES / 'stick_server', {
            **sticks, 'simulated.sticks': 1}, remappings={'__ns': f'/{name}'})
            for name in ('pi1', 'pi2')]
        detector = start(DETECTOR, {
            **sticks, 'local_sticks': False, 'remote_hosts': "['pi1', 'pi2']"})
        camera.wait_for_line('is open')
        for server in servers:
            server.wait_for_line('offers its sticks')
        detector.wait_for_line('is ready')
        ask = asked_from(detector.pid)
        assert ask('set', 'cluster_size', '1') == (0, 'Set parameter successful\n', '')
        assert ask('get', '/pi2/stick_server', 'simulated.sticks')[1] == 'Integer value is: 1\n'
        assert ask('get', 'host') == (
            1, '', 'param: host: 2 stick servers have it; put one of /pi1/stick_server, '
            '/pi2/stick_server before it, such as /pi1/stick_server host\n')
        _, listed, _ = ask()
        assert re.findall(r'^(\S+):$|^    local_sticks +(\w+)$', listed, re.M) == [
            ('detector', ''), ('', 'false'), ('camera', ''), ('pi1/stick_server', ''),
            ('pi2/stick_server', '')]
