# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The image's Dockerfile against the package: what it copies, builds and runs."""

import json
import os
from pathlib import Path
import re
import runpy
from xml.etree import ElementTree

import pytest
import setuptools

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ElementTree.parse(ROOT / 'package.xml')
PACKAGE = MANIFEST.findtext('name')


@pytest.fixture(scope='module')
def instructions():
    """Return the instructions of the Dockerfile as pairs of name and text."""
    text = re.sub(r'^ *#.*\n', '', (ROOT / 'docker' / 'Dockerfile').read_text(), flags=re.M)
    lines = re.sub(r'\\\n *', '', text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line]


@pytest.fixture(scope='module')
def copied(instructions):
    """Return a dictionary of what is copied: its path here, its path in the image."""
    found = {}
    for name, text in instructions:
        if name == 'COPY':
            *sources, target = text.split()
            found.update((source, target + Path(source).name if target.endswith('/') else target)
                         for source in sources)
    return found


def only(instructions, wanted):
    """Return the text of the only instruction of a kind."""
    (text,) = (text for name, text in instructions if name == wanted)
    return text


def test_the_base_is_one_release_of_ros_on_one_release_of_ubuntu(instructions):
    base = re.fullmatch(r'ros:([a-z]+)-ros-base-([a-z]+)', only(instructions, 'FROM'))
    assert base is not None
    runs = ' '.join(text for name, text in instructions if name == 'RUN')
    assert f'/opt/ros/{base[1]}/setup.sh' in runs
    assert set(re.findall(r'--rosdistro (\w+)', runs)) == {base[1]}


def test_what_is_copied_is_there_and_not_ignored(copied):
    assert all((ROOT / source).exists() for source in copied)
    rules = (ROOT / '.dockerignore').read_text().splitlines()
    assert '*' in rules
    assert {rule[1:] for rule in rules if rule.startswith('!')} == set(copied)


def test_all_that_setup_reads_is_copied_to_its_place(copied, monkeypatch):
    arguments = {}
    monkeypatch.setattr(setuptools, 'setup', arguments.update)
    monkeypatch.chdir(ROOT)
    runpy.run_path('setup.py')
    files = [file for _, files in arguments['data_files'] for file in files]
    needed = {name.partition('/')[0] for name in files}
    needed |= {name.partition('.')[0] for name in arguments['packages']}
    needed |= {'setup.py', 'setup.cfg'}
    for name in needed:
        assert copied[name] == f'src/{PACKAGE}/{name}'


def test_dependencies_are_those_of_the_manifest(instructions):
    runs = ' '.join(text for name, text in instructions if name == 'RUN')
    assert 'rosdep install' in runs
    assert not re.search(r'\b(apt-get|pip) install\b', runs)


def test_it_builds_this_package_and_runs_a_launch_file_of_it(instructions):
    runs = ' '.join(text for name, text in instructions if name == 'RUN')
    assert f'colcon build --packages-select {PACKAGE} ' in runs
    tool, verb, package, launch_file = json.loads(only(instructions, 'CMD'))
    assert (tool, verb, package) == ('ros2', 'launch', PACKAGE)
    assert (ROOT / 'launch' / launch_file).is_file()


def test_it_starts_by_its_entrypoint_as_an_ordinary_user(instructions, copied):
    assert json.loads(only(instructions, 'ENTRYPOINT')) == [copied['docker/entrypoint.sh']]
    assert os.access(ROOT / 'docker' / 'entrypoint.sh', os.X_OK)
    assert int(only(instructions, 'USER')) > 0
    names = [name for name, _ in instructions]
    assert names.index('USER') > len(names) - 1 - names[::-1].index('RUN')


def test_it_stops_as_ros2_launch_does(instructions):
    assert only(instructions, 'STOPSIGNAL') == 'SIGINT'
