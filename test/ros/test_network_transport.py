# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Nodes that work with other hosts get the profile for several hosts; nobody else does."""

from itertools import permutations
import os
from pathlib import Path
import shutil
import subprocess
import sys

from ncs_cluster_detector.ros import network_transport
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
from ncs_cluster_detector.ros.network_transport import names_remote_hosts
from ncs_cluster_detector.ros.network_transport import use_network_profile
from node_harness import NodeProcess
from node_harness import overrides
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / 'config' / 'fastdds_network.xml'
BUILTIN = 'FASTDDS_BUILTIN_TRANSPORTS'
OURS = f'transport settings for other hosts: {PROFILE}'
KEYS = ('/**', '/detector', '/**/detector', '/front/detector', 'camera')
LISTS = ("['a', 'b']", "['']")


@pytest.fixture
def environment(monkeypatch):
    """Return the variables of a process for which nothing is chosen."""
    variables = {name: value for name, value in os.environ.items()
                 if name not in (*PROFILE_VARIABLES, BUILTIN, 'RMW_IMPLEMENTATION')}
    monkeypatch.setattr(os, 'environ', variables)
    return variables


def chosen(environment):
    """Return the profiles that variables name."""
    return {environment[name] for name in PROFILE_VARIABLES if name in environment}


@pytest.mark.parametrize('middleware', ['', 'rmw_fastrtps_cpp', 'rmw_fastrtps_dynamic_cpp'])
def test_fast_dds_gets_the_profile(environment, middleware):
    environment['RMW_IMPLEMENTATION'] = middleware
    assert use_network_profile() == OURS
    assert [environment[name] for name in PROFILE_VARIABLES] == [str(PROFILE)] * 2


@pytest.mark.parametrize('name, value', [
    (PROFILE_VARIABLES[0], '/their/own.xml'), (PROFILE_VARIABLES[1], '/their/own.xml'),
    (BUILTIN, 'LARGE_DATA'), ('RMW_IMPLEMENTATION', 'rmw_zenoh_cpp')])
def test_an_environment_that_chooses_is_left_alone_and_named(environment, name, value):
    environment[name] = value
    before = dict(environment)
    line = use_network_profile()
    assert line.startswith(f'no transport settings for other hosts, because of {name}={value}')
    assert line.endswith('see docs/transport.md')
    assert environment == before


@pytest.mark.parametrize('name', [
    'DEFAULT_FASTRTPS_PROFILES.xml', 'DEFAULT_FASTDDS_PROFILES.xml'])
def test_so_is_a_profile_in_the_current_folder(environment, monkeypatch, tmp_path, name):
    (tmp_path / name).write_text('<profiles/>')
    monkeypatch.chdir(tmp_path)
    assert f'because of {name} in the current folder' in use_network_profile()
    assert chosen(environment) == set()


def test_a_launch_file_that_chose_the_same_is_no_obstacle(environment):
    environment[PROFILE_VARIABLES[0]] = str(PROFILE)
    assert use_network_profile() == (
        f'transport settings for other hosts: {PROFILE_VARIABLES[0]}={PROFILE}')


def install(prefix):
    """Put the profile where colcon and pip install it; return its path."""
    path = prefix / 'share' / 'ncs_cluster_detector' / 'config' / PROFILE.name
    path.parent.mkdir(parents=True)
    shutil.copy(PROFILE, path)
    return path


def test_an_installed_package_finds_it_in_its_share_folder(environment, monkeypatch, tmp_path):
    module = tmp_path / 'lib' / 'ncs_cluster_detector' / 'ros' / 'network_transport.py'
    monkeypatch.setattr(network_transport, '__file__', str(module))
    monkeypatch.setattr(sys, 'prefix', str(tmp_path / 'python'))
    environment['AMENT_PREFIX_PATH'] = ''
    assert 'config/fastdds_network.xml of ncs_cluster_detector is missing' in (
        use_network_profile())
    assert chosen(environment) == set()
    for prefix in ('python', 'second', 'first'):
        path = install(tmp_path / prefix)
        environment['AMENT_PREFIX_PATH'] = os.pathsep.join(
            str(tmp_path / name) for name in ('no', 'first', 'second'))
        assert str(path) in use_network_profile()
        assert chosen(environment) == {str(path)}
        for name in PROFILE_VARIABLES:
            del environment[name]


def given_hosts(tmp_path):
    """Return the words that give the node, and others, a list of hosts, in all ways."""
    words = [['-p', f'{node}remote_hosts:={hosts}'] for node in ('', 'detector:')
             for hosts in LISTS]
    for number, (key, hosts) in enumerate((key, hosts) for key in KEYS for hosts in LISTS):
        path = tmp_path / f'{number}.yaml'
        path.write_text(f'{key}:\n  ros__parameters:\n    remote_hosts: {hosts}\n')
        words.append(['--params-file', str(path)])
    return words


@pytest.mark.parametrize('namespace', ['/', '/front'])
def test_the_node_has_remote_hosts_when_rcl_gives_it_some(tmp_path, namespace):
    ways = given_hosts(tmp_path)
    several = [*list(permutations(ways, 2))[::3], *list(permutations(ways, 3))[::53]]
    found = set()
    for words in ([], *ways, *(sum(some, []) for some in several)):
        words = ['node', '--ros-args', *words]
        expected = any(overrides(words, namespace).get('remote_hosts', ()))
        naming = [] if namespace == '/' else ['-r', f'__ns:={namespace}']
        assert names_remote_hosts([*words, *naming]) == expected, words
        found.add(expected)
    assert found == {True, False}


@pytest.mark.parametrize('naming, reached', [
    (['-r', '__node:=eye'], '/eye'), (['-r', '__name:=eye', '-r', '__ns:=/a/b'], '/a/b/eye'),
    (['--remap', 'detector:__ns:=/a'], '/a/detector'), (['-r', 'image_raw:=/x'], '/detector')])
def test_the_node_may_be_renamed(tmp_path, naming, reached):
    path = tmp_path / 'given.yaml'
    words = ['node', '--ros-args', '--params-file', str(path), *naming]
    for key in ('/eye', '/a/b/eye', '/a/detector', '/detector'):
        path.write_text(f'{key}: {{ros__parameters: {{remote_hosts: [a]}}}}\n')
        assert names_remote_hosts(words) == (key == reached)


@pytest.mark.parametrize('words', [
    ['-p', 'remote_hosts:=[]'], ['-p', 'remote_hosts:=["", ""]'], ['-p', 'remote_encoding:=raw'],
    ['--params-file', '/no/such.yaml'], ['--params-file'], []])
def test_what_names_no_host_changes_nothing(words):
    assert not names_remote_hosts(['node', '--ros-args', *words])
    assert not names_remote_hosts(['node', '-p', 'remote_hosts:=[a]'])


@pytest.mark.parametrize('hosts', ['[a]', "['*']", '["", b]', "['a b']"])
def test_any_name_counts(hosts):
    assert names_remote_hosts(['node', '--ros-args', '-p', f'remote_hosts:={hosts}'])


def test_it_is_decided_before_ros_is_loaded(environment):
    program = (
        'import sys; from ncs_cluster_detector.ros.network_transport import *; '
        'use_network_profile(); names_remote_hosts(sys.argv); print("rclpy" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', program], env=environment, cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, check=True)
    assert done.stdout.strip() == 'False'


@pytest.mark.parametrize('hosts, says', [("['elsewhere']", True), ("['']", False)])
def test_a_detector_with_remote_hosts_says_what_it_got(hosts, says):
    process = NodeProcess('detector_node', {
        'driver': 'simulated', 'simulated.sticks': '1', 'remote_hosts': hosts})
    try:
        process.wait_for_line('stick 0')
    finally:
        process.end()
    assert ('no transport settings for other hosts, because of FASTRTPS_DEFAULT_PROFILES_FILE='
            in process.output) == says
