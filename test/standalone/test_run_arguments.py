# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Wrong arguments of the runner end it with one line and status 2, before anything starts."""

import caffe_networks
from made_up_run import ROOT
from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS
from ncs_cluster_detector.parameters.parameter_spec import by_name
import pytest
from runner import arguments as run_arguments
from runner import nodes
from runner import values


@pytest.mark.parametrize('arguments, parts', [
    (['--seconds', '0'], ('SECONDS=0', 'positive number')),
    (['--seconds', '-3'], ('SECONDS=-3', 'positive number')),
    (['--seconds', 'soon'], ('SECONDS=soon', 'positive number')),
    (['--seconds', 'nan'], ('SECONDS=nan', 'positive number')),
    (['--seconds', 'inf'], ('SECONDS=inf', 'positive number')),
    (['--video', 'no/such/film.mp4'], ('VIDEO=no/such/film.mp4', 'no such file')),
    (['--video', str(ROOT)], ('VIDEO=', 'it is a folder')),
    (['--video', __file__], ('VIDEO=', 'not a video')),
    (['--video', ''], ('VIDEO=', 'empty')),
    (['--out', __file__], ('OUT=', 'folder')),
    (['--out', __file__ + '/below'], ('OUT=', 'folder')),
    (['--fastdds-profile', 'my.xml'], ('FASTDDS_PROFILE=my.xml', 'must be none')),
    (['--fastdds-profile', ''], ('FASTDDS_PROFILE=:', 'must be none')),
    (['--graphs', 'people,face'], ('GRAPHS=people,face: ', 'graph face:', 'people, faces')),
    (['--graphs', 'people,'], ('GRAPHS=people,: a name is empty', 'GRAPHS=people,faces')),
    (['--graphs', ''], ('GRAPHS=: a name is empty',)),
    (['--graphs', str(ROOT)], ('GRAPHS=', 'Is a directory', 'expected a readable file')),
    (['--graphs', __file__], ('GRAPHS=', 'expected one')),
    (['--graphs', 'a\udcff'], ('GRAPHS=', 'not valid UTF-8')),
    (['--graphs', 'people,res10'], (
        'GRAPHS=people,res10: res10 needs input_scale 1, which counts for all', 'name it alone')),
    (['--graphs', 'ssdlight'], ('GRAPHS=ssdlight: ', 'no such file')),
    (['--driver', 'mvnc'], ('DRIVER=mvnc: must be simulated', '`make check-sticks`')),
    (['--driver', 'xlink'], ('DRIVER=xlink: must be simulated', '"On a robot"')),
    (['--driver', 'open vino'], ('DRIVER=open vino: must be simulated',)),
    (['--driver='], ('DRIVER=: must be simulated',)),
    (['--bogus'], ('--bogus', '--help')),
    (['--second', '5'], ('unrecognized', '--second 5', 'did you mean --seconds?')),
    (['--stick=5'], ('did you mean --sticks?',)),
    (['--sticks', '0'], ('STICKS=0', 'whole number', '1 to 64')),
    (['--sticks', '65'], ('STICKS=65', '1 to 64')),
    (['--sticks', '2.5'], ('STICKS=2.5', 'whole number')),
    (['--sticks', '1_0'], ('STICKS=1_0', 'whole number')),
    (['--sticks', '-1'], ('STICKS=-1', 'whole number')),
    (['--sticks', 'five'], ('STICKS=five', 'whole number')),
    (['--sticks='], ('STICKS=:', 'whole number')),
    (['--sticks', '9' * 5000], ('whole number',)),
    (['--cluster-size', '6'], ('CLUSTER_SIZE=6', 'STICKS=5', '0 to 5', 'STICKS=6')),
    (['--cluster-size', '3', '--sticks', '2'], ('CLUSTER_SIZE=3', 'STICKS=2', '0 to 2')),
    (['--cluster-size', '-1'], ('CLUSTER_SIZE=-1', '0 to 64')),
    (['--cluster-size', 'all'], ('CLUSTER_SIZE=all', 'whole number')),
    (['--hosts', '0'], ('HOSTS=0', 'whole number of hosts with sticks', '1 to 8', 'HOSTS=3')),
    (['--hosts', '9'], ('HOSTS=9', '1 to 8')),
    (['--hosts='], ('HOSTS=:', 'whole number')),
    (['--hosts', 'pi1'], ('HOSTS=pi1', 'whole number')),
    (['--hosts', '3', '--sticks', '22'], ('STICKS=22', 'each of 3 hosts', '1 to 21')),
    (['--hosts', '1', '--sticks', '65'], ('STICKS=65', 'each of 1 host,', '1 to 64')),
    (['--hosts', '3', '--cluster-size', '10'], (
        'CLUSTER_SIZE=10', '(HOSTS=3, STICKS=3: 9)', '0 to 9', 'STICKS=4')),
    (['--hosts', '2', '--sticks', '1', '--cluster-size', '4'], (
        '(HOSTS=2, STICKS=1: 2)', 'STICKS=2')),
    (['--host', '3'], ('did you mean --hosts?',)),
    (['--ambient', 'hot'], ('AMBIENT=hot', 'degrees Celsius', '-40 to 100')),
    (['--ambient', '100.1'], ('AMBIENT=100.1', '-40 to 100')),
    (['--ambient', 'nan'], ('AMBIENT=nan', '-40 to 100')),
    (['--ambient=-41'], ('AMBIENT=-41', '-40 to 100')),
])
def test_wrong_arguments(arguments, parts, capfd):
    """The line names the argument and the value, and says what to give instead."""
    with pytest.raises(SystemExit) as ending:
        run_arguments.parse(arguments)
    assert ending.value.code == 2
    printed = capfd.readouterr()
    assert printed.out == ''
    assert printed.err.count('\n') == 1 and printed.err.startswith('run: ')
    for part in parts:
        assert part in printed.err


@pytest.mark.parametrize('option', [
    '--video', '--graphs', '--fastdds-profile', '--seconds', '--x'])
def test_no_address_is_quoted_with_its_password(option, capfd):
    """A stream is no video file; the complaint shows which one is meant, and not how to get in."""
    for url in ('rtsp://me:Qw3rtz7@cam/x', 'rtsp://me:Qw3 rtz7/Qw3rtz7@cam', 'me:Qw3rtz7@cam',
                'http://cam/x?key=Qw3rtz7'):
        with pytest.raises(SystemExit):
            run_arguments.parse([option, url])
        printed = capfd.readouterr()
        assert 'Qw3' not in printed.err + printed.out
        assert printed.err.count('\n') == 1


def test_out_is_made(tmp_path):
    """OUT may be several folders deep; nothing is left in it by the check."""
    options = run_arguments.parse(['--out', str(tmp_path / 'a' / 'b'), '--seconds', '2.5'])
    assert options.out == tmp_path / 'a' / 'b'
    assert options.seconds == 2.5
    assert list(options.out.iterdir()) == []


def test_nothing_is_required():
    """Without arguments the run is endless, on a synthetic scene, and writes nothing."""
    assert run_arguments.parse([]) == (
        None, None, values.DEFAULT_SOURCE_FPS, None, True, 'simulated', (None, None, None), None,
        None, 2, (), ())


def test_a_damaged_network_is_refused_in_one_line(tmp_path, capfd):
    """OpenCV, which finds out, has nothing to say beside that line."""
    damaged = tmp_path / 'damaged.onnx'
    damaged.write_bytes(b'\x08\x07' + bytes(range(200)))
    with pytest.raises(SystemExit):
        run_arguments.parse(['--graphs', str(damaged)])
    printed = capfd.readouterr().err
    assert printed.count('\n') == 1 and printed.startswith(f'run: GRAPHS={damaged}: ')


def test_graphs_are_a_list_for_the_detector():
    """Spaces around the commas do not count; without graphs the detector has its default."""
    options = run_arguments.parse(['--graphs', 'people, faces'])
    assert 'graph_paths:=["people", "faces"]' in nodes.node_commands(options)['detector']
    commands = nodes.node_commands(run_arguments.parse([]))
    assert 'graph_paths' not in ' '.join(commands['detector'])


@pytest.mark.parametrize('arguments, given', [
    ([], ['cluster_size:=2']),
    (['--sticks', '1'], ['simulated.sticks:=1', 'cluster_size:=1']),
    (['--sticks', '64'], ['simulated.sticks:=64', 'cluster_size:=2']),
    (['--cluster-size', '0'], ['cluster_size:=0']),
    (['--sticks', '8', '--cluster-size', '8'], ['simulated.sticks:=8', 'cluster_size:=8']),
    (['--ambient', '-10'], ['simulated.ambient_celsius:=-10.0', 'cluster_size:=2'])])
def test_the_sticks_are_as_asked_for(arguments, given):
    """What was not given is left to the detector's parameter file; a lone stick is active."""
    command = nodes.node_commands(run_arguments.parse(arguments))['detector']
    assert sorted(word for word in command if word.startswith((
        'simulated.sticks', 'simulated.ambient', 'cluster_size'))) == sorted(given)


def test_the_rate_of_a_video_has_the_limits_of_the_camera():
    """They are written down here, because reading the camera's table would load OpenCV."""
    fps = by_name(PARAMETERS)['fps']
    assert (values.LEAST_SOURCE_FPS, values.DEFAULT_SOURCE_FPS, values.MOST_SOURCE_FPS) == (
        fps.low, fps.default, fps.high)


def test_a_network_is_found_from_the_folder_where_one_is(tmp_path, monkeypatch):
    """The nodes are started in that folder, too."""
    caffe_networks.write(tmp_path, (100, 60))
    monkeypatch.chdir(tmp_path)
    assert run_arguments.parse(['--graphs', 'red.caffemodel']).networks == (
        ['red.caffemodel'], None, None)


def test_the_profile_can_be_left_out():
    """None is the only other value: the traffic has to stay on this machine."""
    assert not run_arguments.parse(['--fastdds-profile', 'none']).with_profile


def test_nodes_get_the_parameter_files_of_a_robot(tmp_path):
    """The files come first, so that the runner's few values win; a path stays a text."""
    odd = tmp_path / 'a: [b] #1 "c".mp4'
    commands = nodes.node_commands(run_arguments.Options(None, odd, 24.0, None))
    for name in ('camera', 'detector'):
        command = commands[name]
        assert command[command.index('--params-file') + 1] == str(
            ROOT / 'config' / f'{name}.yaml')
        assert command.index('--params-file') < command.index('-p')
    escaped = str(odd).replace('"', '\\"')
    assert f'device:="{escaped}"' in commands['camera']
    assert 'driver:="simulated"' in commands['detector']


@pytest.mark.parametrize('code, words', [
    (0, 'with exit code 0'), (2, 'with exit code 2'), (-9, 'by SIGKILL'), (-77, 'by signal 77')])
def test_how_a_node_ended(code, words):
    """Exit codes and signals are told apart."""
    assert nodes.how_it_ended(code) == words
