# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The launch file of the stick server: its arguments, and the node that it starts."""

from launch_runs import declared
from launch_runs import default_of
from launch_runs import FOLDER
from launch_runs import handlers
from launch_runs import included
from launch_runs import installed
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import run_to_the_end
from launch_runs import Twin
from ncs_cluster_detector.launching.arguments import machine_namespace
from ncs_cluster_detector.parameters.stick_server_parameters import PARAMETERS
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
import pytest

pytestmark = NEEDS_LAUNCH_ROS

STICK_SERVER = FOLDER / 'stick_server.launch.py'
NETWORK = FOLDER.parent / 'config' / 'fastdds_network.xml'
ARGUMENTS = {'namespace', 'params_file', 'host', 'driver', 'graph_paths', 'max_sticks',
             'diagnostics_with_namespace', 'respawn', 'log_level', 'fastdds_profile'}


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    """Take away the profile that all tests have."""
    for name in PROFILE_VARIABLES:
        monkeypatch.delenv(name)


def start_of(**arguments):
    """Return the event that would start the node; the process 'true' runs in its place."""
    code, (started,), (ended,) = run_to_the_end(
        launch.actions.SetLaunchConfiguration('launch-prefix', 'true'),
        included(STICK_SERVER, respawn='false', **arguments))
    assert (code, ended.returncode) == (0, 0)
    assert started.action.node_executable == 'stick_server'
    return started


def twin(**arguments):
    """Return the twin of the node that the arguments would make."""
    return Twin(start_of(**arguments).cmd[2:])


def profiles(**arguments):
    """Return the profiles that the node would have, by the name of the variable."""
    variables = start_of(**arguments).env
    return {name: variables[name] for name in PROFILE_VARIABLES if name in variables}


def test_every_argument_is_declared_and_described():
    arguments = declared(STICK_SERVER)
    assert set(arguments) == ARGUMENTS
    for argument in arguments.values():
        assert len(argument.description) > 40
        assert argument.description[0].isupper()
    assert {name: default_of(argument) for name, argument in arguments.items()} == (
        dict.fromkeys(ARGUMENTS, '') | {
            'respawn': 'true', 'log_level': 'info', 'namespace': machine_namespace()})


@pytest.mark.parametrize(('machine', 'namespace'), [
    ('pi2', 'pi2'), ('pi-2.local', 'pi_2'), ('2nd', '_2nd'), ('a__b', 'a_b')])
def test_the_namespace_of_a_machine_is_a_valid_one(monkeypatch, machine, namespace):
    monkeypatch.setattr('socket.gethostname', lambda: machine)
    assert machine_namespace() == namespace


@pytest.mark.parametrize(('namespace', 'name'), [
    ('', '/stick_server'), ('pi2', '/pi2/stick_server'),
    ('/robot1/pi2', '/robot1/pi2/stick_server')])
def test_without_arguments_the_parameters_are_the_defaults(namespace, name):
    node = twin(namespace=namespace)
    assert node.name == name
    assert node.parameters == {spec.name: spec.default for spec in PARAMETERS}


def test_arguments_win_over_the_params_file(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text('/robot1/stick_server:\n  ros__parameters:\n    host: from_file\n'
                    '    max_sticks: 3\n    inference_timeout_ms: 900\n')
    mine = {'namespace': 'robot1', 'params_file': str(file)}
    assert twin(**mine).parameters == {
        'host': 'from_file', 'max_sticks': 3, 'inference_timeout_ms': 900}
    assert twin(**mine, host='2', max_sticks='4', driver='simulated', graph_paths='[a, b]',
                diagnostics_with_namespace='true').parameters == {
        'host': '2', 'max_sticks': 4, 'inference_timeout_ms': 900, 'driver': 'simulated',
        'graph_paths': ['a', 'b'], 'diagnostic_updater.use_fqn': True}


def test_a_file_for_others_and_unknown_arguments_are_named(tmp_path, said):
    file = tmp_path / 'mine.yaml'
    file.write_text('/detector:\n  ros__parameters:\n    max_sticks: 3\n')
    assert twin(params_file=str(file), max_stick='3').parameters['max_sticks'] == 0
    lines = said('ncs_cluster_detector')
    name = f'/{machine_namespace()}/stick_server'
    assert [line for line in lines if f'has nothing for {name}' in line]
    assert [line for line in lines if 'did you mean max_sticks?' in line]


@pytest.mark.parametrize('word', ['', 'network'])
def test_it_has_the_profile_for_several_hosts(word):
    found = profiles(fastdds_profile=word)
    assert set(found) == set(PROFILE_VARIABLES)
    assert {installed(path) for path in found.values()} == {NETWORK}


def test_an_environment_that_chooses_is_left_alone_and_the_argument_wins(
        monkeypatch, said, tmp_path):
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    assert profiles() == {}
    (line,) = said()
    assert 'stay as they are, because of FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA' in line
    assert installed(profiles(fastdds_profile='network')[PROFILE_VARIABLES[0]]) == NETWORK
    other = tmp_path / 'other.xml'
    other.write_text('<profiles/>')
    assert profiles(fastdds_profile=str(other)) == dict.fromkeys(PROFILE_VARIABLES, str(other))


def test_none_leaves_it_out():
    assert profiles(fastdds_profile='none') == {}


@pytest.mark.parametrize('respawn', ['true', 'false'])
def test_a_server_that_cannot_start_is_not_started_again(respawn, said):
    code, started, (ended,) = run_to_the_end(included(
        STICK_SERVER, driver='simulated', graph_paths='/no/such.graph', respawn=respawn))
    assert (code, len(started), ended.returncode) == (0, 1, 2)
    assert [line for line in said() if line.endswith(' cannot start')]


def test_a_server_runs_and_says_which_transport_it_got():
    heard = []

    def stop_when_said(event):
        heard.append(event.text.decode())
        if 'transport settings for other hosts' in ''.join(heard):
            return launch.actions.Shutdown()
        return None

    code, _, (ended,) = run_to_the_end(
        launch.actions.RegisterEventHandler(handlers.OnProcessIO(
            on_stdout=stop_when_said, on_stderr=stop_when_said)),
        included(STICK_SERVER, driver='simulated', namespace='robot1/pi2'))
    assert (code, ended.returncode) == (0, 0)
    assert f'config/{NETWORK.name}' in ''.join(heard)
