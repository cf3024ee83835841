# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The launch files lead the nodes, and nobody else, to the transport profile of Fast DDS."""

import os
from pathlib import Path

from launch_runs import CLUSTER
from launch_runs import FILES
from launch_runs import included
from launch_runs import installed
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import NODES
from launch_runs import SIMULATED
from launch_runs import starts
import pytest

pytestmark = NEEDS_LAUNCH_ROS

VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
SHIPPED = Path(__file__).resolve().parents[2] / 'config' / 'fastdds_large_images.xml'
NETWORK = SHIPPED.with_name('fastdds_network.xml')


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    """Take away the profile that all tests have."""
    for name in VARIABLES:
        monkeypatch.delenv(name)


def profiles_of_each(*contents):
    """Return the profiles that camera and detector would have, by the name of the variable."""
    environments = {name: event.env for name, event in starts(*contents).items()}
    assert set(environments) == set(NODES)
    return [{name: environments[node][name] for name in VARIABLES if name in environments[node]}
            for node in NODES]


def profiles(*contents):
    """Return the profiles that both nodes would have, which must be the same."""
    camera, detector = profiles_of_each(*contents)
    assert camera == detector
    return camera


def installed_of_each(*contents):
    """Return the profiles of this package that camera and detector would have, one each."""
    found = profiles_of_each(*contents)
    assert [set(variables) for variables in found] == [set(VARIABLES)] * 2
    return [installed(path) for variables in found for path in set(variables.values())]


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
@pytest.mark.parametrize('namespace', ['', 'robot1'])
def test_the_shipped_one_is_the_default(file, namespace):
    found = profiles(included(file, namespace=namespace))
    assert set(found) == set(VARIABLES)
    for path in found.values():
        assert installed(path) == SHIPPED


def test_only_the_nodes_have_it():
    around = []
    assert profiles(included(SIMULATED), launch.actions.OpaqueFunction(
        function=lambda context: around.append(dict(context.environment))))
    assert around
    assert not set(VARIABLES) & {*around[0], *os.environ}


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
@pytest.mark.parametrize('name', VARIABLES)
def test_one_that_the_environment_names_wins_over_the_default(monkeypatch, file, name):
    monkeypatch.setenv(name, '/their/own.xml')
    assert profiles(included(file)) == {name: '/their/own.xml'}


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_an_environment_that_chooses_a_transport_is_left_alone(monkeypatch, said, file):
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    assert profiles(included(file)) == {}
    (line,) = said()
    assert 'because of FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA' in line
    assert set(profiles(included(file, fastdds_profile=str(SHIPPED)))) == set(VARIABLES)


@pytest.mark.parametrize('name', [
    'DEFAULT_FASTRTPS_PROFILES.xml', 'DEFAULT_FASTDDS_PROFILES.xml'])
def test_a_profile_in_the_current_folder_is_left_alone(monkeypatch, tmp_path, name):
    (tmp_path / name).write_text('<profiles/>')
    monkeypatch.chdir(tmp_path)
    assert profiles(included(CLUSTER)) == {}


def test_an_empty_variable_names_none(monkeypatch):
    monkeypatch.setenv(VARIABLES[0], '')
    assert installed(profiles(included(CLUSTER))[VARIABLES[0]]) == SHIPPED


def test_one_that_a_launch_file_around_names_wins_too():
    assert profiles(launch.actions.GroupAction([
        launch.actions.SetEnvironmentVariable(VARIABLES[0], '/their/own.xml'),
        included(SIMULATED)])) == {VARIABLES[0]: '/their/own.xml'}


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_none_leaves_it_out(file):
    assert profiles(included(file, fastdds_profile='none')) == {}


def test_none_leaves_that_of_the_environment(monkeypatch):
    monkeypatch.setenv(VARIABLES[0], '/their/own.xml')
    found = profiles(included(SIMULATED, fastdds_profile='none'))
    assert found == {VARIABLES[0]: '/their/own.xml'}


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
@pytest.mark.parametrize('text', ['{folder}/my own.xml', 'my own.xml', '~/my own.xml'])
def test_a_path_wins_over_everything(monkeypatch, tmp_path, file, text):
    (tmp_path / 'my own.xml').write_text('<profiles/>')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv(VARIABLES[0], '/their/own.xml')
    found = profiles(included(file, fastdds_profile=text.format(folder=tmp_path)))
    assert found == dict.fromkeys(VARIABLES, str(tmp_path / 'my own.xml'))


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
def test_network_is_for_the_detector_and_cameras_keep_theirs(monkeypatch, file):
    monkeypatch.setenv(VARIABLES[0], '/their/own.xml')
    assert installed_of_each(included(file, fastdds_profile='network')) == [SHIPPED, NETWORK]


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.name)
@pytest.mark.parametrize('hosts', ['pi1', '[pi1,pi2]', "['pi1', '']", '*', "['*']"])
def test_a_detector_with_remote_hosts_has_that_of_the_network(file, hosts):
    assert installed_of_each(included(file, remote_hosts=hosts)) == [SHIPPED, NETWORK]


@pytest.mark.parametrize('hosts', ["['']", '[]', '[ "" , "" ]', ''])
def test_one_without_has_that_of_one_host(hosts):
    assert installed_of_each(included(SIMULATED, remote_hosts=hosts)) == [SHIPPED, SHIPPED]


@pytest.mark.parametrize('key, hosts, argument, profile', [
    ('/robot1/detector', "['pi1']", '', NETWORK), ('/**', "['*']", '', NETWORK),
    ('/**/detector', '[a, b]', "['']", SHIPPED), ('/**', "['']", '', SHIPPED),
    ('/**', "['']", 'pi1', NETWORK), ('/robot1/camera/camera', "['pi1']", '', SHIPPED),
    ('/detector', "['pi1']", '', SHIPPED)])
def test_a_params_file_may_name_the_hosts(tmp_path, key, hosts, argument, profile):
    file = tmp_path / 'mine.yaml'
    file.write_text(f'{key}:\n  ros__parameters:\n    remote_hosts: {hosts}\n')
    assert installed_of_each(included(
        CLUSTER, namespace='robot1', params_file=str(file), remote_hosts=argument)) == [
            SHIPPED, profile]


def test_a_launch_file_around_may_name_the_hosts_for_all_nodes():
    from launch_ros.actions import SetParameter
    assert installed_of_each(launch.actions.GroupAction([
        SetParameter('remote_hosts', ['pi1']), included(SIMULATED)])) == [SHIPPED, NETWORK]


def test_with_remote_hosts_too_the_environment_and_the_argument_win(monkeypatch, said, tmp_path):
    other = tmp_path / 'other.xml'
    other.write_text('<profiles/>')
    assert profiles(included(SIMULATED, remote_hosts='*', fastdds_profile='none')) == {}
    assert profiles(included(SIMULATED, remote_hosts='*', fastdds_profile=str(other))) == (
        dict.fromkeys(VARIABLES, str(other)))
    assert said() == []
    monkeypatch.setenv('FASTDDS_BUILTIN_TRANSPORTS', 'LARGE_DATA')
    assert profiles(included(SIMULATED, remote_hosts='*')) == {}
    (line,) = said()
    assert line.startswith('transport settings stay as they are, because of FASTDDS_BUILTIN_')
